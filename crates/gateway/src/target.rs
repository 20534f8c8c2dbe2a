//! The target of a request: the account in its path, and the path for the upstream. The checks apply to exactly the
//! bytes that are forwarded, and ambiguous ones are rejected.

use crate::redaction::decode_leniently;
use crate::rejection::TargetFault;
use crate::{Forms, Rejection, Spellings};
use keydesk_model::AccountNumber;
use keydesk_token::{PlainToken, TokenHash};

/// A request target borrowed from the head: the forwarded bytes are the checked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The account, or `None` in the token form, in which the token determines it.
    pub account: Option<AccountNumber>,
    /// The path from the slash after the account on, without the query: `/api/v1/contacts`.
    pub path: &'a str,
    pub query: Option<&'a str>,
    /// The path's spellings that only some upstreams accept.
    pub spellings: Spellings,
}

impl<'a> Target<'a> {
    /// Parses `target`, the path and query as received, in origin form.
    pub fn of(target: &'a str, forms: Forms) -> Result<Self, Rejection> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        reject_malformed(target)?;
        let spellings = reject_ambiguous(path)?;
        let (account, path) = split_account(path, forms)?;
        let spellings =
            if path.contains("//") { spellings.with(Spellings::EMPTY_SEGMENTS) } else { spellings };
        Ok(Self { account, path, query, spellings })
    }

    /// Returns the account and path of a target that is rejected, if it names an account, so that the request can be counted
    /// and found. It must not be forwarded.
    #[cold]
    pub fn of_rejected(target: &'a str, forms: Forms) -> Option<Self> {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let (account, path) = split_account(path, forms).ok()?;
        account.map(|account| Self {
            account: Some(account),
            path,
            query: None,
            spellings: Spellings::default(),
        })
    }

    /// Rejects a token in the query, which would end up in every log on the way. `is_for_upstream`: in any parameter, because
    /// the upstream would receive it. Old clients send Keydesk itself the token that they rotate.
    pub fn reject_token_in_query(&self, is_for_upstream: bool) -> Result<(), Rejection> {
        let is_token = |(name, value): (&str, &str)| {
            names_token(name) || (is_for_upstream && PlainToken::hash_presented(value).is_ok())
        };
        if self.pairs().any(is_token) { Err(Rejection::TokenInQuery) } else { Ok(()) }
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.query.into_iter().flat_map(|query| query.split(['&', ';']));
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// Returns the hash of the first token in the query.
    #[cold]
    pub fn token_in_query(&self) -> Option<TokenHash> {
        self.pairs().find_map(|(_, value)| PlainToken::hash_presented(value).ok())
    }

    /// Rejects the path unless servers that keep only these spellings read it in one way.
    pub fn reject_beyond(&self, kept: Spellings) -> Result<(), Rejection> {
        match self.spellings.key_beyond(kept) {
            Some(key) => Err(Rejection::AmbiguousPath { key: Some(key) }),
            None => Ok(()),
        }
    }
}

/// Splits a path into the account, or `None` in the token form, and the path for the upstream.
fn split_account(path: &str, forms: Forms) -> Result<(Option<AccountNumber>, &str), Rejection> {
    let inner = path.trim_start_matches('/');
    let first = &inner[..inner.find('/').unwrap_or(inner.len())];
    let looks_like_account = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
    match first.parse::<AccountNumber>() {
        // A pasted trailing slash turns `{endpoint}` plus `/api/…` into two slashes.
        Ok(account) if forms.path => Ok((Some(account), with_one_slash(&inner[first.len()..]))),
        Err(_) if forms.path && !forms.token && looks_like_account => {
            Err(Rejection::UnknownAccount)
        }
        _ if forms.token => Ok((None, with_one_slash(path))),
        _ => Err(Rejection::NoAccount),
    }
}

/// Returns the path from the last of its leading slashes on.
fn with_one_slash(path: &str) -> &str {
    let slashes = path.len() - path.trim_start_matches('/').len();
    if slashes == 0 { "/" } else { &path[slashes - 1..] }
}

/// Rejects targets that are not ASCII (RFC 3986 section 3) or have a fragment (RFC 9112 section 3.2).
fn reject_malformed(target: &str) -> Result<(), Rejection> {
    if target.bytes().all(|b| b.is_ascii_graphic() && b != b'#') && target.starts_with('/') {
        return Ok(());
    }
    Err(Rejection::MalformedTarget(if target == "*" {
        TargetFault::Asterisk
    } else if target.contains('#') {
        TargetFault::Fragment
    } else if target.starts_with('/') {
        TargetFault::NotEncoded
    } else {
        TargetFault::NoPath
    }))
}

/// Rejects spellings that no server needs and some read differently: dot segments in any spelling, backslashes, NUL,
/// overlong UTF-8, broken percent escapes. Returns those that the upstream's settings decide on.
fn reject_ambiguous(path: &str) -> Result<Spellings, Rejection> {
    if path.contains('\\') {
        return Err(AMBIGUOUS);
    }
    let mut spellings = Spellings::default();
    for segment in path.split('/') {
        if segment.starts_with('.') || segment.contains(['%', ';']) {
            spellings = spellings.with(read_segment(segment)?);
        }
    }
    Ok(spellings)
}

/// The rejection that no configuration prevents.
const AMBIGUOUS: Rejection = Rejection::AmbiguousPath { key: None };

fn read_segment(segment: &str) -> Result<Spellings, Rejection> {
    let decoded = decode(segment).ok_or(AMBIGUOUS)?;
    let twice = decode_leniently(&decoded);
    // A matrix parameter can hide a dot segment from one server and not from another.
    let name_of = |part: &[u8]| part.split(|b| *b == b';').next().unwrap_or_default().to_vec();
    let climbs = |decoded: &[u8]| {
        let mut parts = decoded.split(|b| *b == b'/' || *b == b'\\');
        parts.any(|part| matches!(&name_of(part)[..], b"." | b".."))
    };
    // `/;/x` is `/x` to a server that drops parameters, and `//x` to another.
    if name_of(&decoded).is_empty()
        || climbs(&decoded)
        || climbs(&twice)
        || decoded.iter().any(|b| matches!(b, b'\\' | 0))
        || is_overlong(&decoded)
    {
        return Err(AMBIGUOUS);
    }
    let mut spellings = Spellings::default();
    if decoded.contains(&b'/') {
        spellings = spellings.with(Spellings::ENCODED_SLASH);
    }
    let is_new = |b: &u8| matches!(b, b'/' | b'\\' | 0) && !decoded.contains(b);
    if twice.iter().any(is_new) {
        spellings = spellings.with(Spellings::DOUBLE_ENCODING);
    }
    if std::str::from_utf8(&decoded).is_err() {
        spellings = spellings.with(Spellings::NON_UTF8);
    }
    Ok(spellings)
}

/// Returns whether a character has more bytes than needed (RFC 3629 section 10), which lenient servers read as slashes
/// and dots.
fn is_overlong(decoded: &[u8]) -> bool {
    let starts_overlong =
        |pair: &[u8]| matches!(pair, [0xe0, 0x80..=0x9f] | [0xf0 | 0xf8 | 0xfc, 0x80..=0x8f]);
    decoded.iter().any(|b| matches!(b, 0xc0 | 0xc1)) || decoded.windows(2).any(starts_overlong)
}

/// Returns whether a parameter is that of RFC 6750 section 2.3.
fn names_token(name: &str) -> bool {
    name.len() >= "access_token".len()
        && decode(name).is_some_and(|name| name.eq_ignore_ascii_case(b"access_token"))
}

/// Percent-decodes once. Returns `None` if a percent sign is not followed by two hexadecimal digits.
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

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, Prefix};

    const BOTH: Forms = Forms { path: true, token: true };
    const ONLY_PATH: Forms = Forms { path: true, token: false };

    fn of(uri: &str, forms: Forms) -> Result<(Option<String>, String), Rejection> {
        let target = Target::of(uri, forms)?;
        target.reject_token_in_query(true)?;
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
        assert_eq!(of("/api/v1", ONLY_PATH), Err(Rejection::NoAccount));
        assert_eq!(
            of("/385403/x", Forms { path: false, token: true }),
            Ok((None, "/385403/x".into()))
        );
    }

    #[test]
    fn digits_that_no_account_has_are_told_so() {
        assert_eq!(of("/12/api", ONLY_PATH), Err(Rejection::UnknownAccount));
        assert_eq!(of("/0385403/api", ONLY_PATH), Err(Rejection::UnknownAccount));
    }

    #[test]
    fn t31_t32_paths_that_read_two_ways_are_rejected() {
        for path in [
            "/385403/a/../b",
            "/385403/a/%2e%2e/b",
            "/385403/%252e%252e/b",
            "/385403/..;/b",
            "/385403/./b",
            "/385403/a%5Cb",
            "/385403/a%00b",
            "/385403/%zz",
            "/385403/a%2",
            "/385403/%2e",
            "/385403/.%2e/b",
            "/385403/a%2F..%2Fb",
            "/385403/a%2f%2e%2e",
            "/385403/a%252F..%252Fb",
            "/385403/a%255C..%255Cb",
            "/385403/%252e%2",
            "/385403/%c0%ae%c0%ae/b",
            "/385403/%e0%80%ae/b",
            "/385403/%f0%80%80%af/b",
            "/385403/a\\b",
            "/385403/;/b",
            "/385403/a/;v=1",
            "/385403/%3Bv=1/b",
        ] {
            assert_eq!(of(path, BOTH), Err(AMBIGUOUS), "{path}");
        }
        assert!(of("/385403/a%20b/c.d/..e/f;v=1/%C3%A4/.well-known", BOTH).is_ok());
    }

    #[test]
    fn t31_what_an_upstream_may_keep_is_named_by_its_key() {
        for (path, key) in [
            ("/385403/group%2fproject", "encoded_slash"),
            ("/385403/@scope%2Fname", "encoded_slash"),
            ("/385403/a//b", "empty_segments"),
            ("/385403/a/", ""),
            ("/385403/https://example.com", "empty_segments"),
            ("/385403/a%252fb", "double_encoding"),
            ("/385403/a%252%2500", "double_encoding"),
            ("/385403/100%25", ""),
            ("/385403/M%E4rz", "non_utf8"),
            ("/385403/%ff", "non_utf8"),
        ] {
            let target = Target::of(path, BOTH).expect(path);
            let rejection = target.reject_beyond(Spellings::default());
            let expected = (!key.is_empty()).then_some(key);
            let named = rejection.err().map(|rejection| match rejection {
                Rejection::AmbiguousPath { key } => key.unwrap_or_default(),
                other => panic!("{other:?}"),
            });
            assert_eq!(named, expected, "{path}");
            let kept = Spellings::ALL.iter().fold(Spellings::default(), |all, one| all.with(one.1));
            assert_eq!(target.reject_beyond(kept), Ok(()));
        }
    }

    #[test]
    fn what_is_no_url_is_told_so() {
        for (target, fault) in [
            ("/385403/a#b", TargetFault::Fragment),
            ("/385403/a?b#c", TargetFault::Fragment),
            ("/385403/\u{e4}", TargetFault::NotEncoded),
            ("/385403/a?q=M\u{fc}nchen", TargetFault::NotEncoded),
            ("385403/a", TargetFault::NoPath),
            ("*", TargetFault::Asterisk),
            ("", TargetFault::NoPath),
        ] {
            assert_eq!(of(target, BOTH), Err(Rejection::MalformedTarget(fault)), "{target}");
        }
    }

    #[test]
    fn t03_a_token_in_the_query_is_rejected_in_any_spelling() {
        for query in ["access_token=x", "a=b&access_token=x", "access%5Ftoken=x", "ACCESS_TOKEN=x"]
        {
            assert_eq!(
                of(&format!("/385403/a?{query}"), BOTH),
                Err(Rejection::TokenInQuery),
                "{query}"
            );
        }
        assert!(of("/385403/a?next_access_token_at=1", BOTH).is_ok());
        let token = PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(1));
        for name in ["token", "api_key", "q"] {
            let target = format!("/385403/a?b=1&{name}={}", token.expose());
            assert_eq!(of(&target, BOTH), Err(Rejection::TokenInQuery), "{name}");
            let own = Target::of(&target, BOTH).expect("a target").reject_token_in_query(false);
            assert_eq!(own, Ok(()), "Keydesk itself reads it: {name}");
        }
        assert!(of(&format!("/385403/a?q={}", &token.expose()[..40]), BOTH).is_ok(), "no token");
    }

    #[test]
    fn a_rejected_target_still_names_its_account() {
        let account = |target| Target::of_rejected(target, BOTH).and_then(|target| target.account);
        let own = "385403".parse().ok();
        for target in ["/385403/a%00?b=c", "/385403/a/../b", "/385403/a#b"] {
            assert!(of(target, BOTH).is_err(), "{target}");
            assert_eq!(account(target), own, "{target}");
        }
        assert_eq!(account("/a/../b"), None);
    }
}
