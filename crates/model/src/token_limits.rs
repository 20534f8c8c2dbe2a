//! The scopes and the IP allowlist of a token.

use crate::ScopeSet;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

/// The limits of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenLimits {
    pub scopes: ScopeSet,
    #[serde(default)]
    pub ip_allowlist: IpAllowlist,
}

/// The networks from which requests are allowed. An empty list allows any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct IpAllowlist(BTreeSet<IpNet>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpAllowlistError {
    #[error("“{0}” is not an address or network such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32")]
    Unreadable(String),
    #[error("an address list has at most 200 entries")]
    TooMany,
}

const MOST: usize = 200;

impl IpAllowlist {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    /// Returns an allowlist that covers these addresses, in larger networks if there are too many. It is never empty if there
    /// are addresses, since that would allow any.
    #[must_use]
    pub fn proposed_for(addresses: &[&str]) -> Self {
        let parsed = || addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok());
        let within = |v4: u8, v6: u8| -> Self {
            let network = |address: IpAddr| {
                let address = address.to_canonical();
                let length = if address.is_ipv4() { v4 } else { v6 };
                IpNet::new(address, length).map_or_else(|_| address.into(), |net| net.trunc())
            };
            parsed().map(network).collect::<Self>().proposed()
        };
        let sizes = [(32, 128), (24, 48), (16, 32), (8, 16)];
        let mut all = sizes.into_iter().map(|(v4, v6)| within(v4, v6));
        all.find(|list| list.0.len() <= MOST).unwrap_or_else(|| within(1, 1))
    }

    /// Returns an allowlist that covers these addresses in as few networks as possible. An IPv6 address is widened to
    /// its /64, because hosts change their address within it.
    #[must_use]
    pub fn proposed(&self) -> Self {
        let widened = self.0.iter().map(|net| match net {
            IpNet::V6(v6) if v6.prefix_len() > 64 && !v6.addr().is_loopback() => {
                IpNet::new(net.addr(), 64).map_or(*net, |net| net.trunc())
            }
            _ => *net,
        });
        IpNet::aggregate(&widened.collect()).into_iter().collect()
    }

    /// Returns whether requests from an address are allowed. An IPv4-mapped IPv6 address is treated as IPv4.
    pub fn admits(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.0.is_empty() || self.0.iter().any(|net| net.contains(&addr))
    }
}

impl FromIterator<IpNet> for IpAllowlist {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().map(|net| canonical(net.trunc())).collect())
    }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn canonical(net: IpNet) -> IpNet {
    match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => {
            let addr = v6.addr().to_ipv4_mapped().map(IpAddr::V4);
            addr.and_then(|addr| IpNet::new(addr, v6.prefix_len() - 96).ok()).unwrap_or(net)
        }
        net => net,
    }
}

impl FromStr for IpAllowlist {
    type Err = IpAllowlistError;

    /// Parses addresses and networks separated by spaces, commas, or line breaks.
    fn from_str(text: &str) -> Result<Self, IpAllowlistError> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        let networks = words.filter(|word| !word.is_empty()).map(|word| {
            let net = word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| IpAllowlistError::Unreadable(word.chars().take(60).collect()))
        });
        let list: Self = networks.collect::<Result<_, _>>()?;
        if list.0.len() > MOST { Err(IpAllowlistError::TooMany) } else { Ok(list) }
    }
}

impl TryFrom<String> for IpAllowlist {
    type Error = IpAllowlistError;

    fn try_from(text: String) -> Result<Self, IpAllowlistError> {
        text.parse()
    }
}

impl From<IpAllowlist> for String {
    fn from(list: IpAllowlist) -> Self {
        list.to_string()
    }
}

impl fmt::Display for IpAllowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, net) in self.0.iter().enumerate() {
            let gap = if at > 0 { " " } else { "" };
            if net.prefix_len() == net.max_prefix_len() {
                write!(f, "{gap}{}", net.addr())?;
            } else {
                write!(f, "{gap}{net}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t11_an_address_is_the_same_in_every_spelling() {
        let list: IpAllowlist =
            "10.0.0.0/8, 203.0.113.7\n2001:db8::/32 ::ffff:192.0.2.0/120".parse().expect("a list");
        assert_eq!(list.to_string(), "10.0.0.0/8 192.0.2.0/24 203.0.113.7 2001:db8::/32");
        assert_eq!(list.to_string().parse(), Ok(list.clone()));
        for (addr, may) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.0.0.1", false),
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("192.0.2.9", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("::10.1.2.3", false),
        ] {
            assert_eq!(list.admits(addr.parse().expect("an address")), may, "{addr}");
        }
        assert!(IpAllowlist::default().admits("198.51.100.1".parse().expect("an address")));
    }

    #[test]
    fn neighbours_become_a_network_and_ipv6_hosts_are_known_by_theirs() {
        let list: IpAllowlist = "10.0.0.2 10.0.0.3 10.0.0.5 ::1 2001:db8::7 2001:db8::ffff:0:0:1"
            .parse()
            .expect("a list");
        assert_eq!(list.proposed().to_string(), "10.0.0.2/31 10.0.0.5 ::1 2001:db8::/64");
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["10.0.0", "10.0.0.0/33", "host", "10.0.0.1%eth0", "fe80::1%1", "0x7f000001"] {
            assert_eq!(
                text.parse::<IpAllowlist>(),
                Err(IpAllowlistError::Unreadable(text.to_owned()))
            );
        }
    }

    #[test]
    fn an_allowlist_is_written_as_it_is_read() {
        let list: IpAllowlist = "192.0.2.7, 10.0.0.0/8".parse().expect("a list");
        assert!(!list.is_empty() && IpAllowlist::default().is_empty());
        assert_eq!(list.iter().count(), 2);
        let text = String::from(list.clone());
        assert_eq!(text, "10.0.0.0/8 192.0.2.7");
        assert_eq!(IpAllowlist::try_from(text), Ok(list));
        assert!(IpAllowlist::try_from("10.0.0.0/33".to_owned()).is_err());
    }

    #[test]
    fn an_allowlist_has_at_most_two_hundred_entries() {
        let list = |count: usize| {
            let entries: Vec<_> = (0..count).map(|n| format!("10.0.{n}.0/24")).collect();
            entries.join(" ").parse::<IpAllowlist>().map(|list| list.iter().count())
        };
        assert_eq!((list(200), list(201)), (Ok(200), Err(IpAllowlistError::TooMany)));
        assert_eq!(list(250), Err(IpAllowlistError::TooMany));
    }

    #[test]
    fn only_addresses_within_a_64_are_widened_to_it() {
        let proposed =
            |text: &str| text.parse::<IpAllowlist>().expect("a list").proposed().to_string();
        assert_eq!(proposed("2001:db8:1:2:3::1"), "2001:db8:1:2::/64");
        assert_eq!(proposed("2001:db8:1:2::/64"), "2001:db8:1:2::/64");
        assert_eq!(proposed("2001:db8:1::/48"), "2001:db8:1::/48");
        assert_eq!(proposed("::1"), "::1");
    }

    #[test]
    fn only_mapped_networks_are_those_of_ipv4() {
        let read = |text: &str| text.parse::<IpAllowlist>().expect("a list").to_string();
        assert_eq!(read("::ffff:10.0.0.0/104"), "10.0.0.0/8");
        assert_eq!(read("::ffff:0:0/96"), "0.0.0.0/0");
        assert_eq!(read("::/90"), "::/90");
    }
}
