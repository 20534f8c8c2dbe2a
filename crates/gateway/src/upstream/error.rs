//! Errors in the configuration of an upstream, and the addresses of its servers.

use std::net::SocketAddr;

/// An error in an upstream's settings.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("an upstream has no servers")]
    NoServers,
    #[error("the URL {0} has no host")]
    NoHost(http::Uri),
    #[error("the servers of one upstream must have the same scheme and path, unlike {0}")]
    Unlike(http::Uri),
    #[error("the certificate authorities cannot be read: {0}")]
    Authorities(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

pub(crate) type Addrs = Vec<SocketAddr>;
