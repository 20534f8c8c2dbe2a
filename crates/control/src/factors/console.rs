//! `/second-factor`: set up, recovery codes, remove; and whether an account requires one.

use super::{
    FactorError, RecoveryCodes, State as Factor, begin, confirm, look, remove, renew_codes,
};
use crate::{
    Desk,
    caller::{Authenticated, Myself},
    chrome::{Chrome, Done, Nav, done, page, page_with},
    freshness::FreshForm,
    problem::Problem,
    say,
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::Right;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "factors/show.html")]
struct FactorPage {
    chrome: Chrome,
    factor: Factor,
    /// The operator asks for one, or the account that the reader stands in.
    is_required: bool,
    /// Recovery codes that are left to somebody who has passkeys and no authenticator.
    passkey_codes: Option<i64>,
    error: Option<String>,
}

async fn factor_page(
    desk: &Desk,
    caller: &Myself,
    error: Option<String>,
) -> Result<FactorPage, Problem> {
    let factor = look(desk, caller).await?;
    let mut read = desk.store.read().await?;
    let person = caller.person().id;
    let passkey_codes = match factor {
        Factor::None if super::has_one(&mut read, person).await? => {
            Some(read.count_recovery_codes(person).await?)
        }
        _ => None,
    };
    drop(read);
    Ok(FactorPage {
        chrome: caller.chrome(say("second-factor"), Nav::Profile),
        factor,
        passkey_codes,
        is_required: desk.settings.people.require_two_factor
            || caller.member().is_some_and(|member| member.account.requires_two_factor),
        error,
    })
}

pub(crate) async fn show(
    State(desk): State<Desk>,
    caller: Myself,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let mut shown = factor_page(&desk, &caller, None).await?;
    // A key is shown like a token: to who has just given the password.
    if matches!(shown.factor, Factor::Begun(_)) && !caller.is_fresh(desk.now()) {
        return Ok(Redirect::to("/confirm?next=/second-factor").into_response());
    }
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CodeForm {
    code: String,
}

/// The page again with what was wrong, for mistakes that the next try mends.
async fn again(desk: &Desk, caller: &Myself, error: FactorError) -> Result<Response, Problem> {
    let status = match &error {
        FactorError::WrongCode => StatusCode::UNPROCESSABLE_ENTITY,
        FactorError::Held(_) => StatusCode::TOO_MANY_REQUESTS,
        _ => return Err(error.into()),
    };
    let shown = factor_page(desk, caller, Some(error.to_string())).await?;
    Ok(page_with(status, &shown))
}

pub(crate) async fn start(
    State(desk): State<Desk>,
    fresh: FreshForm<CodeForm, Myself>,
) -> Result<Response, Problem> {
    begin(&desk, &fresh.caller).await?;
    Ok(Redirect::to("/second-factor").into_response())
}

#[derive(Template)]
#[template(path = "factors/codes.html")]
struct CodesPage {
    chrome: Chrome,
    codes: RecoveryCodes,
    is_new: bool,
}

pub(crate) fn codes_page(caller: &Myself, codes: RecoveryCodes, is_new: bool) -> Response {
    page(&CodesPage { chrome: caller.chrome(say("codes-title"), Nav::Profile), codes, is_new })
}

pub(crate) async fn confirm_code(
    State(desk): State<Desk>,
    fresh: FreshForm<CodeForm, Myself>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    match confirm(&desk, &caller, &form.code).await {
        Ok(codes) => Ok(codes_page(&caller, codes, true)),
        Err(error) => again(&desk, &caller, error).await,
    }
}

pub(crate) async fn codes(
    State(desk): State<Desk>,
    fresh: FreshForm<CodeForm, Myself>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    match renew_codes(&desk, &caller, &form.code).await {
        Ok(codes) => Ok(codes_page(&caller, codes, false)),
        Err(error) => again(&desk, &caller, error).await,
    }
}

pub(crate) async fn take_away(
    State(desk): State<Desk>,
    fresh: FreshForm<CodeForm, Myself>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    match remove(&desk, &caller, &form.code).await {
        Ok(()) => Ok(done("/second-factor", "second_factor_removed", None).into_response()),
        Err(error) => again(&desk, &caller, error).await,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RequireForm {
    required: Option<String>,
}

pub(crate) async fn require(
    State(desk): State<Desk>,
    fresh: FreshForm<RequireForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    caller.permit(Right::LimitAccount)?;
    super::require(&desk, &caller, form.required.is_some()).await?;
    Ok(done("/members", "second_factor_set", None).into_response())
}
