//! `/events` of the management API, and the description of each type of event.

use super::EventPage;
use crate::{
    AppState,
    door::api::{ApiError, ApiQuery, RequestCode, principal::By},
    principal::{Caller, Operator},
    webhooks::{
        event_types,
        message::{EntryRecord, EventBody, EventData},
    },
};
use axum::{Json, extract::State};
use keydesk_store::LoggedEvent;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An event in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedEventObject {
    #[serde(rename = "type")]
    #[schema(example = "token.revoked")]
    kind: String,
    #[schema(format = DateTime)]
    timestamp: String,
    data: EventData,
    /// The audit entry, with the digest over it and all previous entries of the account. Requires the scope
    /// `audit:read`, or `instance:read` for the events of all accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<EntryRecord>,
}

impl LoggedEventObject {
    fn new(event: &LoggedEvent, has_entry: bool) -> Self {
        let EventBody { kind, timestamp, data } = EventBody::new(&event.event, event);
        Self { kind, timestamp, data, entry: has_entry.then(|| EntryRecord::new(event)) }
    }
}

/// A part of the log of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    items: Vec<LoggedEventObject>,
    /// The number to continue after.
    last: i64,
    /// Whether more events follow now.
    has_more: bool,
}

/// Which part of the log is returned.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsParams {
    /// The number of the last event that you have.
    #[serde(default)]
    #[param(required = false, minimum = 0, default = 0)]
    after: i64,
    /// The maximum number of events.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

fn default_limit() -> u32 {
    100
}

impl EventsParams {
    fn read(&self) -> Result<(i64, u32), ApiError> {
        if self.after < 0 {
            let detail = "after must be the number of an event, or 0.";
            return Err(ApiError::new(RequestCode::InvalidParameter, detail).in_parameter("after"));
        }
        if !(1..=1000).contains(&self.limit) {
            let detail = "limit must be a number from 1 to 1000.";
            return Err(ApiError::new(RequestCode::InvalidParameter, detail).in_parameter("limit"));
        }
        Ok((self.after, self.limit))
    }
}

fn event_list(
    page: &EventPage,
    number: impl Fn(&LoggedEvent) -> i64,
    after: i64,
) -> Json<EventList> {
    let item = |event: &LoggedEvent| LoggedEventObject::new(event, page.has_entries);
    Json(EventList {
        items: page.events.iter().map(item).collect(),
        last: page.events.last().map_or(after, number),
        has_more: page.has_more,
    })
}

/// Returns the events of the account after a number, oldest first and without gaps. They are the same that webhooks
/// deliver.
#[utoipa::path(get, path = "/events", operation_id = "list_events", tag = "Webhooks", params(EventsParams),
    responses((status = 200, body = EventList, description = "A part of the log.")))]
pub(crate) async fn list_events(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiQuery(query): ApiQuery<EventsParams>,
) -> Result<Json<EventList>, ApiError> {
    let wanted = query.read()?;
    let page = super::list_events(&app, &caller, wanted).await?;
    Ok(event_list(&page, |event| event.number, wanted.0))
}

/// Returns the events of all accounts and of the instance after a number, oldest first. The numbers are those in
/// `data.audit_entry`.
#[utoipa::path(get, path = "/instance/events", operation_id = "list_instance_events", tag = "Instance", params(EventsParams),
    responses((status = 200, body = EventList, description = "A part of the log.")))]
pub(crate) async fn list_instance_events(
    State(app): State<AppState>,
    By(operator): By<Operator>,
    ApiQuery(query): ApiQuery<EventsParams>,
) -> Result<Json<EventList>, ApiError> {
    let wanted = query.read()?;
    let page = super::list_all_events(&app, &operator, wanted).await?;
    Ok(event_list(&page, |event| event.seq, wanted.0))
}

/// Describes the events in the `webhooks` of the OpenAPI document: one for each type.
pub(crate) fn describe_events() -> serde_json::Value {
    let describe = |kind: &str| {
        let body = serde_json::json!({ "allOf": [
            { "$ref": "#/components/schemas/Event" },
            { "type": "object", "properties": { "type": { "const": kind } } },
        ] });
        let header = |name: &str, about: &str| serde_json::json!({ "name": name, "in": "header", "required": true, "description": about, "schema": { "type": "string" } });
        serde_json::json!({ "post": {
            "operationId": format!("on_{}", kind.replace('.', "_")),
            "summary": kind,
            "tags": ["Webhooks"],
            "security": [],
            "parameters": [
                header("webhook-id", "The ID of the event, the same in each attempt."),
                header("webhook-timestamp", "The time of the attempt, in seconds since 1970."),
                header("webhook-signature", "Signatures separated by spaces: `v1,` HMAC-SHA256, `v1a,` Ed25519."),
                header("keydesk-seq", "The number of the event in the log that the webhook follows."),
                header("keydesk-previous-seq", "The number of the event that the webhook received before."),
                header("keydesk-chain", "The digest over the event’s audit entry and all previous ones of the account."),
            ],
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
            "responses": {
                "2XX": { "description": "The event was received." },
                "4XX": { "description": "The event is sent again later. 410 disables the webhook." },
            },
        } })
    };
    event_types()
        .into_iter()
        .map(|kind| (kind.to_owned(), describe(kind)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Returns the schemas that only the descriptions of events use.
pub(crate) fn event_schemas() -> Vec<(String, serde_json::Value)> {
    use utoipa::PartialSchema as _;
    let schema = EventBody::schema();
    vec![("Event".to_owned(), serde_json::to_value(schema).unwrap_or_default())]
}
