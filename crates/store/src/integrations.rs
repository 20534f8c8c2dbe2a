//! Integrations: which program called with which token, from where, when last and how often.

use crate::{Read, Store, StoreError, row};
use keydesk_model::{Timestamp, TokenId, Usage};
use sqlx::Row;

#[derive(Clone, Debug)]
pub struct Integration {
    pub program: String,
    pub client_addr: String,
    pub first_used_at: Timestamp,
    pub last_used_at: Timestamp,
    pub calls: i64,
}

const RECORD: &str = "INSERT INTO integration (token_id, program, client_addr, first_used_at, last_used_at, calls) \
    SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), \
    CAST($5 AS BIGINT) WHERE EXISTS (SELECT 1 FROM token WHERE id = $1) \
    ON CONFLICT (token_id, program, client_addr) DO UPDATE SET \
    last_used_at = CASE WHEN excluded.last_used_at > integration.last_used_at \
      THEN excluded.last_used_at ELSE integration.last_used_at END, \
    calls = integration.calls + excluded.calls";
const LIST: &str = "SELECT program, client_addr, first_used_at, last_used_at, calls FROM integration \
    WHERE token_id = $1 AND last_used_at > $2 ORDER BY last_used_at DESC LIMIT 50";

impl Read {
    /// The programs that used a token after `since`, the latest first, at most 50.
    pub async fn list_integrations(
        &mut self,
        token: TokenId,
        since: Timestamp,
    ) -> Result<Vec<Integration>, StoreError> {
        let query = sqlx::query(LIST).bind(token.to_string()).bind(since.as_micros());
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter()
            .map(|row| {
                Ok(Integration {
                    program: row::text(row, "program")?,
                    client_addr: row::text(row, "client_addr")?,
                    first_used_at: row::instant(row, "first_used_at")?,
                    last_used_at: row::instant(row, "last_used_at")?,
                    calls: row.try_get("calls")?,
                })
            })
            .collect()
    }
}

impl Store {
    /// Adds what a gateway has seen, all or nothing. What a token that is not there did is left out.
    pub async fn record_usage(&self, seen: &[Usage]) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for usage in seen {
            sqlx::query(RECORD)
                .bind(usage.token.to_string())
                .bind(&usage.program)
                .bind(&usage.client_addr)
                .bind(usage.last_used_at.as_micros())
                .bind(usage.calls)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
