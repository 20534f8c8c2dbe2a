//! The owner of a token, its revocation, and its state at a given time.

use crate::{MemberId, Timestamp, is_deceptive, text_form::text_form};
use keydesk_token::PlainToken;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// The owner of a token: a member or an account. Determines which events revoke it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOwner {
    /// The bearer token: revoked with its member's password, sessions, and membership.
    Member(MemberId),
    /// An API token: works until it is rotated or revoked, or expires.
    Account,
}

/// Why a secret was revoked. Shown only to a client that presents the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    Rotated,
    Revoked,
    PasswordChanged,
    PasswordReset,
    LoggedOutOfAllSessions,
    MemberRemoved,
    RoleChanged,
    AccountClosed,
    /// Someone found the secret where it doesn't belong, and reported it.
    Leaked,
}

text_form!(RevocationReason, () = (), {
    Rotated = "rotated",
    Revoked = "revoked",
    PasswordChanged = "password_changed",
    PasswordReset = "password_reset",
    LoggedOutOfAllSessions = "logged_out_of_all_sessions",
    MemberRemoved = "member_removed",
    RoleChanged = "role_changed",
    AccountClosed = "account_closed",
    Leaked = "leaked",
});

impl RevocationReason {
    /// Completes the sentence "It was revoked because …".
    pub fn because(self) -> &'static str {
        match self {
            Self::Rotated => "the token was rotated",
            Self::Revoked => "it was revoked",
            Self::PasswordChanged => "its member's password was changed",
            Self::PasswordReset => "its member's password was reset",
            Self::LoggedOutOfAllSessions => "its member was logged out of all sessions",
            Self::MemberRemoved => "its member was removed from the account",
            Self::RoleChanged => "its member's new role doesn't have a bearer token",
            Self::AccountClosed => "its account was permanently closed",
            Self::Leaked => "it was reported as leaked",
        }
    }
}

/// When and why a secret was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub at: Timestamp,
    pub reason: RevocationReason,
}

impl Revocation {
    /// Returns whether a restoration from the revocation at `restored_from` undoes this one.
    pub fn is_undone_by(self, restored_from: Option<Timestamp>) -> bool {
        self.reason == RevocationReason::Revoked && restored_from == Some(self.at)
    }
}

/// The time for which a revocation by hand can be undone.
pub const RESTORABLE: Duration = Duration::from_hours(24);

/// A revocation that can be undone: by hand for a day, or a pause for as long as it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The instant of the revocation.
    pub since: Timestamp,
    /// The time until which it can be undone; `None` for a pause.
    pub until: Option<Timestamp>,
}

impl Hold {
    /// Returns whether it can be undone at `now`: until the microsecond before the end.
    pub fn is_open(self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The state of a secret at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    Active,
    Expired(Timestamp),
    Revoked(Revocation),
}

impl TokenState {
    /// Returns the state at `now`. An expired secret is rejected from the exact microsecond of its expiry: `now ≥ at`.
    /// A revocation holds even if the clock was set back. If both apply, the earlier one is reported.
    pub fn at(
        now: Timestamp,
        expires_at: Option<Timestamp>,
        revocation: Option<Revocation>,
    ) -> Self {
        let expired = expires_at.filter(|at| *at <= now);
        match (revocation, expired) {
            (Some(revocation), Some(at)) if at < revocation.at => Self::Expired(at),
            (Some(revocation), _) => Self::Revoked(revocation),
            (None, Some(at)) => Self::Expired(at),
            (None, None) => Self::Active,
        }
    }
}

/// The name of a token: 1 to 80 characters, no control or direction characters, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenNameError {
    #[error("give it a name, such as “CRM sync”")]
    Empty,
    #[error("a name has at most 80 characters")]
    TooLong,
    #[error("a name holds printable characters only")]
    Unprintable,
    #[error("a name is no place for a token")]
    Secret,
}

impl TokenName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = TokenNameError;

    fn from_str(text: &str) -> Result<Self, TokenNameError> {
        tidy_name(text).map(Self)
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What people write down about a token: at most 500 characters like those of a name, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenNote(String);

impl TokenNote {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenNoteError {
    #[error("a note has at most 500 printable characters")]
    Invalid,
    #[error("a note is no place for a token")]
    Secret,
}

impl FromStr for TokenNote {
    type Err = TokenNoteError;

    fn from_str(text: &str) -> Result<Self, TokenNoteError> {
        let lines = text.split(['\r', '\n', '\t']).map(str::trim).filter(|line| !line.is_empty());
        match tidy(&lines.collect::<Vec<_>>().join(" "), 500) {
            Ok(text) => Ok(Self(text)),
            Err(TokenNameError::Empty) => Ok(Self::default()),
            Err(TokenNameError::Secret) => Err(TokenNoteError::Secret),
            Err(_) => Err(TokenNoteError::Invalid),
        }
    }
}

/// Validates a user-defined name, which must be safe to display in a table and a log.
pub(crate) fn tidy_name(text: &str) -> Result<String, TokenNameError> {
    tidy(text, 80)
}

fn tidy(text: &str, most: usize) -> Result<String, TokenNameError> {
    // Only one kind of blank is kept, so that no two names differ only in blanks.
    let is_blank = |c: char| c.is_whitespace() && !is_deceptive(c);
    let text: String = text.trim().chars().map(|c| if is_blank(c) { ' ' } else { c }).collect();
    if text.is_empty() {
        return Err(TokenNameError::Empty);
    }
    if text.chars().count() > most {
        return Err(TokenNameError::TooLong);
    }
    if text.chars().any(is_deceptive) {
        return Err(TokenNameError::Unprintable);
    }
    // It would be stored, and shown to others.
    if PlainToken::is_within(text.as_bytes()) {
        return Err(TokenNameError::Secret);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_note_can_be_empty_and_is_one_line() {
        let note = |text: &str| text.parse::<TokenNote>();
        assert_eq!(note("  ").expect("a note").as_str(), "");
        assert_eq!(
            note(" Nightly import,\nask Zoë ").expect("a note").as_str(),
            "Nightly import, ask Zoë"
        );
        assert_eq!(note(&"é".repeat(500)).expect("a note").as_str().chars().count(), 500);
        assert_eq!(note(&"é".repeat(501)), Err(TokenNoteError::Invalid));
        assert_eq!(note("a\u{202e}b"), Err(TokenNoteError::Invalid));
        let prefix = keydesk_token::Prefix::default();
        let token = PlainToken::generate(
            &prefix,
            keydesk_token::Kind::Account,
            &keydesk_token::Entropy::seeded(1),
        );
        let pasted = format!("use {}, please", token.expose());
        assert_eq!(note(&pasted), Err(TokenNoteError::Secret));
        assert_eq!(pasted.parse::<TokenName>(), Err(TokenNameError::Secret));
    }

    #[test]
    fn expiry_bites_at_the_very_microsecond() {
        assert_eq!(TokenState::at(at(999), Some(at(1000)), None), TokenState::Active);
        assert_eq!(TokenState::at(at(1000), Some(at(1000)), None), TokenState::Expired(at(1000)));
    }

    #[test]
    fn a_revocation_is_undone_by_its_own_restoration_alone() {
        let revocation = |reason| Revocation { at: at(500), reason };
        assert!(revocation(RevocationReason::Revoked).is_undone_by(Some(at(500))));
        for restored_from in [None, Some(at(499)), Some(at(501))] {
            assert!(!revocation(RevocationReason::Revoked).is_undone_by(restored_from));
        }
        for reason in RevocationReason::ALL {
            let is_by_hand = reason == RevocationReason::Revoked;
            assert_eq!(revocation(reason).is_undone_by(Some(at(500))), is_by_hand);
        }
    }

    #[test]
    fn a_hold_ends_by_itself_unless_it_is_a_pause() {
        let hold = |until| Hold { since: at(5), until };
        assert!(hold(Some(at(10))).is_open(at(9)) && !hold(Some(at(10))).is_open(at(10)));
        assert!(hold(None).is_open(at(i64::MAX)));
    }

    #[test]
    fn the_earliest_reason_is_told() {
        let revocation = Revocation { at: at(500), reason: RevocationReason::Revoked };
        assert_eq!(
            TokenState::at(at(2000), Some(at(1000)), Some(revocation)),
            TokenState::Revoked(revocation)
        );
        assert_eq!(
            TokenState::at(at(2000), Some(at(400)), Some(revocation)),
            TokenState::Expired(at(400))
        );
    }

    #[test]
    fn every_cause_prints_and_parses() {
        for reason in RevocationReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
            assert_eq!(serde_json::to_value(reason).expect("serialises"), reason.as_str());
        }
    }

    #[test]
    fn a_name_that_turns_text_around_is_rejected() {
        assert_eq!("a\u{202e}b".parse::<TokenName>(), Err(TokenNameError::Unprintable));
        for hidden in ["a\u{200b}b", "a\u{ad}b", "a\u{2063}b", "\u{2800}"] {
            assert_eq!(hidden.parse::<TokenName>(), Err(TokenNameError::Unprintable), "{hidden:?}");
        }
        let name: TokenName = "Ann\u{a0}Chen".parse().expect("a name");
        assert_eq!(name.as_str(), "Ann Chen");
        assert_eq!("a\nb".parse::<TokenName>(), Err(TokenNameError::Unprintable));
        assert_eq!("  ".parse::<TokenName>(), Err(TokenNameError::Empty));
    }

    proptest! {
        /// T13: a token is rejected if any reason applies, regardless of the others.
        #[test]
        fn a_token_lives_only_while_no_reason_speaks_against_it(
            now in 0i64..1000, expires in proptest::option::of(0i64..1000), ended in proptest::option::of(0i64..1000)
        ) {
            let revocation = ended.map(|t| Revocation { at: at(t), reason: RevocationReason::Revoked });
            let state = TokenState::at(at(now), expires.map(at), revocation);
            let lives = expires.is_none_or(|t| now < t) && ended.is_none();
            prop_assert_eq!(state == TokenState::Active, lives);
        }
    }

    #[test]
    fn each_reason_completes_the_sentence_in_its_own_words() {
        let because = RevocationReason::ALL.map(RevocationReason::because);
        for (at, words) in because.iter().enumerate() {
            assert!(words.split(' ').count() >= 3 && !because[..at].contains(words), "{words}");
        }
    }

    #[test]
    fn of_two_causes_at_one_instant_the_revocation_is_reported() {
        let at = Timestamp::from_micros(5);
        let revocation = Revocation { at, reason: RevocationReason::Revoked };
        let state = |expires_at: i64| {
            let expires_at = Some(Timestamp::from_micros(expires_at));
            TokenState::at(Timestamp::from_micros(9), expires_at, Some(revocation))
        };
        assert_eq!(state(5), TokenState::Revoked(revocation));
        assert_eq!(state(4), TokenState::Expired(Timestamp::from_micros(4)));
        assert_eq!(state(6), TokenState::Revoked(revocation));
    }

    #[test]
    fn a_name_has_at_most_eighty_characters() {
        let name = |length: usize| "é".repeat(length).parse::<TokenName>();
        assert_eq!(name(80).map(|name| name.to_string()), Ok("é".repeat(80)));
        assert_eq!(name(81), Err(TokenNameError::TooLong));
        assert_eq!(name(200), Err(TokenNameError::TooLong));
    }
}
