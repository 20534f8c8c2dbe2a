//! What would stop working: the clients that an action breaks, as a text that a later request can be compared with.

pub(crate) mod api;
pub(crate) mod console;

use crate::tokens::ObservedClient;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// The maximum number of clients that a fingerprint lists one by one.
const MOST: usize = 200;

/// The identities of the clients that an action breaks, however often they send requests. Each client is a short digest,
/// so that a comparison can name those that were not there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeSet<String>);

fn digest_of(client: &ObservedClient) -> String {
    let text = format!("{}\n{}", client.name, client.client_ip);
    hex::encode(&Sha256::digest(text)[..4])
}

/// Names clients in a sentence: the first five, and the number of the others.
fn named<'a>(clients: impl Iterator<Item = &'a ObservedClient>) -> String {
    let all: Vec<_> =
        clients.map(|client| format!("{} from {}", client.name, client.client_ip)).collect();
    let first = all.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(5) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

impl Fingerprint {
    pub fn of(clients: &[ObservedClient]) -> Self {
        let clients: BTreeSet<_> = clients.iter().map(digest_of).collect();
        if clients.len() <= MOST {
            return Self(clients);
        }
        let all = clients.into_iter().collect::<Vec<_>>().join(".");
        Self(BTreeSet::from([hex::encode(Sha256::digest(all))]))
    }

    /// Returns the fingerprint as an entity tag.
    pub fn etag(&self) -> String {
        let clients: Vec<_> = self.0.iter().map(String::as_str).collect();
        format!("\"clients.{}\"", clients.join("."))
    }

    fn parse(etag: &str) -> Option<Self> {
        let clients = etag.strip_prefix("\"clients.")?.strip_suffix('"')?;
        Some(Self(
            clients.split('.').filter(|client| !client.is_empty()).map(str::to_owned).collect(),
        ))
    }

    /// Returns a sentence that says how the clients differ from those that an entity tag names.
    pub fn difference(&self, shown: &str, clients: &[ObservedClient]) -> String {
        let Some(shown) = Self::parse(shown) else {
            return "The entity tag isn’t that of the consequences. Read them again.".to_owned();
        };
        let mut new =
            clients.iter().filter(|client| !shown.0.contains(&digest_of(client))).peekable();
        let gone = shown.0.difference(&self.0).count();
        let mut parts = Vec::new();
        if new.peek().is_some() {
            parts.push(format!("These clients would stop working, too: {}.", named(new)));
        }
        if gone > 0 {
            parts.push(format!(
                "{gone} of the clients that you were shown are no longer among them."
            ));
        }
        parts.push("Nothing has changed. Read the consequences again.".to_owned());
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::Timestamp;

    fn client(name: &str, requests_a_day: i64) -> ObservedClient {
        let at = Timestamp::from_micros(requests_a_day);
        let (client_ip, name) = ("192.0.2.1".to_owned(), name.to_owned());
        let operations = Vec::new();
        ObservedClient { name, client_ip, last_used_at: at, as_of: at, requests_a_day, operations }
    }

    #[test]
    fn a_fingerprint_is_about_who_and_not_how_often() {
        let before = Fingerprint::of(&[client("curl", 1), client("go", 2)]);
        let later = Fingerprint::of(&[client("go", 70), client("curl", 80)]);
        assert_eq!(before.etag(), later.etag());
        assert_ne!(before.etag(), Fingerprint::of(&[client("go", 2)]).etag());
        assert_eq!(Fingerprint::of(&[]).etag(), "\"clients.\"");
    }

    #[test]
    fn the_difference_names_who_is_new() {
        let shown = Fingerprint::of(&[client("curl", 1), client("go", 2)]).etag();
        let now = [client("curl", 1), client("axios", 1)];
        let difference = Fingerprint::of(&now).difference(&shown, &now);
        assert!(
            difference.contains("axios from 192.0.2.1") && difference.contains("1 of the clients"),
            "{difference}"
        );
        assert!(!difference.contains("curl"), "{difference}");
    }

    #[test]
    fn many_clients_have_a_short_fingerprint() {
        let many: Vec<_> = (0..1_000).map(|number| client(&number.to_string(), 1)).collect();
        assert!(Fingerprint::of(&many).etag().len() < 100);
    }
}
