//! The live table: every secret's digest with all that a decision about it needs, in memory.
//! Filled by a snapshot, kept current by numbered changes. An ended secret never comes back.

mod row;
mod shard;
mod tenure;
mod usage;
mod verify;

pub(crate) use shard::Subject;
pub(crate) use usage::Meter;
pub(crate) use verify::Identity;
pub use verify::Verified;

use arc_swap::ArcSwap;
use keydesk_model::{Binding, Change, Feed, Moment, ScopeSet, Snapshot, Stopwatch, Usage};
use keydesk_token::TokenHash;
use row::Digest;
use shard::Shard;
use std::collections::HashMap;
use std::sync::{
    Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicI64, Ordering},
};
use tenure::Tenure;
use usage::Meters;

/// Many, so that one that grows holds up few, and so that they do not all grow at once.
const SHARDS: usize = 1024;

#[derive(Debug)]
pub struct LiveTable {
    shards: Vec<RwLock<Shard>>,
    /// Distinct scope sets as they are sent; rows name them by number.
    scopes: ArcSwap<Vec<Arc<str>>>,
    scope_numbers: Mutex<HashMap<Arc<str>, u32>>,
    meters: Meters,
    seq: AtomicI64,
    ready: AtomicBool,
    /// None: whoever fills the table is in the same process and cannot be lost.
    tenure: Option<Tenure>,
}

impl Default for LiveTable {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            scopes: ArcSwap::default(),
            scope_numbers: Mutex::default(),
            meters: Meters::default(),
            seq: AtomicI64::new(0),
            ready: AtomicBool::new(false),
            tenure: None,
        }
    }
}

impl LiveTable {
    /// A table that is believed only as long as [`LiveTable::serve_until`] says.
    pub fn with_tenure(stopwatch: Stopwatch) -> Self {
        Self { tenure: Some(Tenure::new(stopwatch)), ..Self::default() }
    }

    /// The first moment at which no token is accepted any more. None: that is now.
    pub fn serve_until(&self, until: Option<Moment>) {
        if let Some(tenure) = &self.tenure {
            tenure.set(until);
        }
    }

    /// Whether tokens may be accepted at all.
    pub fn may_serve(&self) -> bool {
        self.tenure.as_ref().is_none_or(Tenure::holds)
    }

    /// Whether a complete snapshot is loaded. Before that nobody is told that a token is wrong.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// The number of the last change taken over.
    pub fn seq(&self) -> i64 {
        self.seq.load(Ordering::Acquire)
    }

    /// How many secrets are known, ended ones included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that the secrets take, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).size_bytes() + size_of::<RwLock<Shard>>()).sum()
    }

    /// Who has used what since the last time this was asked; where many have, those who have
    /// waited longest for it.
    pub fn take_usage(&self) -> Vec<Usage> {
        self.meters.take(false)
    }

    /// All of it: at the end.
    pub fn take_all_usage(&self) -> Vec<Usage> {
        self.meters.take(true)
    }

    /// A meter of a worker's own.
    pub(crate) fn meter(&self) -> Meter {
        self.meters.add()
    }

    fn at(&self, hash: &TokenHash) -> &RwLock<Shard> {
        &self.shards[place(hash)]
    }

    fn read(&self, hash: &TokenHash) -> RwLockReadGuard<'_, Shard> {
        read(self.at(hash))
    }

    fn write(&self, hash: &TokenHash) -> RwLockWriteGuard<'_, Shard> {
        self.at(hash).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a scope set. Only the feed comes here, one change at a time.
    fn scopes_number(&self, scopes: &ScopeSet) -> u32 {
        let text: Arc<str> = scopes.to_string().into();
        let mut numbers = self.scope_numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers.get(&text) {
            return *number;
        }
        let mut more = Vec::clone(&self.scopes.load());
        let number = u32::try_from(more.len()).unwrap_or(u32::MAX);
        more.push(Arc::clone(&text));
        self.scopes.store(Arc::new(more));
        numbers.insert(text, number);
        number
    }
}

/// Rows are placed by the digest's first bytes; the shard is chosen by its last.
fn place(hash: &TokenHash) -> usize {
    let [.., high, low] = *hash.as_bytes();
    usize::from(u16::from_be_bytes([high, low])) % SHARDS
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

impl Feed for LiveTable {
    /// What a snapshot does not name is forgotten: nobody could end it any more.
    fn load(&self, snapshot: Snapshot<'_>) {
        let each = snapshot.count / SHARDS + 1;
        let mut next: Vec<Shard> =
            self.shards.iter().map(|shard| Shard::following(&read(shard), each)).collect();
        let mut last: Option<(ScopeSet, u32)> = None;
        for secret in snapshot.secrets {
            let scopes = match &last {
                Some((set, number)) if *set == secret.scopes => *number,
                _ => self.scopes_number(&secret.scopes),
            };
            next[place(&secret.hash)].insert(&secret, scopes);
            last = Some((secret.scopes, scopes));
        }
        for (shard, mut next) in self.shards.iter().zip(next) {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            next.remember(&shard);
            *shard = next;
        }
        self.seq.store(snapshot.seq, Ordering::Release);
        self.ready.store(true, Ordering::Release);
    }

    fn apply(&self, seq: i64, change: Change) {
        match change {
            Change::SecretIssued(secret) => {
                let scopes = self.scopes_number(&secret.scopes);
                self.write(&secret.hash).insert(&secret, scopes);
            }
            Change::SecretEnded { hash, ending, .. } => {
                self.write(&hash).end(Digest::of(&hash), ending);
            }
        }
        self.seq.store(seq, Ordering::Release);
    }
}

impl Subject {
    pub fn binding(self) -> Binding {
        match self {
            Self::Member(member) => Binding::Member(member),
            Self::Account(_) => Binding::Account,
        }
    }
}
