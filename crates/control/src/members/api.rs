//! `/members` of the management API.

use crate::{
    AppState,
    consequences::api::{Consequences, check, consequences},
    door::api::{
        Answer, ApiError, ApiPath, Etagged, IfMatch, Instant, Position, Request,
        body::json_bodies,
        etag::etag_of,
        names::RoleName,
        page::{PageParams, list_schemas},
        principal::By,
        request::once,
    },
    members,
    principal::Caller,
    receipts::api::{IssuedReceipt, find_issued},
};
use axum::{extract::State, response::Response};
use keydesk_model::MemberId;
use keydesk_store::Member;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A member of the account. Its `ETag` covers everything but the last visit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberObject {
    #[schema(value_type = String, example = "mem_019364b4f1d070008b1e2c3d4e5f6071")]
    id: MemberId,
    name: String,
    email: String,
    role: RoleName,
    joined_at: Instant,
    /// When the user was last seen in the console. `null` if they have no session.
    last_seen_at: Option<Instant>,
}

impl MemberObject {
    fn new(member: Member) -> Self {
        Self {
            id: member.id,
            name: member.name,
            email: member.email.to_string(),
            role: RoleName(member.role),
            joined_at: Instant(member.joined_at),
            last_seen_at: member.seen_at.map(Instant),
        }
    }

    fn etagged(self) -> Etagged<Self> {
        let etag = etag_of(&Self { last_seen_at: None, ..self.clone() });
        Etagged { object: self, etag }
    }
}

list_schemas! { MemberList of MemberObject }

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemberFilterParams {
    /// A part of the name or email address.
    #[serde(default)]
    #[param(required = false, max_length = 100)]
    text: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct MemberIdParam {
    /// The ID of a member.
    #[param(example = "mem_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
}

/// Lists the members of the account, oldest first.
#[utoipa::path(get, path = "/members", operation_id = "list_members", tag = "Members", params(PageParams, MemberFilterParams),
    responses((status = 200, body = MemberList, description = "A page of members.")))]
pub(crate) async fn list_members(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<MemberFilterParams>,
) -> Result<Response, ApiError> {
    let found = members::search(&app, &caller, &position.search(&position.filter.text)?).await?;
    let items: Vec<_> = found.items.into_iter().map(MemberObject::new).collect();
    Ok(position.respond(&app, (items, found.next)))
}

async fn read(app: &AppState, caller: &Caller, id: MemberId) -> Result<MemberObject, ApiError> {
    Ok(MemberObject::new(members::find(app, caller, id).await?))
}

/// Reads a member.
#[utoipa::path(get, path = "/members/{id}", operation_id = "read_member", tag = "Members", params(MemberIdParam),
    responses((status = 200, body = MemberObject, description = "The member.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_member(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<MemberId>,
) -> Result<Etagged<MemberObject>, ApiError> {
    Ok(read(&app, &caller, id).await?.etagged())
}

/// A change of a member (a merge patch, RFC 7396). An absent field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "developer"}))]
pub(crate) struct MemberPatch {
    #[serde(default)]
    role: Option<RoleName>,
}

json_bodies!(MemberPatch);

/// Changes the role of a member.
///
/// The role `viewer` has no bearer token. The request then requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(patch, path = "/members/{id}", operation_id = "update_member", tag = "Members", params(MemberIdParam),
    request_body(content = MemberPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = MemberObject, description = "The member as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update_member(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<MemberId>,
    request: Request<Caller, MemberPatch>,
) -> Result<Etagged<MemberObject>, ApiError> {
    let caller = &request.caller;
    let role = request.body.role.map(|role| role.0);
    if role.is_some_and(members::has_no_bearer_token) {
        check(&request.if_match, &members::prepare_end(&app, caller, id).await?.1)?;
    } else if request.if_match != IfMatch::Absent {
        request.if_match.check(&read(&app, caller, id).await?.etagged().etag)?;
    }
    if let Some(role) = role {
        members::change_role(&app, caller, id, role).await?;
    }
    Ok(read(&app, caller, id).await?.etagged())
}

/// Lists the clients that would stop working if the member were removed or logged out: those that use their bearer token.
#[utoipa::path(get, path = "/members/{id}/consequences", operation_id = "list_member_consequences", tag = "Members", params(MemberIdParam),
    responses((status = 200, body = Consequences, description = "The clients, and an ETag that names them.", headers(("ETag" = String, description = "For If-Match of the request.")))))]
pub(crate) async fn list_member_consequences(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<MemberId>,
) -> Result<Etagged<Consequences>, ApiError> {
    Ok(consequences(members::prepare_end(&app, &caller, id).await?.1))
}

/// The receipt for the tokens that a request revoked, if there were any.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberReceipt {
    #[schema(value_type = String)]
    member_id: String,
    receipt: Option<IssuedReceipt>,
}

/// Removes a member, and revokes their bearer token and management keys of the account permanently.
///
/// Requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(delete, path = "/members/{id}", operation_id = "remove_member", tag = "Members", params(MemberIdParam),
    responses((status = 200, body = MemberReceipt, description = "The member was removed.")))]
pub(crate) async fn remove_member(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<MemberId>,
    request: Request<Caller>,
) -> Result<Answer<MemberReceipt>, ApiError> {
    let caller = &request.caller;
    check(&request.if_match, &members::prepare_end(&app, caller, id).await?.1)?;
    let receipt = members::remove(&app, caller, id).await?.map(IssuedReceipt::from);
    Ok(Answer::new(MemberReceipt { member_id: id.to_string(), receipt }))
}

/// Logs a member out of all their sessions in the account, and replaces their bearer token.
///
/// Requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(post, path = "/members/{id}/logouts", operation_id = "log_out_member", tag = "Members", params(MemberIdParam),
    responses((status = 200, body = MemberReceipt, description = "The member was logged out.")))]
pub(crate) async fn log_out_member(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<MemberId>,
    request: Request<Caller>,
) -> Result<Answer<MemberReceipt>, ApiError> {
    let caller = &request.caller;
    Ok(once!(
        app,
        request,
        {
            check(&request.if_match, &members::prepare_end(&app, caller, id).await?.1)?;
            let receipt = members::log_out(&app, caller, id).await?.map(IssuedReceipt::from);
            Ok(MemberReceipt { member_id: id.to_string(), receipt })
        },
        |done| {
            let receipt = find_issued(&app, caller, &done).await?;
            MemberReceipt { member_id: done.target, receipt }
        }
    ))
}
