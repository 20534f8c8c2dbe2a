//! `/webhooks` of the management API, for an account and for the instance.

use super::{
    WebhookOwner as _, WebhookRequest, create_webhook, find_webhook, list_webhooks, pause_webhook,
    previous_until, public_key, remove_webhook, resume_webhook, rotate_webhook_secret,
    test_webhook, update_webhook,
};
use crate::{
    AppState,
    door::api::{
        Answer, ApiError, ApiPath, Etagged, IfMatch, Instant, Position, Request,
        body::json_bodies,
        etag::etag_of,
        names::{DisabledReasonName, WebhookStateName},
        page::{NoFilter, PageParams, list_schemas},
        principal::By,
        request::once,
    },
    management_keys::Either,
    refusal::Code,
};
use axum::{extract::State, http::StatusCode, response::Response};
use keydesk_model::WebhookId;
use keydesk_store::Webhook;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An endpoint that receives events, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookObject {
    #[schema(value_type = String, example = "whk_019364b4f1d070008b1e2c3d4e5f6071")]
    id: WebhookId,
    name: String,
    url: String,
    /// The types of the events that it receives.
    events: Vec<String>,
    state: WebhookStateName,
    /// Why Keydesk disabled it.
    disabled_reason: Option<DisabledReasonName>,
    created_at: Instant,
    /// The time of the first failed attempt since the last successful one.
    failing_since: Option<Instant>,
    /// The time until which the previous secret signs, too, if there is one.
    previous_secret_expires_at: Option<Instant>,
    /// The key that verifies the `v1a` signatures.
    public_key: Option<String>,
}

impl WebhookObject {
    fn new(app: &AppState, webhook: &Webhook) -> Self {
        Self {
            id: webhook.id,
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            events: webhook.events.patterns().map(str::to_owned).collect(),
            state: WebhookStateName(webhook.state),
            disabled_reason: webhook.disabled_reason.map(DisabledReasonName),
            created_at: Instant(webhook.created_at),
            failing_since: webhook.failing_since.map(Instant),
            previous_secret_expires_at: previous_until(webhook, app.now()).map(Instant),
            public_key: public_key(app),
        }
    }

    fn etagged(self) -> Etagged<Self> {
        let still = Self { failing_since: None, ..self.clone() };
        Etagged { etag: etag_of(&still), object: self }
    }
}

/// An endpoint with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    webhook: WebhookObject,
    /// The secret that verifies the `v1` signatures, which is shown once. `null` if the request is repeated.
    #[schema(example = "whsec_…")]
    secret: Option<String>,
}

list_schemas! { WebhookList of WebhookObject }

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook, example = json!({"name": "Deployment bot", "url": "https://hooks.example.com/keydesk", "events": ["token.*", "member.removed"]}))]
pub(crate) struct WebhookBody {
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// The URL that events are posted to, which begins with `https://`.
    #[schema(max_length = 2000)]
    url: String,
    /// Types of events, such as `token.revoked`; all types of an area, such as `token.*`; or `*`. `audit.recorded` is
    /// every audit entry with its details.
    #[schema(min_items = 1, max_items = 100)]
    events: Vec<String>,
}

/// A change of an endpoint (a merge patch, RFC 7396). An absent field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"events": ["token.*"]}))]
pub(crate) struct WebhookPatch {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    url: Option<String>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    events: Option<Vec<String>>,
}

json_bodies!(WebhookBody, WebhookPatch);

async fn read(app: &AppState, owner: &Either, id: &str) -> Result<WebhookObject, ApiError> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    Ok(WebhookObject::new(app, &find_webhook(app, owner, id).await?))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct WebhookIdParam {
    /// The ID of a webhook.
    #[param(example = "whk_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
}

/// Lists the webhooks of the account, or of the instance, newest first.
#[utoipa::path(get, path = "/webhooks", operation_id = "list_webhooks", tag = "Webhooks", params(PageParams),
    responses((status = 200, body = WebhookList, description = "A page of webhooks.")))]
pub(crate) async fn list(
    State(app): State<AppState>,
    By(owner): By<Either>,
    position: Position<NoFilter>,
) -> Result<Response, ApiError> {
    let found = list_webhooks(&app, &owner, &position.search("")?).await?;
    let items: Vec<_> =
        found.items.iter().map(|webhook| WebhookObject::new(&app, webhook)).collect();
    Ok(position.respond(&app, (items, found.next)))
}

/// Creates a webhook. Its secret is shown once.
#[utoipa::path(post, path = "/webhooks", operation_id = "create_webhook", tag = "Webhooks", request_body = WebhookBody,
    responses((status = 201, body = WebhookWithSecret, description = "The webhook was created.", headers(("Location" = String, description = "The webhook.")))))]
pub(crate) async fn create(
    State(app): State<AppState>,
    request: Request<Either, WebhookBody>,
) -> Result<Answer<WebhookWithSecret>, ApiError> {
    let (owner, body) = (&request.caller, &request.body);
    let made = once!(
        app,
        request,
        {
            let wanted = WebhookRequest::read((&body.name, &body.url), body.events.clone())?;
            let (webhook, secret) = create_webhook(&app, owner, wanted).await?;
            let webhook = WebhookObject::new(&app, &webhook);
            Ok(WebhookWithSecret { webhook, secret: Some(secret.expose()) })
        },
        |done| WebhookWithSecret { webhook: read(&app, owner, &done.target).await?, secret: None }
    );
    let path = format!("/webhooks/{}", made.object.webhook.id);
    Ok(made.created_at(&app, &path))
}

/// Reads a webhook.
#[utoipa::path(get, path = "/webhooks/{id}", operation_id = "read_webhook", tag = "Webhooks", params(WebhookIdParam),
    responses((status = 200, body = WebhookObject, description = "The webhook.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_webhook(
    State(app): State<AppState>,
    By(owner): By<Either>,
    ApiPath(id): ApiPath<String>,
) -> Result<Etagged<WebhookObject>, ApiError> {
    Ok(read(&app, &owner, &id).await?.etagged())
}

/// Changes the name, the URL, or the event types of a webhook.
#[utoipa::path(patch, path = "/webhooks/{id}", operation_id = "update_webhook", tag = "Webhooks", params(WebhookIdParam),
    request_body(content = WebhookPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = WebhookObject, description = "The webhook as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<WebhookId>,
    request: Request<Either, WebhookPatch>,
) -> Result<Etagged<WebhookObject>, ApiError> {
    let (owner, patch) = (&request.caller, &request.body);
    owner.permit_to_manage()?;
    let before = find_webhook(&app, owner, id).await?;
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&WebhookObject::new(&app, &before).etagged().etag)?;
    }
    let name = patch.name.as_ref().unwrap_or(&before.name);
    let url = patch.url.as_ref().unwrap_or(&before.url);
    let wanted = match &patch.events {
        Some(events) => WebhookRequest::read((name, url), events.clone())?,
        None => WebhookRequest::read((name, url), before.events.patterns())?,
    };
    update_webhook(&app, owner, id, wanted).await?;
    Ok(read(&app, owner, &id.to_string()).await?.etagged())
}

/// Removes a webhook and the log of its deliveries.
#[utoipa::path(delete, path = "/webhooks/{id}", operation_id = "remove_webhook", tag = "Webhooks", params(WebhookIdParam),
    responses((status = 204, description = "The webhook was removed.")))]
pub(crate) async fn remove(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<WebhookId>,
    request: Request<Either>,
) -> Result<StatusCode, ApiError> {
    let owner = &request.caller;
    owner.permit_to_manage()?;
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&read(&app, owner, &id.to_string()).await?.etagged().etag)?;
    }
    remove_webhook(&app, owner, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotates the secret of a webhook. The previous secret signs, too, for 24 hours.
#[utoipa::path(post, path = "/webhooks/{id}/secret/rotations", operation_id = "rotate_webhook_secret", tag = "Webhooks", params(WebhookIdParam),
    responses((status = 200, body = WebhookWithSecret, description = "The webhook with its new secret.")))]
pub(crate) async fn rotate(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<WebhookId>,
    request: Request<Either>,
) -> Result<Answer<WebhookWithSecret>, ApiError> {
    let owner = &request.caller;
    Ok(once!(
        app,
        request,
        {
            let (webhook, secret) = rotate_webhook_secret(&app, owner, id).await?;
            let webhook = WebhookObject::new(&app, &webhook);
            Ok(WebhookWithSecret { webhook, secret: Some(secret.expose()) })
        },
        |done| WebhookWithSecret { webhook: read(&app, owner, &done.target).await?, secret: None }
    ))
}

/// Pauses a webhook. Events wait until it is resumed.
#[utoipa::path(post, path = "/webhooks/{id}/pause", operation_id = "pause_webhook", tag = "Webhooks", params(WebhookIdParam),
    responses((status = 200, body = WebhookObject, description = "The webhook as it is now.")))]
pub(crate) async fn pause(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<WebhookId>,
    request: Request<Either>,
) -> Result<Answer<WebhookObject>, ApiError> {
    let (owner, text) = (&request.caller, id.to_string());
    Ok(once!(
        app,
        request,
        {
            pause_webhook(&app, owner, id).await?;
            read(&app, owner, &text).await
        },
        |_done| read(&app, owner, &text).await?
    ))
}

/// Resumes a webhook that is paused or disabled. One that was disabled receives the events from now on.
#[utoipa::path(post, path = "/webhooks/{id}/resumption", operation_id = "resume_webhook", tag = "Webhooks", params(WebhookIdParam),
    responses((status = 200, body = WebhookObject, description = "The webhook as it is now.")))]
pub(crate) async fn resume(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<WebhookId>,
    request: Request<Either>,
) -> Result<Answer<WebhookObject>, ApiError> {
    let (owner, text) = (&request.caller, id.to_string());
    Ok(once!(
        app,
        request,
        {
            resume_webhook(&app, owner, id).await?;
            read(&app, owner, &text).await
        },
        |_done| read(&app, owner, &text).await?
    ))
}

/// Sends an event of the type `webhook.tested` to a webhook.
#[utoipa::path(post, path = "/webhooks/{id}/test", operation_id = "test_webhook", tag = "Webhooks", params(WebhookIdParam),
    responses((status = 202, description = "The event is on its way. The deliveries show its result.")))]
pub(crate) async fn test(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<WebhookId>,
    request: Request<Either>,
) -> Result<StatusCode, ApiError> {
    if request.finished(&app).await?.is_none() {
        test_webhook(&app, &request.caller, id).await?;
    }
    Ok(StatusCode::ACCEPTED)
}
