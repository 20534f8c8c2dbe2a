//! `/secret-scanning/github` and `/secret-scanning/gitlab`: the endpoints to which GitHub and GitLab report secrets that
//! they found, and those of GitLab's Token Revocation API.

use super::{NotVerified, ReportedSecret, Signed, revoke_all, slots::Slot, verify};
use crate::{
    AppState, KeySource,
    door::{guard::REQUEST_TIMEOUT, problem::english},
    refusal::{Code, Refusal},
    throttling::attempts::network,
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

/// The maximum size of a report, for some 10,000 secrets.
const LARGEST: usize = 4 * 1024 * 1024;
/// The time in which a report must arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The time after which a report is answered, even if it isn't done. GitHub waits for 30 seconds.
const TIME: Duration = REQUEST_TIMEOUT.saturating_sub(Duration::from_secs(5));

/// Why a report isn't taken, as a problem (RFC 9457).
pub(crate) struct ReportRejection {
    status: StatusCode,
    detail: String,
}

impl ReportRejection {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    fn not_registered() -> Self {
        let detail = "The operator has not enabled reports from this service.";
        Self::new(StatusCode::NOT_FOUND, detail)
    }
}

impl From<Refusal> for ReportRejection {
    fn from(refusal: Refusal) -> Self {
        if let Some(cause) = refusal.cause() {
            tracing::error!(%cause, "reported secrets couldn't be revoked");
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, english(&refusal))
    }
}

impl IntoResponse for ReportRejection {
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

/// Reads a report. `slot` is its place among those that are read concurrently.
async fn read_body(_slot: &Slot, body: Body) -> Result<Bytes, ReportRejection> {
    let read = tokio::time::timeout(ARRIVAL, to_bytes(body, LARGEST)).await;
    let read = read.map_err(|_| {
        ReportRejection::new(StatusCode::REQUEST_TIMEOUT, "The report didn’t arrive in time.")
    })?;
    read.map_err(|_| {
        let detail = format!("A report can have at most {} MiB.", LARGEST / 1024 / 1024);
        ReportRejection::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })
}

fn take_slot(app: &AppState, origin: &Origin) -> Result<Slot, ReportRejection> {
    let from = origin.client_ip.map(network).unwrap_or_default();
    app.report_slots.take(&from).ok_or_else(|| {
        let detail = "Too many reports are being read. Send it again.";
        ReportRejection::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })
}

fn read_secrets(body: &[u8]) -> Result<Vec<ReportedSecret>, ReportRejection> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!(
            "The body must be a JSON array of objects with “token”, “type”, and “url”: line {}, column {}.",
            error.line(),
            error.column()
        );
        ReportRejection::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// Revokes the reported secrets, and answers before the service stops waiting.
async fn revoke_in_time(
    app: &AppState,
    secrets: &[ReportedSecret],
    reporter: LeakReporter,
    origin: &Origin,
) -> Result<Vec<bool>, ReportRejection> {
    let revoking = tokio::time::timeout(TIME, revoke_all(app, secrets, reporter, origin));
    let revoked = revoking.await.unwrap_or_else(|_| Err(Refusal::new(Code::Busy)));
    Ok(revoked?)
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

async fn handle_signed_report(
    app: &AppState,
    (reporter, source): (LeakReporter, Option<&KeySource>),
    (key_header, signature_header): (&str, &str),
    (headers, body): (&HeaderMap, Body),
    origin: &Origin,
) -> Result<Json<Value>, ReportRejection> {
    let source = source.ok_or_else(ReportRejection::not_registered)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(key_id), Some(signature)) = (text(key_header), text(signature_header)) else {
        let detail = format!("Send the headers {key_header} and {signature_header}.");
        return Err(ReportRejection::new(StatusCode::BAD_REQUEST, detail));
    };
    let slot = take_slot(app, origin)?;
    let body = read_body(&slot, body).await?;
    let signed = Signed { key_id, signature, body: &body };
    verify(app, (reporter, source), signed).await.map_err(|error| match error {
        NotVerified::KeysUnavailable => {
            ReportRejection::new(StatusCode::SERVICE_UNAVAILABLE, "The published keys can’t be read now.")
        }
        NotVerified::UnknownKey | NotVerified::WrongSignature => {
            if app.leak_warnings.take(reporter.as_str(), app.now()).is_ok() {
                tracing::warn!(%error, reporter = reporter.as_str(), "a report of leaked secrets was rejected");
            }
            let detail = match error {
                NotVerified::UnknownKey => "The service has published no key with this identifier.",
                _ => "The signature doesn’t match the body.",
            };
            ReportRejection::new(StatusCode::UNAUTHORIZED, detail)
        }
    })?;
    let secrets = read_secrets(&body)?;
    let known = revoke_in_time(app, &secrets, reporter, origin).await?;
    Ok(Json(labels(&secrets, &known)))
}

/// Takes a report of GitHub's secret scanning partner program.
pub(crate) async fn github(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ReportRejection> {
    let service = (LeakReporter::Github, app.settings.secret_scanning.github.as_ref());
    let names = ("Github-Public-Key-Identifier", "Github-Public-Key-Signature");
    handle_signed_report(&app, service, names, (&headers, body), &origin).await
}

/// Takes a report of GitLab's partner program.
pub(crate) async fn gitlab(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ReportRejection> {
    let service = (LeakReporter::Gitlab, app.settings.secret_scanning.gitlab.as_ref());
    let names = ("Gitlab-Public-Key-Identifier", "Gitlab-Public-Key-Signature");
    handle_signed_report(&app, service, names, (&headers, body), &origin).await
}

/// Checks the token that the operator shares with their GitLab.
fn authorize(app: &AppState, headers: &HeaderMap) -> Result<(), ReportRejection> {
    let shared = app.settings.secret_scanning.gitlab_revocation.as_ref();
    let shared = shared.ok_or_else(ReportRejection::not_registered)?;
    let sent = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let digest = |bytes: &[u8]| Sha256::digest(bytes);
    let (sent, shared) = (digest(sent.unwrap_or_default()), digest(shared.expose().as_bytes()));
    if sent.ct_eq(&shared).into() {
        Ok(())
    } else {
        Err(ReportRejection::new(
            StatusCode::UNAUTHORIZED,
            "The Authorization header doesn’t contain the shared token.",
        ))
    }
}

/// Lists the types of secrets that a self-managed GitLab reports.
pub(crate) async fn list_revocable_types(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<Value>, ReportRejection> {
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
) -> Result<StatusCode, ReportRejection> {
    authorize(&app, &headers)?;
    let slot = take_slot(&app, &origin)?;
    let secrets = read_secrets(&read_body(&slot, body).await?)?;
    revoke_in_time(&app, &secrets, LeakReporter::Gitlab, &origin).await?;
    Ok(StatusCode::NO_CONTENT)
}
