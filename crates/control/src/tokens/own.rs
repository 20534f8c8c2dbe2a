//! What a token does to itself: rotate and revoke. Whoever holds it may; nobody else is asked.

use super::{RotatedToken, TokenError, bearer::replace_secret, rotate_secret};
use crate::{Desk, keyring::SealedFor, mail::Message, receipts::Issued};
use keydesk_model::{
    AccountId, Action, Actor, Binding, Closing, EndCause, Origin, RotationTerms, Timestamp,
    TokenId, TokenState,
};
use keydesk_node::Keys;
use keydesk_store::{AuditEntry, StoreError, Token, Write};
use keydesk_token::{PlainToken, TokenHash};
use std::time::Duration;

/// The new secret of a token that rotated itself.
#[derive(Debug)]
pub struct OwnRotation {
    pub token: TokenId,
    pub version: i64,
    pub plain: PlainToken,
    pub closing: Option<Closing>,
    /// Whether every gateway refuses the old secret already, and the number of the receipt.
    pub is_complete: bool,
    pub receipt: Option<i64>,
    /// From when on every gateway refuses the old secret.
    pub refused_from: Option<Timestamp>,
}

#[derive(Debug)]
pub struct OwnRevocation {
    pub token: TokenId,
    pub is_complete: bool,
    pub receipt: Option<i64>,
    /// From when on every gateway refuses it.
    pub refused_from: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub enum OwnTokenError {
    #[error("the token is not live any more")]
    NotLive,
    /// An old secret that goes on for a while rotates nothing.
    #[error("the token has been rotated already")]
    Old,
    #[error("a bearer token is rotated without overlap")]
    NoOverlap,
    #[error("too many old secrets of the token go on already")]
    TooManyOld,
    #[error("the token has rotated itself too often")]
    TooOften(Duration),
    #[error("this node has no key file, which new secrets need")]
    NoKey,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives the token a new secret.
pub async fn rotate_own_token(
    desk: &Desk,
    hash: &TokenHash,
    terms: RotationTerms,
    origin: &Origin,
) -> Result<OwnRotation, OwnTokenError> {
    let (token, rotation) = rotate(desk, hash, terms, origin).await?;
    tell(desk, &token, origin).await?;
    Ok(rotation)
}

async fn rotate(
    desk: &Desk,
    hash: &TokenHash,
    terms: RotationTerms,
    origin: &Origin,
) -> Result<(Token, OwnRotation), OwnTokenError> {
    // A gateway's database user can end tokens and make none.
    if desk.keyring.key_ids().is_empty() && desk.store.is_shared() {
        return Err(OwnTokenError::NoKey);
    }
    let mut write = desk.store.write(desk.now()).await?;
    let token = find_own(&mut write, hash).await?;
    let id = token.id;
    desk.rotations.take(&id.to_string(), write.now()).map_err(OwnTokenError::TooOften)?;
    let of = (token.account, id);
    let entry = |detail| entry(of, Action::RotateToken, origin, detail);
    let (version, plain, closing, receipt) = match token.binding {
        Binding::Account => {
            let made = rotate_secret(desk, write, token.clone(), terms, entry).await;
            let made = made.map_err(|error| match error {
                TokenError::TooManyOld => OwnTokenError::TooManyOld,
                TokenError::Store(error) => OwnTokenError::Store(error),
                _ => OwnTokenError::NotLive,
            })?;
            let RotatedToken { token: rotated, plain, closing, receipt } = made;
            (rotated.version, plain, closing, receipt)
        }
        Binding::Member(_) if terms.closing(write.now()).is_some() => {
            return Err(OwnTokenError::NoOverlap);
        }
        Binding::Member(_) if desk.keyring.key_ids().is_empty() => {
            return Err(OwnTokenError::NoKey);
        }
        Binding::Member(member) => {
            write.end_secret(id, EndCause::Rotated).await?;
            replace_secret(desk, &mut write, &token, member).await?;
            let next = write.find_token(token.account, id).await?.ok_or(OwnTokenError::NotLive)?;
            let detail = serde_json::json!({ "after": { "version": next.version } });
            let receipt = desk.commit_with_receipt(write, entry(detail)).await?;
            let belongs_to =
                SealedFor { account: token.account, member, token: id, version: next.version };
            let sealed = next.display.as_deref().ok_or(OwnTokenError::NotLive)?;
            let plain = desk.keyring.open_token(sealed, belongs_to);
            let plain = plain.map_err(|_| OwnTokenError::NoKey)?;
            (next.version, plain, None, receipt)
        }
    };
    let (is_complete, receipt, refused_from) = told(receipt.as_ref());
    let done =
        OwnRotation { token: id, version, plain, closing, is_complete, receipt, refused_from };
    Ok((token, done))
}

/// Notifies the people responsible for a token that it has rotated itself. A node without mail notifies nobody.
async fn tell(desk: &Desk, token: &Token, origin: &Origin) -> Result<(), StoreError> {
    if !desk.mailer.can_send() {
        return Ok(());
    }
    let mut read = desk.store.read().await?;
    let account = read.find_account(token.account).await?;
    let told = match token.binding {
        Binding::Account => read.list_whom_to_tell(token.account, token.id).await?,
        Binding::Member(member) => {
            let member = read.find_member(token.account, member).await?;
            member.map(|member| (member.email, member.language)).into_iter().collect()
        }
    };
    drop(read);
    let account = account.map(|account| account.name).unwrap_or_default();
    let from = origin.client_ip.map(|addr| addr.to_string()).unwrap_or_default();
    let url = &desk.settings.console_url;
    for (email, language) in told {
        let message =
            Message::to(language, || Message::rotated_itself(&token.name, &account, &from, url));
        desk.send_mail(&email, message);
    }
    Ok(())
}

/// Ends the token for good, its old secrets too. An old secret may do so as well.
pub async fn revoke_own_token(
    desk: &Desk,
    hash: &TokenHash,
    origin: &Origin,
) -> Result<OwnRevocation, OwnTokenError> {
    let mut write = desk.store.write(desk.now()).await?;
    let now = write.now();
    let token = write.find_own_token(hash, now).await?.ok_or(OwnTokenError::NotLive)?;
    if !token.is_open || token.state != TokenState::Live {
        return Err(OwnTokenError::NotLive);
    }
    write.end_secret(token.id, EndCause::Revoked).await?;
    let detail = serde_json::json!({ "before": { "name": token.name, "version": token.version } });
    let entry = entry((token.account, token.id), Action::RevokeToken, origin, detail);
    let receipt = desk.commit_with_receipt(write, entry).await?;
    let (is_complete, receipt, refused_from) = told(receipt.as_ref());
    Ok(OwnRevocation { token: token.id, is_complete, receipt, refused_from })
}

async fn find_own(write: &mut Write, hash: &TokenHash) -> Result<Token, OwnTokenError> {
    let found = write.find_token_of_secret(hash).await?.ok_or(OwnTokenError::NotLive)?;
    match found.token.state(write.now()) {
        TokenState::Live if found.is_newest => Ok(found.token),
        TokenState::Live if found.is_open => Err(OwnTokenError::Old),
        _ => Err(OwnTokenError::NotLive),
    }
}

/// A rotation with overlap has ended nothing, and there is nothing to confirm.
fn told(receipt: Option<&Issued>) -> (bool, Option<i64>, Option<Timestamp>) {
    receipt.map_or((true, None, None), |issued| {
        (issued.is_complete, issued.number, issued.refused_from)
    })
}

fn entry(
    (account, token): (AccountId, TokenId),
    action: Action,
    origin: &Origin,
    detail: serde_json::Value,
) -> AuditEntry {
    AuditEntry {
        action,
        actor: Actor::Token,
        origin: origin.clone(),
        account: Some(account),
        target: token.to_string(),
        detail,
    }
}
