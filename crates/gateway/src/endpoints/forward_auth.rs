//! Forward authentication: a proxy holds a request and asks whether to forward it. Only trusted proxies can ask, they
//! must describe the request completely, and nothing is assumed.

use crate::{
    Rejection, Response,
    check::Pass,
    settings::Settings,
    wire::{Kind, Noted, mistaken_for},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::net::IpAddr;

/// The request that the proxy holds.
#[derive(Debug)]
pub(crate) struct Forwarded<'a> {
    pub method: &'a str,
    /// The path and query as the client sent them.
    pub uri: &'a str,
    pub client_ip: IpAddr,
}

impl<'a> Forwarded<'a> {
    /// Reads `X-Forwarded-Method` and `X-Forwarded-Uri`, each exactly once, and `X-Forwarded-For` with an address that
    /// is not a trusted proxy.
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
        // All lines form one list, and its last entry was added by the proxy itself.
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

/// Rejects fields that the gateway would remove. A proxy would forward them, and the API could act on another request
/// or for another caller than the one that was checked.
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

/// Returns the response for a permitted request. The proxy forwards these headers to the API in place of the client's.
pub(crate) fn pass_answer(pass: &Pass, settings: &Settings) -> Response {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    for (name, value) in pass.identity_fields() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    keep_for(settings, headers);
    response
}

/// Sets how long a proxy can cache the response: the configured time, which is at most a lease.
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
