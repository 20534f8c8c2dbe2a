//! Another e-mail address: asked for with the password, confirmed by a link to the old address and one to the
//! new. Until both have been followed nothing changes, and either link can stop it.

pub(crate) mod console;

use crate::AppState;
use crate::UserMessage as _;
use crate::throttling::attempts::{self, Sender};
use crate::door::caller::Authenticated;
use crate::one_time::codes;
use crate::mail::Message;
use crate::door::problem::Problem;
use crate::door::language::text;
use keydesk_model::{Actor, AttemptKind, Email, EmailError, Event, Origin};
use keydesk_store::{AuditEntry, EmailChange, NewEmailChange, StoreError};
use std::time::Duration;

const LASTS: Duration = Duration::from_hours(24);

#[derive(Debug, thiserror::Error)]
pub(crate) enum EmailChangeError {
    #[error("{}", text("wrong-email").with("why", .0.user_message()))]
    Email(#[from] EmailError),
    #[error("{}", text("email-same"))]
    Same,
    #[error("{}", text("email-no-mail"))]
    NoMail,
    #[error("{}", text("email-link-expired"))]
    Over,
    #[error("{}", text("email-taken"))]
    Taken,
    #[error("{}", text("email-too-often"))]
    TooOften,
    #[error("{}", text("logged-out-a-moment-ago"))]
    LoggedOut,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EmailChangeError> for Problem {
    fn from(error: EmailChangeError) -> Self {
        match error {
            EmailChangeError::Store(error) => error.into(),
            EmailChangeError::LoggedOut => Self::logged_out(),
            error => {
                Self::invalid(error.to_string()).redirect_to("/profile", text("go-to-profile"))
            }
        }
    }
}

/// Sends both links. Whether somebody has the new address already is told to that address only: the old one
/// gets its link either way, and a change to an address that is taken comes to nothing.
pub(crate) async fn ask(
    app: &AppState,
    caller: &impl Authenticated,
    typed: &str,
) -> Result<(), EmailChangeError> {
    let email: Email = typed.parse()?;
    let (user, old) = (caller.user().id, &caller.user().email);
    if email.as_str() == old.as_str() {
        return Err(EmailChangeError::Same);
    }
    if !app.mailer.can_send() {
        return Err(EmailChangeError::NoMail);
    }
    if !attempts::may_send(app, AttemptKind::Link, &email, Sender::User(user)).await? {
        return Err(EmailChangeError::TooOften);
    }
    let mut write = app.write_own(caller).await?.ok_or(EmailChangeError::LoggedOut)?;
    let other = write.find_user_by_email(&email).await?;
    let other_language = other.as_ref().and_then(|other| other.language);
    let is_taken = other.is_some_and(|other| other.id != user);
    let (old_code, old_code_hash) = codes::generate(&app.entropy);
    let (new_code, new_code_hash) = codes::generate(&app.entropy);
    let expires_at = write.now().plus(LASTS);
    let new =
        NewEmailChange { old_code_hash, new_code_hash, user, email: email.clone(), expires_at };
    write.add_email_change(&new).await?;
    let detail = serde_json::json!({ "before": { "email": old.as_str() }, "after": { "email": email.as_str() } });
    write
        .commit(caller.own_entry(Event::UserEmailChangeRequested, user.to_string(), detail))
        .await?;
    let url = &app.settings.console_url;
    let link = |code: &str| format!("{url}/email-change/{code}");
    app.send_mail(old, Message::email_change_old(email.as_str(), &link(&old_code)));
    let message = if is_taken {
        Message::to(other_language, || Message::login_exists(url))
    } else {
        Message::email_change_new(old.as_str(), &link(&new_code))
    };
    app.send_mail(&email, message);
    Ok(())
}

pub(crate) async fn find(app: &AppState, code: &str) -> Result<EmailChange, EmailChangeError> {
    let found = app.store.read().await?.find_email_change(codes::digest(code), app.now()).await?;
    found.ok_or(EmailChangeError::Over)
}

/// What a confirmation has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The other side has still to say so.
    Half,
    Whole,
}

/// One side says yes.
pub(crate) async fn confirm(
    app: &AppState,
    code: &str,
    origin: Origin,
) -> Result<Confirmed, EmailChangeError> {
    let digest = codes::digest(code);
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let change = write.find_email_change(digest, now).await?.ok_or(EmailChangeError::Over)?;
    let is_repeated = if change.is_new_side { change.new_confirmed } else { change.old_confirmed };
    if is_repeated {
        return Ok(Confirmed::Half);
    }
    write.confirm_email_change(digest, change.is_new_side).await?;
    let is_whole = if change.is_new_side { change.old_confirmed } else { change.new_confirmed };
    let user = write.find_user(change.user).await?.ok_or(EmailChangeError::Over)?;
    let entry = |event, detail| AuditEntry {
        event,
        actor: Actor::User { user: change.user, member: None },
        origin,
        account: None,
        target: change.user.to_string(),
        detail,
    };
    if !is_whole {
        let side = if change.is_new_side { "new" } else { "old" };
        let detail = serde_json::json!({ "side": side });
        write.commit(entry(Event::UserEmailChangeConfirmed, detail)).await?;
        return Ok(Confirmed::Half);
    }
    match write.set_email(change.user, &change.email).await {
        Err(StoreError::Conflict) => return Err(EmailChangeError::Taken),
        set => set?,
    }
    for member in write.list_memberships(change.user).await? {
        write.close_invitations_to(member.account, change.user).await?;
    }
    write.close_email_changes(change.user).await?;
    // A reset link in the old mailbox would lead to the new address' password.
    write.close_resets(change.user).await?;
    let (old, new) = (&user.email, &change.email);
    let detail = serde_json::json!({ "before": { "email": old.as_str() }, "after": { "email": new.as_str() } });
    write.commit(entry(Event::UserEmailChanged, detail)).await?;
    for address in [old, new] {
        let message = Message::to(user.language, || Message::email_changed(new.as_str()));
        app.send_mail(address, message);
    }
    Ok(Confirmed::Whole)
}

/// One side says no.
pub(crate) async fn stop(
    app: &AppState,
    code: &str,
    origin: Origin,
) -> Result<(), EmailChangeError> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let found = write.find_email_change(codes::digest(code), now).await?;
    let change = found.ok_or(EmailChangeError::Over)?;
    write.close_email_changes(change.user).await?;
    let entry = AuditEntry {
        event: Event::UserEmailChangeCanceled,
        actor: Actor::AnonymousUser,
        origin,
        account: None,
        target: change.user.to_string(),
        detail: serde_json::json!({ "side": if change.is_new_side { "new" } else { "old" } }),
    };
    write.commit(entry).await?;
    Ok(())
}
