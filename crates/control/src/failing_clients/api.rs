//! `/failing-clients` of the management API.

use super::{Decision, FailingClient, FailingClientFilter, decide, find, list, report};
use crate::{
    AppState,
    door::{
        api::{
            ApiError, ApiPath, Instant, Position, Request,
            body::json_bodies,
            page::{PageParams, list_schemas},
            principal::By,
        },
        token_name::token_name,
    },
    help::explain,
    principal::Caller,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use keydesk_model::{FailingClientState, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateName {
    Open,
    Muted,
    Resolved,
}

impl From<FailingClientState> for StateName {
    fn from(state: FailingClientState) -> Self {
        match state {
            FailingClientState::Open => Self::Open,
            FailingClientState::Muted => Self::Muted,
            FailingClientState::Resolved => Self::Resolved,
        }
    }
}

impl From<StateName> for FailingClientState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Open => Self::Open,
            StateName::Muted => Self::Muted,
            StateName::Resolved => Self::Resolved,
        }
    }
}

/// Requests of the last 7 days that the gateway rejected for the same reason: with the same token, from the same client
/// and network, to the same operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailingClient)]
pub(crate) struct FailingClientObject {
    #[schema(example = "fcl_0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    id: String,
    #[schema(inline)]
    state: StateName,
    /// The end of the muted state.
    muted_until: Option<Instant>,
    /// The ID of the token, if it is one of the account.
    token: Option<String>,
    token_name: Option<String>,
    /// The code of the gateway’s error.
    code: String,
    /// What the code means.
    explanation: Option<String>,
    /// The name of the client, from its user agent. Empty without a token of the account.
    client: String,
    /// The /24 or /48 of the client IP address.
    network: String,
    /// The operation, or empty if it is not known.
    operation: String,
    requests: u64,
    first_at: Instant,
    last_at: Instant,
    /// The ID of the last request.
    last_request: String,
    /// When the same client last used the same token with success.
    last_accepted_at: Option<Instant>,
    /// The number of requests in each of the last 168 hours, the last one at the end.
    hours: Vec<u64>,
    /// The last email about it to the creator of the token.
    notified_at: Option<Instant>,
}

impl From<FailingClient> for FailingClientObject {
    fn from(failing: FailingClient) -> Self {
        Self {
            id: failing.id,
            state: failing.state.into(),
            muted_until: failing.muted_until.map(Instant),
            token: failing.group.token.map(|token| token.to_string()),
            token_name: failing.token.as_ref().map(token_name),
            explanation: explain(&failing.group.code),
            code: failing.group.code,
            client: failing.group.client,
            network: failing.group.network,
            operation: failing.group.operation,
            requests: failing.rejected.requests,
            first_at: Instant(failing.rejected.first_at),
            last_at: Instant(failing.rejected.last_at),
            last_request: failing.rejected.last_request,
            last_accepted_at: failing.last_accepted_at.map(Instant),
            hours: failing.hours,
            notified_at: failing.notified_at.map(Instant),
        }
    }
}

list_schemas! { FailingClientList of FailingClientObject }

/// Which failing clients are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FailingClientParams {
    #[serde(default)]
    #[param(inline, required = false)]
    state: Option<StateName>,
    /// One token.
    #[serde(default)]
    #[param(required = false, value_type = Option<String>, example = "tok_019abd9c1f0a7d5c8f6f3f2b1a0c9d8e")]
    token: Option<TokenId>,
    /// A part of the token’s name, the code, client, network, or operation.
    #[serde(default)]
    #[param(required = false, max_length = 100)]
    text: String,
}

/// Lists the failing clients of the last 7 days, the last rejected first.
#[utoipa::path(get, path = "/failing-clients", operation_id = "list_failing_clients", tag = "Usage", params(PageParams, FailingClientParams),
    responses((status = 200, body = FailingClientList, description = "A page of failing clients.")))]
pub(crate) async fn list_failing_clients(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<FailingClientParams>,
) -> Result<Response, ApiError> {
    let FailingClientParams { state, token, text } = &position.filter;
    let filter = FailingClientFilter { state: state.map(Into::into), token: *token };
    let (found, _) = list(&app, &caller, filter, &position.search(text)?).await?;
    let items: Vec<_> = found.items.into_iter().map(FailingClientObject::from).collect();
    Ok(position.respond(&app, (items, found.next)))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct FailingClientIdParam {
    /// The ID of a failing client.
    #[param(example = "fcl_0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    id: String,
}

/// Reads a failing client.
#[utoipa::path(get, path = "/failing-clients/{id}", operation_id = "read_failing_client", tag = "Usage", params(FailingClientIdParam),
    responses((status = 200, body = FailingClientObject, description = "The failing client.")))]
pub(crate) async fn read_failing_client(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<FailingClientObject>, ApiError> {
    Ok(Json(find(&app, &caller, &id).await?.into()))
}

/// A decision about a failing client.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FailingClientDecision, example = json!({"state": "muted", "days": 7}))]
pub(crate) struct StateBody {
    #[schema(inline)]
    state: StateName,
    /// The number of days for which it is muted.
    #[serde(default = "a_week")]
    #[schema(minimum = 1, maximum = 90, default = 7)]
    days: u32,
}

fn a_week() -> u32 {
    7
}

json_bodies!(StateBody);

/// Mutes, resolves, or reopens a failing client. A resolved one reopens by itself with its next rejected request.
#[utoipa::path(put, path = "/failing-clients/{id}/state", operation_id = "update_failing_client", tag = "Usage", params(FailingClientIdParam),
    request_body = StateBody, responses((status = 200, body = FailingClientObject, description = "The failing client.")))]
pub(crate) async fn update_failing_client(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<String>,
    request: Request<Caller, StateBody>,
) -> Result<Json<FailingClientObject>, ApiError> {
    let decision = match request.body.state {
        StateName::Open => Decision::Reopen,
        StateName::Muted => Decision::Mute(request.body.days),
        StateName::Resolved => Decision::Resolve,
    };
    Ok(Json(decide(&app, &request.caller, &id, decision).await?.into()))
}

/// Sends an email about a failing client to the creator of its token and to the administrators, at most once a day.
#[utoipa::path(post, path = "/failing-clients/{id}/reports", operation_id = "report_failing_client", tag = "Usage", params(FailingClientIdParam),
    responses((status = 202, description = "The email will be sent.")))]
pub(crate) async fn report_failing_client(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<String>,
    request: Request<Caller>,
) -> Result<StatusCode, ApiError> {
    if request.finished(&app).await?.is_none() {
        report(&app, &request.caller, &id).await?;
    }
    Ok(StatusCode::ACCEPTED)
}
