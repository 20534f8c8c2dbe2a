//! The forms that rename.

use super::{rename_account, rename_person, rename_token};
use crate::{
    Desk,
    caller::{Caller, Myself},
    chrome::done,
    problem::Problem,
};
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NameForm {
    name: String,
}

pub(crate) async fn account(
    State(desk): State<Desk>,
    caller: Caller,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    rename_account(&desk, &caller, &form.name).await?;
    Ok(done("/members", "renamed", None).into_response())
}

pub(crate) async fn person(
    State(desk): State<Desk>,
    caller: Myself,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    rename_person(&desk, &caller, &form.name).await?;
    Ok(done("/profile", "renamed", None).into_response())
}

pub(crate) async fn token(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    rename_token(&desk, &caller, id, &form.name).await?;
    Ok(done("/tokens", "renamed", None).into_response())
}
