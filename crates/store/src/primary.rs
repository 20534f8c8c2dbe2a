//! Finds the server that takes writes among those named, and what stands before it.

use crate::{
    StoreError,
    place::{PostgresUrl, name},
    sql::{SqlRow, in_time, query},
};
use sqlx::{
    ConnectOptions, Connection, PgConnection, Postgres, Transaction, postgres::PgConnectOptions,
};
use std::{fmt, time::Duration};

/// How long one server may take to accept a connection and say what it is.
const CONNECT: Duration = Duration::from_millis(1500);
const SERVED_BY: &str = "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid";
const ABOUT: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'yes' ELSE 'no' END AS standby, \
    current_setting('transaction_read_only') AS read_only, current_setting('fsync') AS fsync, \
    current_setting('full_page_writes') AS full_page_writes, \
    CAST(current_setting('max_connections') AS BIGINT) \
      - CAST(current_setting('superuser_reserved_connections') AS BIGINT) AS connections";
/// Not every server that speaks PostgreSQL's language says so.
const TIMELINE: &str = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline";

/// Why none of the servers can be used, each with its reason.
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

/// Whether a pooler hands each transaction to whichever connection it has: then nobody can listen,
/// and who tries makes others hear what they do not expect. Two clients that meet the same server
/// process, or one that meets two, tell.
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

/// By which process of the server a transaction was served, which ends here.
async fn served_by(mut transaction: Transaction<'_, Postgres>) -> Result<i64, StoreError> {
    let pid = query(SERVED_BY).one(&mut *transaction).await?.get("pid")?;
    transaction.commit().await?;
    Ok(pid)
}

/// The connection is gone, leads to a server that does not write, or was rejected for its password, which may
/// have been changed. What only a statement did wrong is not of the server.
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

/// A server that takes writes, and what it says of itself.
pub(crate) struct Found {
    pub options: PgConnectOptions,
    pub connection: PgConnection,
    pub about: SqlRow,
    pub timeline: String,
}

/// The first server that answers and takes writes. The password is read anew: it may have been changed.
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
