//! The buttons that revoke, pause, and restore a token, and the page of a restored token, which shows the clients that
//! were rejected and turns each green when its next request succeeds.

use super::{RejectedClient, is_restorable};
use crate::{
    AppState,
    door::{
        language::text,
        layout::{Done, Nav, PageLayout, done, page},
        problem::Problem,
        reauth::{Nothing, ReauthForm},
        when::When,
    },
    principal::Caller,
    refusal::Code,
    tokens::console::Row,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use keydesk_model::Permission;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RevokeForm {
    /// `permanently`, `pause`, or else for a day.
    how: String,
}

pub(crate) async fn revoke(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Form(form): Form<RevokeForm>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let (what, receipt) = match form.how.as_str() {
        "permanently" => {
            ("token_revoked_permanently", super::revoke_permanently(&app, &caller, id).await?)
        }
        "pause" => ("token_paused", super::pause_api_token(&app, &caller, id).await?),
        _ => ("token_revoked", super::revoke_api_token(&app, &caller, id).await?),
    };
    Ok(done("/tokens", what, receipt.as_ref()).into_response())
}

pub(crate) async fn restore(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<Nothing>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let receipt = super::restore_api_token(&app, &fresh.caller, id).await?;
    let path = format!("/tokens/{id}/restore");
    Ok(done(&path, "token_restored", receipt.as_ref()).into_response())
}

/// A client as shown.
struct ClientRow {
    name: String,
    requests: i64,
    rejected: When,
    accepted: Option<When>,
}

#[derive(Template)]
#[template(path = "tokens/restore.html")]
struct RestorePage {
    chrome: PageLayout,
    row: Row,
    is_restorable: bool,
    may_manage: bool,
    clients: Vec<ClientRow>,
    /// The number of clients that work again.
    back: usize,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(notice): Query<Done>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let (token, clients) = super::list_rejected_clients(&app, &caller, id).await?;
    let now = app.now();
    let client = |client: RejectedClient| ClientRow {
        name: client.name,
        requests: client.requests,
        rejected: When::past(client.last_rejected_at, now),
        accepted: client.accepted_at.map(|at| When::past(at, now)),
    };
    let clients: Vec<_> = clients.into_iter().map(client).collect();
    Ok(page(&RestorePage {
        chrome: PageLayout::of(&caller, text("restore-title"), Nav::Tokens).with_notice(&notice),
        is_restorable: is_restorable(&token, now),
        may_manage: caller.may(Permission::ManageTokens),
        back: clients.iter().filter(|client| client.accepted.is_some()).count(),
        row: Row::new(token, now),
        clients,
    }))
}
