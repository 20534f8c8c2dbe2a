//! Revocations that can be undone. Revoking an API token by hand is a hold: gateways reject it like every revoked token,
//! and for a day it can be restored. A pause is a hold without an end.

pub(crate) mod api;
pub(crate) mod console;

use super::{
    MOST_TOKENS, ObservedClient, find_api_token, find_live_api_token, load_api_token, prepare_end,
};
use crate::{
    AppState,
    mail::{Message, members_with},
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    Event, Permission, RESTORABLE, RevocationReason, Role, Timestamp, TokenId, TokenOwner,
    TokenState,
    audit::{NameAndVersion, Rfc3339},
};
use keydesk_store::{Member, StoreError, Token, Write};

/// Revokes an API token. For a day, it can be restored.
pub(crate) async fn revoke_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    let until = write.now().plus(RESTORABLE);
    write.hold_token(id, Some(until)).await?;
    let before = NameAndVersion { name: token.name.clone(), version: token.version };
    let event = Event::TokenRevoked { before, restorable_until: Some(Rfc3339(until)) };
    let administrators = administrators(&mut write, &caller).await?;
    let (names, url) = ((&*token.name, &*caller.account.name), &app.settings.console_url);
    let message = || Message::token_revoked(names, until, url);
    app.add_mail_to(&mut write, &administrators, message).await?;
    Ok(app.commit_with_receipt(write, caller.entry(event, id)).await?)
}

/// Pauses an API token: gateways reject it until it is restored.
pub(crate) async fn pause_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    write.hold_token(id, None).await?;
    let before = NameAndVersion { name: token.name, version: token.version };
    let entry = caller.entry(Event::TokenPaused { before }, id);
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Returns the clients that a revocation would break. A token that is revoked already breaks none when that becomes
/// permanent.
pub(crate) async fn prepare_revocation(
    app: &AppState,
    caller: &Caller,
    (id, is_permanent): (TokenId, bool),
) -> Result<Vec<ObservedClient>, Refusal> {
    caller.permit(Permission::ManageTokens)?;
    if is_permanent && is_restorable(&find_api_token(app, caller, id).await?, app.now()) {
        return Ok(Vec::new());
    }
    Ok(prepare_end(app, caller, id).await?.1)
}

/// Revokes an API token permanently: an active one, or one that could be restored.
pub(crate) async fn revoke_permanently(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let (account, now) = (caller.account.id, write.database_now());
    let token = find_token(&mut write, &caller, id).await?;
    let before = NameAndVersion { name: token.name.clone(), version: token.version };
    if let Some(hold) = token.hold.filter(|_| is_restorable(&token, now)) {
        write.end_hold(id, hold, RevocationReason::Revoked).await?;
        let entry = caller.entry(Event::TokenRevokedPermanently { before }, id);
        return Ok(app.commit_with_receipt(write, entry).await?);
    }
    find_live_api_token(&mut write, account, id).await?;
    write.end_secret(id, RevocationReason::Revoked).await?;
    let event = Event::TokenRevoked { before, restorable_until: None };
    Ok(app.commit_with_receipt(write, caller.entry(event, id)).await?)
}

/// Restores an API token that was revoked by hand or paused: its secrets work again.
///
/// # Errors
///
/// [`Code::NotRestorable`] if the token can't be restored, with the reason.
pub(crate) async fn restore_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let now = write.database_now();
    let token = find_token(&mut write, &caller, id).await?;
    let Some(hold) = token.hold.filter(|_| is_restorable(&token, now)) else {
        return Err(not_restorable(&token, now));
    };
    if write.count_live_api_tokens(caller.account.id, now).await? >= MOST_TOKENS {
        return Err(Refusal::new(Code::TooManyTokens).with_count("most", MOST_TOKENS));
    }
    write.restore_token(id, hold).await?;
    let after = NameAndVersion { name: token.name.clone(), version: token.version };
    let event = Event::TokenRestored { after, revoked_at: Rfc3339(hold.since) };
    let administrators = administrators(&mut write, &caller).await?;
    let (names, url) = ((&*token.name, &*caller.account.name), &app.settings.console_url);
    let message = || Message::token_restored(names, url);
    app.add_mail_to(&mut write, &administrators, message).await?;
    Ok(app.commit_with_receipt(write, caller.entry(event, id)).await?)
}

/// Returns whether a token can be restored at `now`.
pub(crate) fn is_restorable(token: &Token, now: Timestamp) -> bool {
    let is_held = token.hold.is_some_and(|hold| hold.is_open(now));
    is_held && !has_expired(token, now) && matches!(token.state(now), TokenState::Revoked(_))
}

/// Returns whether the token has expired, before or after it was revoked.
fn has_expired(token: &Token, now: Timestamp) -> bool {
    token.expires_at.is_some_and(|at| at <= now)
}

fn not_restorable(token: &Token, now: Timestamp) -> Refusal {
    let why = match token.state(now) {
        TokenState::Active => "restore-active",
        TokenState::Expired(_) => "restore-expired",
        TokenState::Revoked(_) if token.hold.is_some() && has_expired(token, now) => {
            "restore-expired"
        }
        TokenState::Revoked(_) if token.hold.is_some() => "restore-too-late",
        TokenState::Revoked(revocation) if revocation.reason == RevocationReason::AccountClosed => {
            "restore-account-closed"
        }
        TokenState::Revoked(_) => "restore-permanent",
    };
    let why = crate::refusal::Value::Sentence { id: why, detail: String::new() };
    Refusal::new(Code::NotRestorable).with("why", why)
}

async fn find_token(write: &mut Write, caller: &Caller, id: TokenId) -> Result<Token, Refusal> {
    let found = write.find_token(caller.account.id, id).await?;
    Ok(found.filter(|token| token.token_owner == TokenOwner::Account).ok_or(Code::NotFound)?)
}

async fn administrators(write: &mut Write, caller: &Caller) -> Result<Vec<Member>, StoreError> {
    members_with(write, caller.account.id, |role| role >= Role::Administrator).await
}

/// A client whose requests were rejected while a token was revoked.
#[derive(Clone, Debug)]
pub(crate) struct RejectedClient {
    pub name: String,
    pub requests: i64,
    pub last_rejected_at: Timestamp,
    /// The time of its last accepted request, if that is after the last rejected one.
    pub accepted_at: Option<Timestamp>,
}

/// Returns a token, and the clients that were rejected in the last days because it was revoked.
pub(crate) async fn list_rejected_clients(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<(Token, Vec<RejectedClient>), Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let token = load_api_token(app, caller, id).await?;
    let now = app.now();
    let mut read = app.store.read().await?;
    let since = now.minus(RESTORABLE * 7);
    let clients = read.list_integrations(id, since).await?;
    let rejected = read.list_rejected_clients(id, since).await?.into_iter().map(|row| {
        let same = clients.iter().filter(|client| client.client == row.client);
        let accepted_at = same.map(|client| client.last_accepted_at).max();
        RejectedClient {
            name: row.client,
            requests: row.requests,
            last_rejected_at: row.last_used_at,
            accepted_at: accepted_at.filter(|at| *at > row.last_used_at),
        }
    });
    Ok((token, rejected.collect()))
}
