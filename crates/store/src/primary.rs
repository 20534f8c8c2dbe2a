//! The search for the server that accepts writes, and for a pooler in front of it.

use crate::{
    StoreError,
    place::{PostgresUrl, name},
    sql::{SqlRow, in_time, query},
};
use sqlx::{
    ConnectOptions, Connection, PgConnection, Postgres, Transaction, postgres::PgConnectOptions,
};
use std::{fmt, time::Duration};

/// The maximum time for one server to accept a connection and report its state.
const CONNECT: Duration = Duration::from_millis(1500);
const SERVED_BY: &str = "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid";
const ABOUT: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'yes' ELSE 'no' END AS standby, \
    current_setting('transaction_read_only') AS read_only, current_setting('fsync') AS fsync, \
    current_setting('full_page_writes') AS full_page_writes, \
    CAST(current_setting('max_connections') AS BIGINT) \
      - CAST(current_setting('superuser_reserved_connections') AS BIGINT) AS connections";
/// Reads the timeline, which not every server with PostgreSQL's protocol supports.
const TIMELINE: &str = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline";

/// The reasons why none of the servers can be used.
#[derive(Debug)]
pub struct NoServer(Vec<(String, String)>);

impl fmt::Display for NoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (server, why)) in self.0.iter().enumerate() {
            write!(f, "{}{server}: {why}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// Returns whether a pooler assigns each transaction to any connection. Then `LISTEN` doesn't work, and an attempt
/// sends others unexpected notifications. A pooler is detected if two clients reach the same server process, or one
/// client reaches two.
pub(crate) async fn is_pooled(options: &PgConnectOptions) -> Result<bool, StoreError> {
    let mut one = in_time(options.connect()).await?;
    let mut other = in_time(options.connect()).await?;
    for _ in 0..3 {
        let first = served_by(one.begin().await?).await?;
        let mut meanwhile = other.begin().await?;
        let second: i64 = query(SERVED_BY).one(&mut *meanwhile).await?.get("pid")?;
        let third = served_by(one.begin().await?).await?;
        meanwhile.rollback().await?;
        if first == second || first != third {
            return Ok(true);
        }
    }
    let _ = (one.close().await, other.close().await);
    Ok(false)
}

/// Returns the server process of a transaction, and ends the transaction.
async fn served_by(mut transaction: Transaction<'_, Postgres>) -> Result<i64, StoreError> {
    let pid = query(SERVED_BY).one(&mut *transaction).await?.get("pid")?;
    transaction.commit().await?;
    Ok(pid)
}

/// Returns whether an error concerns the server: the connection is lost, the server doesn't accept writes, or it
/// rejected the password, which may have changed. An error of only a statement doesn't.
pub(crate) fn is_of_the_server(error: &sqlx::Error) -> bool {
    match error {
        // read_only_sql_transaction, admin_shutdown, crash_shutdown, cannot_connect_now,
        // invalid_authorization_specification, invalid_password
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
            ["25006", "57P01", "57P02", "57P03", "28000", "28P01"].contains(&&*code)
        }),
        sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } => false,
        _ => true,
    }
}

/// A server that accepts writes, with the state that it reports.
pub(crate) struct Found {
    pub options: PgConnectOptions,
    pub connection: PgConnection,
    pub about: SqlRow,
    pub timeline: String,
}

/// Finds the first server that responds and accepts writes. The password is read again because it may have changed.
pub(crate) async fn find_primary(place: &PostgresUrl) -> Result<Found, NoServer> {
    let mut reasons = Vec::new();
    for options in place.current_servers() {
        let found = tokio::time::timeout(CONNECT, ask(&options)).await;
        let why = match found {
            Ok(Ok((mut connection, about))) => {
                let timeline = timeline_of(&mut connection).await.unwrap_or_default();
                return Ok(Found { options, connection, about, timeline });
            }
            Ok(Err(why)) => why,
            Err(_) => "does not answer".to_owned(),
        };
        reasons.push((name(&options), why));
    }
    Err(NoServer(reasons))
}

async fn timeline_of(connection: &mut PgConnection) -> Result<String, StoreError> {
    let mut transaction = connection.begin().await?;
    let timeline = query(TIMELINE).one(&mut *transaction).await?.get("timeline")?;
    transaction.rollback().await?;
    Ok(timeline)
}

async fn ask(server: &PgConnectOptions) -> Result<(PgConnection, SqlRow), String> {
    let mut connection = server.connect().await.map_err(|error| crate::error::describe(&error))?;
    let asked = async {
        let mut transaction = connection.begin().await?;
        let about = query(ABOUT).one(&mut *transaction).await?;
        transaction.rollback().await?;
        let is = |column| about.get::<&str>(column).map(str::to_owned);
        let (is_standby, is_read_only) = (is("standby")? == "yes", is("read_only")? == "on");
        Ok::<_, StoreError>((about, is_standby, is_read_only))
    };
    match asked.await {
        Ok((about, false, false)) => Ok((connection, about)),
        Ok((_, true, _)) => Err("is a standby, which takes no writes".to_owned()),
        Ok((_, _, true)) => Err("is read-only (transaction_read_only = on)".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
