//! The TLS certificate of both listeners, which is reloaded when its files change, without interrupting connections.

use crate::config::Tls;
use anyhow::{Context, bail};
use arc_swap::ArcSwapOption;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// The interval at which files are checked for changes.
const LOOK: Duration = Duration::from_secs(1);

/// The current certificates.
#[derive(Debug, Default)]
pub struct Certificates {
    current: ArcSwapOption<CertifiedKey>,
    /// The certificates for ACME challenges by domain, during validation.
    proofs: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub fn show(&self, key: CertifiedKey) {
        self.current.store(Some(Arc::new(key)));
    }

    pub fn prove(&self, domain: &str, proof: CertifiedKey) {
        self.proofs().insert(domain.to_ascii_lowercase(), Arc::new(proof));
    }

    pub fn prove_nothing(&self) {
        self.proofs().clear();
    }

    fn proofs(&self) -> MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ALPN protocol of ACME validation (RFC 8737).
const ACME_ALPN: &[u8] = b"acme-tls/1";

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_acme = hello.alpn().is_some_and(|mut alpn| alpn.any(|name| name == ACME_ALPN));
        if is_acme {
            let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
            return self.proofs().get(&name).cloned();
        }
        self.current.load_full()
    }
}

/// Returns the configuration for TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1.
fn server_config(certificates: Arc<Certificates>) -> anyhow::Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ACME_ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// Loads the configured certificate, and watches its files for changes.
pub fn start(tls: &Tls, data: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let certificates = Arc::<Certificates>::default();
    match tls {
        Tls::Files { certificate, key } => {
            certificates.show(read(certificate, key)?);
            let changed = (changed_at(certificate), changed_at(key));
            let files = (certificate.clone(), key.clone());
            tokio::spawn(watch(Arc::clone(&certificates), files, changed));
        }
        Tls::Acme(acme) => crate::acme::start(acme.clone(), data, Arc::clone(&certificates))?,
    }
    server_config(certificates)
}

/// Reads a PEM chain, leaf first, and its key.
pub fn read(certificate: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .with_context(|| format!("tls.certificate {} cannot be read", certificate.display()))?
        .collect();
    let chain = chain
        .with_context(|| format!("tls.certificate {} is no PEM file", certificate.display()))?;
    if chain.is_empty() {
        bail!("tls.certificate {} holds no certificate", certificate.display());
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("tls.key {} is no private key in PEM", key.display()))?;
    CertifiedKey::from_der(chain, secret, &ring::default_provider()).with_context(|| {
        format!("tls: {} does not belong to {}", key.display(), certificate.display())
    })
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

async fn watch(
    certificates: Arc<Certificates>,
    (certificate, key): (PathBuf, PathBuf),
    mut known: (Option<SystemTime>, Option<SystemTime>),
) {
    loop {
        tokio::time::sleep(LOOK).await;
        let now = (changed_at(&certificate), changed_at(&key));
        if now == known {
            continue;
        }
        match read(&certificate, &key) {
            Ok(next) => {
                certificates.show(next);
                known = now;
                tracing::info!(certificate = %certificate.display(), "installed the new certificate");
            }
            // Certificate and key are often written one after the other, so try again.
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(
                    error,
                    "failed to read the new certificate; still using the old one"
                );
            }
        }
    }
}
