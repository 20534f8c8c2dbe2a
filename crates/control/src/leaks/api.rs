//! `/secret-scanning/check`: the states of secrets, given their digests.

use super::{check_secret, count, read_digest};
use crate::{
    AppState,
    door::api::{ApiError, RequestCode, body::read_json},
};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use keydesk_model::Origin;
use serde::Deserialize;
use serde_json::{Value, json};

/// The maximum number of digests in one request.
const MOST_CHECKED: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    /// SHA-256 digests of whole tokens, in hexadecimal.
    digests: Vec<String>,
}

async fn check_all(
    app: &AppState,
    origin: &Origin,
    (headers, body): (&HeaderMap, &Bytes),
) -> Result<Vec<Value>, ApiError> {
    count(app, &app.secret_checks, origin)?;
    let CheckBody { digests } = read_json(headers, body)?;
    if digests.len() > MOST_CHECKED {
        let detail = format!("A request has at most {MOST_CHECKED} digests.");
        return Err(ApiError::new(RequestCode::InvalidField, detail).at("/digests".to_owned()));
    }
    let mut states = Vec::new();
    for (number, text) in digests.iter().enumerate() {
        let hash = read_digest(text).ok_or_else(|| {
            let detail = "A digest is SHA-256 in 64 hexadecimal digits.";
            ApiError::new(RequestCode::InvalidField, detail).at(format!("/digests/{number}"))
        })?;
        let state = check_secret(app, hash, origin).await?;
        states.push(json!({ "digest": text, "state": state.as_str() }));
    }
    Ok(states)
}

pub(crate) async fn check(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match check_all(&app, &origin, (&headers, &body)).await {
        Ok(states) => Json(json!({ "secrets": states })).into_response(),
        Err(error) => error.into_response(&app.settings, &origin.request_id),
    }
}
