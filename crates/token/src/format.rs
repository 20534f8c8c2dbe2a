//! The visible parts of a token: the vendor's prefix and the kind.

use std::{fmt, str::FromStr};

/// The kind of a token. It is only a label for users and scanners: the token's owner in the live table, never this
/// letter, determines which events revoke it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `u`: bound to a member, shown on the API Docs page.
    User,
    /// `a`: bound to the account, shown once.
    Account,
    /// `m`: a management key, which gives access to the management API and not to the API.
    Management,
}

impl Kind {
    pub fn letter(self) -> char {
        match self {
            Self::User => 'u',
            Self::Account => 'a',
            Self::Management => 'm',
        }
    }

    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'u' => Some(Self::User),
            b'a' => Some(Self::Account),
            b'm' => Some(Self::Management),
            _ => None,
        }
    }
}

/// The vendor's prefix: 2 to 16 characters, a lowercase letter first, then letters and digits. It is chosen once;
/// tokens with an older prefix keep working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a token prefix is 2 to 16 lower-case letters and digits, a letter first, such as \"kd\"")]
pub struct PrefixError;

impl Prefix {
    pub(crate) fn is_valid(text: &[u8]) -> bool {
        (2..=16).contains(&text.len())
            && text[0].is_ascii_lowercase()
            && text.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("kd".to_owned())
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        if Self::is_valid(text.as_bytes()) { Ok(Self(text.to_owned())) } else { Err(PrefixError) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_short_lowercase_and_begins_with_a_letter() {
        for valid in ["kd", "k9", "acme", "a234567890123456"] {
            assert_eq!(
                valid.parse::<Prefix>().map(|prefix| prefix.to_string()),
                Ok(valid.to_owned())
            );
        }
        for invalid in ["", "k", "9k", "Kd", "kD", "k-", "k_", "ké", "a2345678901234567"] {
            assert_eq!(invalid.parse::<Prefix>(), Err(PrefixError), "{invalid:?}");
        }
    }
}
