//! Which addresses a server that a customer names can have. Special-use addresses are refused (the IANA registries of
//! RFC 6890), except in networks that the operator allows.

use http::Uri;
use ipnet::IpNet;
use std::net::IpAddr;

/// The operator's rules for servers that customers name.
#[derive(Clone, Debug)]
pub struct CustomerServers {
    /// The ports of their URLs.
    pub ports: Vec<u16>,
    /// Networks that are not public but allowed, also with `http:` and on any port.
    pub allowed_networks: Vec<IpNet>,
}

impl Default for CustomerServers {
    fn default() -> Self {
        Self { ports: vec![443, 8443], allowed_networks: Vec::new() }
    }
}

/// Why a URL that a customer names is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    #[error("it is not a URL such as https://example.com/hooks")]
    Malformed,
    #[error("it must begin with https://")]
    NotHttps,
    #[error("it must not contain a user name or password")]
    Credentials,
    #[error("the port {0} is not allowed")]
    Port(u16),
    #[error("its address is not public")]
    NotPublic,
}

impl CustomerServers {
    fn allows(&self, ip: IpAddr) -> bool {
        self.allowed_networks.iter().any(|network| network.contains(&ip.to_canonical()))
    }

    /// Returns whether a connection to this address is permitted.
    pub(crate) fn may_reach(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.allows(ip)
    }

    /// Checks a URL without resolving its host, and returns it in its normal form.
    ///
    /// # Errors
    ///
    /// If no request may be sent to it. A host name can still have an address that isn't public.
    pub fn check(&self, url: &str) -> Result<Uri, UrlFault> {
        let parsed = url::Url::parse(url).map_err(|_| UrlFault::Malformed)?;
        let Some(host) = parsed.host() else { return Err(UrlFault::Malformed) };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(UrlFault::Credentials);
        }
        let literal = match host {
            url::Host::Domain(_) => None,
            url::Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            url::Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
        };
        let is_allowed = literal.is_some_and(|ip| self.allows(ip));
        if parsed.scheme() != "https" && !(parsed.scheme() == "http" && is_allowed) {
            return Err(UrlFault::NotHttps);
        }
        if literal.is_some_and(|ip| !self.may_reach(ip)) {
            return Err(UrlFault::NotPublic);
        }
        let port = parsed.port_or_known_default().unwrap_or(443);
        if !is_allowed && !self.ports.contains(&port) {
            return Err(UrlFault::Port(port));
        }
        // A fragment is not sent.
        let mut normal = parsed;
        normal.set_fragment(None);
        normal.as_str().parse().map_err(|_| UrlFault::Malformed)
    }
}

/// Returns whether an address is on the public internet.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_test = a == 198 && (18..20).contains(&b);
            let is_protocol = (a, b, c) == (192, 0, 0);
            let is_relay = (a, b, c) == (192, 88, 99);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || is_shared
                || is_test
                || is_protocol
                || is_relay)
        }
        IpAddr::V6(ip) => {
            // Global unicast, except for addresses that embed an IPv4 address, protocol assignments, and documentation.
            let [first, second, ..] = ip.segments();
            (0x2000..0x4000).contains(&first)
                && first != 0x2002
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The special-use ranges of the IANA registries, each with addresses at its edges.
    const SPECIAL: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.1.2.3",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.170",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:30::1",
        "2001:db8::1",
        "2002:a00:1::",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    const PUBLIC: &[&str] = &[
        "8.8.8.8",
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.114.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2400:cb00::1",
        "::ffff:8.8.8.8",
        "3ffe::1",
    ];

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_the_public_internet_is_public() {
        for public in PUBLIC {
            assert!(is_public(address(public)), "{public}");
        }
        for special in SPECIAL {
            assert!(!is_public(address(special)), "{special}");
        }
    }

    #[test]
    fn a_url_with_a_special_address_is_refused_in_every_spelling() {
        let servers = CustomerServers::default();
        for special in SPECIAL {
            let host = match address(special) {
                IpAddr::V4(_) => (*special).to_owned(),
                IpAddr::V6(_) => format!("[{special}]"),
            };
            assert_eq!(
                servers.check(&format!("https://{host}/")),
                Err(UrlFault::NotPublic),
                "{host}"
            );
        }
        for spelling in [
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://0x7f.1/",
            "https://１２７.0.0.1/",
            "https://%31%32%37.0.0.1/",
            "https://[::ffff:7f00:1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://①②⑦.0.0.1/",
        ] {
            assert_eq!(servers.check(spelling), Err(UrlFault::NotPublic), "{spelling}");
        }
    }

    #[test]
    fn a_url_is_https_without_credentials_on_an_allowed_port() {
        let servers = CustomerServers::default();
        assert_eq!(
            servers.check("https://Hooks.Example.com:8443/a?b#c").map(|uri| uri.to_string()),
            Ok("https://hooks.example.com:8443/a?b".to_owned())
        );
        for (url, fault) in [
            ("http://example.com/", UrlFault::NotHttps),
            ("ftp://example.com/", UrlFault::NotHttps),
            ("file:///etc/passwd", UrlFault::Malformed),
            ("example.com", UrlFault::Malformed),
            ("https://", UrlFault::Malformed),
            ("https://user:secret@example.com/", UrlFault::Credentials),
            ("https://example.com:22/", UrlFault::Port(22)),
            ("https://example.com:80/", UrlFault::Port(80)),
            ("https://8.8.8.8:5432/", UrlFault::Port(5432)),
        ] {
            assert_eq!(servers.check(url), Err(fault), "{url}");
        }
    }

    #[test]
    fn an_allowed_network_can_be_reached_on_any_port() {
        let allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
        let servers = CustomerServers { allowed_networks, ..CustomerServers::default() };
        assert!(servers.check("http://127.0.0.1:9999/hook").is_ok());
        assert!(servers.check("http://[::ffff:127.0.0.1]:9999/hook").is_ok());
        assert_eq!(servers.check("https://10.0.0.1/"), Err(UrlFault::NotPublic));
        assert_eq!(servers.check("http://example.com/"), Err(UrlFault::NotHttps));
        assert_eq!(servers.check("http://localhost:9999/"), Err(UrlFault::NotHttps));
    }
}
