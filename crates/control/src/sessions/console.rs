//! `/login`, `/login/second-factor`, `/logout`, `/sessions`: the console's pages about being logged in.

use super::{
    Entered, LogInError, LoggedIn, clear_cookie, device_cookie, ends_at, safe_next, session_cookie,
};
use crate::{
    Desk,
    attempts::HeldError,
    caller::{Authenticated, Myself, Visitor},
    chrome::{Chrome, Done, Nav, done, page, page_with},
    problem::Problem,
    say,
    tokens::{self, Program},
    when::When,
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
    chrome: Chrome,
    email: String,
    next: String,
    error: Option<String>,
    /// Nobody can log in yet.
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
    State(desk): State<Desk>,
    Query(query): Query<LogInQuery>,
) -> Result<Response, Problem> {
    let no_account = desk.store.read().await?.count_accounts().await? == 0;
    let done = Done {
        what: query.done,
        receipt: query.receipt,
        pending: query.pending,
        unconfirmed: query.unconfirmed,
    };
    let chrome = Chrome::nobody(say("log-in"), Nav::None).with_notice(&done);
    let next = safe_next(query.next.as_deref()).to_owned();
    Ok(page(&LogInPage {
        chrome,
        email: String::new(),
        next,
        error: None,
        no_account,
        sign_up: desk.settings.people.sign_up,
    }))
}

pub(crate) async fn log_in(
    State(desk): State<Desk>,
    visitor: Visitor,
    Form(form): Form<LogInForm>,
) -> Result<Response, Problem> {
    match super::log_in(&desk, &form.email, &form.password, visitor).await {
        Ok(LoggedIn::Entered(entered)) => {
            let next = safe_next(form.next.as_deref());
            Ok(let_in(&desk, &entered, Redirect::to(next)))
        }
        Ok(LoggedIn::HalfWay(half)) => {
            let next = safe_next(form.next.as_deref()).to_owned();
            Ok(page(&SecondFactorPage::new(half.to_string(), next, None)))
        }
        Err(error @ (LogInError::Wrong | LogInError::Held(_))) => {
            let (status, retry_after) = held(&error);
            let page = LogInPage {
                chrome: Chrome::nobody(say("log-in"), Nav::None),
                email: form.email,
                next: safe_next(form.next.as_deref()).to_owned(),
                error: Some(error.to_string()),
                no_account: false,
                sign_up: desk.settings.people.sign_up,
            };
            Ok((retry_after, page_with(status, &page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "sessions/second_factor.html")]
pub(crate) struct SecondFactorPage {
    chrome: Chrome,
    half: String,
    next: String,
    error: Option<String>,
}

impl SecondFactorPage {
    pub fn new(half: String, next: String, error: Option<String>) -> Self {
        Self { chrome: Chrome::nobody(say("second-factor"), Nav::None), half, next, error }
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
    State(desk): State<Desk>,
    visitor: Visitor,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let next = safe_next(form.next.as_deref());
    match super::log_in_with_code(&desk, &form.half, &form.code, visitor).await {
        Ok(entered) => Ok(let_in(&desk, &entered, Redirect::to(next))),
        Err(error @ (LogInError::WrongCode | LogInError::Held(_))) => {
            let (status, retry_after) = held(&error);
            let again = SecondFactorPage::new(form.half, next.to_owned(), Some(error.to_string()));
            Ok((retry_after, page_with(status, &again)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// How a refused try is answered, and when the next may be made.
fn held(error: &LogInError) -> (StatusCode, [(HeaderName, String); 1]) {
    let (status, seconds) = match error {
        LogInError::Held(
            HeldError::Wait(wait) | HeldError::LogIns(wait) | HeldError::SignOns(wait),
        ) => (StatusCode::TOO_MANY_REQUESTS, wait.as_secs() + 1),
        LogInError::Held(_) => (StatusCode::TOO_MANY_REQUESTS, 3_600),
        _ => (StatusCode::FORBIDDEN, 0),
    };
    (status, [(header::RETRY_AFTER, seconds.to_string())])
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::Wrong
            | LogInError::WrongCode
            | LogInError::WrongPasskey
            | LogInError::HalfOver => {
                Self::new(StatusCode::FORBIDDEN, say("not-logged-in"), error.to_string())
                    .leading_to("/login", say("go-to-log-in"))
            }
            LogInError::Held(held) => held.into(),
            LogInError::TooBusy(_) => Self::too_busy(),
            LogInError::Store(error) => error.into(),
        }
    }
}

/// The cookies of someone who is let in.
pub(crate) fn let_in(desk: &Desk, entered: &Entered, response: impl IntoResponse) -> Response {
    let response = with_cookie(session_cookie(&entered.session, &desk.settings), response);
    match &entered.device {
        Some(device) => with_cookie(device_cookie(device, &desk.settings), response),
        None => response,
    }
}

pub(crate) fn with_cookie(cookie: header::HeaderValue, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// After logging out nothing of the console may stay in the browser.
fn logged_out(desk: &Desk, to: Redirect) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
    with_cookie(clear_cookie(&desk.settings), (headers, to))
}

pub(crate) async fn log_out(
    State(desk): State<Desk>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    super::log_out(&desk, visitor).await?;
    Ok(logged_out(&desk, Redirect::to("/login?done=logged_out")))
}

#[derive(Template)]
#[template(path = "sessions/list.html")]
struct ListPage {
    chrome: Chrome,
    sessions: Vec<Shown>,
}

struct Shown {
    id: String,
    program: String,
    place: String,
    is_this: bool,
    since: When,
    seen: When,
    ends: When,
}

pub(crate) async fn list(
    State(desk): State<Desk>,
    caller: Myself,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let now = desk.now();
    let shown = |session: keydesk_store::Session| Shown {
        id: session.id.to_string(),
        is_this: session.id == caller.session().id,
        since: When::past(session.created_at, now),
        seen: When::past(session.seen_at, now),
        ends: When::future(ends_at(&session), now),
        program: session.user_agent,
        place: session.client_ip,
    };
    let sessions = super::list_own(&desk, &caller).await?.into_iter().map(shown).collect();
    let chrome = caller.chrome(say("sessions"), Nav::Sessions).with_notice(&query);
    Ok(page(&ListPage { chrome, sessions }))
}

pub(crate) async fn end(
    State(desk): State<Desk>,
    caller: Myself,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    if id == caller.session().id {
        super::end_session(&desk, &caller, id).await?;
        return Ok(logged_out(&desk, Redirect::to("/login?done=logged_out")));
    }
    super::end_session(&desk, &caller, id).await?;
    Ok(Redirect::to("/sessions?done=session_ended").into_response())
}

#[derive(Template)]
#[template(path = "sessions/log_out_everywhere.html")]
struct EverywherePage {
    chrome: Chrome,
    programs: Vec<Program>,
}

pub(crate) async fn log_out_everywhere_page(
    State(desk): State<Desk>,
    caller: Myself,
) -> Result<Response, Problem> {
    let programs = tokens::list_programs_of_person(&desk, caller.person().id).await?;
    let chrome = caller.chrome(say("everywhere-title"), Nav::Sessions);
    Ok(page(&EverywherePage { chrome, programs }))
}

pub(crate) async fn log_out_everywhere(
    State(desk): State<Desk>,
    caller: Myself,
) -> Result<Response, Problem> {
    let receipt = super::log_out_everywhere(&desk, &caller).await?;
    Ok(logged_out(&desk, done("/login", "logged_out_of_all_sessions", receipt.as_ref())))
}
