//! The session cookie: opaque, `HttpOnly`, and `SameSite=Lax`; over HTTPS also `Secure` and `__Host-`.

use crate::{Settings, one_time::codes};
use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite, time::Duration};
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

pub(crate) fn session_in(headers: &HeaderMap, settings: &Settings) -> Option<String> {
    value_of(&name(SESSION_COOKIE, settings), headers)
}

/// Returns the cookie by which a browser is recognized.
pub(crate) fn device_in(headers: &HeaderMap, settings: &Settings) -> Option<String> {
    value_of(&name(DEVICE_COOKIE, settings), headers)
}

/// Returns what the user chose on a page before, as the page's script stored it.
pub(crate) fn choice_in(name: &str, headers: &HeaderMap) -> Option<String> {
    value_of(name, headers)
}

/// Cookies of other applications may contain arbitrary bytes.
fn value_of(name: &str, headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let cookies = lines.flat_map(|line| {
        let line = String::from_utf8_lossy(line.as_bytes()).into_owned();
        Cookie::split_parse(line).filter_map(Result::ok)
    });
    cookies.into_iter().find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
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

pub(crate) fn sso_in(state: &str, headers: &HeaderMap, settings: &Settings) -> Option<String> {
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

fn cookie(base: &str, value: &str, seconds: i64, settings: &Settings) -> HeaderValue {
    let cookie = Cookie::build((name(base, settings), value))
        .path("/")
        .max_age(Duration::seconds(seconds))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.is_https());
    let mut value = HeaderValue::try_from(cookie.to_string())
        .expect("what stands in our cookies is hexadecimal or base64url");
    value.set_sensitive(true);
    value
}

/// Returns a response that sets a cookie.
pub(crate) fn with_cookie(cookie: HeaderValue, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
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

    #[test]
    fn a_cookie_is_found_among_those_of_other_applications() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_bytes(b"a=\xff; b; =c; keydesk=1").expect("a line"),
        );
        headers
            .append(header::COOKIE, HeaderValue::from_static("xkeydesk=2;keydesk=3 ; d=\"e; f\""));
        assert_eq!(value_of("keydesk", &headers).as_deref(), Some("1"));
        assert_eq!(value_of("b", &headers), None);
        assert_eq!(value_of("xkeydesk", &headers).as_deref(), Some("2"));
    }
}
