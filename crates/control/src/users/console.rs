//! `/profile`, `/forgot-password`, `/reset-password/{code}`.

use crate::{
    AppState,
    door::{
        caller::SignedIn,
        cookie::{session_cookie, with_cookie},
        form_error::FormError,
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::Problem,
    },
    factors,
    principal::{AnonymousUser, Authenticated, CurrentUser},
    refusal::{Code, Kind},
    tokens::{self, ObservedClient},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{Language, Permission};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "users/profile.html")]
struct ProfilePage {
    chrome: PageLayout,
    name: String,
    email: String,
    role: String,
    has_account: bool,
    clients: Vec<ObservedClient>,
    has_factor: bool,
    languages: [(&'static str, &'static str); Language::ALL.len()],
    language: &'static str,
    error: FormError,
}

async fn profile_page(
    app: &AppState,
    caller: &CurrentUser,
    done: &Done,
    error: FormError,
) -> Result<ProfilePage, Problem> {
    Ok(ProfilePage {
        chrome: caller.chrome(text("profile-title"), Nav::Profile).with_notice(done),
        name: caller.user().name.clone(),
        email: caller.user().email.to_string(),
        role: label(
            "role",
            caller.member().map_or("operator", |caller| caller.member.role.as_str()),
        ),
        has_account: caller.member().is_some(),
        clients: tokens::list_clients_of_user(app, caller.user().id).await?,
        has_factor: factors::is_set_up(app, caller).await?,
        languages: Language::ALL.map(|language| (language.as_str(), language.own_name())),
        language: caller.user().language.map_or("", Language::as_str),
        error,
    })
}

pub(crate) async fn profile(
    State(app): State<AppState>,
    caller: CurrentUser,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    Ok(page(&profile_page(&app, &caller, &query, FormError::default()).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct LanguageForm {
    language: String,
}

pub(crate) async fn choose_language(
    State(app): State<AppState>,
    caller: CurrentUser,
    Form(form): Form<LanguageForm>,
) -> Result<Response, Problem> {
    let language = match form.language.as_str() {
        "" => None,
        code => Some(code.parse().map_err(|_| Code::InvalidLanguage)?),
    };
    super::choose_language(&app, &caller, language).await?;
    Ok(done("/profile", "language_saved", None).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ChangeForm {
    current_password: String,
    new_password: String,
}

pub(crate) async fn change_password(
    State(app): State<AppState>,
    caller: CurrentUser,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    match super::change_password(&app, &caller, &form.current_password, &form.new_password).await {
        Ok((secret, receipt)) => {
            let cookie = session_cookie(&secret, &app.settings);
            let has_token =
                caller.member().is_some_and(|caller| caller.may(Permission::UseApiDocs));
            let (to, what) = if has_token {
                ("/api-docs", "password_changed")
            } else {
                ("/profile", "password_changed_only")
            };
            Ok(with_cookie(cookie, done(to, what, receipt.as_ref())))
        }
        Err(refusal) if matches!(refusal.kind(), Kind::Invalid | Kind::TooMany) => {
            let error = FormError::new(&refusal, &["current_password", "new_password"]);
            let page = profile_page(&app, &caller, &Done::default(), error).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "users/forgot.html")]
struct ForgotPage {
    chrome: PageLayout,
    can_send: bool,
    shows_mail: bool,
    sent: bool,
}

fn forgot(app: &AppState, sent: bool) -> Response {
    page(&ForgotPage {
        chrome: PageLayout::nobody(text("forgot-title"), Nav::None),
        can_send: app.mailer.can_send(),
        shows_mail: app.settings.is_local && matches!(app.mailer, crate::Mailer::Mailbox(_)),
        sent,
    })
}

pub(crate) async fn forgot_page(State(app): State<AppState>) -> Response {
    forgot(&app, false)
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct ForgotForm {
    email: String,
}

pub(crate) async fn request_reset(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Form(form): Form<ForgotForm>,
) -> Result<Response, Problem> {
    if app.mailer.can_send() {
        super::request_reset(&app, &form.email, visitor.origin).await?;
    }
    Ok(forgot(&app, true))
}

#[derive(Template)]
#[template(path = "users/reset.html")]
struct ResetPage {
    chrome: PageLayout,
    code: String,
    error: FormError,
}

pub(crate) async fn reset_page(
    State(app): State<AppState>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    if !super::is_reset_open(&app, &code).await? {
        return Err(Code::ResetExpired.into());
    }
    Ok(page(&ResetPage {
        chrome: PageLayout::nobody(text("reset-title"), Nav::None),
        code,
        error: FormError::default(),
    }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ResetForm {
    new_password: String,
}

pub(crate) async fn reset_password(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Path(code): Path<String>,
    Form(form): Form<ResetForm>,
) -> Result<Response, Problem> {
    match super::reset_password(&app, &code, &form.new_password, visitor.origin).await {
        Ok(receipt) => Ok(done("/login", "password_reset", receipt.as_ref()).into_response()),
        Err(refusal) if refusal.kind() == Kind::Invalid => {
            let chrome = PageLayout::nobody(text("reset-title"), Nav::None);
            let page =
                ResetPage { chrome, code, error: FormError::new(&refusal, &["new_password"]) };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}
