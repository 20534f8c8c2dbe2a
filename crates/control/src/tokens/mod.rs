//! Tokens: creation, rotation, and revocation of API tokens and bearer tokens, with the permission checks for them.

pub(crate) mod api;
pub(crate) mod bearer;
pub(crate) mod console;
pub(crate) mod creation;
pub(crate) mod expiry;
pub(crate) mod limits;
pub(crate) mod moving;
pub(crate) mod overview;

mod own;
pub(crate) mod reminders;
pub(crate) mod restoration;
pub(crate) mod rotation;

use crate::{
    AppState,
    operations::LATELY,
    principal::Caller,
    refusal::{Code, Refusal},
};
pub(crate) use bearer::{
    end_bearer_token, find_own_bearer_token, issue_bearer_token, prepare_bearer_rotation,
    replace_bearer_token, replace_bearer_tokens, replace_secret, rotate_bearer_token,
    view_bearer_token,
};
pub use own::{SelfRevocation, SelfRotation, SelfServiceError, revoke_own_token, rotate_own_token};
pub(crate) use restoration::is_restorable;
pub use rotation::close_due_secrets;
use rotation::{RotatedToken, rotate_secret};
pub(crate) use rotation::{list_previous_secrets, revoke_previous_secrets, rotate_api_token};

use keydesk_model::{AccountId, Permission, Timestamp, TokenId, TokenOwner, TokenState, UserId};
use keydesk_store::{
    Integration, Member, NewSecret, Page, PageSearch, StoreError, Token, TokenFilter, Write,
};
use keydesk_token::PlainToken;

/// The maximum number of active API tokens per account, which only a misbehaving client exceeds.
const MOST_TOKENS: i64 = 1_000;
/// The maximum number of previous secrets per token that work concurrently.
const MOST_OLD: usize = 10;

pub(crate) async fn find_live_api_token(
    write: &mut Write,
    account: AccountId,
    id: TokenId,
) -> Result<Token, Refusal> {
    let now = write.now();
    let token = write.find_token(account, id).await?.ok_or(Code::NotFound)?;
    // Bearer tokens of other members are not accessible.
    if token.token_owner != TokenOwner::Account {
        return Err(Code::NotFound.into());
    }
    if token.state(now) == TokenState::Active { Ok(token) } else { Err(Code::TokenInactive.into()) }
}

fn shown_once(plain: &PlainToken, version: i64) -> NewSecret {
    NewSecret { hash: plain.hash(), version, masked: plain.masked(), encrypted_copy: None }
}

/// Returns the account's API tokens that can be restored.
pub(crate) async fn list_restorable_tokens(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<Token>, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    let now = app.now();
    Ok(app.store.read().await?.list_restorable_tokens(caller.account.id, now).await?)
}

/// Returns a page of the account's API tokens, newest first.
pub(crate) async fn list_api_tokens(
    app: &AppState,
    caller: &Caller,
    filter: TokenFilter,
    search: &PageSearch,
) -> Result<Page<Token>, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    let mut read = app.store.read().await?;
    Ok(read.list_api_tokens(caller.account.id, (filter, app.now()), search).await?)
}

pub(crate) async fn count_active_api_tokens(
    app: &AppState,
    caller: &Caller,
) -> Result<i64, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    Ok(app.store.read().await?.count_live_api_tokens(caller.account.id, app.now()).await?)
}

pub(crate) async fn find_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Token, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    load_api_token(app, caller, id).await
}

/// Returns an API token of the caller's account. The use case has checked the permission that it requires.
async fn load_api_token(app: &AppState, caller: &Caller, id: TokenId) -> Result<Token, Refusal> {
    let found = app.store.read().await?.find_token(caller.account.id, id).await?;
    Ok(found.filter(|token| token.token_owner == TokenOwner::Account).ok_or(Code::NotFound)?)
}

/// Returns an active API token, and the clients that stop working when it is revoked.
pub(crate) async fn prepare_end(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<(Token, Vec<ObservedClient>), Refusal> {
    caller.permit(Permission::ManageTokens)?;
    let token = find_api_token(app, caller, id).await?;
    if token.state(app.now()) != TokenState::Active {
        return Err(Code::TokenInactive.into());
    }
    let clients = list_clients(app, id).await?;
    Ok((token, clients))
}

/// A client that used a token recently, and stops working when the token is revoked.
#[derive(Debug)]
pub(crate) struct ObservedClient {
    pub name: String,
    pub client_ip: String,
    pub last_used_at: Timestamp,
    /// The time of the query.
    pub as_of: Timestamp,
    pub requests_a_day: i64,
}

impl ObservedClient {
    fn new(seen: Integration, now: Timestamp) -> Self {
        let seconds = seen.last_used_at.since(seen.first_used_at).as_secs();
        let days = i64::try_from(seconds / 86_400 + 1).unwrap_or(1);
        Self {
            last_used_at: seen.last_used_at,
            as_of: now,
            requests_a_day: seen.requests / days,
            name: seen.client,
            client_ip: seen.client_ip,
        }
    }
}

/// The clients that used a token in the last 30 days, grouped by whether they use a secret that is accepted now.
pub(crate) struct ObservedClients {
    pub current: Vec<ObservedClient>,
    /// The clients that used a secret that has ended since, and are rejected.
    pub left_behind: Vec<ObservedClient>,
}

async fn sort_clients(app: &AppState, token: TokenId) -> Result<ObservedClients, StoreError> {
    let now = app.now();
    let mut read = app.store.read().await?;
    let seen = read.list_integrations(token, now.minus(LATELY)).await?;
    let since = read.find_open_since(token).await?;
    let is_current = |seen: &Integration| since.is_none_or(|since| seen.last_used_at >= since);
    let (current, left_behind): (Vec<_>, Vec<_>) = seen.into_iter().partition(is_current);
    let clients = |seen: Vec<Integration>| {
        seen.into_iter().map(|seen| ObservedClient::new(seen, now)).collect()
    };
    Ok(ObservedClients { current: clients(current), left_behind: clients(left_behind) })
}

/// Returns the clients that stop working when the token is revoked.
pub(crate) async fn list_clients(
    app: &AppState,
    token: TokenId,
) -> Result<Vec<ObservedClient>, StoreError> {
    Ok(sort_clients(app, token).await?.current)
}

/// Returns the clients that use a member's bearer token, and those that use a revoked secret of it.
pub(crate) async fn sort_clients_of_member(
    app: &AppState,
    member: &Member,
) -> Result<ObservedClients, StoreError> {
    match app.store.read().await?.find_bearer_token(member.id).await? {
        Some(token) => sort_clients(app, token.id).await,
        None => Ok(ObservedClients { current: Vec::new(), left_behind: Vec::new() }),
    }
}

/// Returns the clients that used any of a user's bearer tokens in the last 30 days.
pub(crate) async fn list_clients_of_user(
    app: &AppState,
    user: UserId,
) -> Result<Vec<ObservedClient>, StoreError> {
    let memberships = app.store.read().await?.list_memberships(user).await?;
    let mut clients = Vec::new();
    for member in memberships {
        clients.extend(list_clients_of_member(app, &member).await?);
    }
    Ok(clients)
}

/// Returns the clients that used any token of an account in the last 30 days, at most 1,000.
pub(crate) async fn list_clients_of_account(
    app: &AppState,
    account: AccountId,
) -> Result<Vec<ObservedClient>, StoreError> {
    let now = app.now();
    let seen = app.store.read().await?.list_integrations_of(account, now.minus(LATELY)).await?;
    Ok(seen.into_iter().map(|seen| ObservedClient::new(seen, now)).collect())
}

pub(crate) async fn list_clients_of_member(
    app: &AppState,
    member: &Member,
) -> Result<Vec<ObservedClient>, StoreError> {
    Ok(sort_clients_of_member(app, member).await?.current)
}
