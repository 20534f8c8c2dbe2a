//! Management keys: the credentials of programs that use the management API. A key acts as the member or the operator
//! who created it, within its scopes.

pub(crate) mod api;
mod authentication;
pub(crate) mod console;
pub(crate) mod device;
mod manager;

pub(crate) use authentication::{KeyHolder, authenticate};
pub(crate) use manager::{Either, KeyManager};

use crate::{
    AppState,
    principal::Caller,
    refusal::{At as _, Code, Refusal},
    tokens::expiry::Policies,
};
use keydesk_model::{
    AccountId, Event, Expiry, ExpiryPolicy, ExpiryPolicyError, GracePeriod, IdempotentRequest,
    IpAllowlist, KeyScopes, ManagementKeyId, Permission, Timestamp, TokenName,
    audit::{
        MemberDetail, NameAndVersion, NameDetail, NewManagementKey as NewKeyDetail,
        NewSecretDetail, Rfc3339,
    },
};
use keydesk_store::{
    FinishedRequest, ManagementKey, NewManagementKey, Page, PageSearch, Read, StoreError, Write,
};
use keydesk_token::{Kind, PlainToken, TokenHash};
use std::time::Duration;

/// The time for which a request to the management API can be repeated.
const REPEATABLE: Duration = Duration::from_hours(24);
/// The maximum number of active keys of an account or of the instance.
const MOST_KEYS: i64 = 100;

/// The input for a new key.
#[derive(Debug)]
pub(crate) struct KeyRequest {
    pub name: TokenName,
    pub scopes: KeyScopes,
    pub ip_allowlist: IpAllowlist,
    pub expiry: Expiry,
}

/// The policy for the lifetime of keys, in addition to the one for the account's tokens. A key always expires.
async fn expiry_policy(
    app: &AppState,
    read: &mut Read,
    account: Option<AccountId>,
) -> Result<ExpiryPolicy, Refusal> {
    let account = match account {
        Some(account) => read.find_account(account).await?,
        None => None,
    };
    let tokens = Policies::of(app, account.as_ref()).held;
    let keys = ExpiryPolicy {
        max_days: Some(app.settings.management_keys.max_lifetime_days),
        is_required: true,
        ..ExpiryPolicy::default()
    };
    Ok(keys.and(tokens))
}

/// Returns the longest lifetime of a new key in days.
pub(crate) async fn find_max_days(
    app: &AppState,
    manager: &impl KeyManager,
) -> Result<Option<u16>, Refusal> {
    manager.permit_to_manage()?;
    let mut read = app.store.read().await?;
    Ok(expiry_policy(app, &mut read, manager.account()).await?.max_days)
}

/// Creates a key. The secret is returned once and can't be read later.
pub(crate) async fn create_key(
    app: &AppState,
    manager: &impl KeyManager,
    request: KeyRequest,
) -> Result<(ManagementKey, PlainToken), Refusal> {
    let plain = PlainToken::generate(&app.settings.token_prefix, Kind::Management, &app.entropy);
    let (mut write, manager) = manager.begin(app).await?;
    let (hash, masked) = (plain.hash(), plain.masked());
    let (key, event) = add_key(app, (&mut write, &manager), request, (&hash, &masked)).await?;
    write.commit(manager.entry(event, key.id)).await?;
    Ok((key, plain))
}

/// Adds a key with a secret. Returns it with the event to record.
async fn add_key(
    app: &AppState,
    (write, manager): (&mut Write, &impl KeyManager),
    request: KeyRequest,
    secret: (&TokenHash, &str),
) -> Result<(ManagementKey, Event), Refusal> {
    check_scopes(manager, &request.scopes)?;
    let (now, account) = (write.now(), manager.account());
    if write.count_active_management_keys(account, now).await? >= MOST_KEYS {
        return Err(Refusal::new(Code::TooManyKeys).with_count("most", MOST_KEYS));
    }
    let policy = expiry_policy(app, write, account).await?;
    let expires_at = request.expiry.resolve(now)?;
    if let Err(ExpiryPolicyError::TooLong(days)) = policy.check(now, expires_at) {
        return Err(Refusal::new(Code::KeyExpiryTooLate).at("expires").with_count("days", days));
    }
    let expires_at = expires_at.ok_or_else(|| Refusal::new(Code::ExpiryRequired).at("expires"))?;
    let ip_allowlist = match manager.key() {
        Some(creator) => bound_by(creator, expires_at, request.ip_allowlist)?,
        None => request.ip_allowlist,
    };
    let new = NewManagementKey {
        id: ManagementKeyId::generate(now, &app.entropy),
        account,
        member: manager.member(),
        user: manager.user(),
        name: request.name.to_string(),
        scopes: request.scopes,
        ip_allowlist,
        expires_at,
        role: manager.role(),
    };
    write.add_management_key(&new, secret).await?;
    let key = write.find_management_key(account, new.id).await?.ok_or(Code::NotFound)?;
    let after = NewKeyDetail {
        name: new.name,
        scopes: new.scopes,
        ip_allowlist: new.ip_allowlist,
        expires_at: Rfc3339(expires_at),
    };
    Ok((key, Event::ManagementKeyCreated { after }))
}

/// Returns the IP allowlist of a key that another one creates: a key gives no other what it doesn't have.
fn bound_by(
    creator: &ManagementKey,
    expires_at: Timestamp,
    wanted: IpAllowlist,
) -> Result<IpAllowlist, Refusal> {
    let beyond = |field| Err(Refusal::new(Code::KeyBeyondItsCreator).at(field));
    if expires_at > creator.expires_at {
        return beyond("expires");
    }
    if creator.ip_allowlist.is_empty() || wanted == creator.ip_allowlist {
        return Ok(wanted);
    }
    if wanted.is_empty() { Ok(creator.ip_allowlist.clone()) } else { beyond("ip_allowlist") }
}

/// A key never permits more than the role, the operator, or the key that creates it.
fn check_scopes(manager: &impl KeyManager, scopes: &KeyScopes) -> Result<(), Refusal> {
    if scopes.is_empty() {
        return Err(Refusal::new(Code::MissingKeyScope).at("scope"));
    }
    match scopes.iter().find(|scope| !manager.may_grant(*scope)) {
        Some(scope) => {
            Err(Refusal::new(Code::ScopeNotGrantable).at("scope").with_text("scope", scope))
        }
        None => Ok(()),
    }
}

/// Returns a page of the keys, newest first.
pub(crate) async fn list_keys(
    app: &AppState,
    manager: &impl KeyManager,
    search: &PageSearch,
) -> Result<Page<ManagementKey>, Refusal> {
    manager.permit_to_see()?;
    Ok(app.store.read().await?.list_management_keys(manager.account(), search).await?)
}

pub(crate) async fn find_key(
    app: &AppState,
    manager: &impl KeyManager,
    id: ManagementKeyId,
) -> Result<ManagementKey, Refusal> {
    manager.permit_to_see()?;
    let found = app.store.read().await?.find_management_key(manager.account(), id).await?;
    Ok(found.ok_or(Code::NotFound)?)
}

async fn find_active(
    read: &mut Read,
    (manager, now): (&impl KeyManager, Timestamp),
    id: ManagementKeyId,
) -> Result<ManagementKey, Refusal> {
    let found = read.find_management_key(manager.account(), id).await?.ok_or(Code::NotFound)?;
    if found.is_active(now) { Ok(found) } else { Err(Code::KeyInactive.into()) }
}

pub(crate) async fn rename_key(
    app: &AppState,
    manager: &impl KeyManager,
    id: ManagementKeyId,
    name: &str,
) -> Result<(), Refusal> {
    let (mut write, manager) = manager.begin(app).await?;
    let now = write.now();
    let key = find_active(&mut write, (&manager, now), id).await?;
    let name = name.parse::<TokenName>().at("name")?;
    write.rename_management_key(id, name.as_str()).await?;
    let (before, after) = (NameDetail::of(&key.name), NameDetail::of(name.as_str()));
    write.commit(manager.entry(Event::ManagementKeyRenamed { before, after }, id)).await?;
    Ok(())
}

/// Gives a key a new secret; the previous one works until the end of the grace period. `version` is the one that the
/// caller saw, so that only one of two concurrent rotations succeeds.
pub(crate) async fn rotate_key(
    app: &AppState,
    manager: &impl KeyManager,
    id: ManagementKeyId,
    (version, grace_period): (Option<i64>, GracePeriod),
) -> Result<(ManagementKey, PlainToken), Refusal> {
    let (mut write, manager) = manager.begin(app).await?;
    let now = write.now();
    let key = find_active(&mut write, (&manager, now), id).await?;
    if version.is_some_and(|seen| seen != key.version) {
        return Err(Code::KeyChanged.into());
    }
    // Its holder acts as this user, so nobody else gets the secret.
    if key.user != manager.user() || key.member != manager.member() {
        return Err(Code::KeyOfAnotherUser.into());
    }
    check_scopes(&manager, &key.scopes)?;
    let plain = PlainToken::generate(&app.settings.token_prefix, Kind::Management, &app.entropy);
    let ends_at = now.plus(grace_period.duration());
    write.rotate_management_key(&key, ends_at, (&plain.hash(), &plain.masked())).await?;
    let rotated = write.find_management_key(manager.account(), id).await?.ok_or(Code::NotFound)?;
    let after = NewSecretDetail {
        version: rotated.version,
        previous_secret_expires_at: (ends_at > now).then_some(Rfc3339(ends_at)),
    };
    write.commit(manager.entry(Event::ManagementKeyRotated { after }, id)).await?;
    Ok((rotated, plain))
}

/// Revokes a key permanently. It is rejected from the commit on: each request looks it up.
pub(crate) async fn revoke_key(
    app: &AppState,
    manager: &impl KeyManager,
    id: ManagementKeyId,
) -> Result<(), Refusal> {
    revoke(manager.begin(app).await?, id).await
}

/// Revokes the key of the request, which every key may do.
pub(crate) async fn revoke_own_key(
    app: &AppState,
    manager: &impl KeyManager,
    id: ManagementKeyId,
) -> Result<(), Refusal> {
    revoke(manager.begin_as_self(app).await?, id).await
}

async fn revoke(
    (mut write, manager): (Write, impl KeyManager),
    id: ManagementKeyId,
) -> Result<(), Refusal> {
    let now = write.now();
    let key = find_active(&mut write, (&manager, now), id).await?;
    write.revoke_management_key(id).await?;
    let before = NameAndVersion { name: key.name, version: key.version };
    write.commit(manager.entry(Event::ManagementKeyRevoked { before }, id)).await?;
    Ok(())
}

/// Returns what a request changed when it was made before.
pub(crate) async fn find_finished_request(
    app: &AppState,
    request: IdempotentRequest,
) -> Result<Option<FinishedRequest>, StoreError> {
    app.store.read().await?.find_finished_request(request.key).await
}

/// Forgets the requests that can no longer be repeated.
pub async fn forget_finished_requests(app: &AppState) -> Result<(), StoreError> {
    let now = app.now();
    app.store.forget_finished_requests(now.minus(REPEATABLE), now).await
}

/// Makes a key act as the calling owner, so that it doesn't end with the membership of the one who created it.
pub(crate) async fn take_over_key(
    app: &AppState,
    caller: &Caller,
    id: ManagementKeyId,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::TakeOverKeys).await?;
    let now = write.now();
    let key = find_active(&mut write, (&caller, now), id).await?;
    let Some(before) = key.member.filter(|member| *member != caller.member.id) else {
        return Err(Code::KeyIsYours.into());
    };
    check_scopes(&caller, &key.scopes)?;
    write.set_management_key_member(id, (caller.member.id, caller.user.id)).await?;
    let taken_over = Event::ManagementKeyTakenOver {
        before: MemberDetail { member: before },
        after: MemberDetail { member: caller.member.id },
    };
    write.commit(caller.entry(taken_over, id)).await?;
    Ok(())
}
