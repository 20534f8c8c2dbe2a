//! `/webhooks/{id}/deliveries` of the management API.

use super::{DeliveryDetail, find_delivery, list_deliveries, redeliver};
use crate::{
    AppState,
    door::api::{
        ApiError, ApiPath, ApiPaths, Instant, Position, Request,
        names::DeliveryStateName,
        page::{PageParams, list_schemas},
        principal::By,
    },
    management_keys::Either,
    webhooks::api::WebhookIdParam,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use keydesk_model::{DeliveryId, WebhookId};
use keydesk_store::Delivery;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The delivery of an event to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryObject {
    #[schema(value_type = String, example = "dlv_019364b4f1d070008b1e2c3d4e5f6071")]
    id: DeliveryId,
    /// The type of the event.
    event: String,
    /// The number of the event’s entry in the audit log of the instance.
    audit_entry: i64,
    state: DeliveryStateName,
    /// Whether someone requested it. A redelivery is one attempt.
    redelivery: bool,
    /// The number of attempts so far.
    attempts: i64,
    created_at: Instant,
    /// The time of the next attempt, if there is one.
    next_attempt_at: Option<Instant>,
}

impl From<Delivery> for DeliveryObject {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event: delivery.kind,
            audit_entry: delivery.audit_seq,
            state: DeliveryStateName(delivery.state),
            redelivery: delivery.is_redelivery,
            attempts: delivery.attempts,
            created_at: Instant(delivery.created_at),
            next_attempt_at: delivery.next_at.map(Instant),
        }
    }
}

/// An attempt to deliver an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub(crate) struct AttemptObject {
    at: Instant,
    duration_ms: i64,
    /// The status of the response, if there was one.
    status: Option<i64>,
    /// Why there was no response.
    error: Option<String>,
    /// The first kilobyte of the response’s body. Tokens are replaced.
    response: String,
}

/// A delivery with its attempts and the event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryWithAttempts {
    delivery: DeliveryObject,
    attempts: Vec<AttemptObject>,
    /// The ID of the event, in the header `webhook-id` of each attempt.
    message_id: String,
    /// The body of each attempt.
    body: String,
}

impl From<DeliveryDetail> for DeliveryWithAttempts {
    fn from(detail: DeliveryDetail) -> Self {
        let attempts = detail.attempts.into_iter().map(|attempt| AttemptObject {
            at: Instant(attempt.at),
            duration_ms: attempt.duration_ms,
            status: attempt.status,
            error: (!attempt.error.is_empty()).then_some(attempt.error),
            response: attempt.response,
        });
        Self {
            delivery: detail.delivery.into(),
            attempts: attempts.collect(),
            message_id: detail.message_id,
            body: detail.body,
        }
    }
}

list_schemas! { DeliveryList of DeliveryObject }

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct DeliveryIdParams {
    /// The ID of a webhook.
    #[param(example = "whk_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
    /// The ID of a delivery.
    #[param(example = "dlv_019364b4f1d070008b1e2c3d4e5f6071")]
    delivery: String,
}

/// Which deliveries are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryFilterParams {
    /// Only those in this state.
    #[serde(rename = "status")]
    #[param(required = false)]
    state: Option<DeliveryStateName>,
}

/// Lists the deliveries to a webhook, newest first. They are kept for 30 days.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", operation_id = "list_deliveries", tag = "Webhooks", params(WebhookIdParam, PageParams, DeliveryFilterParams),
    responses((status = 200, body = DeliveryList, description = "A page of deliveries.")))]
pub(crate) async fn deliveries(
    State(app): State<AppState>,
    By(owner): By<Either>,
    ApiPath(id): ApiPath<WebhookId>,
    position: Position<DeliveryFilterParams>,
) -> Result<Response, ApiError> {
    let state = position.filter.state.map(|state| state.0);
    let search = position.search("")?;
    let found = list_deliveries(&app, &owner, id, (state, &search)).await?;
    let items: Vec<_> = found.items.into_iter().map(DeliveryObject::from).collect();
    Ok(position.respond(&app, (items, found.next)))
}

/// Reads a delivery with its attempts and the event.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries/{delivery}", operation_id = "read_delivery", tag = "Webhooks", params(DeliveryIdParams),
    responses((status = 200, body = DeliveryWithAttempts, description = "The delivery.")))]
pub(crate) async fn delivery(
    State(app): State<AppState>,
    By(owner): By<Either>,
    ApiPaths(webhook, id): ApiPaths<WebhookId, DeliveryId>,
) -> Result<Json<DeliveryWithAttempts>, ApiError> {
    Ok(Json(find_delivery(&app, &owner, (webhook, id)).await?.into()))
}

/// Sends an event to a webhook again: one attempt with the same `webhook-id`.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery}/redeliver", operation_id = "redeliver", tag = "Webhooks", params(DeliveryIdParams),
    responses((status = 202, description = "The event is on its way. The deliveries show its result.")))]
pub(crate) async fn redeliver_event(
    State(app): State<AppState>,
    ApiPaths(webhook, id): ApiPaths<WebhookId, DeliveryId>,
    request: Request<Either>,
) -> Result<StatusCode, ApiError> {
    if request.finished(&app).await?.is_none() {
        redeliver(&app, &request.caller, (webhook, id)).await?;
    }
    Ok(StatusCode::ACCEPTED)
}
