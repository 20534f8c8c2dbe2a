//! Requests to other servers: no redirects are followed, and time and size are limited. Certificates can come from the
//! public authorities, from an authority that this machine trusts, or from the operator's own. A server that a customer
//! names can be reached only at a public address.

mod connector;
mod guard;

pub use connector::{ForwardProxy, ProxyError};
pub use guard::{CustomerServers, UrlFault};

use bytes::Bytes;
use connector::{Connector, Guarded, NotPublic};
use http::{Request, Response, response::Parts};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The limits for the time and the size of a response.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub timeout: Duration,
    pub bytes: usize,
}

/// The addresses that a request can connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The addresses that servers named by customers can have: public ones, and those that the operator allows.
    Customers,
    Anywhere,
}

#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("{}", whole(.0))]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("its certificate is not accepted: {0}")]
    Certificate(String),
    #[error("its address is not public")]
    NotPublic,
    #[error("its answer is too large, or broke off")]
    Unreadable,
    #[error("no answer in time")]
    Late,
}

/// Formats an error with its causes.
pub fn whole(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_said = error.to_string();
        // Some errors already include their cause.
        if !said.contains(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        cause = error.source();
    }
    said
}

#[derive(Debug, thiserror::Error)]
#[error("ca_file holds no certificate in PEM form")]
pub struct CaFileError;

/// The HTTP client with its trusted certificates.
#[derive(Clone, Debug)]
pub struct Outbound {
    anywhere: Arc<Client<Connector, Full<Bytes>>>,
    customers: Arc<Client<Connector, Full<Bytes>>>,
    servers: Arc<CustomerServers>,
    tls: Arc<rustls::ClientConfig>,
    /// The certificates trusted besides the public authorities, from this machine's store and the operator's file.
    added: Arc<Vec<CertificateDer<'static>>>,
}

fn client(tls: &rustls::ClientConfig, guarded: Guarded) -> Arc<Client<Connector, Full<Bytes>>> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(guarded);
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(hyper_util::rt::TokioTimer::new());
    builder.pool_idle_timeout(IDLE).pool_max_idle_per_host(MOST_IDLE);
    Arc::new(builder.build(connector))
}

/// The time for which an unused connection is kept, and the number of such connections to a server.
const IDLE: Duration = Duration::from_secs(20);
const MOST_IDLE: usize = 4;

impl Outbound {
    /// A client for `http:` URLs only: it trusts no certificate.
    pub fn plain() -> Self {
        Self::trusting(rustls::RootCertStore::empty(), Vec::new())
    }

    /// `ca_pem` contains the certificates of the operator's own authority.
    pub fn new(ca_pem: Option<&[u8]>) -> Result<Self, CaFileError> {
        let mut added = rustls_native_certs::load_native_certs().certs;
        if let Some(pem) = ca_pem {
            let own: Vec<_> = CertificateDer::pem_slice_iter(pem)
                .collect::<Result<_, _>>()
                .map_err(|_| CaFileError)?;
            if own.is_empty() {
                return Err(CaFileError);
            }
            added.extend(own);
        }
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(added.iter().cloned());
        Ok(Self::trusting(roots, added))
    }

    fn trusting(roots: rustls::RootCertStore, added: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let servers = Arc::new(CustomerServers::default());
        Self {
            anywhere: client(&tls, Guarded::new(None, None)),
            customers: client(&tls, Guarded::new(Some(Arc::clone(&servers)), None)),
            servers,
            tls: Arc::new(tls),
            added: Arc::new(added),
        }
    }

    /// Sets the rules for servers that customers name, and the proxy through which they are reached.
    #[must_use]
    pub fn for_customers(self, servers: CustomerServers, proxy: Option<ForwardProxy>) -> Self {
        let servers = Arc::new(servers);
        let customers = client(&self.tls, Guarded::new(Some(Arc::clone(&servers)), proxy));
        Self { customers, servers, ..self }
    }

    /// Returns the rules for servers that customers name.
    pub fn customer_servers(&self) -> &CustomerServers {
        &self.servers
    }

    /// Connects to a server of the operator's with TLS, for protocols other than HTTP.
    ///
    /// # Errors
    ///
    /// If the server can't be reached, or its certificate isn't trusted.
    pub async fn connect_tls(
        &self,
        host: &str,
        port: u16,
    ) -> Result<TlsStream<TcpStream>, std::io::Error> {
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        let stream = TcpStream::connect((host, port)).await?;
        tokio_rustls::TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await
    }

    pub fn added_certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.added.iter().map(AsRef::as_ref)
    }

    async fn begin(
        &self,
        request: Request<Vec<u8>>,
        reach: Reach,
    ) -> Result<(Parts, Incoming), OutboundError> {
        let client = match reach {
            Reach::Customers => &self.customers,
            Reach::Anywhere => &self.anywhere,
        };
        let request = request.map(|body| Full::new(Bytes::from(body)));
        Ok(client.request(request).await.map_err(classify)?.into_parts())
    }

    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        bounds: Bounds,
        reach: Reach,
    ) -> Result<Response<Vec<u8>>, OutboundError> {
        let answer = async {
            let (head, body) = self.begin(request, reach).await?;
            let body = Limited::new(body, bounds.bytes).collect().await;
            let body = body.map_err(|_| OutboundError::Unreadable)?.to_bytes().to_vec();
            Ok(Response::from_parts(head, body))
        };
        tokio::time::timeout(bounds.timeout, answer).await.map_err(|_| OutboundError::Late)?
    }

    /// Sends a request and reads only the beginning of the response's body, at most `bounds.bytes`. A body that is longer
    /// or breaks off is not an error: the status counts.
    pub async fn notify(
        &self,
        request: Request<Vec<u8>>,
        bounds: Bounds,
        reach: Reach,
    ) -> Result<Response<Vec<u8>>, OutboundError> {
        let deadline = tokio::time::Instant::now() + bounds.timeout;
        let begun = tokio::time::timeout_at(deadline, self.begin(request, reach)).await;
        let (head, mut body) = begun.map_err(|_| OutboundError::Late)??;
        let mut beginning = Vec::new();
        while beginning.len() < bounds.bytes {
            let frame = tokio::time::timeout_at(deadline, body.frame()).await;
            let Ok(Some(Ok(frame))) = frame else { break };
            beginning.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
        }
        beginning.truncate(bounds.bytes);
        Ok(Response::from_parts(head, beginning))
    }
}

/// Returns the relevant cause among the wrapped ones.
fn classify(error: hyper_util::client::legacy::Error) -> OutboundError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref::<rustls::Error>()
        {
            return OutboundError::Certificate(why.to_string());
        }
        if error.is::<NotPublic>() {
            return OutboundError::NotPublic;
        }
        // The error inside an I/O error is not its source.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    OutboundError::Unreachable(error)
}
