//! Connections to an upstream's servers. Over TLS, the certificate is always verified.

use super::{
    endpoint::{Endpoint, Route, Server},
    error::UpstreamError,
};
use crate::{io::Io, observe::Reason};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The TLS configuration for one upstream.
pub(crate) struct TlsTo {
    connector: TlsConnector,
    names: Vec<ServerName<'static>>,
}

impl std::fmt::Debug for TlsTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsTo({:?})", self.names)
    }
}

impl TlsTo {
    /// Trusts the authorities in `ca_pem`, or otherwise the public ones.
    pub fn new(servers: &[Server], ca_pem: Option<&[u8]>) -> Result<Self, UpstreamError> {
        let mut roots = RootCertStore::empty();
        match ca_pem {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate
                        .map_err(|error| UpstreamError::Authorities(error.to_string()))?;
                    roots.add(certificate)?;
                }
                if roots.is_empty() {
                    return Err(UpstreamError::Authorities("there is none in the file".to_owned()));
                }
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let names: Result<Vec<_>, _> =
            servers.iter().map(|server| ServerName::try_from(server.host.clone())).collect();
        let names = names.map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), names })
    }
}

/// Connects to a server. The error includes its reason.
pub(super) async fn connect(route: &Route, endpoint: &Endpoint) -> Result<Io, (Reason, io::Error)> {
    #[cfg(feature = "probe")]
    if let Some(stream) = crate::io::to_probe() {
        return Ok(Io::Memory(stream));
    }
    let rejected = |error| (Reason::ConnectionRefused, error);
    let stream = TcpStream::connect(endpoint.addr).await.map_err(rejected)?;
    stream.set_nodelay(true).map_err(rejected)?;
    let Some(tls) = &route.tls else { return Ok(Io::Tcp(stream)) };
    let name = tls.names.get(endpoint.server).cloned();
    let is_tls = |error| (Reason::TlsError, error);
    let name = name.ok_or_else(|| is_tls(io::Error::other("a server has no name")))?;
    let stream = tls.connector.connect(name, stream).await.map_err(is_tls)?;
    Ok(Io::ToUpstream(Box::new(stream)))
}
