//! `/passkeys` and `/login/passkey`. These need a script, because browsers have no passkey form without one.

use super::{add, begin, begin_log_in, is_only_factor, list, remove};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        cookie::safe_next,
        form_error::FormError,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
        reauth::ReauthForm,
        when::When,
    },
    factors::console::codes_page,
    principal::{AnonymousUser, CurrentUser},
    refusal::{Code, Kind, Refusal},
    sessions::console::let_in,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

struct Row {
    id: String,
    name: String,
    made: When,
    used: Option<When>,
}

#[derive(Template)]
#[template(path = "passkeys/list.html")]
struct ListPage {
    chrome: PageLayout,
    passkeys: Vec<Row>,
    /// Whether removing it requires a recovery code.
    is_last: bool,
    /// `None` if this console has no domain name.
    challenge: Option<(String, String)>,
    error: FormError,
}

async fn list_page(
    app: &AppState,
    caller: &CurrentUser,
    refused: Option<Refusal>,
) -> Result<ListPage, Problem> {
    let now = app.now();
    let row = |stored: keydesk_store::StoredPasskey| Row {
        id: stored.id,
        name: stored.name,
        made: When::past(stored.created_at, now),
        used: stored.last_used_at.map(|at| When::past(at, now)),
    };
    let (challenge, refused) = match begin(app, caller).await {
        Ok(challenge) => (Some((challenge.code.to_string(), challenge.options)), refused),
        Err(refusal) if refusal.kind() != Kind::Invalid => return Err(refusal.into()),
        Err(refusal) => (None, refused.or(Some(refusal))),
    };
    let error = refused.map(|refusal| FormError::new(&refusal, &["name"])).unwrap_or_default();
    Ok(ListPage {
        chrome: caller.chrome(text("passkeys"), Nav::Profile),
        passkeys: list(app, caller).await?.into_iter().map(row).collect(),
        is_last: is_only_factor(app, caller).await?,
        challenge,
        error,
    })
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: CurrentUser,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    if !caller.is_fresh(app.now()) {
        return Ok(Redirect::to("/confirm?next=/passkeys").into_response());
    }
    let mut shown = list_page(&app, &caller, None).await?;
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AddForm {
    code: String,
    name: String,
    answer: String,
}

pub(crate) async fn add_one(
    State(app): State<AppState>,
    fresh: ReauthForm<AddForm, CurrentUser>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    match add(&app, &caller, (&form.code, &form.name, &form.answer)).await {
        Ok(Some(codes)) => Ok(codes_page(&caller, codes, true)),
        Ok(None) => Ok(done("/passkeys", "passkey_added", None).into_response()),
        Err(refusal) if refusal.kind() != Kind::Invalid => Err(refusal.into()),
        Err(refusal) => {
            let shown = list_page(&app, &caller, Some(refusal)).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RemoveForm {
    recovery_code: String,
}

pub(crate) async fn take_away(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<RemoveForm, CurrentUser>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    let refusal = match remove(&app, &caller, &id, &form.recovery_code).await {
        Ok(()) => return Ok(done("/passkeys", "passkey_removed", None).into_response()),
        Err(refusal) if refusal.kind() == Kind::Invalid => refusal,
        Err(refusal) => return Err(refusal.into()),
    };
    let shown = list_page(&app, &caller, Some(refusal)).await?;
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
}

#[derive(Template)]
#[template(path = "passkeys/log_in.html")]
struct LogInPage {
    chrome: PageLayout,
    challenge: Option<(String, String)>,
    next: String,
    error: Option<String>,
}

fn log_in_form(
    app: &AppState,
    next: Option<&str>,
    error: Option<String>,
) -> Result<LogInPage, Problem> {
    let (challenge, error) = match begin_log_in(app) {
        Ok(challenge) => (Some((challenge.code.to_string(), challenge.options)), error),
        Err(refusal) if refusal.kind() != Kind::Invalid => return Err(refusal.into()),
        Err(refusal) => (None, Some(detail(&refusal))),
    };
    let (chrome, next) =
        (PageLayout::nobody(text("passkey-title"), Nav::None), safe_next(next).to_owned());
    Ok(LogInPage { chrome, challenge, next, error })
}

#[derive(Debug, Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

pub(crate) async fn log_in_page(
    State(app): State<AppState>,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    Ok(page(&log_in_form(&app, query.next.as_deref(), None)?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogInForm {
    code: String,
    answer: String,
    next: Option<String>,
}

pub(crate) async fn log_in(
    State(app): State<AppState>,
    visitor: AnonymousUser,
    Form(form): Form<LogInForm>,
) -> Result<Response, Problem> {
    match super::log_in(&app, &form.code, &form.answer, visitor).await {
        Ok(entered) => Ok(let_in(&app, &entered, Redirect::to(safe_next(form.next.as_deref())))),
        Err(refusal) if matches!(refusal.code(), Code::UnknownPasskey | Code::LoginExpired) => {
            let shown = log_in_form(&app, form.next.as_deref(), Some(detail(&refusal)))?;
            Ok(page_with(StatusCode::FORBIDDEN, &shown))
        }
        Err(error) => Err(error.into()),
    }
}
