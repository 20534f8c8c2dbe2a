//! `/usage`: a chart and a table of how often the account's tokens were used.

pub(crate) mod chart;

use super::{Bucket, Grouping, Series, Usage, UsageQuery, api, list_marks, read};
use crate::{
    AppState,
    audit::console::Row as Change,
    door::{
        language::{label, text},
        layout::{Nav, PageLayout, page},
        problem::Problem,
        token_name::token_name,
        when::When,
    },
    principal::Caller,
};
use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use chart::{Chart, bucket_name, series_name};
use keydesk_model::{Tally, Timestamp, TokenId};
use serde::Deserialize;
use std::time::Duration;

/// The number of rows of the table, the most used first.
const MOST_ROWS: usize = 100;
const DAY: Duration = Duration::from_hours(24);

/// What the page shows, as its address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UsagePageQuery {
    range: String,
    group: String,
    token: String,
}

/// The ranges, each with its length and the length of a bar.
const RANGES: [(&str, Duration, Bucket); 4] = [
    ("24h", DAY, Bucket::Hour),
    ("7d", Duration::from_hours(7 * 24), Bucket::Hour),
    ("30d", Duration::from_hours(30 * 24), Bucket::Day),
    ("12mo", Duration::from_hours(365 * 24), Bucket::Month),
];
const GROUPS: [(&str, Grouping); 5] = [
    ("token", Grouping::Token),
    ("operation", Grouping::Operation),
    ("client", Grouping::Client),
    ("network", Grouping::Network),
    ("status", Grouping::Status),
];

/// The parts of the query that are known; unknown ones are the defaults.
struct Chosen {
    range: (&'static str, Duration, Bucket),
    group: (&'static str, Grouping),
    token: Option<TokenId>,
}

impl Chosen {
    fn of(query: &UsagePageQuery) -> Self {
        let range = RANGES.into_iter().find(|range| range.0 == query.range);
        let group = GROUPS.into_iter().find(|group| group.0 == query.group);
        let token = query.token.parse().ok();
        // A single token is not divided by token.
        let first = if token.is_some() { GROUPS[1] } else { GROUPS[0] };
        Self { range: range.unwrap_or(RANGES[0]), group: group.unwrap_or(first), token }
    }

    fn query(&self, now: Timestamp) -> UsageQuery {
        let (_, length, bucket) = self.range;
        let until = bucket_end(bucket, now);
        UsageQuery {
            since: until.minus(length),
            until,
            bucket,
            grouping: self.group.1,
            token: self.token,
        }
    }

    fn address(&self, path: &str) -> String {
        let token = self.token.map(|token| format!("&token={token}")).unwrap_or_default();
        format!("{path}?range={}&group={}{token}", self.range.0, self.group.0)
    }
}

/// Returns the end of the bucket that holds this instant.
fn bucket_end(bucket: Bucket, now: Timestamp) -> Timestamp {
    match bucket {
        Bucket::Month => now,
        bucket => bucket.end(now),
    }
}

/// A choice in the address of the page.
struct Choice {
    name: String,
    address: String,
    is_chosen: bool,
}

/// A line of the table.
struct Row {
    label: String,
    /// The token's own usage.
    address: Option<String>,
    requests: u64,
    rejected: u64,
    errors: u64,
    p50: String,
    p95: String,
    share: String,
    last_bucket: String,
}

#[derive(Template)]
#[template(path = "usage/show.html")]
struct UsagePage {
    chrome: PageLayout,
    ranges: Vec<Choice>,
    groups: Vec<Choice>,
    /// The name of the token to which the page is restricted.
    token: Option<String>,
    all_address: String,
    csv: String,
    requests_address: String,
    chart: Chart,
    rows: Vec<Row>,
    /// The number of further rows, which the CSV file has.
    more: usize,
    total: u64,
    group: String,
    complete_until: Option<When>,
    lost: i64,
    by_time: Vec<(String, Tally)>,
    /// The names of the classes of statuses.
    classes: [&'static str; 4],
    /// The changes that the chart marks.
    changes: Vec<Change>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<UsagePageQuery>,
) -> Result<Response, Problem> {
    let (chosen, now) = (Chosen::of(&query), app.now());
    let wanted = chosen.query(now);
    let usage = read(&app, &caller, &wanted).await?;
    let changes = list_marks(&app, &caller, &wanted).await?;
    let changes = changes.into_iter().map(|line| Change::new(line, now)).collect();
    let chrome = PageLayout::of(&caller, text("usage-title"), Nav::Usage);
    let token = match chosen.token {
        Some(token) => Some(token_name(&crate::requests::find_label(&app, &caller, token).await?)),
        None => None,
    };
    Ok(page(&UsagePage::new(chrome, (&chosen, token), (&usage, changes), now)))
}

pub(crate) async fn export(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<UsagePageQuery>,
) -> Result<Response, Problem> {
    let usage = read(&app, &caller, &Chosen::of(&query).query(app.now())).await?;
    Ok(api::csv_response(&usage))
}

impl UsagePage {
    fn new(
        chrome: PageLayout,
        (chosen, token): (&Chosen, Option<String>),
        (usage, changes): (&Usage, Vec<Change>),
        now: Timestamp,
    ) -> Self {
        let ranges = RANGES.map(|range| Choice {
            name: label("usage-range", range.0),
            address: Chosen { range, ..*chosen }.address("/usage"),
            is_chosen: range.0 == chosen.range.0,
        });
        let groups = GROUPS.iter().filter(|group| token.is_none() || group.0 != "token");
        let groups = groups.map(|group| Choice {
            name: label("usage-group", group.0),
            address: Chosen { group: *group, ..*chosen }.address("/usage"),
            is_chosen: group.0 == chosen.group.0,
        });
        let time = |place: usize| bucket_name(usage.buckets[place], chosen.range.2);
        let marked = changes.iter().map(|change| change.instant);
        let chart = Chart::of(usage, chosen.group.1, chosen.range.2).with_marks(usage, marked);
        let by_time = (0..usage.buckets.len()).map(time).zip(usage.points.iter().cloned());
        let by_time = by_time.filter(|(_, tally)| tally.requests > 0).collect();
        let rows = usage.series.iter().take(MOST_ROWS).map(|one| row(one, usage, chosen)).collect();
        let of_token = chosen.token.map(|token| format!("?token={token}")).unwrap_or_default();
        Self {
            chrome,
            ranges: ranges.into(),
            groups: groups.collect(),
            token,
            all_address: Chosen { token: None, ..*chosen }.address("/usage"),
            csv: chosen.address("/usage/export"),
            requests_address: format!("/requests{of_token}"),
            chart,
            rows,
            more: usage.series.len().saturating_sub(MOST_ROWS),
            total: usage.total.requests,
            group: label("usage-group", chosen.group.0),
            complete_until: usage.completeness.until.map(|at| When::past(at, now)),
            lost: usage.completeness.lost,
            by_time,
            classes: ["2xx", "3xx", "4xx", "5xx"],
            changes,
        }
    }
}

fn row(one: &Series, usage: &Usage, chosen: &Chosen) -> Row {
    let Tally { requests, rejected, by_class, times, .. } = &one.total;
    let time = |share| match times.quantile(share) {
        Some(time) if time.as_millis() < 1 => "< 1 ms".to_owned(),
        Some(time) => format!("{} ms", time.as_millis()),
        None => "–".to_owned(),
    };
    // A client can call itself like a token.
    let is_token = chosen.group.1 == Grouping::Token;
    let token = one.key.parse::<TokenId>().ok().filter(|_| is_token);
    let last = one.points.iter().rposition(|point| point.requests > 0);
    Row {
        label: series_name(one, chosen.group.1),
        address: token.map(|token| {
            Chosen { token: Some(token), group: GROUPS[1], ..*chosen }.address("/usage")
        }),
        requests: *requests,
        rejected: *rejected,
        errors: by_class[2] + by_class[3],
        p50: time(0.5),
        p95: time(0.95),
        share: share(*requests, usage.total.requests),
        last_bucket: last
            .map(|place| bucket_name(usage.buckets[place], chosen.range.2))
            .unwrap_or_default(),
    }
}

fn share(part: u64, all: u64) -> String {
    let tenths = part * 1000 / all.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}
