//! `/canaries` of the management API.

use super::{create_canary, find_canary, list_canaries, remove_canary};
use crate::{
    AppState,
    door::api::{
        Answer, ApiError, ApiPath, Instant, Position, Request,
        body::json_bodies,
        page::{NoFilter, PageParams, list_schemas},
        principal::By,
        request::once,
    },
    principal::Caller,
    refusal::Code,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use keydesk_model::CanaryId;
use keydesk_store::Canary;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A canary token, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Canary)]
pub(crate) struct CanaryObject {
    #[schema(value_type = String, example = "can_019364b4f1d070008b1e2c3d4e5f6071")]
    id: CanaryId,
    /// Where you left it.
    name: String,
    /// The token, of which only the last four characters are shown.
    masked: String,
    created_at: Instant,
    /// The number of uses that raised an alarm.
    uses: i64,
    last_used_at: Option<Instant>,
    last_used_by: Option<String>,
    last_used_from: Option<String>,
}

impl From<Canary> for CanaryObject {
    fn from(canary: Canary) -> Self {
        Self {
            id: canary.id,
            name: canary.name,
            masked: canary.masked,
            created_at: Instant(canary.created_at),
            uses: canary.uses,
            last_used_at: canary.last_used_at.map(Instant),
            last_used_by: canary.last_used_by,
            last_used_from: canary.last_used_from,
        }
    }
}

/// A canary token with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CanaryWithToken {
    canary: CanaryObject,
    /// The token, which is shown once. `null` if the request is repeated.
    token: Option<String>,
}

list_schemas! { CanaryList of CanaryObject }

/// A new canary token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCanary, example = json!({"name": "backup bucket, old .env"}))]
pub(crate) struct CanaryBody {
    /// Where you leave it.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
}

json_bodies!(CanaryBody);

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct CanaryIdParam {
    /// The ID of a canary token.
    #[param(example = "can_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
}

async fn read(app: &AppState, caller: &Caller, id: &str) -> Result<CanaryObject, ApiError> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    Ok(find_canary(app, caller, id).await?.into())
}

/// Lists the canary tokens, newest first.
#[utoipa::path(get, path = "/canaries", operation_id = "list_canaries", tag = "Canary tokens", params(PageParams),
    responses((status = 200, body = CanaryList, description = "A page of canary tokens.")))]
pub(crate) async fn list(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<NoFilter>,
) -> Result<Response, ApiError> {
    let found = list_canaries(&app, &caller, &position.search("")?).await?;
    let items: Vec<_> = found.items.into_iter().map(CanaryObject::from).collect();
    Ok(position.respond(&app, (items, found.next)))
}

/// Creates a canary token: it never works, and its use raises an alarm. It is shown once.
#[utoipa::path(post, path = "/canaries", operation_id = "create_canary", tag = "Canary tokens", request_body = CanaryBody,
    responses((status = 201, body = CanaryWithToken, description = "The canary token was created.", headers(("Location" = String, description = "The canary token.")))))]
pub(crate) async fn create(
    State(app): State<AppState>,
    request: Request<Caller, CanaryBody>,
) -> Result<Answer<CanaryWithToken>, ApiError> {
    let caller = &request.caller;
    let made = once!(
        app,
        request,
        {
            let (canary, plain) = create_canary(&app, caller, &request.body.name).await?;
            let token = Some(plain.expose().to_owned());
            Ok(CanaryWithToken { canary: canary.into(), token })
        },
        |done| CanaryWithToken { canary: read(&app, caller, &done.target).await?, token: None }
    );
    let path = format!("/canaries/{}", made.object.canary.id);
    Ok(made.created_at(&app, &path))
}

/// Reads a canary token.
#[utoipa::path(get, path = "/canaries/{id}", operation_id = "read_canary", tag = "Canary tokens", params(CanaryIdParam),
    responses((status = 200, body = CanaryObject, description = "The canary token.")))]
pub(crate) async fn read_canary(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<CanaryObject>, ApiError> {
    Ok(Json(read(&app, &caller, &id).await?))
}

/// Removes a canary token. Its use raises no alarm from then on.
#[utoipa::path(delete, path = "/canaries/{id}", operation_id = "remove_canary", tag = "Canary tokens", params(CanaryIdParam),
    responses((status = 204, description = "The canary token was removed.")))]
pub(crate) async fn remove(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<CanaryId>,
    request: Request<Caller>,
) -> Result<StatusCode, ApiError> {
    remove_canary(&app, &request.caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
