//! `/bearer-token` of the management API: the state of the bearer token of the member as whom the key acts. Its secret is
//! shown only in the console.

use super::{prepare_bearer_rotation, read_own_bearer_token, rotate_bearer_token};
use crate::{
    AppState,
    consequences::api::{Consequences, check, consequences},
    door::api::{
        Answer, ApiError, Etagged, Instant, Request, names::ReasonName, principal::By,
        request::once,
    },
    principal::Caller,
    receipts::api::{IssuedReceipt, find_issued},
};
use axum::{Json, extract::State};
use keydesk_model::TokenId;
use serde::Serialize;
use utoipa::ToSchema;

/// The bearer token of a member. Its secret is shown only in the console.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BearerToken)]
pub(crate) struct BearerObject {
    #[schema(value_type = String, example = "tok_019364b4f1d070008b1e2c3d4e5f6071")]
    id: TokenId,
    masked: String,
    /// Whether it works.
    active: bool,
    version: i64,
    secret_issued_at: Instant,
    revocation_reason: Option<ReasonName>,
    last_used_at: Option<Instant>,
    last_used_by: Option<String>,
    last_used_from: Option<String>,
}

async fn read(app: &AppState, caller: &Caller) -> Result<BearerObject, ApiError> {
    let token = read_own_bearer_token(app, caller).await?;
    Ok(BearerObject {
        id: token.id,
        active: token.revocation.is_none(),
        version: token.version,
        secret_issued_at: Instant(token.issued_at),
        revocation_reason: token.revocation.map(|revocation| ReasonName(revocation.reason)),
        last_used_at: token.last_used_at.map(Instant),
        last_used_by: token.last_used_by,
        last_used_from: token.last_used_from,
        masked: token.masked,
    })
}

/// Reads the state of the bearer token of the member that the key acts as.
#[utoipa::path(get, path = "/bearer-token", operation_id = "read_bearer_token", tag = "Tokens",
    responses((status = 200, body = BearerObject, description = "The bearer token.")))]
pub(crate) async fn read_bearer_token(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Json<BearerObject>, ApiError> {
    Ok(Json(read(&app, &caller).await?))
}

/// Lists the clients that would stop working if the bearer token were rotated.
#[utoipa::path(get, path = "/bearer-token/consequences", operation_id = "list_bearer_token_consequences", tag = "Tokens",
    responses((status = 200, body = Consequences, description = "The clients, and an ETag that names them.", headers(("ETag" = String, description = "For If-Match of the request.")))))]
pub(crate) async fn list_bearer_token_consequences(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Etagged<Consequences>, ApiError> {
    Ok(consequences(prepare_bearer_rotation(&app, &caller).await?.1))
}

/// A bearer token that was rotated. The new secret is shown in the console.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotatedBearerToken {
    bearer_token: BearerObject,
    receipt: Option<IssuedReceipt>,
}

/// Rotates the bearer token: its secret is revoked immediately. The new one is shown only in the console.
///
/// Requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(post, path = "/bearer-token/rotations", operation_id = "rotate_bearer_token", tag = "Tokens",
    responses((status = 200, body = RotatedBearerToken, description = "The bearer token and the receipt.")))]
pub(crate) async fn rotate(
    State(app): State<AppState>,
    request: Request<Caller>,
) -> Result<Answer<RotatedBearerToken>, ApiError> {
    let caller = &request.caller;
    Ok(once!(
        app,
        request,
        {
            check(&request.if_match, &prepare_bearer_rotation(&app, caller).await?.1)?;
            let receipt = rotate_bearer_token(&app, caller, None).await?.map(IssuedReceipt::from);
            Ok(RotatedBearerToken { bearer_token: read(&app, caller).await?, receipt })
        },
        |done| RotatedBearerToken {
            bearer_token: read(&app, caller).await?,
            receipt: find_issued(&app, caller, &done).await?,
        }
    ))
}
