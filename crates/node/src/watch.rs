//! Monitoring of the other nodes, and this node's status.

use crate::{Member, member::POLL};
use keydesk_model::{Moment, Month, NodeId, Timestamp};
use std::{sync::Arc, time::Duration};

/// The interval at which a console reads the list without a notification.
const LOOK: Duration = Duration::from_secs(1);
/// The interval at which changes that all nodes have applied are deleted.
const TIDY: Duration = Duration::from_hours(1);

/// The status of this node, for `/status`.
#[derive(Debug, serde::Serialize)]
pub struct Standing {
    pub node: NodeId,
    pub name: String,
    pub may_serve: bool,
    /// The milliseconds until this node would reject requests without another renewal.
    pub lease_ms: u64,
    pub is_confirmed: bool,
    pub applied: i64,
    pub confirmed: i64,
    /// The reason why nothing irreversible is done on this node now.
    pub wrong_clock: Option<String>,
}

impl Member {
    pub fn standing(&self) -> Standing {
        let now = self.stopwatch.now();
        let state = self.state(|state| state.clone());
        Standing {
            node: self.new.id,
            name: self.new.name.clone(),
            may_serve: self.table.may_serve(),
            lease_ms: state
                .lease
                .ends_at()
                .map_or(0, |end| u64::try_from(end.since(now).as_millis()).unwrap_or(u64::MAX)),
            is_confirmed: state.lease.is_confirmed(now),
            applied: self.table.seq(),
            confirmed: state.confirmed.0,
            wrong_clock: self.clock.certain().err().map(|wrong| wrong.to_string()),
        }
    }

    /// Returns all nodes in the list, as far as it can be read, for `/status`.
    pub async fn others(&self) -> serde_json::Value {
        let nodes = tokio::time::timeout(POLL, self.store.list_nodes()).await;
        let Ok(Ok(nodes)) = nodes else { return serde_json::Value::Null };
        let now = self.stopwatch.now();
        let shown = nodes.iter().map(|node| {
            let silent =
                self.nodes.with_membership(|membership| membership.silent_for(node.row.id, now));
            serde_json::json!({
                "node": node.row.id, "name": node.row.name, "release": node.release,
                "gateway": node.row.is_gateway, "console": node.row.is_console,
                "applied": node.row.applied, "seen_at": node.seen_at.to_string(),
                "silent_ms": silent.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            })
        });
        shown.collect()
    }

    /// Keeps a console's data about the other nodes current and removes nodes that are gone.
    pub(crate) async fn keep_looking(self: Arc<Self>) {
        let mut tidied_at = self.stopwatch.now();
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = self.nodes.look(&self.store).await {
                tracing::debug!(%error, "the list of nodes cannot be read now");
                continue;
            }
            let now = self.stopwatch.now();
            self.remove_gone(now).await;
            if now.since(tidied_at) > TIDY {
                tidied_at = now;
                match self.clock.certain() {
                    Ok(now) => self.forget_what_is_old(now).await,
                    Err(wrong) => {
                        tracing::error!(%wrong, "nothing is removed until the clocks agree");
                    }
                }
            }
        }
    }

    async fn forget_what_is_old(&self, now: Timestamp) {
        let _ = self.store.forget_old_changes(now).await;
        let _ = self.store.forget_old_use(now).await;
        let _ = self.store.forget_old_attempts(now).await;
        let _ = self.store.forget_old_reports(now).await;
        let _ = self.store.forget_expired(now).await;
        let _ = self.store.forget_crowded_use().await;
        // Last month is kept because late reports may still arrive.
        let last_month = Month::of(now.minus(Duration::from_hours(24 * 31)));
        let _ = self.store.forget_old_quota_use(last_month).await;
    }

    /// Removes nodes that have been silent for so long that they accept nothing.
    async fn remove_gone(&self, now: Moment) {
        let gone = self.nodes.with_membership(|membership| membership.gone(now));
        for node in gone.iter().filter(|node| node.id != self.new.id) {
            match self.store.remove_gone(node, self.clock.now()).await {
                Ok(true) => {
                    tracing::warn!(name = node.name, "removed a silent node from the list");
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "failed to remove a silent node from the list");
                }
            }
        }
    }
}
