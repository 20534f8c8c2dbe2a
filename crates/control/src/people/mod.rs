//! People and their passwords: changing one, and resetting a forgotten one by mail.

mod at_server;
pub(crate) mod console;
mod email;
pub(crate) mod email_console;

pub use at_server::{PersonError, erase_person, make_reset_link};

use crate::{
    Desk,
    attempts::{self, HeldError, Sender, Tries},
    caller::Authenticated,
    codes,
    mail::Message,
    passwords::{Password, PasswordError, TooBusy},
    problem::Problem,
    receipts::Issued,
    say,
    sessions::{self, SessionSecret, visitor_entry},
};
use keydesk_model::{Action, Actor, AttemptKind, Email, EndCause, Language, Origin};
use keydesk_store::{Account, Person, StoreError};
use std::time::Duration;

const RESET_LASTS: Duration = Duration::from_hours(1);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("{}", say("wrong-current"))]
    WrongCurrent,
    #[error("{}", say("same-password"))]
    Same,
    #[error("{}", say("logged-out-a-moment-ago"))]
    LoggedOut,
    #[error("{}", say("choose-another").with("why", .0))]
    Unfit(#[from] PasswordError),
    #[error("{}", say("reset-over"))]
    LinkOver,
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    TooBusy(#[from] TooBusy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::WrongCurrent
            | ChangeError::Same
            | ChangeError::LoggedOut
            | ChangeError::Unfit(_) => Self::invalid(error.to_string()),
            ChangeError::LinkOver => {
                Self::invalid(error.to_string()).leading_to("/login", say("go-to-log-in"))
            }
            ChangeError::TooBusy(_) => Self::too_busy(),
            ChangeError::Held(held) => held.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// Chooses what the console and its mail are written in for the caller; None: what the browser asks for.
pub(crate) async fn choose_language(
    desk: &Desk,
    caller: &impl Authenticated,
    language: Option<Language>,
) -> Result<(), Problem> {
    let person = caller.person();
    let mut write = desk.write_own(caller).await?.ok_or_else(Problem::logged_out)?;
    write.set_language(person.id, language).await?;
    let [before, after] = [person.language, language].map(|chosen| chosen.map(Language::as_str));
    let detail =
        serde_json::json!({ "before": { "language": before }, "after": { "language": after } });
    write.commit(caller.own_entry(Action::ChooseLanguage, person.id.to_string(), detail)).await?;
    Ok(())
}

/// Changes the caller's password. In one transaction: the hash, every other session, the bearer
/// tokens in every account, and the audit entry. This session goes on under a new secret.
pub(crate) async fn change_password(
    desk: &Desk,
    caller: &impl Authenticated,
    current: &str,
    new: &str,
) -> Result<(SessionSecret, Option<Issued>), ChangeError> {
    let (person, session) = (caller.person(), caller.session().id);
    let attempt = attempts::begin(desk, Tries::Session(session), caller.origin()).await?;
    if !desk.passwords.verify(Password::typed(current), Some(&person.password_hash)).await? {
        return Err(ChangeError::WrongCurrent);
    }
    if Password::typed(current) == Password::typed(new) {
        return Err(ChangeError::Same);
    }
    let accounts = desk.store.read().await?.list_accounts_of(person.id, desk.now()).await?;
    let personal = personal(person, &accounts);
    let hash = desk.passwords.hash(Password::chosen(new, &personal)?, &desk.entropy).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let (secret, session_hash) = codes::generate(&desk.entropy);
    if !write.renew_session(session, session_hash).await? {
        return Err(ChangeError::LoggedOut);
    }
    attempt.succeeded(&mut write).await?;
    write.clear_attempts(&person.email).await?;
    write.set_password(person.id, &hash, person.version).await?;
    write.close_resets(person.id).await?;
    let ended = sessions::end_everything(
        desk,
        &mut write,
        (person.id, caller.origin()),
        Some(session),
        EndCause::PasswordChanged,
    )
    .await?;
    let entry = caller.own_entry(Action::ChangePassword, person.id.to_string(), ended);
    let receipt = desk.commit_with_receipt(write, entry).await?;
    desk.send_mail(&person.email, Message::password_changed(&desk.settings.console_url));
    Ok((secret, receipt))
}

/// What a password should not be made of.
fn personal<'a>(person: &'a Person, accounts: &'a [Account]) -> Vec<&'a str> {
    let own = [person.email.as_str(), person.email.local_part(), &person.name, "keydesk"];
    own.into_iter().chain(accounts.iter().map(|account| account.name.as_str())).collect()
}

/// Sends a reset link, if there is someone to send it to. Looks and lasts the same either way.
pub(crate) async fn request_reset(
    desk: &Desk,
    email: &str,
    origin: Origin,
) -> Result<(), StoreError> {
    let email = email.parse::<Email>().ok();
    let sender = Sender::Visitor(&origin);
    let sending = attempts::ask_to_send(desk, AttemptKind::Reset, email.as_ref(), sender).await?;
    if !sending.is_noted {
        return Ok(());
    }
    let found = match &email {
        Some(email) => desk.store.read().await?.find_person_by_email(email).await?,
        None => None,
    };
    // Above the limit no mail is sent; the response is the same.
    let found = found.filter(|_| sending.is_allowed);
    let mut write = desk.store.write(desk.now()).await?;
    let (code, hash) = codes::generate(&desk.entropy);
    let target = found.as_ref().map(|person| person.id.to_string()).unwrap_or_default();
    if let Some(person) = &found {
        write.add_reset(hash, person.id, write.now().plus(RESET_LASTS)).await?;
    }
    write.commit(visitor_entry(Action::RequestReset, &target, origin)).await?;
    if let Some(person) = found {
        // To the address on record, never to the one that was typed.
        let link = format!("{}/reset-password/{}", desk.settings.console_url, code.as_str());
        let message = Message::to(person.language, || Message::reset(&link));
        desk.send_mail(&person.email, message);
    }
    Ok(())
}

/// Whether a reset link can still be used.
pub(crate) async fn is_reset_open(desk: &Desk, code: &str) -> Result<bool, StoreError> {
    Ok(desk.store.read().await?.find_reset(codes::digest(code), desk.now()).await?.is_some())
}

/// Sets a forgotten password. Ends all sessions and the bearer tokens in the same transaction, and
/// logs nobody in.
pub(crate) async fn reset_password(
    desk: &Desk,
    code: &str,
    new: &str,
    origin: Origin,
) -> Result<Option<Issued>, ChangeError> {
    let digest = codes::digest(code);
    let mut read = desk.store.read().await?;
    let id = read.find_reset(digest, desk.now()).await?.ok_or(ChangeError::LinkOver)?;
    let person = read.find_person(id).await?.ok_or(ChangeError::LinkOver)?;
    let accounts = read.list_accounts_of(id, desk.now()).await?;
    drop(read);
    let personal = personal(&person, &accounts);
    let hash = desk.passwords.hash(Password::chosen(new, &personal)?, &desk.entropy).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let now = write.now();
    if write.find_reset(digest, now).await? != Some(person.id) {
        return Err(ChangeError::LinkOver);
    }
    write.set_password(person.id, &hash, person.version).await?;
    write.clear_attempts(&person.email).await?;
    // A thief with the password may have locked the second factor by guessing.
    write.clear_factor_attempts(person.id).await?;
    write.forget_devices(person.id).await?;
    write.close_resets(person.id).await?;
    let ended = sessions::end_everything(
        desk,
        &mut write,
        (person.id, &origin),
        None,
        EndCause::PasswordReset,
    )
    .await?;
    // A thief in a session of theirs may have added one.
    let passkeys = write.list_passkeys(person.id).await?;
    let passkeys: Vec<_> = passkeys.into_iter().map(|passkey| passkey.name).collect();
    let mut entry = visitor_entry(Action::ResetPassword, &person.id.to_string(), origin);
    entry.actor = Actor::Person { person: person.id, member: None };
    entry.detail = ended;
    let receipt = desk.commit_with_receipt(write, entry).await?;
    let url = &desk.settings.console_url;
    let message = Message::to(person.language, || Message::password_reset(url, &passkeys));
    desk.send_mail(&person.email, message);
    Ok(receipt)
}
