//! Email addresses of users: stored as typed for delivery, compared in one canonical form. What the links in email open.

use crate::is_deceptive;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use unicode_normalization::UnicodeNormalization;

/// A syntactically valid email address.
#[derive(Clone, Debug)]
pub struct Email(String);

/// The characters that RFC 5322 allows in an atom in addition to letters and digits.
const ATEXT: &str = "!#$%&'*+-/=?^_`{|}~";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like ann@example.com")]
pub struct EmailError;

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form used for uniqueness and login: NFKC, lowercase, and the domain in Unicode regardless of its
    /// spelling (browsers send `xn--mller-kva.example` for `müller.example`). Dots and `+tags` are kept, because only
    /// the receiving server knows their meaning.
    pub fn canonical(&self) -> String {
        let local = self.local_part().nfkc().collect::<String>().to_lowercase();
        format!("{local}@{}", self.domain())
    }

    /// Returns the part after the `@` in the canonical form.
    pub fn domain(&self) -> String {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        let (domain, _) =
            Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
        domain.into_owned()
    }

    /// Returns the address for SMTP: the domain in ASCII, because few servers accept other characters.
    pub fn for_smtp(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        ascii(domain).map_or_else(|| self.0.clone(), |domain| format!("{local}@{domain}"))
    }

    /// Returns the part before the `@`, which serves as a default for the user's name.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(local, _)| local)
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        // Checks both the delivered form and the canonical form.
        if fits(text) && fits(&text.nfkc().collect::<String>()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EmailError)
        }
    }
}

fn fits(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    // A dot-atom: no mail server accepts `a..b`.
    let is_atom = |c: char| c.is_alphanumeric() || !c.is_ascii() || ATEXT.contains(c);
    let local_fits = (1..=64).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let domain_fits = (1..=190).contains(&domain.len()) && ascii(domain).is_some();
    let is_plain = !text.chars().any(|c| c.is_whitespace() || is_deceptive(c));
    local_fits && domain_fits && is_plain
}

/// Returns a domain in its DNS form, if it has one.
fn ascii(domain: &str) -> Option<String> {
    let ascii = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    ascii.ok().map(std::borrow::Cow::into_owned)
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the link of an email opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    Invitation,
    PasswordReset,
    SignUp,
    /// The confirmation of a new email address by the old one.
    OldEmail,
    NewEmail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one_user() {
        let ann: Email = "Ann@Example.com".parse().expect("valid");
        for spelling in ["ann@example.com", " ANN@EXAMPLE.COM ", "ａnn@example.com"] {
            assert_eq!(spelling.parse::<Email>().as_ref(), Ok(&ann), "{spelling}");
        }
        assert_ne!("a.nn@example.com".parse::<Email>().as_ref(), Ok(&ann));
    }

    /// Chrome sends the domain of an email field in ASCII, Firefox as it was typed, and macOS composes umlauts of two
    /// characters.
    #[test]
    fn a_domain_beyond_ascii_is_one_however_it_is_sent() {
        let jo: Email = "jo@müller.test".parse().expect("valid");
        for spelling in [
            "jo@xn--mller-kva.test",
            "Jo@MÜLLER.test",
            "jo@mu\u{308}ller.test",
            "jo@XN--MLLER-KVA.TEST",
        ] {
            let email: Email = spelling.parse().expect(spelling);
            assert_eq!(email, jo, "{spelling}");
            assert_eq!(email.domain(), "müller.test");
            assert!(email.for_smtp().to_lowercase().ends_with("@xn--mller-kva.test"), "{spelling}");
        }
        assert_eq!(
            "ann@Example.com".parse::<Email>().expect("valid").for_smtp(),
            "ann@example.com"
        );
    }

    #[test]
    fn what_cannot_be_delivered_is_rejected() {
        let long = format!("{}@example.com", "a".repeat(320));
        for text in [
            "",
            "ann",
            "@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a(b)@example.com",
            "ann@-example.com",
            "ann@xn--a.example",
            "ann@",
            "a b@example.com",
            "ann@exa\0mple.com",
            "ann@.com",
            "a@b@c.d",
            "ann@example.com\r\nBcc: x@y.z",
            "ann\u{202e}@example.com",
            "an\u{200b}n@example.com",
            "an\u{ad}n@example.com",
            "an\u{2063}n@example.com",
            "ann\u{ff20}evil.example@example.com",
            "ann\u{ff1c}x@example.com",
            &long,
        ] {
            assert_eq!(text.parse::<Email>(), Err(EmailError), "{text}");
        }
    }
}
