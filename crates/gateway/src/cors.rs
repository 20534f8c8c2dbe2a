//! Lets the console's pages, and no other origin, call the gateway from a browser: for "try it".

use crate::{Answer, Body, settings::Settings};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;

/// The console's origin, where the request comes from a page of the console.
pub(crate) fn console_origin(headers: &HeaderMap, settings: &Settings) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let known =
        settings.console_origins.iter().any(|console| origin.as_bytes() == console.as_bytes());
    known.then(|| origin.clone())
}

/// Answers a preflight of the console; it carries no token, so it is answered before any check.
pub(crate) fn preflight<B>(request: &Request<B>, origin: &HeaderValue) -> Option<Answer> {
    let headers = request.headers();
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    let mut response = Response::new(Body::Left(Full::new(Bytes::new())));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, asked.clone());
    if let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allow(answer, origin);
    Some(response)
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
