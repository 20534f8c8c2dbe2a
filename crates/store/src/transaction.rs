//! Reads, and the only way to write: a transaction that ends with exactly one audit entry.

use crate::{
    AuditEntry, StoreError,
    chain::chain,
    durability::{Durability, durability_of},
    postgres::PoolTurn,
    sql::{Connection, Runs, in_time, query},
    state::Store,
};
use keydesk_model::{Change, IdempotentRequest, Timestamp};
use sqlx::{Postgres, Sqlite, Transaction, pool::PoolConnection};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

/// A connection. For PostgreSQL, it is always a transaction, because a pooler may run each statement outside of one on
/// another connection.
pub(crate) enum DbConnection {
    SqlitePooled(PoolConnection<Sqlite>),
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A reader, inside or outside a transaction. Each entity's file adds its own queries.
pub struct Read {
    link: DbConnection,
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Read")
    }
}

impl Read {
    pub(crate) fn new(link: DbConnection) -> Self {
        Self { link }
    }

    /// Commits a transaction. Outside of one, it does nothing.
    pub(crate) async fn finish(self) -> Result<(), StoreError> {
        match self.link {
            DbConnection::SqlitePooled(_) => Ok(()),
            DbConnection::Sqlite(transaction) => Ok(transaction.commit().await?),
            // If PostgreSQL doesn't respond to a commit, its outcome is unknown.
            DbConnection::Postgres(transaction) => {
                in_time(transaction.commit()).await.map_err(|error| match error {
                    sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => {
                        tracing::error!(%error, "the database was lost while it was asked to commit");
                        StoreError::Unknown
                    }
                    error => error.into(),
                })
            }
        }
    }
}

impl Runs for Read {
    fn connection(&mut self) -> Connection<'_> {
        match &mut self.link {
            DbConnection::SqlitePooled(connection) => Connection::Sqlite(connection),
            DbConnection::Sqlite(transaction) => Connection::Sqlite(transaction),
            DbConnection::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }
}

/// A write transaction, which reads as [`Read`] does, and writes. Dropping it rolls it back.
#[derive(Debug)]
pub struct Write {
    read: Read,
    now: Timestamp,
    /// The state found at its start, if several machines write.
    turn: Option<PoolTurn>,
    store: Store,
    /// The number of its last change, and the digest of everything up to it.
    last_change: Option<(i64, String)>,
    /// The request that its commit finishes.
    request: Option<IdempotentRequest>,
    /// Whether it added email, which is sent when it commits.
    has_mail: bool,
}

/// The result of a commit that others must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The number and digest of its last change in the feed, or `None` if gateways need not know it.
    pub change: Option<(i64, String)>,
    /// Whether its revocations are on this machine's disk.
    pub is_journaled: bool,
    /// The number of its audit entry.
    pub audit_seq: i64,
    pub at: Timestamp,
    /// The durability that it had when it was committed.
    pub durability: Durability,
    /// The age of the database's history, or `None` for a file. After a restore or failover, nodes from before may be
    /// missing in the list.
    pub history: Option<Duration>,
}

/// Allows only the number that follows the one this transaction has seen. A late transaction commits nothing.
const NEXT_SEQ: &str =
    "UPDATE head SET seq = seq + 1 WHERE one = 1 AND ($1 < 0 OR seq = $1) RETURNING seq, chain";
const RECORD_CHANGE: &str =
    "INSERT INTO change (seq, at, body, chain, seal) VALUES ($1, $2, $3, $4, $5)";
const SET_CHAIN: &str = "UPDATE head SET chain = $1 WHERE one = 1";
/// Wakes followers once the transaction is committed.
const NOTIFY: &str = "SELECT pg_notify('keydesk_feed', '')";

impl Write {
    pub(crate) fn new(
        read: Read,
        (now, turn): (Timestamp, Option<PoolTurn>),
        store: Store,
    ) -> Self {
        Self { read, now, turn, store, last_change: None, request: None, has_mail: false }
    }

    /// Returns the time by the database's own clock, for irreversible actions. A file has this machine's clock.
    pub fn database_now(&self) -> Timestamp {
        self.turn.map_or(self.now, |turn| turn.now)
    }

    /// Returns the time that everything in this transaction has.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds a change to the feed under the next number, chained to all previous changes.
    pub(crate) async fn record(&mut self, change: &Change) -> Result<(), StoreError> {
        let body = serde_json::to_string(change).expect("a change has string keys only");
        let last = self.last_change.as_ref().map(|(seq, _)| *seq);
        let last = last.or(self.turn.map(|turn| turn.seq)).unwrap_or(-1);
        let head = query(NEXT_SEQ).bind(last).optional(self).await?.ok_or(StoreError::Conflict)?;
        let (seq, before): (i64, &str) = (head.get("seq")?, head.get("chain")?);
        let chain = chain(before, seq, &body);
        let now = self.now;
        let seal = self.store.seal(&chain);
        let record = query(RECORD_CHANGE).bind(seq).bind(now).bind(body).bind(&chain).bind(seal);
        record.execute(self).await?;
        query(SET_CHAIN).bind(&chain).execute(self).await?;
        self.last_change = Some((seq, chain));
        Ok(())
    }

    /// Returns the console's signature of a text, or an empty text on a node that signs nothing.
    pub(crate) fn seal(&self, text: &str) -> String {
        self.store.seal(text)
    }

    /// Makes the commit finish a request, which a repetition then finds.
    pub fn finishes(&mut self, request: Option<IdempotentRequest>) {
        self.request = request;
    }

    /// Makes the commit wake the sender of email.
    pub(crate) fn announces_mail(&mut self) {
        self.has_mail = true;
    }

    /// Commits work that changes nothing that needs an audit entry.
    pub async fn keep(self) -> Result<(), StoreError> {
        let Self { read, store, has_mail, .. } = self;
        read.finish().await?;
        if has_mail {
            store.mail_added.notify_one();
        }
        Ok(())
    }

    /// Writes the audit entry, commits, and returns when this process's gateway has applied every change. From then on,
    /// an ended secret is rejected here.
    ///
    /// Runs to completion even if the caller is dropped: a browser that disconnects must not separate the commit from
    /// its effect.
    pub async fn commit(mut self, entry: AuditEntry) -> Result<Committed, StoreError> {
        let audit_seq = self.audit(&entry).await?;
        if let Some(request) = self.request.take() {
            self.finish_request(request, (&entry.target, audit_seq)).await?;
        }
        if self.last_change.is_some() && self.store.is_shared() {
            query(NOTIFY).execute(&mut self).await?;
        }
        let durability = match self.last_change {
            Some(_) if self.store.is_shared() => durability_of(&mut self).await?,
            _ => Durability::Single,
        };
        let history = self.turn.map(|turn| turn.now.since(turn.history_since));
        let Self { read, now, store, last_change, has_mail, .. } = self;
        let finished = tokio::spawn(async move {
            let _under_way = last_change.as_ref().map(|(seq, _)| store.note_committing(*seq));
            read.finish().await.inspect_err(|error| store.note(error))?;
            if has_mail {
                store.mail_added.notify_one();
            }
            let is_journaled = match last_change {
                Some(_) => store.settle().await?,
                None => true,
            };
            let (change, at) = (last_change, now);
            Ok(Committed { change, is_journaled, audit_seq, at, durability, history })
        });
        finished.await.unwrap_or(Err(StoreError::Unsettled))
    }
}

impl Runs for Write {
    fn connection(&mut self) -> Connection<'_> {
        self.read.connection()
    }
}

impl Deref for Write {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Read {
        &mut self.read
    }
}
