//! Opens the database, whichever it is, and hands out connections.

use crate::{
    DatabaseUrl, Durability, OpenError, Read, Sealer, StoreError, Write, feed::Follower,
    postgres::PostgresServers, seal::seal, sql::Query, sqlite::SqliteFile,
    transaction::DbConnection,
};
use keydesk_model::Timestamp;
use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

/// The store, and whoever follows the feed in this process.
#[derive(Clone)]
pub struct Store {
    pub(crate) back: Arc<Back>,
    pub(crate) follower: Arc<OnceLock<Follower>>,
    sealer: Arc<OnceLock<Arc<dyn Sealer>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.back)
    }
}

/// What one node tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowEvent {
    /// There is a change in the feed.
    Change,
    /// A gateway has taken one over.
    Confirmation,
}

const FEED: &str = "keydesk_feed";
const CONFIRMED: &str = "keydesk_confirmed";

/// Which of the two it is.
#[derive(Debug)]
pub(crate) enum Back {
    Sqlite(SqliteFile),
    Postgres(PostgresServers),
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub async fn open(place: &DatabaseUrl) -> Result<Self, OpenError> {
        Self::open_with(place, true).await
    }

    /// Opens a database that someone else brings up to date: with fewer rights.
    pub async fn open_as_it_is(place: &DatabaseUrl) -> Result<Self, OpenError> {
        Self::open_with(place, false).await
    }

    async fn open_with(place: &DatabaseUrl, migrates: bool) -> Result<Self, OpenError> {
        let back = match place {
            DatabaseUrl::Sqlite(path) => Back::Sqlite(SqliteFile::open(path).await?),
            DatabaseUrl::Postgres(place) => {
                Back::Postgres(PostgresServers::open(place, migrates).await?)
            }
        };
        let (follower, sealer) = (Arc::default(), Arc::default());
        Ok(Self { back: Arc::new(back), follower, sealer })
    }

    /// Waits for the check of a large file, which goes on beside the first reading. Nothing may be
    /// believed or written before.
    pub async fn checked(&self) -> Result<(), OpenError> {
        match &*self.back {
            Back::Sqlite(file) => file.checked().await,
            Back::Postgres(_) => Ok(()),
        }
    }

    /// From now on this process seals what it puts into the feed. Once per process.
    pub fn seal_with(&self, sealer: Arc<dyn Sealer>) {
        let _ = self.sealer.set(sealer);
    }

    pub(crate) fn seal(&self, chain: &str) -> String {
        seal(self.sealer.get().map(AsRef::as_ref), chain)
    }

    /// Whether other machines may have it open too.
    pub fn is_shared(&self) -> bool {
        matches!(&*self.back, Back::Postgres(_))
    }

    /// What becomes of an acknowledged commit when the machine that took it is lost.
    pub async fn durability(&self) -> Result<Durability, StoreError> {
        match &*self.back {
            Back::Sqlite(_) => Ok(Durability::Single),
            Back::Postgres(servers) => servers.durability().await,
        }
    }

    /// Which server is used now, where there is one.
    pub fn server(&self) -> Option<String> {
        match &*self.back {
            Back::Sqlite(_) => None,
            Back::Postgres(servers) => Some(servers.server()),
        }
    }

    /// A connection that only reads.
    pub async fn read(&self) -> Result<Read, StoreError> {
        Ok(Read::new(match &*self.back {
            Back::Sqlite(file) => DbConnection::SqlitePooled(file.readers.acquire().await?),
            Back::Postgres(servers) => DbConnection::Postgres(servers.begin_reading().await?),
        }))
    }

    /// Reads the database as it is at one instant.
    pub(crate) async fn read_at_once(&self) -> Result<Read, StoreError> {
        Ok(Read::new(match &*self.back {
            Back::Sqlite(file) => DbConnection::Sqlite(file.readers.begin().await?),
            Back::Postgres(servers) => DbConnection::Postgres(servers.snapshot().await?),
        }))
    }

    /// For what is written outside of the line of writers and without an audit entry: no change in
    /// the sense of the product.
    pub(crate) async fn aside(&self) -> Result<Read, StoreError> {
        Ok(Read::new(match &*self.back {
            Back::Sqlite(file) => {
                DbConnection::Sqlite(file.writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Back::Postgres(servers) => DbConnection::Postgres(servers.begin_aside().await?),
        }))
    }

    /// One statement aside; how many rows it touched.
    pub(crate) async fn run_aside(&self, query: Query) -> Result<u64, StoreError> {
        let mut aside = self.aside().await?;
        let touched = query.execute(&mut aside).await.inspect_err(|error| self.note(error))?;
        aside.finish().await?;
        Ok(touched)
    }

    /// A write transaction, taken at once, so that what it reads cannot change before it writes. It
    /// is undone unless committed.
    pub async fn write(&self, now: Timestamp) -> Result<Write, StoreError> {
        let (link, turn) = match &*self.back {
            Back::Sqlite(file) => {
                (DbConnection::Sqlite(file.writer.begin_with("BEGIN IMMEDIATE").await?), None)
            }
            Back::Postgres(servers) => {
                let (transaction, turn) = servers.begin().await?;
                (DbConnection::Postgres(transaction), Some(turn))
            }
        };
        Ok(Write::new(Read::new(link), (now, turn), self.clone()))
    }

    /// To be told of a failure: a lost server is looked for anew.
    pub(crate) fn note(&self, error: &StoreError) {
        if let Back::Postgres(servers) = &*self.back {
            servers.note(error);
        }
    }

    /// To be told that the database did not answer in time.
    pub fn eject(&self) {
        if let Back::Postgres(servers) = &*self.back {
            servers.eject();
        }
    }

    /// Calls `tell` when there may be news; a hint, no promise. Returns when it has to be called anew;
    /// a file says nothing by itself.
    pub async fn listen(&self, mut tell: impl FnMut(FollowEvent)) -> Result<(), StoreError> {
        match &*self.back {
            Back::Sqlite(_) => std::future::pending().await,
            Back::Postgres(servers) => {
                let listener = |channel: &str| {
                    tell(if channel == FEED {
                        FollowEvent::Change
                    } else {
                        FollowEvent::Confirmation
                    });
                };
                servers.listen(&[FEED, CONFIRMED], listener).await
            }
        }
    }

    /// How many connections all nodes together may hold; None: as many as they like.
    pub fn connection_share(&self) -> Option<i64> {
        match &*self.back {
            Back::Sqlite(_) => None,
            Back::Postgres(servers) => Some(servers.share()),
        }
    }

    /// Whether this process is to do without a connection while it does not use one.
    pub fn be_frugal(&self, is_frugal: bool) {
        if let Back::Postgres(servers) = &*self.back {
            servers.be_frugal(is_frugal);
        }
    }

    /// The present need of connections is over.
    pub fn let_go(&self) {
        if let Back::Postgres(servers) = &*self.back {
            servers.let_go();
        }
    }

    /// A copy of an SQLite database as it is at one instant; false where it is not one.
    pub(crate) async fn copy_file(&self, to: &Path) -> Result<bool, StoreError> {
        match &*self.back {
            Back::Sqlite(file) => file.copy_to(&to.to_string_lossy()).await.map(|()| true),
            Back::Postgres(_) => Ok(false),
        }
    }

    pub async fn close(&self) {
        match &*self.back {
            Back::Sqlite(file) => file.close().await,
            Back::Postgres(servers) => servers.close().await,
        }
    }
}
