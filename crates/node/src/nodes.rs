//! What a console knows of the other nodes.

use keydesk_model::{Moment, NodeId, NodeRow, Roster, Stopwatch, Timestamp};
use keydesk_store::{Store, StoreError};
use keydesk_token::Entropy;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Finds processes of this machine that have died without leaving.
type Dead = Arc<dyn Fn() -> Vec<NodeId> + Send + Sync>;

/// What this console knows of the other nodes, kept current by whoever runs it.
pub struct Nodes {
    pub own: NodeId,
    pub stopwatch: Stopwatch,
    roster: Mutex<Roster>,
    /// A gateway may have confirmed something.
    pub news: Notify,
    /// How long an answer may wait for confirmations.
    pub patience: Duration,
    dead: Dead,
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nodes(as {})", self.own)
    }
}

impl Nodes {
    pub fn new(
        (own, joined): (NodeId, i64),
        stopwatch: Stopwatch,
        patience: Duration,
        dead: impl Fn() -> Vec<NodeId> + Send + Sync + 'static,
    ) -> Self {
        let roster = Mutex::new(Roster::of(own, joined));
        Self { own, stopwatch, roster, news: Notify::new(), patience, dead: Arc::new(dead) }
    }

    /// For a command that runs beside the servers and ends no token.
    pub fn alone() -> Self {
        let nobody = NodeId::generate(Timestamp::from_micros(0), &Entropy::seeded(0));
        let still = Stopwatch::new(Moment::default);
        Self::new((nobody, 0), still, Duration::ZERO, Vec::new)
    }

    pub fn with_roster<T>(&self, use_it: impl FnOnce(&mut Roster) -> T) -> T {
        use_it(&mut self.roster.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the list. What it says counts from when it has arrived.
    pub async fn look(&self, store: &Store) -> Result<Vec<NodeRow>, StoreError> {
        for dead in (self.dead)() {
            store.leave(dead).await?;
        }
        let rows: Vec<_> = store.list_nodes().await?.into_iter().map(|node| node.row).collect();
        self.with_roster(|roster| roster.see(self.stopwatch.now(), rows.clone()));
        Ok(rows)
    }
}
