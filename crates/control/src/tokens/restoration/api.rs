//! Revocation, pause, and restoration of API tokens in the management API.

use super::{
    RejectedClient, list_rejected_clients, pause_api_token, prepare_revocation, restore_api_token,
    revoke_api_token, revoke_permanently,
};
use crate::{
    AppState,
    consequences::api::check,
    door::api::{
        Answer, ApiError, ApiPath, Body, Instant, Request, body::read_json, principal::By,
        request::once,
    },
    principal::Caller,
    receipts::api::{IssuedReceipt, find_issued},
    tokens::{
        self,
        api::{TokenIdParam, TokenObject, read},
    },
};
use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use keydesk_model::TokenId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token that was revoked, paused, or restored, or whose previous secrets were revoked, with the receipt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevokedToken)]
pub(crate) struct TokenWithReceipt {
    pub token: TokenObject,
    pub receipt: Option<IssuedReceipt>,
}

/// A revocation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewRevocation, example = json!({"permanent": false}))]
pub(crate) struct RevocationBody {
    /// Whether the token can’t be restored. By default, it can be restored for 24 hours.
    permanent: bool,
}

impl Body for RevocationBody {
    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, ApiError> {
        if bytes.is_empty() { Ok(Self::default()) } else { read_json(headers, bytes) }
    }
}

/// Runs an action on a token, and answers with the token and the receipt.
macro_rules! answer {
    ($app:ident, $request:ident, $id:ident, |$caller:ident| $act:expr) => {{
        let $caller = &$request.caller;
        Ok(once!(
            $app,
            $request,
            {
                let receipt: Option<crate::receipts::Issued> = $act;
                let token = read(&$app, $caller, &$id.to_string()).await?;
                Ok(TokenWithReceipt { token, receipt: receipt.map(IssuedReceipt::from) })
            },
            |done| TokenWithReceipt {
                token: read(&$app, $caller, &done.target).await?,
                receipt: find_issued(&$app, $caller, &done).await?,
            }
        ))
    }};
}

pub(crate) use answer;

/// Revokes an API token. Gateways reject it immediately. For 24 hours, it can be restored, unless `permanent` is set.
///
/// Requires the `ETag` of the consequences of `revoke` in `If-Match`, or `*`. A token that can be restored is revoked
/// permanently with `permanent` and `If-Match: *`.
#[utoipa::path(post, path = "/tokens/{id}/revocations", operation_id = "revoke_token", tag = "Tokens", params(TokenIdParam),
    request_body = Option<RevocationBody>, responses((status = 200, body = TokenWithReceipt, description = "The token and the receipt.")))]
pub(crate) async fn revoke(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller, RevocationBody>,
) -> Result<Answer<TokenWithReceipt>, ApiError> {
    answer!(app, request, id, |caller| {
        let is_permanent = request.body.permanent;
        let clients = prepare_revocation(&app, caller, (id, is_permanent)).await?;
        check(&request.if_match, &clients)?;
        if is_permanent {
            revoke_permanently(&app, caller, id).await?
        } else {
            revoke_api_token(&app, caller, id).await?
        }
    })
}

/// Pauses an API token: gateways reject it until it is restored.
///
/// Requires the `ETag` of the consequences of `revoke` in `If-Match`, or `*`.
#[utoipa::path(post, path = "/tokens/{id}/pause", operation_id = "pause_token", tag = "Tokens", params(TokenIdParam),
    responses((status = 200, body = TokenWithReceipt, description = "The token and the receipt.")))]
pub(crate) async fn pause(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller>,
) -> Result<Answer<TokenWithReceipt>, ApiError> {
    answer!(app, request, id, |caller| {
        check(&request.if_match, &tokens::prepare_end(&app, caller, id).await?.1)?;
        pause_api_token(&app, caller, id).await?
    })
}

/// Restores an API token that was revoked in the last 24 hours, or paused: its secrets work again. The receipt lists the
/// gateways that accept it.
#[utoipa::path(post, path = "/tokens/{id}/restorations", operation_id = "restore_token", tag = "Tokens", params(TokenIdParam),
    responses((status = 200, body = TokenWithReceipt, description = "The token and the receipt.")))]
pub(crate) async fn restore(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller>,
) -> Result<Answer<TokenWithReceipt>, ApiError> {
    answer!(app, request, id, |caller| restore_api_token(&app, caller, id).await?)
}

/// A client whose requests were rejected while the token was revoked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RejectedClient)]
pub(crate) struct RejectedClientObject {
    client: String,
    /// The number of its rejected requests.
    requests: i64,
    last_rejected_at: Instant,
    /// The time of its last accepted request, if that is after the last rejected one.
    accepted_at: Option<Instant>,
}

impl From<RejectedClient> for RejectedClientObject {
    fn from(client: RejectedClient) -> Self {
        Self {
            client: client.name,
            requests: client.requests,
            last_rejected_at: Instant(client.last_rejected_at),
            accepted_at: client.accepted_at.map(Instant),
        }
    }
}

/// The clients that were rejected while a token was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedClients {
    clients: Vec<RejectedClientObject>,
}

/// Lists the clients that were rejected in the last 7 days because the token was revoked, and which of them work again.
#[utoipa::path(get, path = "/tokens/{id}/rejected-clients", operation_id = "list_rejected_clients", tag = "Usage", params(TokenIdParam),
    responses((status = 200, body = RejectedClients, description = "The clients, those with the most requests first.")))]
pub(crate) async fn rejected_clients(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<TokenId>,
) -> Result<Json<RejectedClients>, ApiError> {
    let (_, clients) = list_rejected_clients(&app, &caller, id).await?;
    Ok(Json(RejectedClients { clients: clients.into_iter().map(Into::into).collect() }))
}
