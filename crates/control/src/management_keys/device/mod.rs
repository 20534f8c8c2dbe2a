//! Logins of devices (RFC 8628), such as `keydesk login`: the device shows a code, and a user confirms it in the console.
//! The device code becomes the secret of a management key, so the server keeps no secret and sees it only when the
//! device sends it.

pub(crate) mod api;
pub(crate) mod console;

use super::{KeyManager, KeyRequest, add_key};
use crate::{
    AppState,
    refusal::{Code, Refusal, Value},
    sessions::too_many_changes,
    throttling::attempts::network,
};
use keydesk_model::{KeyScopes, Origin};
use keydesk_store::{DeviceLogin, ManagementKey};
use keydesk_token::{Kind, PlainToken, TokenHash};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The time in which a user can confirm a login.
pub(crate) const LIFETIME: Duration = Duration::from_mins(15);
/// The letters of user codes: no vowels, so that no word comes out (RFC 8628 section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A login that has begun: the code of the device, and the one that its user sees.
pub(crate) struct Started {
    pub device_code: PlainToken,
    pub user_code: String,
}

/// How far a login is.
pub(crate) enum Progress {
    Pending,
    Denied,
    Expired,
    Confirmed(Box<ManagementKey>),
}

/// Begins a login. An empty set of scopes means all that the user can grant.
pub(crate) async fn start(
    app: &AppState,
    scopes: KeyScopes,
    origin: &Origin,
) -> Result<Started, Refusal> {
    let address = origin.client_ip.map(|address| address.to_string());
    let now = app.now();
    let network = origin.client_ip.map(network).unwrap_or_default();
    app.all_device_logins
        .take("", now)
        .and_then(|_| app.device_logins.take(&network, now))
        .map_err(|wait| {
            Refusal::new(Code::TooManyLogins).with("span", Value::Span(wait)).retry_after(wait)
        })?;
    let device_code =
        PlainToken::generate(&app.settings.token_prefix, Kind::Management, &app.entropy);
    let user_code = generate_user_code(app);
    let login = DeviceLogin {
        hash: *device_code.hash().as_bytes(),
        masked: device_code.masked(),
        scopes,
        client_ip: address,
        client: origin.user_agent.clone(),
        expires_at: now.plus(LIFETIME),
        answered_at: None,
        key: None,
    };
    app.store.add_device_login(&login, digest(&user_code), now).await?;
    Ok(Started { device_code, user_code })
}

/// Returns a random code such as `WDJB-MJHT`.
fn generate_user_code(app: &AppState) -> String {
    let mut code = String::new();
    while code.len() < LENGTH {
        // Larger values would make the first letters more frequent.
        let [byte] = app.entropy.bytes::<1>();
        if usize::from(byte) < 256 / LETTERS.len() * LETTERS.len() {
            code.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
        }
    }
    code.insert(LENGTH / 2, '-');
    code
}

/// Returns the digest of a user code, however a user writes it.
fn digest(user_code: &str) -> [u8; 32] {
    let letters = user_code.chars().filter(char::is_ascii_alphabetic);
    let letters: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    Sha256::digest(letters).into()
}

/// Returns how far the login of a device is, or `None` if there is none.
pub(crate) async fn find_progress(
    app: &AppState,
    device_code: &str,
) -> Result<Option<Progress>, Refusal> {
    let Ok(hash) = PlainToken::hash_presented(device_code) else { return Ok(None) };
    let (now, mut read) = (app.now(), app.store.read().await?);
    let Some(login) = read.find_device_login(*hash.as_bytes()).await? else { return Ok(None) };
    Ok(Some(match (login.answered_at, login.key) {
        (Some(_), Some(_)) => match read.find_management_key_by_secret(&hash, now).await? {
            Some(key) => Progress::Confirmed(Box::new(key)),
            None => Progress::Denied,
        },
        (Some(_), None) => Progress::Denied,
        (None, _) if login.expires_at <= now => Progress::Expired,
        (None, _) => Progress::Pending,
    }))
}

/// Returns the login with a user code, if it waits for an answer.
pub(crate) async fn find_open(
    app: &AppState,
    manager: &impl KeyManager,
    user_code: &str,
) -> Result<DeviceLogin, Refusal> {
    manager.permit_to_manage()?;
    let now = app.now();
    // A code has few letters, so guesses are limited.
    app.device_codes.take(&manager.user().to_string(), now).map_err(too_many_changes)?;
    let found = app.store.read().await?.find_device_login_by_user_code(digest(user_code)).await?;
    let open = found.filter(|login| login.answered_at.is_none() && login.expires_at > now);
    Ok(open.ok_or(Code::InvalidUserCode)?)
}

/// Confirms a login: the device gets a key.
pub(crate) async fn confirm(
    app: &AppState,
    manager: &impl KeyManager,
    (user_code, request): (&str, KeyRequest),
) -> Result<ManagementKey, Refusal> {
    let login = find_open(app, manager, user_code).await?;
    let (mut write, manager) = manager.begin(app).await?;
    let secret = TokenHash::from_bytes(login.hash);
    let secret = (&secret, login.masked.as_str());
    let (key, event) = add_key(app, (&mut write, &manager), request, secret).await?;
    if !write.answer_device_login(login.hash, Some(key.id)).await? {
        return Err(Code::InvalidUserCode.into());
    }
    write.commit(manager.entry(event, key.id)).await?;
    Ok(key)
}

/// Denies a login.
pub(crate) async fn deny(
    app: &AppState,
    manager: &impl KeyManager,
    user_code: &str,
) -> Result<(), Refusal> {
    let login = find_open(app, manager, user_code).await?;
    let (mut write, _) = manager.begin(app).await?;
    write.answer_device_login(login.hash, None).await?;
    write.keep().await?;
    Ok(())
}
