//! The forms for names and notes.

use super::{rename_account, rename_token, rename_user, set_token_note};
use crate::{
    AppState,
    door::{layout::done, problem::Problem},
    principal::{Caller, CurrentUser},
    refusal::Code,
};
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use keydesk_model::TokenId;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NameForm {
    name: String,
}

pub(crate) async fn account(
    State(app): State<AppState>,
    caller: Caller,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    rename_account(&app, &caller, &form.name).await?;
    Ok(done("/members", "renamed", None).into_response())
}

pub(crate) async fn user(
    State(app): State<AppState>,
    caller: CurrentUser,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    rename_user(&app, &caller, &form.name).await?;
    Ok(done("/profile", "renamed", None).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NoteForm {
    note: String,
}

pub(crate) async fn token_note(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Form(form): Form<NoteForm>,
) -> Result<Response, Problem> {
    let id: TokenId = id.parse().map_err(|_| Code::NotFound)?;
    set_token_note(&app, &caller, id, &form.note).await?;
    Ok(done(&format!("/tokens/{id}"), "note_saved", None).into_response())
}

pub(crate) async fn token(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    rename_token(&app, &caller, id, &form.name).await?;
    Ok(done("/tokens", "renamed", None).into_response())
}
