//! Opening of the database, of either kind, and its connections.

use crate::{
    DatabaseUrl, Durability, OpenError, Read, Sealer, StoreError, Write,
    postgres::PostgresServers,
    seal::seal,
    sql::Query,
    sqlite::SqliteFile,
    state::{Back, Store},
    transaction::DbConnection,
};
use keydesk_model::Timestamp;
use std::{path::Path, sync::Arc};

/// A notification from one node to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowEvent {
    /// There is a change in the feed.
    Change,
    /// A gateway has applied a change.
    Confirmation,
}

const FEED: &str = "keydesk_feed";
const CONFIRMED: &str = "keydesk_confirmed";

impl Store {
    /// Opens the database and brings its schema up to date.
    pub async fn open(place: &DatabaseUrl) -> Result<Self, OpenError> {
        Self::open_with(place, true).await
    }

    /// Opens a database with fewer permissions, without bringing its schema up to date.
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
        let (follower, sealer, mail_added) = Default::default();
        Ok(Self { back: Arc::new(back), follower, sealer, mail_added })
    }

    /// Waits for the check of a large file, which runs during the first reads. Nothing may be trusted or written
    /// before.
    pub async fn checked(&self) -> Result<(), OpenError> {
        match &*self.back {
            Back::Sqlite(file) => file.checked().await,
            Back::Postgres(_) => Ok(()),
        }
    }

    /// Sets the sealer of the changes that this process puts into the feed. Called once per process.
    pub fn seal_with(&self, sealer: Arc<dyn Sealer>) {
        let _ = self.sealer.set(sealer);
    }

    pub(crate) fn seal(&self, chain: &str) -> String {
        seal(self.sealer.get().map(AsRef::as_ref), chain)
    }

    /// Waits until this process has added email.
    pub async fn mail_added(&self) {
        self.mail_added.notified().await;
    }

    /// Returns whether other machines may have it open, too.
    pub fn is_shared(&self) -> bool {
        matches!(&*self.back, Back::Postgres(_))
    }

    /// Returns the durability of an acknowledged commit if the machine that accepted it is lost.
    pub async fn durability(&self) -> Result<Durability, StoreError> {
        match &*self.back {
            Back::Sqlite(_) => Ok(Durability::Single),
            Back::Postgres(servers) => servers.durability().await,
        }
    }

    /// Returns the server in use, if there is one.
    pub fn server(&self) -> Option<String> {
        match &*self.back {
            Back::Sqlite(_) => None,
            Back::Postgres(servers) => Some(servers.server()),
        }
    }

    /// Returns a read-only connection.
    pub async fn read(&self) -> Result<Read, StoreError> {
        Ok(Read::new(match &*self.back {
            Back::Sqlite(file) => DbConnection::SqlitePooled(file.readers.acquire().await?),
            Back::Postgres(servers) => DbConnection::Postgres(servers.begin_reading().await?),
        }))
    }

    /// Returns a connection that reads the database as of one instant.
    pub(crate) async fn read_at_once(&self) -> Result<Read, StoreError> {
        Ok(Read::new(match &*self.back {
            Back::Sqlite(file) => DbConnection::Sqlite(file.readers.begin().await?),
            Back::Postgres(servers) => DbConnection::Postgres(servers.snapshot().await?),
        }))
    }

    /// Returns a connection for writes outside the queue of writers and without an audit entry, which don't count as
    /// changes.
    pub(crate) async fn aside(&self) -> Result<Read, StoreError> {
        Ok(Read::new(match &*self.back {
            Back::Sqlite(file) => {
                DbConnection::Sqlite(file.writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Back::Postgres(servers) => DbConnection::Postgres(servers.begin_aside().await?),
        }))
    }

    /// Runs one statement outside the queue of writers. Returns the number of affected rows.
    pub(crate) async fn run_aside(&self, query: Query) -> Result<u64, StoreError> {
        let mut aside = self.aside().await?;
        let touched = query.execute(&mut aside).await.inspect_err(|error| self.note(error))?;
        aside.finish().await?;
        Ok(touched)
    }

    /// Begins a write transaction that is exclusive from its start, so that what it reads can't change before it
    /// writes. It is rolled back unless committed.
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

    /// Records a failure, so that a lost server is replaced.
    pub(crate) fn note(&self, error: &StoreError) {
        if let Back::Postgres(servers) = &*self.back {
            servers.note(error);
        }
    }

    /// Records that the database didn't respond in time.
    pub fn eject(&self) {
        if let Back::Postgres(servers) = &*self.back {
            servers.eject();
        }
    }

    /// Calls `tell` when there may be news, without a guarantee. Returns when it must be called again. A file sends no
    /// notifications.
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

    /// Returns the maximum number of connections of all nodes together, or `None` if there is no limit.
    pub fn connection_share(&self) -> Option<i64> {
        match &*self.back {
            Back::Sqlite(_) => None,
            Back::Postgres(servers) => Some(servers.share()),
        }
    }

    /// Sets whether this process keeps no idle connections.
    pub fn be_frugal(&self, is_frugal: bool) {
        if let Back::Postgres(servers) = &*self.back {
            servers.be_frugal(is_frugal);
        }
    }

    /// Releases idle connections.
    pub fn let_go(&self) {
        if let Back::Postgres(servers) = &*self.back {
            servers.let_go();
        }
    }

    /// Copies an SQLite database as of one instant. Returns `false` if it is another kind.
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
