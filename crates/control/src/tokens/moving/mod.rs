//! Moving clients off a bearer token before it is revoked: an API token for each client, with the scopes and IP addresses
//! that it used, and the view of who has moved.

pub(crate) mod console;

use super::creation::{ApiTokenRequest, issue_api_token};
use crate::{
    AppState,
    operations::LATELY,
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    Expiry, IpAllowlist, MemberId, Permission, RuleTable, ScopeSet, Timestamp, TokenId, TokenName,
    TokenNote,
};
use keydesk_store::{Integration, Member, Move, Read, StoreError, Token};
use keydesk_token::PlainToken;
use std::{collections::BTreeMap, time::Duration};

/// The time without requests after which a client doesn't count as a user of the bearer token.
const IDLE: Duration = Duration::from_hours(24);

/// A client of a bearer token, and the API token that it is to use instead.
#[derive(Debug)]
pub(crate) struct MovingClient {
    pub name: String,
    /// The narrowest limits that permit what it did in the last 30 days.
    pub scopes: ScopeSet,
    pub ip_allowlist: IpAllowlist,
    pub operations: Vec<String>,
    pub last_used_at: Timestamp,
    pub moved_to: Option<Move>,
}

impl MovingClient {
    /// Returns whether it uses its API token, and no longer the bearer token.
    pub fn has_moved(&self) -> bool {
        let used = self.moved_to.as_ref().and_then(|moved| moved.last_used_at);
        used.is_some_and(|at| at > self.last_used_at)
    }

    /// Returns whether it would stop working if the bearer token were revoked.
    pub fn depends(&self, now: Timestamp) -> bool {
        !self.has_moved() && now.since(self.last_used_at) < IDLE
    }
}

/// Whose clients are moved.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    Own,
    Member(MemberId),
}

async fn find_member(read: &mut Read, caller: &Caller, whose: Whose) -> Result<Member, Refusal> {
    caller.permit(Permission::ManageTokens)?;
    let member = match whose {
        Whose::Own => caller.member.id,
        Whose::Member(id) => {
            caller.permit(Permission::ManageMembers)?;
            id
        }
    };
    Ok(read.find_member(caller.account.id, member).await?.ok_or(Code::NotFound)?)
}

/// Returns the clients that used a member's bearer token in the last 30 days, the last used first.
pub(crate) async fn list_moving_clients(
    app: &AppState,
    caller: &Caller,
    whose: Whose,
) -> Result<(Member, Vec<MovingClient>), Refusal> {
    let mut read = app.store.read().await?;
    let member = find_member(&mut read, caller, whose).await?;
    let clients = match read.find_bearer_token(member.id).await? {
        Some(token) => clients_of(&mut read, token.id, app.now().minus(LATELY)).await?,
        None => Vec::new(),
    };
    Ok((member, clients))
}

async fn clients_of(
    read: &mut Read,
    token: TokenId,
    since: Timestamp,
) -> Result<Vec<MovingClient>, Refusal> {
    let mut found: BTreeMap<String, Vec<Integration>> = BTreeMap::new();
    for seen in read.list_integrations(token, since).await? {
        found.entry(seen.client.clone()).or_default().push(seen);
    }
    let uses = read.list_operation_use_of(token, since).await?;
    let rules = read.find_rules().await?.unwrap_or_default().live.rules;
    let rules = RuleTable::new(&rules);
    let mut moves: BTreeMap<_, _> =
        read.list_moves(token).await?.into_iter().map(|one| (one.client.clone(), one)).collect();
    let client = |(name, seen): (String, Vec<Integration>)| {
        let passed = uses.iter().filter(|one| one.client == name && one.requests > one.rejected);
        let operations: Vec<_> = passed.map(|one| one.operation.clone()).collect();
        let scopes = rules.suggested_scopes(operations.iter().map(String::as_str));
        let scopes =
            scopes.filter(|scopes| !scopes.is_empty()).unwrap_or_else(ScopeSet::everything);
        let addresses: Vec<_> = seen.iter().map(|one| one.client_ip.as_str()).collect();
        MovingClient {
            scopes,
            ip_allowlist: IpAllowlist::proposed_for(&addresses),
            operations,
            last_used_at: seen.iter().map(|one| one.last_accepted_at).max().unwrap_or_default(),
            moved_to: moves.remove(&name),
            name,
        }
    };
    let mut clients: Vec<_> = found.into_iter().map(client).collect();
    clients.sort_by_key(|client| std::cmp::Reverse(client.last_used_at));
    Ok(clients)
}

/// What a new token for a client may do.
#[derive(Clone, Debug)]
pub(crate) struct WantedMove {
    pub client: String,
    /// Whether the token has only the scopes, and only the IP addresses, that the client used.
    pub is_limited_to_scopes: bool,
    pub is_limited_to_addresses: bool,
}

/// Creates an API token for each of these clients. One that has an active token already gets no other.
pub(crate) async fn create_tokens(
    app: &AppState,
    caller: &Caller,
    whose: Whose,
    (wanted, expiry): (&[WantedMove], Expiry),
) -> Result<Vec<(Token, PlainToken)>, Refusal> {
    let (member, clients) = list_moving_clients(app, caller, whose).await?;
    let bearer = app.store.read().await?.find_bearer_token(member.id).await?;
    let bearer = bearer.ok_or(Code::NotFound)?;
    let mut made = Vec::new();
    for client in clients {
        let Some(wanted) = wanted.iter().find(|wanted| wanted.client == client.name) else {
            continue;
        };
        if client.moved_to.as_ref().is_some_and(|moved| moved.is_active) {
            continue;
        }
        let scopes =
            if wanted.is_limited_to_scopes { client.scopes } else { ScopeSet::everything() };
        let ip_allowlist = if wanted.is_limited_to_addresses {
            client.ip_allowlist
        } else {
            IpAllowlist::default()
        };
        let name = client.name.parse::<TokenName>()?;
        let note = TokenNote::default();
        let request =
            ApiTokenRequest { name, note, scopes, ip_allowlist, expiry, request_key: None };
        // A secret that was created is shown, whatever becomes of the others.
        let (token, plain) = match issue_api_token(app, caller, request).await {
            Ok(issued) => issued,
            Err(refusal) if made.is_empty() => return Err(refusal),
            Err(_) => break,
        };
        let noted = note_move(app, (bearer.id, token.id), &client.name).await;
        made.push((token, plain));
        if let Err(error) = noted {
            tracing::warn!(%error, "failed to store for which client a token was created");
            break;
        }
    }
    Ok(made)
}

async fn note_move(
    app: &AppState,
    (bearer, token): (TokenId, TokenId),
    client: &str,
) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    write.note_move(bearer, client, token).await?;
    write.keep().await
}
