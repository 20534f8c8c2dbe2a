//! The operation rules, and a changed version that waits for the operator's approval.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{Change, LiveRules, Rules};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRules {
    pub live: LiveRules,
    pub pending: Option<Rules>,
}

const FIND: &str = "SELECT mode, body, pending FROM operation_rules WHERE one = 1";
const SET: &str = "INSERT INTO operation_rules (one, mode, body, pending, changed_at) VALUES (1, $1, $2, NULL, $3) \
    ON CONFLICT (one) DO UPDATE SET mode = excluded.mode, body = excluded.body, pending = NULL, \
    changed_at = excluded.changed_at";
const SET_PENDING: &str = "UPDATE operation_rules SET pending = $1 WHERE one = 1";

fn rules(row: &SqlRow, column: &'static str) -> Result<Option<Rules>, StoreError> {
    let text: Option<String> = row.get(column)?;
    let read = |text: String| serde_json::from_str(&text);
    text.map(read).transpose().map_err(|_| StoreError::Unreadable { column })
}

impl Read {
    /// Returns `None` if there have never been any rules.
    pub async fn find_rules(&mut self) -> Result<Option<StoredRules>, StoreError> {
        let Some(found) = query(FIND).optional(self).await? else { return Ok(None) };
        let live = LiveRules {
            rules: rules(&found, "body")?.unwrap_or_default(),
            mode: row::parsed(&found, "mode")?,
        };
        Ok(Some(StoredRules { live, pending: rules(&found, "pending")? }))
    }
}

impl Write {
    /// Sets the rules at every gateway, and removes the pending version.
    pub async fn set_rules(&mut self, live: &LiveRules) -> Result<(), StoreError> {
        let (mode, now) = (live.mode.as_str(), self.now());
        query(SET).bind(mode).bind(json(&live.rules)).bind(now).execute(self).await?;
        self.record(&Change::RulesChanged(live.clone())).await
    }

    /// Sets a changed version that is pending beside the current rules.
    pub async fn set_pending_rules(&mut self, pending: Option<&Rules>) -> Result<(), StoreError> {
        query(SET_PENDING).bind(pending.map(json)).execute(self).await.map(|_| ())
    }
}

fn json(rules: &Rules) -> String {
    serde_json::to_string(rules).expect("rules have string keys only")
}
