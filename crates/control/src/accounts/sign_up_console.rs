//! `/sign-up`, where the operator allows it.

use super::{
    OpenAccountError,
    sign_up::{ask, find, finish},
};
use crate::{
    Desk,
    caller::Visitor,
    chrome::{Chrome, Nav, page, page_with},
    problem::Problem,
    say,
    sessions::console::let_in,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/sign_up.html")]
struct SignUpPage {
    chrome: Chrome,
    form: SignUpForm,
    sent: bool,
    shows_mail: bool,
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignUpForm {
    account: String,
    email: String,
}

/// Where it is not allowed there is no such page.
fn check(desk: &Desk) -> Result<(), Problem> {
    if desk.settings.people.sign_up && desk.mailer.can_send() {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

fn sign_up_page(desk: &Desk, form: SignUpForm, sent: bool, error: Option<String>) -> SignUpPage {
    let shows_mail = desk.settings.is_local && matches!(desk.mailer, crate::Mailer::Mailbox(_));
    SignUpPage { chrome: Chrome::nobody(say("sign-up"), Nav::None), form, sent, shows_mail, error }
}

pub(crate) async fn show(State(desk): State<Desk>) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(page(&sign_up_page(&desk, SignUpForm::default(), false, None)))
}

pub(crate) async fn ask_for(
    State(desk): State<Desk>,
    visitor: Visitor,
    Form(form): Form<SignUpForm>,
) -> Result<Response, Problem> {
    check(&desk)?;
    match ask(&desk, &form.account, &form.email, visitor.origin).await {
        Ok(()) => Ok(page(&sign_up_page(&desk, form, true, None))),
        Err(OpenAccountError::Store(error)) => Err(error.into()),
        Err(error) => {
            let shown = sign_up_page(&desk, form, false, Some(error.to_string()));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/signed_up.html")]
struct FinishPage {
    chrome: Chrome,
    code: String,
    account: String,
    email: String,
    name: String,
    error: Option<String>,
}

async fn finish_form(
    desk: &Desk,
    code: String,
    name: String,
    error: Option<String>,
) -> Result<FinishPage, Problem> {
    check(desk)?;
    let found = find(desk, &code).await?.ok_or_else(|| {
        Problem::invalid(OpenAccountError::LinkOver.to_string())
            .leading_to("/sign-up", say("sign-up-anew"))
    })?;
    Ok(FinishPage {
        chrome: Chrome::nobody(
            say("signed-up-title").with("account", &found.account_name),
            Nav::None,
        ),
        code,
        account: found.account_name,
        email: found.email.to_string(),
        name,
        error,
    })
}

pub(crate) async fn finish_page(
    State(desk): State<Desk>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    Ok(page(&finish_form(&desk, code, String::new(), None).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FinishForm {
    name: String,
    password: String,
}

pub(crate) async fn open_it(
    State(desk): State<Desk>,
    visitor: Visitor,
    Path(code): Path<String>,
    Form(form): Form<FinishForm>,
) -> Result<Response, Problem> {
    check(&desk)?;
    match finish(&desk, &code, (&form.name, &form.password), &visitor).await {
        Ok(entered) => {
            let to = Redirect::to("/api-docs?done=account_opened");
            Ok(match entered {
                Some(entered) => let_in(&desk, &entered, to),
                None => to.into_response(),
            })
        }
        Err(OpenAccountError::Store(error)) => Err(error.into()),
        Err(OpenAccountError::TooBusy) => Err(Problem::too_busy()),
        Err(error) => {
            let shown = finish_form(&desk, code, form.name, Some(error.to_string())).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}
