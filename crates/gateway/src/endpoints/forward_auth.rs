//! Forward-auth: a proxy holds a request and asks whether it may pass. Only trusted proxies may ask, they
//! must say all of it, and nothing is assumed.

use crate::{
    Rejection, Response,
    check::Pass,
    settings::Settings,
    wire::{IDENTITY_HEADERS, Kind, Noted, mistaken_for},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::net::IpAddr;

/// The request that the proxy holds.
#[derive(Debug)]
pub(crate) struct Forwarded<'a> {
    pub method: &'a str,
    /// Path and query as the client sent them.
    pub uri: &'a str,
    pub client_ip: IpAddr,
}

impl<'a> Forwarded<'a> {
    /// `X-Forwarded-Method` and `X-Forwarded-Uri`, each once; `X-Forwarded-For` with an address that is no
    /// trusted proxy's.
    pub fn of(noted: &Noted<'a>, peer: IpAddr, settings: &Settings) -> Result<Self, Rejection> {
        let fronts = settings.fronts.as_ref().ok_or(Rejection::UnknownEndpoint)?;
        if !fronts.contains(peer) {
            return Err(Rejection::UntrustedProxy);
        }
        reject_ambiguous(noted)?;
        let method = once(noted, "x-forwarded-method")?;
        let uri = once(noted, "x-forwarded-uri")?;
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if !uri.starts_with('/') || method.is_empty() || !method.bytes().all(is_token) {
            return Err(Rejection::InvalidForwardedRequest { name: "X-Forwarded-Uri" });
        }
        // One list, and what stands last in it is the proxy's own word.
        let mut hops = noted.of_kind(Kind::ForwardedFor);
        let last = match (hops.next(), hops.next()) {
            (Some(list), None) => list.rsplit(|byte| *byte == b',').next().unwrap_or_default(),
            _ => return Err(Rejection::InvalidForwardedRequest { name: "X-Forwarded-For" }),
        };
        let last = std::str::from_utf8(last).unwrap_or_default().trim();
        if last.parse::<IpAddr>().is_err() {
            return Err(Rejection::InvalidForwardedRequest { name: "X-Forwarded-For" });
        }
        let client_ip = fronts.client_ip(peer, noted.of_kind(Kind::ForwardedFor));
        Ok(Self { method, uri, client_ip })
    }
}

/// The gateway keeps such fields back. A proxy would pass them on, and the API would not do what was checked,
/// or not for whom.
fn reject_ambiguous(noted: &Noted) -> Result<(), Rejection> {
    let mistaken = noted.fields.iter().find_map(|field| mistaken_for(field.name));
    mistaken.map_or(Ok(()), |like| Err(Rejection::AmbiguousHeader { like }))
}

fn once<'a>(noted: &Noted<'a>, name: &'static str) -> Result<&'a str, Rejection> {
    let mut found = noted.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    let value = match (found.next(), found.next()) {
        (Some(field), None) => field.value,
        _ => return Err(Rejection::InvalidForwardedRequest { name }),
    };
    std::str::from_utf8(value).map_err(|_| Rejection::InvalidForwardedRequest { name })
}

/// What is said of the caller to whoever forwards the request by itself.
pub(crate) fn identity_fields(pass: &Pass) -> [(&'static str, String); 6] {
    let [account, token, subject, scopes, path, client_ip] = IDENTITY_HEADERS;
    [
        (account, pass.account.to_string()),
        (token, pass.token.to_string()),
        (subject, pass.subject.clone()),
        (scopes, pass.scopes.to_string()),
        (path, pass.path.clone()),
        (client_ip, pass.client_ip.to_string()),
    ]
}

/// It may pass; the proxy takes these to the API, in place of what the client sent under these names.
pub(crate) fn pass_answer(pass: &Pass, settings: &Settings) -> Response {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    for (name, value) in identity_fields(pass) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    keep_for(settings, headers);
    response
}

/// How long a front may answer so by itself: as long as is configured, which is at most a lease.
fn keep_for(settings: &Settings, headers: &mut HeaderMap) {
    let seconds = settings.front_cache.as_secs();
    let value = if seconds == 0 {
        HeaderValue::from_static("no-store")
    } else {
        HeaderValue::from_str(&format!("private, max-age={seconds}"))
            .unwrap_or(HeaderValue::from_static("no-store"))
    };
    headers.insert(header::CACHE_CONTROL, value);
    headers.insert(
        header::VARY,
        HeaderValue::from_static(
            "Authorization, X-Forwarded-Method, X-Forwarded-Uri, X-Forwarded-For",
        ),
    );
}
