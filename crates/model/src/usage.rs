//! The usage of tokens, as gateways report it and the console displays it.

use crate::{Timestamp, TokenId, text_form::text_form};
use std::sync::Arc;

/// The requests of one client to one operation since the gateway's last report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub token: TokenId,
    /// The client's name from [`crate::client_of`].
    pub client: String,
    pub client_ip: String,
    pub last_used_at: Timestamp,
    pub requests: i64,
    pub called: Called,
}

/// An operation and its violation, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Called {
    /// The operation, or empty if none is known.
    pub operation: Arc<str>,
    pub violations: Violations,
    /// Whether the request was rejected or the violation only recorded.
    pub was_rejected: bool,
}

/// The reason for a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The operation requires another scope.
    Scope,
    /// The operation would require another scope if the observed limits were enforced.
    ObservedScope,
    /// The IP address isn't allowed.
    Address,
    ObservedIpAddress,
    /// The rate limit is exceeded.
    Rate,
    /// The monthly quota is used up.
    Quota,
    /// The secret has been rotated and is in its grace period.
    PreviousSecret,
    /// The token was revoked.
    Revoked,
}

text_form!(Violation, () = (), {
    Scope = "scope",
    ObservedScope = "observed_scope",
    Address = "address",
    ObservedIpAddress = "observed_address",
    Rate = "rate",
    Quota = "quota",
    PreviousSecret = "previous_secret",
    Revoked = "revoked",
});

/// A set of violations, because one request can have several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Violations(u8);

impl Violations {
    pub fn add(&mut self, violation: Violation) {
        self.0 |= 1 << violation as u8;
    }

    pub fn contains(self, violation: Violation) -> bool {
        self.0 & (1 << violation as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Violation> {
        Violation::ALL.into_iter().filter(move |violation| self.contains(*violation))
    }
}
