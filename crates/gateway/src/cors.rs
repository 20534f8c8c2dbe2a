//! Lets the console's pages, and no other origin, call the gateway from a browser: for "try it".

use crate::{
    Answer,
    settings::Settings,
    wire::{Head, Noted, push_field},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// The console's origin, where the request comes from a page of the console.
pub(crate) fn console_origin(noted: &Noted, settings: &Settings) -> Option<HeaderValue> {
    let origin = noted.origin.first?;
    let known = settings.console_origins.iter().any(|console| origin == console.as_bytes());
    HeaderValue::from_bytes(origin).ok().filter(|_| known)
}

/// Answers a preflight of the console; it carries no token, so it is answered before any check.
pub(crate) fn preflight(head: &Head) -> Option<Answer> {
    if head.method != "OPTIONS" {
        return None;
    }
    let value = |name: &str| {
        let field = head.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        HeaderValue::from_bytes(field.value).ok()
    };
    value("access-control-request-method")?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    if let Some(wanted) = value("access-control-request-headers").filter(are_names) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Names of headers and nothing that could be a secret: they are told back.
fn are_names(list: &HeaderValue) -> bool {
    let is_name = |name: &[u8]| {
        let name = name.trim_ascii();
        name.len() <= 40 && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    list.as_bytes().split(|byte| *byte == b',').all(is_name)
}

/// Lets the console's page read an answer.
pub(crate) fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("x-request-id, www-authenticate"),
    );
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The same, as bytes.
pub(crate) fn write_allow(out: &mut Vec<u8>, origin: &HeaderValue) {
    let mut headers = HeaderMap::new();
    allow(&mut headers, origin);
    for (name, value) in &headers {
        push_field(out, name.as_str(), value.as_bytes());
    }
}
