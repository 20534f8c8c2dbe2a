//! `/accounts/{number}/console-sessions` of the management API.

use super::{LinkRequest, create_link};
use crate::{
    AppState,
    door::api::{ApiError, ApiPath, Instant, Request, body::json_bodies, names::RoleName},
    operators::api::AccountNumberParam,
    principal::Operator,
    refusal::Code,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keydesk_model::{AccountNumber, MemberId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The member to add, if the user isn’t one yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLinkedMember {
    #[schema(max_length = 80, example = "Zoë Keller")]
    name: String,
    role: RoleName,
}

/// The member that the link logs in, and the page that it opens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "zoe@example.com", "path": "/tokens", "return_url": "https://app.example.com/settings"}))]
pub(crate) struct NewConsoleSession {
    /// The email address of the member. It can be left out if the external ID is known.
    #[serde(default)]
    email: Option<String>,
    /// Your own ID of the member. Once sent with an email address, it identifies the member.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    external_id: Option<String>,
    #[serde(default)]
    create: Option<NewLinkedMember>,
    /// The page of the console that the link opens.
    #[serde(default)]
    #[schema(pattern = "^/", max_length = 1000, default = "/api-docs")]
    path: Option<String>,
    /// The page that the console links back to.
    #[serde(default)]
    #[schema(max_length = 1000, format = "uri")]
    return_url: Option<String>,
}

json_bodies!(NewConsoleSession);

/// A link that works once and expires after 1 minute.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsoleSession {
    /// Send the user’s browser there. `null` if the request was repeated: then ask for another link.
    url: Option<String>,
    #[schema(value_type = String, example = "mem_019364b4f1d070008b1e2c3d4e5f6071")]
    member_id: MemberId,
    expires_at: Option<Instant>,
}

/// Creates a link that logs a member in.
///
/// The session is limited to the account. A user with two-factor authentication has to log in instead.
#[utoipa::path(post, path = "/accounts/{number}/console-sessions", operation_id = "create_console_session", tag = "Accounts", params(AccountNumberParam),
    request_body = NewConsoleSession, responses((status = 201, body = ConsoleSession, description = "The link.")))]
pub(crate) async fn create_console_session(
    State(app): State<AppState>,
    ApiPath(number): ApiPath<AccountNumber>,
    request: Request<Operator, NewConsoleSession>,
) -> Result<Response, ApiError> {
    let body = &request.body;
    let object = if let Some(done) = request.finished(&app).await? {
        let member_id = done.target.parse().map_err(|_| Code::NotFound)?;
        ConsoleSession { url: None, member_id, expires_at: None }
    } else {
        let wanted = LinkRequest {
            email: body.email.clone(),
            external_id: body.external_id.clone(),
            create: body.create.as_ref().map(|new| (new.name.clone(), new.role.0)),
            path: body.path.clone().unwrap_or_else(|| "/api-docs".to_owned()),
            return_url: body.return_url.clone(),
        };
        let made = create_link(&app, &request.caller, (number, wanted)).await?;
        let base = &app.settings.console_url;
        ConsoleSession {
            url: Some(format!("{base}/console-session/{}", &*made.secret)),
            member_id: made.member,
            expires_at: Some(Instant(made.expires_at)),
        }
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(object)).into_response())
}
