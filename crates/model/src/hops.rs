//! The trusted proxies, whose statements about a request's origin are accepted.

use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The networks whose `X-Forwarded-*` headers are trusted. An empty list trusts none.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.0.iter().any(|net| net.contains(&addr))
    }

    /// Returns the client IP address: the peer's address or, behind trusted proxies, the nearest address that isn't a
    /// trusted proxy. Reads the `X-Forwarded-For` lines from the right and stops at an entry that isn't an address,
    /// because the entries beyond it could be forged.
    pub fn client_ip<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> IpAddr {
        let mut nearest = peer.to_canonical();
        for hop in forwarded_for.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            if !self.contains(nearest) {
                break;
            }
            let Some(addr) = std::str::from_utf8(hop).ok().and_then(address) else { break };
            nearest = addr.to_canonical();
        }
        nearest
    }
}

/// Parses an address as proxies write it: bare, with a port (Azure), or as IPv6 in brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|addr| addr.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_are_believed() {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        let resolve = |peer: &str, lines: &[&str]| {
            trusted
                .client_ip(
                    peer.parse().expect("an address"),
                    lines.iter().map(|line| line.as_bytes()),
                )
                .to_string()
        };
        assert_eq!(resolve("203.0.113.7", &["1.2.3.4"]), "203.0.113.7");
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4, rubbish, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(resolve("::ffff:10.0.0.1", &["::ffff:198.51.100.4"]), "198.51.100.4");
        assert_eq!(resolve("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(resolve("10.0.0.1", &["203.0.113.7:51234"]), "203.0.113.7");
        assert_eq!(resolve("10.0.0.1", &["[2001:db8::7]:51234"]), "2001:db8::7");
        assert_eq!(resolve("10.0.0.1", &["[2001:db8::7], 10.0.0.2:80"]), "2001:db8::7");
        let unreadable = [&b"1.2.3.4"[..], b"\xff, 203.0.113.9, 10.0.0.2"];
        let nearest =
            trusted.client_ip("10.0.0.1".parse().expect("an address"), unreadable.into_iter());
        assert_eq!(nearest.to_string(), "203.0.113.9");
        let ends = [&b"1.2.3.4"[..], b"\xff, 10.0.0.2"];
        let nearest = trusted.client_ip("10.0.0.1".parse().expect("an address"), ends.into_iter());
        assert_eq!(nearest.to_string(), "10.0.0.2", "what cannot be read ends the walk");
    }
}
