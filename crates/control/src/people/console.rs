//! `/profile`, `/forgot-password`, `/reset-password/{code}`.

use super::ChangeError;
use crate::{
    Desk,
    caller::{Authenticated, Myself, Visitor},
    chrome::{Chrome, Done, Nav, done, page, page_with},
    factors, named,
    problem::Problem,
    say,
    sessions::{console::with_cookie, session_cookie},
    tokens::{self, Program},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::Language;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "people/profile.html")]
struct ProfilePage {
    chrome: Chrome,
    name: String,
    email: String,
    role: String,
    has_account: bool,
    programs: Vec<Program>,
    has_factor: bool,
    languages: [(&'static str, &'static str); Language::ALL.len()],
    language: &'static str,
    error: Option<String>,
}

async fn profile_page(
    desk: &Desk,
    caller: &Myself,
    done: &Done,
    error: Option<String>,
) -> Result<ProfilePage, Problem> {
    Ok(ProfilePage {
        chrome: caller.chrome(say("profile-title"), Nav::Profile).with_notice(done),
        name: caller.person().name.clone(),
        email: caller.person().email.to_string(),
        role: named(
            "role",
            caller.member().map_or("operator", |caller| caller.member.role.as_str()),
        ),
        has_account: caller.member().is_some(),
        programs: tokens::list_programs_of_person(desk, caller.person().id).await?,
        has_factor: factors::has_one(&mut desk.store.read().await?, caller.person().id).await?,
        languages: Language::ALL.map(|language| (language.as_str(), language.own_name())),
        language: caller.person().language.map_or("", Language::as_str),
        error,
    })
}

pub(crate) async fn profile(
    State(desk): State<Desk>,
    caller: Myself,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    Ok(page(&profile_page(&desk, &caller, &query, None).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct LanguageForm {
    language: String,
}

pub(crate) async fn choose_language(
    State(desk): State<Desk>,
    caller: Myself,
    Form(form): Form<LanguageForm>,
) -> Result<Response, Problem> {
    let language = match form.language.as_str() {
        "" => None,
        code => Some(code.parse().map_err(|_| Problem::invalid(say("language-unknown")))?),
    };
    super::choose_language(&desk, &caller, language).await?;
    Ok(done("/profile", "language_set", None).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ChangeForm {
    current_password: String,
    new_password: String,
}

pub(crate) async fn change_password(
    State(desk): State<Desk>,
    caller: Myself,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    match super::change_password(&desk, &caller, &form.current_password, &form.new_password).await {
        Ok((secret, receipt)) => {
            let cookie = session_cookie(&secret, &desk.settings);
            let has_token = caller
                .member()
                .is_some_and(|caller| caller.member.role.may(keydesk_model::Right::UseApiDocs));
            let (to, what) = if has_token {
                ("/api-docs", "password_changed")
            } else {
                ("/profile", "password_changed_only")
            };
            Ok(with_cookie(cookie, done(to, what, receipt.as_ref())))
        }
        Err(
            error @ (ChangeError::WrongCurrent
            | ChangeError::Same
            | ChangeError::Held(_)
            | ChangeError::Unfit(_)),
        ) => {
            let page =
                profile_page(&desk, &caller, &Done::default(), Some(error.to_string())).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "people/forgot.html")]
struct ForgotPage {
    chrome: Chrome,
    can_send: bool,
    shows_mail: bool,
    sent: bool,
}

fn forgot(desk: &Desk, sent: bool) -> Response {
    page(&ForgotPage {
        chrome: Chrome::nobody(say("forgot-title"), Nav::None),
        can_send: desk.mailer.can_send(),
        shows_mail: desk.settings.is_local && matches!(desk.mailer, crate::Mailer::Mailbox(_)),
        sent,
    })
}

pub(crate) async fn forgot_page(State(desk): State<Desk>) -> Response {
    forgot(&desk, false)
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct ForgotForm {
    email: String,
}

pub(crate) async fn request_reset(
    State(desk): State<Desk>,
    visitor: Visitor,
    Form(form): Form<ForgotForm>,
) -> Result<Response, Problem> {
    if desk.mailer.can_send() {
        super::request_reset(&desk, &form.email, visitor.origin).await?;
    }
    Ok(forgot(&desk, true))
}

#[derive(Template)]
#[template(path = "people/reset.html")]
struct ResetPage {
    chrome: Chrome,
    code: String,
    error: Option<String>,
}

pub(crate) async fn reset_page(
    State(desk): State<Desk>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    if !super::is_reset_open(&desk, &code).await? {
        return Err(ChangeError::LinkOver.into());
    }
    Ok(page(&ResetPage {
        chrome: Chrome::nobody(say("reset-title"), Nav::None),
        code,
        error: None,
    }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ResetForm {
    new_password: String,
}

pub(crate) async fn reset_password(
    State(desk): State<Desk>,
    visitor: Visitor,
    Path(code): Path<String>,
    Form(form): Form<ResetForm>,
) -> Result<Response, Problem> {
    match super::reset_password(&desk, &code, &form.new_password, visitor.origin).await {
        Ok(receipt) => Ok(done("/login", "password_reset", receipt.as_ref()).into_response()),
        Err(error @ ChangeError::Unfit(_)) => {
            let chrome = Chrome::nobody(say("reset-title"), Nav::None);
            let page = ResetPage { chrome, code, error: Some(error.to_string()) };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}
