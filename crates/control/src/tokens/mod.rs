//! Tokens: creation, rotation, and revocation of API tokens and bearer tokens, with the permission checks for them.

pub(crate) mod api;
pub(crate) mod bearer;
mod clients;
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
pub(crate) mod selection;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
pub(crate) use bearer::{
    end_bearer_token, find_own_bearer_token, issue_bearer_token, prepare_bearer_rotation,
    replace_bearer_token, replace_bearer_tokens, replace_secret, rotate_bearer_token,
    view_bearer_token,
};
pub(crate) use clients::{
    ObservedClient, ObservedClients, list_clients, list_clients_of_account, list_clients_of_member,
    list_clients_of_user, sort_clients_of_member,
};
pub use own::{SelfRevocation, SelfRotation, SelfServiceError, revoke_own_token, rotate_own_token};
pub(crate) use restoration::is_restorable;
pub use rotation::close_due_secrets;
use rotation::{RotatedToken, rotate_secret};
pub(crate) use rotation::{list_previous_secrets, revoke_previous_secrets, rotate_api_token};

use keydesk_model::{AccountId, Permission, TokenId, TokenOwner, TokenState};
use keydesk_store::{NewSecret, Page, PageSearch, Token, TokenFilter, Write};
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
