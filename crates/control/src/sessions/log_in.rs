//! Logging in: the password, the second factor if there is one, then the session and the notification of it.

use super::{NewLogin, SessionSecret, open_session, visitor_entry};
use crate::{
    AppState, factors,
    mail::Message,
    one_time::codes,
    passwords::Password,
    principal::AnonymousUser,
    refusal::{Code, Refusal},
    throttling::attempts::{self, LoginAttempts},
};
use keydesk_model::{
    AccountId, Actor, Email, Event, Origin, UserId,
    audit::{LoginFactor, SecondFactorProof},
};
use keydesk_store::{AuditEntry, PendingLogin, StoreError, User, Write};
use std::time::Duration;

/// The result of a correct password.
pub(crate) enum LoggedIn {
    NewLogin(NewLogin),
    /// The second factor is required, along with this secret.
    HalfWay(SessionSecret),
}

/// The time to enter the second factor.
const HALF_WAY: Duration = Duration::from_mins(10);

/// Logs in with email and password. The response and its duration are the same for an unknown address and a wrong
/// password.
pub(crate) async fn log_in(
    app: &AppState,
    email: &str,
    password: &str,
    visitor: AnonymousUser,
) -> Result<LoggedIn, Refusal> {
    let tries = LoginAttempts::Email { typed: email, device: visitor.device };
    let attempt = attempts::begin(app, tries, &visitor.origin).await?;
    let user = match email.parse::<Email>() {
        Ok(email) => app.store.read().await?.find_user_by_email(&email).await?,
        Err(_) => None,
    };
    let stored = user.as_ref().map(|user| user.password_hash.as_str());
    let fits = app.passwords.verify(Password::typed(password), stored).await?;
    // The password is available here, so that it can be hashed with the current key.
    let renewed = match stored.filter(|stored| fits && app.passwords.is_dated(stored)) {
        Some(_) => app.passwords.hash(Password::typed(password), &app.entropy).await.ok(),
        None => None,
    };
    let mut write = app.store.write(app.now()).await?;
    let Some(user) = user.filter(|_| fits) else {
        let failed = Event::SessionLoginFailed { factor: LoginFactor::Password };
        write.commit(visitor_entry(failed, "", visitor.origin)).await?;
        return Err(Code::IncorrectCredentials.into());
    };
    // The password may have changed while it was being checked.
    if write.find_user(user.id).await?.is_none_or(|current| current.version != user.version) {
        return Err(Code::IncorrectCredentials.into());
    }
    if let Some(hash) = &renewed {
        write.renew_password_hash(user.id, hash, user.version).await?;
    }
    attempt.succeeded(&mut write).await?;
    if let Some(half) = half_way(app, &mut write, (user.id, None)).await? {
        // It grants no access yet.
        write.keep().await?;
        return Ok(LoggedIn::HalfWay(half));
    }
    Ok(LoggedIn::NewLogin(enter(app, write, &user, visitor, LoginMethod::default()).await?))
}

/// Returns the secret with which the second factor must be sent, if the user has one.
pub(crate) async fn half_way(
    app: &AppState,
    write: &mut Write,
    (user, account): (UserId, Option<AccountId>),
) -> Result<Option<SessionSecret>, StoreError> {
    if !factors::has_one(write, user).await? {
        return Ok(None);
    }
    let Some(found) = write.find_user(user).await? else { return Ok(None) };
    let (secret, hash) = codes::generate(&app.entropy);
    let until = write.now().plus(HALF_WAY);
    let half = PendingLogin { user, version: found.version, account };
    write.add_pending_login(hash, half, until).await?;
    Ok(Some(secret))
}

/// Completes a login with a code, after the password was entered.
pub(crate) async fn log_in_with_code(
    app: &AppState,
    half: &str,
    code: &str,
    visitor: AnonymousUser,
) -> Result<NewLogin, Refusal> {
    let digest = codes::digest(half);
    let mut read = app.store.read().await?;
    let found = read.find_pending_login(digest, app.now()).await?.ok_or(Code::LoginExpired)?;
    drop(read);
    let attempt = attempts::begin(app, LoginAttempts::Factor(found.user), &visitor.origin).await?;
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let still = write.find_pending_login(digest, now).await?.ok_or(Code::LoginExpired)?;
    let user = write.find_user(still.user).await?.ok_or(Code::LoginExpired)?;
    if user.version != still.version {
        return Err(Code::LoginExpired.into());
    }
    let Some(proof) = factors::take(app, &mut write, user.id, code).await? else {
        let failed = Event::SessionLoginFailed { factor: LoginFactor::OneTimeCode };
        write.commit(visitor_entry(failed, &user.id.to_string(), visitor.origin)).await?;
        return Err(Code::IncorrectCode.into());
    };
    attempt.succeeded(&mut write).await?;
    write.end_pending_login(digest).await?;
    let entering = LoginMethod { account: still.account, proof: Some(proof) };
    enter(app, write, &user, visitor, entering).await
}

/// The target account and the proof of a login.
#[derive(Default)]
pub(crate) struct LoginMethod {
    /// The account to open, if requested; otherwise the first one.
    pub account: Option<AccountId>,
    pub proof: Option<SecondFactorProof>,
}

/// Opens the session of an authenticated user, and notifies them of a new browser.
pub(crate) async fn enter(
    app: &AppState,
    mut write: Write,
    user: &User,
    visitor: AnonymousUser,
    LoginMethod { account, proof }: LoginMethod,
) -> Result<NewLogin, Refusal> {
    let now = write.now();
    let accounts = write.list_accounts_of(user.id, now).await?;
    let wanted = accounts.iter().find(|known| Some(known.id) == account);
    let account = wanted.or(accounts.first()).map(|account| account.id);
    let news = News::of(&mut write, user, proof).await?;
    let entered = open_session(app, &mut write, user.id, account, &visitor).await?;
    let created = Event::SessionCreated { second_factor: proof, sso_issuer: None };
    let entry = AuditEntry {
        actor: Actor::User { user: user.id, member: None },
        account,
        ..visitor_entry(created, &user.id.to_string(), visitor.origin.clone())
    };
    news.mail(app, &mut write, &entered, &visitor.origin).await?;
    write.commit(entry).await?;
    Ok(entered)
}

/// The notification to a user of a login.
pub(crate) struct News<'a> {
    user: &'a User,
    /// Whether earlier browsers are known, from which this one can be distinguished.
    had_devices: bool,
    /// The number of remaining recovery codes, if one was used.
    codes_left: Option<i64>,
}

impl<'a> News<'a> {
    /// Reads the data before the session is opened and after the code was consumed.
    pub async fn of(
        write: &mut Write,
        user: &'a User,
        proof: Option<SecondFactorProof>,
    ) -> Result<Self, StoreError> {
        let codes_left = match proof {
            Some(SecondFactorProof::RecoveryCode) => {
                Some(write.count_recovery_codes(user.id).await?)
            }
            _ => None,
        };
        let had_devices = write.count_devices(user.id).await? > 0;
        Ok(Self { user, had_devices, codes_left })
    }

    pub async fn mail(
        self,
        app: &AppState,
        write: &mut Write,
        entered: &NewLogin,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let (now, url) = (app.now(), &app.settings.console_url);
        let User { email, language, .. } = self.user;
        if self.had_devices && entered.device.is_some() {
            let message = Message::to(*language, || Message::new_device(origin, now, url));
            app.add_mail(write, email, message).await?;
        }
        if let Some(left) = self.codes_left {
            let message = Message::to(*language, || Message::recovery_code_used(left, url));
            app.add_mail(write, email, message).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::world::{ANN, Console};
    use std::sync::atomic::Ordering;

    /// The times themselves are compared by `bench/login`.
    #[tokio::test]
    async fn p9_an_unknown_address_costs_as_many_hashes_as_a_wrong_password() {
        let console = Console::start().await;
        let visitor = console.anonymous();
        let computed = || console.app.passwords.computed.load(Ordering::Relaxed);
        for email in [ANN, "nobody@acme.example", "no address"] {
            let before = computed();
            assert_eq!(visitor.log_in(email, "a wrong password").await.status, 403);
            assert_eq!(computed() - before, 1, "{email}");
        }
    }
}
