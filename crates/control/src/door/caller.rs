//! Who asks: the user behind the session cookie, as a member of the account they stand in. A
//! handler that takes a [`Caller`] is only reached with a session.

use crate::AppState;
use crate::door::layout::{Nav, PageLayout};
use crate::one_time::codes;
use crate::door::language::label;
use crate::operators::Operator;
use crate::door::page_for::{self, NotDone};
use crate::door::problem::Problem;
use crate::sessions::{self, Found};
use crate::door::language::text;
use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts, uri::PathAndQuery},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Actor, Event, Origin, Permission, Timestamp};
use keydesk_store::{Account, AuditEntry, Member, Session, User};
use std::time::Duration;

/// How long a password counts as just given: long enough not to annoy, short enough that a
/// browser left open overnight shows no token.
const FRESH: Duration = Duration::from_hours(2);

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub user: User,
    pub session: Session,
    pub account: Account,
    pub member: Member,
    /// Every account the user belongs to, for the switcher.
    pub accounts: Vec<Account>,
    /// Whether they administer the instance as well.
    pub is_operator: bool,
    /// The account asks for a second factor, and they have none.
    pub must_add_factor: bool,
    pub origin: Origin,
}

impl Caller {
    /// Rejects unless the caller's role has this right, and says whom to ask.
    pub fn permit(&self, right: Permission) -> Result<(), Problem> {
        if self.member.role.may(right) {
            Ok(())
        } else {
            let role = self.member.role;
            Err(Problem::not_permitted(
                text("not-permitted-why")
                    .with("role", label("role", role))
                    .with("account", &self.account.name),
            ))
        }
    }

    pub fn actor(&self) -> Actor {
        Actor::User { user: self.user.id, member: Some(self.member.id) }
    }

    /// An audit entry of the caller in their account.
    pub fn entry(
        &self,
        event: Event,
        target: impl Into<String>,
        detail: serde_json::Value,
    ) -> AuditEntry {
        AuditEntry {
            event,
            actor: self.actor(),
            origin: self.origin.clone(),
            account: Some(self.account.id),
            target: target.into(),
            detail,
        }
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
        let found = sessions::find_caller(app, &parts.headers, origin(parts)).await;
        Self::of(found.map_err(IntoResponse::into_response)?, parts)
    }

    /// Who was found, if they are a member.
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
            Found::Operator(_) | Found::NoAccount => Err(Problem::new(
                axum::http::StatusCode::FORBIDDEN,
                text("no-account"),
                text("no-account-why"),
            )
            .with_log_out()
            .into_response()),
            Found::Nobody => Err(to_log_in(parts)),
        }
    }
}

/// Someone with a session: a member in an account, or an operator.
pub(crate) trait Authenticated:
    FromRequestParts<AppState, Rejection = Response> + Send + Sync
{
    fn user(&self) -> &User;
    fn session(&self) -> &Session;
    fn origin(&self) -> &Origin;
    /// An entry about themselves.
    fn own_entry(&self, event: Event, target: String, detail: serde_json::Value) -> AuditEntry;
    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout;

    /// Whether the password was given recently enough for what shows or makes tokens.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.session().authenticated_at) < FRESH
    }
}

impl Authenticated for Caller {
    fn user(&self) -> &User {
        &self.user
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn own_entry(&self, event: Event, target: String, detail: serde_json::Value) -> AuditEntry {
        self.entry(event, target, detail)
    }

    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout {
        PageLayout::of(self, title, nav)
    }
}

/// Someone with a session who looks after what is theirs: a member, or an operator who belongs to no account.
pub(crate) enum CurrentUser {
    Member(Box<Caller>),
    Operator(Box<Operator>),
}

impl CurrentUser {
    pub fn member(&self) -> Option<&Caller> {
        match self {
            Self::Member(caller) => Some(caller),
            Self::Operator(_) => None,
        }
    }
}

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let found = sessions::find_caller(app, &parts.headers, origin(parts)).await;
        match found.map_err(IntoResponse::into_response)? {
            Found::Operator(operator) => {
                page_for::check_user(parts, &operator.user)?;
                admit(operator.must_add_factor, parts)?;
                Ok(Self::Operator(operator))
            }
            found => Caller::of(found, parts).map(|caller| Self::Member(Box::new(caller))),
        }
    }
}

impl Authenticated for CurrentUser {
    fn user(&self) -> &User {
        match self {
            Self::Member(caller) => &caller.user,
            Self::Operator(operator) => &operator.user,
        }
    }

    fn session(&self) -> &Session {
        match self {
            Self::Member(caller) => &caller.session,
            Self::Operator(operator) => &operator.session,
        }
    }

    fn origin(&self) -> &Origin {
        match self {
            Self::Member(caller) => &caller.origin,
            Self::Operator(operator) => &operator.origin,
        }
    }

    fn own_entry(&self, event: Event, target: String, detail: serde_json::Value) -> AuditEntry {
        match self {
            Self::Member(caller) => caller.own_entry(event, target, detail),
            Self::Operator(operator) => operator.own_entry(event, target, detail),
        }
    }

    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout {
        match self {
            Self::Member(caller) => caller.chrome(title, nav),
            Self::Operator(operator) => operator.chrome(title, nav),
        }
    }
}

/// Who must have a second factor and has none is led to it before anything else.
#[expect(clippy::result_large_err, reason = "extractors reject with a whole answer")]
pub(crate) fn admit(must_add_factor: bool, parts: &Parts) -> Result<(), Response> {
    if !must_add_factor || may_go_without_factor(parts.uri.path()) {
        return Ok(());
    }
    if parts.method == Method::GET {
        return Err(Redirect::to("/two-factor").into_response());
    }
    Err(Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        text("two-factor-required"),
        text("two-factor-required-why"),
    )
    .redirect_to("/two-factor", text("factor-set-up"))
    .into_response())
}

/// Where someone who has no second factor yet, and must have one, can still go.
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

/// The log-in page, which leads back to the page that was asked for.
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

/// Who comes without a session, or with one that is to be replaced.
#[derive(Debug)]
pub(crate) struct AnonymousUser {
    pub origin: Origin,
    /// The session that the request's cookie names, by the digest of its secret.
    pub session: Option<[u8; 32]>,
    /// What its browser is known by, if it is.
    pub device: Option<[u8; 32]>,
}

impl FromRequestParts<AppState> for AnonymousUser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let session = sessions::session_in(&parts.headers, &app.settings).map(codes::digest);
        let device = sessions::device_in(&parts.headers, &app.settings).map(codes::digest);
        Ok(Self { origin: origin(parts), session, device })
    }
}
