//! Uses of a token that look like a thief's: by a client that never used it, from a network that it was never used from.

use crate::{Timestamp, text_form::text_form};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};

/// What an account does about unfamiliar uses of its API tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnfamiliarUse {
    #[default]
    Off,
    /// Record and report them.
    Observe,
    /// Pause the token, until a member restores it.
    Pause,
}

text_form!(UnfamiliarUse, () = (), {
    Off = "off",
    Observe = "observe",
    Pause = "pause",
});

/// The time for which a token must have been used before its users are known.
const LEARNING: Duration = Duration::from_hours(24 * 7);
/// The sizes of a network: addresses within it belong together.
const NETWORK_V4: u8 = 24;
const NETWORK_V6: u8 = 48;

/// The first use of a token by a client from an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstUse {
    pub client: String,
    pub client_ip: String,
    pub at: Timestamp,
}

impl FirstUse {
    /// Returns whether neither the client nor the network is among the uses before, if those are old enough to tell.
    pub fn is_unfamiliar(&self, others: &[Self]) -> bool {
        let earlier = || others.iter().filter(|other| other.at < self.at);
        let is_known = earlier().any(|other| self.at.since(other.at) >= LEARNING);
        let network = network_of(&self.client_ip);
        is_known
            && network.is_some()
            && earlier()
                .all(|other| other.client != self.client && network_of(&other.client_ip) != network)
    }
}

fn network_of(address: &str) -> Option<IpNet> {
    let address = address.parse::<IpAddr>().ok()?.to_canonical();
    let length = if address.is_ipv4() { NETWORK_V4 } else { NETWORK_V6 };
    IpNet::new(address, length).ok().map(|network| network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn used(client: &str, client_ip: &str, day: i64) -> FirstUse {
        let (client, client_ip) = (client.to_owned(), client_ip.to_owned());
        FirstUse { client, client_ip, at: Timestamp::from_micros(day * DAY) }
    }

    #[test]
    fn n10_only_a_new_client_in_a_new_network_is_unfamiliar() {
        let known = [used("n8n", "203.0.113.7", 0), used("curl", "2001:db8:1:2::3", 5)];
        for (client, address, expected) in [
            ("Go-http-client", "198.51.100.9", true),
            ("Go-http-client", "203.0.113.200", false),
            ("Go-http-client", "::ffff:203.0.113.9", false),
            ("Go-http-client", "2001:db8:1:ffff::1", false),
            ("Go-http-client", "2001:db8:2::1", true),
            ("n8n", "198.51.100.9", false),
            ("Go-http-client", "nowhere", false),
        ] {
            let is_unfamiliar = used(client, address, 9).is_unfamiliar(&known);
            assert_eq!(is_unfamiliar, expected, "{client} {address}");
        }
    }

    #[test]
    fn n10_the_users_of_a_new_token_are_learned_first() {
        let thief = |day| used("Go-http-client", "198.51.100.9", day);
        let known = [used("n8n", "203.0.113.7", 0)];
        assert!(!thief(6).is_unfamiliar(&known) && thief(7).is_unfamiliar(&known));
        assert!(!thief(7).is_unfamiliar(&[]));
        // Uses since don't make it familiar, and don't count as known.
        let since = [used("n8n", "203.0.113.7", 0), used("Go-http-client", "198.51.100.9", 8)];
        assert!(thief(7).is_unfamiliar(&since));
        assert!(!thief(7).is_unfamiliar(&[used("n8n", "203.0.113.7", 20)]));
    }
}
