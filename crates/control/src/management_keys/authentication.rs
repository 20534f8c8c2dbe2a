//! Authentication by a management key: each request looks it up, so a revoked key is rejected from the commit on.

use crate::{
    AppState,
    principal::{Caller, Credential, KeyCredential, Operator},
    refusal::{Code, Refusal},
};
use keydesk_model::{Origin, Timestamp};
use keydesk_store::ManagementKey;
use keydesk_token::PlainToken;
use std::time::Duration;

/// The precision of the time of last use.
const TOUCH: Duration = Duration::from_mins(1);

/// The principal as whom a key acts.
pub(crate) enum KeyHolder {
    Member(Box<Caller>),
    Operator(Box<Operator>),
}

/// Returns the principal as whom the key with this secret acts.
///
/// # Errors
///
/// [`Code::InvalidManagementKey`] if the key is unknown, expired, or revoked, or if its member or operator is gone.
pub(crate) async fn authenticate(
    app: &AppState,
    secret: &str,
    origin: Origin,
) -> Result<KeyHolder, Refusal> {
    let hash = PlainToken::hash_presented(secret).map_err(|_| Code::InvalidManagementKey)?;
    let now = app.now();
    let mut read = app.store.read().await?;
    let found = read.find_management_key_by_secret(&hash, now).await?;
    let key = found.ok_or(Code::InvalidManagementKey)?;
    if let Some(address) = origin.client_ip
        && !key.ip_allowlist.admits(address)
    {
        return Err(Refusal::new(Code::IpNotAllowed).with_text("address", address));
    }
    let user = read.find_user(key.user).await?.ok_or(Code::InvalidManagementKey)?;
    let credential = |key: &ManagementKey| {
        Credential::Key(Box::new(KeyCredential { key: key.clone(), request: None }))
    };
    let holder = match (key.account, key.member) {
        (Some(account), Some(member)) => {
            let account = read.find_account(account).await?;
            let account = account.filter(|account| account.state.is_in_use());
            let account = account.ok_or(Code::InvalidManagementKey)?;
            let member = read.find_member(account.id, member).await?;
            KeyHolder::Member(Box::new(Caller {
                member: credential(&key).limit(member.ok_or(Code::InvalidManagementKey)?),
                credential: credential(&key),
                user,
                account,
                accounts: Vec::new(),
                is_operator: false,
                must_add_factor: false,
                origin: origin.clone(),
            }))
        }
        _ if read.is_operator(user.id).await? => KeyHolder::Operator(Box::new(Operator {
            credential: credential(&key),
            user,
            is_member: false,
            must_add_factor: false,
            origin: origin.clone(),
        })),
        _ => return Err(Code::InvalidManagementKey.into()),
    };
    drop(read);
    note_use(app, &key, (now, &origin)).await?;
    Ok(holder)
}

async fn note_use(
    app: &AppState,
    key: &ManagementKey,
    (now, origin): (Timestamp, &Origin),
) -> Result<(), Refusal> {
    if key.last_used_at.is_some_and(|last| now.since(last) < TOUCH) {
        return Ok(());
    }
    let address = origin.client_ip.map(|address| address.to_string()).unwrap_or_default();
    let client = origin.user_agent.as_deref().unwrap_or_default();
    Ok(app.store.touch_management_key(key.id, now, (client, &address)).await?)
}
