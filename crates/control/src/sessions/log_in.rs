//! Logging in: the password first, the second factor where there is one, then the session and the news of it.

use super::{Entered, SessionSecret, open_session, visitor_entry};
use crate::{
    Desk,
    attempts::{self, HeldError, Tries},
    caller::Visitor,
    codes,
    factors::{self, Proof},
    mail::Message,
    passwords::{Password, TooBusy},
    say,
};
use keydesk_model::{AccountId, Action, Actor, Email, Origin, PersonId};
use keydesk_store::{HalfLogIn, Person, StoreError, Write};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub(crate) enum LogInError {
    #[error("{}", say("log-in-wrong"))]
    Wrong,
    #[error("{}", say("log-in-wrong-code"))]
    WrongCode,
    #[error("{}", say("log-in-wrong-passkey"))]
    WrongPasskey,
    #[error("{}", say("log-in-half-over"))]
    HalfOver,
    #[error(transparent)]
    Held(HeldError),
    #[error(transparent)]
    TooBusy(#[from] TooBusy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HeldError> for LogInError {
    fn from(error: HeldError) -> Self {
        match error {
            HeldError::Store(error) => Self::Store(error),
            held => Self::Held(held),
        }
    }
}

/// How far a password leads.
pub(crate) enum LoggedIn {
    Entered(Entered),
    /// The second factor is to follow, with this.
    HalfWay(SessionSecret),
}

/// How long the second factor may take.
const HALF_WAY: Duration = Duration::from_mins(10);

/// Logs in with e-mail and password. An unknown address and a wrong password look and last alike.
pub(crate) async fn log_in(
    desk: &Desk,
    email: &str,
    password: &str,
    visitor: Visitor,
) -> Result<LoggedIn, LogInError> {
    let tries = Tries::Email { typed: email, device: visitor.device };
    let attempt = attempts::begin(desk, tries, &visitor.origin).await?;
    let person = match email.parse::<Email>() {
        Ok(email) => desk.store.read().await?.find_person_by_email(&email).await?,
        Err(_) => None,
    };
    let stored = person.as_ref().map(|person| person.password_hash.as_str());
    let fits = desk.passwords.verify(Password::typed(password), stored).await?;
    // The password is at hand: its hash moves to the current key.
    let renewed = match stored.filter(|stored| fits && desk.passwords.is_dated(stored)) {
        Some(_) => desk.passwords.hash(Password::typed(password), &desk.entropy).await.ok(),
        None => None,
    };
    let mut write = desk.store.write(desk.now()).await?;
    let Some(person) = person.filter(|_| fits) else {
        let entry = visitor_entry(Action::LogInRefused, "", visitor.origin);
        write.commit(entry).await?;
        return Err(LogInError::Wrong);
    };
    // The password may have changed while it was being checked.
    if write.find_person(person.id).await?.is_none_or(|current| current.version != person.version) {
        return Err(LogInError::Wrong);
    }
    if let Some(hash) = &renewed {
        write.renew_password_hash(person.id, hash, person.version).await?;
    }
    attempt.succeeded(&mut write).await?;
    if let Some(half) = half_way(desk, &mut write, (person.id, None)).await? {
        // It opens nothing yet.
        write.keep().await?;
        return Ok(LoggedIn::HalfWay(half));
    }
    Ok(LoggedIn::Entered(enter(desk, write, &person, visitor, Entering::default()).await?))
}

/// Where somebody has a second factor: what they are to come back with it.
pub(crate) async fn half_way(
    desk: &Desk,
    write: &mut Write,
    (person, account): (PersonId, Option<AccountId>),
) -> Result<Option<SessionSecret>, StoreError> {
    if !factors::has_one(write, person).await? {
        return Ok(None);
    }
    let Some(found) = write.find_person(person).await? else { return Ok(None) };
    let (secret, hash) = codes::generate(&desk.entropy);
    let until = write.now().plus(HALF_WAY);
    let half = HalfLogIn { person, version: found.version, account };
    write.add_half_log_in(hash, half, until).await?;
    Ok(Some(secret))
}

/// The second half of a log-in: a code for someone who has given the password.
pub(crate) async fn log_in_with_code(
    desk: &Desk,
    half: &str,
    code: &str,
    visitor: Visitor,
) -> Result<Entered, LogInError> {
    let digest = codes::digest(half);
    let mut read = desk.store.read().await?;
    let found = read.find_half_log_in(digest, desk.now()).await?.ok_or(LogInError::HalfOver)?;
    drop(read);
    let attempt = attempts::begin(desk, Tries::Factor(found.person), &visitor.origin).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let now = write.now();
    let still = write.find_half_log_in(digest, now).await?.ok_or(LogInError::HalfOver)?;
    let person = write.find_person(still.person).await?.ok_or(LogInError::HalfOver)?;
    if person.version != still.version {
        return Err(LogInError::HalfOver);
    }
    let Some(proof) = factors::take(desk, &mut write, person.id, code).await? else {
        let mut entry = visitor_entry(Action::LogInRefused, &person.id.to_string(), visitor.origin);
        entry.detail = serde_json::json!({ "second_factor": "wrong" });
        write.commit(entry).await?;
        return Err(LogInError::WrongCode);
    };
    attempt.succeeded(&mut write).await?;
    write.end_half_log_in(digest).await?;
    let entering = Entering { account: still.account, proof: Some(proof) };
    enter(desk, write, &person, visitor, entering).await
}

/// How somebody comes in.
#[derive(Default)]
pub(crate) struct Entering {
    /// Where to, if that was said; else the first account.
    pub account: Option<AccountId>,
    pub proof: Option<Proof>,
}

/// Opens the session of someone who has proved who they are, and tells them of a new browser.
pub(crate) async fn enter(
    desk: &Desk,
    mut write: Write,
    person: &Person,
    visitor: Visitor,
    Entering { account, proof }: Entering,
) -> Result<Entered, LogInError> {
    let now = write.now();
    let accounts = write.list_accounts_of(person.id, now).await?;
    let wanted = accounts.iter().find(|known| Some(known.id) == account);
    let account = wanted.or(accounts.first()).map(|account| account.id);
    let news = News::of(&mut write, person, proof).await?;
    let entered = open_session(desk, &mut write, person.id, account, &visitor).await?;
    let mut entry = visitor_entry(Action::LogIn, &person.id.to_string(), visitor.origin.clone());
    entry.actor = Actor::Person { person: person.id, member: None };
    entry.account = account;
    if let Some(proof) = proof {
        entry.detail = serde_json::json!({ "second_factor": proof.as_str() });
    }
    write.commit(entry).await?;
    news.send(desk, &entered, &visitor.origin);
    Ok(entered)
}

/// What the person is told of who was let in as them.
pub(crate) struct News<'a> {
    person: &'a Person,
    /// Whether this could be told from a browser that was used before.
    had_devices: bool,
    /// Recovery codes that are left, where one was used.
    codes_left: Option<i64>,
}

impl<'a> News<'a> {
    /// Looked up before the session is opened, and after the code was taken.
    pub async fn of(
        write: &mut Write,
        person: &'a Person,
        proof: Option<Proof>,
    ) -> Result<Self, StoreError> {
        let codes_left = match proof {
            Some(Proof::RecoveryCode) => Some(write.count_recovery_codes(person.id).await?),
            _ => None,
        };
        let had_devices = write.count_devices(person.id).await? > 0;
        Ok(Self { person, had_devices, codes_left })
    }

    pub fn send(self, desk: &Desk, entered: &Entered, origin: &Origin) {
        let (now, url) = (desk.now(), &desk.settings.console_url);
        let Person { email, language, .. } = self.person;
        if self.had_devices && entered.device.is_some() {
            let message = Message::to(*language, || Message::new_device(origin, now, url));
            desk.send_mail(email, message);
        }
        if let Some(left) = self.codes_left {
            let message = Message::to(*language, || Message::recovery_code_used(left, url));
            desk.send_mail(email, message);
        }
    }
}
