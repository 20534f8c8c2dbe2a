//! The guard of the management API: it authenticates the request, limits its rate, and completes the response.

use super::{ApiError, RequestCode, error::Pending, principal::Authenticated};
use crate::{
    AppState,
    management_keys::{self, KeyHolder},
    refusal::{Code, Refusal},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use keydesk_model::{Origin, Timestamp};
use std::{sync::Arc, time::Duration};

pub(crate) async fn admit(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
    let request_id = origin.request_id.clone();
    let is_change = !request.method().is_safe();
    let mut limit = None;
    let admitted = authenticate(&app, (request.headers(), origin), (is_change, &mut limit)).await;
    let mut response = match admitted {
        Ok(holder) => {
            request.extensions_mut().insert(Authenticated(Arc::new(holder)));
            next.run(request).await
        }
        Err(error) => error.into_response(&app.settings, &request_id),
    };
    if let Some(error) =
        response.extensions_mut().remove::<Pending>().and_then(|pending| pending.take())
    {
        response = error.into_response(&app.settings, &request_id);
    }
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    };
    if let Some(Limit { left, resets_in, policy }) = limit {
        put(HeaderName::from_static("ratelimit-policy"), policy);
        put(HeaderName::from_static("ratelimit"), format!("\"management\";r={left};t={resets_in}"));
    }
    let document = format!("{}{}/openapi.json", app.settings.console_url, super::BASE);
    put(header::LINK, format!("<{document}>; rel=\"service-desc\""));
    response
}

/// What is left of a key's rate.
struct Limit {
    left: u32,
    /// The seconds until the full rate is available again.
    resets_in: u64,
    policy: String,
}

async fn authenticate(
    app: &AppState,
    (headers, origin): (&HeaderMap, Origin),
    (is_change, limit): (bool, &mut Option<Limit>),
) -> Result<KeyHolder, ApiError> {
    let secret = secret_in(headers)?;
    let holder = management_keys::authenticate(app, secret, origin).await?;
    let now = app.now();
    let (key, user) = match &holder {
        KeyHolder::Member(caller) => (caller.credential.key(), caller.user.id),
        KeyHolder::Operator(operator) => (operator.credential.key(), operator.user.id),
    };
    let key = key.map(|key| key.id.to_string()).unwrap_or_default();
    *limit = Some(take_rate(app, &key, now)?);
    // Each change writes an audit entry, and some write a row in every gateway.
    if is_change {
        app.changes.take(&user.to_string(), now).map_err(|wait| too_many("changes", wait))?;
    }
    Ok(holder)
}

fn take_rate(app: &AppState, key: &str, now: Timestamp) -> Result<Limit, ApiError> {
    let rate = app.management_requests.rate();
    let policy = format!("\"management\";q={};w={}", rate.requests(), rate.span().as_secs());
    let taken =
        app.management_requests.take(key, now).map_err(|wait| too_many("requests", wait))?;
    let resets_in = taken.resets_in.as_millis().div_ceil(1_000);
    Ok(Limit { left: taken.left, resets_in: u64::try_from(resets_in).unwrap_or(0), policy })
}

fn too_many(what: &str, wait: Duration) -> ApiError {
    let seconds = wait.as_secs().saturating_add(1);
    let detail = format!("The management key has made too many {what}. Wait {seconds} s.");
    ApiError::new(RequestCode::RateLimited, detail).retry_after(seconds)
}

/// Returns the secret in the `Authorization` header. It is the only place: a URL would be logged.
fn secret_in(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let missing = || {
        let detail =
            "Send Authorization: Bearer with a management key, which you create in the console.";
        ApiError::new(RequestCode::MissingManagementKey, detail)
    };
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        let detail = "Send one Authorization header.";
        return Err(ApiError::new(RequestCode::InvalidHeader, detail).in_parameter("Authorization"));
    }
    let text = value.to_str().map_err(|_| Refusal::from(Code::InvalidManagementKey))?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(secret.trim())
}

/// Returns the problem for a path that the API doesn't have.
pub(crate) async fn not_found() -> ApiError {
    Refusal::from(Code::NotFound).into()
}

/// Returns the problem for a method that a path doesn't have.
pub(crate) async fn wrong_method(method: Method) -> ApiError {
    let detail = format!(
        "{method} isn’t supported on this path. The Allow header lists the methods that are."
    );
    ApiError::new(RequestCode::MethodNotAllowed, detail)
}
