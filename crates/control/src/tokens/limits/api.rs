//! Limits, usage, and violations of tokens in the management API.

use super::{
    limit_api_token, list_clients_beyond, list_offered_scopes, list_violated, review_limits,
};
use crate::{
    AppState,
    consequences::api::check,
    door::api::{
        ApiError, ApiPath, Etagged, IfMatch, Instant, Request,
        body::json_bodies,
        names::{ModeName, ViolationName},
        principal::By,
    },
    principal::Caller,
    tokens::api::{LimitsObject, TokenIdParam, TokenObject, read, read_allowlist, read_scopes},
};
use axum::{Json, extract::State};
use keydesk_model::{IpAllowlist, Mode, ScopeSet, TokenId, TokenLimits};
use keydesk_store::{OperationUse, ViolationRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The limits of a token, which replace the ones that it has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTokenLimits, example = json!({"scopes": ["contacts:read"], "ip_allowlist": ["203.0.113.0/24"], "mode": "observe"}))]
pub(crate) struct LimitsBody {
    #[schema(min_items = 1, max_items = 100)]
    scopes: Vec<String>,
    #[serde(default)]
    #[schema(max_items = 200)]
    ip_allowlist: Vec<String>,
    /// `observe` rejects nothing and lists what it would reject as violations.
    mode: ModeName,
}

json_bodies!(LimitsBody);

/// Sets the limits of an API token.
///
/// Enforced limits need the `ETag` of the consequences of `limit` in `If-Match`, or `*`.
#[utoipa::path(put, path = "/tokens/{id}/limits", operation_id = "limit_token", tag = "Tokens", params(TokenIdParam),
    request_body = LimitsBody, responses((status = 200, body = TokenObject, description = "The token as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn limit_token(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller, LimitsBody>,
) -> Result<Etagged<TokenObject>, ApiError> {
    let (caller, body) = (&request.caller, &request.body);
    let wanted = TokenLimits {
        scopes: read_scopes(&body.scopes)?,
        ip_allowlist: read_allowlist(&body.ip_allowlist)?,
    };
    if body.mode.0 == Mode::Enforce || request.if_match != IfMatch::Absent {
        check(&request.if_match, &list_clients_beyond(&app, caller, id, &wanted).await?)?;
    }
    limit_api_token(&app, caller, id, wanted, body.mode.0).await?;
    let object = read(&app, caller, &id.to_string()).await?;
    Ok(Etagged { etag: object.etag(), object })
}

/// The requests of a client to an operation in the last 30 days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationUse)]
pub(crate) struct UseObject {
    client: String,
    /// The method and path of the operation.
    operation: String,
    requests: i64,
    /// How many of them were rejected.
    rejected: i64,
    last_used_at: Instant,
}

impl From<OperationUse> for UseObject {
    fn from(seen: OperationUse) -> Self {
        Self {
            client: seen.client,
            operation: seen.operation,
            requests: seen.requests,
            rejected: seen.rejected,
            last_used_at: Instant(seen.last_used_at),
        }
    }
}

/// What a token was used for in the last 30 days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenUsage {
    operations: Vec<UseObject>,
    /// The narrowest limits that permit all accepted requests. `null` if there were none.
    suggested_limits: Option<LimitsObject>,
    violations: Vec<ViolationObject>,
}

/// Reads what an API token was used for in the last 30 days, and the narrowest limits that permit it.
#[utoipa::path(get, path = "/tokens/{id}/usage", operation_id = "read_token_usage", tag = "Usage", params(TokenIdParam),
    responses((status = 200, body = TokenUsage, description = "The usage.")))]
pub(crate) async fn read_token_usage(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<TokenId>,
) -> Result<Json<TokenUsage>, ApiError> {
    let review = review_limits(&app, &caller, id).await?;
    let suggested = review.suggested_scopes.map(|scopes: ScopeSet| {
        let addresses: IpAllowlist = review.suggested_ip_allowlist.unwrap_or_default();
        LimitsObject::new(&scopes, &addresses)
    });
    Ok(Json(TokenUsage {
        operations: review.uses.into_iter().map(UseObject::from).collect(),
        suggested_limits: suggested,
        violations: review.violated.into_iter().map(ViolationObject::from).collect(),
    }))
}

/// Requests of the last 30 days that violate a limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Violation)]
pub(crate) struct ViolationObject {
    #[schema(value_type = String)]
    token_id: TokenId,
    token_name: String,
    client: String,
    operation: String,
    violation: ViolationName,
    requests: i64,
    /// How many of them were rejected; the others were only recorded.
    rejected: i64,
    last_used_at: Instant,
}

impl From<ViolationRow> for ViolationObject {
    fn from(row: ViolationRow) -> Self {
        Self {
            token_id: row.token,
            token_name: row.token_name,
            client: row.client,
            operation: row.operation,
            violation: ViolationName(row.violation),
            requests: row.requests,
            rejected: row.rejected,
            last_used_at: Instant(row.last_used_at),
        }
    }
}

/// The violations of the last 30 days, at most 1,000.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Violations {
    items: Vec<ViolationObject>,
}

/// Lists the requests of the last 30 days that violate limits.
#[utoipa::path(get, path = "/violations", operation_id = "list_violations", tag = "Usage",
    responses((status = 200, body = Violations, description = "The violations.")))]
pub(crate) async fn list_violations(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Json<Violations>, ApiError> {
    let items = list_violated(&app, &caller).await?.into_iter().map(ViolationObject::from);
    Ok(Json(Violations { items: items.collect() }))
}

/// A scope that a token can have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenScope)]
pub(crate) struct ScopeObject {
    scope: String,
    /// The operations that it permits.
    permits: String,
}

/// The scopes that tokens can have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenScopes {
    items: Vec<ScopeObject>,
}

/// Lists the scopes that tokens of the account can have, with the operations that each permits.
#[utoipa::path(get, path = "/token-scopes", operation_id = "list_token_scopes", tag = "Tokens",
    responses((status = 200, body = TokenScopes, description = "The scopes.")))]
pub(crate) async fn list_token_scopes(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Json<TokenScopes>, ApiError> {
    let offers = list_offered_scopes(&app, &caller).await?.into_iter();
    let items = offers.map(|offer| ScopeObject { scope: offer.scope, permits: offer.opens });
    Ok(Json(TokenScopes { items: items.collect() }))
}
