//! Connections to other servers: directly, or through the operator's forward proxy. The address that was checked is the
//! one that is connected to, so that a name that changes its address in between changes nothing.

use crate::guard::CustomerServers;
use http::{HeaderValue, Uri, uri::Scheme};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::Name, proxy::Tunnel},
    rt::TokioIo,
};
use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::net::TcpStream;
use tower::Service;

pub(crate) type Connector = HttpsConnector<Guarded>;
type BoxError = Box<dyn Error + Send + Sync>;

/// A forward proxy, which connects with `CONNECT`.
#[derive(Clone, Debug)]
pub struct ForwardProxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

#[derive(Debug, thiserror::Error)]
#[error("is not a URL such as \"http://proxy.example.com:3128\"")]
pub struct ProxyError;

impl ForwardProxy {
    /// Reads a URL, which can contain a user name and a password.
    pub fn new(url: &str) -> Result<Self, ProxyError> {
        let parsed = url::Url::parse(url).map_err(|_| ProxyError)?;
        let host = parsed.host_str().filter(|_| parsed.scheme() == "http").ok_or(ProxyError)?;
        let port = parsed.port_or_known_default().unwrap_or(80);
        let uri = format!("http://{host}:{port}").parse().map_err(|_| ProxyError)?;
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        let authorization = parsed.password().map(|password| {
            let pair = format!("{}:{}", decode(parsed.username()), decode(password));
            let encoded = data_encoding::BASE64.encode(pair.as_bytes());
            HeaderValue::try_from(format!("Basic {encoded}")).map_err(|_| ProxyError)
        });
        Ok(Self { uri, authorization: authorization.transpose()? })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it has no public address")]
pub(crate) struct NotPublic;

/// Resolves names like the system does. If a customer named the server, addresses that can't be reached are left out.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    pub customers: Option<Arc<CustomerServers>>,
}

impl Resolver {
    async fn resolve(self, host: &str) -> Result<Vec<SocketAddr>, io::Error> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        let may_reach = |addr: &SocketAddr| {
            self.customers.as_ref().is_none_or(|customers| customers.may_reach(addr.ip()))
        };
        let addrs: Vec<_> = found.filter(may_reach).collect();
        if addrs.is_empty() && self.customers.is_some() {
            return Err(io::Error::other(NotPublic));
        }
        Ok(addrs)
    }
}

type Resolved = Result<std::vec::IntoIter<SocketAddr>, io::Error>;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Resolved> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.resolve(name.as_str()).await?.into_iter()) })
    }
}

/// A connector that connects only where it may.
#[derive(Clone)]
pub(crate) struct Guarded {
    resolver: Resolver,
    proxy: Option<ForwardProxy>,
}

impl Guarded {
    pub fn new(customers: Option<Arc<CustomerServers>>, proxy: Option<ForwardProxy>) -> Self {
        Self { resolver: Resolver { customers }, proxy }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        // The HTTP connector doesn't resolve the address in a URL.
        if let (Some(customers), Some(ip)) = (&self.resolver.customers, literal(&uri))
            && !customers.may_reach(ip)
        {
            return Err(io::Error::other(NotPublic).into());
        }
        match self.proxy {
            None => {
                let mut direct = HttpConnector::new_with_resolver(self.resolver);
                direct.enforce_http(false);
                Ok(direct.call(uri).await?)
            }
            Some(proxy) => tunnel(self.resolver, proxy, &uri).await,
        }
    }
}

/// Connects through the proxy to an address that was resolved and checked here.
async fn tunnel(
    resolver: Resolver,
    proxy: ForwardProxy,
    uri: &Uri,
) -> Result<TokioIo<TcpStream>, BoxError> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default);
    let mut addr =
        *resolver.resolve(host).await?.first().ok_or_else(|| io::Error::other("no address"))?;
    addr.set_port(port);
    let mut tunnel = Tunnel::new(proxy.uri, HttpConnector::new());
    if let Some(authorization) = proxy.authorization {
        tunnel = tunnel.with_auth(authorization);
    }
    let target =
        Uri::builder().scheme("http").authority(addr.to_string()).path_and_query("/").build()?;
    Ok(tunnel.call(target).await?)
}

/// Returns the IP address in a URL, or `None` if it has a host name.
fn literal(uri: &Uri) -> Option<IpAddr> {
    uri.host()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

impl Service<Uri> for Guarded {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
