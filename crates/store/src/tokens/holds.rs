//! Revocations that can be undone. Every undone revocation is recorded with the console's signature, so that a node whose
//! journal has the revocation can tell a restoration from a database that has lost it.

use super::live_secret_of;
use crate::{StoreError, Write, row, sql::query};
use keydesk_model::{Change, Hold, LiveSecret, Revocation, RevocationReason, Timestamp, TokenId};
use keydesk_token::TokenHash;

const HOLD: &str = "UPDATE token SET held_at = $1, held_until = $2 WHERE id = $3";
const FORGET: &str = "UPDATE token SET held_at = NULL, held_until = NULL WHERE id = $1";
const END: &str = "UPDATE secret SET ended_at = $1, revocation_reason = $2 \
    WHERE token_id = $3 AND ended_at = $4 AND revocation_reason = 'revoked' \
    RETURNING hash, (SELECT expires_at FROM token WHERE token.id = secret.token_id) AS expires_at";
const REVOKED_BY: &str = "SELECT hash FROM secret WHERE token_id = $1 AND ended_at = $2 AND revocation_reason = 'revoked'";
const RESTORE: &str = "UPDATE secret SET ended_at = NULL, revocation_reason = NULL WHERE hash = $1";
const RECORD: &str =
    "INSERT INTO restoration (hash, revoked_at, seal) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

/// Returns the text that a console signs when it undoes a revocation.
pub(crate) fn restoration_text(hash: &TokenHash, revoked_at: Timestamp) -> String {
    format!("restored|{}|{}", hex::encode(hash.as_bytes()), revoked_at.as_micros())
}

impl Write {
    /// Revokes a token so that it can be restored until an instant, or at any time. Returns whether it was active.
    pub async fn hold_token(
        &mut self,
        token: TokenId,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        if !self.end_secret(token, RevocationReason::Revoked).await? {
            return Ok(false);
        }
        let now = self.now();
        query(HOLD).bind(now).bind(until).bind(token).execute(self).await?;
        Ok(true)
    }

    /// Makes a revocation permanent. For gateways, that is another revocation, so that a database which has lost it can't
    /// undo it with the first one.
    pub async fn end_hold(
        &mut self,
        token: TokenId,
        hold: Hold,
        reason: RevocationReason,
    ) -> Result<(), StoreError> {
        let at = self.now();
        let end = query(END).bind(at).bind(reason.as_str()).bind(token).bind(hold.since);
        let ended = end.all(self).await?;
        for row in &ended {
            let hash = TokenHash::from_bytes(row::digest(row, "hash")?);
            let expires_at = row::instant_opt(row, "expires_at")?;
            let revocation = Revocation { at, reason };
            self.record(&Change::SecretRevoked { hash, revocation, expires_at }).await?;
        }
        query(FORGET).bind(token).execute(self).await.map(|_| ())
    }

    /// Undoes a revocation: the secrets that it ended work again.
    pub async fn restore_token(&mut self, token: TokenId, hold: Hold) -> Result<(), StoreError> {
        let rows = query(REVOKED_BY).bind(token).bind(hold.since).all(self).await?;
        for row in &rows {
            let hash = TokenHash::from_bytes(row::digest(row, "hash")?);
            let seal = self.seal(&restoration_text(&hash, hold.since));
            let bytes = hash.as_bytes().to_vec();
            query(RECORD).bind(bytes.clone()).bind(hold.since).bind(seal).execute(self).await?;
            query(RESTORE).bind(bytes).execute(self).await?;
            let restored_from = Some(hold.since);
            let restored = LiveSecret { restored_from, ..live_secret_of(self, &hash).await? };
            self.record(&Change::SecretRestored(Box::new(restored))).await?;
        }
        query(FORGET).bind(token).execute(self).await.map(|_| ())
    }
}
