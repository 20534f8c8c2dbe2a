//! PostgreSQL: connections to the server that accepts writes, failover to the next one, and the start of a transaction.

use crate::{
    Durability, OpenError, StoreError,
    durability::{durability_of, keeps_commits},
    place::{PostgresUrl, name},
    primary::{Found, find_primary, is_of_the_server, is_pooled},
    schema,
    sql::{in_time, query},
};
use keydesk_model::Timestamp;
use sqlx::{
    AssertSqlSafe, Connection, PgPool, Postgres, SqlSafeStr, SqlStr, Transaction,
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

const ACQUIRE: Duration = Duration::from_secs(4);
/// The time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(20);
/// The maximum connections of a node with a console, and of one without, which only renews and reports usage.
const CONSOLE_CONNECTIONS: u32 = 6;
const GATEWAY_CONNECTIONS: u32 = 2;
/// The time without a message after which a listener is replaced.
const QUIET: Duration = Duration::from_secs(15);
/// The maximum share of the server's connections for all nodes together, in percent.
const SHARE: i64 = 60;

/// Limits with which every transaction ends by itself if this process stops or is disconnected, so that others wait for
/// its locks no longer than that. Names refer to the tables of one schema, regardless of the user's `search_path`.
const LIMITS: &str = "SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL statement_timeout = '9s'; \
    SET LOCAL lock_timeout = '8s'";
/// Makes every writer wait for the previous one, so that commit order is number order and what a transaction reads
/// can't change before it writes. The columns beside it are read after the wait.
const TAKE_TURN: &str = "SELECT turn.seq, turn.timeline, turn.history_since, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now, \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
      WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) AS synchronous_commit, \
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes \
    FROM (SELECT seq, timeline, history_since FROM head WHERE one = 1 FOR UPDATE) AS turn";
/// Records that the database has a new history. The timeline is empty after a restore, for which the time is already
/// known.
const NEW_TIMELINE: &str = "UPDATE head SET timeline = $1, \
    history_since = CASE WHEN timeline = '' THEN history_since ELSE $2 END WHERE one = 1";

/// The state that a write finds when its turn has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolTurn {
    /// The feed's newest number. No other transaction can take the next one.
    pub seq: i64,
    /// The time by the database's clock.
    pub now: Timestamp,
    /// The time since which the database has its current history, after a restore or failover.
    pub history_since: Timestamp,
}

/// The server in use.
#[derive(Clone)]
struct Server {
    pool: PgPool,
    /// The number of connections that it allows in total.
    connections: i64,
    /// The number of its history, or empty if it reports none.
    timeline: String,
}

pub(crate) struct PostgresServers {
    place: PostgresUrl,
    size: u32,
    current: RwLock<Server>,
    /// Whether the primary must be found again after a failure.
    eject: AtomicBool,
    seeking: Mutex<()>,
    /// Whether there are so many nodes that this one keeps no connection.
    is_frugal: AtomicBool,
    /// Whether there is a pooler in front of the server, once that is known.
    pooled: Mutex<Option<bool>>,
}

impl fmt::Debug for PostgresServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresServers")
    }
}

impl PostgresServers {
    pub async fn open(place: &PostgresUrl, is_console: bool) -> Result<Self, OpenError> {
        let found = find_primary(place).await.map_err(OpenError::NoServer)?;
        let Found { options, mut connection, about, timeline } = found;
        keeps_commits(&about).map_err(OpenError::LosesWrites)?;
        let begin = || place.begin("BEGIN", "");
        if is_console {
            schema::migrate(&mut connection, begin).await?;
        } else {
            let mut transaction = connection.begin_with(begin()).await?;
            schema::check(&mut *transaction).await?;
            transaction.commit().await?;
        }
        let _ = connection.close().await;
        let size = if is_console { CONSOLE_CONNECTIONS } else { GATEWAY_CONNECTIONS };
        let connections = about.get("connections")?;
        let server = Server { pool: pool(options, size), connections, timeline };
        Ok(Self {
            place: place.clone(),
            size,
            current: RwLock::new(server),
            eject: AtomicBool::new(false),
            seeking: Mutex::new(()),
            is_frugal: AtomicBool::new(false),
            pooled: Mutex::new(None),
        })
    }

    fn current(&self) -> Server {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records a failure of a connection.
    pub fn note(&self, error: &StoreError) {
        if let StoreError::Busy(cause) | StoreError::Unavailable(cause) = error
            && is_of_the_server(cause)
        {
            self.eject.store(true, Ordering::Release);
        }
    }

    async fn transaction(
        &self,
        begin: SqlStr,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.seek().await?;
        let transaction = in_time(self.current().pool.begin_with(begin)).await;
        transaction.map_err(StoreError::from).inspect_err(|error| self.note(error))
    }

    /// Begins a write transaction when its turn has come.
    pub async fn begin(&self) -> Result<(Transaction<'static, Postgres>, PoolTurn), StoreError> {
        let mut transaction = self.transaction(self.place.begin("BEGIN", LIMITS)).await?;
        let took = async {
            let row = query(TAKE_TURN).one(&mut *transaction).await?;
            keeps_commits(&row)?;
            let now = Timestamp::from_micros(row.get("now")?);
            let since = Timestamp::from_micros(row.get("history_since")?);
            let (known, timeline) = (row.get::<&str>("timeline")?, self.current().timeline);
            let is_other = !timeline.is_empty() && timeline != known;
            let history_since = if is_other && !known.is_empty() { now } else { since };
            if is_other && self.size == CONSOLE_CONNECTIONS {
                let note = query(NEW_TIMELINE).bind(timeline).bind(now);
                note.execute(&mut *transaction).await?;
            }
            Ok(PoolTurn { seq: row.get("seq")?, now, history_since })
        };
        let turn = took.await.inspect_err(|error| self.note(error))?;
        Ok((transaction, turn))
    }

    /// Begins a write transaction that doesn't wait for its turn. A primary that has lost its standbys can't commit
    /// any.
    pub async fn begin_aside(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let limits = format!("SET LOCAL synchronous_commit = 'on'; {LIMITS}");
        self.transaction(self.place.begin("BEGIN", &limits)).await
    }

    pub async fn begin_reading(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.transaction(self.place.begin("BEGIN READ ONLY", LIMITS)).await
    }

    /// Begins a transaction that sees the database as of one instant.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let isolated = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let limits = "SET LOCAL idle_in_transaction_session_timeout = '60s'";
        self.transaction(self.place.begin(isolated, limits)).await
    }

    /// Reports each notification until the connection is lost, or has been idle for so long that it may be dead and
    /// must be replaced.
    pub async fn listen(
        &self,
        channels: &[&str],
        mut tell: impl FnMut(&str),
    ) -> Result<(), StoreError> {
        if self.is_frugal.load(Ordering::Relaxed) {
            tokio::time::sleep(QUIET).await;
            return Ok(());
        }
        self.seek().await?;
        if self.is_pooled().await? {
            tracing::info!("a pooler stands before the database: changes are polled for");
            return std::future::pending().await;
        }
        let mut listener = in_time(PgListener::connect_with(&self.current().pool)).await?;
        in_time(listener.listen_all(channels.iter().copied())).await?;
        while let Ok(heard) = tokio::time::timeout(QUIET, listener.try_recv()).await {
            match heard? {
                Some(heard) => tell(heard.channel()),
                None => break,
            }
        }
        Ok(())
    }

    async fn is_pooled(&self) -> Result<bool, StoreError> {
        let mut known = self.pooled.lock().await;
        if let Some(is_pooled) = *known {
            return Ok(is_pooled);
        }
        let options = self.current().pool.connect_options();
        Ok(*known.insert(is_pooled(&options).await?))
    }

    /// Abandons the connections because there was no response for too long.
    pub fn eject(&self) {
        self.eject.store(true, Ordering::Release);
    }

    pub async fn durability(&self) -> Result<Durability, StoreError> {
        durability_of(&mut *self.begin_reading().await?).await
    }

    /// Returns the server in use.
    pub fn server(&self) -> String {
        name(&self.current().pool.connect_options())
    }

    /// Returns the maximum number of connections of all nodes together.
    pub fn share(&self) -> i64 {
        self.current().connections * SHARE / 100
    }

    /// Sets whether this node keeps no idle connections.
    pub fn be_frugal(&self, is_frugal: bool) {
        if self.is_frugal.swap(is_frugal, Ordering::Relaxed) == is_frugal {
            return;
        }
        if is_frugal {
            tracing::info!(
                "many nodes share the database, so this one keeps no connection and polls three times per lease"
            );
        } else {
            self.renew_pool(self.size);
        }
    }

    /// Closes idle connections if connections are scarce.
    pub fn let_go(&self) {
        if self.is_frugal.load(Ordering::Relaxed) && self.current().pool.size() > 0 {
            self.renew_pool(1);
        }
    }

    /// Replaces the pool with new connections to the same server.
    fn renew_pool(&self, size: u32) {
        let server = self.current();
        let options = PgConnectOptions::clone(&server.pool.connect_options());
        self.replace(Server { pool: pool(options, size), ..server });
    }

    fn replace(&self, server: Server) {
        let before = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, server)
        };
        tokio::spawn(async move { before.pool.close().await });
    }

    pub async fn close(&self) {
        self.current().pool.close().await;
    }

    /// Finds the server that accepts writes after a failure, and abandons the old connections.
    async fn seek(&self) -> Result<(), StoreError> {
        if !self.eject.load(Ordering::Acquire) {
            return Ok(());
        }
        let _turn = self.seeking.lock().await;
        if !self.eject.load(Ordering::Acquire) {
            return Ok(());
        }
        let busy = |why: String| StoreError::Busy(sqlx::Error::Io(io::Error::other(why)));
        let found = find_primary(&self.place).await.map_err(|why| busy(why.to_string()))?;
        // A server that could lose acknowledged commits is treated as unavailable.
        keeps_commits(&found.about)?;
        let connections = found.about.get("connections")?;
        let _ = found.connection.close().await;
        let (pool, timeline) = (pool(found.options, self.size), found.timeline);
        self.replace(Server { pool, connections, timeline });
        self.eject.store(false, Ordering::Release);
        *self.pooled.lock().await = None;
        Ok(())
    }
}

fn pool(server: PgConnectOptions, size: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(IDLE)
        .test_before_acquire(false)
        .connect_lazy_with(server)
}

impl PostgresUrl {
    /// Returns the statements that begin a transaction, in one request. Names refer to the tables of Keydesk's schema.
    fn begin(&self, begin: &str, limits: &str) -> SqlStr {
        let text = format!("{begin}; SET LOCAL search_path = {}, pg_temp; {limits}", self.schema);
        AssertSqlSafe(text).into_sql_str()
    }
}
