//! A person's e-mail address: kept as typed for delivery, compared in one canonical form.

use crate::is_deceptive;
use std::{fmt, str::FromStr};
use unicode_normalization::UnicodeNormalization;

/// An address that mail can be sent to, as far as its shape tells.
#[derive(Clone, Debug)]
pub struct Email(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like ann@example.com")]
pub struct EmailError;

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What uniqueness and log-in go by: NFKC, lower case. Dots and `+tags` stay, as only the
    /// receiving server knows what they mean.
    pub fn canonical(&self) -> String {
        self.0.nfkc().collect::<String>().to_lowercase()
    }

    /// What stands behind the `@`, in the form that is compared.
    pub fn domain(&self) -> String {
        let canonical = self.canonical();
        canonical.rsplit_once('@').map_or(String::new(), |(_, domain)| domain.to_owned())
    }

    /// The part before the `@`, for a first guess at what to call the person.
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
        // Both as it is delivered to and as it is compared.
        if fits(text) && fits(&text.nfkc().collect::<String>()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EmailError)
        }
    }
}

fn fits(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_fits =
        (1..=64).contains(&local.len()) && !local.contains(['@', '<', '>', ',', ';', '"', '\\']);
    let domain_fits = (1..=190).contains(&domain.len())
        && domain
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
    let is_plain = !text.chars().any(|c| c.is_whitespace() || is_deceptive(c));
    local_fits && domain_fits && is_plain
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one_person() {
        let ann: Email = "Ann@Example.com".parse().expect("valid");
        for spelling in ["ann@example.com", " ANN@EXAMPLE.COM ", "ａnn@example.com"] {
            assert_eq!(spelling.parse::<Email>().as_ref(), Ok(&ann), "{spelling}");
        }
        assert_ne!("a.nn@example.com".parse::<Email>().as_ref(), Ok(&ann));
    }

    #[test]
    fn what_cannot_be_delivered_is_refused() {
        let long = format!("{}@example.com", "a".repeat(320));
        for text in [
            "",
            "ann",
            "@example.com",
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
