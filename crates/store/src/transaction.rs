//! Reading, and the one way to write: a transaction that ends with exactly one audit entry.

use crate::{
    AuditEntry, Store, StoreError,
    durability::{Durability, durability_of},
    feed::chain,
    postgres::PoolTurn,
    sql::{Connection, Runs, in_time, query},
};
use keydesk_model::{Change, Timestamp};
use sqlx::{Postgres, Sqlite, Transaction, pool::PoolConnection};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

/// Of PostgreSQL always a transaction: a pooler may give each statement outside of one to another
/// connection.
pub(crate) enum DbConnection {
    SqlitePooled(PoolConnection<Sqlite>),
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Reads, in a transaction or outside of one. Each entity's file adds its own questions.
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

    /// Ends a transaction by keeping what it did; outside of one there is nothing to do.
    pub(crate) async fn finish(self) -> Result<(), StoreError> {
        match self.link {
            DbConnection::SqlitePooled(_) => Ok(()),
            DbConnection::Sqlite(transaction) => Ok(transaction.commit().await?),
            // Whoever asked PostgreSQL to commit and got no answer does not know what it did.
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

/// A write transaction: reads as [`Read`] does, and writes. Dropped, it never happened.
#[derive(Debug)]
pub struct Write {
    read: Read,
    now: Timestamp,
    /// What it found when it began, where several machines write.
    turn: Option<PoolTurn>,
    store: Store,
    /// Its number, and the digest over all up to it.
    last_change: Option<(i64, String)>,
}

/// What a commit has done, as far as others must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its last change in the feed, by number and digest; None where gateways need not know of it.
    pub change: Option<(i64, String)>,
    /// Whether what has ended by it is on this machine's disk.
    pub is_journaled: bool,
    /// The number of its audit entry.
    pub audit_seq: i64,
    pub at: Timestamp,
    /// What it could be promised when it was committed.
    pub durability: Durability,
    /// How old the database's history was: where it was restored or failed over, nodes from before may stand in no
    /// list. None: on a file.
    pub history: Option<Duration>,
}

/// Only the number that follows on what this transaction has seen: one that comes too late commits nothing.
const NEXT_SEQ: &str =
    "UPDATE head SET seq = seq + 1 WHERE one = 1 AND ($1 < 0 OR seq = $1) RETURNING seq, chain";
const RECORD_CHANGE: &str =
    "INSERT INTO change (seq, at, body, chain, seal) VALUES ($1, $2, $3, $4, $5)";
const SET_CHAIN: &str = "UPDATE head SET chain = $1 WHERE one = 1";
/// Wakes whoever follows, once the transaction is committed.
const NOTIFY: &str = "SELECT pg_notify('keydesk_feed', '')";

impl Write {
    pub(crate) fn new(
        read: Read,
        (now, turn): (Timestamp, Option<PoolTurn>),
        store: Store,
    ) -> Self {
        Self { read, now, turn, store, last_change: None }
    }

    /// By the database's own clock, for what cannot be undone. A file's is this machine's.
    pub fn database_now(&self) -> Timestamp {
        self.turn.map_or(self.now, |turn| turn.now)
    }

    /// The instant that everything in this transaction carries.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Puts a change into the feed under the next number, chained to all that went before.
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

    /// Keeps what was completed without changing anything that anyone could ask about.
    pub async fn keep(self) -> Result<(), StoreError> {
        self.read.finish().await
    }

    /// Writes the audit entry, commits, and returns when this process's gateway has taken over
    /// every change of it. From then on an ended secret opens nothing here.
    ///
    /// Runs to its end even where the caller goes away meanwhile: a browser that hangs up must
    /// not part the commit from its effect.
    pub async fn commit(mut self, entry: AuditEntry) -> Result<Committed, StoreError> {
        let audit_seq = self.audit(&entry).await?;
        if self.last_change.is_some() && self.store.is_shared() {
            query(NOTIFY).execute(&mut self).await?;
        }
        let durability = match self.last_change {
            Some(_) if self.store.is_shared() => durability_of(&mut self).await?,
            _ => Durability::Single,
        };
        let history = self.turn.map(|turn| turn.now.since(turn.history_since));
        let Self { read, now, store, last_change, .. } = self;
        let finished = tokio::spawn(async move {
            let _under_way = last_change.as_ref().map(|(seq, _)| store.note_committing(*seq));
            read.finish().await.inspect_err(|error| store.note(error))?;
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
