//! Second factors: one-time codes of an authenticator, and recovery codes for the day it is lost. A password
//! alone opens no session of who has one, on any way in.

pub(crate) mod console;
mod totp;

use crate::{
    Desk,
    attempts::{self, HeldError, Tries},
    caller::{Authenticated, Caller},
    mail::Message,
    problem::Problem,
    say,
};
use keydesk_model::{Action, Actor, Email, EmailError, Origin, PersonId, Right};
use keydesk_store::{AuditEntry, Person, Read, StoreError, Totp, Write};
use sha2::{Digest, Sha256};
use totp::Authenticator;
use zeroize::Zeroizing;

const RECOVERY_CODES: usize = 10;
/// RFC 4648's letters and digits; none of them is taken for another in most types.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// How a person proves that it is them, beside the password.
#[derive(Debug)]
pub(crate) enum State {
    None,
    /// An authenticator is being set up.
    Begun(Authenticator),
    Active {
        codes_left: i64,
    },
}

/// What was given as the second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Totp,
    RecoveryCode,
    Passkey,
}

impl Proof {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "one_time_code",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FactorError {
    #[error("{}", say("factor-wrong-code"))]
    WrongCode,
    #[error("{}", say("factor-is-there"))]
    IsThere,
    #[error("{}", say("factor-not-begun"))]
    NotBegun,
    #[error("{}", say("logged-out-a-moment-ago"))]
    LoggedOut,
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FactorError> for Problem {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Held(held) => held.into(),
            FactorError::Store(error) => error.into(),
            FactorError::LoggedOut => Self::logged_out(),
            error => {
                Self::invalid(error.to_string()).leading_to("/second-factor", say("factor-go-to"))
            }
        }
    }
}

/// Recovery codes in clear: shown once.
pub(crate) type RecoveryCodes = Vec<Zeroizing<String>>;

/// What the key of a person's one-time codes is sealed to.
pub(crate) fn belongs_to(person: PersonId) -> String {
    format!("totp|{person}")
}

/// Whether a person has a second factor that is asked for.
pub(crate) async fn has_one(read: &mut Read, person: PersonId) -> Result<bool, StoreError> {
    let is_confirmed = |totp: Totp| totp.confirmed_at.is_some();
    Ok(read.find_totp(person).await?.is_some_and(is_confirmed)
        || read.count_passkeys(person).await? > 0)
}

pub(crate) async fn look(desk: &Desk, caller: &impl Authenticated) -> Result<State, Problem> {
    let mut read = desk.store.read().await?;
    let Some(found) = read.find_totp(caller.person().id).await? else { return Ok(State::None) };
    if found.confirmed_at.is_some() {
        let codes_left = read.count_recovery_codes(caller.person().id).await?;
        return Ok(State::Active { codes_left });
    }
    let key = desk.keyring.open_secret(&found.sealed, &belongs_to(found.person));
    let key = key.map_err(Problem::broken)?;
    Ok(State::Begun(Authenticator::new(&key, &caller.person().email, &desk.settings.console_url)))
}

/// Makes a key that an authenticator is to take over.
pub(crate) async fn begin(desk: &Desk, caller: &impl Authenticated) -> Result<(), FactorError> {
    let mut write = desk.write_own(caller).await?.ok_or(FactorError::LoggedOut)?;
    let key = Zeroizing::new(desk.entropy.bytes::<20>());
    let person = caller.person().id;
    let sealed =
        desk.keyring.seal_secret(&mut write, &key[..], &belongs_to(person), &desk.entropy).await?;
    match write.set_totp(person, &sealed).await {
        Err(StoreError::Conflict) => return Err(FactorError::IsThere),
        set => set?,
    }
    // It counts for nothing before it is confirmed.
    Ok(write.keep().await?)
}

/// The first code proves that the authenticator has the key: from now on it is asked for.
pub(crate) async fn confirm(
    desk: &Desk,
    caller: &impl Authenticated,
    code: &str,
) -> Result<RecoveryCodes, FactorError> {
    let person = caller.person().id;
    // Only what can be guessed counts as a guess.
    waiting(&mut desk.store.read().await?, person).await?;
    let attempt = attempts::begin(desk, Tries::Factor(person), caller.origin()).await?;
    let mut write = desk.write_own(caller).await?.ok_or(FactorError::LoggedOut)?;
    let found = waiting(&mut write, person).await?;
    if !take_one_time_code(desk, &mut write, &found, code).await? {
        return Err(FactorError::WrongCode);
    }
    attempt.succeeded(&mut write).await?;
    write.confirm_totp(person).await?;
    let codes = new_codes(desk, &mut write, person).await?;
    let detail = serde_json::json!({ "after": { "second_factor": "authenticator" } });
    write.commit(caller.own_entry(Action::AddSecondFactor, person.to_string(), detail)).await?;
    let message = Message::second_factor_added(&desk.settings.console_url);
    desk.send_mail(&caller.person().email, message);
    Ok(codes)
}

/// The authenticator that waits for its first code.
async fn waiting(read: &mut Read, person: PersonId) -> Result<Totp, FactorError> {
    let found = read.find_totp(person).await?.ok_or(FactorError::NotBegun)?;
    if found.confirmed_at.is_some() { Err(FactorError::IsThere) } else { Ok(found) }
}

/// New recovery codes for somebody who has just given the second factor.
pub(crate) async fn renew_codes(
    desk: &Desk,
    caller: &impl Authenticated,
    code: &str,
) -> Result<RecoveryCodes, FactorError> {
    let mut write = proved(desk, caller, code).await?;
    let codes = new_codes(desk, &mut write, caller.person().id).await?;
    let (person, detail) = (caller.person().id.to_string(), serde_json::json!({}));
    write.commit(caller.own_entry(Action::RenewRecoveryCodes, person, detail)).await?;
    let message = Message::recovery_codes_renewed(&desk.settings.console_url);
    desk.send_mail(&caller.person().email, message);
    Ok(codes)
}

pub(crate) async fn remove(
    desk: &Desk,
    caller: &impl Authenticated,
    code: &str,
) -> Result<(), FactorError> {
    let mut write = proved(desk, caller, code).await?;
    write.remove_totp(caller.person().id).await?;
    let has_more = has_one(&mut write, caller.person().id).await?;
    if !has_more {
        write.set_recovery_codes(caller.person().id, &[]).await?;
    }
    let detail = serde_json::json!({ "before": { "second_factor": "authenticator" } });
    write
        .commit(caller.own_entry(
            Action::RemoveSecondFactor,
            caller.person().id.to_string(),
            detail,
        ))
        .await?;
    let message = Message::second_factor_removed(has_more, &desk.settings.console_url);
    desk.send_mail(&caller.person().email, message);
    Ok(())
}

/// A write transaction for someone who has just given the second factor.
pub(crate) async fn proved(
    desk: &Desk,
    caller: &impl Authenticated,
    code: &str,
) -> Result<Write, FactorError> {
    let attempt = attempts::begin(desk, Tries::Factor(caller.person().id), caller.origin()).await?;
    let mut write = desk.write_own(caller).await?.ok_or(FactorError::LoggedOut)?;
    take(desk, &mut write, caller.person().id, code).await?.ok_or(FactorError::WrongCode)?;
    attempt.succeeded(&mut write).await?;
    Ok(write)
}

/// Takes a code once: of the authenticator, or a recovery code. None: it is neither. An authenticator that is
/// being set up counts for nothing.
pub(crate) async fn take(
    desk: &Desk,
    write: &mut Write,
    person: PersonId,
    code: &str,
) -> Result<Option<Proof>, StoreError> {
    let totp = write.find_totp(person).await?.filter(|totp| totp.confirmed_at.is_some());
    if let Some(totp) = totp
        && take_one_time_code(desk, write, &totp, code).await?
    {
        return Ok(Some(Proof::Totp));
    }
    let plain = Zeroizing::new(plain(code));
    let was_one = write.use_recovery_code(person, digest(&plain)).await?;
    Ok(was_one.then_some(Proof::RecoveryCode))
}

/// A code opens once, however many send it at the same time: its step is taken in this transaction.
async fn take_one_time_code(
    desk: &Desk,
    write: &mut Write,
    totp: &Totp,
    code: &str,
) -> Result<bool, StoreError> {
    let person = totp.person;
    let key = desk.keyring.open_secret(&totp.sealed, &belongs_to(person)).map_err(|error| {
        tracing::error!(%error, "the key of an authenticator cannot be opened");
        StoreError::Unreadable { column: "totp.sealed" }
    })?;
    let Some(step) = totp::step_of(&key, &plain(code), write.now()) else { return Ok(false) };
    write.take_totp_step(person, step).await
}

/// New recovery codes, in the place of all that there were.
pub(crate) async fn new_codes(
    desk: &Desk,
    write: &mut Write,
    person: PersonId,
) -> Result<RecoveryCodes, StoreError> {
    let codes: RecoveryCodes = (0..RECOVERY_CODES).map(|_| recovery_code(desk)).collect();
    let hashes: Vec<_> = codes.iter().map(|code| digest(&plain(code))).collect();
    write.set_recovery_codes(person, &hashes).await?;
    Ok(codes)
}

/// 125 random bits in five groups, so that their digest alone keeps them.
fn recovery_code(desk: &Desk) -> Zeroizing<String> {
    let bytes = Zeroizing::new(desk.entropy.bytes::<25>());
    let mut code = Zeroizing::new(String::with_capacity(29));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    code
}

/// As it is digested: people type blanks, hyphens and small letters.
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

/// Whether everyone in the account must have one.
pub(crate) async fn require(
    desk: &Desk,
    caller: &Caller,
    is_required: bool,
) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::LimitAccount)?;
    if is_required && !has_one(&mut write, caller.person.id).await? {
        return Err(Problem::invalid(say("factor-own-first"))
            .leading_to("/second-factor", say("factor-set-up")));
    }
    let account = caller.account.id;
    write.require_two_factor(account, is_required).await?;
    let detail = serde_json::json!({
        "before": { "required": caller.account.requires_two_factor },
        "after": { "required": is_required },
    });
    write.commit(caller.entry(Action::RequireSecondFactor, account, detail)).await?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum ResetFactorError {
    #[error("E-mail: {0}")]
    Email(#[from] EmailError),
    #[error("there is nobody with the address {0}")]
    Nobody(Email),
    #[error("{0} has no second factor")]
    None(Email),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The way back of someone who has lost authenticator and recovery codes: the operator takes the second factor
/// away on the server. It lets nobody in: the password is still asked for, and the person is told.
pub async fn reset_second_factor(desk: &Desk, email: &str) -> Result<(), ResetFactorError> {
    let email: Email = email.parse()?;
    let mut write = desk.store.write(desk.now()).await?;
    let person = write.find_person_by_email(&email).await?;
    let Some(Person { id, email, language, .. }) = person else {
        return Err(ResetFactorError::Nobody(email));
    };
    let had_passkeys = write.remove_passkeys(id).await? > 0;
    if !write.remove_totp(id).await? && !had_passkeys {
        return Err(ResetFactorError::None(email));
    }
    write.set_recovery_codes(id, &[]).await?;
    write.end_half_log_ins(id).await?;
    // Guesses at what is gone lock nothing any more.
    write.clear_factor_attempts(id).await?;
    let entry = AuditEntry {
        action: Action::RemoveSecondFactor,
        actor: Actor::Operator { person: None },
        origin: Origin::default(),
        account: None,
        target: id.to_string(),
        detail: serde_json::json!({ "before": { "second_factor": "authenticator" } }),
    };
    write.commit(entry).await?;
    let url = &desk.settings.console_url;
    let message = Message::to(language, || Message::second_factor_removed(false, url));
    desk.send_mail(&email, message);
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
