//! Receipts for revocations, which name the gateways that reject the token now and the time by which the others will.
//! Signed, so that third parties can verify them.

use crate::{AccountId, NodeId, Timestamp};
use serde::{Deserialize, Serialize};

/// The claims of a receipt. Instants are RFC 3339 in UTC; durations are milliseconds since the commit was
/// acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The format version, which is always 1.
    pub version: u32,
    /// The number of the change in the change feed, and the feed's epoch.
    pub seq: i64,
    pub epoch: String,
    /// The event, named as in the audit log, and its object.
    pub event: String,
    pub target: String,
    pub account: Option<AccountId>,
    #[serde(with = "rfc3339")]
    pub committed_at: Timestamp,
    /// Whether every gateway already rejects the token.
    pub complete: bool,
    /// The time from which every gateway rejects the token.
    #[serde(with = "rfc3339")]
    pub effective_at: Timestamp,
    /// The durability of the commit if the database machine is lost: `single`, `asynchronous`, or `synchronous`. A
    /// revocation that a gateway has confirmed survives even that, in its revocation journal.
    pub durability: String,
    pub confirmed: Vec<Confirmation>,
    pub unconfirmed: Vec<Outstanding>,
}

/// A gateway that has confirmed the rejection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    pub node: NodeId,
    pub name: String,
    pub after_ms: f64,
}

/// A gateway that hasn't confirmed the rejection and rejects when its lease ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outstanding {
    pub node: NodeId,
    pub name: String,
    #[serde(with = "rfc3339")]
    pub rejects_from: Timestamp,
}

mod rfc3339 {
    //! Serialization of instants in RFC 3339.
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
