//! The use of tokens by hour and day. Gateways report the hours of tokens; a job makes the hours of accounts and all days
//! from them. A row is replaced, never added to, so a repeated report or job counts nothing twice.

use crate::{
    Read, Reliability, Store, StoreError, Write, row,
    sql::{Query, SqlRow, composed, groups, query},
};
use keydesk_model::{
    AccountId, AccountNumber, EndedRequests, NodeId, PeriodUse, Timestamp, TokenId, UsePart,
    UsedToken,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

/// A length of time whose use is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Hour,
    Day,
}

impl Period {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// The use in each period, by its beginning.
pub type UseByPeriod = BTreeMap<Timestamp, PeriodUse>;

/// Up to when the use is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    /// `None` if no gateway has reported yet.
    pub until: Option<Timestamp>,
    /// The number of requests that gateways could not count.
    pub lost: i64,
}

/// What a token is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLabel {
    pub id: TokenId,
    pub name: String,
    /// The name of the member whose bearer token it is.
    pub member: Option<String>,
}

/// The requests of an account on a day.
#[derive(Clone, Debug)]
pub struct AccountDay {
    pub number: AccountNumber,
    pub name: String,
    pub at: Timestamp,
    pub used: Reliability,
}

/// What a gateway reports.
#[derive(Clone, Debug)]
pub struct UsageReport<'a> {
    pub by: NodeId,
    /// The process, because a process that has restarted doesn't know what it reported before.
    pub reporter: &'a str,
    /// The uses that have changed, each for the whole hour.
    pub uses: Vec<((UsedToken, Timestamp), &'a PeriodUse)>,
    pub ended: &'a EndedRequests,
    /// Everything that ended before is in a report.
    pub complete_until: Timestamp,
    pub now: Timestamp,
}

/// The numbers of rows in one statement, because each statement costs a round trip to the database's thread. Few sizes
/// keep the number of prepared statements low.
const SIZES: [usize; 3] = [32, 8, 1];
const COLUMNS: usize = 9;

/// Returns the statement that stores `count` uses.
fn set(count: usize) -> Query {
    let row = |row: usize| {
        let columns = (1..=COLUMNS).map(|column| format!("${}", row * COLUMNS + column));
        format!("({})", columns.collect::<Vec<_>>().join(", "))
    };
    let rows = (0..count).map(row).collect::<Vec<_>>().join(", ");
    composed(format!(
        "INSERT INTO period_use (subject, period, at, reporter, body, requests, errors, server_errors, written_at) \
         VALUES {rows} ON CONFLICT (subject, period, at, reporter) DO UPDATE SET \
         body = excluded.body, requests = excluded.requests, errors = excluded.errors, \
         server_errors = excluded.server_errors, written_at = excluded.written_at"
    ))
}
const MARK: &str = "INSERT INTO usage_mark (node_id, complete_until, lost) VALUES ($1, $2, $3) \
    ON CONFLICT (node_id) DO UPDATE SET complete_until = excluded.complete_until, \
    lost = usage_mark.lost + excluded.lost";
const COMPLETE: &str = "SELECT min(usage_mark.complete_until) AS until, \
    CAST((SELECT coalesce(sum(lost), 0) FROM usage_mark) AS BIGINT) AS lost \
    FROM usage_mark JOIN node ON node.id = usage_mark.node_id";
const OF_SUBJECT: &str = "SELECT at, body FROM period_use \
    WHERE subject = $1 AND period = $2 AND at >= $3 AND at < $4 ORDER BY at";
const OF_TOKENS: &str = "SELECT subject, at, body FROM token \
    JOIN period_use ON period_use.subject = token.id \
    WHERE token.account_id = $1 AND period = $2 AND at >= $3 AND at < $4";
const CHANGED: &str = "SELECT DISTINCT subject, at FROM period_use \
    WHERE period = 'hour' AND reporter <> '' AND written_at >= $1 AND at < $2 ORDER BY at, subject";
const REPORTING: &str = "SELECT count(*) AS number FROM usage_mark JOIN node ON node.id = usage_mark.node_id \
    WHERE complete_until >= $1";
/// The days of the accounts with the most requests.
const BY_ACCOUNT: &str = "SELECT account.number, account.name, at, requests, errors, server_errors FROM period_use \
    JOIN account ON account.id = period_use.subject WHERE period = 'day' AND at >= $1 AND subject IN \
    (SELECT account.id FROM period_use AS used JOIN account ON account.id = used.subject \
      WHERE used.period = 'day' AND used.at >= $1 GROUP BY account.id ORDER BY sum(used.requests) DESC, account.id LIMIT $2) \
    ORDER BY account.number, at";
/// The requests of tokens by day, and those that no day has yet.
const BY_TOKEN: &str = "SELECT subject, at, requests FROM period_use JOIN token ON token.id = period_use.subject \
    WHERE token.account_id = $1 AND (($2 = '' AND token.token_owner = 'account') OR token.id = $2) \
    AND ((period = 'day' AND at >= $3) OR (period = 'hour' AND reporter <> '' AND at >= $4))";
const ROLLED: &str = "SELECT coalesce((SELECT until FROM usage_rollup WHERE one = 1), 0) AS until";
const GAP: &str =
    "SELECT coalesce((SELECT gap_until FROM usage_rollup WHERE one = 1), 0) AS gap_until";
const ROLL: &str = "INSERT INTO usage_rollup (one, until, gap_until) VALUES (1, $1, $2) \
    ON CONFLICT (one) DO UPDATE SET until = excluded.until, \
    gap_until = CASE WHEN excluded.gap_until > 0 THEN excluded.gap_until ELSE usage_rollup.gap_until END";
const FORGET: &str = "DELETE FROM period_use WHERE period = $1 AND at < $2";
const ACCOUNT: &str = "SELECT account_id FROM token WHERE id = $1";
const NAMES: &str = "SELECT token.id, token.name, users.name AS member FROM token \
    LEFT JOIN member ON member.id = token.member_id LEFT JOIN users ON users.id = member.user_id \
    WHERE token.account_id = $1 AND ($2 = '' OR token.id = $2)";

/// Reads a use, or only a part of it.
fn used(row: &SqlRow, part: Option<UsePart>) -> Result<(Timestamp, PeriodUse), StoreError> {
    let body: &str = row.get("body")?;
    let body = match part {
        Some(part) => part.read(body),
        None => serde_json::from_str(body),
    };
    let body = body.map_err(|_| StoreError::Unreadable { column: "body" })?;
    Ok((row::instant(row, "at")?, body))
}

/// Adds a use to those of its period.
fn add(found: &mut UseByPeriod, (at, used): (Timestamp, PeriodUse)) {
    match found.entry(at) {
        Entry::Vacant(new) => drop(new.insert(used)),
        Entry::Occupied(known) => known.into_mut().merge(&used),
    }
}

/// A use to be stored.
struct Stored<'a> {
    subject: &'a str,
    period: Period,
    at: Timestamp,
    reporter: &'a str,
    used: &'a PeriodUse,
    written_at: Timestamp,
}

impl Stored<'_> {
    fn bind(&self, set: Query) -> Query {
        let Self { subject, period, at, reporter, used, written_at } = *self;
        let body = serde_json::to_string(used).expect("it has string keys only");
        let [_, _, failed, broken] = used.all.by_class;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let set = set.bind(subject).bind(period.as_str()).bind(at).bind(reporter).bind(body);
        let set = set.bind(number(used.all.requests)).bind(number(failed + broken));
        set.bind(number(broken)).bind(written_at)
    }
}

fn label(row: &SqlRow) -> Result<TokenLabel, StoreError> {
    let (id, name) = (row::parsed(row, "id")?, row::text(row, "name")?);
    Ok(TokenLabel { id, name, member: row.get("member")? })
}

impl Read {
    /// Returns the use of a token, or of an account, in the periods that begin from `since` to before `until`.
    pub async fn list_period_use(
        &mut self,
        subject: &str,
        (period, part): (Period, Option<UsePart>),
        (since, until): (Timestamp, Timestamp),
    ) -> Result<UseByPeriod, StoreError> {
        let asked = query(OF_SUBJECT).bind(subject).bind(period.as_str()).bind(since).bind(until);
        let mut found = UseByPeriod::new();
        for row in &asked.all(self).await? {
            add(&mut found, used(row, part)?);
        }
        Ok(found)
    }

    /// Returns the use of an account in these periods, from that of its tokens.
    pub async fn add_up_period_use(
        &mut self,
        (account, number): (AccountId, AccountNumber),
        (period, part): (Period, Option<UsePart>),
        (since, until): (Timestamp, Timestamp),
    ) -> Result<UseByPeriod, StoreError> {
        let asked = query(OF_TOKENS).bind(account).bind(period.as_str()).bind(since).bind(until);
        let mut found = UseByPeriod::new();
        for row in &asked.all(self).await? {
            let (at, body) = used(row, part)?;
            found.entry(at).or_default().merge_token(row.get("subject")?, &body);
        }
        let others =
            self.list_period_use(&number.to_string(), (period, part), (since, until)).await?;
        for (at, body) in &others {
            found.entry(*at).or_default().merge_token("", body);
        }
        Ok(found)
    }

    /// Returns the subjects and the beginnings of hours before `until` that gateways have reported since an instant.
    pub async fn list_changed_hours(
        &mut self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let rows = query(CHANGED).bind(since).bind(until).all(self).await?;
        rows.iter().map(|row| Ok((row::text(row, "subject")?, row::instant(row, "at")?))).collect()
    }

    /// Returns the account of a token.
    pub async fn find_account_of_token(
        &mut self,
        token: TokenId,
    ) -> Result<Option<AccountId>, StoreError> {
        let row = query(ACCOUNT).bind(token).optional(self).await?;
        row.map(|row| row::parsed(&row, "account_id")).transpose()
    }

    /// Returns the names of all tokens of an account, including revoked ones.
    pub async fn list_token_names(
        &mut self,
        account: AccountId,
    ) -> Result<Vec<TokenLabel>, StoreError> {
        query(NAMES).bind(account).bind("").all(self).await?.iter().map(label).collect()
    }

    /// Returns the name of a token of an account.
    pub async fn find_token_label(
        &mut self,
        account: AccountId,
        token: TokenId,
    ) -> Result<Option<TokenLabel>, StoreError> {
        let found = query(NAMES).bind(account).bind(token).optional(self).await?;
        found.as_ref().map(label).transpose()
    }

    /// Returns the days since an instant of the accounts with the most requests, by account number.
    pub async fn list_account_days(
        &mut self,
        since: Timestamp,
        most: u32,
    ) -> Result<Vec<AccountDay>, StoreError> {
        let rows = query(BY_ACCOUNT).bind(since).bind(most).all(self).await?;
        let day = |row: &SqlRow| {
            Ok(AccountDay {
                number: row::account_number(row, "number")?,
                name: row::text(row, "name")?,
                at: row::instant(row, "at")?,
                used: Reliability::read(row)?,
            })
        };
        rows.iter().map(day).collect()
    }

    /// Returns the number of gateways that have reported since an instant.
    pub async fn count_reporting_gateways(&mut self, since: Timestamp) -> Result<i64, StoreError> {
        query(REPORTING).bind(since).one(self).await?.get("number")
    }

    /// Returns the requests of an account's API tokens by day since an instant, without what they were.
    pub async fn list_requests_by_day(
        &mut self,
        account: AccountId,
        (since, rolled): (Timestamp, Timestamp),
    ) -> Result<Vec<(TokenId, Timestamp, u64)>, StoreError> {
        let asked = query(BY_TOKEN).bind(account).bind("").bind(since).bind(rolled);
        let requests = |row: &SqlRow| {
            let requests = u64::try_from(row.get::<i64>("requests")?).unwrap_or_default();
            Ok((row::parsed(row, "subject")?, row::instant(row, "at")?.start_of_day(), requests))
        };
        asked.all(self).await?.iter().map(requests).collect()
    }

    /// Returns the instant of the last roll-up.
    pub async fn rolled_up_at(&mut self) -> Result<Timestamp, StoreError> {
        row::instant(&query(ROLLED).one(self).await?, "until")
    }

    /// Returns the end of the last time in which gateways reported nothing.
    pub async fn last_usage_gap(&mut self) -> Result<Timestamp, StoreError> {
        row::instant(&query(GAP).one(self).await?, "gap_until")
    }

    pub async fn usage_completeness(&mut self) -> Result<Completeness, StoreError> {
        let row = query(COMPLETE).one(self).await?;
        Ok(Completeness { until: row::instant_opt(&row, "until")?, lost: row.get("lost")? })
    }
}

impl Write {
    /// Stores the instant of a roll-up, and whether gateways reported nothing before it.
    pub async fn set_rolled_up_at(
        &mut self,
        at: Timestamp,
        after_gap: bool,
    ) -> Result<(), StoreError> {
        let gap = if after_gap { at.as_micros() } else { 0 };
        query(ROLL).bind(at).bind(gap).execute(self).await.map(|_| ())
    }

    /// Stores the use in a period that was made from others.
    pub async fn set_period_use(
        &mut self,
        subject: &str,
        (period, at): (Period, Timestamp),
        body: &PeriodUse,
    ) -> Result<(), StoreError> {
        let written_at = self.now();
        let stored = Stored { subject, period, at, reporter: "", used: body, written_at };
        stored.bind(set(1)).execute(self).await.map(|_| ())
    }
}

impl Store {
    /// Stores the report of a gateway. It can be sent again: rows are replaced.
    pub async fn record_ended(&self, report: &UsageReport<'_>) -> Result<(), StoreError> {
        let mut aside = self.aside().await?;
        for group in groups(&report.uses, &SIZES) {
            let bind = |set, ((subject, at), used): &((UsedToken, Timestamp), &PeriodUse)| {
                let (subject, reporter) = (&*subject.to_string(), report.reporter);
                let (period, at, written_at) = (Period::Hour, *at, report.now);
                Stored { subject, period, at, reporter, used, written_at }.bind(set)
            };
            group.iter().fold(set(group.len()), bind).execute(&mut aside).await?;
        }
        crate::request_log::add(&mut aside, &report.ended.logged).await?;
        let lost = i64::try_from(report.ended.lost).unwrap_or(i64::MAX);
        let mark = query(MARK).bind(report.by).bind(report.complete_until).bind(lost);
        mark.execute(&mut aside).await?;
        aside.finish().await
    }

    /// Deletes the use in periods that began before an instant.
    pub async fn forget_period_use(
        &self,
        period: Period,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(period.as_str()).bind(before)).await.map(|_| ())
    }

    /// The time for which hours and days are kept.
    pub const HOURS_KEPT: Duration = Duration::from_hours(35 * 24);
    pub const DAYS_KEPT: Duration = Duration::from_hours(396 * 24);
}
