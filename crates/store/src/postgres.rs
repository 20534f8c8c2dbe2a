//! PostgreSQL: finds the server that takes writes among those named, checks that it keeps what it
//! acknowledges, and finds the next one when it is gone.

use crate::{
    OpenError, StoreError,
    place::{PostgresPlace, name},
    schema,
    sql::{Runs, in_time, query},
};
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use std::{
    fmt, io,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// How long one server may take to accept a connection and say what it is.
const CONNECT: Duration = Duration::from_millis(1500);
const ACQUIRE: Duration = Duration::from_secs(4);
const CONNECTIONS: u32 = 8;
/// After so long without a word a listener is made anew.
const QUIET: Duration = Duration::from_secs(15);
/// Names the migrations among a database's advisory locks.
const MIGRATION_LOCK: i64 = 0x6b65_7964_6573_6b01;

const IS_STANDBY: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'yes' ELSE 'no' END AS standby";
const SERVED_BY: &str = "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid";
const SETTINGS: &str = "SELECT current_setting('fsync') AS fsync, \
    current_setting('full_page_writes') AS full_page_writes, \
    current_setting('synchronous_commit') AS synchronous_commit, \
    current_setting('synchronous_standby_names') AS standbys, \
    current_setting('server_version') AS version, \
    (SELECT count(*) FROM pg_stat_replication) AS replicas";
/// Every writer waits here for the one before: so commit order is number order, and what a
/// transaction reads cannot change before it writes.
const TAKE_TURN: &str = "SELECT seq FROM head WHERE one = 1 FOR UPDATE";

/// What becomes of a commit when the server is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// One machine has it on its disk.
    Single,
    /// A standby will have it soon: what was acknowledged last can be lost with the primary.
    Asynchronous,
    /// A standby has it before it is acknowledged.
    Synchronous,
}

impl Durability {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Asynchronous => "asynchronous",
            Self::Synchronous => "synchronous",
        }
    }
}

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

pub(crate) struct PostgresServers {
    servers: Vec<PgConnectOptions>,
    pool: RwLock<PgPool>,
    /// Something went wrong since the primary was found: it is looked for anew.
    suspect: AtomicBool,
    seeking: Mutex<()>,
}

impl fmt::Debug for PostgresServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresServers")
    }
}

impl PostgresServers {
    pub async fn open(place: &PostgresPlace, migrates: bool) -> Result<Self, OpenError> {
        let servers = place.servers.clone();
        let (server, mut connection) = find_primary(&servers).await.map_err(OpenError::NoServer)?;
        let mut transaction = connection.begin().await?;
        check_durability(&mut transaction).await?;
        if migrates {
            migrate(&mut transaction).await?;
        } else {
            schema::check(&mut *transaction).await?;
        }
        transaction.commit().await?;
        let _ = connection.close().await;
        Ok(Self {
            servers,
            pool: RwLock::new(pool(server)),
            suspect: AtomicBool::new(false),
            seeking: Mutex::new(()),
        })
    }

    fn pool(&self) -> PgPool {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// To be told of what went wrong on a connection.
    pub fn note(&self, error: &StoreError) {
        if let StoreError::Unavailable(cause) = error
            && is_of_the_server(cause)
        {
            self.suspect.store(true, Ordering::Release);
        }
    }

    /// A write transaction, when its turn has come.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let begun = async {
            self.seek().await?;
            let mut transaction = in_time(self.pool().begin()).await?;
            query("SET LOCAL lock_timeout = '8s'").execute(&mut *transaction).await?;
            query(TAKE_TURN).one(&mut *transaction).await?;
            Ok(transaction)
        };
        begun.await.inspect_err(|error| self.note(error))
    }

    /// A write transaction that waits for no turn.
    pub async fn begin_aside(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.seek().await?;
        let begun = in_time(self.pool().begin()).await.map_err(StoreError::from);
        begun.inspect_err(|error| self.note(error))
    }

    /// A transaction that sees the database as it is at one instant.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.seek().await?;
        let isolated = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let begun = in_time(self.pool().begin_with(isolated)).await.map_err(StoreError::from);
        begun.inspect_err(|error| self.note(error))
    }

    /// Tells of each notification until the connection is lost, or quiet for so long that it may be
    /// dead: then it is to be made anew.
    pub async fn listen(
        &self,
        channels: &[&str],
        mut tell: impl FnMut(&str),
    ) -> Result<(), StoreError> {
        self.seek().await?;
        if self.is_pooled().await? {
            tracing::info!("a pooler stands before the database: changes are polled for");
            return std::future::pending().await;
        }
        let mut listener = in_time(PgListener::connect_with(&self.pool())).await?;
        in_time(listener.listen_all(channels.iter().copied())).await?;
        while let Ok(heard) = tokio::time::timeout(QUIET, listener.try_recv()).await {
            match heard? {
                Some(heard) => tell(heard.channel()),
                None => break,
            }
        }
        Ok(())
    }

    /// Whether a pooler hands each transaction to whichever connection it has: then nobody can listen,
    /// and who tries makes others hear what they do not expect. Two clients that meet the same server
    /// process, or one that meets two, tell.
    async fn is_pooled(&self) -> Result<bool, StoreError> {
        let options = self.pool().connect_options();
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
        Ok(false)
    }

    /// Nothing was heard for too long: the connections are left behind.
    pub fn suspect(&self) {
        self.suspect.store(true, Ordering::Release);
    }

    pub async fn durability(&self) -> Result<Durability, StoreError> {
        durability_of(&mut *self.begin_aside().await?).await
    }

    /// Which server is used now.
    pub fn server(&self) -> String {
        name(&self.pool().connect_options())
    }

    pub async fn close(&self) {
        self.pool().close().await;
    }

    /// After a failure: looks for the server that takes writes, and leaves the old connections.
    async fn seek(&self) -> Result<(), StoreError> {
        if !self.suspect.load(Ordering::Acquire) {
            return Ok(());
        }
        let _turn = self.seeking.lock().await;
        if !self.suspect.load(Ordering::Acquire) {
            return Ok(());
        }
        let unavailable =
            |why: String| StoreError::Unavailable(sqlx::Error::Io(io::Error::other(why)));
        let (server, mut connection) =
            find_primary(&self.servers).await.map_err(|why| unavailable(why.to_string()))?;
        // One that could lose what it acknowledges is no better than none.
        check_durability(&mut connection).await.map_err(|why| unavailable(why.to_string()))?;
        let _ = connection.close().await;
        let before = {
            let mut current = self.pool.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, pool(server))
        };
        tokio::spawn(async move { before.close().await });
        self.suspect.store(false, Ordering::Release);
        Ok(())
    }
}

/// By which process of the server a transaction was served, which ends here.
async fn served_by(mut transaction: Transaction<'_, Postgres>) -> Result<i64, StoreError> {
    let pid = query(SERVED_BY).one(&mut *transaction).await?.get("pid")?;
    transaction.commit().await?;
    Ok(pid)
}

fn pool(server: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .connect_lazy_with(server)
}

/// The connection is gone, or leads to a server that does not write. What only a statement did wrong
/// is not of the server.
fn is_of_the_server(error: &sqlx::Error) -> bool {
    match error {
        // read_only_sql_transaction, admin_shutdown, crash_shutdown, cannot_connect_now
        sqlx::Error::Database(cause) => {
            cause.code().is_some_and(|code| ["25006", "57P01", "57P02", "57P03"].contains(&&*code))
        }
        sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } => false,
        _ => true,
    }
}

/// The first server that answers and takes writes.
async fn find_primary(
    servers: &[PgConnectOptions],
) -> Result<(PgConnectOptions, PgConnection), NoServer> {
    let mut reasons = Vec::new();
    for server in servers {
        let found = tokio::time::timeout(CONNECT, ask(server)).await;
        let why = match found {
            Ok(Ok(connection)) => return Ok((server.clone(), connection)),
            Ok(Err(why)) => why,
            Err(_) => "does not answer".to_owned(),
        };
        reasons.push((name(server), why));
    }
    Err(NoServer(reasons))
}

async fn ask(server: &PgConnectOptions) -> Result<PgConnection, String> {
    let mut connection = server.connect().await.map_err(|error| error.to_string())?;
    let asked = async {
        let mut transaction = connection.begin().await?;
        let row = query(IS_STANDBY).one(&mut *transaction).await?;
        Ok::<_, StoreError>(row.get::<&str>("standby")? == "yes")
    };
    match asked.await {
        Ok(false) => Ok(connection),
        Ok(true) => Err("is a standby, which takes no writes".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn check_durability(connection: &mut PgConnection) -> Result<(), OpenError> {
    let row = query(SETTINGS).one(connection).await?;
    for (setting, allowed) in [
        ("fsync", &["on"][..]),
        ("full_page_writes", &["on"]),
        ("synchronous_commit", &["on", "remote_apply"]),
    ] {
        let value: String = row.get(setting)?;
        if !allowed.contains(&value.as_str()) {
            return Err(OpenError::LosesWrites { setting, value, wanted: allowed[0] });
        }
    }
    Ok(())
}

async fn durability_of(connection: &mut impl Runs) -> Result<Durability, StoreError> {
    let row = query(SETTINGS).one(connection).await?;
    Ok(match (row.get::<&str>("standbys")?, row.get::<i64>("replicas")?) {
        ("", 0) => Durability::Single,
        ("", _) => Durability::Asynchronous,
        _ => Durability::Synchronous,
    })
}

/// In the caller's transaction under an advisory lock that ends with it, so that it also works through a
/// pooler, and of many nodes that start at once one does it.
async fn migrate(connection: &mut PgConnection) -> Result<(), OpenError> {
    query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(connection).await?;
    // A pooler may hand over a connection on which someone else has prepared the same names.
    sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *connection).await?;
    schema::bring_up_to_date(&MIGRATIONS, connection).await
}
