//! SQLite: one file with many readers and one writer, and the checks that it must pass to be used.

use crate::{OpenError, StoreError, error::describe, files, schema};
use sqlx::{
    Connection, Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinHandle};

#[derive(Debug)]
pub(crate) struct SqliteFile {
    pub readers: SqlitePool,
    pub writer: SqlitePool,
    check: Mutex<Option<Check>>,
}

type Check = JoinHandle<Result<(), OpenError>>;

/// The size above which files are checked while they are read.
const LARGE: u64 = 32 * 1024 * 1024;

/// The number of rows that wait to be read. SQLite's thread waits for the reader when there are more, which on one core
/// switches between the two for each row; a page of a list has at most 200 rows.
const ROW_BUFFER: usize = 256;

impl SqliteFile {
    /// Opens or creates the file and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let unopenable = |source: sqlx::Error| {
            let path = path.to_owned();
            if is_damage(&source) {
                OpenError::Damaged { path, report: describe(&source) }
            } else {
                OpenError::Unopenable { path, source }
            }
        };
        // SQLite gives the files beside it the permissions of this one.
        for suffix in ["-wal", "-shm"] {
            let mut beside = path.as_os_str().to_owned();
            beside.push(suffix);
            files::tighten(Path::new(&beside)).map_err(|error| unopenable(error.into()))?;
        }
        files::keep_private(path).map_err(|error| unopenable(error.into()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .row_buffer_size(ROW_BUFFER)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .before_acquire(|connection, _| Box::pin(async move { Ok(is_free(connection)) }))
            .connect_with(options.clone())
            .await
            .map_err(unopenable)?;
        check_durability(&writer, path).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .before_acquire(|connection, _| Box::pin(async move { Ok(is_free(connection)) }))
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
        let mut connection = writer.acquire().await?;
        schema::bring_up_to_date(&schema::sqlite_migrations(), &mut *connection).await?;
        drop(connection);
        Ok(Self { readers, writer, check: Mutex::new(check) })
    }

    /// Waits for the check of a large file.
    pub async fn checked(&self) -> Result<(), OpenError> {
        match self.check.lock().await.take() {
            Some(check) => check.await.map_err(|_| OpenError::Unchecked)?,
            None => Ok(()),
        }
    }

    /// Copies the file as of one instant while others write.
    pub async fn copy_to(&self, path: &str) -> Result<(), StoreError> {
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.readers).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Returns whether a connection is outside a transaction. A commit that the disk rejects leaves a connection that
/// considers itself in a transaction permanently, so it is replaced.
fn is_free(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// Returns whether SQLite can't read the file as a database: `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["11", "26"].contains(&code.as_ref()))
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

/// Reads every page. A large file takes a second, during which others can load it.
async fn check_file(pool: SqlitePool, path: PathBuf) -> Result<(), OpenError> {
    let report: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&pool).await?;
    if report == "ok" { Ok(()) } else { Err(OpenError::Damaged { path, report }) }
}
