//! The consumption of rate limits and quotas: an instant for each rate limit in use, and a count for each account with
//! a quota. Rate limits are local to this gateway; quotas are shared with all (`crates/store/src/quotas.rs`).

use super::folded::FoldedHash;
use keydesk_model::{AccountNumber, Month, QuotaUse, Rate, Taken, TokenId};
use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const SHARDS: usize = 64;
/// The number of rates in a shard after which full ones are removed.
const MANY: usize = 1_024;

/// The subject whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LimitKey {
    Account(AccountNumber),
    Token(TokenId),
    Operation(AccountNumber, Arc<str>),
}

type Hashing = BuildHasherDefault<FoldedHash>;

#[derive(Debug)]
pub(crate) struct LimitCounters {
    rates: Vec<Mutex<Rates>>,
    quotas: Vec<Mutex<HashMap<AccountNumber, Quota, Hashing>>>,
}

#[derive(Debug, Default)]
struct Rates {
    until: HashMap<LimitKey, i64, Hashing>,
    /// The number of rates at which the next cleanup is due.
    tidied_at: usize,
}

/// An account's requests in a month.
#[derive(Debug, Default)]
struct Quota {
    month: Month,
    /// The total of all gateways at the last report.
    known: i64,
    /// This gateway's requests since then, and those that are being reported.
    own: i64,
    sent: i64,
    /// This gateway's unreported requests of the previous month.
    late: Option<(Month, i64)>,
}

impl Default for LimitCounters {
    fn default() -> Self {
        Self {
            rates: (0..SHARDS).map(|_| Mutex::default()).collect(),
            quotas: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LimitCounters {
    /// Returns the shard, selected by hash bits that the maps do not use.
    fn shard<T: std::hash::Hash>(key: &T) -> usize {
        usize::try_from((Hashing::default().hash_one(key) >> 32) % SHARDS as u64).unwrap_or(0)
    }

    /// Takes one request from a rate limit. `now` is in microseconds.
    pub fn take(&self, purse: LimitKey, rate: Rate, now: i64) -> Result<Taken, Duration> {
        let mut rates = lock(&self.rates[Self::shard(&purse)]);
        if rates.until.len() >= rates.tidied_at.max(MANY) {
            // An instant in the past is equivalent to no entry.
            rates.until.retain(|_, until| *until > now);
            rates.tidied_at = rates.until.len() * 2;
        }
        let until = rates.until.entry(purse).or_insert(i64::MIN);
        let taken = rate.take(*until, now)?;
        *until = taken.until;
        Ok(taken)
    }

    /// Returns a request to the rate limit because another limit rejected it.
    pub fn give_back(&self, purse: &LimitKey, rate: Rate) {
        let mut rates = lock(&self.rates[Self::shard(purse)]);
        if let Some(until) = rates.until.get_mut(purse) {
            *until -= rate.each_micros();
        }
    }

    /// Counts a request and returns how many are left, or `None` if the quota is used up. It is then counted only if
    /// `anyway`.
    pub fn count(
        &self,
        account: AccountNumber,
        month: Month,
        most: u64,
        anyway: bool,
    ) -> Option<u64> {
        let mut quotas = lock(&self.quotas[Self::shard(&account)]);
        let quota = quotas.entry(account).or_default();
        quota.turn_to(month);
        let used = u64::try_from(quota.used()).unwrap_or(0);
        let left = most.checked_sub(used + 1);
        if left.is_some() || anyway {
            quota.own += 1;
        }
        left
    }

    /// Returns the unreported counts by month. They stay in flight until [`LimitCounters::told`].
    pub fn take_counted(&self) -> HashMap<Month, Vec<QuotaUse>> {
        let mut counted: HashMap<Month, Vec<QuotaUse>> = HashMap::new();
        for quotas in &self.quotas {
            for (account, quota) in lock(quotas).iter_mut() {
                let requests = std::mem::take(&mut quota.own);
                quota.sent += requests;
                let late = quota.late.take();
                let months = late.into_iter().chain([(quota.month, requests)]);
                for (month, requests) in months.filter(|(_, requests)| *requests > 0) {
                    let seen = QuotaUse { account: *account, requests };
                    counted.entry(month).or_default().push(seen);
                }
            }
        }
        counted
    }

    /// Receives the totals of all gateways, including this one.
    pub fn receive(&self, month: Month, totals: &[QuotaUse]) {
        for QuotaUse { account, requests } in totals {
            let mut quotas = lock(&self.quotas[Self::shard(account)]);
            let quota = quotas.entry(*account).or_default();
            if quota.month <= month {
                quota.turn_to(month);
                (quota.known, quota.sent) = (*requests, 0);
            }
        }
    }
}

impl Quota {
    fn used(&self) -> i64 {
        self.known + self.own + self.sent
    }

    fn turn_to(&mut self, month: Month) {
        if self.month < month {
            let (before, own) = (self.month, self.own);
            *self = Self { month, late: self.late, ..Self::default() };
            self.add_late(before, own);
        }
    }

    fn add_late(&mut self, month: Month, requests: i64) {
        if requests > 0 {
            let (latest, known) = self.late.unwrap_or((month, 0));
            self.late = Some((latest.max(month), known + requests));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::Timestamp;

    fn account(number: u32) -> AccountNumber {
        AccountNumber::try_from(number).expect("a number")
    }

    #[test]
    fn a_quota_counts_what_others_have_counted_and_nothing_twice() {
        let (spending, ours) = (LimitCounters::default(), account(385_403));
        let month = Month::of(Timestamp::from_micros(0));
        let left = |anyway| spending.count(ours, month, 10, anyway);
        assert_eq!((left(false), left(false)), (Some(9), Some(8)));
        let counted = spending.take_counted().remove(&month).expect("is counted");
        assert_eq!(counted, [QuotaUse { account: ours, requests: 2 }]);
        assert_eq!(left(false), Some(7), "what is on its way still counts");
        let more = spending.take_counted().remove(&month).expect("is counted");
        assert_eq!(more, [QuotaUse { account: ours, requests: 1 }]);
        // Another gateway has counted five requests.
        spending.receive(month, &[QuotaUse { account: ours, requests: 8 }]);
        assert_eq!((left(false), left(false), left(false)), (Some(1), Some(0), None));
        assert_eq!(left(true), None);
        let counted = spending.take_counted().remove(&month).expect("is counted");
        assert_eq!(counted[0].requests, 3, "the one that was only observed too");
        let next = Month::of(Timestamp::from_micros(40 * 86_400_000_000));
        assert_eq!(spending.count(ours, month, 20, false), Some(8));
        assert_eq!(spending.count(ours, next, 10, false), Some(9));
        let late = spending.take_counted();
        assert_eq!(
            late[&month],
            [QuotaUse { account: ours, requests: 1 }],
            "the last month's last"
        );
        spending.receive(month, &[QuotaUse { account: ours, requests: 11 }]);
        assert_eq!(spending.count(ours, next, 10, false), Some(8), "last month is over");
    }

    #[test]
    fn rates_are_told_apart_by_purse_and_forgotten_when_full() {
        let (spending, rate) = (LimitCounters::default(), "1/s".parse::<Rate>().expect("a rate"));
        for number in 0..200_000 {
            assert!(
                spending
                    .take(
                        LimitKey::Account(account(100_000 + number)),
                        rate,
                        i64::from(number) * 100
                    )
                    .is_ok()
            );
        }
        let held: usize = spending.rates.iter().map(|rates| lock(rates).until.len()).sum();
        assert!(held < 140_000, "{held}");
        let purse = LimitKey::Operation(account(385_403), "GET /a".into());
        assert!(spending.take(purse.clone(), rate, 0).is_ok());
        assert_eq!(spending.take(purse.clone(), rate, 0), Err(Duration::from_secs(1)));
        spending.give_back(&purse, rate);
        assert!(spending.take(purse, rate, 0).is_ok());
    }
}
