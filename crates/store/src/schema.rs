//! The schema's versions. A release adds to it and takes nothing away that the release before still
//! reads; a step that older releases could not follow raises `head.needs`, and they refuse.

use crate::{
    OpenError, StoreError,
    sql::{Runs, query},
};
use sqlx::{
    Connection, PgConnection, SqlStr,
    migrate::{Migrate, Migrator},
};
use std::{error::Error, time::Duration};

/// The newest step that this release knows; the same on both back ends.
pub(crate) const KNOWN: i64 = 22;

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const NEEDS: &str = "SELECT needs FROM head WHERE one = 1";
const MOVED: &str = "SELECT place FROM moved WHERE one = 1";
const NEWEST: &str = "SELECT max(version) AS newest FROM _sqlx_migrations";
/// Names the migrations among a database's advisory locks.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7738725006811818753)";
/// A step that waits for a table makes everybody behind it wait, too: it gives up soon, and tries again.
const PATIENCE: &str = "SET LOCAL lock_timeout = '1s'";
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_secs(3);
const OLDEST: &str = "SELECT CAST(pid AS BIGINT) AS pid, coalesce(application_name, '') AS program, \
    CAST(coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0) AS BIGINT) AS seconds \
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
    AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1";

/// Applies the steps that are missing; the caller sees to it that nobody else does at the same
/// time. Steps that a newer release has added are let stand.
pub(crate) async fn bring_up_to_date<C: Migrate + Runs>(
    steps: &Migrator,
    connection: &mut C,
) -> Result<(), OpenError> {
    let mut ours = Migrator::with_migrations(steps.migrations.to_vec());
    ours.set_ignore_missing(true).set_locking(false);
    ours.run_direct(None, connection, false).await?;
    check(connection).await
}

/// Whether this release can serve from it as it is.
pub(crate) async fn check<C: Runs>(connection: &mut C) -> Result<(), OpenError> {
    let newest =
        query(NEWEST).one(connection).await.ok().map(|row| row.get::<Option<i64>>("newest"));
    let newest = newest.transpose()?.flatten().unwrap_or(0);
    if newest == 0 {
        return Err(OpenError::Empty);
    }
    if newest < KNOWN {
        return Err(OpenError::Older { newest, known: KNOWN });
    }
    if let Some(row) = query(MOVED).optional(connection).await? {
        return Err(OpenError::Moved { place: row.get("place")? });
    }
    let needs: i64 = query(NEEDS).one(connection).await?.get("needs")?;
    if needs > KNOWN { Err(OpenError::NeedsNewer { needs, known: KNOWN }) } else { Ok(()) }
}

/// Brings PostgreSQL's schema up to date, step by step in one transaction, while others read and write: where
/// someone holds a table, it lets go of everything and tries again.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    begin: impl Fn() -> SqlStr,
) -> Result<(), OpenError> {
    for _ in 0..TRIES {
        match try_to_migrate(connection, begin()).await {
            Err(error) if waits_for_a_lock(&error) => {
                let (pid, program, seconds) = oldest(connection).await.unwrap_or_default();
                tracing::warn!(
                    pid,
                    program,
                    seconds,
                    "the schema cannot be brought up to date while another transaction holds its tables; trying again. This process of the database has the oldest"
                );
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    Err(OpenError::Throttled)
}

/// Under an advisory lock that ends with the transaction, so that it also works through a pooler, and of many
/// nodes that start at once one does it.
async fn try_to_migrate(connection: &mut PgConnection, begin: SqlStr) -> Result<(), OpenError> {
    let mut transaction = connection.begin_with(begin).await?;
    query(LOCK).execute(&mut *transaction).await?;
    query(PATIENCE).execute(&mut *transaction).await?;
    // A pooler may hand over a connection on which someone else has prepared the same names.
    sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *transaction).await?;
    transaction.clear_cached_statements().await?;
    bring_up_to_date(&POSTGRES, &mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// `lock_not_available`, wherever it stands among the causes.
fn waits_for_a_lock(error: &OpenError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let code = error.downcast_ref::<sqlx::Error>().and_then(|error| match error {
            sqlx::Error::Database(error) => error.code(),
            _ => None,
        });
        if code.is_some_and(|code| code == "55P03") {
            return true;
        }
        cause = error.source();
    }
    false
}

async fn oldest(connection: &mut PgConnection) -> Result<(i64, String, i64), StoreError> {
    let row = query(OLDEST).one(connection).await?;
    Ok((row.get("pid")?, row.get("program")?, row.get("seconds")?))
}
