//! `/sign-up`, if the operator allows it.

use super::{ask, find, finish};
use crate::{
    AppState,
    door::{
        form_error::FormError,
        language::text,
        layout::{Nav, PageLayout, page, page_with},
        problem::Problem,
    },
    principal::AnonymousUser,
    refusal::{Code, Kind},
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
    chrome: PageLayout,
    form: SignUpForm,
    sent: bool,
    shows_mail: bool,
    error: FormError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignUpForm {
    account: String,
    email: String,
}

/// Returns the not-found page if sign-up isn't allowed.
fn check(app: &AppState) -> Result<(), Problem> {
    if app.settings.users.sign_up && app.mailer.can_send() {
        Ok(())
    } else {
        Err(Code::NotFound.into())
    }
}

fn sign_up_page(app: &AppState, form: SignUpForm, sent: bool, error: FormError) -> SignUpPage {
    let shows_mail = app.settings.is_local && matches!(app.mailer, crate::Mailer::Mailbox(_));
    SignUpPage {
        chrome: PageLayout::nobody(text("sign-up"), Nav::None),
        form,
        sent,
        shows_mail,
        error,
    }
}

pub(crate) async fn show(State(app): State<AppState>) -> Result<Response, Problem> {
    check(&app)?;
    Ok(page(&sign_up_page(&app, SignUpForm::default(), false, FormError::default())))
}

pub(crate) async fn ask_for(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Form(form): Form<SignUpForm>,
) -> Result<Response, Problem> {
    check(&app)?;
    match ask(&app, &form.account, &form.email, visitor.origin).await {
        Ok(()) => Ok(page(&sign_up_page(&app, form, true, FormError::default()))),
        Err(refusal) if refusal.kind() != Kind::Invalid => Err(refusal.into()),
        Err(refusal) => {
            let error = FormError::new(&refusal, &["account", "email"]);
            let shown = sign_up_page(&app, form, false, error);
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/signed_up.html")]
struct FinishPage {
    chrome: PageLayout,
    code: String,
    account: String,
    email: String,
    name: String,
    error: FormError,
}

async fn finish_form(
    app: &AppState,
    code: String,
    name: String,
    error: FormError,
) -> Result<FinishPage, Problem> {
    check(app)?;
    let found = find(app, &code).await?.ok_or(Code::SignUpExpired)?;
    Ok(FinishPage {
        chrome: PageLayout::nobody(
            text("signed-up-title").with("account", &found.account_name),
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
    State(app): State<AppState>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    Ok(page(&finish_form(&app, code, String::new(), FormError::default()).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FinishForm {
    name: String,
    password: String,
}

pub(crate) async fn open_it(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Path(code): Path<String>,
    Form(form): Form<FinishForm>,
) -> Result<Response, Problem> {
    check(&app)?;
    match finish(&app, &code, (&form.name, &form.password), &visitor).await {
        Ok(entered) => {
            let to = Redirect::to("/api-docs?done=account_opened");
            Ok(match entered {
                Some(entered) => let_in(&app, &entered, to),
                None => to.into_response(),
            })
        }
        Err(refusal) if refusal.kind() != Kind::Invalid => Err(refusal.into()),
        Err(refusal) => {
            let error = FormError::new(&refusal, &["name", "password"]);
            let shown = finish_form(&app, code, form.name, error).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}
