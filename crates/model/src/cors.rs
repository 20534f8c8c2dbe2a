//! CORS policies: the web pages that may access an API from a browser, set by the operator or an account.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The permissions of pages from other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsPolicy {
    pub origins: OriginList,
    /// The allowed methods, or empty for every method that the gateway serves.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The allowed headers, or empty for every header.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The headers that a page may read in addition to the gateway's own.
    #[serde(default)]
    pub exposed_headers: Vec<String>,
    /// The time for which a browser may cache a preflight response.
    #[serde(default = "default_max_age")]
    pub max_age_seconds: u32,
}

fn default_max_age() -> u32 {
    CorsPolicy::MAX_AGE
}

impl CorsPolicy {
    pub const MAX_AGE: u32 = 600;
    /// The maximum of `max_age_seconds`. Browsers cap it (Chromium at two hours, Firefox at one day).
    pub const LONGEST_MAX_AGE: u32 = 86_400;

    /// Returns whether the lists contain only valid values: methods in capitals and header names.
    pub fn is_well_formed(&self) -> bool {
        let is_method = |name: &String| {
            (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_uppercase())
        };
        let is_header = |name: &String| {
            (1..=40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let most = |list: &Vec<String>| list.len() <= 50;
        self.methods.iter().all(is_method)
            && self.headers.iter().all(is_header)
            && self.exposed_headers.iter().all(is_header)
            && [&self.methods, &self.headers, &self.exposed_headers].into_iter().all(most)
            && self.max_age_seconds <= Self::LONGEST_MAX_AGE
    }
}

/// Origins as browsers send them (RFC 6454 section 6.2), or `*` for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginList(Vec<String>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is written https://app.example.com, without a path; * is every origin")]
pub struct OriginError;

impl OriginList {
    const MOST: usize = 50;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn admits(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|known| known == "*" || known.as_bytes() == origin)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for OriginList {
    type Err = OriginError;

    /// Parses origins separated by spaces, commas, or line breaks.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let words = text.split([' ', ',', '\n', '\r', '\t']).filter(|word| !word.is_empty());
        let mut origins: Vec<String> = words.map(origin).collect::<Result<_, _>>()?;
        origins.sort();
        origins.dedup();
        if origins.len() > Self::MOST { Err(OriginError) } else { Ok(Self(origins)) }
    }
}

impl fmt::Display for OriginList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl TryFrom<String> for OriginList {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<OriginList> for String {
    fn from(list: OriginList) -> Self {
        list.to_string()
    }
}

/// Returns the origin as browsers send it: in lowercase and without the default port.
fn origin(text: &str) -> Result<String, OriginError> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://").ok_or(OriginError)?;
    let is_scheme = !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_authority = (1..=300).contains(&authority.len())
        && authority.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    if !is_scheme || !is_authority {
        return Err(OriginError);
    }
    let standard = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let bare = if standard.is_empty() { None } else { authority.strip_suffix(standard) };
    Ok(format!("{scheme}://{}", bare.unwrap_or(authority)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for (text, expected) in [
            ("https://App.example.com:443/", "https://app.example.com"),
            (
                "http://localhost:5173, https://a.example\nhttps://a.example",
                "http://localhost:5173 https://a.example",
            ),
            ("*", "*"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("", ""),
        ] {
            assert_eq!(
                text.parse::<OriginList>().map(|list| list.to_string()).as_deref(),
                Ok(expected)
            );
        }
        for text in [
            "app.example.com",
            "https://a.example/x",
            "https://",
            "https://*.example.com",
            "null",
            "https://a@b",
        ] {
            assert_eq!(text.parse::<OriginList>(), Err(OriginError), "{text}");
        }
    }

    #[test]
    fn only_what_is_listed_is_admitted() {
        let list: OriginList = "https://a.example".parse().expect("origins");
        assert!(list.admits(b"https://a.example"));
        for other in
            ["https://a.example.org", "http://a.example", "https://b.a.example", "null", ""]
        {
            assert!(!list.admits(other.as_bytes()), "{other}");
        }
        assert!("*".parse::<OriginList>().expect("all").admits(b"null"));
    }
}
