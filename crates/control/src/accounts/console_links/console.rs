//! `/console-session/{code}`: the page that a link opens.

use super::follow;
use crate::{
    AppState,
    door::{cookie::safe_next, problem::Problem},
    principal::AnonymousUser,
    sessions::console::let_in,
};
use axum::{
    extract::{Path, State},
    http::Method,
    response::{IntoResponse, Redirect, Response},
};

pub(crate) async fn enter(
    State(app): State<AppState>,
    Path(code): Path<String>,
    method: Method,
    visitor: AnonymousUser,
) -> Result<Response, Problem> {
    // Only a user who opens the link uses it up.
    if method == Method::HEAD {
        return Ok(().into_response());
    }
    let (entered, path) = follow(&app, &code, visitor).await?;
    Ok(let_in(&app, &entered, Redirect::to(safe_next(Some(&path)))))
}
