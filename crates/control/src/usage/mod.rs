//! How often the tokens of an account were used: by hour, day, or month, and by token, operation, client, network, or
//! status. Reads what a job has added up, and adds up the hours since then.

pub(crate) mod api;
pub(crate) mod console;
mod rollup;

pub use rollup::UsageRollup;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
use jiff::{civil::DateTime, tz::Offset};
use keydesk_model::{
    AccountId, AccountNumber, Counts, OTHER, PeriodUse, Permission, Tally, Timestamp, TokenId,
    UsePart,
};
use keydesk_store::{AuditLine, Completeness, Period, Read, StoreError, TokenLabel, UseByPeriod};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// The time that the usage of single tokens is shown for.
pub(crate) const MONTH: Duration = Duration::from_hours(30 * 24);
const HOUR: Duration = Duration::from_hours(1);
/// The time that a range can reach into the future: a bucket that has begun.
const AHEAD: Duration = Duration::from_hours(366 * 24);
/// The longest range by hour and by day or month: as long as they are kept.
const MOST_HOURS: Duration = Duration::from_hours(35 * 24);
const MOST_DAYS: Duration = Duration::from_hours(396 * 24);

/// The length of time that one point stands for, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Hour,
    Day,
    Month,
}

impl Bucket {
    /// Returns the beginning of the bucket that holds an instant.
    fn start(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Hour => at.start_of_hour(),
            Self::Day => at.start_of_day(),
            Self::Month => {
                let date = utc(at).date().first_of_month();
                let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or_default();
                Timestamp::from_micros(midnight.as_microsecond())
            }
        }
    }

    /// Returns the end of the bucket that holds an instant.
    pub fn end(self, at: Timestamp) -> Timestamp {
        self.next(self.start(at))
    }

    fn next(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Hour => start.plus(HOUR),
            Self::Day => start.plus(HOUR * 24),
            // The first of a month and 31 days is in the next month.
            Self::Month => self.start(start.plus(HOUR * 24 * 31)),
        }
    }
}

fn utc(at: Timestamp) -> DateTime {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    Offset::UTC.to_datetime(at)
}

/// What the requests are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    Token,
    Operation,
    Client,
    Network,
    Status,
}

impl Grouping {
    fn part(self) -> UsePart {
        match self {
            Self::Token => UsePart::Tokens,
            Self::Operation => UsePart::Operations,
            Self::Client => UsePart::Clients,
            Self::Network => UsePart::Networks,
            Self::Status => UsePart::Statuses,
        }
    }

    fn of(self, used: &PeriodUse) -> &Counts {
        match self {
            Self::Token => &used.tokens,
            Self::Operation => &used.operations,
            Self::Client => &used.clients,
            Self::Network => &used.networks,
            Self::Status => &used.statuses,
        }
    }
}

/// What is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsageQuery {
    pub since: Timestamp,
    /// The end of the last bucket is the first that is not before this instant.
    pub until: Timestamp,
    pub bucket: Bucket,
    pub grouping: Grouping,
    /// One token, or all of the account and requests without one.
    pub token: Option<TokenId>,
}

/// The requests of one token, operation, client, network, or status.
#[derive(Debug)]
pub(crate) struct Series {
    /// The ID or name. Empty for requests without a valid token, or without a known operation; `*` for all others.
    pub key: String,
    /// What the token is called.
    pub token: Option<TokenLabel>,
    pub total: Tally,
    /// One for each bucket.
    pub points: Vec<Tally>,
}

#[derive(Debug)]
pub(crate) struct Usage {
    /// The beginning of each bucket, and the end of the last one.
    pub buckets: Vec<Timestamp>,
    pub until: Timestamp,
    pub total: Tally,
    pub points: Vec<Tally>,
    /// The most used first.
    pub series: Vec<Series>,
    pub completeness: Completeness,
}

/// Reads the usage of an account or of one of its tokens.
pub(crate) async fn read(
    app: &AppState,
    caller: &Caller,
    wanted: &UsageQuery,
) -> Result<Usage, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let most = if wanted.bucket == Bucket::Hour { MOST_HOURS } else { MOST_DAYS };
    // The calendar ends in the year 9999.
    let is_possible = wanted.since >= Timestamp::from_micros(0)
        && wanted.since < wanted.until
        && wanted.until <= app.now().plus(AHEAD);
    if !is_possible || wanted.until.since(wanted.since) > most {
        return Err(Refusal::new(Code::InvalidUsageRange).at("from"));
    }
    let account = (caller.account.id, caller.account.number);
    let mut read = app.store.read().await?;
    if let Some(token) = wanted.token {
        read.find_token(account.0, token).await?.ok_or(Code::NotFound)?;
    }
    let buckets = buckets(wanted);
    let until = buckets.last().map_or(wanted.until, |last| wanted.bucket.next(*last));
    let since = buckets.first().copied().unwrap_or(wanted.since);
    let found = list(&mut read, account, wanted, (since, until)).await?;
    let names = match wanted.grouping {
        Grouping::Token => read.list_token_names(account.0).await?,
        _ => Vec::new(),
    };
    let names: HashMap<_, _> = names.into_iter().map(|label| (label.id, label)).collect();
    let completeness = read.usage_completeness().await?;
    let (total, points, series) = divide(&found, &buckets, wanted, &names);
    Ok(Usage { buckets, until, total, points, series, completeness })
}

/// The number of changes that a chart marks.
const MOST_MARKS: u32 = 20;

/// Returns the newest changes that can explain a chart, or none if the caller may not see the audit log.
pub(crate) async fn list_marks(
    app: &AppState,
    caller: &Caller,
    wanted: &UsageQuery,
) -> Result<Vec<AuditLine>, Refusal> {
    if !caller.may(Permission::SeeAudit) {
        return Ok(Vec::new());
    }
    let (account, range) = (caller.account.id, (wanted.since, wanted.until));
    let mut read = app.store.read().await?;
    Ok(read.list_marked_changes(account, wanted.token, range, MOST_MARKS).await?)
}

/// Returns the requests of each API token in the last 30 days, by day.
pub(crate) async fn read_month_by_token(
    app: &AppState,
    caller: &Caller,
) -> Result<HashMap<TokenId, Vec<u64>>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let since = Bucket::Day.end(app.now()).minus(MONTH);
    let mut read = app.store.read().await?;
    let rolled = rollup::rolled_until(&mut read).await?.max(since);
    let mut found: HashMap<TokenId, Vec<u64>> = HashMap::new();
    let days = read.list_requests_by_day(caller.account.id, (since, rolled)).await?;
    for (token, day, requests) in days {
        let place = day.since(since).as_secs() / Duration::from_hours(24).as_secs();
        let days = found.entry(token).or_insert_with(|| vec![0; 30]);
        if let Some(count) = usize::try_from(place).ok().and_then(|place| days.get_mut(place)) {
            *count += requests;
        }
    }
    Ok(found)
}

fn buckets(wanted: &UsageQuery) -> Vec<Timestamp> {
    let first = wanted.bucket.start(wanted.since);
    let all = std::iter::successors(Some(first), |start| Some(wanted.bucket.next(*start)));
    all.take_while(|start| *start < wanted.until).collect()
}

/// Returns the use by hour or day, which begin in the range.
async fn list(
    read: &mut Read,
    account: (AccountId, AccountNumber),
    wanted: &UsageQuery,
    (since, until): (Timestamp, Timestamp),
) -> Result<UseByPeriod, StoreError> {
    let subject = wanted.token.map_or_else(|| account.0.to_string(), |token| token.to_string());
    let part = wanted.grouping.part();
    let hours = (Period::Hour, Some(part));
    if wanted.bucket == Bucket::Hour {
        return match wanted.token {
            Some(_) => read.list_period_use(&subject, hours, (since, until)).await,
            None => hours_of_account(read, account, (since, until), part).await,
        };
    }
    let rolled = rollup::rolled_until(read).await?.clamp(since, until);
    let days = (Period::Day, Some(part));
    let mut found = read.list_period_use(&subject, days, (since, rolled)).await?;
    let rest = (rolled, until);
    let later = match wanted.token {
        Some(_) => read.list_period_use(&subject, hours, rest).await?,
        None => read.add_up_period_use(account, hours, rest).await?,
    };
    for (at, used) in later {
        found.entry(at).or_default().merge(&used);
    }
    Ok(found)
}

/// Returns the use of an account in the hours of a range.
pub(crate) async fn hours_of_account(
    read: &mut Read,
    account: (AccountId, AccountNumber),
    (since, until): (Timestamp, Timestamp),
    part: UsePart,
) -> Result<UseByPeriod, StoreError> {
    let rolled = rollup::rolled_until(read).await?.clamp(since, until);
    let (subject, hours) = (account.0.to_string(), (Period::Hour, Some(part)));
    let mut found = read.list_period_use(&subject, hours, (since, rolled)).await?;
    found.extend(read.add_up_period_use(account, hours, (rolled, until)).await?);
    Ok(found)
}

type Divided = (Tally, Vec<Tally>, Vec<Series>);

fn divide(
    found: &UseByPeriod,
    buckets: &[Timestamp],
    wanted: &UsageQuery,
    names: &HashMap<TokenId, TokenLabel>,
) -> Divided {
    let mut total = Tally::default();
    let mut points = vec![Tally::default(); buckets.len()];
    let mut series: BTreeMap<&str, Series> = BTreeMap::new();
    for (at, used) in found {
        let start = wanted.bucket.start(*at);
        let Ok(place) = buckets.binary_search(&start) else { continue };
        total.merge(&used.all);
        points[place].merge(&used.all);
        for (key, tally) in wanted.grouping.of(used).iter() {
            let one = series.entry(key).or_insert_with(|| Series {
                key: key.to_owned(),
                token: key.parse().ok().and_then(|id: TokenId| names.get(&id).cloned()),
                total: Tally::default(),
                points: vec![Tally::default(); buckets.len()],
            });
            one.total.merge(tally);
            one.points[place].merge(tally);
        }
    }
    let mut series: Vec<_> = series.into_values().collect();
    // The most used first, and what is not counted separately last.
    series.sort_by(|a, b| {
        let order = |one: &Series| (one.key == OTHER, std::cmp::Reverse(one.total.requests));
        order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
    });
    (total, points, series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().expect("RFC 3339");
        Timestamp::from_micros(at.as_microsecond())
    }

    #[test]
    fn buckets_begin_at_whole_hours_days_and_months() {
        let wanted = |bucket, since: &str, until: &str| UsageQuery {
            since: at(since),
            until: at(until),
            bucket,
            grouping: Grouping::Token,
            token: None,
        };
        let hours = wanted(Bucket::Hour, "2026-11-30T22:10:00Z", "2026-12-01T01:00:01Z");
        assert_eq!(buckets(&hours).len(), 4, "22, 23, 0, and 1 o’clock");
        let days = wanted(Bucket::Day, "2026-02-27T22:10:00Z", "2026-03-02T00:00:00Z");
        assert_eq!(buckets(&days).len(), 3);
        let months = wanted(Bucket::Month, "2025-12-31T00:00:00Z", "2026-03-01T00:00:00Z");
        let expected = ["2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];
        assert_eq!(buckets(&months), expected.map(at));
    }
}
