//! The schema's versions. A release adds migrations and removes nothing that the previous release reads; a migration
//! that older releases cannot work with raises `head.needs`, and they stop.

use crate::{
    OpenError, StoreError,
    sql::{Runs, query},
};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqlStr,
    migrate::{Migrate, Migration, MigrationType, Migrator},
};
use std::{borrow::Cow, error::Error, time::Duration};

/// The newest migration that this release knows; the same on both back ends.
pub(crate) const LATEST_VERSION: i64 = 2;

/// The tables, in SQLite's types.
pub(crate) const SCHEMA: &str = include_str!("../schema/schema.sql");
const GATEWAY_PERMISSIONS: &str = include_str!("../schema/gateway_permissions.sql");

const NEEDS: &str = "SELECT needs FROM head WHERE one = 1";
const MOVED: &str = "SELECT place FROM moved WHERE one = 1";
const NEWEST: &str = "SELECT max(version) AS newest FROM _sqlx_migrations";
/// Names the migrations among a database's advisory locks.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7738725006811818753)";
/// A migration that waits for a table makes every later request wait, so it stops waiting soon and tries again.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_secs(3);
const OLDEST: &str = "SELECT CAST(pid AS BIGINT) AS pid, coalesce(application_name, '') AS program, \
    CAST(coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0) AS BIGINT) AS seconds \
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
    AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1";

pub(crate) fn sqlite_migrations() -> Migrator {
    let schema = SCHEMA.replace("$EPOCH", "lower(hex(randomblob(16)))");
    // SQLite has no database users.
    migrations([("schema", schema), ("gateway permissions", "SELECT 1".to_owned())])
}

fn postgres_migrations() -> Migrator {
    let schema = SCHEMA
        .replace("$EPOCH", "replace(gen_random_uuid()::text, '-', '')")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
        .replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
        .replace(") STRICT;", ");");
    migrations([("schema", schema), ("gateway permissions", GATEWAY_PERMISSIONS.to_owned())])
}

fn migrations(texts: [(&'static str, String); 2]) -> Migrator {
    let migration = |(version, (name, sql)): (i64, (&'static str, String))| {
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    let mut migrator = Migrator::with_migrations((1..).zip(texts).map(migration).collect());
    migrator.set_ignore_missing(true).set_locking(false);
    migrator
}

/// Applies the missing migrations and keeps those of newer releases. The caller makes sure that no other process does
/// so at the same time.
pub(crate) async fn bring_up_to_date<C: Migrate + Runs>(
    migrations: &Migrator,
    connection: &mut C,
) -> Result<(), OpenError> {
    migrations.run_direct(None, connection, false).await?;
    check(connection).await
}

/// Checks whether this release can serve from the database as it is.
pub(crate) async fn check<C: Runs>(connection: &mut C) -> Result<(), OpenError> {
    let newest =
        query(NEWEST).one(connection).await.ok().map(|row| row.get::<Option<i64>>("newest"));
    let newest = newest.transpose()?.flatten().unwrap_or(0);
    if newest == 0 {
        return Err(OpenError::Empty);
    }
    if newest < LATEST_VERSION {
        return Err(OpenError::Older { newest, known: LATEST_VERSION });
    }
    if let Some(row) = query(MOVED).optional(connection).await? {
        return Err(OpenError::Moved { place: row.get("place")? });
    }
    let needs: i64 = query(NEEDS).one(connection).await?.get("needs")?;
    if needs > LATEST_VERSION {
        Err(OpenError::NeedsNewer { needs, known: LATEST_VERSION })
    } else {
        Ok(())
    }
}

/// Brings PostgreSQL's schema up to date in one transaction while others read and write: if someone holds a table, it
/// releases all locks and tries again.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    begin: impl Fn() -> SqlStr,
) -> Result<(), OpenError> {
    for _ in 0..ATTEMPTS {
        match try_to_migrate(connection, begin()).await {
            Err(error) if waits_for_a_lock(&error) => {
                let (pid, client, seconds) = oldest(connection).await.unwrap_or_default();
                tracing::warn!(
                    pid,
                    client,
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

/// Holds an advisory lock that ends with the transaction: it works through a connection pooler, and of many nodes that
/// start together one migrates.
async fn try_to_migrate(connection: &mut PgConnection, begin: SqlStr) -> Result<(), OpenError> {
    let mut transaction = connection.begin_with(begin).await?;
    query(LOCK).execute(&mut *transaction).await?;
    query(LOCK_TIMEOUT).execute(&mut *transaction).await?;
    // A pooler may hand over a connection on which someone else has prepared the same names.
    sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *transaction).await?;
    transaction.clear_cached_statements().await?;
    bring_up_to_date(&postgres_migrations(), &mut *transaction).await?;
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
    Ok((row.get("pid")?, row.get("client")?, row.get("seconds")?))
}
