//! `/api-docs/move` and `/members/{id}/move`: API tokens for the clients of a bearer token, and who uses them already.

use super::{MovingClient, WantedMove, Whose, create_tokens, list_moving_clients};
use crate::{
    AppState,
    door::{
        language::text,
        layout::{Nav, PageLayout, page},
        problem::Problem,
        reauth::ReauthForm,
        when::When,
    },
    principal::Caller,
    refusal::Code,
    tokens::{console::scope_words, limits::console::networks},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use keydesk_model::{Expiry, MemberId, Timestamp};
use keydesk_store::Token;
use keydesk_token::PlainToken;
use serde::Deserialize;

struct Row {
    name: String,
    scopes: Vec<String>,
    networks: Vec<String>,
    operations: Vec<String>,
    last_used: When,
    /// The token that was created for it: its ID, its name, and when the client used it last.
    moved_to: Option<(String, String, Option<When>)>,
    has_moved: bool,
    depends: bool,
}

impl Row {
    fn new(client: MovingClient, now: Timestamp) -> Self {
        let (has_moved, depends) = (client.has_moved(), client.depends(now));
        Self {
            scopes: scope_words(&client.scopes),
            networks: networks(&client.ip_allowlist),
            operations: client.operations,
            last_used: When::past(client.last_used_at, now),
            moved_to: client.moved_to.filter(|moved| moved.is_active).map(|moved| {
                let used = moved.last_used_at.map(|at| When::past(at, now));
                (moved.token.to_string(), moved.token_name, used)
            }),
            has_moved,
            depends,
            name: client.name,
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/move.html")]
struct MovePage {
    chrome: PageLayout,
    /// The page itself, and the name of the member if it is not the caller.
    path: String,
    member: Option<String>,
    rows: Vec<Row>,
    /// The number of clients that would stop working.
    dependent: usize,
    is_safe: bool,
    /// Whether there is a client without a token of its own.
    has_more: bool,
}

async fn move_page(
    app: &AppState,
    caller: &Caller,
    (whose, path): (Whose, String),
) -> Result<Response, Problem> {
    let now = app.now();
    let (member, clients) = list_moving_clients(app, caller, whose).await?;
    let rows: Vec<_> = clients.into_iter().map(|client| Row::new(client, now)).collect();
    Ok(page(&MovePage {
        chrome: PageLayout::of(caller, text("move-title"), Nav::ApiDocs),
        member: (member.id != caller.member.id).then_some(member.name),
        dependent: rows.iter().filter(|row| row.depends).count(),
        is_safe: !rows.iter().any(|row| row.depends),
        has_more: rows.iter().any(|row| row.moved_to.is_none()),
        path,
        rows,
    }))
}

pub(crate) async fn show_own(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    move_page(&app, &caller, (Whose::Own, "/api-docs/move".to_owned())).await
}

pub(crate) async fn show_of_member(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let member: MemberId = id.parse().map_err(|_| Code::NotFound)?;
    move_page(&app, &caller, (Whose::Member(member), format!("/members/{member}/move"))).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MoveForm {
    client: Vec<String>,
    /// The clients whose tokens have only the scopes, and only the IP addresses, that they used.
    scopes_of: Vec<String>,
    addresses_of: Vec<String>,
    expires: String,
}

/// A new token, shown once.
struct Made {
    name: String,
    token: PlainToken,
    scopes: Vec<String>,
    /// The ID of its element.
    field: String,
}

#[derive(Template)]
#[template(path = "tokens/moved.html")]
struct MovedPage {
    chrome: PageLayout,
    endpoint_url: String,
    made: Vec<Made>,
    path: String,
}

async fn create(
    app: &AppState,
    caller: &Caller,
    (whose, path): (Whose, String),
    form: MoveForm,
) -> Result<Response, Problem> {
    let MoveForm { client, scopes_of, addresses_of, expires } = form;
    let expires = if expires.is_empty() { "never" } else { &expires };
    let expiry: Expiry = expires.parse().map_err(crate::refusal::Refusal::from)?;
    let wanted = client.into_iter().map(|client| WantedMove {
        is_limited_to_scopes: scopes_of.contains(&client),
        is_limited_to_addresses: addresses_of.contains(&client),
        client,
    });
    let wanted: Vec<_> = wanted.collect();
    let made = create_tokens(app, caller, whose, (&wanted, expiry)).await?;
    let view = |(number, (token, plain)): (usize, (Token, PlainToken))| Made {
        scopes: scope_words(&token.scopes),
        name: token.name,
        token: plain,
        field: format!("token-{number}"),
    };
    Ok(page(&MovedPage {
        chrome: PageLayout::of(caller, text("moved-title"), Nav::ApiDocs),
        endpoint_url: app.settings.endpoint_url(caller.account.number),
        made: made.into_iter().enumerate().map(view).collect(),
        path,
    }))
}

pub(crate) async fn create_own(
    State(app): State<AppState>,
    fresh: ReauthForm<MoveForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    create(&app, &caller, (Whose::Own, "/api-docs/move".to_owned()), form).await
}

pub(crate) async fn create_of_member(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<MoveForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    let member: MemberId = id.parse().map_err(|_| Code::NotFound)?;
    create(&app, &caller, (Whose::Member(member), format!("/members/{member}/move")), form).await
}
