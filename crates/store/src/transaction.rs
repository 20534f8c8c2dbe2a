//! Reading, and the one way to write: a transaction that ends with exactly one audit entry.

use crate::{AuditEntry, Store, StoreError};
use keydesk_model::{Change, Timestamp};
use sqlx::{Sqlite, SqliteConnection, Transaction, pool::PoolConnection};
use std::ops::{Deref, DerefMut};

enum Connection {
    Pooled(PoolConnection<Sqlite>),
    Transaction(Transaction<'static, Sqlite>),
}

/// Reads, in a transaction or outside of one. Each entity's file adds its own questions.
pub struct Read {
    connection: Connection,
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Read")
    }
}

impl Read {
    pub(crate) fn pooled(connection: PoolConnection<Sqlite>) -> Self {
        Self { connection: Connection::Pooled(connection) }
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.connection {
            Connection::Pooled(connection) => connection,
            Connection::Transaction(transaction) => transaction,
        }
    }
}

/// A write transaction: reads as [`Read`] does, and writes. Dropped, it never happened.
#[derive(Debug)]
pub struct Write {
    read: Read,
    now: Timestamp,
    store: Store,
}

const NEXT_SEQ: &str = "UPDATE head SET seq = seq + 1 WHERE one = 1 RETURNING seq";
const RECORD_CHANGE: &str = "INSERT INTO change (seq, at, body) VALUES ($1, $2, $3)";

impl Write {
    pub(crate) fn new(
        transaction: Transaction<'static, Sqlite>,
        now: Timestamp,
        store: Store,
    ) -> Self {
        Self { read: Read { connection: Connection::Transaction(transaction) }, now, store }
    }

    /// The instant that everything in this transaction carries.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Puts a change into the feed under the next number.
    pub(crate) async fn record(&mut self, change: &Change) -> Result<(), StoreError> {
        let body = serde_json::to_string(change).expect("a change has string keys only");
        let now = self.now.as_micros();
        let seq: i64 = sqlx::query_scalar(NEXT_SEQ).fetch_one(self.connection()).await?;
        sqlx::query(RECORD_CHANGE)
            .bind(seq)
            .bind(now)
            .bind(body)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Writes the audit entry, commits, and returns when this process's gateway has taken over
    /// every change of it. From then on an ended secret opens nothing here.
    ///
    /// Runs to its end even where the caller goes away meanwhile: a browser that hangs up must
    /// not part the commit from its effect.
    pub async fn commit(mut self, entry: AuditEntry) -> Result<(), StoreError> {
        self.audit(&entry).await?;
        let Connection::Transaction(transaction) = self.read.connection else {
            unreachable!("a Write is made with a transaction");
        };
        let store = self.store;
        let finished = tokio::spawn(async move {
            transaction.commit().await?;
            store.settle().await
        });
        finished.await.unwrap_or(Err(StoreError::Unsettled))
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
