//! Who used a token for what: what gateways report and the console shows.

use crate::{Timestamp, TokenId};
use std::{str::FromStr, sync::Arc};

/// What a gateway has seen of one program, and one operation, since it last reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub token: TokenId,
    /// As [`crate::program_of`] names it.
    pub program: String,
    pub client_ip: String,
    pub last_used_at: Timestamp,
    pub calls: i64,
    pub called: Called,
}

/// What was called, and what spoke against it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Called {
    /// Empty where no operation of the API is known.
    pub operation: Arc<str>,
    pub objections: Objections,
    /// Whether it was refused for that, or only written down.
    pub was_refused: bool,
}

/// Why a policy objects to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The operation asks for another scope.
    Scope,
    /// It would, if the limits on trial were in force.
    TrialScope,
    /// The call comes from elsewhere.
    Address,
    TrialAddress,
    /// Too many calls in a short time.
    Rate,
    /// The month's calls are used up.
    Quota,
    /// The secret has been rotated and closes soon.
    OldSecret,
}

impl Objection {
    pub const ALL: [Self; 7] = [
        Self::Scope,
        Self::TrialScope,
        Self::Address,
        Self::TrialAddress,
        Self::Rate,
        Self::Quota,
        Self::OldSecret,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::TrialScope => "trial_scope",
            Self::Address => "address",
            Self::TrialAddress => "trial_address",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::OldSecret => "old_secret",
        }
    }
}

impl FromStr for Objection {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|objection| objection.as_str() == text).ok_or(())
    }
}

/// Several at once, as one call may draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Objections(u8);

impl Objections {
    pub fn add(&mut self, objection: Objection) {
        self.0 |= 1 << objection as u8;
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Objection> {
        Objection::ALL.into_iter().filter(move |objection| self.0 & (1 << *objection as u8) != 0)
    }
}
