//! Recent authentication: asks for the password before an action that shows or creates a token if the last password
//! entry is too old. The page keeps the submitted form, so no input is lost.

use crate::{
    AppState,
    door::{
        caller::SignedIn,
        cookie::{safe_next, session_cookie, with_cookie},
        language::text,
        layout::{Nav, PageLayout, page_with},
        page_for,
        problem::{Problem, detail},
    },
    principal::{Caller, CurrentUser},
    refusal::{Code, Kind, Refusal},
    sessions,
};
use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Template)]
#[template(path = "sessions/confirm.html")]
struct ConfirmPage {
    chrome: PageLayout,
    email: String,
    action: String,
    kept: Vec<(String, String)>,
    error: Option<String>,
}

const PASSWORD_FIELD: &str = "confirm_password";

fn ask(
    caller: &impl SignedIn,
    action: String,
    kept: Vec<(String, String)>,
    error: Option<String>,
) -> Response {
    let chrome = caller.chrome(text("confirm-title"), Nav::None);
    page_with(
        StatusCode::FORBIDDEN,
        &ConfirmPage { chrome, email: caller.user().email.to_string(), action, kept, error },
    )
}

/// Returns whether the page asks for the password again.
fn is_retryable(refusal: &Refusal) -> bool {
    refusal.code() == Code::IncorrectCredentials || refusal.kind() == Kind::TooMany
}

/// The form of a caller who has entered the password recently or with this form.
pub(crate) struct ReauthForm<T, C = Caller> {
    pub caller: C,
    pub form: T,
    pub sent: SentForm,
}

/// A form as it was sent, so that a page can ask before it takes effect and send it again.
#[derive(Debug)]
pub(crate) struct SentForm {
    pub path: String,
    pub fields: Vec<(String, String)>,
}

/// A form that consists of a button only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Nothing {}

/// A cookie that must be sent with the response, even on an error, because the session's old secret is invalid once the
/// new one is created.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewCookie(Arc<Mutex<Option<HeaderValue>>>);

impl NewCookie {
    fn put(&self, cookie: HeaderValue) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(cookie);
    }

    pub fn take(&self) -> Option<HeaderValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T: DeserializeOwned, C: SignedIn> FromRequest<AppState> for ReauthForm<T, C> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let caller = C::from_request_parts(&mut parts, app).await?;
        let path = parts.uri.path().to_owned();
        let new_cookie = parts.extensions.get::<NewCookie>().cloned().unwrap_or_default();
        let request = Request::from_parts(parts, body);
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, app)
            .await
            .map_err(IntoResponse::into_response)?;
        let (given, kept): (Vec<_>, Vec<_>) = fields
            .into_iter()
            .filter(|(name, _)| name != page_for::FIELD)
            .partition(|(name, _)| name == PASSWORD_FIELD);
        if !caller.is_fresh(app.now()) {
            let Some((_, password)) = given.first() else {
                return Err(ask(&caller, path, kept, None));
            };
            match sessions::confirm_password(app, &caller, password).await {
                Ok(secret) => new_cookie.put(session_cookie(&secret, &app.settings)),
                Err(refusal) if is_retryable(&refusal) => {
                    return Err(ask(&caller, path, kept, Some(detail(&refusal))));
                }
                Err(error) => return Err(Problem::from(error).into_response()),
            }
        }
        match read_fields(&kept) {
            Ok(form) => Ok(Self { caller, form, sent: SentForm { path, fields: kept } }),
            Err(_) => Err(Problem::from(Code::InvalidForm).into_response()),
        }
    }
}

/// Deserializes fields, with a `Vec` for repeatable ones.
fn read_fields<T: DeserializeOwned>(
    fields: &[(String, String)],
) -> Result<T, serde_html_form::de::Error> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    serde_html_form::from_str(&form.finish())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

/// `/confirm`: asks for the password before a page without a form.
pub(crate) async fn confirm_page(caller: CurrentUser, Query(query): Query<Next>) -> Response {
    let next = safe_next(query.next.as_deref()).to_owned();
    let mut response = ask(&caller, "/confirm".to_owned(), vec![("next".to_owned(), next)], None);
    *response.status_mut() = StatusCode::OK;
    response
}

#[derive(Deserialize)]
pub(crate) struct ConfirmForm {
    #[serde(default)]
    confirm_password: String,
    next: Option<String>,
}

pub(crate) async fn confirm(
    State(app): State<AppState>,
    caller: CurrentUser,
    Form(form): Form<ConfirmForm>,
) -> Result<Response, Problem> {
    let next = safe_next(form.next.as_deref());
    match sessions::confirm_password(&app, &caller, &form.confirm_password).await {
        Ok(secret) => Ok(with_cookie(
            session_cookie(&secret, &app.settings),
            Redirect::to(&format!("{next}?done=confirmed")),
        )),
        Err(refusal) if is_retryable(&refusal) => {
            let kept = vec![("next".to_owned(), next.to_owned())];
            Ok(ask(&caller, "/confirm".to_owned(), kept, Some(detail(&refusal))))
        }
        Err(error) => Err(error.into()),
    }
}
