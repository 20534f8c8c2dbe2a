//! What operators see of the instance, in the management API.

use super::{gateways, operators, plans, rules};
use crate::{
    AppState,
    accounts::api::PlanObject,
    door::api::{ApiError, Instant, names::ModeName, principal::By},
    principal::Operator,
};
use axum::{Json, extract::State};
use keydesk_model::Mode;
use serde::Serialize;
use utoipa::ToSchema;

/// The plans of the instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plans {
    items: Vec<PlanObject>,
    /// The name of the plan for accounts that have no other plan.
    default: Option<String>,
}

/// Lists the plans.
#[utoipa::path(get, path = "/plans", operation_id = "list_plans", tag = "Instance",
    responses((status = 200, body = Plans, description = "The plans.")))]
pub(crate) async fn list_plans(
    State(app): State<AppState>,
    By(operator): By<Operator>,
) -> Result<Json<Plans>, ApiError> {
    let (all, default) = plans(&app, &operator)?;
    let items = all.iter().map(PlanObject::from).collect();
    Ok(Json(Plans { items, default: default.map(str::to_owned) }))
}

/// An operator of the instance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operator)]
pub(crate) struct OperatorObject {
    name: String,
    email: String,
    since: Instant,
}

/// The operators of the instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operators {
    items: Vec<OperatorObject>,
}

/// Lists the operators.
#[utoipa::path(get, path = "/operators", operation_id = "list_operators", tag = "Instance",
    responses((status = 200, body = Operators, description = "The operators.")))]
pub(crate) async fn list_operators(
    State(app): State<AppState>,
    By(operator): By<Operator>,
) -> Result<Json<Operators>, ApiError> {
    let all = operators(&app, &operator).await?.into_iter();
    let items = all.map(|operator| OperatorObject {
        name: operator.name,
        email: operator.email.to_string(),
        since: Instant(operator.since),
    });
    Ok(Json(Operators { items: items.collect() }))
}

/// A gateway, and the time until which it accepts tokens if it never connects again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gateway)]
pub(crate) struct GatewayObject {
    id: String,
    name: String,
    version: String,
    last_renewed_at: Instant,
    accepts_until: Instant,
}

/// The gateways of the instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Gateways {
    items: Vec<GatewayObject>,
}

/// Lists the gateways.
#[utoipa::path(get, path = "/gateways", operation_id = "list_gateways", tag = "Instance",
    responses((status = 200, body = Gateways, description = "The gateways.")))]
pub(crate) async fn list_gateways(
    State(app): State<AppState>,
    By(operator): By<Operator>,
) -> Result<Json<Gateways>, ApiError> {
    let (nodes, _) = gateways(&app, &operator).await?;
    let gateways = nodes.into_iter().filter(|listed| listed.node.row.is_gateway);
    let items = gateways.map(|listed| GatewayObject {
        id: listed.node.row.id.to_string(),
        name: listed.node.row.name.clone(),
        version: listed.node.release.clone(),
        last_renewed_at: Instant(listed.node.seen_at),
        accepts_until: Instant(listed.accepts_until),
    });
    Ok(Json(Gateways { items: items.collect() }))
}

/// What an operation of the API requires.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationRule)]
pub(crate) struct OperationObject {
    /// The method, or `*` for every method.
    method: String,
    path: String,
    scopes: Vec<String>,
    /// The rate limit for each account.
    rate_limit: Option<String>,
}

/// The rules for the operations of the API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operations {
    /// Whether scopes are enforced, or only observed.
    mode: ModeName,
    items: Vec<OperationObject>,
    /// Whether changed rules wait for an operator’s approval.
    has_pending_changes: bool,
}

/// Lists the operations of the API, with their required scopes and rate limits.
#[utoipa::path(get, path = "/operations", operation_id = "list_operations", tag = "Instance",
    responses((status = 200, body = Operations, description = "The operations.")))]
pub(crate) async fn list_operations(
    State(app): State<AppState>,
    By(operator): By<Operator>,
) -> Result<Json<Operations>, ApiError> {
    let Some(stored) = rules(&app, &operator).await? else {
        let (mode, items) = (ModeName(Mode::Observe), Vec::new());
        return Ok(Json(Operations { mode, items, has_pending_changes: false }));
    };
    let operations = stored.live.rules.operations.into_iter();
    let items = operations.map(|operation| OperationObject {
        path: operation.path.to_string(),
        scopes: operation.scopes.iter().map(ToString::to_string).collect(),
        rate_limit: operation.rate.map(|rate| rate.to_string()),
        method: operation.method,
    });
    Ok(Json(Operations {
        mode: ModeName(stored.live.mode),
        items: items.collect(),
        has_pending_changes: stored.pending.is_some(),
    }))
}
