//! How often the tokens of an account were used: by hour, day, or month, and by token, operation, client, network, or
//! status. Reads what a job has added up, and adds up the hours since then.

pub(crate) mod api;
mod bucket;
pub(crate) mod console;
mod rollup;

pub(crate) use bucket::Bucket;
pub use rollup::UsageRollup;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
use jiff::tz::TimeZone;
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
/// The time that a range can reach into the future: a bucket that has begun.
const AHEAD: Duration = Duration::from_hours(366 * 24);
/// The time by which a day begins earlier than in UTC, at most.
const AHEAD_OF_UTC: Duration = Duration::from_hours(24);
/// The longest range by hour and by day or month: as long as they are kept.
const MOST_HOURS: Duration = Duration::from_hours(35 * 24);
const MOST_DAYS: Duration = Duration::from_hours(396 * 24);

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
#[derive(Clone, Debug)]
pub(crate) struct UsageQuery {
    pub since: Timestamp,
    /// The end of the last bucket is the first that is not before this instant.
    pub until: Timestamp,
    pub bucket: Bucket,
    /// The time zone of days and months.
    pub zone: TimeZone,
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

impl UsageQuery {
    /// Says whether the range is added up from hours: days are kept as those of UTC.
    fn is_by_hour(&self) -> bool {
        self.bucket == Bucket::Hour || self.zone != TimeZone::UTC
    }

    /// Says whether what is kept can answer it. The calendar ends in the year 9999.
    fn is_possible(&self, now: Timestamp) -> bool {
        let most = if self.is_by_hour() { MOST_HOURS } else { MOST_DAYS };
        let first = self.bucket.start(self.since, &self.zone);
        self.since >= Timestamp::from_micros(0)
            && self.since < self.until
            && self.until <= now.plus(AHEAD)
            && self.until.since(self.since) <= most
            // Days that are made of hours need all of them.
            && (self.bucket == Bucket::Hour || now.since(first) <= most + AHEAD_OF_UTC)
    }
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
    pub bucket: Bucket,
    pub zone: TimeZone,
}

/// Returns the time zone of this name, or UTC for an empty one.
pub(crate) fn parse_zone(name: &str) -> Result<TimeZone, Refusal> {
    if name.is_empty() {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| Refusal::new(Code::InvalidTimeZone).at("zone"))
}

/// Reads the usage of an account or of one of its tokens.
pub(crate) async fn read(
    app: &AppState,
    caller: &Caller,
    wanted: &UsageQuery,
) -> Result<Usage, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    if !wanted.is_possible(app.now()) {
        return Err(Refusal::new(Code::InvalidUsageRange).at("from"));
    }
    let account = (caller.account.id, caller.account.number);
    let mut read = app.store.read().await?;
    if let Some(token) = wanted.token {
        read.find_token(account.0, token).await?.ok_or(Code::NotFound)?;
    }
    let buckets = wanted.bucket.list(wanted.since, wanted.until, &wanted.zone);
    let end = |last: &Timestamp| wanted.bucket.next(*last, &wanted.zone);
    let until = buckets.last().map_or(wanted.until, end);
    let since = buckets.first().copied().unwrap_or(wanted.since);
    let found = list(&mut read, account, wanted, (since, until)).await?;
    let names = match wanted.grouping {
        Grouping::Token => read.list_token_names(account.0).await?,
        _ => Vec::new(),
    };
    let names: HashMap<_, _> = names.into_iter().map(|label| (label.id, label)).collect();
    let completeness = read.usage_completeness().await?;
    let (total, points, series) = divide(&found, &buckets, wanted, &names);
    let UsageQuery { bucket, zone, .. } = wanted.clone();
    Ok(Usage { buckets, until, total, points, series, completeness, bucket, zone })
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
    let since = Bucket::Day.end(app.now(), &TimeZone::UTC).minus(MONTH);
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
    if wanted.is_by_hour() {
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
        let start = wanted.bucket.start(*at, &wanted.zone);
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
