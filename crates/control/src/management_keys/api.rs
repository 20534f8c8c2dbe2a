//! `/key` and `/keys` of the management API: the key of the request, and the keys of its account or of the instance.

use super::{
    Either, KeyManager as _, KeyRequest, create_key, find_key, list_keys, rename_key, revoke_key,
    revoke_own_key, rotate_key, take_over_key,
};
use crate::{
    AppState,
    door::api::{
        Answer, ApiError, ApiPath, Etagged, IfMatch, Instant, Position, Request,
        body::json_bodies,
        etag::etag_of,
        names::{GracePeriodName, KeyScopeName},
        page::{NoFilter, PageParams, list_schemas},
        principal::By,
        request::once,
    },
    principal::Caller,
    refusal::{At as _, Code},
    tokens::api::{read_allowlist, read_expiry},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use keydesk_model::{GracePeriod, ManagementKeyId, Timestamp, TokenName};
use keydesk_store::ManagementKey;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A management key, without its secret. Its `ETag` covers everything but its last use.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ManagementKey)]
pub(crate) struct KeyObject {
    #[schema(value_type = String, example = "key_019364b4f1d070008b1e2c3d4e5f6071")]
    id: ManagementKeyId,
    name: String,
    /// The secret, of which only the last four characters are shown.
    masked: String,
    /// Whether the key works.
    active: bool,
    scopes: Vec<KeyScopeName>,
    /// The IP addresses and CIDR ranges that it can be used from. Empty allows any address.
    ip_allowlist: Vec<String>,
    /// The name of the user that it acts as.
    acts_as: String,
    /// The number of the newest secret. Each rotation adds one.
    version: i64,
    created_at: Instant,
    expires_at: Instant,
    revoked_at: Option<Instant>,
    /// The time until which the previous secret works, if there is one.
    previous_secret_expires_at: Option<Instant>,
    last_used_at: Option<Instant>,
    last_used_by: Option<String>,
    last_used_from: Option<String>,
}

impl KeyObject {
    fn new(key: ManagementKey, now: Timestamp) -> Self {
        Self {
            id: key.id,
            active: key.is_active(now),
            scopes: key.scopes.iter().map(KeyScopeName).collect(),
            ip_allowlist: key.ip_allowlist.iter().map(ToString::to_string).collect(),
            acts_as: key.user_name,
            version: key.version,
            created_at: Instant(key.created_at),
            expires_at: Instant(key.expires_at),
            revoked_at: key.revoked_at.map(Instant),
            previous_secret_expires_at: key
                .previous_secret_expires_at
                .filter(|at| *at > now)
                .map(Instant),
            last_used_at: key.last_used_at.map(Instant),
            last_used_by: key.last_used_by,
            last_used_from: key.last_used_from,
            name: key.name,
            masked: key.masked,
        }
    }

    fn etagged(self) -> Etagged<Self> {
        let (last_used_at, last_used_by, last_used_from) = (None, None, None);
        let still = Self { last_used_at, last_used_by, last_used_from, ..self.clone() };
        Etagged { etag: etag_of(&still), object: self }
    }
}

list_schemas! { ManagementKeyList of KeyObject }

/// A management key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyWithSecret {
    key: KeyObject,
    /// The secret, which is shown once. `null` if the request is repeated.
    secret: Option<String>,
}

/// Reads the management key that sent the request: the user it acts as, and its scopes.
#[utoipa::path(get, path = "/key", operation_id = "read_own_key", tag = "Management keys",
    responses((status = 200, body = KeyObject, description = "The key.")))]
pub(crate) async fn read_own_key(
    State(app): State<AppState>,
    By(manager): By<Either>,
) -> Result<Json<KeyObject>, ApiError> {
    let key = manager.key().ok_or(Code::InvalidManagementKey)?;
    Ok(Json(KeyObject::new(key.clone(), app.now())))
}

/// Lists the management keys of the account, or of the instance, newest first.
#[utoipa::path(get, path = "/keys", operation_id = "list_keys", tag = "Management keys", params(PageParams),
    responses((status = 200, body = ManagementKeyList, description = "A page of keys.")))]
pub(crate) async fn list_management_keys(
    State(app): State<AppState>,
    By(manager): By<Either>,
    position: Position<NoFilter>,
) -> Result<Response, ApiError> {
    let found = list_keys(&app, &manager, &position.search("")?).await?;
    let now = app.now();
    let items: Vec<_> = found.items.into_iter().map(|key| KeyObject::new(key, now)).collect();
    Ok(position.respond(&app, (items, found.next)))
}

/// A new management key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewManagementKey, example = json!({"name": "Terraform", "scopes": ["tokens:write"], "expires_at": "2027-06-30T00:00:00Z"}))]
pub(crate) struct KeyBody {
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// The scopes, which can’t exceed the scopes of the key that sends the request.
    #[schema(min_items = 1)]
    scopes: Vec<KeyScopeName>,
    #[serde(default)]
    #[schema(max_items = 200)]
    ip_allowlist: Vec<String>,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A change of a management key (a merge patch, RFC 7396). An absent field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManagementKeyPatch, example = json!({"name": "Terraform"}))]
pub(crate) struct KeyPatch {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
}

/// A rotation of a management key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKeyRotation, example = json!({"grace_period": "24h"}))]
pub(crate) struct KeyRotationBody {
    /// The time for which the previous secret works. Without one, it stops working immediately.
    #[serde(default)]
    grace_period: Option<GracePeriodName>,
    /// The version that you saw: if the key has been rotated since, nothing happens.
    #[serde(default)]
    version: Option<i64>,
}

json_bodies!(KeyBody, KeyPatch, KeyRotationBody);

async fn read(app: &AppState, manager: &Either, id: &str) -> Result<KeyObject, ApiError> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    Ok(KeyObject::new(find_key(app, manager, id).await?, app.now()))
}

/// Creates a management key. Its secret is shown once.
#[utoipa::path(post, path = "/keys", operation_id = "create_key", tag = "Management keys", request_body = KeyBody,
    responses((status = 201, body = KeyWithSecret, description = "The key was created.", headers(("Location" = String, description = "The key.")))))]
pub(crate) async fn create_management_key(
    State(app): State<AppState>,
    request: Request<Either, KeyBody>,
) -> Result<Answer<KeyWithSecret>, ApiError> {
    let (manager, body) = (&request.caller, &request.body);
    let made = once!(
        app,
        request,
        {
            let wanted = KeyRequest {
                name: body.name.parse::<TokenName>().at("name")?,
                scopes: body.scopes.iter().map(|scope| scope.0).collect(),
                ip_allowlist: read_allowlist(&body.ip_allowlist)?,
                expiry: read_expiry(Some(&body.expires_at))?,
            };
            let (key, plain) = create_key(&app, manager, wanted).await?;
            let secret = Some(plain.expose().to_owned());
            Ok(KeyWithSecret { key: KeyObject::new(key, app.now()), secret })
        },
        |done| KeyWithSecret { key: read(&app, manager, &done.target).await?, secret: None }
    );
    let path = format!("/keys/{}", made.object.key.id);
    Ok(made.created_at(&app, &path))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct KeyIdParam {
    /// The ID of a management key.
    #[param(example = "key_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
}

/// Reads a management key.
#[utoipa::path(get, path = "/keys/{id}", operation_id = "read_key", tag = "Management keys", params(KeyIdParam),
    responses((status = 200, body = KeyObject, description = "The key.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_management_key(
    State(app): State<AppState>,
    By(manager): By<Either>,
    ApiPath(id): ApiPath<String>,
) -> Result<Etagged<KeyObject>, ApiError> {
    Ok(read(&app, &manager, &id).await?.etagged())
}

/// Renames a management key.
#[utoipa::path(patch, path = "/keys/{id}", operation_id = "update_key", tag = "Management keys", params(KeyIdParam),
    request_body(content = KeyPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = KeyObject, description = "The key as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update_management_key(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<ManagementKeyId>,
    request: Request<Either, KeyPatch>,
) -> Result<Etagged<KeyObject>, ApiError> {
    let (manager, text) = (&request.caller, id.to_string());
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&read(&app, manager, &text).await?.etagged().etag)?;
    }
    if let Some(name) = &request.body.name {
        rename_key(&app, manager, id, name).await?;
    }
    Ok(read(&app, manager, &text).await?.etagged())
}

/// Rotates a management key: it gets a new secret. A key can rotate itself.
#[utoipa::path(post, path = "/keys/{id}/rotations", operation_id = "rotate_key", tag = "Management keys", params(KeyIdParam),
    request_body = KeyRotationBody, responses((status = 200, body = KeyWithSecret, description = "The key with its new secret.")))]
pub(crate) async fn rotate_management_key(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<ManagementKeyId>,
    request: Request<Either, KeyRotationBody>,
) -> Result<Answer<KeyWithSecret>, ApiError> {
    let (manager, body) = (&request.caller, &request.body);
    Ok(once!(
        app,
        request,
        {
            let grace_period = body.grace_period.map_or(GracePeriod::None, |name| name.0);
            let (key, plain) = rotate_key(&app, manager, id, (body.version, grace_period)).await?;
            let secret = Some(plain.expose().to_owned());
            Ok(KeyWithSecret { key: KeyObject::new(key, app.now()), secret })
        },
        |done| KeyWithSecret { key: read(&app, manager, &done.target).await?, secret: None }
    ))
}

/// Revokes a management key permanently. It is rejected from then on.
#[utoipa::path(post, path = "/keys/{id}/revocations", operation_id = "revoke_key", tag = "Management keys", params(KeyIdParam),
    responses((status = 204, description = "The key was revoked.")))]
pub(crate) async fn revoke_management_key(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<ManagementKeyId>,
    request: Request<Either>,
) -> Result<StatusCode, ApiError> {
    if request.finished(&app).await?.is_none() {
        revoke_key(&app, &request.caller, id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes the management key that sent the request.
#[utoipa::path(delete, path = "/key", operation_id = "revoke_own_key", tag = "Management keys",
    responses((status = 204, description = "The key was revoked.")))]
pub(crate) async fn revoke_own(
    State(app): State<AppState>,
    request: Request<Either>,
) -> Result<StatusCode, ApiError> {
    let key = request.caller.key().ok_or(Code::NotFound)?.id;
    revoke_own_key(&app, &request.caller, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes over a management key: it then acts as the owner that your key acts as.
#[utoipa::path(post, path = "/keys/{id}/take-overs", operation_id = "take_over_key", tag = "Management keys", params(KeyIdParam),
    responses((status = 200, body = KeyObject, description = "The key as it is now.")))]
pub(crate) async fn take_over_management_key(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<ManagementKeyId>,
    request: Request<Caller>,
) -> Result<Answer<KeyObject>, ApiError> {
    let caller = &request.caller;
    Ok(once!(
        app,
        request,
        {
            take_over_key(&app, caller, id).await?;
            Ok(KeyObject::new(find_key(&app, caller, id).await?, app.now()))
        },
        |_done| KeyObject::new(find_key(&app, caller, id).await?, app.now())
    ))
}
