//! Receipts: proofs of revocation that name the gateways that reject a token now and the time from which the others do.
//! A receipt is "complete" only if all gateways reject the token.

pub(crate) mod api;
pub(crate) mod console;
mod reading;
mod signing;

pub(crate) use signing::Signer;
pub use signing::{ReceiptError, published_keys, verify_receipt};

use crate::AppState;
use keydesk_model::{
    Actor, Confirmation, Event, Moment, NodeAck, NodeId, NodeRow, Outstanding, Receipt, Timestamp,
};
use keydesk_node::{Keys, Nodes};
use keydesk_store::{AuditEntry, Committed, Durability, StoreError, Write};
use std::{collections::BTreeMap, time::Duration};

/// The longest interval between reads of the roster during a wait for confirmations.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// The confirmation of a gateway, or the time from which it rejects without one.
enum NodeStatus {
    Confirmed { after: Duration },
    Silent { until: Moment },
}

/// The time at which the database acknowledged the commit, on both clocks.
#[derive(Clone, Copy)]
struct Acknowledged {
    moment: Moment,
    at: Timestamp,
}

/// A wait until all gateways reject the tokens that a commit revoked.
struct Wait<'a> {
    nodes: &'a Nodes,
    seq: i64,
    epoch: &'a str,
    acknowledged: Acknowledged,
    /// Whether the revocation is in the journal on the disk of this process's own gateway.
    is_journaled: bool,
    /// Whether the database has lost the change again.
    is_lost: bool,
    /// Whether the change makes gateways accept: then a lease that ends is no confirmation.
    restores: bool,
    /// The time from which nodes that were listed only in an earlier history reject.
    forgotten_until: Moment,
    said: BTreeMap<NodeId, (String, NodeStatus)>,
}

impl Wait<'_> {
    /// Adds the nodes that are in the list after the commit; a node that joins later starts with the change.
    fn begin(&mut self, rows: &[NodeRow]) {
        for row in rows.iter().filter(|row| row.is_gateway) {
            let silent = NodeStatus::Silent { until: self.acknowledged.moment };
            self.said.insert(row.id, (row.name.clone(), silent));
        }
        self.receive();
    }

    /// After a failover or a restore, the list may lack nodes that joined just before; all nodes have the same terms.
    fn remember_forgotten(&mut self, rows: &[NodeRow], history: Option<Duration>) {
        let longest = rows.iter().map(NodeRow::longest).max().unwrap_or_default();
        let left = history.map_or(Duration::ZERO, |age| longest.saturating_sub(age));
        self.forgotten_until = self.acknowledged.moment.plus(left);
    }

    /// Applies the current roster. A node that has left it has stopped serving before.
    fn receive(&mut self) {
        let (nodes, seq, epoch, at) = (self.nodes, self.seq, self.epoch, self.acknowledged.moment);
        let is_journaled = self.is_journaled;
        let after = nodes.stopwatch.now().since(at);
        self.said.retain(|node, (_, said)| {
            if matches!(said, NodeStatus::Confirmed { .. }) {
                return true;
            }
            // The gateway of this process had applied the change before the commit returned.
            let word = if *node == nodes.own && is_journaled {
                Some(NodeAck::Confirmed)
            } else {
                nodes.with_membership(|membership| membership.ack_of(*node, seq, epoch, at))
            };
            *said = match word {
                None => return false,
                Some(NodeAck::Confirmed) => NodeStatus::Confirmed { after },
                Some(NodeAck::RefusesFrom(until)) => NodeStatus::Silent { until },
            };
            true
        });
    }

    fn outstanding(&self) -> impl Iterator<Item = Moment> {
        let silent = self.said.values().filter_map(|(_, said)| match said {
            NodeStatus::Silent { until } => Some(*until),
            NodeStatus::Confirmed { .. } => None,
        });
        silent.chain([self.forgotten_until])
    }

    fn is_over(&self) -> bool {
        if self.restores {
            return self
                .said
                .values()
                .all(|(_, said)| matches!(said, NodeStatus::Confirmed { .. }));
        }
        let now = self.nodes.stopwatch.now();
        self.outstanding().all(|until| until <= now)
    }
}

/// A receipt as stored and shown.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// The number of its entry in the audit log. `None` if the change was made, but the gateways could not be asked or
    /// their responses not be recorded.
    pub number: Option<i64>,
    pub is_complete: bool,
    /// The time from which all gateways reject; `None` if it is not known.
    pub effective_at: Option<Timestamp>,
}

impl Issued {
    /// Returns the parameter for a redirect's query.
    pub fn query(&self) -> String {
        match (self.number, self.is_complete) {
            (Some(number), true) => format!("&receipt={number}"),
            (Some(number), false) => format!("&pending={number}"),
            (None, _) => "&unconfirmed=yes".to_owned(),
        }
    }
}

impl AppState {
    /// Commits, waits for the gateways, and issues the receipt. Returns `None` if nothing was revoked.
    pub(crate) async fn commit_with_receipt(
        &self,
        write: Write,
        entry: AuditEntry,
    ) -> Result<Option<Issued>, StoreError> {
        // The browser may disconnect; the commit completes anyway, with its receipt.
        let app = self.clone();
        let issued = tokio::spawn(async move {
            let committed = write.commit(entry.clone()).await?;
            let acknowledged = Acknowledged { moment: app.nodes.stopwatch.now(), at: app.now() };
            let Some((seq, chain)) = committed.change.clone() else { return Ok(None) };
            let issued = async {
                let receipt = app.wait((seq, &chain), &committed, acknowledged, &entry).await?;
                app.keep(receipt, &entry).await
            };
            Ok(Some(issued.await.unwrap_or_else(|error: StoreError| {
                tracing::error!(%error, "a receipt could not be written");
                Issued { number: None, is_complete: false, effective_at: None }
            })))
        });
        issued.await.unwrap_or(Err(StoreError::Unsettled))
    }

    async fn wait(
        &self,
        (seq, chain): (i64, &str),
        committed: &Committed,
        acknowledged: Acknowledged,
        entry: &AuditEntry,
    ) -> Result<Receipt, StoreError> {
        let nodes = &*self.nodes;
        let epoch = self.store.epoch().await?;
        let committed_at = acknowledged.moment;
        let mut wait = Wait {
            nodes,
            seq,
            epoch: &epoch,
            acknowledged,
            is_journaled: committed.is_journaled,
            is_lost: false,
            restores: matches!(entry.event, Event::TokenRestored { .. }),
            forgotten_until: committed_at,
            said: BTreeMap::new(),
        };
        let rows = nodes.look(&self.store).await?;
        wait.remember_forgotten(&rows, committed.history);
        wait.begin(&rows);
        while !wait.is_over() && nodes.stopwatch.now().since(committed_at) < nodes.patience {
            let _ = tokio::time::timeout(LOOK_AGAIN, nodes.news.notified()).await;
            // If the database is unreachable now, there are no confirmations, but the leases end anyway.
            if let Err(error) = nodes.look(&self.store).await {
                tracing::warn!(%error, "confirmations cannot be read now");
            }
            wait.receive();
        }
        // A gateway may have confirmed the number in another history if a failover has lost this one.
        wait.is_lost = !self.store.still_has(seq, chain).await?;
        if wait.is_lost {
            tracing::error!(seq, "the database has lost a change that it had acknowledged");
        }
        // Durability may have changed during the commit, so only the lower value before and after it is certain.
        let after = self.store.durability().await.unwrap_or(Durability::Single);
        let durability = committed.durability.min(after);
        Ok(wait.receipt(committed.at, durability, entry))
    }

    async fn keep(&self, receipt: Receipt, entry: &AuditEntry) -> Result<Issued, StoreError> {
        // A node without a console can't sign.
        let (is_complete, effective_at) = (receipt.complete, Some(receipt.effective_at));
        if self.keyring.key_ids().is_empty() {
            return Ok(Issued { number: None, is_complete, effective_at });
        }
        let claims = serde_json::to_vec(&receipt).expect("a receipt has string keys only");
        let jws = self.keyring.sign(&claims).map_err(|error| {
            tracing::error!(%error, "a receipt could not be signed");
            StoreError::Unreadable { column: "head.key_id" }
        })?;
        let write = self.store.write(self.now()).await?;
        let kept = AuditEntry {
            event: Event::ReceiptIssued { jws },
            actor: Actor::Node,
            target: entry.target.clone(),
            ..entry.clone()
        };
        let number = Some(write.commit(kept).await?.audit_seq);
        Ok(Issued { number, is_complete, effective_at })
    }
}

impl Wait<'_> {
    fn receipt(self, committed: Timestamp, durability: Durability, entry: &AuditEntry) -> Receipt {
        let is_complete = self.is_over() && !self.is_lost;
        let now = self.nodes.stopwatch.now();
        let Acknowledged { moment: began, at } = self.acknowledged;
        let instant = |moment: Moment| at.plus(moment.since(began));
        let last = self.outstanding().max().unwrap_or(now).max(now);
        let (mut confirmed, mut unconfirmed) = (Vec::new(), Vec::new());
        for (node, (name, said)) in &self.said {
            let (node, name) = (*node, name.clone());
            match said {
                NodeStatus::Confirmed { after } => {
                    let after_ms = (after.as_secs_f64() * 10_000.0).round() / 10.0;
                    confirmed.push(Confirmation { node, name, after_ms });
                }
                NodeStatus::Silent { until } => {
                    unconfirmed.push(Outstanding { node, name, rejects_from: instant(*until) });
                }
            }
        }
        Receipt {
            version: 1,
            seq: self.seq,
            epoch: self.epoch.to_owned(),
            event: entry.event.name().to_owned(),
            target: entry.target.clone(),
            account: entry.account,
            committed_at: committed,
            complete: is_complete,
            effective_at: if is_complete { instant(now) } else { instant(last) },
            durability: durability.as_str().to_owned(),
            confirmed,
            unconfirmed,
        }
    }
}
