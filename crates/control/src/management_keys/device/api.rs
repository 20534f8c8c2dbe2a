//! `/oauth/device_authorization` and `/oauth/token`: the endpoints of a device (RFC 8628), with errors as OAuth defines
//! them (RFC 6749 section 5.2).

use super::{LIFETIME, Progress, find_progress, start};
use crate::{
    AppState,
    door::problem::english,
    refusal::{Kind, Refusal},
};
use axum::{
    Extension, Form, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keydesk_model::{KeyScope, KeyScopes, Origin};
use serde::Deserialize;
use serde_json::{Value, json};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The seconds between two requests of a device.
const INTERVAL: u64 = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthorizationForm {
    client_id: String,
    scope: String,
}

fn no_store(status: StatusCode, body: Value) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, Json(body)).into_response()
}

fn error(code: &str, description: &str) -> Response {
    let body = json!({ "error": code, "error_description": description });
    no_store(StatusCode::BAD_REQUEST, body)
}

fn refused(refusal: &Refusal) -> Response {
    let text = english(refusal);
    match refusal.kind() {
        Kind::TooMany => {
            let body = json!({ "error": "temporarily_unavailable", "error_description": text });
            let wait = refusal.wait().map_or(60, |wait| wait.as_secs().max(1));
            let headers = [(header::RETRY_AFTER, wait.to_string())];
            (headers, no_store(StatusCode::TOO_MANY_REQUESTS, body)).into_response()
        }
        Kind::Busy | Kind::Unsettled => {
            let body = json!({ "error": "temporarily_unavailable", "error_description": text });
            no_store(StatusCode::SERVICE_UNAVAILABLE, body)
        }
        Kind::Broken => {
            let body = json!({ "error": "server_error", "error_description": text });
            no_store(StatusCode::INTERNAL_SERVER_ERROR, body)
        }
        _ => error("invalid_request", &text),
    }
}

pub(crate) async fn authorize(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    Form(form): Form<AuthorizationForm>,
) -> Response {
    if form.client_id.is_empty() {
        return error("invalid_client", "Send a client_id.");
    }
    let Ok(scopes) = form.scope.parse::<KeyScopes>() else {
        let wrong = form.scope.split_whitespace().find(|scope| scope.parse::<KeyScope>().is_err());
        let detail =
            format!("“{}” is no scope of a management key.", shown(wrong.unwrap_or_default()));
        return error("invalid_scope", &detail);
    };
    match start(&app, scopes, &origin).await {
        Ok(started) => {
            let (url, code) = (&app.settings.console_url, &started.user_code);
            let body = json!({
                "device_code": started.device_code.expose(),
                "user_code": code,
                "verification_uri": format!("{url}/device"),
                "verification_uri_complete": format!("{url}/device?user_code={code}"),
                "expires_in": LIFETIME.as_secs(),
                "interval": INTERVAL,
            });
            no_store(StatusCode::OK, body)
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Returns what a device sent, limited to the characters of scopes.
fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && *c != '"' && *c != '\\').take(60).collect()
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct TokenForm {
    grant_type: String,
    device_code: String,
}

pub(crate) async fn token(State(app): State<AppState>, Form(form): Form<TokenForm>) -> Response {
    if form.grant_type != GRANT {
        return error("unsupported_grant_type", &format!("grant_type must be {GRANT}."));
    }
    let now = app.now();
    let progress = match find_progress(&app, &form.device_code).await {
        Ok(Some(progress)) => progress,
        Ok(None) => return error("invalid_grant", "This device_code isn’t valid."),
        Err(refusal) => return refused(&refusal),
    };
    match progress {
        Progress::Pending => {
            let digest = crate::one_time::codes::digest(&form.device_code);
            match app.device_polls.take(&hex::encode(digest), now) {
                Ok(_) => error("authorization_pending", "The user hasn’t answered yet."),
                Err(_) => error("slow_down", "Wait longer between two requests."),
            }
        }
        Progress::Denied => error("access_denied", "The user denied the login."),
        Progress::Expired => error("expired_token", "The code has expired. Start over."),
        Progress::Confirmed(key) => {
            let scopes: Vec<_> = key.scopes.iter().map(KeyScope::as_str).collect();
            let body = json!({
                "access_token": form.device_code,
                "token_type": "Bearer",
                "expires_in": key.expires_at.since(now).as_secs(),
                "scope": scopes.join(" "),
            });
            no_store(StatusCode::OK, body)
        }
    }
}
