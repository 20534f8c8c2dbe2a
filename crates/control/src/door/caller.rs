//! Extractors for the principal of a request. A handler that takes one runs only with a session.

use crate::{
    AppState,
    door::{
        cookie::{device_in, session_in},
        language,
        layout::{Nav, PageLayout},
        page_for::{self, NotDone},
        problem::Problem,
    },
    one_time::codes,
    principal::{AnonymousUser, Authenticated, Caller, CurrentUser, Operator},
    refusal::Code,
    sessions::{self, Found},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, request::Parts, uri::PathAndQuery},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Origin, Timestamp};
use keydesk_store::{Session, User};
use std::time::Duration;

/// The time for which a password entry counts as recent: long enough not to annoy users, and short enough that a
/// browser left open overnight shows no token.
const FRESH: Duration = Duration::from_hours(2);

/// A principal with a page layout.
pub(crate) trait SignedIn:
    Authenticated + FromRequestParts<AppState, Rejection = Response>
{
    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout;

    /// Returns whether the password was entered recently enough to show or create tokens.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.credential().session().is_ok_and(|session| now.since(session.authenticated_at) < FRESH)
    }
}

impl SignedIn for Caller {
    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout {
        PageLayout::of(self, title, nav)
    }
}

impl SignedIn for Operator {
    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout {
        PageLayout::of_operator(self, title, nav)
    }
}

impl SignedIn for CurrentUser {
    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout {
        match self {
            Self::Member(caller) => caller.chrome(title, nav),
            Self::Operator(operator) => operator.chrome(title, nav),
        }
    }
}

/// Finds the principal of the request's session. The response is in the language that the user chose.
async fn find(parts: &Parts, app: &AppState) -> Result<Found, Response> {
    let secret = session_in(&parts.headers, &app.settings);
    let found = sessions::find_caller(app, secret.as_deref(), origin(parts)).await;
    let found = found.map_err(|refusal| Problem::from(refusal).into_response())?;
    match &found {
        Found::Caller(caller) => speak_to(&caller.user),
        Found::Operator(operator) => speak_to(&operator.user),
        Found::NoAccount(user) => speak_to(user),
        Found::Nobody => {}
    }
    Ok(found)
}

/// Finds the request's session and its user, and switches to the user's language.
pub(crate) async fn find_user(
    app: &AppState,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Option<(Session, User)>, Problem> {
    let secret = session_in(headers, &app.settings);
    let found = sessions::find_user(app, secret.as_deref(), origin).await?;
    if let Some((_, user)) = &found {
        speak_to(user);
    }
    Ok(found)
}

fn speak_to(user: &User) {
    if let Some(chosen) = user.language {
        language::switch_to(chosen);
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let caller = Self::look_up(parts, app).await?;
        if page_for::check_account(app, parts, &caller).await? {
            return Self::look_up(parts, app).await;
        }
        Ok(caller)
    }
}

impl Caller {
    async fn look_up(parts: &Parts, app: &AppState) -> Result<Self, Response> {
        let found = find(parts, app).await?;
        Self::of(found, parts)
    }

    /// Returns the caller, if the user is a member.
    #[expect(clippy::result_large_err, reason = "extractors reject with a whole answer")]
    fn of(found: Found, parts: &Parts) -> Result<Self, Response> {
        match found {
            Found::Caller(caller) => {
                page_for::check_user(parts, &caller.user)?;
                admit(caller.must_add_factor, parts)?;
                Ok(*caller)
            }
            Found::Operator(_) if parts.method == Method::GET => {
                Err(Redirect::to("/operator").into_response())
            }
            Found::Operator(_) | Found::NoAccount(_) => {
                Err(Problem::from(Code::NoAccount).into_response())
            }
            Found::Nobody => Err(to_log_in(parts)),
        }
    }
}

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        match find(parts, app).await? {
            Found::Operator(operator) => {
                page_for::check_user(parts, &operator.user)?;
                admit(operator.must_add_factor, parts)?;
                Ok(Self::Operator(operator))
            }
            found => Caller::of(found, parts).map(|caller| Self::Member(Box::new(caller))),
        }
    }
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let origin = origin(parts);
        let found = find_user(app, &parts.headers, &origin).await;
        let Some((session, user)) = found.map_err(IntoResponse::into_response)? else {
            return Err(to_log_in(parts));
        };
        let found = sessions::find_operator(app, session, user, origin).await;
        let operator = found.map_err(|refusal| Problem::from(refusal).into_response())?;
        page_for::check_user(parts, &operator.user)?;
        admit(operator.must_add_factor, parts)?;
        Ok(operator)
    }
}

/// Redirects a user who must set up a second factor to that page.
#[expect(clippy::result_large_err, reason = "extractors reject with a whole answer")]
pub(crate) fn admit(must_add_factor: bool, parts: &Parts) -> Result<(), Response> {
    if !must_add_factor || may_go_without_factor(parts.uri.path()) {
        return Ok(());
    }
    if parts.method == Method::GET {
        return Err(Redirect::to("/two-factor").into_response());
    }
    Err(Problem::from(Code::TwoFactorRequired).into_response())
}

/// Returns whether a user who must set up a second factor can open the path.
fn may_go_without_factor(path: &str) -> bool {
    let begins =
        ["/two-factor", "/passkeys", "/confirm", "/logout", "/accounts/switch", "/sessions"];
    begins.iter().any(|begin| path.starts_with(begin))
}

pub(crate) fn to_log_in(parts: &Parts) -> Response {
    let mut response = Redirect::to(&login_url(parts)).into_response();
    response.extensions_mut().insert(NotDone::LoggedOut);
    response
}

/// Returns the URL of the login page, which leads back to the requested page.
fn login_url(parts: &Parts) -> String {
    let wanted = parts.uri.path_and_query().map_or(parts.uri.path(), PathAndQuery::as_str);
    if parts.method == Method::GET && parts.uri.path() != "/" {
        let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        format!("/login?next={}", next.replace("%2F", "/"))
    } else {
        "/login".to_owned()
    }
}

pub(crate) fn origin(parts: &Parts) -> Origin {
    parts.extensions.get::<Origin>().cloned().unwrap_or_default()
}

impl FromRequestParts<AppState> for AnonymousUser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let session = session_in(&parts.headers, &app.settings);
        let device = device_in(&parts.headers, &app.settings);
        let digest = |secret: Option<String>| secret.as_deref().map(codes::digest);
        Ok(Self { origin: origin(parts), session: digest(session), device: digest(device) })
    }
}
