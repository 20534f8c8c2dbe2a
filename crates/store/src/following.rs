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
use keydesk_model::{AccountState, Change, Feed, LiveAccount, LiveSecret, Snapshot};
use keydesk_token::TokenHash;
use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

const LATER_CHANGES: &str =
    "SELECT seq, body, chain, seal FROM change WHERE seq > $1 ORDER BY seq LIMIT 1000";

const RESTORED: &str =
    "SELECT hash, restored_from, restored_seal FROM secret WHERE restored_from IS NOT NULL";

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
            for (position, change) in changes {
                self.unwritten.extend(Record::of(&change));
                feed.apply(position.seq, self.without_other_revocations(change)?);
                self.position = position;
            }
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
        let mut known = self.known()?;
        let restored = self.restored(&mut at_once, store.is_shared()).await?;
        let mut accounts = at_once.list_limited_accounts().await?;
        let accounts_revived = revive(&mut at_once, &known, &mut accounts).await?;
        let rules = at_once.find_rules().await?.unwrap_or_default().live;
        at_once.finish().await?;
        let (mut revived, mut unknown) = (Vec::new(), Vec::new());
        let has_journal = self.journal.is_some();
        let unknown_accounts = accounts.iter().filter_map(|live| {
            let standing = Standing::of(live);
            let is_new =
                known.accounts.get(&live.number).is_none_or(|known| known.at < standing.at);
            let says_something = has_journal && live.state_since.as_micros() > 0;
            (is_new && says_something).then_some(Record::Account(standing))
        });
        let unknown_accounts: Vec<_> = unknown_accounts.collect();
        let merged = secrets.iter().map(|mut secret: LiveSecret| {
            if !restored.contains(&secret.hash) {
                secret.restored_from = None;
            }
            if let (None, Some(at)) = (secret.revocation, secret.restored_from)
                && known.has(&secret.hash, at)
            {
                // A restoration that this machine has not seen.
                known.add(Record::Restored(secret.hash, at));
                unknown.push(Record::Restored(secret.hash, at));
            }
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
        feed.load(Snapshot::new(position.seq, merged).with_rules(rules).with_accounts(accounts));
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
    fn without_other_revocations(&mut self, change: Change) -> Result<Change, StoreError> {
        let Change::SecretRestored(secret) = &change else { return Ok(change) };
        let Some(tombstone) = self.known()?.ended.get(&secret.hash).copied() else {
            return Ok(change);
        };
        self.revived.endings.push(tombstone);
        let Tombstone { hash, revocation, expires_at } = tombstone;
        Ok(Change::SecretRevoked { hash, revocation, expires_at })
    }

    /// Returns the secrets whose restoration is signed by a console. On one machine, the console is this process.
    async fn restored(
        &mut self,
        read: &mut Read,
        is_shared: bool,
    ) -> Result<HashSet<TokenHash>, StoreError> {
        let mut restored = HashSet::new();
        for row in query(RESTORED).all(read).await? {
            let hash = TokenHash::from_bytes(row::digest(&row, "hash")?);
            let text = restoration_text(&hash, row::instant(&row, "restored_from")?);
            let seal: Option<&str> = row.get("restored_seal")?;
            if !is_shared || self.keys.confirm(read, &text, seal.unwrap_or_default()).await? {
                restored.insert(hash);
            } else {
                tracing::error!(
                    "a restored token has no signature of a console; it stays revoked where its revocation is known"
                );
            }
        }
        Ok(restored)
    }

    /// Returns the contents of the journal and the records that are still to be written to it.
    fn known(&self) -> Result<Known, StoreError> {
        let read = self.journal.as_ref().map(Journal::read).transpose();
        let mut known = read.map(Option::unwrap_or_default).map_err(StoreError::Journal)?;
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
