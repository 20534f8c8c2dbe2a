//! `/login`, `/login/two-factor`, `/logout`, `/sessions`: the console's login and session pages.

use super::{LoggedIn, NewLogin, ends_at};
use crate::{
    AppState, accounts,
    door::{
        caller::SignedIn,
        cookie::{clear_cookie, device_cookie, safe_next, session_cookie, with_cookie},
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
        when::When,
    },
    principal::{AnonymousUser, Authenticated, CurrentUser},
    refusal::{Code, Kind, Refusal, Value},
    tokens::{self, ObservedClient},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "sessions/login.html")]
struct LogInPage {
    chrome: PageLayout,
    email: String,
    next: String,
    error: Option<String>,
    /// Whether there is no user yet who could log in.
    no_account: bool,
    sign_up: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LogInQuery {
    next: Option<String>,
    done: Option<String>,
    receipt: Option<i64>,
    pending: Option<i64>,
    unconfirmed: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct LogInForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

pub(crate) async fn log_in_page(
    State(app): State<AppState>,
    Query(query): Query<LogInQuery>,
) -> Result<Response, Problem> {
    let no_account = !accounts::has_any(&app).await?;
    let done = Done {
        what: query.done,
        receipt: query.receipt,
        pending: query.pending,
        unconfirmed: query.unconfirmed,
    };
    let chrome = PageLayout::nobody(text("log-in"), Nav::None).with_notice(&done);
    let next = safe_next(query.next.as_deref()).to_owned();
    Ok(page(&LogInPage {
        chrome,
        email: String::new(),
        next,
        error: None,
        no_account,
        sign_up: app.settings.users.sign_up,
    }))
}

pub(crate) async fn log_in(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Form(form): Form<LogInForm>,
) -> Result<Response, Problem> {
    match super::log_in(&app, &form.email, &form.password, visitor).await {
        Ok(LoggedIn::NewLogin(entered)) => {
            let next = safe_next(form.next.as_deref());
            Ok(let_in(&app, &entered, Redirect::to(next)))
        }
        Ok(LoggedIn::HalfWay(half)) => {
            let next = safe_next(form.next.as_deref()).to_owned();
            Ok(page(&SecondFactorPage::new(half.to_string(), next, None)))
        }
        Err(refusal) if can_repeat(&refusal) => {
            let (status, retry_after) = throttled(&refusal);
            let page = LogInPage {
                chrome: PageLayout::nobody(text("log-in"), Nav::None),
                email: form.email,
                next: safe_next(form.next.as_deref()).to_owned(),
                error: Some(detail(&refusal)),
                no_account: false,
                sign_up: app.settings.users.sign_up,
            };
            Ok((retry_after, page_with(status, &page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "sessions/second_factor.html")]
pub(crate) struct SecondFactorPage {
    chrome: PageLayout,
    half: String,
    next: String,
    error: Option<String>,
}

impl SecondFactorPage {
    pub fn new(half: String, next: String, error: Option<String>) -> Self {
        Self { chrome: PageLayout::nobody(text("two-factor"), Nav::None), half, next, error }
    }
}

#[derive(Deserialize)]
pub(crate) struct CodeForm {
    #[serde(default)]
    half: String,
    #[serde(default)]
    code: String,
    next: Option<String>,
}

pub(crate) async fn log_in_with_code(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let next = safe_next(form.next.as_deref());
    match super::log_in_with_code(&app, &form.half, &form.code, visitor).await {
        Ok(entered) => Ok(let_in(&app, &entered, Redirect::to(next))),
        Err(refusal) if can_repeat(&refusal) => {
            let (status, retry_after) = throttled(&refusal);
            let again = SecondFactorPage::new(form.half, next.to_owned(), Some(detail(&refusal)));
            Ok((retry_after, page_with(status, &again)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns whether the page shows the form again: after a wrong password or code, and after too many attempts.
fn can_repeat(refusal: &Refusal) -> bool {
    let is_wrong = matches!(refusal.code(), Code::IncorrectCredentials | Code::IncorrectCode);
    is_wrong || refusal.kind() == Kind::TooMany
}

/// Returns the status of a failed attempt, and the time until the next one is permitted.
fn throttled(refusal: &Refusal) -> (StatusCode, [(HeaderName, String); 1]) {
    let wait = refusal.values().iter().find_map(|(_, value)| match value {
        Value::Span(wait) => Some(wait.as_secs() + 1),
        _ => None,
    });
    let (status, seconds) = match (refusal.kind(), wait) {
        (Kind::TooMany, wait) => (StatusCode::TOO_MANY_REQUESTS, wait.unwrap_or(3_600)),
        _ => (StatusCode::FORBIDDEN, 0),
    };
    (status, [(header::RETRY_AFTER, seconds.to_string())])
}

/// Adds the cookies of a user who has logged in to a response.
pub(crate) fn let_in(app: &AppState, entered: &NewLogin, response: impl IntoResponse) -> Response {
    let response = with_cookie(session_cookie(&entered.session, &app.settings), response);
    match &entered.device {
        Some(device) => with_cookie(device_cookie(device, &app.settings), response),
        None => response,
    }
}

/// Clears the browser's data of the console after a logout.
fn logged_out(app: &AppState, to: Redirect) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
    with_cookie(clear_cookie(&app.settings), (headers, to))
}

pub(crate) async fn log_out(
    State(app): State<AppState>,
    visitor: AnonymousUser,
) -> Result<Response, Problem> {
    super::log_out(&app, visitor).await?;
    Ok(logged_out(&app, Redirect::to("/login?done=logged_out")))
}

#[derive(Template)]
#[template(path = "sessions/list.html")]
struct ListPage {
    chrome: PageLayout,
    sessions: Vec<Shown>,
}

struct Shown {
    id: String,
    client: String,
    place: String,
    is_this: bool,
    since: When,
    seen: When,
    ends: When,
}

pub(crate) async fn list(
    State(app): State<AppState>,
    caller: CurrentUser,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let now = app.now();
    let this = caller.credential().session()?.id;
    let shown = |session: keydesk_store::Session| Shown {
        id: session.id.to_string(),
        is_this: session.id == this,
        since: When::past(session.created_at, now),
        seen: When::past(session.seen_at, now),
        ends: When::future(ends_at(&session), now),
        client: session.user_agent,
        place: session.client_ip,
    };
    let sessions = super::list_own(&app, &caller).await?.into_iter().map(shown).collect();
    let chrome = caller.chrome(text("sessions"), Nav::Sessions).with_notice(&query);
    Ok(page(&ListPage { chrome, sessions }))
}

pub(crate) async fn end(
    State(app): State<AppState>,
    caller: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    if id == caller.credential().session()?.id {
        super::end_session(&app, &caller, id).await?;
        return Ok(logged_out(&app, Redirect::to("/login?done=logged_out")));
    }
    super::end_session(&app, &caller, id).await?;
    Ok(Redirect::to("/sessions?done=session_ended").into_response())
}

#[derive(Template)]
#[template(path = "sessions/log_out_all.html")]
struct EverywherePage {
    chrome: PageLayout,
    clients: Vec<ObservedClient>,
}

pub(crate) async fn log_out_all_page(
    State(app): State<AppState>,
    caller: CurrentUser,
) -> Result<Response, Problem> {
    let clients = tokens::list_clients_of_user(&app, caller.user().id).await?;
    let chrome = caller.chrome(text("log-out-all-title"), Nav::Sessions);
    Ok(page(&EverywherePage { chrome, clients }))
}

pub(crate) async fn log_out_all(
    State(app): State<AppState>,
    caller: CurrentUser,
) -> Result<Response, Problem> {
    let receipt = super::log_out_all(&app, &caller).await?;
    Ok(logged_out(&app, done("/login", "logged_out_of_all_sessions", receipt.as_ref())))
}
