//! Opens the database, checks that it keeps what it acknowledges, and hands out connections.

use crate::{OpenError, Read, StoreError, Write, feed::Follower};
use keydesk_model::Timestamp;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinHandle};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// The store: many readers, one writer, and whoever follows the feed in this process.
#[derive(Clone)]
pub struct Store {
    pub(crate) readers: SqlitePool,
    pub(crate) writer: SqlitePool,
    pub(crate) follower: Arc<OnceLock<Follower>>,
    check: Arc<Mutex<Option<Check>>>,
}

type Check = JoinHandle<Result<(), OpenError>>;

/// Files beyond this are checked while they are read.
const LARGE: u64 = 32 * 1024 * 1024;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens or makes the database file at `path` and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let unopenable = |source| OpenError::Unopenable { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(unopenable)?;
        check_durability(&writer, path).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(unopenable)?;
        let check = tokio::spawn(check_file(readers.clone(), path.to_owned()));
        let is_large = std::fs::metadata(path).is_ok_and(|file| file.len() > LARGE);
        let check = if is_large {
            Some(check)
        } else {
            check.await.map_err(|_| OpenError::Unchecked)??;
            None
        };
        MIGRATIONS.run(&writer).await?;
        let check = Arc::new(Mutex::new(check));
        Ok(Self { readers, writer, follower: Arc::default(), check })
    }

    /// Waits for the check of a large file, which goes on beside the first reading. Nothing may be
    /// believed or written before.
    pub async fn checked(&self) -> Result<(), OpenError> {
        match self.check.lock().await.take() {
            Some(check) => check.await.map_err(|_| OpenError::Unchecked)?,
            None => Ok(()),
        }
    }

    /// A connection that only reads.
    pub async fn read(&self) -> Result<Read, StoreError> {
        Ok(Read::pooled(self.readers.acquire().await?))
    }

    /// A write transaction, taken at once (`BEGIN IMMEDIATE`), so that what it reads cannot change
    /// before it writes. It is undone unless committed.
    pub async fn write(&self, now: Timestamp) -> Result<Write, StoreError> {
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write::new(transaction, now, self.clone()))
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn check_durability(pool: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    if version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>()
        < vec![3, 51, 3]
    {
        return Err(OpenError::SqliteTooOld { version });
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
    if mode != "wal" {
        return Err(OpenError::NotDurable { path: path.to_owned(), setting: "journal_mode=WAL" });
    }
    let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(pool).await?.get(0);
    if synchronous < 2 {
        return Err(OpenError::NotDurable { path: path.to_owned(), setting: "synchronous=FULL" });
    }
    Ok(())
}

/// Reads every page. A large file takes a second, in which others can load it.
async fn check_file(pool: SqlitePool, path: PathBuf) -> Result<(), OpenError> {
    let report: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&pool).await?;
    if report == "ok" { Ok(()) } else { Err(OpenError::Damaged { path, report }) }
}
