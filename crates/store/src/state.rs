//! What a store consists of: the database, and the state of the process that follows its feed.

use crate::{
    Standing, Tombstone,
    journal::Journal,
    postgres::PostgresServers,
    record::Record,
    seal::{PublicKeys, Sealer},
    sqlite::SqliteFile,
};
use keydesk_model::Feed;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicI64, AtomicUsize},
};
use tokio::sync::{Mutex, Notify};

/// The store, with the follower of the feed in this process.
#[derive(Clone)]
pub struct Store {
    pub(crate) back: Arc<Back>,
    pub(crate) follower: Arc<OnceLock<Follower>>,
    pub(crate) sealer: Arc<OnceLock<Arc<dyn Sealer>>>,
    /// Wakes the sender of email when a transaction that added some has committed.
    pub(crate) mail_added: Arc<Notify>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.back)
    }
}

/// The database of either kind.
#[derive(Debug)]
pub(crate) enum Back {
    Sqlite(SqliteFile),
    Postgres(PostgresServers),
}

/// The follower of the feed in this process, and its position.
pub(crate) struct Follower {
    pub feed: Arc<dyn Feed>,
    pub(crate) following: Mutex<Following>,
    /// The position, for readers that can't wait for a database.
    pub(crate) position: std::sync::Mutex<Position>,
    /// The newest change that this process has tried to commit, and the number of commits in progress.
    pub committing: AtomicI64,
    pub(crate) under_way: AtomicUsize,
    pub is_loading: AtomicBool,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Follower")
    }
}

/// What this process has applied of the feed.
pub(crate) struct Following {
    pub position: Position,
    /// `None` only in tests that need no journal.
    pub journal: Option<Journal>,
    /// Records that are enforced but not yet on this machine's disk.
    pub unwritten: Vec<Record>,
    pub revived: Revived,
    /// The keys with which the seals of changes by consoles are verified.
    pub(crate) keys: PublicKeys,
}

/// A position in the feed. Two equal positions have the same history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    pub seq: i64,
    pub epoch: String,
    /// A digest of everything up to here.
    pub chain: String,
}

/// Revocations and account states that are enforced here and that the database has forgotten.
#[derive(Clone, Debug, Default)]
pub struct Revived {
    pub endings: Vec<Tombstone>,
    pub accounts: Vec<Standing>,
}

impl Revived {
    pub fn is_empty(&self) -> bool {
        self.endings.is_empty() && self.accounts.is_empty()
    }
}
