//! Second factors: one-time codes of an authenticator app and recovery codes. A password alone opens no session of a
//! user who has a second factor, in any kind of login.

mod at_server;
pub(crate) mod console;
mod totp;

pub use at_server::reset_two_factor;

use crate::{
    AppState,
    mail::Message,
    principal::{Authenticated, Caller},
    refusal::{Code, Refusal},
    throttling::attempts::{self, LoginAttempts},
};
use keydesk_model::{
    Event, Permission, UserId,
    audit::{RequiredDetail, SecondFactorDetail, SecondFactorProof},
};
use keydesk_store::{Read, StoreError, Totp, Write};
use sha2::{Digest, Sha256};
use totp::Authenticator;
use zeroize::Zeroizing;

const RECOVERY_CODES: usize = 10;
/// The letters and digits of RFC 4648, which are easy to distinguish in most fonts.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The state of a user's authenticator app.
#[derive(Debug)]
pub(crate) enum State {
    None,
    /// The authenticator app is being set up.
    Begun(Authenticator),
    Active {
        codes_left: i64,
    },
}

/// Recovery codes in plain text, which are shown once.
pub(crate) type RecoveryCodes = Vec<Zeroizing<String>>;

/// Returns the context to which the key of a user's one-time codes is sealed.
pub(crate) fn belongs_to(user: UserId) -> String {
    format!("totp|{user}")
}

/// Returns whether a user has an active second factor.
pub(crate) async fn has_one(read: &mut Read, user: UserId) -> Result<bool, StoreError> {
    let is_confirmed = |totp: Totp| totp.confirmed_at.is_some();
    Ok(read.find_totp(user).await?.is_some_and(is_confirmed)
        || read.count_passkeys(user).await? > 0)
}

/// Returns whether the user has set up two-factor authentication.
pub(crate) async fn is_set_up(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<bool, Refusal> {
    Ok(has_one(&mut app.store.read().await?, caller.user().id).await?)
}

/// Returns the number of remaining recovery codes, or `None` if the user has no second factor.
pub(crate) async fn count_codes_of_passkeys(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<Option<i64>, Refusal> {
    let mut read = app.store.read().await?;
    let user = caller.user().id;
    if !has_one(&mut read, user).await? {
        return Ok(None);
    }
    Ok(Some(read.count_recovery_codes(user).await?))
}

pub(crate) async fn look(app: &AppState, caller: &impl Authenticated) -> Result<State, Refusal> {
    let mut read = app.store.read().await?;
    let Some(found) = read.find_totp(caller.user().id).await? else { return Ok(State::None) };
    if found.confirmed_at.is_some() {
        let codes_left = read.count_recovery_codes(caller.user().id).await?;
        return Ok(State::Active { codes_left });
    }
    let key = app.keyring.open_secret(&found.sealed, &belongs_to(found.user));
    let key = key.map_err(Refusal::broken)?;
    Ok(State::Begun(Authenticator::new(&key, &caller.user().email, &app.settings.console_url)))
}

/// Creates a key for an authenticator app.
pub(crate) async fn begin(app: &AppState, caller: &impl Authenticated) -> Result<(), Refusal> {
    let mut write = caller.begin_own(app).await?;
    let key = Zeroizing::new(app.entropy.bytes::<20>());
    let user = caller.user().id;
    let sealed =
        app.keyring.seal_secret(&mut write, &key[..], &belongs_to(user), &app.entropy).await?;
    match write.set_totp(user, &sealed).await {
        Err(StoreError::Conflict) => return Err(Code::AuthenticatorExists.into()),
        set => set?,
    }
    // The key has no effect until it is confirmed.
    Ok(write.keep().await?)
}

/// Activates the authenticator app, whose first code proves that it has the key.
pub(crate) async fn confirm(
    app: &AppState,
    caller: &impl Authenticated,
    code: &str,
) -> Result<RecoveryCodes, Refusal> {
    let user = caller.user().id;
    // Failed attempts count only while there is a code to guess.
    waiting(&mut app.store.read().await?, user).await?;
    let attempt = attempts::begin(app, LoginAttempts::Factor(user), caller.origin()).await?;
    let mut write = caller.begin_own(app).await?;
    let found = waiting(&mut write, user).await?;
    if !take_one_time_code(app, &mut write, &found, code).await? {
        return Err(Code::WrongTwoFactorCode.into());
    }
    attempt.succeeded(&mut write).await?;
    write.confirm_totp(user).await?;
    let codes = new_codes(app, &mut write, user).await?;
    let added = Event::UserSecondFactorAdded { after: SecondFactorDetail::AUTHENTICATOR };
    let message = Message::second_factor_added(&app.settings.console_url);
    app.add_mail(&mut write, &caller.user().email, message).await?;
    write.commit(caller.own_entry(added, user)).await?;
    Ok(codes)
}

/// Returns the authenticator that awaits its first code.
async fn waiting(read: &mut Read, user: UserId) -> Result<Totp, Refusal> {
    let found = read.find_totp(user).await?.ok_or(Code::AuthenticatorNotStarted)?;
    if found.confirmed_at.is_some() { Err(Code::AuthenticatorExists.into()) } else { Ok(found) }
}

/// Creates recovery codes for a user who has just entered the second factor.
pub(crate) async fn renew_codes(
    app: &AppState,
    caller: &impl Authenticated,
    code: &str,
) -> Result<RecoveryCodes, Refusal> {
    let mut write = proved(app, caller, code).await?;
    let codes = new_codes(app, &mut write, caller.user().id).await?;
    let regenerated = Event::UserRecoveryCodesRegenerated {};
    let message = Message::recovery_codes_renewed(&app.settings.console_url);
    app.add_mail(&mut write, &caller.user().email, message).await?;
    write.commit(caller.own_entry(regenerated, caller.user().id)).await?;
    Ok(codes)
}

pub(crate) async fn remove(
    app: &AppState,
    caller: &impl Authenticated,
    code: &str,
) -> Result<(), Refusal> {
    let mut write = proved(app, caller, code).await?;
    write.remove_totp(caller.user().id).await?;
    let has_more = has_one(&mut write, caller.user().id).await?;
    if !has_more {
        write.set_recovery_codes(caller.user().id, &[]).await?;
    }
    let removed = Event::UserSecondFactorRemoved { before: SecondFactorDetail::AUTHENTICATOR };
    let message = Message::second_factor_removed(has_more, &app.settings.console_url);
    app.add_mail(&mut write, &caller.user().email, message).await?;
    write.commit(caller.own_entry(removed, caller.user().id)).await?;
    Ok(())
}

/// Opens a write transaction for a user who has just entered the second factor.
pub(crate) async fn proved(
    app: &AppState,
    caller: &impl Authenticated,
    code: &str,
) -> Result<Write, Refusal> {
    let attempt =
        attempts::begin(app, LoginAttempts::Factor(caller.user().id), caller.origin()).await?;
    let mut write = caller.begin_own(app).await?;
    take(app, &mut write, caller.user().id, code).await?.ok_or(Code::WrongTwoFactorCode)?;
    attempt.succeeded(&mut write).await?;
    Ok(write)
}

/// Consumes a one-time code or a recovery code. Returns `None` if it is neither. An authenticator app that is being set
/// up is ignored.
pub(crate) async fn take(
    app: &AppState,
    write: &mut Write,
    user: UserId,
    code: &str,
) -> Result<Option<SecondFactorProof>, StoreError> {
    let totp = write.find_totp(user).await?.filter(|totp| totp.confirmed_at.is_some());
    if let Some(totp) = totp
        && take_one_time_code(app, write, &totp, code).await?
    {
        return Ok(Some(SecondFactorProof::OneTimeCode));
    }
    let plain = Zeroizing::new(plain(code));
    let was_one = write.use_recovery_code(user, digest(&plain)).await?;
    Ok(was_one.then_some(SecondFactorProof::RecoveryCode))
}

/// Accepts a code once, even in concurrent requests, because this transaction consumes its time step.
async fn take_one_time_code(
    app: &AppState,
    write: &mut Write,
    totp: &Totp,
    code: &str,
) -> Result<bool, StoreError> {
    let user = totp.user;
    let key = app.keyring.open_secret(&totp.sealed, &belongs_to(user)).map_err(|error| {
        tracing::error!(%error, "the key of an authenticator cannot be opened");
        StoreError::Unreadable { column: "totp.sealed" }
    })?;
    let Some(step) = totp::step_of(&key, &plain(code), write.now()) else { return Ok(false) };
    write.take_totp_step(user, step).await
}

/// Replaces all recovery codes with new ones.
pub(crate) async fn new_codes(
    app: &AppState,
    write: &mut Write,
    user: UserId,
) -> Result<RecoveryCodes, StoreError> {
    let codes: RecoveryCodes = (0..RECOVERY_CODES).map(|_| recovery_code(app)).collect();
    let hashes: Vec<_> = codes.iter().map(|code| digest(&plain(code))).collect();
    write.set_recovery_codes(user, &hashes).await?;
    Ok(codes)
}

/// Generates 125 random bits in five groups, so that an unsalted digest is enough to protect them.
fn recovery_code(app: &AppState) -> Zeroizing<String> {
    let bytes = Zeroizing::new(app.entropy.bytes::<25>());
    let mut code = Zeroizing::new(String::with_capacity(29));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    code
}

/// Normalizes a code before it is hashed: users enter spaces, hyphens, and lowercase letters.
fn plain(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .take(64)
        .collect()
}

fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

/// Sets whether all members of the account must have a second factor.
pub(crate) async fn require(
    app: &AppState,
    caller: &Caller,
    is_required: bool,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    if is_required && !has_one(&mut write, caller.user.id).await? {
        return Err(Code::TwoFactorOwnFirst.into());
    }
    let account = caller.account.id;
    write.require_two_factor(account, is_required).await?;
    let changed = Event::AccountTwoFactorRequirementChanged {
        before: RequiredDetail { required: caller.account.requires_two_factor },
        after: RequiredDetail { required: is_required },
    };
    write.commit(caller.entry(changed, account)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_the_same_however_it_is_typed() {
        let code = "ABCDE-FGHIJ-KLMNO-PQRST-UVWXY";
        for typed in [code, "abcde fghij klmno pqrst uvwxy", " ABCDEFGHIJKLMNOPQRSTUVWXY\n"] {
            assert_eq!(plain(typed), plain(code), "{typed}");
        }
        assert_eq!(plain("123 456"), "123456");
    }
}
