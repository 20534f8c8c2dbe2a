//! `/profile/email` and `/email-change/{code}`.

use super::email::{Confirmed, ask, confirm, find, stop};
use crate::{
    Desk,
    caller::{Myself, Visitor},
    chrome::{Chrome, Nav, done, page},
    freshness::FreshForm,
    problem::Problem,
    say,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EmailForm {
    email: String,
}

pub(crate) async fn ask_for(
    State(desk): State<Desk>,
    fresh: FreshForm<EmailForm, Myself>,
) -> Result<Response, Problem> {
    ask(&desk, &fresh.caller, &fresh.form.email).await?;
    Ok(done("/profile", "email_asked", None).into_response())
}

#[derive(Template)]
#[template(path = "people/email_change.html")]
struct ChangePage {
    chrome: Chrome,
    code: String,
    email: String,
    is_new_side: bool,
    /// What has come of it, once it is confirmed or stopped.
    told: Option<String>,
}

impl ChangePage {
    fn new(code: String, email: String, is_new_side: bool) -> Self {
        let chrome = Chrome::nobody(say("email-title"), Nav::None);
        Self { chrome, code, email, is_new_side, told: None }
    }
}

/// Only looks: programs that follow links in mails change nothing.
pub(crate) async fn show(
    State(desk): State<Desk>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let change = find(&desk, &code).await?;
    Ok(page(&ChangePage::new(code, change.email.to_string(), change.is_new_side)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnswerForm {
    answer: String,
}

pub(crate) async fn answer(
    State(desk): State<Desk>,
    visitor: Visitor,
    Path(code): Path<String>,
    Form(form): Form<AnswerForm>,
) -> Result<Response, Problem> {
    let change = find(&desk, &code).await?;
    let told = if form.answer == "stop" {
        stop(&desk, &code, visitor.origin).await?;
        say("email-stopped")
    } else if form.answer != "confirm" {
        return Err(Problem::invalid(say("form-unreadable")));
    } else {
        match confirm(&desk, &code, visitor.origin).await {
            Ok(Confirmed::Half) => say("email-half"),
            Ok(Confirmed::Whole) => say("email-whole"),
            Err(error) => return Err(error.into()),
        }
    };
    let shown = ChangePage::new(code, change.email.to_string(), change.is_new_side);
    Ok(page(&ChangePage { told: Some(told.into()), ..shown }))
}
