//! Errors of the store, by the reaction to them: retry, report a conflict, or stop.

use crate::primary::NoServer;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A uniqueness rule rejected the row because another one was first.
    #[error("the row exists already")]
    Conflict,
    /// A row can't be read because another release wrote it or it was edited manually.
    #[error("the column {column} holds something that this release cannot read")]
    Unreadable { column: &'static str },
    /// The change is in the database, but this process hasn't applied it yet. It will.
    #[error("the change is stored, but the gateway has not confirmed it yet")]
    Unsettled,
    /// The database stopped responding during the commit.
    #[error("it is not known whether the change is stored: the database did not answer in time")]
    Unknown,
    #[error("the journal of ended tokens cannot be read; nothing is loaded without it")]
    Journal(#[source] std::io::Error),
    /// The database is unavailable or locked. A retry may succeed.
    #[error("the database cannot be reached or is busy")]
    Busy(#[source] sqlx::Error),
    #[error(
        "PostgreSQL runs with {setting} = {value} and can lose what it has acknowledged; nothing is written until {setting} is on"
    )]
    LosesWrites { setting: &'static str, value: String },
    #[error("the database did not answer as expected")]
    Unavailable(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(cause) if !cause.code().is_some_and(|code| is_busy(&code)) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(_)
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Busy(error),
            _ => Self::Unavailable(error),
        }
    }
}

/// Returns whether an error is temporary: of PostgreSQL, connections, rollbacks, resources, locks, timeouts, and
/// interventions by its operators; of SQLite, 5 and 6, a lock of another process.
fn is_busy(code: &str) -> bool {
    let classes = ["08", "28", "40", "53", "57"];
    let codes = ["25P03", "25006", "55P03"];
    // SQLite's extended codes hold the primary one in their last byte.
    let sqlite =
        code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
    sqlite
        || codes.contains(&code)
        || (code.len() == 5 && classes.iter().any(|class| code.starts_with(class)))
}

/// Returns the message of a database error without the line of PostgreSQL's own source.
pub(crate) fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(cause) => cause.message().to_owned(),
        error => error.to_string(),
    }
}

/// The reason why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the database file {path} cannot be opened; check that its folder exists and is yours to write"
    )]
    Unopenable { path: PathBuf, source: sqlx::Error },
    #[error("the database file {path} is damaged ({report}); restore it from a backup")]
    Damaged { path: PathBuf, report: String },
    #[error("the database file could not be checked to its end; start again")]
    Unchecked,
    #[error("SQLite {version} can lose acknowledged writes; Keydesk needs 3.51.3 or later")]
    SqliteTooOld { version: String },
    #[error("the database file {path} does not run with {setting}, on which durability rests")]
    NotDurable { path: PathBuf, setting: &'static str },
    #[error("no PostgreSQL server can be used: {0}")]
    NoServer(NoServer),
    #[error(
        "the schema cannot be brought up to date: other transactions have held its tables for ten minutes. End them, and start again"
    )]
    Throttled,
    #[error(
        "the database's schema is at step {newest}, and this release needs {known}: start a node with a console first, it brings the schema up to date"
    )]
    Older { newest: i64, known: i64 },
    #[error("the database holds nothing of Keydesk yet: start “keydesk serve” with it first")]
    Empty,
    #[error("this database was migrated to {place}: set database_url to that database")]
    Moved { place: String },
    #[error(
        "the database has been changed by a newer Keydesk in a way that this release cannot follow (step {needs}; this release knows {known}): run the newer release"
    )]
    NeedsNewer { needs: i64, known: i64 },
    #[error(
        "the database's schema cannot be brought up to date; was it written by a newer Keydesk?"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the journal of ended tokens {path} cannot be used; check that it is yours to write")]
    Journal { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    LosesWrites(StoreError),
    #[error("the database stopped answering while it was opened")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
