//! `/requests` of the management API.

use super::{ShownRequest, find, is_logging, list, set_logging};
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
use axum::{Json, extract::State, response::Response};
use keydesk_model::{RequestOutcome, TokenId};
use keydesk_store::RequestFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What happened to a request.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    Succeeded,
    /// The status is 400 or higher.
    Failed,
    /// It had no token of the account.
    Unauthenticated,
}

impl From<OutcomeName> for RequestOutcome {
    fn from(name: OutcomeName) -> Self {
        match name {
            OutcomeName::Succeeded => Self::Succeeded,
            OutcomeName::Failed => Self::Failed,
            OutcomeName::Unauthenticated => Self::Unauthenticated,
        }
    }
}

impl From<RequestOutcome> for OutcomeName {
    fn from(outcome: RequestOutcome) -> Self {
        match outcome {
            RequestOutcome::Succeeded => Self::Succeeded,
            RequestOutcome::Failed => Self::Failed,
            RequestOutcome::Unauthenticated => Self::Unauthenticated,
        }
    }
}

/// A request to the API. Bodies and query values are never recorded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoggedRequest)]
pub(crate) struct RequestObject {
    /// The request ID, which the response had in `X-Request-Id`.
    id: String,
    at: Instant,
    #[schema(inline)]
    outcome: OutcomeName,
    /// The token, even if it was rejected. `null` if the request had none of this account.
    token: Option<String>,
    token_name: Option<String>,
    method: String,
    /// The path after the endpoint URL, without the query.
    path: String,
    /// The method and path of the operation in the API’s document, or empty.
    operation: String,
    #[schema(minimum = 100, maximum = 599)]
    status: u16,
    /// Whether the API itself responded, rather than the gateway.
    from_upstream: bool,
    /// The code of the gateway’s error, or empty.
    code: String,
    /// What the code means.
    explanation: Option<String>,
    /// The time to the response in milliseconds.
    duration_ms: f64,
    /// The name of the client, from its user agent.
    client: String,
    client_ip: String,
    /// The path prefix of the upstream that received the request, or empty.
    upstream: String,
}

impl From<ShownRequest> for RequestObject {
    fn from(shown: ShownRequest) -> Self {
        let ShownRequest { request, token } = shown;
        let token_name = token.as_ref().map(token_name);
        #[expect(clippy::cast_precision_loss, reason = "a duration")]
        let duration_ms = request.duration_us as f64 / 1000.0;
        Self {
            id: request.id,
            at: Instant(request.at),
            outcome: request.outcome.into(),
            token: request.token.map(|token| token.to_string()),
            token_name,
            method: request.method,
            path: request.path,
            operation: request.operation,
            status: request.status,
            from_upstream: request.is_upstreams,
            explanation: explain(&request.code),
            code: request.code,
            duration_ms,
            client: request.client,
            client_ip: request.client_ip,
            upstream: request.upstream,
        }
    }
}

list_schemas! { RequestList of RequestObject }

/// Which requests are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RequestFilterParams {
    #[serde(default)]
    #[param(inline, required = false)]
    outcome: Option<OutcomeName>,
    /// One token.
    #[serde(default)]
    #[param(required = false, value_type = Option<String>, example = "tok_019abd9c1f0a7d5c8f6f3f2b1a0c9d8e")]
    token: Option<TokenId>,
    /// A part of the method, path, operation, status, code, client, IP address, or ID.
    #[serde(default)]
    #[param(required = false, max_length = 100)]
    text: String,
}

/// Lists the newest requests of the account, newest first.
///
/// For each outcome, the log has the newest requests; a gateway records up to 50 of each in a second.
#[utoipa::path(get, path = "/requests", operation_id = "list_requests", tag = "Usage", params(PageParams, RequestFilterParams),
    responses((status = 200, body = RequestList, description = "A page of requests.")))]
pub(crate) async fn list_requests(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<RequestFilterParams>,
) -> Result<Response, ApiError> {
    let RequestFilterParams { outcome, token, text } = &position.filter;
    let filter = RequestFilter { outcome: outcome.map(Into::into), token: *token };
    let found = list(&app, &caller, &filter, &position.search(text)?).await?;
    let items: Vec<_> = found.items.into_iter().map(RequestObject::from).collect();
    Ok(position.respond(&app, (items, found.next)))
}

/// Whether the requests of the account are logged.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RequestLogSettings, example = json!({"enabled": false}))]
pub(crate) struct RequestLogObject {
    enabled: bool,
}

json_bodies!(RequestLogObject);

/// Reads whether the requests of the account are logged.
#[utoipa::path(get, path = "/account/request-log", operation_id = "read_request_log_settings", tag = "Usage",
    responses((status = 200, body = RequestLogObject, description = "The settings.")))]
pub(crate) async fn read_request_log_settings(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Json<RequestLogObject>, ApiError> {
    Ok(Json(RequestLogObject { enabled: is_logging(&app, &caller).await? }))
}

/// Turns the request log of the account on or off. When it is turned off, what is in it is deleted.
#[utoipa::path(put, path = "/account/request-log", operation_id = "set_request_log_settings", tag = "Usage", request_body = RequestLogObject,
    responses((status = 200, body = RequestLogObject, description = "The settings.")))]
pub(crate) async fn set_request_log_settings(
    State(app): State<AppState>,
    request: Request<Caller, RequestLogObject>,
) -> Result<Json<RequestLogObject>, ApiError> {
    set_logging(&app, &request.caller, request.body.enabled).await?;
    Ok(Json(request.body))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct RequestIdParam {
    /// The ID of a request.
    #[param(example = "req_b150d42f172bf80300000012")]
    id: String,
}

/// Reads a request by its ID, and what its error code means.
#[utoipa::path(get, path = "/requests/{id}", operation_id = "read_request", tag = "Usage", params(RequestIdParam),
    responses((status = 200, body = RequestObject, description = "The request.")))]
pub(crate) async fn read_request(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<RequestObject>, ApiError> {
    Ok(Json(find(&app, &caller, &id).await?.into()))
}
