//! Email address changes: requested with the password, and confirmed by links to both the old and the new address.
//! Nothing changes until both are confirmed, and either link can stop it.

pub(crate) mod console;

use crate::{
    AppState,
    mail::{Link, Message},
    one_time::codes,
    principal::Authenticated,
    refusal::{Code, Refusal},
    sessions::visitor_entry,
    throttling::attempts::{self, Sender},
};
use keydesk_model::{
    Actor, AttemptKind, Email, Event, LinkKind, Origin,
    audit::{EmailDetail, Side},
};
use keydesk_store::{AuditEntry, EmailChange, NewEmailChange, StoreError};
use std::time::Duration;

const LASTS: Duration = Duration::from_hours(24);

/// Sends both links. Only the new address is notified if it already has a user: the old address gets its link either
/// way, and a change to an address that is taken can't complete.
pub(crate) async fn ask(
    app: &AppState,
    caller: &impl Authenticated,
    typed: &str,
) -> Result<(), Refusal> {
    let email: Email = typed.parse()?;
    let (user, old) = (caller.user().id, &caller.user().email);
    if email.as_str() == old.as_str() {
        return Err(Refusal::new(Code::SameEmail).at("email"));
    }
    if !app.mailer.can_send() {
        return Err(Code::EmailNotConfigured.into());
    }
    if !attempts::may_send(app, AttemptKind::Link, &email, Sender::User(user)).await? {
        return Err(Code::TooManyEmails.into());
    }
    let mut write = caller.begin_own(app).await?;
    let other = write.find_user_by_email(&email).await?;
    let other_language = other.as_ref().and_then(|other| other.language);
    let is_taken = other.is_some_and(|other| other.id != user);
    let [old_link, new_link] =
        [LinkKind::OldEmail, LinkKind::NewEmail].map(|kind| Link::new(kind, LASTS, &app.entropy));
    let new = NewEmailChange {
        old_code_hash: old_link.code_hash,
        new_code_hash: new_link.code_hash,
        user,
        email: email.clone(),
        expires_at: write.now().plus(LASTS),
    };
    write.add_email_change(&new).await?;
    let url = &app.settings.console_url;
    let message = Message::email_change_old(email.as_str(), &old_link.url(url));
    app.add_mail(&mut write, old, message.with_link(old_link)).await?;
    let message = if is_taken {
        Message::to(other_language, || Message::login_exists(url))
    } else {
        Message::email_change_new(old.as_str(), &new_link.url(url)).with_link(new_link)
    };
    app.add_mail(&mut write, &email, message).await?;
    let (before, after) = (EmailDetail::from(old), EmailDetail::from(&email));
    let requested = Event::UserEmailChangeRequested { before, after };
    write.commit(caller.own_entry(requested, user)).await?;
    Ok(())
}

pub(crate) async fn find(app: &AppState, code: &str) -> Result<EmailChange, Refusal> {
    let found = app.store.read().await?.find_email_change(codes::digest(code), app.now()).await?;
    Ok(found.ok_or(Code::EmailLinkExpired)?)
}

/// The result of a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The other address has not confirmed yet.
    Half,
    Whole,
}

/// Confirms the change for one address.
pub(crate) async fn confirm(
    app: &AppState,
    code: &str,
    origin: Origin,
) -> Result<Confirmed, Refusal> {
    let digest = codes::digest(code);
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let change = write.find_email_change(digest, now).await?.ok_or(Code::EmailLinkExpired)?;
    let is_repeated = if change.is_new_side { change.new_confirmed } else { change.old_confirmed };
    if is_repeated {
        return Ok(Confirmed::Half);
    }
    write.confirm_email_change(digest, change.is_new_side).await?;
    let is_whole = if change.is_new_side { change.old_confirmed } else { change.new_confirmed };
    let user = write.find_user(change.user).await?.ok_or(Code::EmailLinkExpired)?;
    let entry = |event| AuditEntry {
        event,
        actor: Actor::User { user: change.user, member: None },
        origin,
        account: None,
        target: change.user.to_string(),
    };
    if !is_whole {
        write.commit(entry(Event::UserEmailChangeConfirmed { side: side_of(&change) })).await?;
        return Ok(Confirmed::Half);
    }
    match write.set_email(change.user, &change.email).await {
        Err(StoreError::Conflict) => return Err(Code::EmailTaken.into()),
        set => set?,
    }
    for member in write.list_memberships(change.user).await? {
        write.close_invitations_to(member.account, change.user).await?;
    }
    write.close_email_changes(change.user).await?;
    // A reset link in the old mailbox would reset the password of the user with the new address.
    write.close_resets(change.user).await?;
    let (old, new) = (&user.email, &change.email);
    let (before, after) = (EmailDetail::from(old), EmailDetail::from(new));
    for address in [old, new] {
        let message = Message::to(user.language, || Message::email_changed(new.as_str()));
        app.add_mail(&mut write, address, message).await?;
    }
    write.commit(entry(Event::UserEmailChanged { before, after, sso_issuer: None })).await?;
    Ok(Confirmed::Whole)
}

/// Stops the change from either address.
pub(crate) async fn stop(app: &AppState, code: &str, origin: Origin) -> Result<(), Refusal> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let found = write.find_email_change(codes::digest(code), now).await?;
    let change = found.ok_or(Code::EmailLinkExpired)?;
    write.close_email_changes(change.user).await?;
    let canceled = Event::UserEmailChangeCanceled { side: side_of(&change) };
    write.commit(visitor_entry(canceled, &change.user.to_string(), origin)).await?;
    Ok(())
}

fn side_of(change: &EmailChange) -> Side {
    if change.is_new_side { Side::New } else { Side::Old }
}
