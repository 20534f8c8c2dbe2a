//! Typed IDs: a time-ordered UUID after a short prefix that names the type (`tok_…`).

use crate::Timestamp;
use keydesk_token::Entropy;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct IdError;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Returns a new ID, ordered by `now`. IDs are not secrets and must not be used as such.
            pub fn generate(now: Timestamp, entropy: &Entropy) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &entropy.bytes()).into_uuid())
            }
        }

        impl $name {
            pub fn as_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Restores an ID from the bytes that [`Self::as_bytes`] returned.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the displayed text without using the formatter.
            pub fn as_text(self) -> [u8; 36] {
                let mut text = [0; 36];
                text[..3].copy_from_slice($prefix.as_bytes());
                text[3] = b'_';
                self.0.simple().encode_lower(&mut text[4..]);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let simple = text.strip_prefix(concat!($prefix, "_")).ok_or(IdError)?;
                if simple.len() != 32 {
                    return Err(IdError);
                }
                Uuid::try_parse(simple).map(Self).map_err(|_| IdError)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    )*};
}

typed_id! {
    AccountId = "acc";
    /// A user with a login, who can be a member of several accounts.
    UserId = "usr";
    /// A user's membership in one account, from joining to removal. Joining again creates a new one.
    MemberId = "mem";
    TokenId = "tok";
    /// A key of the management API.
    ManagementKeyId = "key";
    SessionId = "ses";
    InvitationId = "inv";
    /// An email that is queued for the mail server.
    MailId = "eml";
    /// A token that never works, and whose use raises an alarm.
    CanaryId = "can";
    /// An endpoint that receives events.
    WebhookId = "whk";
    /// The delivery of one event to one endpoint.
    DeliveryId = "dlv";
    /// A serving process, from joining to leaving.
    NodeId = "nod";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_with_its_kind_and_parses_back() {
        let id =
            TokenId::generate(Timestamp::from_micros(1_700_000_000_000_000), &Entropy::seeded(3));
        assert!(id.to_string().starts_with("tok_"));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_rejected() {
        let id = TokenId::generate(Timestamp::from_micros(0), &Entropy::seeded(3));
        assert_eq!(id.to_string().parse::<AccountId>(), Err(IdError));
    }
}
