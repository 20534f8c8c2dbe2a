//! The checks of every console request: the host, HTTPS if required, no bearer token in place of a cookie, and no form
//! from another site. Also sets the headers of every response.

use crate::{
    AppState, Settings,
    door::{
        api::{self, ApiError, RequestCode},
        host,
        language::{in_language, speaking, text},
        problem::{Problem, problem_page},
        reauth::NewCookie,
    },
    refusal::Refusal,
    sessions::{noting_session, who_is_here},
    throttling::attempts,
};
use axum::{
    Extension,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use keydesk_model::{Language, Origin};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Resolves the origin of a request, which handlers take from the request's extensions, and the language.
pub(crate) async fn admit(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let wishes = request.headers().get(header::ACCEPT_LANGUAGE);
    let wishes = wishes.and_then(|wishes| wishes.to_str().ok()).unwrap_or_default();
    let language = Language::accepted(wishes);
    let mark = request.extensions().get::<SessionMark>().cloned();
    let is_change = !request.method().is_safe();
    let id = format!("req_{}", hex::encode(app.entropy.bytes::<12>()));
    let request_id = id.clone();
    let admitted = async {
        let response = admit_reader(&app, peer, request, next, request_id).await;
        if let Some(SessionMark(mark)) = mark
            && let Some(user) = who_is_here()
        {
            // Zero means no user.
            let mut hasher = DefaultHasher::new();
            user.hash(&mut hasher);
            mark.store(hasher.finish() | 1, Ordering::Relaxed);
        }
        response
    };
    speaking(language, noting_session(id, is_change, admitted)).await
}

/// Admits the request in the user's language. See [`admit`].
async fn admit_reader(
    app: &AppState,
    peer: SocketAddr,
    mut request: Request,
    next: Next,
    id: String,
) -> Response {
    let settings = &app.settings;
    let is_api = api::contains(request.uri().path());
    if let Some(refusal) = reject(settings, peer, &request, &id) {
        return harden(settings, refusal);
    }
    let headers = request.headers();
    let forwarded_for = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes);
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let origin = Origin {
        client_ip: Some(settings.trusted_proxies.client_ip(peer.ip(), forwarded_for)),
        user_agent: Some(keydesk_model::client_of(agent).into_owned()),
        request_id: id.clone(),
    };
    request.extensions_mut().insert(origin);
    let new_cookie = NewCookie::default();
    request.extensions_mut().insert(new_cookie.clone());
    let response = next.run(request).await;
    let mut response = harden(settings, if is_api { response } else { as_page(response) });
    if let Some(cookie) = new_cookie.take() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// Replaces the framework's plain-text or empty rejections with a page.
fn as_page(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_plain || !response.status().is_client_error() {
        return response;
    }
    problem_page(
        response.status(),
        text("unreadable").to_string(),
        text("unreadable-why").to_string(),
    )
}

fn reject(
    settings: &Settings,
    peer: SocketAddr,
    request: &Request,
    request_id: &str,
) -> Option<Response> {
    let path = request.uri().path();
    if (has_bearer(request) && !api::contains(path)) || names_account(path) {
        return Some(this_is_the_console(settings, request_id));
    }
    let host = host::of(request);
    let is_ours =
        host.is_some_and(|host| host::is_console(settings, peer.ip(), request.headers(), host));
    if !is_ours {
        let arrived = shown(host.unwrap_or_default());
        let detail = || {
            text("misdirected-why")
                .with("url", &settings.console_url)
                .with("host", &arrived)
                .to_string()
        };
        if api::contains(path) {
            let error =
                ApiError::new(RequestCode::Misdirected, in_language(Language::English, detail));
            return Some(error.into_response(settings, request_id));
        }
        let (title, status) = (text("misdirected").to_string(), StatusCode::MISDIRECTED_REQUEST);
        return Some(problem_page(status, title, detail()));
    }
    if settings.is_https() && !came_by_https(settings, peer, request) {
        let detail = || text("only-https-why").with("url", &settings.console_url).to_string();
        if api::contains(path) {
            let error =
                ApiError::new(RequestCode::HttpsRequired, in_language(Language::English, detail));
            return Some(error.into_response(settings, request_id));
        }
        let title = text("only-https").to_string();
        return Some(problem_page(StatusCode::FORBIDDEN, title, detail()));
    }
    None
}

/// Returns whether the request has a client's token. Other schemes are between the browser and a proxy.
fn has_bearer(request: &Request) -> bool {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    values.any(|value| {
        let scheme = value.as_bytes().get(..7).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer ") || value.as_bytes().eq_ignore_ascii_case(b"bearer")
    })
}

/// Returns the host that a client sent, limited to valid characters.
fn shown(host: &str) -> String {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || "-._:[]".contains(*c);
    host.chars().filter(is_part).take(100).collect()
}

/// Returns whether a path begins like an endpoint's. No page of the console begins with digits.
fn names_account(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    first.parse::<keydesk_model::AccountNumber>().is_ok()
}

/// A mark on a connection: a digest of the user ID if a request on it has an open session, else zero. A marked
/// connection keeps its slot.
#[derive(Clone, Debug)]
pub struct SessionMark(pub Arc<AtomicU64>);

/// A mark of a request over a TLS connection that Keydesk terminates.
#[derive(Clone, Copy, Debug)]
pub struct DirectTls;

fn came_by_https(settings: &Settings, peer: SocketAddr, request: &Request) -> bool {
    if request.extensions().get::<DirectTls>().is_some() {
        return true;
    }
    // Each proxy may have added its own value, and all of them must be `https`.
    let lines = request.headers().get_all("x-forwarded-proto").iter().map(HeaderValue::as_bytes);
    let mut schemes = lines.flat_map(|line| line.split(|byte| *byte == b',')).peekable();
    settings.trusted_proxies.contains(peer.ip())
        && schemes.peek().is_some()
        && schemes.all(|scheme| scheme.trim_ascii().eq_ignore_ascii_case(b"https"))
}

/// Returns the error for a client that uses the console's URL as its endpoint URL. Its token is not verified.
fn this_is_the_console(settings: &Settings, request_id: &str) -> Response {
    let problem = serde_json::json!({
        "type": "urn:keydesk:problem:console-is-no-endpoint",
        "title": "This is the console, not the API",
        "status": 421,
        "detail": format!(
            "Send API requests to the endpoint URL, which begins with {}. Yours is on {}/api-docs.",
            settings.gateway_url, settings.console_url
        ),
        "code": "console_is_no_endpoint",
        "help": format!("{}/help", settings.console_url),
        "request_id": request_id,
    });
    let challenge = "Bearer realm=\"keydesk\", error=\"invalid_request\", error_description=\"This is the console, not the API\"";
    let headers =
        [(header::CONTENT_TYPE, "application/problem+json"), (header::WWW_AUTHENTICATE, challenge)];
    (StatusCode::MISDIRECTED_REQUEST, headers, problem.to_string()).into_response()
}

/// Sets the headers for browser hardening on every response.
fn harden(settings: &Settings, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.entry(name).or_insert(value);
        }
    };
    put(header::CONTENT_SECURITY_POLICY, &policy(settings, "'self'"));
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::REFERRER_POLICY, "same-origin");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    put(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    put(header::CACHE_CONTROL, "no-store");
    if settings.is_https() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    response
}

/// Returns the content security policy: everything from this origin, and scripts can also send requests to the gateway.
/// `images` is `'self'` or the sources that the API reference needs.
pub(crate) fn policy(settings: &Settings, images: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src {images}; \
         connect-src 'self' {}; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; \
         report-uri /csp-reports",
        settings.gateway_url
    )
}

/// Logs a browser's report of a policy violation. Reports need no authentication, so they are limited by address and in
/// total.
pub(crate) async fn take_csp_report(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    body: String,
) -> StatusCode {
    let from = origin.client_ip.map(attempts::network).unwrap_or_default();
    let is_within = |key: &str| app.reports.take(key, app.now()).is_ok();
    if !is_within("all") || !is_within(&from) {
        return StatusCode::NO_CONTENT;
    }
    let start: String = body.chars().take(500).flat_map(char::escape_debug).collect();
    tracing::warn!(report = start, "a browser reports a violation of the content security policy");
    StatusCode::NO_CONTENT
}

/// Responds to a panic with status 500 and no details. The process continues.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response<Body> {
    tracing::error!("a console request panicked");
    Problem::from(Refusal::broken("a panic")).into_response()
}

/// The maximum time for a request to the console.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
