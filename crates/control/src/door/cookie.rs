//! The session cookie: opaque, `HttpOnly`, and `SameSite=Lax`; over HTTPS also `Secure` and `__Host-`.

use crate::{Settings, one_time::codes};
use axum::http::{HeaderMap, HeaderValue, header};
use keydesk_model::{DEVICE_COOKIE, SESSION_COOKIE, SSO_COOKIE};

/// Over HTTPS, `__Host-` binds a cookie to this origin. Over HTTP, only the name distinguishes the ports of a host.
fn name(base: &str, settings: &Settings) -> String {
    if settings.is_https() {
        return format!("__Host-{base}");
    }
    let port = settings.console_url.rsplit(':').next().unwrap_or_default();
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    format!("{base}-{}", if is_port { port } else { "80" })
}

pub(crate) fn session_in<'a>(headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
    value_of(&name(SESSION_COOKIE, settings), headers)
}

/// Returns the cookie by which a browser is recognized.
pub(crate) fn device_in<'a>(headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
    value_of(&name(DEVICE_COOKIE, settings), headers)
}

/// Cookies of other applications may contain arbitrary bytes.
fn value_of<'a>(name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
        .find_map(|value| std::str::from_utf8(value).ok())
}

pub(crate) fn session_cookie(secret: &str, settings: &Settings) -> HeaderValue {
    cookie(SESSION_COOKIE, secret, 30 * 24 * 60 * 60, settings)
}

/// Returns a cookie for the time of a login at an identity provider. Each tab has its own, named by the request's
/// `state`.
pub(crate) fn sso_cookie(state: &str, secret: &str, settings: &Settings) -> HeaderValue {
    cookie(&sso_name(state), secret, 10 * 60, settings)
}

/// Returns a cookie header that removes the cookie after its use.
pub(crate) fn clear_sso_cookie(state: &str, settings: &Settings) -> HeaderValue {
    cookie(&sso_name(state), "", 0, settings)
}

pub(crate) fn sso_in<'a>(
    state: &str,
    headers: &'a HeaderMap,
    settings: &Settings,
) -> Option<&'a str> {
    value_of(&name(&sso_name(state), settings), headers)
}

fn sso_name(state: &str) -> String {
    format!("{SSO_COOKIE}-{}", hex::encode(&codes::digest(state)[..6]))
}

pub(crate) fn device_cookie(secret: &str, settings: &Settings) -> HeaderValue {
    cookie(DEVICE_COOKIE, secret, 365 * 24 * 60 * 60, settings)
}

pub(crate) fn clear_cookie(settings: &Settings) -> HeaderValue {
    cookie(SESSION_COOKIE, "", 0, settings)
}

fn cookie(base: &str, value: &str, max_age: u32, settings: &Settings) -> HeaderValue {
    let secure = if settings.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}",
        name(base, settings)
    );
    let mut value = HeaderValue::try_from(text)
        .expect("what stands in our cookies is hexadecimal or base64url");
    value.set_sensitive(true);
    value
}

/// Returns the path to open after the login: a path of the console, never of another site. Paths that a browser could
/// parse as a host or that contain anything but printable ASCII are rejected.
pub(crate) fn safe_next(next: Option<&str>) -> &str {
    let is_path = |next: &&str| {
        let (path, query) = next.split_once('?').unwrap_or((next, ""));
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|b| b.is_ascii_graphic() && !b"\\%#".contains(&b))
            && query.bytes().all(|b| b.is_ascii_graphic() && !b"\\#".contains(&b))
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
        for path in ["/tokens/new", "/audit?text=M%C3%BCller&page=2"] {
            assert_eq!(safe_next(Some(path)), path, "the query is kept");
        }
    }
}
