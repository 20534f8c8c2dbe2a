//! `/sso` for owners, `/login/sso` for users who log in with it, and the operator's confirmation.

use super::{
    Arrival, begin, finish,
    provider::callback_url,
    roles::list_clients_without_role,
    settings::{SsoForm, confirm as say_yes, find, remove, set},
};
use crate::{
    AppState,
    consequences::console::Question,
    door::{
        caller::SignedIn,
        cookie::{clear_sso_cookie, safe_next, sso_cookie, sso_in, with_cookie},
        form_error::FormError,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
        reauth::{Nothing, ReauthForm},
    },
    principal::{AnonymousUser, Caller, Operator},
    refusal::{Code, Kind},
    sessions::{
        LoggedIn,
        console::{SecondFactorPage, let_in},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::Role;
use keydesk_store::Domain;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "sso/show.html")]
struct SsoPage {
    chrome: PageLayout,
    form: SsoForm,
    /// The domains, and which of them the operator has confirmed; `None` without single sign-on.
    domains: Option<Vec<Domain>>,
    callback_url: String,
    roles: [Role; 3],
    error: FormError,
}

const ROLES: [Role; 3] = [Role::Administrator, Role::Developer, Role::Viewer];

async fn sso_page(
    app: &AppState,
    caller: &Caller,
    typed: Option<(SsoForm, FormError)>,
) -> Result<SsoPage, Problem> {
    let found = find(app, caller).await?;
    let domains = found.as_ref().map(|found| found.domains.clone());
    let stored = found.map(|found| SsoForm {
        domain: found.domain_names().join(" "),
        issuer: found.issuer,
        client_id: found.client_id,
        client_secret: String::new(),
        scopes: found.scopes,
        client_auth: found.client_auth,
        trusts_emails: found.trusts_emails.then(|| "yes".to_owned()),
        default_role: found.default_role.to_string(),
        role_claim: found.role_claim,
        roles: found.roles,
    });
    let begins = || SsoForm { default_role: Role::Developer.to_string(), ..SsoForm::default() };
    let (form, error) = match typed {
        Some((form, error)) => (form, error),
        None => (stored.unwrap_or_else(begins), FormError::default()),
    };
    Ok(SsoPage {
        chrome: caller.chrome(text("single-sign-on"), Nav::Members),
        form,
        domains,
        callback_url: callback_url(app),
        roles: ROLES,
        error,
    })
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let mut shown = sso_page(&app, &caller, None).await?;
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

pub(crate) async fn save(
    State(app): State<AppState>,
    fresh: ReauthForm<SsoForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, sent } = fresh;
    let clients = list_clients_without_role(&app, &caller, &form).await?;
    let question = || Question {
        chrome: caller.chrome(text("save-settings"), Nav::Members),
        lead: text("sso-consequences").to_string(),
        button: text("save-settings").to_string(),
        back: "/sso".to_owned(),
    };
    if let Some(asks) = sent.ask(clients, question) {
        return Ok(asks);
    }
    match set(&app, &caller, &form).await {
        Ok(()) => Ok(done("/sso", "sso_saved", None).into_response()),
        Err(refusal) if !matches!(refusal.kind(), Kind::Invalid | Kind::TooMany) => {
            Err(refusal.into())
        }
        Err(refusal) => {
            let is_saved = refusal.code() == Code::SsoSavedWithFault;
            let form = SsoForm { client_secret: String::new(), ..form };
            let fields = ["issuer", "client_id", "client_secret", "domain", "scopes", "roles"];
            let error = FormError::new(&refusal, &fields);
            let shown = sso_page(&app, &caller, Some((form, error))).await?;
            let invalid = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page_with(if is_saved { StatusCode::OK } else { invalid }, &shown))
        }
    }
}

pub(crate) async fn take_away(
    State(app): State<AppState>,
    fresh: ReauthForm<Nothing>,
) -> Result<Response, Problem> {
    remove(&app, &fresh.caller).await?;
    Ok(done("/sso", "sso_removed", None).into_response())
}

/// The settings that the operator has seen and confirms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SeenForm {
    issuer: String,
    domain: String,
}

pub(crate) async fn confirm(
    State(app): State<AppState>,
    Path(number): Path<String>,
    fresh: ReauthForm<SeenForm, Operator>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: operator, form, .. } = fresh;
    let number = number.parse().map_err(|_| Code::NotFound)?;
    say_yes(&app, &operator, number, (&form.issuer, &form.domain)).await?;
    let path = format!("/operator/accounts/{number}");
    Ok(done(&path, "sso_approved", None).into_response())
}

#[derive(Template)]
#[template(path = "sso/log_in.html")]
struct LogInPage {
    chrome: PageLayout,
    email: String,
    next: String,
    error: Option<String>,
    /// The URL to continue to, and its host.
    departure: Option<(String, String)>,
}

impl LogInPage {
    fn new(email: String, next: Option<&str>) -> Self {
        let chrome = PageLayout::nobody(text("single-sign-on"), Nav::None);
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

/// Shows a page with a link instead of a redirect, because the console's content security policy permits no form
/// redirects to other sites.
pub(crate) async fn log_in(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Form(form): Form<LogInForm>,
) -> Result<Response, Problem> {
    let shown = LogInPage::new(form.email, form.next.as_deref());
    match begin(&app, &shown.email, &shown.next, &visitor).await {
        Ok(departure) => {
            let cookie = sso_cookie(&departure.state, &departure.browser, &app.settings);
            let departure = Some((departure.url, departure.host));
            Ok(with_cookie(cookie, page(&LogInPage { departure, ..shown })))
        }
        Err(refusal) if matches!(refusal.code(), Code::SsoNotConfigured | Code::ProviderFault) => {
            let shown = LogInPage { error: Some(detail(&refusal)), ..shown };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn callback(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    headers: HeaderMap,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let browser = sso_in(&arrival.state, &headers, &app.settings);
    let (logged_in, next) = finish(&app, &arrival, browser.as_deref(), visitor).await?;
    let response = match logged_in {
        LoggedIn::NewLogin(entered) => let_in(&app, &entered, Redirect::to(safe_next(Some(&next)))),
        LoggedIn::HalfWay(half) => page(&SecondFactorPage::new(half.to_string(), next, None)),
    };
    Ok(with_cookie(clear_sso_cookie(&arrival.state, &app.settings), response))
}
