//! Where a request wants to go: the account in its path, and the path that the upstream gets.
//! What is checked here are the very bytes that are forwarded; what reads two ways is refused.

use crate::{Denial, Forms};
use http::Uri;
use keydesk_model::AccountNumber;

#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// None in the token form, where the token alone says the account.
    pub account: Option<AccountNumber>,
    /// From the slash after the account on, without the query: `/api/v1/contacts`.
    pub path: String,
    pub query: Option<String>,
}

impl Target {
    pub fn of(uri: &Uri, forms: Forms) -> Result<Self, Denial> {
        let path = uri.path();
        let query = uri.query().map(str::to_owned);
        refuse_ambiguous(path)?;
        refuse_token_in(query.as_deref())?;
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let looks_like_account = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
        match first.parse::<AccountNumber>() {
            Ok(account) if forms.path => {
                // `{endpoint}/` plus `/api/…` is what a pasted trailing slash makes.
                let rest = path.trim_start_matches('/').strip_prefix(first).unwrap_or_default();
                let path = format!("/{}", rest.trim_start_matches('/'));
                refuse_empty_segment(&path)?;
                Ok(Self { account: Some(account), path, query })
            }
            Err(_) if forms.path && !forms.token && looks_like_account => {
                Err(Denial::UnknownAccount)
            }
            _ if forms.token => {
                let path = format!("/{}", path.trim_start_matches('/'));
                refuse_empty_segment(&path)?;
                Ok(Self { account: None, path, query })
            }
            _ => Err(Denial::NoAccount),
        }
    }

    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// Refuses what servers are known to read differently: dot segments in any spelling, encoded
/// slashes and NUL, backslashes, raw bytes outside of ASCII, broken percent signs.
fn refuse_ambiguous(path: &str) -> Result<(), Denial> {
    if !path.starts_with('/') || !path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Err(Denial::AmbiguousPath);
    }
    for segment in path.split('/') {
        let decoded = decode(segment).ok_or(Denial::AmbiguousPath)?;
        // A matrix parameter may hide a dot segment from one server and not from the next.
        let name = decoded.split(|b| *b == b';').next().unwrap_or_default();
        let is_dots = matches!(name, b"." | b"..");
        let is_nested = decode_again(&decoded).is_some_and(|twice| matches!(&*twice, b"." | b".."));
        if is_dots || is_nested || decoded.iter().any(|b| matches!(b, b'/' | b'\\' | 0)) {
            return Err(Denial::AmbiguousPath);
        }
    }
    Ok(())
}

fn refuse_empty_segment(path: &str) -> Result<(), Denial> {
    if path.contains("//") { Err(Denial::AmbiguousPath) } else { Ok(()) }
}

/// A token in the query would end up in every log on the way.
fn refuse_token_in(query: Option<&str>) -> Result<(), Denial> {
    let Some(query) = query else { return Ok(()) };
    let names = query.split(['&', ';']).map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names {
        if decode(name).is_some_and(|name| name.eq_ignore_ascii_case(b"access_token")) {
            return Err(Denial::TokenInQuery);
        }
    }
    Ok(())
}

/// Percent-decodes once; None where a percent sign is not followed by two hexadecimal digits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

fn decode_again(once: &[u8]) -> Option<Vec<u8>> {
    once.contains(&b'%').then(|| std::str::from_utf8(once).ok().and_then(decode)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Forms = Forms { path: true, token: true };

    fn of(uri: &str, forms: Forms) -> Result<(Option<String>, String), Denial> {
        let target = Target::of(&uri.parse().expect("a URI"), forms)?;
        Ok((target.account.map(|n| n.to_string()), target.path_and_query()))
    }

    #[test]
    fn a_trailing_slash_is_nothing() {
        for uri in ["/385403", "/385403/", "/385403//", "//385403/"] {
            assert_eq!(of(uri, Forms::default()), Ok((Some("385403".into()), "/".into())), "{uri}");
        }
        assert_eq!(
            of("/385403//api/v1?a=b", Forms::default()),
            Ok((Some("385403".into()), "/api/v1?a=b".into()))
        );
    }

    #[test]
    fn without_an_account_the_token_form_takes_the_whole_path() {
        assert_eq!(of("/api/v1", BOTH), Ok((None, "/api/v1".into())));
        assert_eq!(of("/api/v1", Forms::default()), Err(Denial::NoAccount));
        assert_eq!(
            of("/385403/x", Forms { path: false, token: true }),
            Ok((None, "/385403/x".into()))
        );
    }

    #[test]
    fn digits_that_no_account_has_are_told_so() {
        assert_eq!(of("/12/api", Forms::default()), Err(Denial::UnknownAccount));
        assert_eq!(of("/0385403/api", Forms::default()), Err(Denial::UnknownAccount));
    }

    #[test]
    fn t31_t32_paths_that_read_two_ways_are_refused() {
        for path in [
            "/385403/a/../b",
            "/385403/a/%2e%2e/b",
            "/385403/%252e%252e/b",
            "/385403/..;/b",
            "/385403/./b",
            "/385403/a//b",
            "/385403/a%2fb",
            "/385403/a%5Cb",
            "/385403/a%00b",
            "/385403/%zz",
            "/385403/a%2",
        ] {
            assert_eq!(of(path, BOTH), Err(Denial::AmbiguousPath), "{path}");
        }
        assert!(of("/385403/a%20b/c.d/..e/f;v=1", BOTH).is_ok());
    }

    #[test]
    fn t03_a_token_in_the_query_is_refused_in_any_spelling() {
        for query in ["access_token=x", "a=b&access_token=x", "access%5Ftoken=x", "ACCESS_TOKEN=x"]
        {
            assert_eq!(
                of(&format!("/385403/a?{query}"), BOTH),
                Err(Denial::TokenInQuery),
                "{query}"
            );
        }
        assert!(of("/385403/a?next_access_token_at=1", BOTH).is_ok());
    }
}
