//! The change feed: a snapshot at a number, then every later change, in order and without gaps.
//! Polling is the truth; whoever commits here polls at once, so the writer waits for its effect.

use crate::{
    OpenError, Read, Standing, Store, StoreError, Tombstone, following::Following,
    journal::Journal, row, sql::query,
};
use keydesk_model::{Feed, Timestamp};
use sha2::{Digest, Sha256};
use std::{
    path::Path,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// Who follows the feed in this process, and how far it has come.
pub(crate) struct Follower {
    pub feed: Arc<dyn Feed>,
    following: Mutex<Following>,
    /// How far it has come, for who cannot wait for a database.
    position: std::sync::Mutex<Position>,
    /// The newest change that this process has tried to commit, and how many commits are under way.
    pub committing: AtomicI64,
    under_way: AtomicUsize,
    pub is_loading: AtomicBool,
}

/// For as long as it lives, a commit is under way.
pub(crate) struct Committing(Store);

impl Drop for Committing {
    fn drop(&mut self) {
        if let Some(follower) = self.0.follower.get() {
            follower.under_way.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Follower")
    }
}

/// What is rejected here and the database has forgotten.
#[derive(Clone, Debug, Default)]
pub struct Revived {
    pub endings: Vec<Tombstone>,
    pub accounts: Vec<Standing>,
}

impl Revived {
    pub fn is_empty(&self) -> bool {
        self.endings.is_empty() && self.accounts.is_empty()
    }
}

/// A place in the feed. Two that are equal have the same history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    pub seq: i64,
    pub epoch: String,
    /// A digest over everything up to here.
    pub chain: String,
}

/// How far this process has come.
#[derive(Clone, Debug)]
pub struct Progress {
    pub position: Position,
    /// Whether every ending up to here is on this machine's disk.
    pub is_journaled: bool,
}

const HEAD: &str = "SELECT seq, epoch, chain FROM head WHERE one = 1";
const CHAIN_AT: &str = "SELECT chain FROM change WHERE seq = $1";
const FORGET: &str = "DELETE FROM change WHERE at < $1 AND seq < $2";
/// Whoever is further behind than this loads a snapshot.
const KEPT: Duration = Duration::from_hours(168);

impl Store {
    /// Loads a snapshot into `feed` and keeps it current from now on. Once per process. What has
    /// ended is written to the journal too, and what the journal knows to have ended stays so.
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

    /// Takes over what others have written meanwhile. Cheap when there is nothing.
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

    /// Which feed this is; a restored database has another one.
    pub async fn epoch(&self) -> Result<String, StoreError> {
        Ok(head(&mut self.read().await?).await?.epoch)
    }

    /// What the journal knows to be rejected and the database does not, at most `limit` of each. It is rejected
    /// here; the database has to be told.
    pub async fn revived(&self, limit: usize) -> Revived {
        let Some(follower) = self.follower.get() else { return Revived::default() };
        let following = follower.following.lock().await;
        Revived {
            endings: following.revived.endings.iter().take(limit).copied().collect(),
            accounts: following.revived.accounts.iter().take(limit).copied().collect(),
        }
    }

    /// The database has been told of these, which are the first.
    pub async fn forget_revived(&self, reported: &Revived) {
        if let Some(follower) = self.follower.get() {
            let revived = &mut follower.following.lock().await.revived;
            revived.endings.drain(..reported.endings.len().min(revived.endings.len()));
            revived.accounts.drain(..reported.accounts.len().min(revived.accounts.len()));
        }
    }

    /// Whether everything is being loaded anew.
    pub fn is_loading(&self) -> bool {
        self.follower.get().is_some_and(|follower| follower.is_loading.load(Ordering::Acquire))
    }

    /// The newest change that this process has committed or taken over, of its present history. None while it
    /// commits one: nobody knows.
    pub fn newest(&self) -> Option<Position> {
        let follower = self.follower.get()?;
        if follower.under_way.load(Ordering::SeqCst) > 0 {
            return None;
        }
        let mut position = self.position()?;
        position.seq = position.seq.max(follower.committing.load(Ordering::SeqCst));
        Some(position)
    }

    /// This process is about to commit a change of this number: whoever asks may not be told that there is
    /// nothing newer, whatever becomes of it.
    pub(crate) fn note_committing(&self, seq: i64) -> Committing {
        if let Some(follower) = self.follower.get() {
            follower.under_way.fetch_add(1, Ordering::SeqCst);
            follower.committing.fetch_max(seq, Ordering::SeqCst);
        }
        Committing(self.clone())
    }

    /// How far this process has come, from memory.
    pub fn position(&self) -> Option<Position> {
        let position = &self.follower.get()?.position;
        Some(position.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Leaves out of the journal what has expired by itself, at `now` and by the database's clock. Nobody else
    /// may have it open.
    pub async fn compact_journal(&self, now: Timestamp, by_database: Timestamp) {
        let Some(follower) = self.follower.get() else { return };
        if let Some(journal) = &mut follower.following.lock().await.journal
            && let Err(error) = journal.start(now, by_database)
        {
            tracing::warn!(%error, "the journal of ended tokens cannot be made smaller");
        }
    }

    /// After a commit: catches up, trying again for a moment where the database stumbles.
    ///
    /// Tells whether what has ended is on this machine's disk.
    pub(crate) async fn settle(&self) -> Result<bool, StoreError> {
        let is_journaled = |progress: Option<Progress>| progress.is_none_or(|p| p.is_journaled);
        for pause in [10, 50, 250] {
            match self.catch_up().await {
                Ok(progress) => return Ok(is_journaled(progress)),
                Err(error) => {
                    tracing::warn!(%error, "the gateway could not take over a change yet");
                }
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.catch_up().await.map(is_journaled).map_err(|_| StoreError::Unsettled)
    }

    /// Whether the database still has the change of this number, in the history that it was committed to. After
    /// a failover that has lost commits another one may have the number.
    pub async fn still_has(&self, seq: i64, chain: &str) -> Result<bool, StoreError> {
        let found = query(CHAIN_AT).bind(seq).optional(&mut self.read().await?).await?;
        Ok(found.map(|row| row::text(&row, "chain")).transpose()?.as_deref() == Some(chain))
    }

    /// Drops changes that every follower has long taken over.
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

/// A digest of a change and of all before it.
pub(crate) fn chain(before: &str, seq: i64, body: &str) -> String {
    hex::encode(Sha256::digest(format!("{before}|{seq}|{body}")))
}
