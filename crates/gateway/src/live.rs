//! The live table: every secret's digest with all that a decision about it needs, in memory.
//! Filled by a snapshot, kept current by numbered changes. An ended secret never comes back.

use http::HeaderValue;
use keydesk_model::{
    Binding, Change, EndCause, Ending, Feed, LiveSecret, Snapshot, Timestamp, TokenState, Usage,
};
use keydesk_token::TokenHash;
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    net::IpAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

const SHARDS: usize = 64;
/// How many programs are told apart between two reports; further ones count as the last.
const PROGRAMS: usize = 32;

type Shard = HashMap<TokenHash, Arc<Entry>, BuildHasherDefault<FirstEightBytes>>;

/// One secret as the gateway knows it.
#[derive(Debug)]
pub struct Entry {
    pub(crate) secret: LiveSecret,
    /// Set once and never unset: that a secret has ended is monotone.
    ending: OnceLock<Ending>,
    /// Whether it was once refused as expired: a clock that is put back does not revive it.
    expired: AtomicBool,
    pub(crate) identity: Identity,
    seen: Mutex<Vec<Seen>>,
}

/// What the upstream is told about the caller, ready to be sent.
#[derive(Debug)]
pub(crate) struct Identity {
    pub account: HeaderValue,
    pub token: HeaderValue,
    pub subject: HeaderValue,
    pub scopes: HeaderValue,
}

#[derive(Debug)]
struct Seen {
    program: String,
    client_addr: IpAddr,
    last_used_at: Timestamp,
    calls: i64,
}

#[derive(Debug)]
pub struct LiveTable {
    shards: Vec<RwLock<Shard>>,
    used: Mutex<Vec<Arc<Entry>>>,
    seq: AtomicI64,
    ready: AtomicBool,
}

impl Default for LiveTable {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            used: Mutex::default(),
            seq: AtomicI64::new(0),
            ready: AtomicBool::new(false),
        }
    }
}

impl LiveTable {
    fn shard(&self, hash: &TokenHash) -> &RwLock<Shard> {
        // The hash map uses the first eight bytes; the shard is chosen by another one.
        &self.shards[usize::from(hash.as_bytes()[8]) % SHARDS]
    }

    pub(crate) fn find(&self, hash: &TokenHash) -> Option<Arc<Entry>> {
        self.shard(hash).read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    /// Whether a complete snapshot is loaded. Before that nobody is told that a token is wrong.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// The number of the last change taken over.
    pub fn seq(&self) -> i64 {
        self.seq.load(Ordering::Acquire)
    }

    fn insert(&self, secret: LiveSecret) {
        let hash = secret.hash;
        let mut shard = self.shard(&hash).write().unwrap_or_else(PoisonError::into_inner);
        match shard.get(&hash) {
            Some(known) if known.is_about_the_same(&secret) => known.hear(&secret),
            known => {
                let known_ending = known.and_then(|known| known.ending.get().copied());
                shard.insert(hash, Arc::new(Entry::new(secret, known_ending)));
            }
        }
    }

    /// Forgets what a snapshot does not name: nobody could end it any more.
    fn forget_all_but(&self, named: &HashSet<TokenHash>) {
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).retain(|hash, entry| {
                let is_named = named.contains(hash);
                if !is_named {
                    let long_ago = Timestamp::from_micros(i64::MIN);
                    let _ = entry.ending.set(Ending { at: long_ago, cause: EndCause::Revoked });
                }
                is_named
            });
        }
    }

    /// Notes a call for the next report.
    pub(crate) fn note_use(
        &self,
        entry: &Arc<Entry>,
        program: &str,
        client_addr: IpAddr,
        now: Timestamp,
    ) {
        let mut seen = entry.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = seen.is_empty();
        let known = seen.iter().position(|s| s.client_addr == client_addr && s.program == program);
        match known.or((seen.len() >= PROGRAMS).then_some(PROGRAMS - 1)) {
            Some(at) => {
                seen[at].last_used_at = now;
                seen[at].calls += 1;
            }
            None => seen.push(Seen {
                program: program.to_owned(),
                client_addr,
                last_used_at: now,
                calls: 1,
            }),
        }
        drop(seen);
        if is_first {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(entry));
        }
    }

    /// What has been used since the last time this was asked.
    pub fn take_usage(&self) -> Vec<Usage> {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        let mut report = Vec::with_capacity(used.len());
        for entry in used {
            let seen =
                std::mem::take(&mut *entry.seen.lock().unwrap_or_else(PoisonError::into_inner));
            report.extend(seen.into_iter().map(|seen| Usage {
                token: entry.secret.token,
                program: seen.program,
                client_addr: seen.client_addr.to_string(),
                last_used_at: seen.last_used_at,
                calls: seen.calls,
            }));
        }
        report
    }
}

impl Entry {
    fn new(secret: LiveSecret, known_ending: Option<Ending>) -> Self {
        let ending = OnceLock::new();
        if let Some(end) = secret.ending.or(known_ending) {
            let _ = ending.set(end);
        }
        let identity = Identity::of(&secret);
        Self { secret, ending, expired: AtomicBool::new(false), identity, seen: Mutex::default() }
    }

    pub(crate) fn state(&self, now: Timestamp) -> TokenState {
        let state = TokenState::at(now, self.secret.expires_at, self.ending.get().copied());
        match (state, self.secret.expires_at) {
            (TokenState::Expired(_), _) => self.expired.store(true, Ordering::Relaxed),
            (TokenState::Live, Some(at)) if self.expired.load(Ordering::Relaxed) => {
                return TokenState::Expired(at);
            }
            _ => {}
        }
        state
    }

    /// Whether what is told differs in nothing but the ending.
    fn is_about_the_same(&self, told: &LiveSecret) -> bool {
        LiveSecret { ending: self.secret.ending, ..told.clone() } == self.secret
    }

    /// What the feed says of a secret that is known already. The entry stays the same, so that open
    /// tunnels hear of it.
    fn hear(&self, told: &LiveSecret) {
        if let Some(ending) = told.ending {
            let _ = self.ending.set(ending);
        }
    }
}

impl Identity {
    fn of(secret: &LiveSecret) -> Self {
        // Numbers, ids and scopes are made of characters that every header may hold.
        let value =
            |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-"));
        Self {
            account: value(secret.number.to_string()),
            token: value(secret.token.to_string()),
            subject: value(match secret.binding {
                Binding::Member(member) => member.to_string(),
                Binding::Account => secret.account.to_string(),
            }),
            scopes: value(secret.scopes.to_string()),
        }
    }
}

impl Feed for LiveTable {
    fn load(&self, snapshot: Snapshot) {
        let named: HashSet<TokenHash> = snapshot.secrets.iter().map(|secret| secret.hash).collect();
        for secret in snapshot.secrets {
            self.insert(secret);
        }
        self.forget_all_but(&named);
        self.seq.store(snapshot.seq, Ordering::Release);
        self.ready.store(true, Ordering::Release);
    }

    fn apply(&self, seq: i64, change: Change) {
        match change {
            Change::SecretIssued(secret) => self.insert(secret),
            Change::SecretEnded { hash, ending } => {
                if let Some(entry) = self.find(&hash) {
                    let _ = entry.ending.set(ending);
                }
            }
        }
        self.seq.store(seq, Ordering::Release);
    }
}

/// Takes a digest's own first eight bytes as its hash: it is uniform already.
#[derive(Debug, Default)]
struct FirstEightBytes(u64);

impl Hasher for FirstEightBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
