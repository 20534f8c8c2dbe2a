//! Previous secrets that work during a grace period.

use crate::{
    Read, StoreError, Tombstone, Write, row,
    sql::{SqlRow, query},
    tokens::live_secret_of,
};
use keydesk_model::{AccountId, Change, Closing, Revocation, RevocationReason, Timestamp, TokenId};
use keydesk_token::TokenHash;
use std::time::Duration;

/// A previous secret that is still accepted, and its last use.
#[derive(Clone, Debug)]
pub struct ClosingSecret {
    pub token: TokenId,
    pub token_name: String,
    pub hash: TokenHash,
    pub masked: String,
    pub closing: Closing,
    /// The idle period after which it is revoked early.
    pub revoke_after_idle: Option<Duration>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_by: Option<String>,
    expires_at: Option<Timestamp>,
}

macro_rules! select_closing {
    ($condition:literal) => {
        concat!(
            "SELECT secret.token_id, secret.hash, secret.masked, secret.rotated_at, secret.valid_until, \
             secret.revoke_after_idle, token.name, token.expires_at, late.client, late.last_used_at FROM secret \
             JOIN token ON token.id = secret.token_id \
             LEFT JOIN operation_use AS late ON late.token_id = secret.token_id AND late.violation = 'old_secret' \
               AND late.last_used_at = (SELECT max(last_used_at) FROM operation_use AS used \
               WHERE used.token_id = secret.token_id AND used.violation = 'old_secret') \
             WHERE secret.valid_until IS NOT NULL AND secret.ended_at IS NULL ",
            $condition,
            " ORDER BY secret.valid_until, secret.token_id, late.client"
        )
    };
}

const ALL: &str = select_closing!("");
const OF_ACCOUNT: &str = select_closing!("AND token.account_id = $1");
const CLOSE: &str = "UPDATE secret SET rotated_at = $1, valid_until = $2, revoke_after_idle = $3, encrypted_copy = NULL \
    WHERE token_id = $4 AND ended_at IS NULL AND valid_until IS NULL RETURNING hash";
const CLOSING_OF: &str =
    "SELECT hash FROM secret WHERE token_id = $1 AND ended_at IS NULL AND valid_until IS NOT NULL";

fn closing_secret(row: &SqlRow) -> Result<ClosingSecret, StoreError> {
    let revoke_after_idle: Option<i64> = row.get("revoke_after_idle")?;
    let closing =
        Closing { since: row::instant(row, "rotated_at")?, at: row::instant(row, "valid_until")? };
    // Late requests with an older secret don't count for this one.
    let last_used_at = row::instant_opt(row, "last_used_at")?.filter(|at| *at >= closing.since);
    let client: Option<String> = row.get("client")?;
    Ok(ClosingSecret {
        token: row::parsed(row, "token_id")?,
        token_name: row::text(row, "name")?,
        hash: TokenHash::from_bytes(row::digest(row, "hash")?),
        masked: row::text(row, "masked")?,
        closing,
        revoke_after_idle: revoke_after_idle
            .and_then(|micros| u64::try_from(micros).ok())
            .map(Duration::from_micros),
        last_used_by: client.filter(|_| last_used_at.is_some()),
        last_used_at,
        expires_at: row::instant_opt(row, "expires_at")?,
    })
}

impl ClosingSecret {
    /// Returns the time at which it ends if the grace period or the idle period is over.
    pub fn ends_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.closing.at <= now {
            return Some(self.closing.at);
        }
        let since = self.last_used_at.unwrap_or(self.closing.since);
        self.revoke_after_idle
            .filter(|revoke_after_idle| now.since(since) >= *revoke_after_idle)
            .map(|_| now)
    }

    pub fn ended(&self, at: Timestamp) -> Tombstone {
        let revocation = Revocation { at, reason: RevocationReason::Rotated };
        Tombstone { hash: self.hash, revocation, expires_at: self.expires_at }
    }
}

impl Read {
    /// Returns every previous secret that is still accepted, the next to end first.
    pub async fn list_previous_secrets(&mut self) -> Result<Vec<ClosingSecret>, StoreError> {
        once(query(ALL).all(self).await?.iter())
    }

    /// Returns the number of previous secrets of a token that still work.
    pub async fn count_closing_secrets(&mut self, token: TokenId) -> Result<usize, StoreError> {
        Ok(query(CLOSING_OF).bind(token).all(self).await?.len())
    }

    pub async fn list_previous_secrets_of(
        &mut self,
        account: AccountId,
    ) -> Result<Vec<ClosingSecret>, StoreError> {
        once(query(OF_ACCOUNT).bind(account).all(self).await?.iter())
    }
}

/// Merges rows of one secret, because several clients may have the same time of last use.
fn once<'a>(rows: impl Iterator<Item = &'a SqlRow>) -> Result<Vec<ClosingSecret>, StoreError> {
    let mut secrets = rows.map(closing_secret).collect::<Result<Vec<_>, _>>()?;
    secrets.dedup_by(|a, b| a.hash == b.hash);
    Ok(secrets)
}

impl Write {
    /// Starts the grace period of a token's open secret. Returns whether there was one.
    pub async fn close_secret_later(
        &mut self,
        token: TokenId,
        closing: Closing,
        revoke_after_idle: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let revoke_after_idle = revoke_after_idle.map(|revoke_after_idle| {
            i64::try_from(revoke_after_idle.as_micros()).unwrap_or(i64::MAX)
        });
        let close =
            query(CLOSE).bind(closing.since).bind(closing.at).bind(revoke_after_idle).bind(token);
        let Some(found) = close.optional(self).await? else { return Ok(false) };
        let issued =
            live_secret_of(self, &TokenHash::from_bytes(row::digest(&found, "hash")?)).await?;
        self.record(&Change::SecretIssued(Box::new(issued))).await?;
        Ok(true)
    }

    /// Revokes the previous secrets of a token. Returns their number.
    pub async fn revoke_closing_secrets(&mut self, token: TokenId) -> Result<usize, StoreError> {
        let found = query(CLOSING_OF).bind(token).all(self).await?;
        let (now, mut count) = (self.now(), 0);
        for found in found {
            let hash = TokenHash::from_bytes(row::digest(&found, "hash")?);
            let expires_at = live_secret_of(self, &hash).await?.expires_at;
            let revocation = Revocation { at: now, reason: RevocationReason::Rotated };
            count +=
                usize::from(self.end_again(&Tombstone { hash, revocation, expires_at }).await?);
        }
        Ok(count)
    }
}
