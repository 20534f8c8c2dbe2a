//! The session cookie: opaque, `HttpOnly`, `SameSite=Lax`; on https also `Secure` and `__Host-`.

use crate::Settings;
use axum::http::{HeaderMap, HeaderValue, header};
use keydesk_model::{DEVICE_COOKIES, SESSION_COOKIES, SIGN_ON_COOKIES};

fn name(names: [&'static str; 2], settings: &Settings) -> &'static str {
    names[usize::from(settings.is_https())]
}

pub(crate) fn session_in<'a>(headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
    value_of(name(SESSION_COOKIES, settings), headers)
}

/// What a browser is known again by.
pub(crate) fn device_in<'a>(headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
    value_of(name(DEVICE_COOKIES, settings), headers)
}

fn value_of<'a>(name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

pub(crate) fn session_cookie(secret: &str, settings: &Settings) -> HeaderValue {
    cookie(SESSION_COOKIES, secret, 30 * 24 * 60 * 60, settings)
}

/// For as long as somebody is at their provider.
pub(crate) fn sign_on_cookie(secret: &str, settings: &Settings) -> HeaderValue {
    cookie(SIGN_ON_COOKIES, secret, 10 * 60, settings)
}

pub(crate) fn sign_on_in<'a>(headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
    value_of(name(SIGN_ON_COOKIES, settings), headers)
}

pub(crate) fn device_cookie(secret: &str, settings: &Settings) -> HeaderValue {
    cookie(DEVICE_COOKIES, secret, 365 * 24 * 60 * 60, settings)
}

pub(crate) fn clear_cookie(settings: &Settings) -> HeaderValue {
    cookie(SESSION_COOKIES, "", 0, settings)
}

fn cookie(names: [&'static str; 2], value: &str, max_age: u32, settings: &Settings) -> HeaderValue {
    let secure = if settings.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}",
        name(names, settings)
    );
    let mut value = HeaderValue::try_from(text)
        .expect("what stands in our cookies is hexadecimal or base64url");
    value.set_sensitive(true);
    value
}

/// Where to go after logging in: a path of ours, never another site. What a browser could read as
/// a host is refused, as is everything outside of printable ASCII.
pub(crate) fn safe_next(next: Option<&str>) -> &str {
    let is_path = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'%')
    };
    next.filter(is_path).unwrap_or("/api-docs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h5_only_paths_of_ours_are_gone_to() {
        for evil in [
            "//evil",
            "/\\evil",
            "https:evil",
            "%2f%2fevil",
            "/%2fevil",
            "javascript:x",
            "",
            "/a b",
            "/\t/evil",
        ] {
            assert_eq!(safe_next(Some(evil)), "/api-docs", "{evil}");
        }
        assert_eq!(safe_next(Some("/tokens/new")), "/tokens/new");
    }
}
