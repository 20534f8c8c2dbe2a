//! Password resets: a code sent by email, usable once and for a short time, and stored as SHA-256 only.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{Timestamp, UserId};

const FIND: &str =
    "SELECT user_id FROM reset WHERE code_hash = $1 AND closed_at IS NULL AND expires_at > $2";
const ADD: &str =
    "INSERT INTO reset (code_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
const CLOSE_ALL: &str = "UPDATE reset SET closed_at = $1 WHERE user_id = $2 AND closed_at IS NULL";

impl Read {
    /// Returns the user whose password an open code resets.
    pub async fn find_reset(
        &mut self,
        code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let asked = query(FIND).bind(code_hash).bind(now.as_micros());
        let row = asked.optional(self).await?;
        row.map(|row| row::parsed(&row, "user_id")).transpose()
    }
}

impl Write {
    /// Adds a code and closes earlier ones of the same user.
    pub async fn add_reset(
        &mut self,
        code_hash: [u8; 32],
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        self.close_resets(user).await?;
        query(ADD)
            .bind(code_hash)
            .bind(user)
            .bind(now)
            .bind(expires_at.as_micros())
            .execute(self)
            .await?;
        Ok(())
    }

    pub async fn close_resets(&mut self, user: UserId) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(CLOSE_ALL).bind(now).bind(user).execute(self).await?;
        Ok(())
    }
}
