//! The change feed: a snapshot at a number, then every later change, in order and without gaps.
//! Polling is the truth; whoever commits here polls at once, so the writer waits for its effect.

use crate::{Store, StoreError, row, snapshot::LiveSecrets};
use keydesk_model::{Change, Feed, Snapshot};
use sqlx::{Connection, Row};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Who follows the feed in this process, and how far it has come.
pub(crate) struct Follower {
    feed: Arc<dyn Feed>,
    position: Mutex<Position>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Position {
    seq: i64,
    epoch: String,
}

const HEAD: &str = "SELECT seq, epoch FROM head WHERE one = 1";
const LATER_CHANGES: &str = "SELECT seq, body FROM change WHERE seq > $1 ORDER BY seq LIMIT 1000";

impl Store {
    /// Loads a snapshot into `feed` and keeps it current from now on. Once per process.
    pub async fn follow(&self, feed: Arc<dyn Feed>) -> Result<(), StoreError> {
        let position = self.load_snapshot(&*feed).await?;
        let follower = Follower { feed, position: Mutex::new(position) };
        assert!(self.follower.set(follower).is_ok(), "a process follows its feed once");
        Ok(())
    }

    /// Takes over what other processes have written meanwhile. Cheap when there is nothing.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let Some(follower) = self.follower.get() else { return Ok(()) };
        let mut position = follower.position.lock().await;
        let head = self.head().await?;
        if head.epoch != position.epoch || head.seq < position.seq {
            tracing::error!(
                from = position.seq,
                to = head.seq,
                "the database went back in time; reloading"
            );
            *position = self.load_snapshot(&*follower.feed).await?;
            return Ok(());
        }
        while position.seq < head.seq {
            let Some(changes) = self.later_changes(position.seq).await? else {
                tracing::error!(
                    after = position.seq,
                    "the feed has a gap or cannot be read; reloading"
                );
                *position = self.load_snapshot(&*follower.feed).await?;
                return Ok(());
            };
            for (seq, change) in changes {
                follower.feed.apply(seq, change);
                position.seq = seq;
            }
        }
        Ok(())
    }

    /// The next changes after `seq`; None where one is missing or unreadable.
    async fn later_changes(&self, mut seq: i64) -> Result<Option<Vec<(i64, Change)>>, StoreError> {
        let rows = sqlx::query(LATER_CHANGES).bind(seq).fetch_all(&self.readers).await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            seq += 1;
            let body: &str = row.try_get("body")?;
            match (row.try_get::<i64, _>("seq")? == seq, serde_json::from_str(body)) {
                (true, Ok(change)) => changes.push((seq, change)),
                _ => return Ok(None),
            }
        }
        Ok((!changes.is_empty()).then_some(changes))
    }

    /// After a commit: catches up, trying again for a moment where the database stumbles.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        for pause in [10, 50, 250] {
            match self.catch_up().await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "the gateway could not take over a change yet");
                }
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.catch_up().await.map_err(|_| StoreError::Unsettled)
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let row = sqlx::query(HEAD).fetch_one(&self.readers).await?;
        Ok(Position { seq: row.try_get("seq")?, epoch: row::text(&row, "epoch")? })
    }

    async fn load_snapshot(&self, feed: &dyn Feed) -> Result<Position, StoreError> {
        let mut connection = self.readers.acquire().await?;
        // One read transaction: the number and the rows belong to the same instant.
        let mut transaction = connection.begin().await?;
        let head = sqlx::query(HEAD).fetch_one(&mut *transaction).await?;
        let position = Position { seq: head.try_get("seq")?, epoch: row::text(&head, "epoch")? };
        let secrets = LiveSecrets::read(&mut transaction).await?;
        transaction.commit().await?;
        feed.load(Snapshot::new(position.seq, secrets.iter()));
        Ok(position)
    }
}
