//! Requests that a client can repeat without repeating their effect, by the digest of the client's key for each.

use crate::{Read, Store, StoreError, Write, row, sql::query};
use keydesk_model::{IdempotentRequest, Timestamp};

/// A request that has been carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedRequest {
    pub fingerprint: [u8; 32],
    /// The ID of the object that it changed.
    pub target: String,
    /// The number of its audit entry.
    pub audit_seq: i64,
    pub at: Timestamp,
}

const FIND: &str =
    "SELECT fingerprint, target, audit_seq, at FROM idempotent_request WHERE key_hash = $1";
const ADD: &str = "INSERT INTO idempotent_request (key_hash, fingerprint, target, audit_seq, at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const FORGET: &str = "DELETE FROM idempotent_request WHERE at < $1";

impl Read {
    pub async fn find_finished_request(
        &mut self,
        key: [u8; 32],
    ) -> Result<Option<FinishedRequest>, StoreError> {
        let Some(row) = query(FIND).bind(key).optional(self).await? else { return Ok(None) };
        Ok(Some(FinishedRequest {
            fingerprint: row::digest(&row, "fingerprint")?,
            target: row::text(&row, "target")?,
            audit_seq: row.get("audit_seq")?,
            at: row::instant(&row, "at")?,
        }))
    }
}

impl Write {
    /// Records what a request changed, in the transaction that changes it. Returns [`StoreError::Conflict`] if the
    /// request has been carried out.
    pub(crate) async fn finish_request(
        &mut self,
        request: IdempotentRequest,
        (target, audit_seq): (&str, i64),
    ) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD).bind(request.key).bind(request.fingerprint);
        add.bind(target).bind(audit_seq).bind(now).insert(self).await
    }
}

impl Store {
    /// Forgets the requests from before an instant.
    pub async fn forget_finished_requests(
        &self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write(now).await?;
        query(FORGET).bind(before).execute(&mut write).await?;
        write.keep().await
    }
}
