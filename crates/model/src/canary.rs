//! Canary tokens: bait that looks like a token and never works. Its use shows that someone has found it.

use crate::{CanaryId, Timestamp, change::hex_hash};
use keydesk_token::TokenHash;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The name of the event that records a use.
pub const CANARY_USED: &str = "canary.used";
/// The time after an alarm for which further uses are collected into one summary.
pub const CANARY_SUMMARY: Duration = Duration::from_mins(10);

/// A canary token as gateways know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCanary {
    pub id: CanaryId,
    #[serde(with = "hex_hash")]
    pub hash: TokenHash,
}

/// The uses of a canary token since the gateway's last report: the first one, and their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryUse {
    pub canary: CanaryId,
    pub at: Timestamp,
    pub client_ip: String,
    pub client: String,
    pub method: String,
    /// The path without the query.
    pub path: String,
    pub request_id: String,
    pub uses: i64,
}
