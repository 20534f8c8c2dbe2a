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

/// Why a report isn't taken, as a problem (RFC 9457).
pub(crate) struct Refused {
    status: StatusCode,
    detail: String,
}

impl Refused {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    fn not_registered() -> Self {
        let detail = "The operator has not enabled reports of this service.";
        Self::new(StatusCode::NOT_FOUND, detail)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        if let Some(cause) = refusal.cause() {
            tracing::error!(%cause, "reported secrets couldn't be revoked");
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, english(&refusal))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let response = (self.status, kind, body.to_string());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return ([(header::RETRY_AFTER, "60")], response).into_response();
        }
        response.into_response()
    }
}

async fn read_body(body: Body) -> Result<Bytes, Refused> {
    to_bytes(body, LARGEST).await.map_err(|_| {
        let detail = format!("A report has at most {} MiB.", LARGEST / 1024 / 1024);
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })
}

fn read_secrets(body: &[u8]) -> Result<Vec<ReportedSecret>, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!(
            "The body must be a JSON array of objects with “token”, “type”, and “url”: line {}, column {}.",
            error.line(),
            error.column()
        );
        Refused::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// Revokes the reported secrets, and answers before the service stops waiting.
async fn take_in_time(
    app: &AppState,
    secrets: &[ReportedSecret],
    reporter: LeakReporter,
    origin: &Origin,
) -> Result<Vec<bool>, Refused> {
    let taking = tokio::time::timeout(TIME, take(app, secrets, reporter, origin));
    let taken = taking.await.unwrap_or_else(|_| Err(Refusal::new(Code::Busy)));
    Ok(taken?)
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
) -> Result<Json<Value>, Refused> {
    let source = source.ok_or_else(Refused::not_registered)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(key_id), Some(signature)) = (text(key_header), text(signature_header)) else {
        let detail = format!("Send the headers {key_header} and {signature_header}.");
        return Err(Refused::new(StatusCode::BAD_REQUEST, detail));
    };
    let body = read_body(body).await?;
    let signed = Signed { key_id, signature, body: &body };
    verify(app, (reporter, source), signed).await.map_err(|error| match error {
        NotVerified::KeysUnavailable => {
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "The published keys can’t be read now.")
        }
        NotVerified::UnknownKey | NotVerified::WrongSignature => {
            tracing::warn!(%error, reporter = reporter.as_str(), "a report of leaked secrets was refused");
            Refused::new(StatusCode::UNAUTHORIZED, "The signature doesn’t match the body.")
        }
    })?;
    let secrets = read_secrets(&body)?;
    let known = take_in_time(app, &secrets, reporter, origin).await?;
    Ok(Json(labels(&secrets, &known)))
}

/// Takes a report of GitHub's secret scanning partner program.
pub(crate) async fn github(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refused> {
    let service = (LeakReporter::Github, app.settings.secret_scanning.github.as_ref());
    let names = ("Github-Public-Key-Identifier", "Github-Public-Key-Signature");
    take_signed(&app, service, names, (&headers, body), &origin).await
}

/// Takes a report of GitLab's partner program.
pub(crate) async fn gitlab(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refused> {
    let service = (LeakReporter::Gitlab, app.settings.secret_scanning.gitlab.as_ref());
    let names = ("Gitlab-Public-Key-Identifier", "Gitlab-Public-Key-Signature");
    take_signed(&app, service, names, (&headers, body), &origin).await
}

/// Checks the token that the operator shares with their GitLab.
fn authorize(app: &AppState, headers: &HeaderMap) -> Result<(), Refused> {
    let shared = app.settings.secret_scanning.gitlab_revocation.as_ref();
    let shared = shared.ok_or_else(Refused::not_registered)?;
    let sent = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let digest = |bytes: &[u8]| Sha256::digest(bytes);
    let (sent, shared) = (digest(sent.unwrap_or_default()), digest(shared.expose().as_bytes()));
    if sent.ct_eq(&shared).into() {
        Ok(())
    } else {
        Err(Refused::new(
            StatusCode::UNAUTHORIZED,
            "The Authorization header isn’t the shared token.",
        ))
    }
}

/// Lists the types of secrets that a self-managed GitLab reports.
pub(crate) async fn list_revocable_types(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    authorize(&app, &headers)?;
    let types = [format!("gitleaks_rule_id_{}-token", app.settings.token_prefix)];
    Ok(Json(json!({ "types": types })))
}

/// Revokes the secrets that a self-managed GitLab found.
pub(crate) async fn revoke(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refused> {
    authorize(&app, &headers)?;
    let secrets = read_secrets(&read_body(body).await?)?;
    take_in_time(&app, &secrets, LeakReporter::Gitlab, &origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
