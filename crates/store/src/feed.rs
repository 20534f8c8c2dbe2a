//! The change feed: a snapshot at a number, then every later change, in order and without gaps. Followers poll the
//! database, and a process that commits polls immediately, so that the writer can wait for the effect.

use crate::{
    OpenError, Read, StoreError,
    journal::Journal,
    row,
    sql::query,
    state::{Follower, Following, Position, Revived, Store},
};
use keydesk_model::{Feed, Timestamp};
use std::{
    path::Path,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// A guard for a commit in progress, which lasts until it is dropped.
pub(crate) struct Committing(Store);

impl Drop for Committing {
    fn drop(&mut self) {
        if let Some(follower) = self.0.follower.get() {
            follower.under_way.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// The progress of this process.
#[derive(Clone, Debug)]
pub struct Progress {
    pub position: Position,
    /// Whether every revocation up to here is on this machine's disk.
    pub is_journaled: bool,
}

const HEAD: &str = "SELECT seq, epoch, chain FROM head WHERE one = 1";
const CHAIN_AT: &str = "SELECT chain FROM change WHERE seq = $1";
const FORGET: &str = "DELETE FROM change WHERE at < $1 AND seq < $2";
/// The time for which changes are kept. A follower that is further behind loads a snapshot.
const KEPT: Duration = Duration::from_hours(168);

impl Store {
    /// Loads a snapshot into `feed` and keeps it current. Called once per process. Revocations are also written to the
    /// journal, and everything revoked in the journal stays revoked.
    pub async fn follow(
        &self,
        feed: Arc<dyn Feed>,
        journal: Option<&Path>,
    ) -> Result<(), OpenError> {
        let journal = journal.map(|path| {
            Journal::open(path)
                .map_err(|source| OpenError::Journal { path: path.to_owned(), source })
        });
        let mut following = Following::new(journal.transpose()?);
        following.load(self, &*feed).await?;
        let position = std::sync::Mutex::new(following.position.clone());
        let follower = Follower {
            feed,
            following: Mutex::new(following),
            position,
            committing: AtomicI64::new(0),
            under_way: AtomicUsize::new(0),
            is_loading: AtomicBool::new(false),
        };
        assert!(self.follower.set(follower).is_ok(), "a process follows its feed once");
        Ok(())
    }

    /// Applies the changes that others have written meanwhile. It is cheap if there are none.
    pub async fn catch_up(&self) -> Result<Option<Progress>, StoreError> {
        let Some(follower) = self.follower.get() else { return Ok(None) };
        let mut following = follower.following.lock().await;
        let caught_up = following.catch_up(self, follower).await;
        follower
            .position
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&following.position);
        caught_up.inspect_err(|error| self.note(error))?;
        following.write_journal();
        let is_journaled = following.unwritten.is_empty();
        Ok(Some(Progress { position: following.position.clone(), is_journaled }))
    }

    /// Returns the identity of this feed. A restored database has another one.
    pub async fn epoch(&self) -> Result<String, StoreError> {
        Ok(head(&mut self.read().await?).await?.epoch)
    }

    /// Returns what the journal rejects and the database doesn't, at most `limit` of each. It is rejected here, but
    /// must be written back to the database.
    pub async fn revived(&self, limit: usize) -> Revived {
        let Some(follower) = self.follower.get() else { return Revived::default() };
        let following = follower.following.lock().await;
        Revived {
            endings: following.revived.endings.iter().take(limit).copied().collect(),
            accounts: following.revived.accounts.iter().take(limit).copied().collect(),
        }
    }

    /// Removes these, which are the first, after they were written back to the database.
    pub async fn forget_revived(&self, reported: &Revived) {
        if let Some(follower) = self.follower.get() {
            let revived = &mut follower.following.lock().await.revived;
            revived.endings.drain(..reported.endings.len().min(revived.endings.len()));
            revived.accounts.drain(..reported.accounts.len().min(revived.accounts.len()));
        }
    }

    /// Returns whether everything is being reloaded.
    pub fn is_loading(&self) -> bool {
        self.follower.get().is_some_and(|follower| follower.is_loading.load(Ordering::Acquire))
    }

    /// Returns the newest change of the current history that this process has committed or applied. Returns `None`
    /// during a commit, whose outcome is unknown.
    pub fn newest(&self) -> Option<Position> {
        let follower = self.follower.get()?;
        if follower.under_way.load(Ordering::SeqCst) > 0 {
            return None;
        }
        let mut position = self.position()?;
        position.seq = position.seq.max(follower.committing.load(Ordering::SeqCst));
        Some(position)
    }

    /// Records that this process is about to commit a change with this number. Whatever the outcome, it then doesn't
    /// confirm to other nodes that there is nothing newer.
    pub(crate) fn note_committing(&self, seq: i64) -> Committing {
        if let Some(follower) = self.follower.get() {
            follower.under_way.fetch_add(1, Ordering::SeqCst);
            follower.committing.fetch_max(seq, Ordering::SeqCst);
        }
        Committing(self.clone())
    }

    /// Returns the progress of this process from memory.
    pub fn position(&self) -> Option<Position> {
        let position = &self.follower.get()?.position;
        Some(position.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Removes expired entries from the journal, as of `now` and by the database's clock. No other process may have the
    /// journal open.
    pub async fn compact_journal(&self, now: Timestamp, by_database: Timestamp) {
        let Some(follower) = self.follower.get() else { return };
        if let Some(journal) = &mut follower.following.lock().await.journal
            && let Err(error) = journal.start(now, by_database)
        {
            tracing::warn!(%error, "the journal of ended tokens cannot be made smaller");
        }
    }

    /// Catches up after a commit, with retries for a short time if the database fails.
    ///
    /// Returns whether revocations are on this machine's disk.
    pub(crate) async fn settle(&self) -> Result<bool, StoreError> {
        let is_journaled = |progress: Option<Progress>| progress.is_none_or(|p| p.is_journaled);
        for pause in [10, 50, 250] {
            match self.catch_up().await {
                Ok(progress) => return Ok(is_journaled(progress)),
                Err(error) => {
                    tracing::warn!(%error, "the gateway failed to apply a change");
                }
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.catch_up().await.map(is_journaled).map_err(|_| StoreError::Unsettled)
    }

    /// Returns whether the database still has the change with this number, in the history that it was committed to.
    /// After a failover that lost commits, another change may have the number.
    pub async fn still_has(&self, seq: i64, chain: &str) -> Result<bool, StoreError> {
        let found = query(CHAIN_AT).bind(seq).optional(&mut self.read().await?).await?;
        Ok(found.map(|row| row::text(&row, "chain")).transpose()?.as_deref() == Some(chain))
    }

    /// Deletes changes that every follower has applied long ago.
    pub async fn forget_old_changes(&self, now: Timestamp) -> Result<(), StoreError> {
        let head = head(&mut self.read().await?).await?;
        self.run_aside(query(FORGET).bind(now.minus(KEPT)).bind(head.seq)).await.map(|_| ())
    }
}

pub(crate) async fn head(read: &mut Read) -> Result<Position, StoreError> {
    let row = query(HEAD).one(read).await?;
    Ok(Position {
        seq: row.get("seq")?,
        epoch: row::text(&row, "epoch")?,
        chain: row::text(&row, "chain")?,
    })
}
