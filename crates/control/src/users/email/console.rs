//! `/profile/email` and `/email-change/{code}`.

use super::{Confirmed, ask, confirm, find, stop};
use crate::{
    AppState,
    door::{
        language::text,
        layout::{Nav, PageLayout, done, page},
        problem::Problem,
        reauth::ReauthForm,
    },
    principal::{AnonymousUser, CurrentUser},
    refusal::Code,
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
    State(app): State<AppState>,
    fresh: ReauthForm<EmailForm, CurrentUser>,
) -> Result<Response, Problem> {
    ask(&app, &fresh.caller, &fresh.form.email).await?;
    Ok(done("/profile", "email_change_requested", None).into_response())
}

#[derive(Template)]
#[template(path = "users/email_change.html")]
struct ChangePage {
    chrome: PageLayout,
    code: String,
    email: String,
    is_new_side: bool,
    /// The outcome, after it is confirmed or stopped.
    outcome: Option<String>,
}

impl ChangePage {
    fn new(code: String, email: String, is_new_side: bool) -> Self {
        let chrome = PageLayout::nobody(text("email-title"), Nav::None);
        Self { chrome, code, email, is_new_side, outcome: None }
    }
}

/// Shows the change without making it, because mail clients may follow links.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let change = find(&app, &code).await?;
    Ok(page(&ChangePage::new(code, change.email.to_string(), change.is_new_side)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnswerForm {
    answer: String,
}

pub(crate) async fn answer(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Path(code): Path<String>,
    Form(form): Form<AnswerForm>,
) -> Result<Response, Problem> {
    let change = find(&app, &code).await?;
    let outcome = if form.answer == "stop" {
        stop(&app, &code, visitor.origin).await?;
        text("email-stopped")
    } else if form.answer != "confirm" {
        return Err(Code::InvalidForm.into());
    } else {
        match confirm(&app, &code, visitor.origin).await {
            Ok(Confirmed::Half) => text("email-half"),
            Ok(Confirmed::Whole) => text("email-whole"),
            Err(error) => return Err(error.into()),
        }
    };
    let shown = ChangePage::new(code, change.email.to_string(), change.is_new_side);
    Ok(page(&ChangePage { outcome: Some(outcome.into()), ..shown }))
}
