//! Accounts: customers of the API, identified externally by their number.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// An account number of six to eight digits without a leading zero, as in the endpoint URL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub struct AccountNumber(u32);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account number has six to eight digits and no leading zero")]
pub struct AccountNumberError;

impl AccountNumber {
    /// Returns a six-digit number derived from a random number. The caller must try again if it is taken.
    pub fn from_random(random: u32) -> Self {
        Self(100_000 + random % 900_000)
    }
}

impl TryFrom<u32> for AccountNumber {
    type Error = AccountNumberError;

    fn try_from(number: u32) -> Result<Self, AccountNumberError> {
        if (100_000..100_000_000).contains(&number) {
            Ok(Self(number))
        } else {
            Err(AccountNumberError)
        }
    }
}

impl From<AccountNumber> for u32 {
    fn from(number: AccountNumber) -> u32 {
        number.0
    }
}

impl FromStr for AccountNumber {
    type Err = AccountNumberError;

    fn from_str(text: &str) -> Result<Self, AccountNumberError> {
        if !text.bytes().all(|b| b.is_ascii_digit()) || text.starts_with('0') {
            return Err(AccountNumberError);
        }
        text.parse::<u32>().map_err(|_| AccountNumberError)?.try_into()
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The state of an account, which determines whether its tokens are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    #[default]
    Active,
    /// Suspended by an operator until an operator reactivates the account.
    Suspended,
    /// Closed by an operator; the account can be restored until its grace period ends.
    Closed,
    /// Closed permanently: the grace period is over, and its tokens are revoked.
    Purged,
}

text_form!(AccountState, () = (), {
    Active = "active",
    Suspended = "suspended",
    Closed = "closed",
    Purged = "purged",
});

impl AccountState {
    /// The time during which a closed account can be restored.
    pub const GRACE: Duration = Duration::from_hours(24 * 30);

    /// Returns whether members can view and change the account.
    pub fn is_in_use(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }

    /// Returns whether an operator may change the state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Active => matches!(next, Self::Suspended | Self::Closed),
            Self::Suspended => matches!(next, Self::Active | Self::Closed),
            Self::Closed => next == Self::Active,
            Self::Purged => false,
        }
    }
}

/// The name of an account: 1 to 80 characters, no control characters, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName(String);

impl FromStr for AccountName {
    type Err = crate::TokenNameError;

    fn from_str(text: &str) -> Result<Self, crate::TokenNameError> {
        crate::token::tidy_name(text).map(Self)
    }
}

impl AccountName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_to_eight_plain_digits_are_a_number() {
        for text in ["", "12345", "012345", "123456789", "12345a", "+123456", "１２３４５６"]
        {
            assert_eq!(text.parse::<AccountNumber>(), Err(AccountNumberError), "{text}");
        }
        for text in ["100000", "385403", "99999999"] {
            assert_eq!(text.parse::<AccountNumber>().map(|n| n.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn every_random_number_makes_a_six_digit_account() {
        for random in [0, 899_999, 900_000, u32::MAX] {
            assert_eq!(AccountNumber::from_random(random).to_string().len(), 6);
        }
    }
}
