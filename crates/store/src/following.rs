//! The state of a follower: it applies later changes, reloads everything if it can't, and writes the journal.

use crate::{
    Read, Standing, StoreError, Tombstone,
    chain::chain,
    feed::head,
    journal::{Journal, Known},
    record::Record,
    row,
    seal::PublicKeys,
    snapshot::LiveSecrets,
    sql::query,
    state::{Follower, Following, Position, Revived, Store},
    tokens::restoration_text,
};
use keydesk_model::{AccountState, Change, Feed, LiveAccount, LiveSecret, Snapshot, Timestamp};
use keydesk_token::TokenHash;
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

const LATER_CHANGES: &str =
    "SELECT seq, body, chain, seal FROM change WHERE seq > $1 ORDER BY seq LIMIT 1000";

const RESTORED: &str = "SELECT hash, revoked_at, seal FROM restoration ORDER BY revoked_at";

/// A guard that marks a reload in progress until it is dropped.
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

impl Following {
    /// Creates a follower that has applied nothing yet.
    pub fn new(journal: Option<Journal>) -> Self {
        let position = Position { seq: 0, epoch: String::new(), chain: String::new() };
        let (unwritten, revived, keys) = (Vec::new(), Revived::default(), PublicKeys::default());
        Self { position, journal, unwritten, revived, keys }
    }

    pub async fn catch_up(&mut self, store: &Store, follower: &Follower) -> Result<(), StoreError> {
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
            let Some(changes) = self.later_changes(&mut read, store.is_shared()).await? else {
                tracing::error!(
                    after = self.position.seq,
                    "the feed has a gap, belongs to another history, cannot be read or was not written by a console; reloading"
                );
                drop(read);
                return self.load_anew(store, follower).await;
            };
            self.apply(changes, feed).await?;
        }
        Ok(())
    }

    async fn apply(
        &mut self,
        changes: Vec<(Position, Change)>,
        feed: &dyn Feed,
    ) -> Result<(), StoreError> {
        let mut known = None;
        for (position, mut change) in changes {
            let record = Record::of(&change);
            self.unwritten.extend(record);
            let restores = matches!(change, Change::SecretRestored(_));
            if let (Some(known), Some(record)) = (&mut known, record) {
                Known::add(known, record);
            } else if restores {
                // The journal may be long, so it is read once for any number of restorations.
                known = Some(self.known().await?);
            }
            if let (true, Some(known)) = (restores, &known) {
                change = self.without_other_revocations(change, known);
            }
            feed.apply(position.seq, change);
            self.position = position;
        }
        Ok(())
    }

    async fn load_anew(&mut self, store: &Store, follower: &Follower) -> Result<(), StoreError> {
        let _loading = Loading::begin(&follower.is_loading);
        // The commits belong to another history.
        follower.committing.store(0, Ordering::Release);
        self.load(store, &*follower.feed).await
    }

    /// Reloads everything as of one instant. What the journal rejects is loaded as rejected.
    pub async fn load(&mut self, store: &Store, feed: &dyn Feed) -> Result<(), StoreError> {
        self.write_journal();
        let mut at_once = store.read_at_once().await?;
        let position = head(&mut at_once).await?;
        self.keys = PublicKeys::read(&mut at_once).await?;
        let secrets = LiveSecrets::read(&mut at_once).await?;
        let mut known = self.known().await?;
        let restored = self.restored(&mut at_once, store.is_shared()).await?;
        let mut accounts = at_once.list_limited_accounts().await?;
        let accounts_revived = revive(&mut at_once, &known, &mut accounts).await?;
        let canaries = at_once.list_live_canaries().await?;
        let rules = at_once.find_rules().await?.unwrap_or_default().live;
        at_once.finish().await?;
        let mut revived = Vec::new();
        let mut unknown = known.learn(&restored);
        let has_journal = self.journal.is_some();
        let unknown_accounts =
            if has_journal { unknown_standings(&known, &accounts) } else { Vec::new() };
        let merged = secrets.iter().map(|mut secret: LiveSecret| {
            match (secret.revocation, known.ended.get(&secret.hash)) {
                (None, Some(tombstone)) => {
                    secret.revocation = Some(tombstone.revocation);
                    revived.push(*tombstone);
                }
                (Some(revocation), _) if has_journal && !known.has(&secret.hash, revocation.at) => {
                    let (hash, expires_at) = (secret.hash, secret.expires_at);
                    unknown.push(Record::Ended(Tombstone { hash, revocation, expires_at }));
                }
                _ => {}
            }
            secret
        });
        let snapshot = Snapshot::new(position.seq, merged).with_rules(rules);
        let snapshot = snapshot.with_accounts(accounts).with_canaries(canaries);
        feed.load(snapshot.with_restored(restored));
        self.revived = Revived { endings: revived, accounts: accounts_revived };
        if !self.revived.is_empty() {
            tracing::error!(
                tokens = self.revived.endings.len(),
                accounts = self.revived.accounts.len(),
                "the database has lost revocations, suspensions, or closures: it was restored, rewound, or failed over; they stay enforced"
            );
        }
        self.unwritten.extend(unknown);
        self.unwritten.extend(unknown_accounts);
        self.position = position;
        self.write_journal();
        Ok(())
    }

    /// Returns the change as it may be applied: a restored secret stays revoked if another revocation of it is known,
    /// which the database has lost.
    fn without_other_revocations(&mut self, change: Change, known: &Known) -> Change {
        let Change::SecretRestored(secret) = &change else { return change };
        let Some(tombstone) = known.ended.get(&secret.hash).copied() else { return change };
        self.revived.endings.push(tombstone);
        let Tombstone { hash, revocation, expires_at } = tombstone;
        Change::SecretRevoked { hash, revocation, expires_at }
    }

    /// Returns the undone revocations that a console has signed. On one machine, the console is this process.
    async fn restored(
        &mut self,
        read: &mut Read,
        is_shared: bool,
    ) -> Result<Vec<(TokenHash, Timestamp)>, StoreError> {
        let mut restored = Vec::new();
        for row in query(RESTORED).all(read).await? {
            let hash = TokenHash::from_bytes(row::digest(&row, "hash")?);
            let revoked_at = row::instant(&row, "revoked_at")?;
            let text = restoration_text(&hash, revoked_at);
            let seal: Option<&str> = row.get("seal")?;
            if !is_shared || self.keys.confirm(read, &text, seal.unwrap_or_default()).await? {
                restored.push((hash, revoked_at));
            } else {
                tracing::error!(
                    "a restored token has no signature of a console; it stays revoked where its revocation is known"
                );
            }
        }
        Ok(restored)
    }

    /// Returns the contents of the journal and the records that are still to be written to it.
    async fn known(&self) -> Result<Known, StoreError> {
        let mut known = match &self.journal {
            Some(journal) => {
                let read = tokio::task::spawn_blocking(journal.reader());
                let read = read.await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
                read.map_err(StoreError::Journal)?
            }
            None => Known::default(),
        };
        self.unwritten.iter().for_each(|record| known.add(*record));
        Ok(known)
    }

    /// Returns the next changes after the current position. Returns `None` if one is missing, is unreadable, doesn't
    /// follow the previous one, or lacks the console seal that it requires.
    async fn later_changes(
        &mut self,
        read: &mut Read,
        is_shared: bool,
    ) -> Result<Option<Vec<(Position, Change)>>, StoreError> {
        let mut position = self.position.clone();
        let rows = query(LATER_CHANGES).bind(position.seq).all(read).await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            let (seq, body): (i64, &str) = (row.get("seq")?, row.get("body")?);
            let chain = chain(&position.chain, seq, body);
            let is_next = seq == position.seq + 1 && row.get::<&str>("chain")? == chain;
            let (true, Ok(change)) = (is_next, serde_json::from_str::<Change>(body)) else {
                return Ok(None);
            };
            let needs_seal = is_shared && !change.only_rejects();
            if needs_seal && !self.keys.confirm(read, &chain, row.get("seal")?).await? {
                return Ok(None);
            }
            position = Position { seq, chain, ..position };
            changes.push((position.clone(), change));
        }
        Ok((!changes.is_empty()).then_some(changes))
    }

    /// Writes the journal. A failure is retried with the next change or poll, and until then this process confirms
    /// nothing.
    pub fn write_journal(&mut self) {
        match self.journal.as_mut().map(|journal| journal.append(&self.unwritten)) {
            None | Some(Ok(())) => self.unwritten.clear(),
            Some(Err(error)) => {
                tracing::error!(%error, "the journal of ended tokens cannot be written");
                // The database has what the journal may have lost, so everything is reloaded and written again.
                if error.kind() == std::io::ErrorKind::Other {
                    self.position.epoch.clear();
                }
            }
        }
    }
}

/// Returns the records of the accounts whose state the journal does not have yet.
fn unknown_standings(known: &Known, accounts: &[LiveAccount]) -> Vec<Record> {
    let changed = accounts.iter().filter(|live| live.state_since.as_micros() > 0);
    let standings = changed.map(Standing::of);
    standings
        .filter(|standing| {
            known.accounts.get(&standing.number).is_none_or(|known| known.at < standing.at)
        })
        .map(Record::Account)
        .collect()
}

/// Marks accounts as rejected whose state in the journal is newer than in the database. Returns these accounts.
async fn revive(
    read: &mut Read,
    known: &Known,
    accounts: &mut Vec<LiveAccount>,
) -> Result<Vec<Standing>, StoreError> {
    let mut revived = Vec::new();
    for standing in known.accounts.values().filter(|known| known.state != AccountState::Active) {
        let mut found = accounts.iter().position(|live| live.number == standing.number);
        if found.is_none() {
            accounts.extend(read.find_live_account(standing.number).await?);
            found = accounts.iter().position(|live| live.number == standing.number);
        }
        // An account that the database doesn't know has no tokens.
        let Some(live) = found.map(|at| &mut accounts[at]) else { continue };
        if live.state_since < standing.at {
            (live.state, live.state_since) = (standing.state, standing.at);
            revived.push(*standing);
        }
    }
    Ok(revived)
}
