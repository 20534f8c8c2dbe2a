//! The pages of invitations: resending and revoking them, and accepting one.

use super::accept::{Typed, accept as let_join, find_invitation};
use crate::{
    AppState,
    door::{
        caller::find_user,
        form_error::FormError,
        language::{label, text},
        layout::{Nav, PageLayout, page, page_with},
        problem::Problem,
        reauth::{Nothing, ReauthForm},
    },
    principal::{AnonymousUser, Caller},
    refusal::{Code, Kind},
    sessions::console::let_in,
};
use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::Origin;
use serde::Deserialize;

pub(crate) async fn resend(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<Nothing>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    super::resend(&app, &fresh.caller, id).await?;
    Ok(Redirect::to("/members?done=invited").into_response())
}

pub(crate) async fn withdraw(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    super::withdraw(&app, &caller, id).await?;
    Ok(Redirect::to("/members?done=invitation_revoked").into_response())
}

#[derive(Template)]
#[template(path = "members/accept.html")]
struct AcceptPage {
    chrome: PageLayout,
    code: String,
    account: String,
    by: String,
    role: String,
    email: String,
    name: String,
    is_known: bool,
    /// The user who is logged in to this browser, if it is not the invited user.
    other: Option<String>,
    error: FormError,
}

async fn accept_form(
    app: &AppState,
    code: String,
    name: String,
    error: FormError,
) -> Result<AcceptPage, Problem> {
    let (invitation, is_known) = find_invitation(app, &code).await?;
    Ok(AcceptPage {
        chrome: PageLayout::nobody(
            text("accept-title").with("account", &invitation.account_name),
            Nav::None,
        ),
        code,
        account: invitation.account_name,
        by: invitation.invited_by.unwrap_or_else(|| text("the-operator").to_string()),
        role: label("role", invitation.role),
        email: invitation.email.to_string(),
        name,
        is_known,
        other: None,
        error,
    })
}

pub(crate) async fn accept_page(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shown = accept_form(&app, code, String::new(), FormError::default()).await?;
    // Accepting would end another user's session in this browser.
    let here = find_user(&app, &headers, &origin).await?;
    let here = here.map(|(_, user)| user.email.to_string());
    let other = here.filter(|email| *email != shown.email);
    Ok(page(&AcceptPage { other, ..shown }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct AcceptForm {
    name: String,
    password: String,
    code: String,
}

pub(crate) async fn accept(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Path(code): Path<String>,
    Form(form): Form<AcceptForm>,
) -> Result<Response, Problem> {
    let typed = Typed { name: &form.name, password: &form.password, code: &form.code };
    match let_join(&app, &code, typed, visitor).await {
        Ok(entered) => Ok(let_in(&app, &entered, Redirect::to("/api-docs?done=joined"))),
        Err(refusal) if matches!(refusal.kind(), Kind::Invalid | Kind::TooMany) => {
            let error = FormError::new(&refusal, &["name", "password", "code"]);
            let page = accept_form(&app, code, form.name, error).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}
