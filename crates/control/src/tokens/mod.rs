//! Tokens: issued, rotated and revoked, of both bindings. Here is decided who may.

mod bearer;
pub(crate) mod console;
pub(crate) mod expiry;
pub(crate) mod limits;
pub(crate) mod creation;

mod own;
pub(crate) mod reminders;
mod rotation;

pub(crate) use bearer::{
    end_bearer_token, issue_bearer_token, replace_bearer_token, replace_bearer_tokens,
    rotate_bearer_token, view_bearer_token,
};
pub use own::{SelfRevocation, SelfRotation, SelfServiceError, revoke_own_token, rotate_own_token};
pub use rotation::close_due_secrets;
use rotation::{RotatedToken, rotate_secret};
pub(crate) use rotation::{list_previous_secrets, revoke_previous_secrets, rotate_api_token};

use crate::AppState;
use crate::UserMessage as _;
use crate::door::caller::Caller;
use crate::operations::LATELY;
use crate::door::problem::Problem;
use crate::receipts::Issued;
use crate::door::language::text;
use crate::door::when::When;
use axum::http::StatusCode;
use keydesk_model::{
    AccountId, Event, ExpiryError, ExpiryPolicyError, Permission, RevocationReason, Timestamp, TokenId, TokenOwner, TokenState,
    TooManyScopes, UserId,
};
use keydesk_store::{Integration, Member, NewSecret, StoreError, Token, Write};
use keydesk_token::PlainToken;

/// How many live API tokens an account may have; more than this is a client gone wild.
const MOST_TOKENS: i64 = 1_000;
/// How many old secrets of one token may go on at once.
const MOST_OLD: usize = 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("{}", .0.user_message())]
    Expiry(#[from] ExpiryError),
    #[error("{}", .0.user_message())]
    Policy(#[from] ExpiryPolicyError),
    #[error("{}", .0.user_message())]
    TooManyScopes(#[from] TooManyScopes),
    #[error("{}", text("too-many-tokens").count("most", MOST_TOKENS))]
    TooMany,
    #[error("{}", text("no-such-token"))]
    NotFound,
    #[error("{}", text("token-inactive"))]
    Ended,
    #[error("{}", text("too-many-previous-secrets").count("most", MOST_OLD))]
    TooManyOld,
    #[error("{}", text("no-previous-secrets"))]
    NothingOld,
    #[error("{}", text("token-changed"))]
    Changed,
    /// The same form was sent before: the token is there, and its secret was shown then.
    #[error("{}", text("token-repeated").with("name", .name))]
    Repeated { name: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotFound => Self::not_found(),
            TokenError::Repeated { .. } => {
                Self::new(StatusCode::CONFLICT, text("already-created"), error.to_string())
                    .redirect_to("/tokens", text("go-to-tokens"))
            }
            TokenError::Ended | TokenError::Changed | TokenError::NothingOld => {
                Self::conflict(error.to_string())
            }
            TokenError::Expiry(_)
            | TokenError::Policy(_)
            | TokenError::TooManyScopes(_)
            | TokenError::TooMany
            | TokenError::TooManyOld => Self::invalid(error.to_string()),
            TokenError::Store(error) => error.into(),
        }
    }
}

/// Ends an API token for good.
pub(crate) async fn revoke_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Problem> {
    let (mut write, caller) = app.write_as(caller).await?;
    caller.permit(Permission::ManageTokens)?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    write.end_secret(id, RevocationReason::Revoked).await?;
    let detail = serde_json::json!({ "before": { "name": token.name, "version": token.version } });
    let entry = caller.entry(Event::TokenRevoked, id, detail);
    Ok(app.commit_with_receipt(write, entry).await?)
}

pub(crate) async fn find_live_api_token(
    write: &mut Write,
    account: AccountId,
    id: TokenId,
) -> Result<Token, TokenError> {
    let now = write.now();
    let token = write.find_token(account, id).await?.ok_or(TokenError::NotFound)?;
    // Another member's bearer token is nobody's business.
    if token.token_owner != TokenOwner::Account {
        return Err(TokenError::NotFound);
    }
    if token.state(now) == TokenState::Active { Ok(token) } else { Err(TokenError::Ended) }
}

fn shown_once(plain: &PlainToken, version: i64) -> NewSecret {
    NewSecret { hash: plain.hash(), version, masked: plain.masked(), encrypted_copy: None }
}

pub(crate) async fn list_api_tokens(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<Token>, Problem> {
    caller.permit(Permission::SeeTokens)?;
    Ok(app.store.read().await?.list_api_tokens(caller.account.id, 1_000).await?)
}

pub(crate) async fn find_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Token, Problem> {
    caller.permit(Permission::SeeTokens)?;
    let found = app.store.read().await?.find_token(caller.account.id, id).await?;
    found.filter(|token| token.token_owner == TokenOwner::Account).ok_or_else(Problem::not_found)
}

/// A client that used a token lately: it stops working when the token ends.
#[derive(Debug)]
pub(crate) struct ObservedClient {
    pub name: String,
    pub client_ip: String,
    pub last_call: When,
    pub requests_a_day: i64,
}

impl ObservedClient {
    fn new(seen: Integration, now: Timestamp) -> Self {
        let seconds = seen.last_used_at.since(seen.first_used_at).as_secs();
        let days = i64::try_from(seconds / 86_400 + 1).unwrap_or(1);
        Self {
            last_call: When::past(seen.last_used_at, now),
            requests_a_day: seen.requests / days,
            name: seen.client,
            client_ip: seen.client_ip,
        }
    }
}

/// The clients that used a token in the last 30 days, by whether they use a secret of it that is accepted now.
pub(crate) struct ObservedClients {
    pub current: Vec<ObservedClient>,
    /// They used one that has ended since, and are rejected.
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

/// The clients that use one token: they stop working when it ends.
pub(crate) async fn list_clients(
    app: &AppState,
    token: TokenId,
) -> Result<Vec<ObservedClient>, StoreError> {
    Ok(sort_clients(app, token).await?.current)
}

/// The clients that use a member's bearer token, and those that are left behind by it.
pub(crate) async fn sort_clients_of_member(
    app: &AppState,
    member: &Member,
) -> Result<ObservedClients, StoreError> {
    match app.store.read().await?.find_bearer_token(member.id).await? {
        Some(token) => sort_clients(app, token.id).await,
        None => Ok(ObservedClients { current: Vec::new(), left_behind: Vec::new() }),
    }
}

/// The clients that used any of a user's bearer tokens in the last 30 days.
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

pub(crate) async fn list_clients_of_member(
    app: &AppState,
    member: &Member,
) -> Result<Vec<ObservedClient>, StoreError> {
    Ok(sort_clients_of_member(app, member).await?.current)
}
