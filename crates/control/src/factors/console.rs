//! `/two-factor`: setup, recovery codes, removal, and the account's two-factor requirement.

use super::{RecoveryCodes, State as Factor, begin, confirm, look, remove, renew_codes};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
        reauth::ReauthForm,
    },
    principal::CurrentUser,
    refusal::{Code, Kind, Refusal},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "factors/show.html")]
struct FactorPage {
    chrome: PageLayout,
    factor: Factor,
    /// Whether the operator or the user's current account requires two-factor authentication.
    is_required: bool,
    /// The number of remaining recovery codes of a user with passkeys but no authenticator app.
    passkey_codes: Option<i64>,
    error: Option<String>,
}

async fn factor_page(
    app: &AppState,
    caller: &CurrentUser,
    error: Option<String>,
) -> Result<FactorPage, Problem> {
    let factor = look(app, caller).await?;
    let passkey_codes = match factor {
        Factor::None => super::count_codes_of_passkeys(app, caller).await?,
        _ => None,
    };
    Ok(FactorPage {
        chrome: caller.chrome(text("two-factor"), Nav::Profile),
        factor,
        passkey_codes,
        is_required: app.settings.users.require_two_factor
            || caller.member().is_some_and(|member| member.account.requires_two_factor),
        error,
    })
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: CurrentUser,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let mut shown = factor_page(&app, &caller, None).await?;
    // Like a token, a key is shown only after a recent password entry.
    if matches!(shown.factor, Factor::Begun(_)) && !caller.is_fresh(app.now()) {
        return Ok(Redirect::to("/confirm?next=/two-factor").into_response());
    }
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CodeForm {
    code: String,
}

/// Shows the page again with the error if the user can correct it.
async fn again(
    app: &AppState,
    caller: &CurrentUser,
    refusal: Refusal,
) -> Result<Response, Problem> {
    let status = match (refusal.code(), refusal.kind()) {
        (Code::WrongTwoFactorCode, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, Kind::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        _ => return Err(refusal.into()),
    };
    let shown = factor_page(app, caller, Some(detail(&refusal))).await?;
    Ok(page_with(status, &shown))
}

pub(crate) async fn start(
    State(app): State<AppState>,
    fresh: ReauthForm<CodeForm, CurrentUser>,
) -> Result<Response, Problem> {
    begin(&app, &fresh.caller).await?;
    Ok(Redirect::to("/two-factor").into_response())
}

#[derive(Template)]
#[template(path = "factors/codes.html")]
struct CodesPage {
    chrome: PageLayout,
    codes: RecoveryCodes,
    is_new: bool,
}

pub(crate) fn codes_page(caller: &CurrentUser, codes: RecoveryCodes, is_new: bool) -> Response {
    page(&CodesPage { chrome: caller.chrome(text("codes-title"), Nav::Profile), codes, is_new })
}

pub(crate) async fn confirm_code(
    State(app): State<AppState>,
    fresh: ReauthForm<CodeForm, CurrentUser>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    match confirm(&app, &caller, &form.code).await {
        Ok(codes) => Ok(codes_page(&caller, codes, true)),
        Err(refusal) => again(&app, &caller, refusal).await,
    }
}

pub(crate) async fn codes(
    State(app): State<AppState>,
    fresh: ReauthForm<CodeForm, CurrentUser>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    match renew_codes(&app, &caller, &form.code).await {
        Ok(codes) => Ok(codes_page(&caller, codes, false)),
        Err(refusal) => again(&app, &caller, refusal).await,
    }
}

pub(crate) async fn take_away(
    State(app): State<AppState>,
    fresh: ReauthForm<CodeForm, CurrentUser>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    match remove(&app, &caller, &form.code).await {
        Ok(()) => Ok(done("/two-factor", "second_factor_removed", None).into_response()),
        Err(refusal) => again(&app, &caller, refusal).await,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RequireForm {
    required: Option<String>,
}

pub(crate) async fn require(
    State(app): State<AppState>,
    fresh: ReauthForm<RequireForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    super::require(&app, &caller, form.required.is_some()).await?;
    Ok(done("/members/security", "two_factor_requirement_saved", None).into_response())
}
