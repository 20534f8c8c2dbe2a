//! `/tokens/{id}`: everything about one token on a page.

use super::{TokenOverview, find_token_overview};
use crate::{
    AppState,
    alerts::console::KindChoice,
    audit::console::Row as Change,
    door::{
        language::{label, text},
        layout::{Done, Nav, PageLayout, page},
        problem::Problem,
    },
    principal::Caller,
    refusal::Code,
    requests::ShownRequest,
    requests::console::Row as FailedRequest,
    tokens::{ObservedClient, console::Row, is_restorable, limits::console::networks},
    usage::{Grouping, console::chart::Chart},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use keydesk_model::{AlertKind, Permission, TokenOwner};

/// The alerts about a single token.
const OF_A_TOKEN: [AlertKind; 3] =
    [AlertKind::ErrorSpike, AlertKind::Silence, AlertKind::PreviousSecret];

#[derive(Template)]
#[template(path = "tokens/show.html")]
struct TokenPage {
    chrome: PageLayout,
    row: Row,
    note: String,
    /// Who created it, unless it is a bearer token.
    made_by: Option<String>,
    ip_allowlist: Vec<String>,
    /// Whether other limits are observed.
    is_observed: bool,
    is_restorable: bool,
    may_manage: bool,
    chart: Chart,
    group: String,
    clients: Vec<ObservedClient>,
    /// The clients that still use a secret that has ended.
    left_behind: Vec<ObservedClient>,
    failed: Vec<FailedRequest>,
    changes: Option<Vec<Change>>,
    alerts: Vec<KindChoice>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(notice): Query<Done>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let now = app.now();
    let TokenOverview { token, usage, clients, failed, changes, alerts_off } =
        find_token_overview(&app, &caller, id).await?;
    let is_api_token = token.token_owner == TokenOwner::Account;
    let failed = failed
        .into_iter()
        .map(|request| FailedRequest::new(ShownRequest { request, token: None }, now));
    let changes =
        changes.map(|lines| lines.into_iter().map(|line| Change::new(line, now)).collect());
    let (ip_allowlist, is_observed) = (networks(&token.ip_allowlist), token.observed.is_some());
    let is_restorable = is_api_token && is_restorable(&token, now);
    let may_see_secret = caller.manages_tokens_of(token.token_owner);
    let note = token.note.as_str().to_owned();
    let mut row = Row::new(token, now);
    if !may_see_secret {
        row.masked.clear();
    }
    Ok(page(&TokenPage {
        chrome: PageLayout::of(&caller, text("token"), Nav::Tokens).with_notice(&notice),
        made_by: is_api_token.then(|| row.made_by.clone()),
        note,
        ip_allowlist,
        is_observed,
        is_restorable,
        may_manage: is_api_token && caller.may(Permission::ManageTokens),
        chart: Chart::of(&usage, Grouping::Client),
        group: label("usage-group", "client"),
        clients: clients.current,
        left_behind: clients.left_behind,
        failed: failed.collect(),
        alerts: OF_A_TOKEN.map(|kind| KindChoice::new(kind, !alerts_off.contains(&kind))).into(),
        changes,
        row,
    }))
}
