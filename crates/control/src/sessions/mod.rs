//! Sessions: logging in and out, and the effects on the bearer token.

pub(crate) mod console;
mod end;
mod log_in;

pub(crate) use end::{end_everything, end_session, log_out, log_out_all};
pub(crate) use log_in::{LoggedIn, LoginMethod, News, enter, half_way, log_in, log_in_with_code};

use crate::{
    AppState, factors,
    one_time::codes,
    passwords::Password,
    principal::{AnonymousUser, Authenticated, Caller, Credential, Operator},
    refusal::{Code, Refusal},
    throttling::attempts::{self, LoginAttempts},
};
use keydesk_model::{AccountId, Actor, Event, Origin, SessionId, Timestamp, UserId};
use keydesk_store::{AuditEntry, NewSession, Session, StoreError, User, Write};
use std::{cell::Cell, time::Duration};
use zeroize::Zeroizing;

/// The time without use after which a session ends, and the maximum lifetime of any session.
const IDLE: Duration = Duration::from_hours(168);
const ABSOLUTE: Duration = Duration::from_hours(720);
/// The maximum number of sessions per user; beyond it, the sessions with the oldest last use end.
const MOST_SESSIONS: u32 = 100;
/// The precision of the time of last use.
const TOUCH: Duration = Duration::from_mins(1);

pub(crate) enum Found {
    Caller(Box<Caller>),
    /// A user who administers the instance and belongs to no account.
    Operator(Box<Operator>),
    NoAccount(User),
    Nobody,
}

/// Returns the principal of the session that a cookie identifies.
pub(crate) async fn find_caller(
    app: &AppState,
    secret: Option<&str>,
    origin: Origin,
) -> Result<Found, Refusal> {
    let Some((session, user)) = find_user(app, secret, &origin).await? else {
        return Ok(Found::Nobody);
    };
    let mut read = app.store.read().await?;
    let is_operator = !session.is_linked && read.is_operator(user.id).await?;
    let mut accounts = read.list_accounts_of(user.id, session.created_at).await?;
    if session.is_linked {
        accounts.retain(|account| Some(account.id) == session.account);
    }
    let current =
        accounts.iter().find(|account| Some(account.id) == session.account).or(accounts.first());
    let is_required = app.settings.users.require_two_factor
        || current.is_some_and(|account| account.requires_two_factor);
    let must_add_factor = is_required && !factors::has_one(&mut read, user.id).await?;
    let Some(account) = current.cloned() else {
        let credential = Credential::Session(session);
        let operator = Operator { user, credential, is_member: false, must_add_factor, origin };
        return Ok(if is_operator {
            Found::Operator(Box::new(operator))
        } else {
            Found::NoAccount(operator.user)
        });
    };
    let Some(member) = read.find_member_of(account.id, user.id).await? else {
        return Ok(Found::NoAccount(user));
    };
    drop(read);
    let credential = Credential::Session(session);
    let caller = Caller {
        user,
        credential,
        account,
        member,
        accounts,
        is_operator,
        must_add_factor,
        origin,
    };
    Ok(Found::Caller(Box::new(caller)))
}

/// Returns the operator of a session.
///
/// # Errors
///
/// [`Code::OperatorsOnly`] if the user is not an operator.
pub(crate) async fn find_operator(
    app: &AppState,
    session: Session,
    user: User,
    origin: Origin,
) -> Result<Operator, Refusal> {
    let mut read = app.store.read().await?;
    if session.is_linked || !read.is_operator(user.id).await? {
        return Err(Code::OperatorsOnly.into());
    }
    let is_member = !read.list_accounts_of(user.id, session.created_at).await?.is_empty();
    let is_required = app.settings.users.require_two_factor;
    let must_add_factor = is_required && !factors::has_one(&mut read, user.id).await?;
    let credential = Credential::Session(session);
    Ok(Operator { user, credential, is_member, must_add_factor, origin })
}

tokio::task_local! {
    static NOTED: Noted;
}

/// The data of a request that concerns its session.
struct Noted {
    id: String,
    is_change: bool,
    user: Cell<Option<UserId>>,
}

/// Runs `work` for a request, for which [`who_is_here`] then returns the user of the session that was sent with it.
pub(crate) async fn noting_session<F: Future>(id: String, is_change: bool, work: F) -> F::Output {
    NOTED.scope(Noted { id, is_change, user: Cell::new(None) }, work).await
}

/// Returns the ID of the current request.
pub(crate) fn request_id() -> Option<String> {
    NOTED.try_with(|noted| noted.id.clone()).ok()
}

pub(crate) fn who_is_here() -> Option<UserId> {
    NOTED.try_with(|noted| noted.user.get()).ok().flatten()
}

/// Notes the user of the current request, and limits their changes across all sessions, since each change writes an
/// audit entry, and some write a row in every gateway.
fn note_user(app: &AppState, user: UserId) -> Result<(), Refusal> {
    let is_another = NOTED.try_with(|noted| {
        let was = noted.user.replace(Some(user));
        noted.is_change && was != Some(user)
    });
    if is_another.unwrap_or_default() {
        app.changes.take(&user.to_string(), app.now()).map_err(too_many_changes)?;
    }
    Ok(())
}

pub(crate) fn too_many_changes(wait: Duration) -> Refusal {
    let seconds = wait.as_secs().saturating_add(1);
    let refusal = Refusal::new(Code::TooManyChanges).with_count("n", seconds);
    refusal.retry_after(Duration::from_secs(seconds))
}

/// Returns the session that a cookie identifies, and its user.
pub(crate) async fn find_user(
    app: &AppState,
    secret: Option<&str>,
    origin: &Origin,
) -> Result<Option<(Session, User)>, Refusal> {
    let Some(secret) = secret else { return Ok(None) };
    let now = app.now();
    let mut read = app.store.read().await?;
    let found =
        read.find_session(codes::digest(secret), now.minus(IDLE), now.minus(ABSOLUTE)).await?;
    let Some(session) = found else { return Ok(None) };
    let Some(user) = read.find_user(session.user).await? else { return Ok(None) };
    drop(read);
    note_user(app, user.id)?;
    if now.since(session.seen_at) > TOUCH {
        let addr = origin.client_ip.map(|addr| addr.to_string()).unwrap_or_default();
        app.store.touch_session(session.id, now, &addr).await?;
    }
    Ok(Some((session, user)))
}

/// The secret of a new session, which is sent only in the cookie.
pub(crate) type SessionSecret = Zeroizing<String>;

/// The secrets that a browser receives when its user logs in.
#[derive(Debug)]
pub(crate) struct NewLogin {
    pub session: SessionSecret,
    /// The secret that identifies the browser later, if it is new.
    pub device: Option<SessionSecret>,
}

/// Adds a session within a login transaction. The browser's previous session ends, so that it can't be used again.
pub(crate) async fn open_session(
    app: &AppState,
    write: &mut Write,
    user: UserId,
    account: Option<AccountId>,
    visitor: &AnonymousUser,
) -> Result<NewLogin, Refusal> {
    attempts::count_log_in(write, user).await?;
    if let Some(hash) = visitor.session {
        write.end_session_by_hash(hash).await?;
    }
    let origin = &visitor.origin;
    let (secret, hash) = codes::generate(&app.entropy);
    let new = NewSession {
        id: SessionId::generate(write.now(), &app.entropy),
        hash,
        user,
        account,
        client_ip: origin.client_ip.map(|addr| addr.to_string()).unwrap_or_default(),
        user_agent: origin.user_agent.clone().unwrap_or_default(),
    };
    write.add_session(&new).await?;
    write.end_sessions_beyond(user, MOST_SESSIONS).await?;
    let device =
        attempts::remember_device(app, write, user, visitor.device, &new.user_agent).await?;
    Ok(NewLogin { session: secret, device })
}

/// Replaces the secret of the caller's session after the password was confirmed; the previous secret stops working.
pub(crate) async fn confirm_password(
    app: &AppState,
    caller: &impl Authenticated,
    password: &str,
) -> Result<SessionSecret, Refusal> {
    let stored = Some(caller.user().password_hash.as_str());
    let tries = LoginAttempts::Session(caller.credential().session()?.id);
    let attempt = attempts::begin(app, tries, caller.origin()).await?;
    if !app.passwords.verify(Password::typed(password), stored).await? {
        return Err(Code::IncorrectCredentials.into());
    }
    let mut write = app.store.write(app.now()).await?;
    let (secret, hash) = codes::generate(&app.entropy);
    attempt.succeeded(&mut write).await?;
    let session = caller.credential().session()?.id;
    if !write.renew_session(session, hash).await? {
        return Err(Code::IncorrectCredentials.into());
    }
    write.commit(caller.own_entry(Event::SessionPasswordConfirmed {}, session)).await?;
    Ok(secret)
}

pub(crate) async fn list_own(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<Vec<Session>, StoreError> {
    let now = app.now();
    app.store
        .read()
        .await?
        .list_sessions(caller.user().id, now.minus(IDLE), now.minus(ABSOLUTE))
        .await
}

/// Returns an audit entry for a user who has no session yet.
pub(crate) fn visitor_entry(event: Event, target: &str, origin: Origin) -> AuditEntry {
    AuditEntry {
        event,
        actor: Actor::AnonymousUser,
        origin,
        account: None,
        target: target.to_owned(),
    }
}

/// Returns the time at which a session ends if it is not used again.
pub(crate) fn ends_at(session: &Session) -> Timestamp {
    session.seen_at.plus(IDLE).min(session.created_at.plus(ABSOLUTE))
}
