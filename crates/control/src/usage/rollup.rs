//! The job that adds up the use of tokens: the hours of an account from those of its tokens, and days from hours. Each
//! result replaces the one before, so it doesn't matter how often, or on how many consoles, the job runs.

use crate::AppState;
use keydesk_model::{AccountId, AccountNumber, PeriodUse, Timestamp};
use keydesk_store::{Period, Read, Store, StoreError, Write};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Reports that were on their way when the job ran before.
const OVERLAP: Duration = Duration::from_mins(2);
/// The time without reports that is a gap: no request is known of it.
const GAP: Duration = Duration::from_hours(2);
/// The number of days that one transaction adds up, so that other writes don't wait for long.
const AT_ONCE: usize = 50;
/// The time between deletions.
const FORGET: Duration = Duration::from_hours(1);

/// Adds up the use of tokens.
#[derive(Debug, Default)]
pub struct UsageRollup {
    next_forget: Option<Timestamp>,
}

/// Returns the hour before which everything is added up.
pub(super) async fn rolled_until(read: &mut Read) -> Result<Timestamp, StoreError> {
    Ok(read.rolled_up_at().await?.start_of_hour())
}

impl UsageRollup {
    /// Adds up the hours that have ended since the last run, and those that were reported late.
    ///
    /// # Errors
    ///
    /// If the database can't be used. The next run adds up what this one couldn't.
    pub async fn run(&mut self, app: &AppState) -> Result<(), StoreError> {
        let now = app.now();
        let mut read = app.store.read().await?;
        let before = read.rolled_up_at().await?;
        let hour = now.start_of_hour();
        // An hour that has ended may not have been reported since.
        let since = if before < hour { before.start_of_hour() } else { before };
        let changed = read.list_changed_hours(since.minus(OVERLAP), hour).await?;
        let (mut accounts, mut days) = (BTreeSet::new(), BTreeSet::new());
        let mut known = BTreeMap::new();
        for (subject, at) in changed {
            if !known.contains_key(&subject) {
                let found = account_of(&mut read, &subject).await?;
                known.insert(subject.clone(), found);
            }
            if let Some(Some(account)) = known.get(&subject) {
                accounts.insert((*account, at));
                days.insert((subject, at.start_of_day()));
                days.insert((account.0.to_string(), at.start_of_day()));
            }
        }
        drop(read);
        for (account, at) in accounts {
            add_up_hour(app, account, at).await?;
        }
        let days: Vec<_> = days.into_iter().collect();
        for part in days.chunks(AT_ONCE) {
            let mut write = app.store.write(app.now()).await?;
            for (subject, at) in part {
                add_up_day(&mut write, subject, (*at, hour)).await?;
            }
            write.keep().await?;
        }
        let mut write = app.store.write(now).await?;
        let complete = write.usage_completeness().await?.until;
        let is_late = |at: Timestamp| now.since(at) > GAP;
        write.set_rolled_up_at(now, is_late(before) || complete.is_none_or(is_late)).await?;
        write.keep().await?;
        let log = app.settings.request_log;
        let oldest = now.minus(DAY * u32::from(log.retention_days));
        app.store.forget_requests(oldest, log.per_account).await?;
        self.forget(app, now).await
    }

    async fn forget(&mut self, app: &AppState, now: Timestamp) -> Result<(), StoreError> {
        if self.next_forget.is_some_and(|at| now < at) {
            return Ok(());
        }
        self.next_forget = Some(now.plus(FORGET));
        app.store.forget_failing_client_decisions(now.minus(Store::HOURS_KEPT)).await?;
        app.store.forget_period_use(Period::Hour, now.minus(Store::HOURS_KEPT)).await?;
        app.store.forget_period_use(Period::Day, now.minus(Store::DAYS_KEPT)).await
    }
}

type Account = (AccountId, AccountNumber);

/// Returns the account of a token's ID or, for requests without a token, of an account number.
async fn account_of(read: &mut Read, subject: &str) -> Result<Option<Account>, StoreError> {
    let found = match (subject.parse(), subject.parse()) {
        (Ok(token), _) => match read.find_account_of_token(token).await? {
            Some(account) => read.find_account(account).await?,
            None => None,
        },
        (_, Ok(number)) => read.find_account_by_number(number).await?,
        _ => None,
    };
    Ok(found.map(|account| (account.id, account.number)))
}

async fn add_up_hour(app: &AppState, account: Account, at: Timestamp) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let added = write.add_up_period_use(account, (Period::Hour, None), (at, at.plus(HOUR))).await?;
    if let Some(used) = added.get(&at) {
        write.set_period_use(&account.0.to_string(), (Period::Hour, at), used).await?;
    }
    write.keep().await
}

/// Adds up the hours of a day that are before `until`.
async fn add_up_day(
    write: &mut Write,
    subject: &str,
    (at, until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let range = (at, at.plus(DAY).min(until));
    let mut used = PeriodUse::default();
    for hour in write.list_period_use(subject, (Period::Hour, None), range).await?.values() {
        used.merge(hour);
    }
    write.set_period_use(subject, (Period::Day, at), &used).await
}
