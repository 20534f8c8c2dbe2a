//! Passkeys (WebAuthn): a key in the user's device, unlocked with a fingerprint, face, or PIN. Since a passkey proves
//! two factors, it is sufficient to log in; in combination with a password, it is the second factor.

pub(crate) mod console;
pub(crate) mod relying_party;

use crate::{
    AppState,
    factors::{self, RecoveryCodes},
    mail::Message,
    one_time::challenge,
    principal::{AnonymousUser, Authenticated},
    refusal::{At as _, Code, Kind, Refusal},
    sessions::{self, NewLogin, SessionSecret, visitor_entry},
    throttling::attempts::{self, LoginAttempts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keydesk_model::{
    Event, TokenName, UserId,
    audit::{LoginFactor, SecondFactorDetail, SecondFactorProof},
};
use keydesk_store::{Read, StoreError, StoredPasskey};
use std::time::Duration;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, WebauthnError,
};

/// The time that an authenticator has to respond.
const LASTS: Duration = Duration::from_mins(5);
/// The maximum number of passkeys per user.
const MOST: i64 = 20;

/// The details of a mismatch are logged and not shown.
impl From<WebauthnError> for Refusal {
    fn from(error: WebauthnError) -> Self {
        tracing::debug!(%error, "the response of an authenticator does not match");
        Self::new(Code::InvalidPasskeyResponse)
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<serde_json::Value, Refusal> {
    serde_json::to_value(value).map_err(Refusal::broken)
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| Code::InvalidPasskeyResponse.into())
}

/// A challenge for the browser, and the code that identifies its response.
pub(crate) struct Challenge {
    pub code: SessionSecret,
    /// The options for `PublicKeyCredential.parse…FromJSON`.
    pub options: String,
}

/// The purpose to which login challenges are sealed.
const LOGS_IN: &str = "passkey|log-in";

fn registers(user: UserId) -> String {
    format!("passkey|{user}")
}

fn handle(user: UserId) -> Uuid {
    Uuid::from_bytes(user.as_bytes())
}

fn id_of(id: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn read(stored: &StoredPasskey) -> Result<Passkey, Refusal> {
    serde_json::from_str(&stored.body)
        .map_err(|_| StoreError::Unreadable { column: "passkey.body" }.into())
}

pub(crate) async fn list(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<Vec<StoredPasskey>, StoreError> {
    app.store.read().await?.list_passkeys(caller.user().id).await
}

/// Begins the registration of a passkey.
pub(crate) async fn begin(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<Challenge, Refusal> {
    let party = app.relying_party.as_ref().ok_or(Code::PasskeyNeedsDomain)?;
    let user = caller.user();
    let known = list(app, caller).await?;
    if i64::try_from(known.len()).unwrap_or(i64::MAX) >= MOST {
        return Err(Refusal::new(Code::TooManyPasskeys).with_count("most", MOST));
    }
    let known: Vec<_> = known.iter().filter_map(|stored| read(stored).ok()).collect();
    let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
    let (handle, name) = (handle(user.id), user.email.as_str());
    let (options, state) =
        party.start_passkey_registration(handle, name, &user.name, Some(known))?;
    let mut options = to_json(&options)?["publicKey"].take();
    // So that users can log in without entering an email address first.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    let code = challenge::seal(app, &registers(user.id), state, LASTS)?;
    Ok(Challenge { code, options: options.to_string() })
}

/// Adds a registered passkey. The first second factor comes with recovery codes.
pub(crate) async fn add(
    app: &AppState,
    caller: &impl Authenticated,
    (code, name, answer): (&str, &str, &str),
) -> Result<Option<RecoveryCodes>, Refusal> {
    let party = app.relying_party.as_ref().ok_or(Code::PasskeyNeedsDomain)?;
    let name: TokenName = name.parse::<TokenName>().at("name")?;
    let user = caller.user().id;
    let back = challenge::open(app, &registers(user), code).ok_or(Code::InvalidPasskeyResponse)?;
    let mut write = caller.begin_own(app).await?;
    let state: PasskeyRegistration =
        back.take(&mut write).await?.ok_or(Code::InvalidPasskeyResponse)?;
    let answer: RegisterPublicKeyCredential = from_json(answer)?;
    let passkey = party.finish_passkey_registration(&answer, &state)?;
    let is_first = !factors::has_one(&mut write, user).await?;
    let (id, body) = (id_of(passkey.cred_id().as_ref()), to_json(&passkey)?.to_string());
    match write.add_passkey(user, (&id, name.as_str(), &body)).await {
        Err(StoreError::Conflict) => return Err(Code::PasskeyExists.into()),
        added => added?,
    }
    let codes =
        if is_first { Some(factors::new_codes(app, &mut write, user).await?) } else { None };
    let after = SecondFactorDetail::passkey(name.as_str());
    let message = Message::passkey_added(&app.settings.console_url);
    app.add_mail(&mut write, &caller.user().email, message).await?;
    write.commit(caller.own_entry(Event::UserSecondFactorAdded { after }, user)).await?;
    Ok(codes)
}

/// Returns whether the caller's passkey is their only second factor.
pub(crate) async fn is_only_factor(
    app: &AppState,
    caller: &impl Authenticated,
) -> Result<bool, Refusal> {
    Ok(is_last(&mut app.store.read().await?, caller.user().id).await?)
}

async fn is_last(read: &mut Read, user: UserId) -> Result<bool, StoreError> {
    let totp = read.find_totp(user).await?;
    let has_totp = totp.is_some_and(|totp| totp.confirmed_at.is_some());
    Ok(!has_totp && read.count_passkeys(user).await? <= 1)
}

/// Removes a passkey. The last second factor requires a code, since an open browser does not prove its user's identity.
pub(crate) async fn remove(
    app: &AppState,
    caller: &impl Authenticated,
    id: &str,
    code: &str,
) -> Result<(), Refusal> {
    let user = caller.user().id;
    let must_prove = is_last(&mut app.store.read().await?, user).await?;
    let mut write = if must_prove && code.trim().is_empty() {
        return Err(Code::LastTwoFactorMethod.into());
    } else if must_prove {
        factors::proved(app, caller, code).await?
    } else {
        caller.begin_own(app).await?
    };
    let found = write.find_passkey(user, id).await?.ok_or(Code::NotFound)?;
    // The others may have been removed in the meantime.
    if !must_prove && is_last(&mut write, user).await? {
        return Err(Code::LastTwoFactorMethod.into());
    }
    write.remove_passkey(user, id).await?;
    if must_prove {
        write.set_recovery_codes(user, &[]).await?;
    }
    let before = SecondFactorDetail::passkey(&found.name);
    let message = Message::second_factor_removed(!must_prove, &app.settings.console_url);
    app.add_mail(&mut write, &caller.user().email, message).await?;
    write.commit(caller.own_entry(Event::UserSecondFactorRemoved { before }, user)).await?;
    Ok(())
}

/// Begins a login with any passkey of this console; the response identifies the user.
pub(crate) fn begin_log_in(app: &AppState) -> Result<Challenge, Refusal> {
    let party = app.relying_party.as_ref().ok_or(Code::PasskeyNeedsDomain)?;
    let (options, state) = party.start_discoverable_authentication()?;
    let options = to_json(&options)?["publicKey"].take();
    let code = challenge::seal(app, LOGS_IN, state, LASTS)?;
    Ok(Challenge { code, options: options.to_string() })
}

/// Logs in the user whose passkey has responded.
pub(crate) async fn log_in(
    app: &AppState,
    code: &str,
    answer: &str,
    visitor: AnonymousUser,
) -> Result<NewLogin, Refusal> {
    let back = challenge::open(app, LOGS_IN, code).ok_or(Code::LoginExpired)?;
    let attempt =
        attempts::begin(app, LoginAttempts::Passkey { device: visitor.device }, &visitor.origin)
            .await?;
    let mut write = app.store.write(app.now()).await?;
    let state: DiscoverableAuthentication =
        back.take(&mut write).await?.ok_or(Code::LoginExpired)?;
    let checked = async {
        let party = app.relying_party.as_ref().ok_or(Code::PasskeyNeedsDomain)?;
        let answer: PublicKeyCredential = from_json(answer)?;
        let (user, id) = party.identify_discoverable_authentication(&answer)?;
        let user = UserId::from_bytes(*user.as_bytes());
        let found =
            write.find_passkey(user, &id_of(id)).await?.ok_or(Code::InvalidPasskeyResponse)?;
        let mut passkey = read(&found)?;
        let user_message = party.finish_discoverable_authentication_v2(&answer, state, &passkey)?;
        passkey.update_credential(&user_message);
        write.note_passkey_use(&found.id, &to_json(&passkey)?.to_string()).await?;
        Ok::<_, Refusal>(user)
    };
    let user = match checked.await {
        Ok(user) => write.find_user(user).await?,
        Err(refusal) if matches!(refusal.kind(), Kind::Busy | Kind::Unsettled | Kind::Broken) => {
            return Err(refusal);
        }
        Err(_) => None,
    };
    let Some(user) = user else {
        // The consumed challenge stays consumed.
        let failed = Event::SessionLoginFailed { factor: LoginFactor::Passkey };
        write.commit(visitor_entry(failed, "", visitor.origin)).await?;
        return Err(Code::UnknownPasskey.into());
    };
    attempt.succeeded(&mut write).await?;
    let entering = sessions::LoginMethod { account: None, proof: Some(SecondFactorProof::Passkey) };
    sessions::enter(app, write, &user, visitor, entering).await
}
