//! Passkeys (WebAuthn): a key in the user's device, unlocked by finger, face or PIN. As it proves two factors
//! at once it lets in by itself; beside a password it is the second factor.

pub(crate) mod console;

use crate::{
    AppState,
    factors::{self, Proof, RecoveryCodes},
    mail::Message,
    one_time::challenge,
    principal::{AnonymousUser, Authenticated},
    refusal::{At as _, Code, Kind, Refusal},
    sessions::{self, NewLogin, SessionSecret, visitor_entry},
    settings::Settings,
    throttling::attempts::{self, LoginAttempts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keydesk_model::{Event, TokenName, UserId};
use keydesk_store::{Read, StoreError, StoredPasskey};
use std::time::Duration;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

/// How long an authenticator may take to answer.
const LASTS: Duration = Duration::from_mins(5);
/// How many one user may have.
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

/// The details of a mismatch are logged and shown to nobody.
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

/// A challenge for the browser, and the code by which its answer is recognised.
pub(crate) struct Challenge {
    pub code: SessionSecret,
    /// As `PublicKeyCredential.parse…FromJSON` reads it.
    pub options: String,
}

/// Whom challenges are for.
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

/// Asks the browser to make one.
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
    // So that nobody has to say who they are before they log in.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    let code = challenge::seal(app, &registers(user.id), state, LASTS)?;
    Ok(Challenge { code, options: options.to_string() })
}

/// Takes what the browser has made. The first second factor brings recovery codes.
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
    let detail =
        serde_json::json!({ "after": { "second_factor": "passkey", "name": name.as_str() } });
    write.commit(caller.own_entry(Event::UserSecondFactorAdded, user.to_string(), detail)).await?;
    let message = Message::passkey_added(&app.settings.console_url);
    app.send_mail(&caller.user().email, message);
    Ok(codes)
}

/// Whether the caller's passkey is their only second factor.
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

/// Removes one; the last second factor only with a code, as whoever finds a browser open is not yet its owner.
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
    // The others may have gone meanwhile.
    if !must_prove && is_last(&mut write, user).await? {
        return Err(Code::LastTwoFactorMethod.into());
    }
    write.remove_passkey(user, id).await?;
    if must_prove {
        write.set_recovery_codes(user, &[]).await?;
    }
    let detail =
        serde_json::json!({ "before": { "second_factor": "passkey", "name": found.name } });
    write
        .commit(caller.own_entry(Event::UserSecondFactorRemoved, user.to_string(), detail))
        .await?;
    let message = Message::second_factor_removed(!must_prove, &app.settings.console_url);
    app.send_mail(&caller.user().email, message);
    Ok(())
}

/// Asks for any passkey of this console: whose it is, the authenticator says.
pub(crate) fn begin_log_in(app: &AppState) -> Result<Challenge, Refusal> {
    let party = app.relying_party.as_ref().ok_or(Code::PasskeyNeedsDomain)?;
    let (options, state) = party.start_discoverable_authentication()?;
    let options = to_json(&options)?["publicKey"].take();
    let code = challenge::seal(app, LOGS_IN, state, LASTS)?;
    Ok(Challenge { code, options: options.to_string() })
}

/// Logs in whoever's passkey has answered.
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
        // What was taken stays taken.
        let mut entry = visitor_entry(Event::SessionLoginFailed, "", visitor.origin);
        entry.detail = serde_json::json!({ "second_factor": "passkey" });
        write.commit(entry).await?;
        return Err(Code::UnknownPasskey.into());
    };
    attempt.succeeded(&mut write).await?;
    let entering = sessions::LoginMethod { account: None, proof: Some(Proof::Passkey) };
    sessions::enter(app, write, &user, visitor, entering).await
}
