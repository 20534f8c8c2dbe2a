//! The live table: every secret's digest with everything that a decision requires, in memory. Filled by a snapshot and
//! kept current by numbered changes. An ended secret becomes valid again only if a change undoes this very revocation.

mod accounts;
mod canaries;
mod ended;
mod folded;
mod lease_guard;
mod limits;
mod numbers;
mod row;
mod rules;
mod shard;
mod spending;
mod usage;
mod verify;

pub(crate) use accounts::{AccountGuard, AccountLimits};
pub(crate) use ended::{End, EndedLog, Ending};
pub(crate) use limits::LiveTokenLimits;
pub(crate) use rules::LiveRuleTable;
pub(crate) use shard::Subject;
pub(crate) use spending::{LimitCounters, LimitKey};
pub(crate) use usage::{UsageCounter, UsageEvent};
pub(crate) use verify::Identity;
pub use verify::Verified;

use crate::Presented;
use accounts::{Accounts, Plans};
use arc_swap::{ArcSwap, Guard};
use canaries::Canaries;
use ended::EndedLogs;
use keydesk_model::{
    AccountNumber, CanaryId, CanaryUse, Change, EndedRequests, Feed, Moment, MonotonicClock, Month,
    Plan, QuotaUse, Snapshot, Table, Timestamp, TokenOwner, Usage,
};
use keydesk_token::TokenHash;
use lease_guard::LeaseGuard;
use limits::KnownLimits;
use numbers::AccountNumbers;
use row::Digest;
use shard::Shard;
use std::collections::{HashMap, HashSet};
use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicI64, Ordering},
};
use usage::Meters;

/// The number of shards. With many, a growing shard blocks few requests, and not all grow at the same time.
const SHARDS: usize = 1024;

#[derive(Debug)]
pub struct LiveTable {
    shards: Vec<RwLock<Shard>>,
    limits: KnownLimits,
    rules: ArcSwap<LiveRuleTable>,
    accounts: Accounts,
    spending: LimitCounters,
    meters: Meters,
    ended: EndedLogs,
    canaries: Canaries,
    numbers: Arc<AccountNumbers>,
    seq: AtomicI64,
    ready: AtomicBool,
    /// The lease, or `None` if the source of the table is in the same process and cannot be disconnected.
    lease_guard: Option<LeaseGuard>,
}

impl Default for LiveTable {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            limits: KnownLimits::default(),
            rules: ArcSwap::default(),
            accounts: Accounts::default(),
            spending: LimitCounters::default(),
            meters: Meters::default(),
            ended: EndedLogs::default(),
            canaries: Canaries::default(),
            numbers: Arc::default(),
            seq: AtomicI64::new(0),
            ready: AtomicBool::new(false),
            lease_guard: None,
        }
    }
}

impl LiveTable {
    /// Returns a table that is trusted only as long as [`LiveTable::serve_until`] allows.
    pub fn with_lease_guard(stopwatch: MonotonicClock) -> Self {
        Self { lease_guard: Some(LeaseGuard::new(stopwatch)), ..Self::default() }
    }

    /// Sets the operator's plans. `default` is the name of the plan for accounts without one.
    #[must_use]
    pub fn with_plans(self, plans: &[Plan], default: Option<&str>) -> Self {
        let all: Vec<_> = plans.iter().cloned().map(Arc::new).collect();
        let default = all.iter().find(|plan| Some(plan.name.as_str()) == default).cloned();
        Self { accounts: Accounts::new(Plans { all, default }), ..self }
    }

    pub(crate) fn account(&self, number: AccountNumber) -> AccountGuard<'_> {
        self.accounts.find(number)
    }

    /// Returns whether tokens can be accepted.
    pub fn may_serve(&self) -> bool {
        self.lease_guard.as_ref().is_none_or(LeaseGuard::holds)
    }

    /// Returns whether a complete snapshot is loaded. Before that, no token is reported as invalid.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Returns the number of the last change applied.
    pub fn seq(&self) -> i64 {
        self.seq.load(Ordering::Acquire)
    }

    /// Returns the number of known secrets, including ended ones.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the memory that the secrets take, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).size_bytes() + size_of::<RwLock<Shard>>()).sum()
    }

    /// Records the use of an unknown token if it is a canary.
    pub(crate) fn note_canary(
        &self,
        presented: &Presented,
        describe: impl FnOnce(CanaryId) -> CanaryUse,
    ) {
        if let Some(canary) = self.canaries.find(&presented.0) {
            self.canaries.note(canary, describe);
        }
    }

    /// Returns the current operation rules.
    pub(crate) fn rules(&self) -> Guard<Arc<LiveRuleTable>> {
        self.rules.load()
    }

    pub(crate) fn spending(&self) -> &LimitCounters {
        &self.spending
    }

    /// Returns a usage counter for one worker.
    pub(crate) fn meter(&self) -> UsageCounter {
        self.meters.add()
    }

    /// Returns a log of ended requests for one worker.
    pub(crate) fn ended_log(&self) -> EndedLog {
        self.ended.add(&self.numbers)
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
}

/// Returns the shard of a digest, chosen by its last bytes. Rows are placed by its first bytes.
fn place(hash: &TokenHash) -> usize {
    let [.., high, low] = *hash.as_bytes();
    usize::from(u16::from_be_bytes([high, low])) % SHARDS
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

impl Feed for LiveTable {
    /// Loads a snapshot and removes everything that it does not contain, because nothing could revoke it anymore.
    fn load(&self, snapshot: Snapshot<'_>) {
        let each = snapshot.count / SHARDS + 1;
        let mut next: Vec<Shard> =
            self.shards.iter().map(|shard| Shard::following(&read(shard), each)).collect();
        let mut last: Option<Arc<LiveTokenLimits>> = None;
        let mut restored: HashMap<usize, Vec<(Digest, Timestamp)>> = HashMap::new();
        for (hash, revoked_at) in snapshot.restored {
            restored.entry(place(&hash)).or_default().push((Digest::of(&hash), revoked_at));
        }
        let mut numbers = HashSet::new();
        for secret in snapshot.secrets {
            numbers.insert(secret.number);
            let limits = match last.take() {
                Some(last) if last.are_of(&secret) => last,
                _ => self.limits.of(&secret),
            };
            next[place(&secret.hash)].insert(&secret, &limits);
            last = Some(limits);
        }
        self.rules.store(Arc::new(LiveRuleTable::new(&snapshot.rules)));
        self.numbers.load(numbers);
        self.accounts.load(snapshot.accounts);
        self.canaries.load(snapshot.canaries);
        for (number, (shard, mut next)) in self.shards.iter().zip(next).enumerate() {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            for (digest, revoked_at) in restored.remove(&number).unwrap_or_default() {
                shard.undo(digest, revoked_at);
            }
            next.remember(&shard);
            *shard = next;
        }
        self.limits.tidy();
        self.seq.store(snapshot.seq, Ordering::Release);
        self.ready.store(true, Ordering::Release);
    }

    fn apply(&self, seq: i64, change: Change) {
        match change {
            Change::SecretIssued(secret) => {
                self.numbers.add(secret.number);
                let limits = self.limits.of(&secret);
                self.write(&secret.hash).insert(&secret, &limits);
            }
            Change::SecretRestored(secret) => {
                let limits = self.limits.of(&secret);
                let mut shard = self.write(&secret.hash);
                if let Some(revoked_at) = secret.restored_from {
                    shard.undo(Digest::of(&secret.hash), revoked_at);
                }
                shard.insert(&secret, &limits);
            }
            Change::SecretRevoked { hash, revocation, .. } => {
                self.write(&hash).end(Digest::of(&hash), revocation);
            }
            Change::CanaryCreated(canary) => self.canaries.add(canary),
            Change::CanaryRemoved(canary) => self.canaries.remove(canary),
            Change::AccountChanged(live) => self.accounts.change(live),
            Change::AccountStopped { number, state, .. } => self.accounts.stop(number, state),
            Change::RulesChanged(live) => self.rules.store(Arc::new(LiveRuleTable::new(&live))),
        }
        self.seq.store(seq, Ordering::Release);
    }
}

impl Table for LiveTable {
    fn serve_until(&self, until: Option<Moment>) {
        if let Some(lease_guard) = &self.lease_guard {
            lease_guard.set(until);
        }
    }

    fn may_serve(&self) -> bool {
        self.may_serve()
    }

    fn seq(&self) -> i64 {
        self.seq()
    }

    fn take_usage(&self, all: bool) -> Vec<Usage> {
        self.meters.take(all)
    }

    fn take_ended(&self) -> EndedRequests {
        self.ended.take()
    }

    fn take_canary_uses(&self) -> Vec<CanaryUse> {
        self.canaries.take()
    }

    fn has_quotas(&self) -> bool {
        self.accounts.have_quotas()
    }

    fn take_counted(&self) -> HashMap<Month, Vec<QuotaUse>> {
        self.spending.take_counted()
    }

    fn note_quota_use(&self, month: Month, totals: &[QuotaUse]) {
        self.spending.receive(month, totals);
    }
}

impl Subject {
    pub fn token_owner(self) -> TokenOwner {
        match self {
            Self::Member(member) => TokenOwner::Member(member),
            Self::Account(_) => TokenOwner::Account,
        }
    }
}
