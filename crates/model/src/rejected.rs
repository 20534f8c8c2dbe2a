//! Requests that the gateway rejected, grouped by token, reason, client, network, and operation.

use crate::{OTHER, Timestamp, TokenId, text_form::text_form};
use serde::{Deserialize, Serialize};

/// What rejected requests have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RejectionGroup {
    /// The token, if it is one of the account.
    pub token: Option<TokenId>,
    /// The error code.
    pub code: String,
    /// Empty if there was no token of the account.
    pub client: String,
    /// The /24 or /48 of the client IP address.
    pub network: String,
    /// Empty if it is not known.
    pub operation: String,
}

impl RejectionGroup {
    /// The group of everything that is not counted separately.
    pub fn other() -> Self {
        let [code, client, network, operation] = [OTHER; 4].map(str::to_owned);
        Self { token: None, code, client, network, operation }
    }
}

/// One line each, because a JSON object is stored by texts.
impl From<RejectionGroup> for String {
    fn from(group: RejectionGroup) -> Self {
        let token = group.token.map(|token| token.to_string()).unwrap_or_default();
        [token, group.code, group.client, group.network, group.operation].join("\n")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not a group of rejected requests")]
pub struct RejectionGroupError;

impl TryFrom<String> for RejectionGroup {
    type Error = RejectionGroupError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.splitn(5, '\n').map(str::to_owned);
        let mut next = || parts.next().ok_or(RejectionGroupError);
        let token = next()?;
        let token = if token.is_empty() {
            None
        } else {
            Some(token.parse().map_err(|_| RejectionGroupError)?)
        };
        Ok(Self { token, code: next()?, client: next()?, network: next()?, operation: next()? })
    }
}

/// What members decided about a failing client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailingClientState {
    #[default]
    Open,
    /// Not shown among the open ones until an instant.
    Muted,
    /// Until its next request is rejected.
    Resolved,
}

text_form!(FailingClientState, () = (), {
    Open = "open",
    Muted = "muted",
    Resolved = "resolved",
});

/// How often, and when, requests of a group were rejected.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct RejectedRequests {
    pub requests: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The ID of the last request.
    pub last_request: String,
}

#[derive(Deserialize, Serialize)]
struct Packed(u64, i64, i64, String);

impl From<RejectedRequests> for Packed {
    fn from(rejected: RejectedRequests) -> Self {
        let RejectedRequests { requests, first_at, last_at, last_request } = rejected;
        Self(requests, first_at.as_micros(), last_at.as_micros(), last_request)
    }
}

impl From<Packed> for RejectedRequests {
    fn from(Packed(requests, first_at, last_at, last_request): Packed) -> Self {
        let [first_at, last_at] = [first_at, last_at].map(Timestamp::from_micros);
        Self { requests, first_at, last_at, last_request }
    }
}

impl RejectedRequests {
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.first_at = self.first_at.min(other.first_at);
        // Of two at the same instant, the same one is the last in any order.
        let last = |rejected: &Self| (rejected.last_at, rejected.last_request.clone());
        (self.last_at, self.last_request) = last(self).max(last(other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_as_it_was_written() {
        let token = Some(TokenId::from_bytes([7; 16]));
        for (token, operation) in [(token, "GET /contacts"), (None, "")] {
            let group = RejectionGroup {
                token,
                code: "token_revoked".to_owned(),
                client: "Firefox on Linux".to_owned(),
                network: "192.0.2.0/24".to_owned(),
                operation: operation.to_owned(),
            };
            assert_eq!(RejectionGroup::try_from(String::from(group.clone())).ok(), Some(group));
        }
        assert!(RejectionGroup::try_from("tok\na\nb\nc\nd".to_owned()).is_err());
        assert!(RejectionGroup::try_from("a".to_owned()).is_err());
    }
}
