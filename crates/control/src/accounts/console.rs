//! `/setup/{code}`, the one-time link of the first start, and `/accounts/switch`.

use super::{FirstAccount, Opening, check_setup, end_setup};
use crate::{
    AppState,
    door::{
        form_error::FormError,
        language::text,
        layout::{Nav, PageLayout, page, page_with},
        problem::Problem,
    },
    principal::{AnonymousUser, Caller},
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
use keydesk_model::Actor;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/setup.html")]
struct SetupPage {
    chrome: PageLayout,
    code: String,
    account: String,
    name: String,
    email: String,
    error: FormError,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct SetupForm {
    account: String,
    name: String,
    email: String,
    password: String,
}

pub(crate) async fn setup_page(
    State(app): State<AppState>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    check_setup(&app, &code).await?;
    let chrome = PageLayout::nobody(text("setup-title"), Nav::None);
    let (account, name, email) = Default::default();
    Ok(page(&SetupPage { chrome, code, account, name, email, error: FormError::default() }))
}

pub(crate) async fn setup(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Path(code): Path<String>,
    Form(form): Form<SetupForm>,
) -> Result<Response, Problem> {
    check_setup(&app, &code).await?;
    let request = FirstAccount {
        account: form.account,
        name: form.name,
        email: form.email,
        password: form.password,
    };
    match super::open(
        &app,
        &request,
        Opening {
            actor: Actor::AnonymousUser,
            origin: &visitor.origin,
            visitor: Some(&visitor),
            sign_up: None,
        },
    )
    .await
    {
        Ok((_, entered)) => {
            end_setup(&app);
            let to = Redirect::to("/api-docs?done=account_opened");
            Ok(match entered {
                Some(entered) => let_in(&app, &entered, to),
                None => to.into_response(),
            })
        }
        Err(refusal) if refusal.kind() != Kind::Invalid => Err(refusal.into()),
        Err(refusal) => {
            let page = SetupPage {
                chrome: PageLayout::nobody(text("setup-title"), Nav::None),
                code,
                account: request.account,
                name: request.name,
                email: request.email,
                error: FormError::new(&refusal, &["account", "name", "email", "password"]),
            };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct SwitchForm {
    account: String,
}

pub(crate) async fn switch(
    State(app): State<AppState>,
    caller: Caller,
    Form(form): Form<SwitchForm>,
) -> Result<Response, Problem> {
    let to = form.account.parse().map_err(|_| Code::NotFound)?;
    super::switch(&app, &caller, to).await?;
    Ok(Redirect::to("/").into_response())
}
