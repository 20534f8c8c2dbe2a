//! The check that a request is for this console, by its host.

use crate::Settings;
use axum::http::{HeaderMap, header, uri::Authority};
use std::net::IpAddr;

/// Returns whether `host` is the console's. A trusted proxy may send its own name of the console instead, as nginx does
/// by default, or omit the port, and send the browser's host in `X-Forwarded-Host`.
pub(crate) fn is_console(
    settings: &Settings,
    peer: IpAddr,
    headers: &HeaderMap,
    host: &str,
) -> bool {
    if settings.console_origins().any(|origin| names(origin, host)) {
        return true;
    }
    if !settings.trusted_proxies.contains(peer) {
        return false;
    }
    if let Some(forwarded) = forwarded_host(headers) {
        return settings.console_origins().any(|origin| names(origin, forwarded));
    }
    let is_own = settings.console_addrs.iter().any(|addr| addr.eq_ignore_ascii_case(host));
    is_own || name_of(&settings.console_url).is_some_and(|name| name.eq_ignore_ascii_case(host))
}

/// Returns the host that the browser sent to the first proxy.
fn forwarded_host(headers: &HeaderMap) -> Option<&str> {
    let first = headers.get("x-forwarded-host")?.to_str().ok()?;
    first.split(',').next().map(str::trim).filter(|host| !host.is_empty())
}

/// Returns whether `origin` has this host, ignoring letter case and the default port (RFC 9110 section 4.2.3).
fn names(origin: &str, host: &str) -> bool {
    let Some((scheme, own)) = origin.split_once("://") else { return false };
    let standard = if scheme == "https" { ":443" } else { ":80" };
    let bare = |host: &str| {
        let host = host.to_ascii_lowercase();
        host.strip_suffix(standard).map_or_else(|| host.clone(), str::to_owned)
    };
    bare(own) == bare(host)
}

fn name_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1;
    Some(authority.rsplit_once(':').map_or(authority, |(name, _)| name))
}

/// Returns the only host that a request names, or `None` if it names none or two that differ: RFC 9112 section 3.2.2
/// gives precedence to the target in absolute form, but some implementations prefer `Host`.
pub(crate) fn of(request: &axum::extract::Request) -> Option<&str> {
    if request.headers().get_all(header::HOST).iter().count() > 1 {
        return None;
    }
    let named = match request.headers().get(header::HOST) {
        Some(host) => Some(host.to_str().ok()?),
        None => None,
    };
    match (request.uri().authority().map(Authority::as_str), named) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host).then_some(authority),
        (Some(authority), None) => {
            (request.version() == axum::http::Version::HTTP_2).then_some(authority)
        }
        (None, host) => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_goes_without_saying_makes_no_difference() {
        for (origin, host, is_same) in [
            ("https://console.example.com", "console.example.com:443", true),
            ("https://console.example.com:443", "Console.Example.com", true),
            ("http://console.example.com", "console.example.com:80", true),
            ("https://console.example.com", "console.example.com:80", false),
            ("https://console.example.com:8443", "console.example.com", false),
            ("https://console.example.com", "console.example.com.evil.example", false),
            ("http://[::1]:8080", "[::1]:8080", true),
        ] {
            assert_eq!(names(origin, host), is_same, "{origin} {host}");
        }
    }
}
