//! `/invitations` of the management API.

use super::{invite, list_open, resend, withdraw};
use crate::{
    AppState,
    door::api::{
        Answer, ApiError, ApiPath, Instant, Request, body::json_bodies, names::RoleName,
        principal::By, request::once,
    },
    principal::Caller,
    refusal::Code,
};
use axum::{Json, extract::State, http::StatusCode};
use keydesk_model::InvitationId;
use keydesk_store::{Invitation, Undelivered};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A pending invitation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct InvitationObject {
    #[schema(value_type = String, example = "inv_019364b4f1d070008b1e2c3d4e5f6071")]
    id: InvitationId,
    email: String,
    role: RoleName,
    /// The name of the member who sent it. `null` for an operator.
    invited_by: Option<String>,
    expires_at: Instant,
    /// The last response of the mail server, if it hasn’t accepted the email.
    delivery_error: Option<String>,
}

impl InvitationObject {
    fn new((invitation, mail): (Invitation, Option<Undelivered>)) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email.to_string(),
            role: RoleName(invitation.role),
            invited_by: invitation.invited_by,
            expires_at: Instant(invitation.expires_at),
            delivery_error: mail.map(|mail| mail.error),
        }
    }
}

/// The pending invitations, at most 200.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitations {
    items: Vec<InvitationObject>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct InvitationIdParam {
    /// The ID of a pending invitation.
    #[param(example = "inv_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
}

/// Lists the pending invitations.
#[utoipa::path(get, path = "/invitations", operation_id = "list_invitations", tag = "Members",
    responses((status = 200, body = Invitations, description = "The invitations.")))]
pub(crate) async fn list_invitations(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Json<Invitations>, ApiError> {
    let open = list_open(&app, &caller).await?.into_iter();
    Ok(Json(Invitations { items: open.map(InvitationObject::new).collect() }))
}

/// A new invitation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewInvitation, example = json!({"email": "ann@example.com", "role": "developer"}))]
pub(crate) struct InvitationBody {
    email: String,
    role: RoleName,
}

json_bodies!(InvitationBody);

async fn read(app: &AppState, caller: &Caller, id: &str) -> Result<InvitationObject, ApiError> {
    let open = list_open(app, caller).await?.into_iter();
    let found = open.map(InvitationObject::new).find(|open| open.id.to_string() == id);
    Ok(found.ok_or(Code::NotFound)?)
}

/// Invites someone by email. The link in the email works once and expires after 7 days.
#[utoipa::path(post, path = "/invitations", operation_id = "create_invitation", tag = "Members", request_body = InvitationBody,
    responses((status = 201, body = InvitationObject, description = "The invitation was sent.", headers(("Location" = String, description = "The list of invitations.")))))]
pub(crate) async fn create_invitation(
    State(app): State<AppState>,
    request: Request<Caller, InvitationBody>,
) -> Result<Answer<InvitationObject>, ApiError> {
    let caller = &request.caller;
    let answer = once!(
        app,
        request,
        {
            let id = invite(&app, caller, &request.body.email, request.body.role.0).await?;
            read(&app, caller, &id.to_string()).await
        },
        |done| read(&app, caller, &done.target).await?
    );
    Ok(answer.created_at(&app, "/invitations"))
}

/// Sends an invitation again with a new link, which replaces the previous one. The invitation gets a new ID.
#[utoipa::path(post, path = "/invitations/{id}/resends", operation_id = "resend_invitation", tag = "Members", params(InvitationIdParam),
    responses((status = 200, body = InvitationObject, description = "The invitation as it is now.")))]
pub(crate) async fn resend_invitation(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<InvitationId>,
    request: Request<Caller>,
) -> Result<Answer<InvitationObject>, ApiError> {
    let caller = &request.caller;
    Ok(once!(
        app,
        request,
        {
            let id = resend(&app, caller, id).await?;
            read(&app, caller, &id.to_string()).await
        },
        |done| read(&app, caller, &done.target).await?
    ))
}

/// Revokes an invitation: its link stops working.
#[utoipa::path(delete, path = "/invitations/{id}", operation_id = "revoke_invitation", tag = "Members", params(InvitationIdParam),
    responses((status = 204, description = "The invitation was revoked.")))]
pub(crate) async fn revoke_invitation(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<InvitationId>,
    request: Request<Caller>,
) -> Result<StatusCode, ApiError> {
    withdraw(&app, &request.caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
