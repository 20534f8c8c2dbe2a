//! The other nodes, as a console knows them.

use crate::{ClusterClock, Identity};
use keydesk_model::{Membership, Moment, MonotonicClock, NodeId, NodeRow, Timestamp};
use keydesk_store::{Store, StoreError};
use keydesk_token::Entropy;
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// A search for processes that died without leaving. It applies only if the database is a file of this machine; a node
/// on another machine is only known to be silent.
#[derive(Clone, Debug, Default)]
pub struct Dead {
    among: Option<(PathBuf, NodeId)>,
    counts: bool,
}

impl Dead {
    pub fn new(identity: &Identity, own: NodeId, store: &Store) -> Self {
        Self { among: Some((identity.folder().to_owned(), own)), counts: !store.is_shared() }
    }

    pub(crate) async fn remove(&self, store: &Store) -> Result<(), StoreError> {
        let Some((folder, own)) = &self.among else { return Ok(()) };
        for dead in Identity::dead(folder, *own) {
            if self.counts {
                store.remove_dead(dead).await?;
            }
        }
        Ok(())
    }
}

/// The other nodes as this console knows them, kept current by the running server.
pub struct Nodes {
    pub own: NodeId,
    pub stopwatch: MonotonicClock,
    membership: Mutex<Membership>,
    /// Notifies that a gateway may have confirmed something.
    pub news: Notify,
    /// The maximum time that a response may wait for confirmations.
    pub patience: Duration,
    /// `None` for a command that runs beside the servers.
    pub clock: Option<ClusterClock>,
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
        stopwatch: MonotonicClock,
        patience: Duration,
        clock: Option<ClusterClock>,
        dead: Dead,
    ) -> Self {
        let membership = Mutex::new(Membership::of(own, joined));
        Self { own, stopwatch, membership, news: Notify::new(), patience, clock, dead }
    }

    /// Creates the state for a command that runs beside the servers and revokes no token.
    pub fn alone() -> Self {
        let nobody = NodeId::generate(Timestamp::from_micros(0), &Entropy::seeded(0));
        let still = MonotonicClock::new(Moment::default);
        Self::new((nobody, 0), still, Duration::ZERO, None, Dead::default())
    }

    pub fn with_membership<T>(&self, use_it: impl FnOnce(&mut Membership) -> T) -> T {
        use_it(&mut self.membership.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the list. Its data counts from the time when it has arrived.
    pub async fn look(&self, store: &Store) -> Result<Vec<NodeRow>, StoreError> {
        self.dead.remove(store).await?;
        let rows: Vec<_> = store.list_nodes().await?.into_iter().map(|node| node.row).collect();
        self.with_membership(|membership| membership.see(self.stopwatch.now(), rows.clone()));
        Ok(rows)
    }
}
