//! The change feed: a snapshot at a number, then every later change, in order and without gaps.
//! Polling is the truth; whoever commits here polls at once, so the writer waits for its effect.

use crate::{
    OpenError, Read, Store, StoreError,
    journal::{Journal, Tombstone},
    row,
    snapshot::LiveSecrets,
    sql::query,
};
use keydesk_model::{Change, Feed, LiveSecret, Snapshot, Timestamp};
use keydesk_token::TokenHash;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// Who follows the feed in this process, and how far it has come.
pub(crate) struct Follower {
    feed: Arc<dyn Feed>,
    following: Mutex<Following>,
    /// How far it has come, for who cannot wait for a database.
    position: std::sync::Mutex<Position>,
    /// The newest change that this process has tried to commit.
    committing: AtomicI64,
    is_loading: AtomicBool,
}

/// For as long as it lives, everything is being loaded.
struct Loading<'a>(&'a AtomicBool);

impl<'a> Loading<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Release);
        Self(flag)
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Follower")
    }
}

struct Following {
    position: Position,
    /// None: for tests of what needs no protection.
    journal: Option<Journal>,
    /// Endings that are in force but not yet on this machine's disk.
    unwritten: Vec<Tombstone>,
    /// Endings that the database has forgotten.
    revived: Vec<Tombstone>,
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
const LATER_CHANGES: &str =
    "SELECT seq, body, chain FROM change WHERE seq > $1 ORDER BY seq LIMIT 1000";
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
        let start = Position { seq: 0, epoch: String::new(), chain: String::new() };
        let mut following = Following {
            position: start,
            journal: journal.transpose()?,
            unwritten: Vec::new(),
            revived: Vec::new(),
        };
        following.load(self, &*feed).await?;
        let position = std::sync::Mutex::new(following.position.clone());
        let follower = Follower {
            feed,
            following: Mutex::new(following),
            position,
            committing: AtomicI64::new(0),
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

    /// What the journal knows to have ended and the database does not, at most `limit` of it. It is refused
    /// here; the database has to be told.
    pub async fn revived(&self, limit: usize) -> Vec<Tombstone> {
        let Some(follower) = self.follower.get() else { return Vec::new() };
        let following = follower.following.lock().await;
        following.revived.iter().take(limit).copied().collect()
    }

    /// The database has been told of the first `count`.
    pub async fn forget_revived(&self, count: usize) {
        if let Some(follower) = self.follower.get() {
            let revived = &mut follower.following.lock().await.revived;
            revived.drain(..count.min(revived.len()));
        }
    }

    /// Whether everything is being loaded anew.
    pub fn is_loading(&self) -> bool {
        self.follower.get().is_some_and(|follower| follower.is_loading.load(Ordering::Acquire))
    }

    /// The newest change that this process has committed or taken over, of its present history.
    pub fn newest(&self) -> Option<Position> {
        let mut position = self.position()?;
        position.seq = position.seq.max(self.follower.get()?.committing.load(Ordering::Acquire));
        Some(position)
    }

    /// This process is about to commit a change of this number: whoever asks may not be told that there is
    /// nothing newer, whatever becomes of it.
    pub(crate) fn note_committing(&self, seq: i64) {
        if let Some(follower) = self.follower.get() {
            follower.committing.fetch_max(seq, Ordering::AcqRel);
        }
    }

    /// How far this process has come, from memory.
    pub fn position(&self) -> Option<Position> {
        let position = &self.follower.get()?.position;
        Some(position.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Leaves out of the journal what has expired by itself. Nobody else may have it open.
    pub async fn compact_journal(&self, now: Timestamp) {
        let Some(follower) = self.follower.get() else { return };
        if let Some(journal) = &mut follower.following.lock().await.journal
            && let Err(error) = journal.compact(now)
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

async fn head(read: &mut Read) -> Result<Position, StoreError> {
    let row = query(HEAD).one(read).await?;
    Ok(Position {
        seq: row.get("seq")?,
        epoch: row::text(&row, "epoch")?,
        chain: row::text(&row, "chain")?,
    })
}

impl Following {
    async fn catch_up(&mut self, store: &Store, follower: &Follower) -> Result<(), StoreError> {
        let feed = &*follower.feed;
        let mut read = store.read().await?;
        let head = head(&mut read).await?;
        let at = &self.position;
        let is_other = head.epoch != at.epoch || (head.seq == at.seq && head.chain != at.chain);
        if is_other || head.seq < at.seq {
            tracing::error!(
                from = at.seq,
                to = head.seq,
                "the database went back in time; reloading"
            );
            drop(read);
            return self.load_anew(store, follower).await;
        }
        while self.position.seq < head.seq {
            let Some(changes) = later_changes(&mut read, &self.position).await? else {
                tracing::error!(
                    after = self.position.seq,
                    "the feed has a gap, belongs to another history or cannot be read; reloading"
                );
                drop(read);
                return self.load_anew(store, follower).await;
            };
            for (position, change) in changes {
                if let Change::SecretEnded { hash, ending, expires_at } = &change {
                    let tombstone =
                        Tombstone { hash: *hash, ending: *ending, expires_at: *expires_at };
                    self.unwritten.push(tombstone);
                }
                feed.apply(position.seq, change);
                self.position = position;
            }
        }
        Ok(())
    }

    async fn load_anew(&mut self, store: &Store, follower: &Follower) -> Result<(), StoreError> {
        let _loading = Loading::begin(&follower.is_loading);
        // What was committed belongs to a history that is not this one.
        follower.committing.store(0, Ordering::Release);
        self.load(store, &*follower.feed).await
    }

    /// Everything anew, as of one instant. What the journal knows to have ended is shown as ended.
    async fn load(&mut self, store: &Store, feed: &dyn Feed) -> Result<(), StoreError> {
        self.write_journal();
        let mut at_once = store.read_at_once().await?;
        let position = head(&mut at_once).await?;
        let secrets = LiveSecrets::read(&mut at_once).await?;
        let accounts = at_once.list_limited_accounts().await?;
        let rules = at_once.find_rules().await?.unwrap_or_default().live;
        at_once.finish().await?;
        let mut known = self.known()?;
        known.extend(self.unwritten.iter().map(|tombstone| (tombstone.hash, *tombstone)));
        let (mut revived, mut unknown) = (Vec::new(), Vec::new());
        let has_journal = self.journal.is_some();
        let merged = secrets.iter().map(|mut secret: LiveSecret| {
            match (secret.ending, known.get(&secret.hash)) {
                (None, Some(tombstone)) => {
                    secret.ending = Some(tombstone.ending);
                    revived.push(*tombstone);
                }
                (Some(ending), None) if has_journal => {
                    let (hash, expires_at) = (secret.hash, secret.expires_at);
                    unknown.push(Tombstone { hash, ending, expires_at });
                }
                _ => {}
            }
            secret
        });
        feed.load(Snapshot::new(position.seq, merged).with_rules(rules).with_accounts(accounts));
        if !revived.is_empty() {
            tracing::error!(
                count = revived.len(),
                "the database has forgotten that tokens have ended: it was restored, rewound or failed over; they stay refused"
            );
        }
        self.revived = revived;
        self.unwritten.extend(unknown);
        self.position = position;
        self.write_journal();
        Ok(())
    }

    fn known(&self) -> Result<HashMap<TokenHash, Tombstone>, StoreError> {
        let read = self.journal.as_ref().map(Journal::read).transpose();
        read.map(Option::unwrap_or_default).map_err(StoreError::Journal)
    }

    /// What cannot be written is tried again with the next change or poll; until then this process
    /// confirms nothing.
    fn write_journal(&mut self) {
        match self.journal.as_mut().map(|journal| journal.append(&self.unwritten)) {
            None | Some(Ok(())) => self.unwritten.clear(),
            Some(Err(error)) => {
                tracing::error!(%error, "the journal of ended tokens cannot be written");
            }
        }
    }
}

/// The next changes after `position`; None where one is missing, unreadable, or follows on something
/// else.
async fn later_changes(
    read: &mut Read,
    position: &Position,
) -> Result<Option<Vec<(Position, Change)>>, StoreError> {
    let mut position = position.clone();
    let rows = query(LATER_CHANGES).bind(position.seq).all(read).await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        let (seq, body): (i64, &str) = (row.get("seq")?, row.get("body")?);
        let chain = chain(&position.chain, seq, body);
        let is_next = seq == position.seq + 1 && row.get::<&str>("chain")? == chain;
        let (true, Ok(change)) = (is_next, serde_json::from_str(body)) else { return Ok(None) };
        position = Position { seq, chain, ..position };
        changes.push((position.clone(), change));
    }
    Ok((!changes.is_empty()).then_some(changes))
}

/// A digest of a change and of all before it.
pub(crate) fn chain(before: &str, seq: i64, body: &str) -> String {
    hex::encode(Sha256::digest(format!("{before}|{seq}|{body}")))
}
