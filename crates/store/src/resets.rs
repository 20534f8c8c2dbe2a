//! Password resets: a code sent by mail, used once, soon over. Stored as SHA-256 only.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{PersonId, Timestamp};

const FIND: &str =
    "SELECT person_id FROM reset WHERE code_hash = $1 AND closed_at IS NULL AND expires_at > $2";
const ADD: &str =
    "INSERT INTO reset (code_hash, person_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
const CLOSE_ALL: &str =
    "UPDATE reset SET closed_at = $1 WHERE person_id = $2 AND closed_at IS NULL";

impl Read {
    /// Whose password an open code resets.
    pub async fn find_reset(
        &mut self,
        code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<PersonId>, StoreError> {
        let asked = query(FIND).bind(code_hash).bind(now.as_micros());
        let row = asked.optional(self).await?;
        row.map(|row| row::parsed(&row, "person_id")).transpose()
    }
}

impl Write {
    /// Adds a code; earlier ones of the same person are closed.
    pub async fn add_reset(
        &mut self,
        code_hash: [u8; 32],
        person: PersonId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        self.close_resets(person).await?;
        query(ADD)
            .bind(code_hash)
            .bind(person)
            .bind(now)
            .bind(expires_at.as_micros())
            .execute(self)
            .await?;
        Ok(())
    }

    pub async fn close_resets(&mut self, person: PersonId) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(CLOSE_ALL).bind(now).bind(person).execute(self).await?;
        Ok(())
    }
}
