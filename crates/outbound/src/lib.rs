//! Requests to other servers: no redirects are followed, and time and size are limited. Certificates can come from the
//! public authorities, from an authority that this machine trusts, or from the operator's own.

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// The limits for the time and the size of a response.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub timeout: Duration,
    pub bytes: usize,
}

/// The addresses that a request can connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only addresses on the public internet, for a server that a customer names and no operator has confirmed.
    Public,
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
    tls: Arc<rustls::ClientConfig>,
    /// The certificates trusted besides the public authorities, from this machine's store and the operator's file.
    added: Arc<Vec<CertificateDer<'static>>>,
}

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
        Self { tls: Arc::new(tls), added: Arc::new(added) }
    }

    pub fn added_certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.added.iter().map(AsRef::as_ref)
    }

    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        bounds: Bounds,
        reach: Reach,
    ) -> Result<Response<Vec<u8>>, OutboundError> {
        if reach == Reach::Public && literal(request.uri()).is_some_and(|ip| !is_public(ip)) {
            return Err(OutboundError::NotPublic);
        }
        let mut http = HttpConnector::new_with_resolver(Resolver { reach });
        http.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config((*self.tls).clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build(connector);
        let answer = async {
            let request = request.map(|body| Full::new(Bytes::from(body)));
            let (head, body) = client.request(request).await.map_err(classify)?.into_parts();
            let body = Limited::new(body, bounds.bytes).collect().await;
            let body = body.map_err(|_| OutboundError::Unreadable)?.to_bytes().to_vec();
            Ok(Response::from_parts(head, body))
        };
        tokio::time::timeout(bounds.timeout, answer).await.map_err(|_| OutboundError::Late)?
    }
}

/// Returns the IP address in a URL, or `None` if it has a host name.
fn literal(uri: &Uri) -> Option<IpAddr> {
    let host = uri.host()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
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

#[derive(Debug, thiserror::Error)]
#[error("it has no public address")]
struct NotPublic;

/// A resolver that resolves names like the system does. If only public addresses are permitted, the others are filtered
/// out here, so that the checked address is the one that is connected to.
#[derive(Clone, Copy)]
struct Resolver {
    reach: Reach,
}

type Resolved = Result<std::vec::IntoIter<SocketAddr>, std::io::Error>;

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Resolved> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may_reach = |addr: &SocketAddr| reach == Reach::Anywhere || is_public(addr.ip());
            let addrs: Vec<_> = found.filter(may_reach).collect();
            if addrs.is_empty() && reach == Reach::Public {
                return Err(std::io::Error::other(NotPublic));
            }
            Ok(addrs.into_iter())
        })
    }
}

/// Returns whether an address is on the public internet: neither private, nor loopback, nor link-local.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_test = a == 198 && (18..20).contains(&b);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || is_shared
                || is_test)
        }
        IpAddr::V6(ip) => {
            // Global unicast, except for addresses that embed an IPv4 address and for documentation.
            let [first, second, ..] = ip.segments();
            (0x2000..0x4000).contains(&first)
                && first != 0x2002
                && !(first == 0x2001 && (second == 0 || second == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for public in ["8.8.8.8", "203.0.114.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for other in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "2001:db8::1",
        ] {
            assert!(!is_public(other.parse().expect("an address")), "{other}");
        }
    }
}
