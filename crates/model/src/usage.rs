//! Who used a token for what: what gateways report and the console shows.

use crate::{Timestamp, TokenId};
use std::{str::FromStr, sync::Arc};

/// What a gateway has seen of one client, and one operation, since it last reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub token: TokenId,
    /// As [`crate::client_of`] names it.
    pub client: String,
    pub client_ip: String,
    pub last_used_at: Timestamp,
    pub requests: i64,
    pub called: Called,
}

/// What was called, and what spoke against it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Called {
    /// Empty where no operation of the API is known.
    pub operation: Arc<str>,
    pub violations: Violations,
    /// Whether it was rejected for that, or only written down.
    pub was_rejected: bool,
}

/// Why a policy objects to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The operation asks for another scope.
    Scope,
    /// It would, if the limits on trial were in force.
    ObservedScope,
    /// The call comes from elsewhere.
    Address,
    ObservedIpAddress,
    /// Too many calls in a short time.
    Rate,
    /// The month's calls are used up.
    Quota,
    /// The secret has been rotated and closes soon.
    PreviousSecret,
}

impl Violation {
    pub const ALL: [Self; 7] = [
        Self::Scope,
        Self::ObservedScope,
        Self::Address,
        Self::ObservedIpAddress,
        Self::Rate,
        Self::Quota,
        Self::PreviousSecret,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::ObservedScope => "observed_scope",
            Self::Address => "address",
            Self::ObservedIpAddress => "observed_address",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::PreviousSecret => "previous_secret",
        }
    }
}

impl FromStr for Violation {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|violation| violation.as_str() == text).ok_or(())
    }
}

/// Several at once, as one call may draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Violations(u8);

impl Violations {
    pub fn add(&mut self, violation: Violation) {
        self.0 |= 1 << violation as u8;
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Violation> {
        Violation::ALL.into_iter().filter(move |violation| self.0 & (1 << *violation as u8) != 0)
    }
}
