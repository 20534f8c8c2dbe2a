//! PostgreSQL: connections to the server that takes writes, to the next one when it is gone, and how a transaction
//! begins.

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
/// A connection that nobody has used for so long is closed.
const IDLE: Duration = Duration::from_secs(20);
/// Of a node with a console, and of one without: it renews, reports usage, and that is all.
const CONSOLE_CONNECTIONS: u32 = 6;
const GATEWAY_CONNECTIONS: u32 = 2;
/// After so long without a word a listener is made anew.
const QUIET: Duration = Duration::from_secs(15);
/// How much of the server's connections all nodes together may hold, in percent.
const SHARE: i64 = 60;

/// Every transaction ends by itself where this process stops or is cut off within it: nobody waits for its
/// locks for longer than that. Names mean the tables of one schema, whatever a user's `search_path` says.
const LIMITS: &str = "SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL statement_timeout = '9s'; \
    SET LOCAL lock_timeout = '8s'";
/// Every writer waits here for the one before: so commit order is number order, and what a
/// transaction reads cannot change before it writes. What stands beside it is read when the turn has come.
const TAKE_TURN: &str = "SELECT turn.seq, turn.timeline, turn.history_since, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now, \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
      WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) AS synchronous_commit, \
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes \
    FROM (SELECT seq, timeline, history_since FROM head WHERE one = 1 FOR UPDATE) AS turn";
/// The first word of another history; empty: it was restored, and since when is known.
const NEW_TIMELINE: &str = "UPDATE head SET timeline = $1, \
    history_since = CASE WHEN timeline = '' THEN history_since ELSE $2 END WHERE one = 1";

/// What a write finds when its turn has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolTurn {
    /// The feed's newest number: nobody else may take the next one.
    pub seq: i64,
    /// By the database's clock.
    pub now: Timestamp,
    /// Since when the database has the history that it has: it was restored, or failed over.
    pub history_since: Timestamp,
}

/// The server that is used now.
#[derive(Clone)]
struct Server {
    pool: PgPool,
    /// How many connections it has for everybody.
    connections: i64,
    /// The number of its history; empty where it says none.
    timeline: String,
}

pub(crate) struct PostgresServers {
    place: PostgresUrl,
    size: u32,
    current: RwLock<Server>,
    /// Something went wrong since the primary was found: it is looked for anew.
    eject: AtomicBool,
    seeking: Mutex<()>,
    /// Whether there are so many nodes that this one keeps no connection.
    is_frugal: AtomicBool,
    /// Whether a pooler stands before the server, once that is known.
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

    /// To be told of what went wrong on a connection.
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

    /// A write transaction, when its turn has come.
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

    /// A write transaction that waits for no turn. A primary that its standbys have left can commit none.
    pub async fn begin_aside(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let limits = format!("SET LOCAL synchronous_commit = 'on'; {LIMITS}");
        self.transaction(self.place.begin("BEGIN", &limits)).await
    }

    pub async fn begin_reading(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.transaction(self.place.begin("BEGIN READ ONLY", LIMITS)).await
    }

    /// A transaction that sees the database as it is at one instant.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let isolated = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let limits = "SET LOCAL idle_in_transaction_session_timeout = '60s'";
        self.transaction(self.place.begin(isolated, limits)).await
    }

    /// Tells of each notification until the connection is lost, or quiet for so long that it may be
    /// dead: then it is to be made anew.
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

    /// Nothing was heard for too long: the connections are left behind.
    pub fn eject(&self) {
        self.eject.store(true, Ordering::Release);
    }

    pub async fn durability(&self) -> Result<Durability, StoreError> {
        durability_of(&mut *self.begin_reading().await?).await
    }

    /// Which server is used now.
    pub fn server(&self) -> String {
        name(&self.current().pool.connect_options())
    }

    /// How many connections all nodes together may hold.
    pub fn share(&self) -> i64 {
        self.current().connections * SHARE / 100
    }

    /// Whether this node is to keep a connection while it does not use it.
    pub fn be_frugal(&self, is_frugal: bool) {
        if self.is_frugal.swap(is_frugal, Ordering::Relaxed) == is_frugal {
            return;
        }
        if is_frugal {
            tracing::info!(
                "so many nodes share the database that this one keeps no connection, and looks three times a lease"
            );
        } else {
            self.renew_pool(self.size);
        }
    }

    /// Closes what is not in use, where connections are few.
    pub fn let_go(&self) {
        if self.is_frugal.load(Ordering::Relaxed) && self.current().pool.size() > 0 {
            self.renew_pool(1);
        }
    }

    /// Other connections to the same server.
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

    /// After a failure: looks for the server that takes writes, and leaves the old connections.
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
        // One that could lose what it acknowledges is no better than none.
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
    /// What begins a transaction, in one question: names mean our schema's tables.
    fn begin(&self, begin: &str, limits: &str) -> SqlStr {
        let text = format!("{begin}; SET LOCAL search_path = {}, pg_temp; {limits}", self.schema);
        AssertSqlSafe(text).into_sql_str()
    }
}
