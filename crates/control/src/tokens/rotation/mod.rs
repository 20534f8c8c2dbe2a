//! Rotation: a token gets a new secret, and the old one is revoked immediately or after a grace period.

pub(crate) mod api;

use super::{MOST_OLD, ObservedClient, find_live_api_token, prepare_end, shown_once};
use crate::{
    AppState,
    operations::LATELY,
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    Actor, Closing, Event, Origin, Permission, RevocationReason, RotationTerms, Timestamp, TokenId,
    Violation,
    audit::{NewSecretDetail, Rfc3339, VersionDetail},
};
use keydesk_store::{AuditEntry, ClosingSecret, Store, StoreError, Token, Write};
use keydesk_token::{Kind, PlainToken};

/// The result of a rotation.
#[derive(Debug)]
pub(crate) struct RotatedToken {
    pub token: Token,
    pub plain: PlainToken,
    /// The grace period of the previous secret; `None` if it was revoked, for which there is a receipt.
    pub closing: Option<Closing>,
    pub receipt: Option<Issued>,
}

/// Rotates the secret of an API token; the previous secret is rejected from now on, or works during a grace period.
/// `version` is the one that the caller saw, so that only one of two concurrent rotations succeeds.
pub(crate) async fn rotate_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    version: Option<i64>,
    terms: RotationTerms,
) -> Result<RotatedToken, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    if !terms.is_consistent() {
        return Err(Refusal::new(Code::IdlePeriodTooLong).at("revoke_after_idle"));
    }
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    if version.is_some_and(|seen| seen != token.version) {
        return Err(Code::TokenChanged.into());
    }
    let rotate = |after| caller.entry(Event::TokenRotated { after }, id);
    rotate_secret(app, write, token, terms, rotate).await
}

/// Rotates a secret, regardless of who requested it.
pub(super) async fn rotate_secret(
    app: &AppState,
    mut write: Write,
    token: Token,
    terms: RotationTerms,
    entry: impl FnOnce(NewSecretDetail) -> AuditEntry,
) -> Result<RotatedToken, Refusal> {
    let plain = PlainToken::generate(&app.settings.token_prefix, Kind::Account, &app.entropy);
    let closing = terms.closing(write.now());
    match closing {
        Some(_) if write.count_closing_secrets(token.id).await? >= MOST_OLD => {
            return Err(Refusal::new(Code::TooManyPreviousSecrets).with_count("most", MOST_OLD));
        }
        Some(closing) => {
            write.close_secret_later(token.id, closing, terms.idle_period()).await?;
        }
        None => {
            write.end_secret(token.id, RevocationReason::Rotated).await?;
        }
    }
    let version = token.version + 1;
    write.issue_secret(token.id, &shown_once(&plain, version)).await?;
    let previous_secret_expires_at = closing.map(|closing| Rfc3339(closing.at));
    let entry = entry(NewSecretDetail { version, previous_secret_expires_at });
    let receipt = if closing.is_some() {
        write.commit(entry).await?;
        None
    } else {
        app.commit_with_receipt(write, entry).await?
    };
    let token = Token { version, masked: plain.masked(), ..token };
    Ok(RotatedToken { token, plain, closing, receipt })
}

/// Revokes the previous secrets of a token that still work.
pub(crate) async fn revoke_previous_secrets(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    let previous_secrets = write.revoke_closing_secrets(id).await?;
    if previous_secrets == 0 {
        return Err(Code::NoPreviousSecrets.into());
    }
    let after = Some(VersionDetail { version: token.version });
    let revoked = Event::TokenPreviousSecretsRevoked { after, previous_secrets };
    let entry = caller.entry(revoked, id);
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Returns the clients that use a previous secret of a token, and stop working when it is revoked.
pub(crate) async fn list_clients_of_previous(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Vec<ObservedClient>, Refusal> {
    let (_, mut clients) = prepare_end(app, caller, id).await?;
    let since = app.now().minus(LATELY);
    let seen = app.store.read().await?.list_violated(caller.account.id, since).await?;
    let uses_previous = |name: &str| {
        seen.iter().any(|row| {
            row.token == id && row.violation == Violation::PreviousSecret && row.client == name
        })
    };
    clients.retain(|client| uses_previous(&client.name));
    Ok(clients)
}

/// Returns the previous secrets of the account's tokens that still work.
pub(crate) async fn list_previous_secrets(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<ClosingSecret>, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    Ok(app.store.read().await?.list_previous_secrets_of(caller.account.id).await?)
}

/// Records the end of previous secrets whose grace period or idle period has ended, and returns how many. Gateways
/// enforce the deadline by themselves.
pub async fn close_due_secrets(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let closing = store.read().await?.list_previous_secrets().await?;
    if closing.iter().all(|old| old.ends_at(now).is_none()) {
        return Ok(0);
    }
    let mut write = store.write(now).await?;
    // By the database's clock, since revocation is permanent.
    let now = write.database_now().min(now);
    let due: Vec<_> =
        closing.iter().filter_map(|old| old.ends_at(now).map(|at| old.ended(at))).collect();
    let mut ended = 0;
    for stone in &due {
        ended += usize::from(write.end_again(stone).await?);
    }
    if ended > 0 {
        let entry = AuditEntry {
            event: Event::TokenPreviousSecretsRevoked { after: None, previous_secrets: ended },
            actor: Actor::Node,
            origin: Origin::default(),
            account: None,
            target: "tokens".to_owned(),
        };
        write.commit(entry).await?;
    }
    Ok(ended)
}
