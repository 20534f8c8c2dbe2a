//! Self-service: a token rotates and revokes itself, which requires only its secret.

use super::{RotatedToken, bearer::replace_secret, rotate_secret};
use crate::{
    AppState,
    keyring::SealedFor,
    mail::Message,
    receipts::Issued,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    AccountId, Actor, Closing, Event, Origin, RevocationReason, RotationTerms, Timestamp, TokenId,
    TokenOwner, TokenState,
    audit::{NameAndVersion, NewSecretDetail},
};
use keydesk_node::Keys;
use keydesk_store::{AuditEntry, StoreError, Token, Write};
use keydesk_token::{PlainToken, TokenHash};
use std::time::Duration;

/// The result of a token's rotation of itself.
#[derive(Debug)]
pub struct SelfRotation {
    pub token: TokenId,
    pub version: i64,
    pub plain: PlainToken,
    pub closing: Option<Closing>,
    /// Whether every gateway rejects the old secret already, and the number of the receipt.
    pub is_complete: bool,
    pub receipt: Option<i64>,
    /// The time from which every gateway rejects the old secret.
    pub effective_at: Option<Timestamp>,
}

#[derive(Debug)]
pub struct SelfRevocation {
    pub token: TokenId,
    pub is_complete: bool,
    pub receipt: Option<i64>,
    /// The time from which every gateway rejects the token.
    pub effective_at: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub enum SelfServiceError {
    #[error("the token is no longer active")]
    NotActive,
    /// A previous secret cannot rotate the token.
    #[error("the token has already been rotated")]
    PreviousSecret,
    #[error("a bearer token is rotated without a grace period")]
    NoGracePeriod,
    #[error("the token has too many previous secrets in their grace period")]
    TooManyPrevious,
    #[error("the token has rotated itself too often")]
    TooOften(Duration),
    #[error("this node has no key file, which new secrets need")]
    NoKey,
    #[error(transparent)]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Rotates the token that a secret belongs to.
pub async fn rotate_own_token(
    app: &AppState,
    hash: &TokenHash,
    terms: RotationTerms,
    origin: &Origin,
) -> Result<SelfRotation, SelfServiceError> {
    let (token, rotation) = rotate(app, hash, terms, origin).await?;
    tell(app, &token, origin).await?;
    Ok(rotation)
}

async fn rotate(
    app: &AppState,
    hash: &TokenHash,
    terms: RotationTerms,
    origin: &Origin,
) -> Result<(Token, SelfRotation), SelfServiceError> {
    // A gateway's database user can revoke tokens, but not create any.
    if app.keyring.key_ids().is_empty() && app.store.is_shared() {
        return Err(SelfServiceError::NoKey);
    }
    let mut write = app.store.write(app.now()).await?;
    let token = find_own(&mut write, hash).await?;
    let id = token.id;
    app.rotations.take(&id.to_string(), write.now()).map_err(SelfServiceError::TooOften)?;
    let of = (token.account, id);
    let entry = |after| entry(of, Event::TokenRotated { after }, origin);
    let (version, plain, closing, receipt) = match token.token_owner {
        TokenOwner::Account => {
            let made = rotate_secret(app, write, token.clone(), terms, entry).await;
            let made = made.map_err(|error| match error {
                refusal if refusal.code() == Code::TooManyPreviousSecrets => {
                    SelfServiceError::TooManyPrevious
                }
                refusal => SelfServiceError::Refused(refusal),
            })?;
            let RotatedToken { token: rotated, plain, closing, receipt } = made;
            (rotated.version, plain, closing, receipt)
        }
        TokenOwner::Member(_) if terms.closing(write.now()).is_some() => {
            return Err(SelfServiceError::NoGracePeriod);
        }
        TokenOwner::Member(_) if app.keyring.key_ids().is_empty() => {
            return Err(SelfServiceError::NoKey);
        }
        TokenOwner::Member(member) => {
            write.end_secret(id, RevocationReason::Rotated).await?;
            replace_secret(app, &mut write, &token, member).await?;
            let next =
                write.find_token(token.account, id).await?.ok_or(SelfServiceError::NotActive)?;
            let entry = entry(NewSecretDetail::without_grace_period(next.version));
            let receipt = app.commit_with_receipt(write, entry).await?;
            let belongs_to =
                SealedFor { account: token.account, member, token: id, version: next.version };
            let sealed = next.encrypted_copy.as_deref().ok_or(SelfServiceError::NotActive)?;
            let plain = app.keyring.open_token(sealed, belongs_to);
            let plain = plain.map_err(|_| SelfServiceError::NoKey)?;
            (next.version, plain, None, receipt)
        }
    };
    let (is_complete, receipt, effective_at) = user_message(receipt.as_ref());
    let done =
        SelfRotation { token: id, version, plain, closing, is_complete, receipt, effective_at };
    Ok((token, done))
}

/// Notifies the users responsible for a token that it has rotated itself. A node without mail sends no notification.
async fn tell(app: &AppState, token: &Token, origin: &Origin) -> Result<(), StoreError> {
    if !app.mailer.can_send() {
        return Ok(());
    }
    let mut write = app.store.write(app.now()).await?;
    let account = write.find_account(token.account).await?;
    let recipients = match token.token_owner {
        TokenOwner::Account => write.list_whom_to_tell(token.account, token.id).await?,
        TokenOwner::Member(member) => {
            let member = write.find_member(token.account, member).await?;
            member.map(|member| (member.email, member.language)).into_iter().collect()
        }
    };
    let account = account.map(|account| account.name).unwrap_or_default();
    let from = origin.client_ip.map(|addr| addr.to_string()).unwrap_or_default();
    let url = &app.settings.console_url;
    for (email, language) in recipients {
        let message =
            Message::to(language, || Message::rotated_by_client(&token.name, &account, &from, url));
        app.add_mail(&mut write, &email, message).await?;
    }
    write.keep().await
}

/// Revokes the token permanently, including its previous secrets. A previous secret may revoke it as well.
pub async fn revoke_own_token(
    app: &AppState,
    hash: &TokenHash,
    origin: &Origin,
) -> Result<SelfRevocation, SelfServiceError> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let token = write.find_own_token(hash, now).await?.ok_or(SelfServiceError::NotActive)?;
    if !token.is_open || token.state != TokenState::Active {
        return Err(SelfServiceError::NotActive);
    }
    write.end_secret(token.id, RevocationReason::Revoked).await?;
    let before = NameAndVersion { name: token.name.clone(), version: token.version };
    let revoked = Event::TokenRevoked { before, restorable_until: None };
    let entry = entry((token.account, token.id), revoked, origin);
    let receipt = app.commit_with_receipt(write, entry).await?;
    let (is_complete, receipt, effective_at) = user_message(receipt.as_ref());
    Ok(SelfRevocation { token: token.id, is_complete, receipt, effective_at })
}

async fn find_own(write: &mut Write, hash: &TokenHash) -> Result<Token, SelfServiceError> {
    let found = write.find_token_of_secret(hash).await?.ok_or(SelfServiceError::NotActive)?;
    match found.token.state(write.now()) {
        TokenState::Active if found.is_newest => Ok(found.token),
        TokenState::Active if found.is_open => Err(SelfServiceError::PreviousSecret),
        _ => Err(SelfServiceError::NotActive),
    }
}

/// Returns the receipt's data for the response. A rotation with a grace period has revoked nothing, so there is nothing
/// to confirm.
fn user_message(receipt: Option<&Issued>) -> (bool, Option<i64>, Option<Timestamp>) {
    receipt.map_or((true, None, None), |issued| {
        (issued.is_complete, issued.number, issued.effective_at)
    })
}

fn entry((account, token): (AccountId, TokenId), event: Event, origin: &Origin) -> AuditEntry {
    AuditEntry {
        event,
        actor: Actor::Token,
        origin: origin.clone(),
        account: Some(account),
        target: token.to_string(),
    }
}
