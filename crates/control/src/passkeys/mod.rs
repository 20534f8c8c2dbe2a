//! Passkeys (WebAuthn): a key in the person's device, unlocked by finger, face or PIN. As it proves two factors
//! at once it lets in by itself; beside a password it is the second factor.

pub(crate) mod console;

use crate::{
    Desk,
    attempts::{self, Tries},
    caller::{Caller, Visitor},
    codes,
    factors::{self, Proof, RecoveryCodes},
    mail::Message,
    problem::Problem,
    sessions::{self, Entered, LogInError, SessionSecret, visitor_entry},
    settings::Settings,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keydesk_model::{Action, PersonId, TokenName, TokenNameError};
use keydesk_store::{StoreError, StoredPasskey};
use std::time::Duration;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

/// How long an authenticator may take to answer.
const LASTS: Duration = Duration::from_mins(5);
/// How many one person may have.
const MOST: i64 = 20;

/// What checks challenges, for the console's own origins. None: its address is no name, and passkeys belong
/// to names.
pub(crate) fn relying_party(settings: &Settings) -> Option<Webauthn> {
    let named = settings.console_origins().filter_map(|origin| Url::parse(origin).ok());
    let named: Vec<_> = named.filter(|origin| origin.domain().is_some()).collect();
    let first = named.first()?;
    let host = first.domain()?.to_owned();
    let builder = WebauthnBuilder::new(&host, first).ok()?.rp_name("Keydesk");
    let others = named.iter().skip(1).filter(|origin| origin.domain() == Some(host.as_str()));
    others.fold(builder, WebauthnBuilder::append_allowed_origin).build().ok()
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PasskeyError {
    #[error(
        "Passkeys belong to a name, and this console is reached by an address: open it by its name, on this machine http://localhost."
    )]
    NoName,
    #[error("Your browser's answer does not fit, or took too long. Begin again.")]
    Unfit,
    #[error("This authenticator is known already.")]
    Known,
    #[error("You have {MOST} passkeys; remove one first.")]
    TooMany,
    #[error("Name: {0}.")]
    Name(#[from] TokenNameError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PasskeyError> for Problem {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Store(error) => error.into(),
            error => Self::invalid(error.to_string()).leading_to("/passkeys", "Go to the passkeys"),
        }
    }
}

/// What does not fit is told to nobody in detail: it is in the log.
impl From<WebauthnError> for PasskeyError {
    fn from(error: WebauthnError) -> Self {
        tracing::debug!(%error, "an authenticator's answer does not fit");
        Self::Unfit
    }
}

impl From<serde_json::Error> for PasskeyError {
    fn from(_: serde_json::Error) -> Self {
        Self::Unfit
    }
}

/// A challenge for the browser, and the code by which its answer is recognised.
pub(crate) struct Challenge {
    pub code: SessionSecret,
    /// As `PublicKeyCredential.parse…FromJSON` reads it.
    pub options: String,
}

fn handle(person: PersonId) -> Uuid {
    Uuid::from_bytes(person.as_bytes())
}

fn id_of(id: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn read(stored: &StoredPasskey) -> Result<Passkey, PasskeyError> {
    serde_json::from_str(&stored.body)
        .map_err(|_| StoreError::Unreadable { column: "passkey.body" }.into())
}

pub(crate) async fn list(desk: &Desk, caller: &Caller) -> Result<Vec<StoredPasskey>, StoreError> {
    desk.store.read().await?.list_passkeys(caller.person.id).await
}

/// Asks the browser to make one.
pub(crate) async fn begin(desk: &Desk, caller: &Caller) -> Result<Challenge, PasskeyError> {
    let party = desk.relying_party.as_ref().ok_or(PasskeyError::NoName)?;
    let person = &caller.person;
    let mut write = desk.store.write(desk.now()).await?;
    let known = write.list_passkeys(person.id).await?;
    if i64::try_from(known.len()).unwrap_or(i64::MAX) >= MOST {
        return Err(PasskeyError::TooMany);
    }
    let known: Vec<_> = known.iter().filter_map(|stored| read(stored).ok()).collect();
    let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
    let (user, name) = (handle(person.id), person.email.as_str());
    let (options, state) =
        party.start_passkey_registration(user, name, &person.name, Some(known))?;
    let mut options = serde_json::to_value(&options)?["publicKey"].take();
    // So that nobody has to say who they are before they log in.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    let (code, hash) = codes::generate(&desk.entropy);
    let until = write.now().plus(LASTS);
    write.begin_ceremony(hash, Some(person.id), &serde_json::to_string(&state)?, until).await?;
    write.keep().await?;
    Ok(Challenge { code, options: options.to_string() })
}

/// Takes what the browser has made. The first second factor brings recovery codes.
pub(crate) async fn add(
    desk: &Desk,
    caller: &Caller,
    (code, name, answer): (&str, &str, &str),
) -> Result<Option<RecoveryCodes>, PasskeyError> {
    let party = desk.relying_party.as_ref().ok_or(PasskeyError::NoName)?;
    let name: TokenName = name.parse()?;
    let person = caller.person.id;
    let mut write = desk.store.write(desk.now()).await?;
    let state = write.take_ceremony(codes::digest(code), Some(person)).await?;
    let state: PasskeyRegistration = serde_json::from_str(&state.ok_or(PasskeyError::Unfit)?)?;
    let answer: RegisterPublicKeyCredential = serde_json::from_str(answer)?;
    let passkey = party.finish_passkey_registration(&answer, &state)?;
    let is_first = !factors::has_one(&mut write, person).await?;
    let (id, body) = (id_of(passkey.cred_id().as_ref()), serde_json::to_string(&passkey)?);
    match write.add_passkey(person, (&id, name.as_str(), &body)).await {
        Err(StoreError::Conflict) => return Err(PasskeyError::Known),
        added => added?,
    }
    let codes =
        if is_first { Some(factors::new_codes(desk, &mut write, person).await?) } else { None };
    let detail =
        serde_json::json!({ "after": { "second_factor": "passkey", "name": name.as_str() } });
    write.commit(caller.entry(Action::AddSecondFactor, person, detail)).await?;
    let message = Message::second_factor_added(&desk.settings.console_url);
    desk.mailer.send(&caller.person.email, message, desk.now());
    Ok(codes)
}

pub(crate) async fn remove(desk: &Desk, caller: &Caller, id: &str) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    let person = caller.person.id;
    let found = write.find_passkey(person, id).await?.ok_or_else(Problem::not_found)?;
    write.remove_passkey(person, id).await?;
    if !factors::has_one(&mut write, person).await? {
        write.set_recovery_codes(person, &[]).await?;
    }
    let detail =
        serde_json::json!({ "before": { "second_factor": "passkey", "name": found.name } });
    write.commit(caller.entry(Action::RemoveSecondFactor, person, detail)).await?;
    let message = Message::second_factor_removed(&desk.settings.console_url);
    desk.mailer.send(&caller.person.email, message, desk.now());
    Ok(())
}

/// Asks for any passkey of this console: whose it is, the authenticator says.
pub(crate) async fn begin_log_in(desk: &Desk) -> Result<Challenge, PasskeyError> {
    let party = desk.relying_party.as_ref().ok_or(PasskeyError::NoName)?;
    let (options, state) = party.start_discoverable_authentication()?;
    let options = serde_json::to_value(&options)?["publicKey"].take();
    let (code, hash) = codes::generate(&desk.entropy);
    let mut write = desk.store.write(desk.now()).await?;
    let until = write.now().plus(LASTS);
    write.begin_ceremony(hash, None, &serde_json::to_string(&state)?, until).await?;
    write.keep().await?;
    Ok(Challenge { code, options: options.to_string() })
}

/// Logs in whoever's passkey has answered.
pub(crate) async fn log_in(
    desk: &Desk,
    code: &str,
    answer: &str,
    visitor: Visitor,
) -> Result<Entered, LogInError> {
    let attempt = attempts::begin(desk, Tries::Passkey, &visitor.origin).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let taken =
        write.take_ceremony(codes::digest(code), None).await?.ok_or(LogInError::HalfOver)?;
    let checked = async {
        let party = desk.relying_party.as_ref().ok_or(PasskeyError::NoName)?;
        let state: DiscoverableAuthentication = serde_json::from_str(&taken)?;
        let answer: PublicKeyCredential = serde_json::from_str(answer)?;
        let (user, id) = party.identify_discoverable_authentication(&answer)?;
        let person = PersonId::from_bytes(*user.as_bytes());
        let found = write.find_passkey(person, &id_of(id)).await?.ok_or(PasskeyError::Unfit)?;
        let mut passkey = read(&found)?;
        let told = party.finish_discoverable_authentication_v2(&answer, state, &passkey)?;
        passkey.update_credential(&told);
        write.note_passkey_use(&found.id, &serde_json::to_string(&passkey)?).await?;
        Ok::<_, PasskeyError>(person)
    };
    let person = match checked.await {
        Ok(person) => write.find_person(person).await?,
        Err(PasskeyError::Store(error)) => return Err(error.into()),
        Err(_) => None,
    };
    let Some(person) = person else {
        // What was taken stays taken.
        let mut entry = visitor_entry(Action::LogInRefused, "", visitor.origin);
        entry.detail = serde_json::json!({ "second_factor": "passkey" });
        write.commit(entry).await?;
        return Err(LogInError::WrongPasskey);
    };
    attempt.succeeded(&mut write).await?;
    sessions::enter(desk, write, &person, visitor, Some(Proof::Passkey)).await
}
