//! Rotation and revocation of tokens, and what they would break, in the management API.

use super::{list_clients_of_previous, revoke_previous_secrets, rotate_api_token};
use crate::{
    AppState,
    consequences::api::{Consequences, check, consequences},
    door::api::{
        Answer, ApiError, ApiPath, ApiQuery, Etagged, IfMatch, Instant, Request, body::json_bodies,
        names::GracePeriodName, principal::By, request::once,
    },
    principal::Caller,
    receipts::api::{IssuedReceipt, find_issued},
    tokens::{
        self,
        api::{TokenIdParam, TokenObject, read, read_allowlist, read_scopes},
        limits::list_clients_beyond,
        restoration::api::{TokenWithReceipt, answer},
    },
};
use axum::extract::State;
use keydesk_model::{GracePeriod, RotationTerms, TokenId, TokenLimits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Of {
    Revoke,
    Rotate,
    RevokePrevious,
    Limit,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsequencesParams {
    /// The request whose consequences are asked for.
    #[param(inline)]
    of: Of,
    /// With `of=limit`: the scopes that the token would have. Repeat the parameter for several.
    #[serde(default)]
    #[param(required = false)]
    scopes: Vec<String>,
    /// With `of=limit`: the IP addresses and CIDR ranges that it could be used from. Repeat the parameter for several.
    #[serde(default)]
    #[param(required = false)]
    ip_allowlist: Vec<String>,
}

/// Lists the clients that would stop working.
#[utoipa::path(get, path = "/tokens/{id}/consequences", operation_id = "list_token_consequences", tag = "Tokens",
    params(TokenIdParam, ConsequencesParams),
    responses((status = 200, body = Consequences, description = "The clients, and an ETag that names them.", headers(("ETag" = String, description = "For If-Match of the request.")))))]
pub(crate) async fn list_token_consequences(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<TokenId>,
    ApiQuery(query): ApiQuery<ConsequencesParams>,
) -> Result<Etagged<Consequences>, ApiError> {
    let clients = match query.of {
        Of::Revoke | Of::Rotate => tokens::prepare_end(&app, &caller, id).await?.1,
        Of::RevokePrevious => list_clients_of_previous(&app, &caller, id).await?,
        Of::Limit => {
            let limits = TokenLimits {
                scopes: read_scopes(&query.scopes)?,
                ip_allowlist: read_allowlist(&query.ip_allowlist)?,
            };
            list_clients_beyond(&app, &caller, id, &limits).await?
        }
    };
    Ok(consequences(clients))
}

/// A rotation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRotation, example = json!({"grace_period": "24h"}))]
pub(crate) struct RotationBody {
    /// The time for which the previous secret works. Without one, it is revoked immediately, and the request needs
    /// `If-Match`.
    grace_period: Option<GracePeriodName>,
    /// Ends the grace period when the previous secret has not been used for this time.
    revoke_after_idle: Option<GracePeriodName>,
    /// The version that you saw: if the token has been rotated since, nothing happens.
    version: Option<i64>,
}

json_bodies!(RotationBody);

/// A token with its new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotatedToken {
    token: TokenObject,
    /// The new secret, which is shown once. `null` if the request is repeated.
    secret: Option<String>,
    /// The time until which the previous secret works. `null` if it was revoked.
    previous_secret_expires_at: Option<Instant>,
    /// The receipt for the previous secret, if it was revoked.
    receipt: Option<IssuedReceipt>,
}

/// Rotates an API token: it gets a new secret.
///
/// Without a grace period, the previous secret is revoked immediately. The request then needs the `ETag` of the
/// consequences of `rotate` in `If-Match`, or `*`.
#[utoipa::path(post, path = "/tokens/{id}/rotations", operation_id = "rotate_token", tag = "Tokens", params(TokenIdParam),
    request_body = RotationBody, responses((status = 200, body = RotatedToken, description = "The token with its new secret.")))]
pub(crate) async fn rotate_token(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller, RotationBody>,
) -> Result<Answer<RotatedToken>, ApiError> {
    let caller = &request.caller;
    Ok(once!(
        app,
        request,
        {
            let span =
                |name: Option<GracePeriodName>| name.map_or(GracePeriod::None, |name| name.0);
            let terms = RotationTerms {
                grace_period: span(request.body.grace_period),
                revoke_after_idle: span(request.body.revoke_after_idle),
            };
            if terms.grace_period == GracePeriod::None || request.if_match != IfMatch::Absent {
                check(&request.if_match, &tokens::prepare_end(&app, caller, id).await?.1)?;
            }
            let made = rotate_api_token(&app, caller, id, request.body.version, terms).await?;
            Ok(RotatedToken {
                token: read(&app, caller, &id.to_string()).await?,
                secret: Some(made.plain.expose().to_owned()),
                previous_secret_expires_at: made.closing.map(|closing| Instant(closing.at)),
                receipt: made.receipt.map(IssuedReceipt::from),
            })
        },
        |done| RotatedToken {
            token: read(&app, caller, &done.target).await?,
            secret: None,
            previous_secret_expires_at: None,
            receipt: find_issued(&app, caller, &done).await?,
        }
    ))
}

/// Revokes the previous secrets of a token, which ends its grace period.
///
/// Requires the `ETag` of the consequences of `revoke_previous` in `If-Match`, or `*`.
#[utoipa::path(post, path = "/tokens/{id}/previous-secrets/revocations", operation_id = "revoke_previous_secrets",
    tag = "Tokens", params(TokenIdParam), responses((status = 200, body = TokenWithReceipt, description = "The token and the receipt.")))]
pub(crate) async fn revoke_previous(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller>,
) -> Result<Answer<TokenWithReceipt>, ApiError> {
    answer!(app, request, id, |caller| {
        check(&request.if_match, &list_clients_of_previous(&app, caller, id).await?)?;
        revoke_previous_secrets(&app, caller, id).await?
    })
}
