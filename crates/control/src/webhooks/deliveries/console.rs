//! The pages of deliveries: rows of the log, and a delivery with its attempts.

use super::DeliveryDetail;
use crate::{
    AppState,
    audit::console::event_name,
    door::{
        language::{label, text},
        layout::{Nav, PageLayout, done, page},
        problem::Problem,
        when::When,
    },
    webhooks::console::{WebhookPages, read_id},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use keydesk_model::{AUDIT_RECORDED, Timestamp, WebhookId};
use keydesk_store::{Delivery, DeliveryAttempt};

/// A delivery as shown in the log.
pub(crate) struct DeliveryRow {
    pub id: String,
    pub event: String,
    pub title: String,
    pub state: &'static str,
    pub is_redelivery: bool,
    pub attempts: i64,
    pub created: When,
    pub next: Option<When>,
}

impl DeliveryRow {
    pub fn new(delivery: &Delivery, now: Timestamp) -> Self {
        Self {
            id: delivery.id.to_string(),
            event: delivery.kind.clone(),
            title: title_of(&delivery.kind),
            state: delivery.state.as_str(),
            is_redelivery: delivery.is_redelivery,
            attempts: delivery.attempts,
            created: When::past(delivery.created_at, now),
            next: delivery.next_at.map(|at| When::future(at, now)),
        }
    }

    pub fn state_label(&self) -> String {
        label("delivery-state", self.state)
    }

    pub fn has_failed(&self) -> bool {
        self.state == "failed"
    }
}

fn title_of(kind: &str) -> String {
    if kind == AUDIT_RECORDED { text("webhook-audit").to_string() } else { event_name(kind) }
}

/// An attempt as shown.
struct AttemptRow {
    at: When,
    duration_ms: i64,
    result: String,
    response: String,
}

impl AttemptRow {
    fn new(attempt: DeliveryAttempt, now: Timestamp) -> Self {
        let result = attempt.status.map_or(attempt.error, |status| status.to_string());
        let (duration_ms, response) = (attempt.duration_ms, attempt.response);
        Self { at: When::past(attempt.at, now), duration_ms, result, response }
    }
}

#[derive(Template)]
#[template(path = "webhooks/delivery.html")]
struct DeliveryPage {
    chrome: PageLayout,
    base: &'static str,
    webhook: WebhookId,
    row: DeliveryRow,
    attempts: Vec<AttemptRow>,
    message_id: String,
    body: String,
}

pub(crate) async fn show_delivery<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path((webhook, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (webhook, now) = (read_id(&webhook)?, app.now());
    let found = super::find_delivery(&app, &owner, (webhook, read_id(&id)?)).await?;
    let DeliveryDetail { delivery, attempts, message_id, body } = found;
    let indented = serde_json::from_str::<serde_json::Value>(&body)
        .and_then(|value| serde_json::to_string_pretty(&value));
    let row = DeliveryRow::new(&delivery, now);
    Ok(page(&DeliveryPage {
        chrome: owner.chrome(&row.title, O::NAV),
        base: O::PATH,
        webhook,
        row,
        attempts: attempts.into_iter().map(|attempt| AttemptRow::new(attempt, now)).collect(),
        message_id,
        body: indented.unwrap_or(body),
    }))
}

pub(crate) async fn send_again<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path((webhook, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let webhook = read_id(&webhook)?;
    super::redeliver(&app, &owner, (webhook, read_id(&id)?)).await?;
    Ok(done(&format!("{}/{webhook}", O::PATH), "webhook_redelivered", None).into_response())
}
