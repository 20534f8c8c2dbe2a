//! `/sign-on` for owners, `/login/sign-on` for whoever logs in by it, and the operator's yes.

use super::{
    Arrival, SignOnError, begin, finish,
    provider::callback_url,
    settings::{SignOnForm, confirm as say_yes, find, remove, set},
};
use crate::{
    Desk,
    caller::{Authenticated, Caller, Visitor},
    chrome::{Chrome, Done, Nav, done, page, page_with},
    freshness::{FreshForm, Nothing},
    operators::Operator,
    problem::Problem,
    say,
    sessions::{
        LoggedIn, clear_sign_on_cookie,
        console::{SecondFactorPage, let_in, with_cookie},
        safe_next, sign_on_cookie, sign_on_in,
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Right, Role};
use keydesk_store::Domain;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "sign_on/show.html")]
struct SignOnPage {
    chrome: Chrome,
    form: SignOnForm,
    /// None: there is no single sign-on. Which the operator has confirmed.
    domains: Option<Vec<Domain>>,
    callback_url: String,
    roles: [Role; 3],
    error: Option<String>,
}

const ROLES: [Role; 3] = [Role::Administrator, Role::Developer, Role::Viewer];

async fn sign_on_page(
    desk: &Desk,
    caller: &Caller,
    typed: Option<(SignOnForm, String)>,
) -> Result<SignOnPage, Problem> {
    let found = find(desk, caller).await?;
    let domains = found.as_ref().map(|found| found.domains.clone());
    let stored = found.map(|found| SignOnForm {
        domain: found.domain_names().join(" "),
        issuer: found.issuer,
        client_id: found.client_id,
        client_secret: String::new(),
        scopes: found.scopes,
        client_auth: found.client_auth,
        trusts_addresses: found.trusts_addresses.then(|| "yes".to_owned()),
        default_role: found.default_role.to_string(),
        role_claim: found.role_claim,
        roles: found.roles,
    });
    let begins =
        || SignOnForm { default_role: Role::Developer.to_string(), ..SignOnForm::default() };
    let (form, error) = match typed {
        Some((form, error)) => (form, Some(error)),
        None => (stored.unwrap_or_else(begins), None),
    };
    Ok(SignOnPage {
        chrome: caller.chrome(say("single-sign-on"), Nav::Members),
        form,
        domains,
        callback_url: callback_url(desk),
        roles: ROLES,
        error,
    })
}

pub(crate) async fn show(
    State(desk): State<Desk>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    caller.permit(Right::ManageSignOn)?;
    let mut shown = sign_on_page(&desk, &caller, None).await?;
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

pub(crate) async fn save(
    State(desk): State<Desk>,
    fresh: FreshForm<SignOnForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    caller.permit(Right::ManageSignOn)?;
    match set(&desk, &caller, &form).await? {
        Ok(()) => Ok(done("/sign-on", "sign_on_set", None).into_response()),
        Err(error) => {
            let is_saved = matches!(error, SignOnError::Saved(_));
            let form = SignOnForm { client_secret: String::new(), ..form };
            let shown = sign_on_page(&desk, &caller, Some((form, error.to_string()))).await?;
            let invalid = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page_with(if is_saved { StatusCode::OK } else { invalid }, &shown))
        }
    }
}

pub(crate) async fn take_away(
    State(desk): State<Desk>,
    fresh: FreshForm<Nothing>,
) -> Result<Response, Problem> {
    fresh.caller.permit(Right::ManageSignOn)?;
    remove(&desk, &fresh.caller).await?;
    Ok(done("/sign-on", "sign_on_removed", None).into_response())
}

/// What the operator has seen, and says yes to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SeenForm {
    issuer: String,
    domain: String,
}

pub(crate) async fn confirm(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    fresh: FreshForm<SeenForm, Operator>,
) -> Result<Response, Problem> {
    let FreshForm { caller: operator, form } = fresh;
    let number = number.parse().map_err(|_| Problem::not_found())?;
    say_yes(&desk, &operator, number, (&form.issuer, &form.domain)).await?;
    let path = format!("/operator/accounts/{number}");
    Ok(done(&path, "sign_on_confirmed", None).into_response())
}

#[derive(Template)]
#[template(path = "sign_on/log_in.html")]
struct LogInPage {
    chrome: Chrome,
    email: String,
    next: String,
    error: Option<String>,
    /// Where to go on, and whose host that is.
    departure: Option<(String, String)>,
}

impl LogInPage {
    fn new(email: String, next: Option<&str>) -> Self {
        let chrome = Chrome::nobody(say("single-sign-on"), Nav::None);
        Self { chrome, email, next: safe_next(next).to_owned(), error: None, departure: None }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

pub(crate) async fn log_in_page(Query(query): Query<Next>) -> Response {
    page(&LogInPage::new(String::new(), query.next.as_deref()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogInForm {
    email: String,
    next: Option<String>,
}

/// A page with a link, not a redirect: the policy of this console sends no form elsewhere.
pub(crate) async fn log_in(
    State(desk): State<Desk>,
    visitor: Visitor,
    Form(form): Form<LogInForm>,
) -> Result<Response, Problem> {
    let shown = LogInPage::new(form.email, form.next.as_deref());
    match begin(&desk, &shown.email, &shown.next, &visitor).await {
        Ok(departure) => {
            let cookie = sign_on_cookie(&departure.state, &departure.browser, &desk.settings);
            let departure = Some((departure.url, departure.host));
            Ok(with_cookie(cookie, page(&LogInPage { departure, ..shown })))
        }
        Err(error @ (SignOnError::None | SignOnError::Provider { .. })) => {
            let shown = LogInPage { error: Some(error.to_string()), ..shown };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn callback(
    State(desk): State<Desk>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let browser = sign_on_in(&arrival.state, &headers, &desk.settings);
    let (logged_in, next) = finish(&desk, &arrival, browser, visitor).await?;
    let response = match logged_in {
        LoggedIn::Entered(entered) => let_in(&desk, &entered, Redirect::to(safe_next(Some(&next)))),
        LoggedIn::HalfWay(half) => page(&SecondFactorPage::new(half.to_string(), next, None)),
    };
    Ok(with_cookie(clear_sign_on_cookie(&arrival.state, &desk.settings), response))
}
