//! What is promised to whoever ends a token: which gateways reject it now, and from when on the others
//! do by themselves. Signed, so that it can be shown to someone else.

use crate::{AccountId, NodeId, Timestamp};
use serde::{Deserialize, Serialize};

/// The claims of a receipt. Instants are RFC 3339 in UTC; durations milliseconds since the commit was
/// acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Always 1; another number means something else.
    pub version: u32,
    /// The change's number in the feed, and which feed.
    pub seq: i64,
    pub epoch: String,
    /// What was done, by the audit log's name, and to what.
    pub event: String,
    pub target: String,
    pub account: Option<AccountId>,
    #[serde(with = "rfc3339")]
    pub committed_at: Timestamp,
    /// From now on no gateway accepts what was ended.
    pub complete: bool,
    /// The moment from which that holds, in any case.
    #[serde(with = "rfc3339")]
    pub effective_at: Timestamp,
    /// What becomes of the commit if the machine that took it is lost: `single`, `asynchronous`,
    /// `synchronous`. An ending that a gateway has confirmed survives even that, in its journal.
    pub durability: String,
    pub confirmed: Vec<Confirmation>,
    pub unconfirmed: Vec<Outstanding>,
}

/// A gateway that has said that it rejects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    pub node: NodeId,
    pub name: String,
    pub after_ms: f64,
}

/// A gateway that has not said so, and rejects by itself when its lease is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outstanding {
    pub node: NodeId,
    pub name: String,
    #[serde(with = "rfc3339")]
    pub rejects_from: Timestamp,
}

mod rfc3339 {
    //! As people and other clients read it.
    use crate::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        let at: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(Timestamp::from_micros(at.as_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::Entropy;

    #[test]
    fn a_receipt_reads_as_it_was_written() {
        let at = Timestamp::from_micros(1_700_000_000_123_456);
        let node = NodeId::generate(at, &Entropy::seeded(1));
        let receipt = Receipt {
            version: 1,
            seq: 7,
            epoch: "e".to_owned(),
            event: "token.revoked".to_owned(),
            target: "tok".to_owned(),
            account: None,
            committed_at: at,
            complete: false,
            effective_at: at,
            durability: "single".to_owned(),
            confirmed: vec![Confirmation { node, name: "a".to_owned(), after_ms: 1.5 }],
            unconfirmed: vec![Outstanding { node, name: "b".to_owned(), rejects_from: at }],
        };
        let text = serde_json::to_string(&receipt).expect("serialises");
        assert!(text.contains("\"committed_at\":\"2023-11-14T22:13:20.123456Z\""), "{text}");
        assert_eq!(serde_json::from_str::<Receipt>(&text).expect("parses"), receipt);
    }
}
