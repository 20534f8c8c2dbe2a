//! `/console-session/{code}`: the page that a link opens.

use super::follow;
use crate::{
    AppState,
    door::{cookie::safe_next, layout::page, problem::Problem},
    principal::AnonymousUser,
    sessions::{
        LoggedIn,
        console::{SecondFactorPage, let_in},
    },
};
use axum::{
    extract::{Path, State},
    response::{Redirect, Response},
};

pub(crate) async fn enter(
    State(app): State<AppState>,
    Path(code): Path<String>,
    visitor: AnonymousUser,
) -> Result<Response, Problem> {
    let (logged_in, path) = follow(&app, &code, visitor).await?;
    Ok(match logged_in {
        LoggedIn::NewLogin(entered) => let_in(&app, &entered, Redirect::to(safe_next(Some(&path)))),
        LoggedIn::HalfWay(half) => page(&SecondFactorPage::new(half.to_string(), path, None)),
    })
}
