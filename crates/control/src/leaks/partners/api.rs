//! `/secret-scanning/github` and `/secret-scanning/gitlab`: the endpoints to which GitHub and GitLab report secrets that
//! they found, and those of GitLab's Token Revocation API.

use super::{NotVerified, ReportedSecret, Signed, take, verify};
use crate::{
    AppState, KeySource,
    door::{guard::REQUEST_TIMEOUT, problem::english},
    refusal::{Code, Refusal},
};
use axum::{
    Extension, Json,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use keydesk_model::{LeakReporter, Origin};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// The maximum size of a report, for some 20,000 secrets.
const LARGEST: usize = 8 * 1024 * 1024;
/// The time after which a report is answered, even if it isn't done. GitHub waits for 30 seconds.
const TIME: Duration = REQUEST_TIMEOUT.saturating_sub(Duration::from_secs(5));

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    let mut response = (status, kind, body.to_string()).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    }
    response
}

fn refused(refusal: &Refusal) -> Response {
    if let Some(cause) = refusal.cause() {
        tracing::error!(%cause, "reported secrets couldn't be revoked");
    }
    problem(StatusCode::SERVICE_UNAVAILABLE, &english(refusal))
}

fn not_registered() -> Response {
    problem(StatusCode::NOT_FOUND, "The operator has not enabled reports of this service.")
}

async fn read_body(body: Body) -> Result<Bytes, Response> {
    to_bytes(body, LARGEST).await.map_err(|_| {
        let detail = format!("A report has at most {} MiB.", LARGEST / 1024 / 1024);
        problem(StatusCode::PAYLOAD_TOO_LARGE, &detail)
    })
}

fn read_secrets(body: &[u8]) -> Result<Vec<ReportedSecret>, Response> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!(
            "The body must be a JSON array of objects with “token”, “type”, and “url”: line {}, column {}.",
            error.line(),
            error.column()
        );
        problem(StatusCode::BAD_REQUEST, &detail)
    })
}

/// Revokes the reported secrets, and answers before the service stops waiting.
async fn take_in_time(
    app: &AppState,
    secrets: &[ReportedSecret],
    reporter: LeakReporter,
    origin: &Origin,
) -> Result<Vec<bool>, Response> {
    let taking = tokio::time::timeout(TIME, take(app, secrets, reporter, origin));
    let taken = taking.await.unwrap_or_else(|_| Err(Refusal::new(Code::Busy)));
    taken.map_err(|refusal| refused(&refusal))
}

/// The result for each secret, as GitHub reads it.
fn labels(secrets: &[ReportedSecret], known: &[bool]) -> Value {
    let label = |(secret, is_known): (&ReportedSecret, &bool)| {
        json!({
            "token_hash": hex::encode(Sha256::digest(&secret.token)),
            "token_type": secret.kind,
            "label": if *is_known { "true_positive" } else { "false_positive" },
        })
    };
    secrets.iter().zip(known).map(label).collect()
}

async fn take_signed(
    app: &AppState,
    (reporter, source): (LeakReporter, Option<&KeySource>),
    (key_header, signature_header): (&str, &str),
    (headers, body): (&HeaderMap, Body),
    origin: &Origin,
) -> Result<Response, Response> {
    let source = source.ok_or_else(not_registered)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(key_id), Some(signature)) = (text(key_header), text(signature_header)) else {
        let detail = format!("Send the headers {key_header} and {signature_header}.");
        return Err(problem(StatusCode::BAD_REQUEST, &detail));
    };
    let body = read_body(body).await?;
    let signed = Signed { key_id, signature, body: &body };
    verify(app, (reporter, source), signed).await.map_err(|error| match error {
        NotVerified::KeysUnavailable => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "The published keys can’t be read now.")
        }
        NotVerified::UnknownKey | NotVerified::WrongSignature => {
            tracing::warn!(%error, reporter = reporter.as_str(), "a report of leaked secrets was refused");
            problem(StatusCode::UNAUTHORIZED, "The signature doesn’t match the body.")
        }
    })?;
    let secrets = read_secrets(&body)?;
    let known = take_in_time(app, &secrets, reporter, origin).await?;
    Ok(Json(labels(&secrets, &known)).into_response())
}

/// Takes a report of GitHub's secret scanning partner program.
pub(crate) async fn github(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let service = (LeakReporter::Github, app.settings.secret_scanning.github.as_ref());
    let names = ("Github-Public-Key-Identifier", "Github-Public-Key-Signature");
    let taken = take_signed(&app, service, names, (&headers, body), &origin).await;
    taken.unwrap_or_else(|response| response)
}

/// Takes a report of GitLab's partner program.
pub(crate) async fn gitlab(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let service = (LeakReporter::Gitlab, app.settings.secret_scanning.gitlab.as_ref());
    let names = ("Gitlab-Public-Key-Identifier", "Gitlab-Public-Key-Signature");
    let taken = take_signed(&app, service, names, (&headers, body), &origin).await;
    taken.unwrap_or_else(|response| response)
}

/// Checks the token that the operator shares with their GitLab.
fn authorize(app: &AppState, headers: &HeaderMap) -> Result<(), Response> {
    let shared = app.settings.secret_scanning.gitlab_revocation.as_ref();
    let shared = shared.ok_or_else(not_registered)?;
    let sent = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let digest = |bytes: &[u8]| Sha256::digest(bytes);
    let (sent, shared) = (digest(sent.unwrap_or_default()), digest(shared.expose().as_bytes()));
    if sent.ct_eq(&shared).into() {
        Ok(())
    } else {
        Err(problem(StatusCode::UNAUTHORIZED, "The Authorization header isn’t the shared token."))
    }
}

/// Lists the types of secrets that a self-managed GitLab reports.
pub(crate) async fn list_revocable_types(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = authorize(&app, &headers) {
        return response;
    }
    let prefix = &app.settings.token_prefix;
    let types = [format!("gitleaks_rule_id_{prefix}-token")];
    Json(json!({ "types": types })).into_response()
}

/// Revokes the secrets that a self-managed GitLab found.
pub(crate) async fn revoke(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let revoked = async {
        authorize(&app, &headers)?;
        let secrets = read_secrets(&read_body(body).await?)?;
        take_in_time(&app, &secrets, LeakReporter::Gitlab, &origin).await
    };
    match revoked.await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(response) => response,
    }
}
