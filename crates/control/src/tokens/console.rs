//! `/tokens`: the account's API tokens, the page that shows a secret once, and the actions that revoke one.

use super::{
    ObservedClient,
    selection::{
        console::{SelectionForm, SelectionQuery},
        select,
    },
};
use crate::{
    AppState,
    door::{
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page},
        list_query::ListQuery,
        problem::Problem,
        reauth::ReauthForm,
        when::When,
    },
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
    usage::{console::chart::Sparkline, read_month_by_token},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use keydesk_model::{
    GracePeriod, GracePeriodError, Permission, RevocationReason, RotationTerms, Scope, ScopeSet,
    Timestamp, TokenId, TokenState,
};
use keydesk_store::{ClosingSecret, Token, TokenFilter};
use keydesk_token::PlainToken;
use serde::Deserialize;
use std::collections::HashMap;

/// An API token as shown in the tables.
pub(crate) struct Row {
    pub id: String,
    pub name: String,
    pub masked: String,
    pub scopes: Vec<String>,
    pub made_by: String,
    pub made: When,
    pub last_used: Option<When>,
    pub last_used_by: String,
    pub is_live: bool,
    pub expires: Option<When>,
    pub expires_soon: bool,
    /// The reason why it no longer works, "expired" or "revoked", and the time.
    pub over: Option<(String, When)>,
    pub is_leaked: bool,
    /// The time until which it can be restored.
    pub restorable_until: Option<When>,
    /// The requests of the last 30 days, where a list shows them.
    pub month: Option<Sparkline>,
}

impl Row {
    pub fn new(token: Token, now: Timestamp) -> Self {
        let state = token.state(now);
        let is_live = state == TokenState::Active;
        let left = token.expires_at.map(|at| at.since(now));
        let hold = token.hold.filter(|hold| hold.is_open(now));
        let is_paused = hold.is_some_and(|hold| hold.until.is_none());
        let until = hold.and_then(|hold| hold.until);
        Self {
            id: token.id.to_string(),
            scopes: scope_words(&token.scopes),
            made_by: token.created_by.unwrap_or_else(|| text("former-member").to_string()),
            made: When::past(token.created_at, now),
            last_used: token.last_used_at.map(|at| When::past(at, now)),
            last_used_by: match (token.last_used_by, token.last_used_from) {
                (Some(client), Some(addr)) => {
                    text("client-from").with("client", client).with("address", addr).to_string()
                }
                _ => String::new(),
            },
            is_live,
            expires: token
                .expires_at
                .map(|at| if at > now { When::future(at, now) } else { When::past(at, now) }),
            expires_soon: left.is_some_and(|left| left.as_secs() < 14 * 86_400),
            over: match state {
                TokenState::Active => None,
                TokenState::Expired(at) => {
                    Some((label("inactive", "expired"), When::past(at, now)))
                }
                TokenState::Revoked(revocation) => Some((
                    label(
                        "inactive",
                        if is_paused { "paused" } else { revocation.reason.as_str() },
                    ),
                    When::past(revocation.at, now),
                )),
            },
            is_leaked: matches!(state, TokenState::Revoked(revocation) if revocation.reason == RevocationReason::Leaked),
            restorable_until: until.map(|at| When::future(at, now)),
            month: None,
            name: token.name,
            masked: token.masked,
        }
    }
}

impl ObservedClient {
    pub fn last_request(&self) -> When {
        When::past(self.last_used_at, self.as_of)
    }

    pub fn first_operations(&self) -> &[String] {
        &self.operations[..self.operations.len().min(3)]
    }

    /// Returns the number of operations beside the first ones, if there are more.
    pub fn more_operations(&self) -> Option<usize> {
        self.operations.len().checked_sub(3).filter(|more| *more > 0)
    }
}

/// Returns the names of scopes, for the labels of a page.
pub(crate) fn scope_words(scopes: &ScopeSet) -> Vec<String> {
    let word = |scope: &Scope| match scope.as_str() {
        "*" => text("full-access").to_string(),
        named => named.to_owned(),
    };
    scopes.iter().map(word).collect()
}

/// A previous secret that still works during a grace period.
struct OldRow {
    token: TokenId,
    name: String,
    masked: String,
    until: When,
    /// The idle period after which it is revoked earlier.
    revoke_after_idle: Option<&'static str>,
    last_used: Option<When>,
    last_used_by: String,
}

impl OldRow {
    fn new(old: ClosingSecret, now: Timestamp) -> Self {
        let revoke_after_idle = GracePeriod::ALL
            .into_iter()
            .find(|spans| Some(spans.duration()) == old.revoke_after_idle);
        Self {
            token: old.token,
            name: old.token_name,
            masked: old.masked,
            until: When::future(old.closing.at, now),
            revoke_after_idle: revoke_after_idle.map(GracePeriod::as_str),
            last_used: old.last_used_at.map(|at| When::past(at, now)),
            last_used_by: old.last_used_by.unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct ListPage {
    chrome: PageLayout,
    /// The text in the search field, if there is one.
    search: Option<String>,
    is_inactive: bool,
    /// The form that filters and sorts active tokens, if there are many.
    form: Option<SelectionForm>,
    /// The page's tokens, active or inactive ones.
    listed: Vec<Row>,
    /// The link to the next page.
    next: Option<String>,
    old: Vec<OldRow>,
    /// The tokens that can be restored.
    restorable: Vec<Row>,
    may_manage: bool,
}

/// Which list is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StateQuery {
    state: String,
}

pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    Query(notice): Query<Done>,
    Query(StateQuery { state }): Query<StateQuery>,
    queries: (Query<ListQuery>, Query<SelectionQuery>),
) -> Result<Response, Problem> {
    let (Query(query), Query(selection)) = queries;
    let months = read_month_by_token(&app, &caller).await?;
    let shown = if state == "inactive" {
        inactive_page(&app, &caller, &query, &months).await?
    } else {
        active_page(&app, &caller, &selection, &months).await?
    };
    Ok(page(&ListPage { chrome: shown.chrome.with_notice(&notice), ..shown }))
}

type Months = HashMap<TokenId, Vec<u64>>;

fn rows(tokens: Vec<Token>, months: &Months, now: Timestamp) -> Vec<Row> {
    let row = |token: Token| {
        let month = months.get(&token.id).map(|points| Sparkline::of(points.iter().copied()));
        Row { month, ..Row::new(token, now) }
    };
    tokens.into_iter().map(row).collect()
}

async fn active_page(
    app: &AppState,
    caller: &Caller,
    query: &SelectionQuery,
    months: &Months,
) -> Result<ListPage, Problem> {
    let now = app.now();
    let mut selected = select(app, caller, &query.selection()?).await?;
    let (old, restorable) = if query.is_whole() {
        let old = super::list_previous_secrets(app, caller).await?;
        (old, super::list_restorable_tokens(app, caller).await?)
    } else {
        (Vec::new(), Vec::new())
    };
    let old = old.into_iter().filter(|old| old.closing.at > now);
    Ok(ListPage {
        chrome: PageLayout::of(caller, text("layout-tokens"), Nav::Tokens),
        search: None,
        is_inactive: false,
        listed: rows(std::mem::take(&mut selected.tokens), months, now),
        next: selected.next.map(|last| query.next(last)),
        form: SelectionForm::new(query, &selected),
        old: old.map(|old| OldRow::new(old, now)).collect(),
        restorable: restorable.into_iter().map(|token| Row::new(token, now)).collect(),
        may_manage: caller.may(Permission::ManageTokens),
    })
}

async fn inactive_page(
    app: &AppState,
    caller: &Caller,
    query: &ListQuery,
    months: &Months,
) -> Result<ListPage, Problem> {
    let search = query.search()?;
    let found = super::list_api_tokens(app, caller, TokenFilter::Inactive, &search).await?;
    Ok(ListPage {
        chrome: PageLayout::of(caller, text("layout-tokens"), Nav::Tokens),
        search: query.field(found.next.is_some()),
        is_inactive: true,
        next: found.next.map(|last| query.next("/tokens?state=inactive", &last)),
        listed: rows(found.items, months, app.now()),
        form: None,
        old: Vec::new(),
        restorable: Vec::new(),
        may_manage: caller.may(Permission::ManageTokens),
    })
}

#[derive(Template)]
#[template(path = "tokens/shown_once.html")]
struct ShownOncePage {
    chrome: PageLayout,
    row: Row,
    token: PlainToken,
    endpoint_url: String,
    whoami: String,
    rotated: Option<Rotated>,
}

/// The details of a rotation.
pub(super) struct Rotated {
    receipt: Option<Issued>,
    /// The time until which the previous secret works.
    previous_secret_expires_at: Option<When>,
}

pub(super) fn shown_once(
    app: &AppState,
    caller: &Caller,
    token: Token,
    plain: PlainToken,
    rotated: Option<Rotated>,
) -> Response {
    let endpoint_url = app.settings.endpoint_url(caller.account.number);
    let whoami = format!("{endpoint_url}/{}/whoami", app.settings.reserved_prefix);
    let chrome = PageLayout::of(
        caller,
        text(if rotated.is_some() { "ended-token-rotate" } else { "token-created" }),
        Nav::Tokens,
    );
    let row = Row::new(token, app.now());
    page(&ShownOncePage { chrome, row, token: plain, endpoint_url, whoami, rotated })
}

#[derive(Template)]
#[template(path = "tokens/end.html")]
struct EndPage {
    chrome: PageLayout,
    row: Row,
    version: i64,
    clients: Vec<ObservedClient>,
    rotates: bool,
}

async fn end_page(
    app: &AppState,
    caller: &Caller,
    id: &str,
    rotates: bool,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let (token, clients) = super::prepare_end(app, caller, id).await?;
    let version = token.version;
    let row = Row::new(token, app.now());
    let chrome = PageLayout::of(
        caller,
        text(if rotates { "rotate-api-token" } else { "revoke-api-token" }),
        Nav::Tokens,
    );
    Ok(page(&EndPage { chrome, row, version, clients, rotates }))
}

pub(crate) async fn rotate_page(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &caller, &id, true).await
}

pub(crate) async fn revoke_page(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &caller, &id, false).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RotateForm {
    version: Option<String>,
    grace_period: Option<String>,
    revoke_after_idle: Option<String>,
}

impl RotateForm {
    /// Returns the version that the page showed, which a script may omit.
    pub fn version(&self) -> Result<Option<i64>, Problem> {
        let seen = self.version.as_deref().map(str::parse).transpose();
        seen.map_err(|_| Code::InvalidVersion.into())
    }

    fn terms(&self) -> Result<RotationTerms, Problem> {
        let read = |text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(GracePeriod::None),
            Some(text) => {
                text.parse().map_err(|error: GracePeriodError| Problem::from(Refusal::from(error)))
            }
        };
        Ok(RotationTerms {
            grace_period: read(&self.grace_period)?,
            revoke_after_idle: read(&self.revoke_after_idle)?,
        })
    }
}

pub(crate) async fn rotate(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<RotateForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let made = super::rotate_api_token(&app, &caller, id, form.version()?, form.terms()?).await?;
    let previous_secret_expires_at =
        made.closing.map(|closing| When::future(closing.at, app.now()));
    let rotated = Rotated { receipt: made.receipt, previous_secret_expires_at };
    Ok(shown_once(&app, &caller, made.token, made.plain, Some(rotated)))
}

pub(crate) async fn close_old(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let receipt = super::revoke_previous_secrets(&app, &caller, id).await?;
    Ok(done("/tokens", "previous_secret_revoked", receipt.as_ref()).into_response())
}
