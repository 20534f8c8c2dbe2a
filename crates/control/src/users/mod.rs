//! Users and their passwords: changing a password, and resetting a forgotten one by mail.

mod at_server;
pub(crate) mod console;
pub(crate) mod email;

pub use at_server::{erase_user, make_reset_link};

use crate::{
    AppState,
    mail::{Link, Message},
    one_time::codes,
    passwords::{Password, PasswordError},
    principal::Authenticated,
    receipts::Issued,
    refusal::{Code, Refusal},
    sessions::{self, SessionSecret, visitor_entry},
    throttling::attempts::{self, LoginAttempts, Sender},
};
use keydesk_model::{
    Actor, AttemptKind, Email, Event, Language, LinkKind, Origin, RevocationReason,
    audit::LanguageDetail,
};
use keydesk_store::{Account, StoreError, User};
use std::time::Duration;

const RESET_LASTS: Duration = Duration::from_hours(1);

/// Sets the caller's language for the console and its mail; `None` selects the browser's language.
pub(crate) async fn choose_language(
    app: &AppState,
    caller: &impl Authenticated,
    language: Option<Language>,
) -> Result<(), Refusal> {
    let user = caller.user();
    let mut write = caller.begin_own(app).await?;
    write.set_language(user.id, language).await?;
    let [before, after] = [user.language, language].map(|chosen| LanguageDetail {
        language: chosen.map(|language| language.as_str().to_owned()),
    });
    write.commit(caller.own_entry(Event::UserLanguageChanged { before, after }, user.id)).await?;
    Ok(())
}

/// Changes the caller's password. One transaction includes the hash, every other session, the bearer tokens in every
/// account, and the audit entry. The current session continues with a new secret.
pub(crate) async fn change_password(
    app: &AppState,
    caller: &impl Authenticated,
    current: &str,
    new: &str,
) -> Result<(SessionSecret, Option<Issued>), Refusal> {
    let (user, session) = (caller.user(), caller.credential().session()?.id);
    let attempt = attempts::begin(app, LoginAttempts::Session(session), caller.origin()).await?;
    if !app.passwords.verify(Password::typed(current), Some(&user.password_hash)).await? {
        return Err(Refusal::new(Code::WrongCurrentPassword).at("current_password"));
    }
    if Password::typed(current) == Password::typed(new) {
        return Err(Refusal::new(Code::SamePassword).at("new_password"));
    }
    let accounts = app.store.read().await?.list_accounts_of(user.id, app.now()).await?;
    let personal = personal(user, &accounts);
    let hash = app
        .passwords
        .hash(Password::chosen(new, &personal).map_err(new_password)?, &app.entropy)
        .await?;
    let mut write = app.store.write(app.now()).await?;
    let (secret, session_hash) = codes::generate(&app.entropy);
    if !write.renew_session(session, session_hash).await? {
        return Err(Code::LoggedOut.into());
    }
    attempt.succeeded(&mut write).await?;
    write.clear_attempts(&user.email).await?;
    write.set_password(user.id, &hash, user.version).await?;
    write.close_resets(user.id).await?;
    let ended = sessions::end_everything(
        app,
        &mut write,
        (user.id, caller.origin()),
        Some(session),
        RevocationReason::PasswordChanged,
    )
    .await?;
    let entry = caller.own_entry(Event::UserPasswordChanged { ended }, user.id);
    let message = Message::password_changed(&app.settings.console_url);
    app.add_mail(&mut write, &user.email, message).await?;
    let receipt = app.commit_with_receipt(write, entry).await?;
    Ok((secret, receipt))
}

/// Renames the error's field to that of a new password.
fn new_password(error: PasswordError) -> Refusal {
    Refusal::from(error).renamed("new_password")
}

/// Returns the words that a password should not consist of.
fn personal<'a>(user: &'a User, accounts: &'a [Account]) -> Vec<&'a str> {
    let own = [user.email.as_str(), user.email.local_part(), &user.name, "keydesk"];
    own.into_iter().chain(accounts.iter().map(|account| account.name.as_str())).collect()
}

/// Sends a reset link if the user exists. The response and its duration are the same either way.
pub(crate) async fn request_reset(
    app: &AppState,
    email: &str,
    origin: Origin,
) -> Result<(), Refusal> {
    let email = email.parse::<Email>().ok();
    let sender = Sender::AnonymousUser(&origin);
    let sending = attempts::ask_to_send(app, AttemptKind::Reset, email.as_ref(), sender).await?;
    if !sending.is_noted {
        return Ok(());
    }
    let found = match &email {
        Some(email) => app.store.read().await?.find_user_by_email(email).await?,
        None => None,
    };
    // Above the limit no mail is sent; the response is the same.
    let found = found.filter(|_| sending.is_allowed);
    let mut write = app.store.write(app.now()).await?;
    let target = found.as_ref().map(|user| user.id.to_string()).unwrap_or_default();
    if let Some(user) = &found {
        let link = Link::new(LinkKind::PasswordReset, RESET_LASTS, &app.entropy);
        let expires_at = write.now().plus(RESET_LASTS);
        write.add_reset(link.code_hash, user.id, expires_at).await?;
        let url = link.url(&app.settings.console_url);
        let message = Message::to(user.language, || Message::reset(&url)).with_link(link);
        // To the address on record, never to the entered one.
        app.add_mail(&mut write, &user.email, message).await?;
    }
    let requested = Event::UserPasswordResetRequested { printed_on_server: false };
    write.commit(visitor_entry(requested, &target, origin)).await?;
    Ok(())
}

/// Returns whether a reset link can still be used.
pub(crate) async fn is_reset_open(app: &AppState, code: &str) -> Result<bool, StoreError> {
    Ok(app.store.read().await?.find_reset(codes::digest(code), app.now()).await?.is_some())
}

/// Sets a forgotten password. Ends all sessions and replaces the bearer tokens in the same transaction, without logging
/// the user in.
pub(crate) async fn reset_password(
    app: &AppState,
    code: &str,
    new: &str,
    origin: Origin,
) -> Result<Option<Issued>, Refusal> {
    let digest = codes::digest(code);
    let mut read = app.store.read().await?;
    let id = read.find_reset(digest, app.now()).await?.ok_or(Code::ResetExpired)?;
    let user = read.find_user(id).await?.ok_or(Code::ResetExpired)?;
    let accounts = read.list_accounts_of(id, app.now()).await?;
    drop(read);
    let personal = personal(&user, &accounts);
    let hash = app
        .passwords
        .hash(Password::chosen(new, &personal).map_err(new_password)?, &app.entropy)
        .await?;
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    if write.find_reset(digest, now).await? != Some(user.id) {
        return Err(Code::ResetExpired.into());
    }
    write.set_password(user.id, &hash, user.version).await?;
    write.clear_attempts(&user.email).await?;
    // An attacker with the password may have locked the second factor by guessing.
    write.clear_factor_attempts(user.id).await?;
    write.forget_devices(user.id).await?;
    write.close_resets(user.id).await?;
    let ended = sessions::end_everything(
        app,
        &mut write,
        (user.id, &origin),
        None,
        RevocationReason::PasswordReset,
    )
    .await?;
    // An attacker in one of the user's sessions may have added one.
    let passkeys = write.list_passkeys(user.id).await?;
    let passkeys: Vec<_> = passkeys.into_iter().map(|passkey| passkey.name).collect();
    let reset = Event::UserPasswordReset { ended };
    let mut entry = visitor_entry(reset, &user.id.to_string(), origin);
    entry.actor = Actor::User { user: user.id, member: None };
    let url = &app.settings.console_url;
    let message = Message::to(user.language, || Message::password_reset(url, &passkeys));
    app.add_mail(&mut write, &user.email, message).await?;
    Ok(app.commit_with_receipt(write, entry).await?)
}
