//! Which headers cross the gateway: strips what must not pass, then adds what only we may say.

use crate::{arrival::Arrival, permit::Permitted, settings::Settings};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use keydesk_model::SESSION_COOKIES;

/// RFC 9110 section 7.6.1, and the framing headers that hyper writes anew.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by which a client could tell the upstream who it is, where it came from, or that it
/// meant another method or path than the one that was authorised.
const ONLY_OURS: [&str; 9] = [
    "forwarded",
    "x-real-ip",
    "x-original-url",
    "x-original-method",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-request-id",
];

/// Removes `Authorization`, hop-by-hop headers (those that `Connection` names first), and every
/// spelling of a header that the gateway itself sets.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.remove(header::AUTHORIZATION);
    headers.remove(header::EXPECT);
    strip_session_cookies(headers);
    let forged: Vec<HeaderName> =
        headers.keys().filter(|name| is_only_ours(name)).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
}

/// What comes back: no hop-by-hop headers, and no cookie that would replace the console's session.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    let is_ours = |value: &HeaderValue| {
        let name = value.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
        SESSION_COOKIES.iter().any(|ours| name.trim_ascii().eq_ignore_ascii_case(ours.as_bytes()))
    };
    if headers.get_all(header::SET_COOKIE).iter().any(is_ours) {
        let kept: Vec<_> =
            headers.get_all(header::SET_COOKIE).iter().filter(|v| !is_ours(v)).cloned().collect();
        headers.remove(header::SET_COOKIE);
        for value in kept {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// Console and gateway may share a host, and cookies do not tell ports apart.
fn strip_session_cookies(headers: &mut HeaderMap) {
    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    headers.remove(header::COOKIE);
    for line in lines {
        let is_kept = |pair: &&[u8]| {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            !SESSION_COOKIES.iter().any(|ours| name == ours.as_bytes())
        };
        let kept: Vec<&[u8]> =
            line.as_bytes().split(|byte| *byte == b';').filter(is_kept).collect();
        if let (false, Ok(value)) =
            (kept.is_empty(), HeaderValue::from_bytes(kept.join(&b';').trim_ascii()))
        {
            headers.append(header::COOKIE, value);
        }
    }
}

pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Compares as lenient servers do: CGI and PHP fold every odd character of a name into one.
fn is_only_ours(name: &HeaderName) -> bool {
    let folded: String = name
        .as_str()
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    folded.starts_with("keydesk-")
        || folded == "keydesk"
        || folded.starts_with("x-forwarded")
        || folded == "authorization"
        || ONLY_OURS.contains(&folded.as_str())
}

/// Says who calls, from where, and under which id. Comes after stripping, so that nothing the
/// client sent can remove or double it.
pub(crate) fn add_request(
    headers: &mut HeaderMap,
    permitted: &Permitted,
    arrival: &Arrival,
    settings: &Settings,
    host: Option<&HeaderValue>,
) {
    let identity = &permitted.entry().identity;
    headers.insert("keydesk-account", identity.account.clone());
    headers.insert("keydesk-token", identity.token.clone());
    headers.insert("keydesk-subject", identity.subject.clone());
    headers.insert("keydesk-scopes", identity.scopes.clone());
    let client = arrival.client_addr.to_string();
    let proto = if settings.public_url.starts_with("https:") { "https" } else { "http" };
    let quoted = if client.contains(':') { format!("\"[{client}]\"") } else { client.clone() };
    insert(headers, "forwarded", &format!("for={quoted};proto={proto}"));
    insert(headers, "x-forwarded-for", &client);
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
    if let Some(host) = host {
        headers.insert("x-forwarded-host", host.clone());
    }
    insert(headers, "x-request-id", &arrival.request_id);
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t28_no_spelling_of_an_identity_header_survives() {
        let mut headers = HeaderMap::new();
        for name in [
            "Keydesk-Account",
            "keydesk_account",
            "KEYDESK.ACCOUNT",
            "Keydesk-Scopes",
            "keydesk!subject",
            "_keydesk-token",
            "keydesk-account.",
            "X-Forwarded-For",
            "X_Forwarded_Proto",
            "x.forwarded.prefix",
            "X-Real-IP",
            "Forwarded",
            "x_http_method_override",
            "X-Original-URL",
        ] {
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_static("x"),
            );
        }
        headers.insert("x-trace", HeaderValue::from_static("kept"));
        strip_request(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-trace"]);
    }

    #[test]
    fn se8_the_console_s_cookie_neither_leaves_nor_comes_back() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; keydesk=secret; b=2"));
        headers.append("cookie", HeaderValue::from_static("__Host-keydesk=secret"));
        strip_request(&mut headers);
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", HeaderValue::from_static("a=1; Path=/"));
        headers.append("set-cookie", HeaderValue::from_static("keydesk=evil; Path=/"));
        strip_response(&mut headers);
        assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1; Path=/"]);
    }

    #[test]
    fn t29_what_connection_names_is_dropped_before_ours_is_added() {
        let mut headers = HeaderMap::new();
        headers.insert("connection", HeaderValue::from_static("keydesk-account, X-Own, close"));
        headers.insert("x-own", HeaderValue::from_static("x"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        strip_request(&mut headers);
        assert!(headers.is_empty());
    }
}
