//! The audit log: one entry for every change, written in the change's own transaction.

use crate::{
    Read, StoreError, Write, row,
    sql::{Row, query},
};
use keydesk_model::{AccountId, Action, Actor, Origin, Timestamp};

/// What a commit says about itself. `target` and `detail` name things by id and state; a secret
/// has no place in either.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub action: Action,
    pub actor: Actor,
    pub origin: Origin,
    pub account: Option<AccountId>,
    /// The id of what was changed.
    pub target: String,
    /// Before and after, as JSON.
    pub detail: serde_json::Value,
}

#[derive(Clone, Debug)]
pub struct AuditRow {
    pub seq: i64,
    pub at: Timestamp,
    pub action: String,
    pub target: String,
    pub detail: String,
}

const NEXT: &str = "UPDATE head SET audit_seq = audit_seq + 1 WHERE one = 1 RETURNING audit_seq";
const ADD: &str = "INSERT INTO audit (seq, at, action, actor, person_id, member_id, account_id, target, detail, \
    client_addr, user_agent, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const LATER: &str =
    "SELECT seq, at, action, target, detail FROM audit WHERE seq > $1 ORDER BY seq LIMIT 1000";

const RECEIPTS: &str = "SELECT seq, at, action, target, detail FROM audit \
    WHERE account_id = $1 AND action = 'receipt.issue' ORDER BY seq DESC LIMIT $2";
const RECEIPT: &str = "SELECT seq, at, action, target, detail FROM audit \
    WHERE account_id = $1 AND action = 'receipt.issue' AND seq = $2";

fn entry(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        seq: row.get("seq")?,
        at: row::instant(row, "at")?,
        action: row::text(row, "action")?,
        target: row::text(row, "target")?,
        detail: row::text(row, "detail")?,
    })
}

impl Read {
    /// The account's newest receipts, at most `limit`.
    pub async fn list_receipts(
        &mut self,
        account: AccountId,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        query(RECEIPTS).bind(account).bind(limit).all(self).await?.iter().map(entry).collect()
    }

    pub async fn find_receipt(
        &mut self,
        account: AccountId,
        seq: i64,
    ) -> Result<Option<AuditRow>, StoreError> {
        let found = query(RECEIPT).bind(account).bind(seq).optional(self).await?;
        found.as_ref().map(entry).transpose()
    }

    /// Entries after number `after`, oldest first, at most 1,000.
    pub async fn list_audit(&mut self, after: i64) -> Result<Vec<AuditRow>, StoreError> {
        let rows = query(LATER).bind(after).all(self).await?;
        rows.iter().map(entry).collect()
    }
}

impl Write {
    /// Its number.
    pub(crate) async fn audit(&mut self, entry: &AuditEntry) -> Result<i64, StoreError> {
        let now = self.now().as_micros();
        let (actor, person, member) = match &entry.actor {
            Actor::Person { person, member } => ("person", Some(*person), *member),
            Actor::Operator { person } => ("operator", *person, None),
            Actor::Token => ("token", None, None),
            Actor::Node => ("node", None, None),
            Actor::Visitor => ("visitor", None, None),
        };
        let seq: i64 = query(NEXT).one(self).await?.get("audit_seq")?;
        query(ADD)
            .bind(seq)
            .bind(now)
            .bind(entry.action.as_str())
            .bind(actor)
            .bind(person)
            .bind(member)
            .bind(entry.account)
            .bind(&entry.target)
            .bind(entry.detail.to_string())
            .bind(entry.origin.client_addr.map(|addr| addr.to_string()))
            .bind(entry.origin.user_agent.clone())
            .bind(&entry.origin.request_id)
            .execute(self)
            .await?;
        Ok(seq)
    }
}
