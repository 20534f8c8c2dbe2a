//! The clients that use tokens: what an action that ends or narrows a token would break.

use crate::{AppState, operations::LATELY};
use keydesk_model::{AccountId, Timestamp, TokenId, UserId};
use keydesk_store::{ClientOperation, Integration, Member, StoreError};
use std::collections::HashMap;

/// The maximum number of operations named for a client.
const MOST_OPERATIONS: usize = 20;

/// A client that used a token recently, and stops working when the token is revoked.
#[derive(Debug)]
pub(crate) struct ObservedClient {
    pub name: String,
    pub client_ip: String,
    pub last_used_at: Timestamp,
    /// The time of the query.
    pub as_of: Timestamp,
    pub requests_a_day: i64,
    /// The operations that it used with success in the last 30 days, most used first. A client is known by its name here:
    /// what it uses is the same from all IP addresses.
    pub operations: Vec<String>,
}

/// The operations that each client used, by the client's name.
struct OperationsByClient(HashMap<String, Vec<String>>);

impl OperationsByClient {
    fn new(used: Vec<ClientOperation>) -> Self {
        let mut by_client = HashMap::<String, Vec<String>>::new();
        for one in used.into_iter().filter(|one| one.accepted() > 0) {
            let operations = by_client.entry(one.client).or_default();
            if operations.len() < MOST_OPERATIONS {
                operations.push(one.operation);
            }
        }
        Self(by_client)
    }

    fn observed(&self, seen: Integration, now: Timestamp) -> ObservedClient {
        let seconds = seen.last_accepted_at.since(seen.first_used_at).as_secs();
        let days = i64::try_from(seconds / 86_400 + 1).unwrap_or(1);
        ObservedClient {
            last_used_at: seen.last_accepted_at,
            as_of: now,
            requests_a_day: seen.requests / days,
            operations: self.0.get(&seen.client).cloned().unwrap_or_default(),
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

pub(super) async fn sort_clients(
    app: &AppState,
    token: TokenId,
) -> Result<ObservedClients, StoreError> {
    let now = app.now();
    let mut read = app.store.read().await?;
    let seen = read.list_integrations(token, now.minus(LATELY)).await?;
    let since = read.find_open_since(token).await?;
    let used = read.list_client_operations(token, now.minus(LATELY)).await?;
    let used = OperationsByClient::new(used);
    let is_current = |seen: &Integration| since.is_none_or(|since| seen.last_accepted_at >= since);
    let (current, left_behind): (Vec<_>, Vec<_>) = seen.into_iter().partition(is_current);
    let clients =
        |seen: Vec<Integration>| seen.into_iter().map(|seen| used.observed(seen, now)).collect();
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

/// Returns the clients that use any active token of an account, at most 1,000.
pub(crate) async fn list_clients_of_account(
    app: &AppState,
    account: AccountId,
) -> Result<Vec<ObservedClient>, StoreError> {
    let now = app.now();
    let since = now.minus(LATELY);
    let mut read = app.store.read().await?;
    let seen = read.list_integrations_of(account, (since, now)).await?;
    let used = read.list_client_operations_of_account(account, since).await?;
    let used = OperationsByClient::new(used);
    Ok(seen.into_iter().map(|seen| used.observed(seen, now)).collect())
}

pub(crate) async fn list_clients_of_member(
    app: &AppState,
    member: &Member,
) -> Result<Vec<ObservedClient>, StoreError> {
    Ok(sort_clients_of_member(app, member).await?.current)
}
