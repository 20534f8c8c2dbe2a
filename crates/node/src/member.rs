//! This process as a member of the cluster: it joins the list of nodes, keeps its lease and the list current, confirms
//! applied changes, restores forgotten revocations in the database, and leaves.

use crate::{
    ClusterClock, Dead, Identity, IdentityError, Nodes, Peers, peers, recovery::write_back, system,
};
use keydesk_model::{Feed, Lease, LeaseConfig, Moment, MonotonicClock, NodeId, Snapshot, Table};
use keydesk_store::{FollowEvent, Holder, NewNode, OpenError, Progress, Store, StoreError};
use keydesk_token::Entropy;
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// The interval at which changes without a notification are applied.
pub(crate) const POLL: Duration = Duration::from_millis(250);
/// The maximum time for reloading everything.
const LOADING: Duration = Duration::from_mins(10);
/// The maximum number of revocations that are written back together.
const AT_ONCE: usize = 500;

/// The configuration of a node.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// The journal of revocations, in this process's own folder.
    pub journal: PathBuf,
    /// The folder in which all processes on one database file, or in one data folder, hold a lock each.
    pub locks: PathBuf,
    /// The name of this node for users.
    pub name: String,
    pub is_gateway: bool,
    pub is_console: bool,
    pub terms: LeaseConfig,
    /// The maximum time that a response waits for gateways to confirm.
    pub confirm: Duration,
    pub peers: Option<Peers>,
}

/// The master keys of a node that has them.
pub trait Keys: Send + Sync {
    fn key_ids(&self) -> Vec<String>;
    /// Reads the key file again.
    fn reload(&self);
    /// Records the key that the database uses for new secrets.
    fn note_current(&self, id: &str);
}

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("the tokens cannot be loaded")]
    Load(#[source] OpenError),
    #[error("the list of nodes cannot be written")]
    List(#[source] StoreError),
    #[error(
        "another process has this node's place in the list of nodes: is this a copy of a running machine? Restart it to register it as a node of its own"
    )]
    Taken,
    #[error("the database does not answer")]
    Silent(#[source] StoreError),
    #[error("the database cannot be trusted")]
    Damaged(#[source] OpenError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("cluster.peer: {addr} cannot be bound")]
    Peer { addr: SocketAddr, source: io::Error },
}

/// The feed of a console without a gateway, which tracks its position and stores nothing.
#[derive(Debug)]
struct NoTable;

impl Feed for NoTable {
    fn load(&self, snapshot: Snapshot<'_>) {
        snapshot.secrets.for_each(drop);
    }

    fn apply(&self, _: i64, _: keydesk_model::Change) {}
}

pub struct Member {
    pub(crate) store: Store,
    pub(crate) table: Arc<dyn Table>,
    pub nodes: Arc<Nodes>,
    pub(crate) new: NewNode,
    identity: Identity,
    pub(crate) keys: Option<Arc<dyn Keys>>,
    pub(crate) peers: Option<Peers>,
    pub(crate) stopwatch: MonotonicClock,
    pub clock: ClusterClock,
    pub(crate) wake: Notify,
    /// Notifies that another process has taken this one's place.
    pub(crate) taken: Notify,
    state: Mutex<State>,
}

/// The state that the heartbeat keeps.
#[derive(Clone)]
pub(crate) struct State {
    pub lease: Lease,
    /// The number and feed that were last confirmed, and when the last renewal was sent.
    pub confirmed: (i64, String),
    pub renewed_at: Option<Moment>,
    pub holder: Holder,
    /// Whether this node has asked to join again and has received no response yet.
    pub is_rejoining: bool,
    /// All other nodes, because any of them may commit, with their peer URLs.
    pub others: Vec<(NodeId, String)>,
    is_isolated: bool,
    /// Whether the node keeps no idle connection and polls less often.
    pub is_frugal: bool,
}

/// Creates the secret with which only this process can renew its place.
pub(crate) fn new_holder(entropy: &Entropy) -> Holder {
    Holder { secret: hex::encode(entropy.bytes::<16>()), attempts: 0 }
}

fn join_error(error: StoreError) -> JoinError {
    match error {
        StoreError::Conflict => JoinError::Taken,
        error => JoinError::List(error),
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Member({})", self.new.id)
    }
}

impl State {
    fn new(terms: LeaseConfig, joined: i64, holder: Holder) -> Self {
        let mut lease = Lease::new(terms);
        lease.knows(joined);
        let (confirmed, renewed_at) = ((0, String::new()), None);
        let (others, is_isolated, is_frugal) = (Vec::new(), false, false);
        let is_rejoining = false;
        Self { lease, confirmed, renewed_at, holder, is_rejoining, others, is_isolated, is_frugal }
    }
}

impl Member {
    /// Joins the list, loads all tokens, and gets the first lease. Nothing is served before.
    pub async fn join(
        settings: NodeSettings,
        store: &Store,
        table: &Arc<dyn Table>,
        keys: Option<Arc<dyn Keys>>,
    ) -> Result<Arc<Self>, JoinError> {
        let (entropy, stopwatch) = (system::entropy(), system::stopwatch());
        let clock = ClusterClock::new(system::clock(), stopwatch.clone(), settings.terms.lease);
        let feed: Arc<dyn Feed> =
            if settings.is_gateway { Arc::clone(table) as _ } else { Arc::new(NoTable) };
        store.follow(feed, Some(&settings.journal)).await.map_err(JoinError::Load)?;
        // Nothing is written to a file that may be damaged.
        store.checked().await.map_err(JoinError::Damaged)?;
        let id = NodeId::generate(clock.now(), &entropy);
        let identity = Identity::take(&settings.locks, id)?;
        let dead = Dead::new(&identity, id, store);
        dead.remove(store).await.map_err(JoinError::List)?;
        let peers = settings.peers;
        let new = NewNode {
            id,
            name: settings.name,
            is_gateway: settings.is_gateway,
            is_console: settings.is_console,
            terms: settings.terms,
            peer_url: peers.as_ref().map(|peers| peers.url.clone()).unwrap_or_default(),
            keys: keys.as_ref().map(|keys| keys.key_ids()).unwrap_or_default(),
        };
        let holder = new_holder(&entropy);
        let joined = store.join(&new, &holder, clock.now()).await.map_err(join_error)?;
        let nodes = Nodes::new(
            (id, joined),
            stopwatch.clone(),
            settings.confirm,
            Some(clock.clone()),
            dead,
        );
        let state = State::new(new.terms, joined, holder);
        let member = Arc::new(Self {
            store: store.clone(),
            table: Arc::clone(table),
            nodes: Arc::new(nodes),
            new,
            identity,
            keys,
            peers,
            stopwatch,
            clock,
            wake: Notify::new(),
            taken: Notify::new(),
            state: Mutex::new(state),
        });
        member.load_others(joined).await.map_err(JoinError::List)?;
        member.heartbeat().await.map_err(JoinError::Silent)?;
        if member.identity.is_alone() {
            store.compact_journal(system::clock().now(), member.clock.now()).await;
        }
        if let Some(peers) = &member.peers {
            peers::listen(peers, &member.nodes, store, &member.stopwatch).await?;
        }
        Ok(member)
    }

    /// Starts the tasks that keep everything current until they are aborted.
    pub fn spawn(self: &Arc<Self>) -> Vec<tokio::task::JoinHandle<()>> {
        let mut tasks = vec![
            tokio::spawn(Arc::clone(self).keep_beating()),
            tokio::spawn(Arc::clone(self).keep_listening()),
        ];
        if self.new.is_console {
            tasks.push(tokio::spawn(Arc::clone(self).keep_looking()));
        }
        tasks
    }

    pub(crate) fn state<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn keep_listening(self: Arc<Self>) {
        loop {
            let tell = |news| match news {
                FollowEvent::Change => self.wake.notify_one(),
                FollowEvent::Confirmation => self.nodes.news.notify_waiters(),
            };
            if let Err(error) = self.store.listen(tell).await {
                tracing::debug!(%error, "failed to listen for notifications");
                tokio::time::sleep(POLL).await;
            }
            // A notification may have been missed meanwhile.
            self.wake.notify_one();
        }
    }

    async fn keep_beating(self: Arc<Self>) {
        loop {
            let _ = tokio::time::timeout(self.pause(), self.wake.notified()).await;
            // A database behind a broken network doesn't answer at all, and the lease is short.
            let patience = (self.new.terms.lease / 2).min(Duration::from_secs(2));
            match self.beat_within(patience).await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    tracing::warn!(%error, "the database does not answer as expected");
                    self.ask_others().await;
                }
                None => {
                    tracing::warn!("the database does not answer in time");
                    self.store.eject();
                    self.ask_others().await;
                }
            }
            self.note_isolation();
            self.store.let_go();
        }
    }

    fn pause(&self) -> Duration {
        if self.state(|state| state.is_frugal) { self.new.terms.lease / 3 } else { POLL }
    }

    /// Returns `None` if the heartbeat took too long and was canceled. A reload may take longer, but grants nothing
    /// before it is complete.
    async fn beat_within(&self, patience: Duration) -> Option<Result<(), StoreError>> {
        let mut heartbeat = std::pin::pin!(self.heartbeat());
        let started = self.stopwatch.now();
        loop {
            if let Ok(done) = tokio::time::timeout(patience, &mut heartbeat).await {
                return Some(done);
            }
            let has_time = self.stopwatch.now().since(started) < LOADING;
            if !self.store.is_loading() || !has_time {
                return None;
            }
            self.note_isolation();
        }
    }

    /// Catches up, renews the lease if it is due or there is something to confirm, and restores revocations that the
    /// database has forgotten.
    async fn heartbeat(&self) -> Result<(), StoreError> {
        let mut progress = self.catch_up().await?;
        let state = self.state(|state| state.clone());
        let now = self.stopwatch.now();
        let is_news = |progress: &Progress| {
            let position = &progress.position;
            progress.is_journaled && state.confirmed != (position.seq, position.epoch.clone())
        };
        let is_due = state.renewed_at.is_none_or(|at| now.since(at) >= self.new.terms.lease / 5);
        if !self.store.is_shared() && self.identity.is_alone() && state.renewed_at.is_some() {
            self.look(&mut progress).await?;
        } else if is_due || is_news(&progress) {
            // Others count this node's lease from its row, even if the database is a file of this machine.
            self.renew(&mut progress).await?;
        }
        // The tokens are rejected here anyway, so the node keeps serving.
        if let Err(error) = self.write_back().await {
            tracing::error!(%error, "failed to write back revocations that the database had lost");
        }
        Ok(())
    }

    /// Restores revocations that the database has forgotten. If this is interrupted, the rest follows later.
    async fn write_back(&self) -> Result<(), StoreError> {
        loop {
            let revived = self.store.revived(AT_ONCE).await;
            if revived.is_empty() {
                return Ok(());
            }
            let now = self.clock.now();
            let count = write_back(&self.store, now, &self.new.name, &revived).await?;
            self.store.forget_revived(&revived).await;
            tracing::warn!(count, "wrote back revocations that the database had lost");
        }
    }

    pub(crate) async fn catch_up(&self) -> Result<Progress, StoreError> {
        Ok(self.store.catch_up().await?.expect("a member follows the feed"))
    }

    /// Extends the lease without a renewal: a process that can read a file of this machine sees every commit.
    async fn look(&self, progress: &mut Progress) -> Result<(), StoreError> {
        let sent_at = self.stopwatch.now();
        let answer = self.store.look().await?;
        self.take_answer(sent_at, answer, progress).await
    }

    fn note_isolation(&self) {
        let is_isolated = !self.table.may_serve();
        if self.state(|state| std::mem::replace(&mut state.is_isolated, is_isolated)) != is_isolated
            && self.new.is_gateway
        {
            if is_isolated {
                tracing::error!("disconnected from the database: requests are rejected with 503");
            } else {
                tracing::info!("in touch with the database again");
            }
        }
    }

    /// Waits until another process has taken this one's place, after which nothing is served here.
    pub async fn taken(&self) -> JoinError {
        self.taken.notified().await;
        JoinError::Taken
    }

    /// Leaves the list, after which nothing is accepted.
    pub async fn leave(&self) {
        self.state(|state| state.lease.end());
        self.publish();
        let holder = self.state(|state| state.holder.clone());
        match self.store.leave(self.new.id, &holder).await {
            Ok(()) => self.identity.withdraw(),
            Err(error) => tracing::warn!(
                %error,
                "this node stays in the list of nodes until others remove it"
            ),
        }
    }
}
