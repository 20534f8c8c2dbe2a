//! ACME certificates (RFC 8555), validated by TLS-ALPN (RFC 8737) on the listeners themselves, stored in the data
//! folder, and renewed after two thirds of their lifetime.

use crate::{
    config::Acme,
    tls::{Certificates, read},
};
use anyhow::{Context, bail};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount,
    NewOrder, OrderStatus, RetryPolicy,
};
use keydesk_node::system;
use keydesk_store::files;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The interval between checks whether the certificate is due for renewal.
const LOOK: Duration = Duration::from_hours(6);
/// The first pause after a failure, which doubles up to `LOOK`.
const PAUSE: Duration = Duration::from_mins(1);

/// Serves the stored certificate, if any, and keeps it current in the background.
pub fn start(acme: Acme, data: &Path, certificates: Arc<Certificates>) -> anyhow::Result<()> {
    let folder = data.join("acme");
    files::make_folder(&folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let kept = Kept { folder };
    if kept.certificate().exists() {
        certificates.show(read(&kept.certificate(), &kept.key())?);
    }
    tokio::spawn(keep_current(acme, kept, certificates));
    Ok(())
}

/// The ACME account and certificate files that persist across restarts.
struct Kept {
    folder: PathBuf,
}

impl Kept {
    fn account(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Returns whether there is no certificate, two thirds of its lifetime are over, or it is for other names.
    fn is_due(&self, domains: &[String]) -> bool {
        let Ok(der) = CertificateDer::from_pem_file(self.certificate()) else { return true };
        let Ok((_, certificate)) = X509Certificate::from_der(&der) else { return true };
        let names = certificate.subject_alternative_name().ok().flatten();
        let covers = |domain: &String| {
            names.as_ref().is_some_and(|names| {
                names.value.general_names.iter().any(|name| name.to_string().contains(domain))
            })
        };
        let (from, to) = (
            certificate.validity().not_before.timestamp(),
            certificate.validity().not_after.timestamp(),
        );
        let now = system::clock().now().as_micros().div_euclid(1_000_000);
        !domains.iter().all(covers) || now >= from + (to - from) * 2 / 3
    }
}

/// Writes a file that only its owner can read, and that is either complete or absent.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = files::replace(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path).with_context(|| format!("{} cannot be written", path.display()))
}

async fn keep_current(acme: Acme, kept: Kept, certificates: Arc<Certificates>) {
    let mut pause = PAUSE;
    loop {
        if kept.is_due(&acme.domains) {
            match obtain(&acme, &kept, &certificates).await {
                Ok(()) => {
                    pause = PAUSE;
                    tracing::info!(domains = ?acme.domains, "installed a new certificate");
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, ?pause, "failed to obtain a certificate; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LOOK);
                    continue;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn account(acme: &Acme, kept: &Kept) -> anyhow::Result<Account> {
    let builder = || match &acme.ca_file {
        Some(ca) => Account::builder_with_root(ca),
        None => Account::builder(),
    };
    if let Ok(text) = fs::read_to_string(kept.account()) {
        let credentials: AccountCredentials = serde_json::from_str(&text)?;
        return Ok(builder()?.from_credentials(credentials).await?);
    }
    let contact: Vec<&str> = acme.contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = builder()?.create(&new, acme.directory.clone(), None).await?;
    write(&kept.account(), &serde_json::to_string(&credentials)?)?;
    Ok(account)
}

async fn obtain(acme: &Acme, kept: &Kept, certificates: &Certificates) -> anyhow::Result<()> {
    let account = account(acme, kept).await.context("the ACME account")?;
    let names: Vec<Identifier> = acme.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await.context("the ACME order")?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            status => bail!("an authorization is {status:?}"),
        }
        let mut challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .context("the ACME server offers no tls-alpn-01")?;
        let domain = challenge.identifier().to_string();
        let proof =
            challenge_certificate(&domain, challenge.key_authorization().digest().as_ref())?;
        certificates.prove(&domain, proof);
        challenge.set_ready().await?;
    }
    let ready = order.poll_ready(&RetryPolicy::default()).await?;
    certificates.prove_nothing();
    if ready != OrderStatus::Ready {
        let why = order.state().error.as_ref().map(ToString::to_string).unwrap_or_default();
        bail!("the order is {ready:?}; can the ACME server reach this machine on port 443? {why}");
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(acme.domains.clone())?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&RetryPolicy::default()).await?;
    write(&kept.key(), &key.serialize_pem())?;
    write(&kept.certificate(), &chain)?;
    certificates.show(read(&kept.certificate(), &kept.key())?);
    Ok(())
}

/// Returns the certificate of RFC 8737 section 3 for a domain, with the digest of the key authorization.
fn challenge_certificate(domain: &str, digest: &[u8]) -> anyhow::Result<CertifiedKey> {
    let mut params = CertificateParams::new(vec![domain.to_owned()])?;
    if digest.len() != 32 {
        bail!("the key authorization's digest is no SHA-256");
    }
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    // Not checked against the key like other certificates, because its critical extension is unknown to the parser.
    let signer = rustls::crypto::ring::sign::any_supported_type(&secret)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signer))
}
