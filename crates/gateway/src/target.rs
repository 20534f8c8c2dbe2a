//! Where a request wants to go: the account in its path, and the path that the upstream gets.
//! What is checked here are the very bytes that are forwarded; what reads two ways is refused.

use crate::{Denial, Forms};
use keydesk_model::AccountNumber;

/// Borrowed from the head: what is forwarded is what was judged, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// None in the token form, where the token alone says the account.
    pub account: Option<AccountNumber>,
    /// From the slash after the account on, without the query: `/api/v1/contacts`.
    pub path: &'a str,
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// `target` is path and query as they came, in origin form.
    pub fn of(target: &'a str, forms: Forms) -> Result<Self, Denial> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        refuse_ambiguous(path)?;
        refuse_unreadable(query)?;
        let inner = path.trim_start_matches('/');
        let first = &inner[..inner.find('/').unwrap_or(inner.len())];
        let looks_like_account = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
        match first.parse::<AccountNumber>() {
            Ok(account) if forms.path => {
                // `{endpoint}/` plus `/api/…` is what a pasted trailing slash makes.
                let path = with_one_slash(&inner[first.len()..]);
                refuse_empty_segment(path)?;
                Ok(Self { account: Some(account), path, query })
            }
            Err(_) if forms.path && !forms.token && looks_like_account => {
                Err(Denial::UnknownAccount)
            }
            _ if forms.token => {
                let path = with_one_slash(path);
                refuse_empty_segment(path)?;
                Ok(Self { account: None, path, query })
            }
            _ => Err(Denial::NoAccount),
        }
    }
}

/// The path from the last of its leading slashes on.
fn with_one_slash(path: &str) -> &str {
    let slashes = path.len() - path.trim_start_matches('/').len();
    if slashes == 0 { "/" } else { &path[slashes - 1..] }
}

/// Refuses what servers are known to read differently: dot segments in any spelling, encoded
/// slashes and NUL, backslashes, fragments, raw bytes outside of ASCII, broken percent signs.
fn refuse_ambiguous(path: &str) -> Result<(), Denial> {
    let is_readable = |b: u8| b.is_ascii_graphic() && b != b'\\' && b != b'#';
    if !path.starts_with('/') || !path.bytes().all(is_readable) {
        return Err(Denial::AmbiguousPath);
    }
    for segment in path.split('/') {
        if segment.starts_with('.') || segment.contains(['%', ';']) {
            refuse_ambiguous_segment(segment)?;
        }
    }
    Ok(())
}

fn refuse_ambiguous_segment(segment: &str) -> Result<(), Denial> {
    let decoded = decode(segment).ok_or(Denial::AmbiguousPath)?;
    // A matrix parameter may hide a dot segment from one server and not from the next.
    let name = decoded.split(|b| *b == b';').next().unwrap_or_default();
    let is_dots = |name: &[u8]| matches!(name, b"." | b"..");
    let is_separator = |b: &u8| matches!(b, b'/' | b'\\' | 0);
    let twice = decode_leniently(&decoded);
    let twice_name = twice.split(|b| *b == b';').next().unwrap_or_default();
    // `/;/x` is `/x` to a server that drops parameters, and `//x` to the next.
    if name.is_empty()
        || is_dots(name)
        || is_dots(twice_name)
        || decoded.iter().any(is_separator)
        || twice.iter().any(is_separator)
        || !is_utf8(&decoded)
    {
        return Err(Denial::AmbiguousPath);
    }
    Ok(())
}

/// Overlong forms and lone bytes are letters to one server and slashes to another.
fn is_utf8(decoded: &[u8]) -> bool {
    std::str::from_utf8(decoded).is_ok()
}

/// A query passes as it is, if it is one: a byte outside of ASCII or a fragment is none.
fn refuse_unreadable(query: Option<&str>) -> Result<(), Denial> {
    let Some(query) = query else { return Ok(()) };
    if query.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
        refuse_token_in(query)
    } else {
        Err(Denial::AmbiguousPath)
    }
}

fn refuse_empty_segment(path: &str) -> Result<(), Denial> {
    if path.contains("//") { Err(Denial::AmbiguousPath) } else { Ok(()) }
}

/// A token in the query would end up in every log on the way.
fn refuse_token_in(query: &str) -> Result<(), Denial> {
    let names = query.split(['&', ';']).map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names {
        let is_long_enough = name.len() >= "access_token".len();
        if is_long_enough
            && decode(name).is_some_and(|name| name.eq_ignore_ascii_case(b"access_token"))
        {
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

/// Percent-decodes once, as lenient servers do: what is no escape stays.
pub(crate) fn decode_leniently(once: &[u8]) -> Vec<u8> {
    let hex = |at: usize| once.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(once.len()), 0);
    while at < once.len() {
        if let (b'%', Some(high), Some(low)) = (once[at], hex(at + 1), hex(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            at += 3;
        } else {
            out.push(once[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Forms = Forms { path: true, token: true };

    fn of(uri: &str, forms: Forms) -> Result<(Option<String>, String), Denial> {
        let target = Target::of(uri, forms)?;
        let query = target.query.map_or(String::new(), |query| format!("?{query}"));
        Ok((target.account.map(|n| n.to_string()), format!("{}{query}", target.path)))
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
            "/385403/%2e",
            "/385403/.%2e/b",
            "/385403/a%252fb",
            "/385403/a%252%2500",
            "/385403/%252e%2",
            "/385403/%c0%ae%c0%ae/b",
            "/385403/%ff",
            "/385403/a\\b",
            "/385403/a#b",
            "/385403/ä",
            "/385403/a?b#c",
            "/385403/a?ä",
            "/385403/;/b",
            "/385403/a/;v=1",
            "/385403/%3Bv=1/b",
            "385403/a",
            "*",
            "",
        ] {
            assert_eq!(of(path, BOTH), Err(Denial::AmbiguousPath), "{path}");
        }
        assert!(of("/385403/a%20b/c.d/..e/f;v=1/%C3%A4/.well-known", BOTH).is_ok());
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
