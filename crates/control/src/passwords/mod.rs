//! Passwords: acceptance rules and storage.

mod blocklist;
mod hashing;

pub(crate) use hashing::{PasswordHashing, TooBusy};

use crate::refusal::{Code, Refusal};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

const SHORTEST: usize = 15;
const LONGEST: usize = 256;

/// A password in the form that is hashed: normalized to NFKC, so that it does not matter how a keyboard composes an
/// accent. It is never truncated and can't be printed.
#[derive(PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(redacted)")
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password is too short")]
    TooShort,
    #[error("the password is too long")]
    TooLong,
    #[error("the password is based on “{0}”")]
    Common(String),
    #[error("the password contains “{0}”")]
    Personal(String),
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        let (code, name, most) = match error {
            PasswordError::TooShort => (Code::PasswordTooShort, "least", SHORTEST),
            PasswordError::TooLong => (Code::PasswordTooLong, "most", LONGEST),
            PasswordError::Common(part) => {
                return Self::new(Code::PasswordCommon).with_text("part", part).at("password");
            }
            PasswordError::Personal(part) => {
                return Self::new(Code::PasswordPersonal).with_text("part", part).at("password");
            }
        };
        Self::new(code).with_count(name, most).at("password")
    }
}

impl From<TooBusy> for Refusal {
    fn from(_: TooBusy) -> Self {
        Self::new(Code::TooBusy)
    }
}

impl Password {
    /// Returns a password as entered at login: normalized, but not checked.
    pub fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.nfkc().collect()))
    }

    /// Returns a new password, checked by its length and against common guesses, but not by its composition.
    /// `personal` are words that others know: the account, the user, the product.
    pub fn chosen(text: &str, personal: &[&str]) -> Result<Self, PasswordError> {
        let password = Self::typed(text);
        let length = password.0.chars().count();
        if length < SHORTEST {
            return Err(PasswordError::TooShort);
        }
        if length > LONGEST {
            return Err(PasswordError::TooLong);
        }
        let folded = Zeroizing::new(blocklist::folded(&password.0));
        if let Some(part) = blocklist::find_common(&folded) {
            return Err(PasswordError::Common(part));
        }
        if let Some(word) = blocklist::find_personal(&folded, personal) {
            return Err(PasswordError::Personal(word));
        }
        Ok(password)
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<(), PasswordError> {
        Password::chosen(text, &["Acme Corp", "ann.chen", "keydesk"]).map(|_| ())
    }

    #[test]
    fn p1_fifteen_characters_are_enough_and_fourteen_are_not() {
        assert_eq!(judge("vjeo-ktmw-haqb"), Err(PasswordError::TooShort));
        assert_eq!(judge("vjeo-ktmw-haqbn"), Ok(()));
    }

    #[test]
    fn p2_long_passwords_are_taken_whole() {
        assert_eq!(judge(&"vjeo ktmw haqbn ".repeat(16)), Ok(()));
        assert_eq!(judge(&"vjeo ktmw haqbn ".repeat(17)), Err(PasswordError::TooLong));
    }

    #[test]
    fn p3_composition_does_not_matter() {
        assert_eq!(judge("aaaaaaaaaaaaaab"), Ok(()));
        assert_eq!(judge("correct horse battery staple"), Ok(()));
    }

    #[test]
    fn p4_what_attackers_try_first_is_rejected_with_the_reason() {
        for (text, part) in [
            ("password12345678", "password"),
            ("Qwertyuiop123456789", "qwertyuiop"),
            ("aaaaaaaaaaaaaaaa", "a"),
            ("abcabcabcabcabcabc", "abc"),
            ("iloveyouiloveyou", "iloveyou"),
        ] {
            assert_eq!(judge(text), Err(PasswordError::Common(part.to_owned())), "{text}");
        }
    }

    #[test]
    fn p4_names_that_others_know_are_rejected() {
        assert_eq!(
            judge("AcmeCorp-AcmeCorp-1"),
            Err(PasswordError::Personal("acmecorp".to_owned()))
        );
        assert_eq!(judge("ann.chen2026!!!"), Err(PasswordError::Personal("ann.chen".to_owned())));
        // Without the accents or punctuation of the name, or with others.
        for text in ["padaria sao joao", "Padaria-São-João!", "pâdaría são joão 1"] {
            let judged = Password::chosen(text, &["Padaria “São João”"]).err();
            assert!(matches!(judged, Some(PasswordError::Personal(_))), "{text}: {judged:?}");
        }
    }

    #[test]
    fn p5_characters_are_counted_not_bytes_and_accents_compose() {
        assert_eq!(judge("éééééééééééébc"), Err(PasswordError::TooShort));
        assert_eq!(Password::typed("caf\u{e9}").bytes(), Password::typed("cafe\u{301}").bytes());
    }
}
