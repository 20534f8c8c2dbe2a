//! `/usage`: a chart and a table of how often the account's tokens were used.

pub(crate) mod chart;

use super::{Bucket, Grouping, Series, Usage, UsageQuery, api, list_marks, parse_zone, read};
use crate::{
    AppState,
    audit::console::Row as Change,
    door::{
        cookie::choice_in,
        language::{label, text},
        layout::{Nav, PageLayout, page},
        problem::{Problem, detail},
        token_name::token_name,
        when::When,
    },
    principal::Caller,
    refusal::Refusal,
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use chart::{Chart, bucket_name, series_name};
use jiff::tz::TimeZone;
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
    zone: String,
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
    zone: TimeZone,
    /// Why the time zone of the address isn't the chosen one.
    error: Option<Refusal>,
}

impl Chosen {
    /// A time zone that isn't in the address is the one that was chosen before, as the script of the page stored it.
    fn of(query: &UsagePageQuery, headers: &HeaderMap) -> Self {
        let range = RANGES.into_iter().find(|range| range.0 == query.range);
        let group = GROUPS.into_iter().find(|group| group.0 == query.group);
        let token = query.token.parse().ok();
        // A single token is not divided by token.
        let first = if token.is_some() { GROUPS[1] } else { GROUPS[0] };
        let (range, group) = (range.unwrap_or(RANGES[0]), group.unwrap_or(first));
        let (zone, error) = match parse_zone(query.zone.trim()) {
            Err(refusal) => (TimeZone::UTC, Some(refusal)),
            Ok(_) if query.zone.is_empty() => (zone_before(headers), None),
            Ok(zone) => (zone, None),
        };
        Self { range, group, token, zone, error }
    }

    /// Returns the time zone of the chart. Months are longer than hours are kept, so they are those of UTC.
    fn zone(&self) -> TimeZone {
        if self.range.2 == Bucket::Month { TimeZone::UTC } else { self.zone.clone() }
    }

    fn query(&self, now: Timestamp) -> UsageQuery {
        let (_, length, bucket) = self.range;
        let until = bucket_end(bucket, now, &self.zone());
        UsageQuery {
            since: until.minus(length),
            until,
            bucket,
            zone: self.zone(),
            grouping: self.group.1,
            token: self.token,
        }
    }

    fn address(&self, path: &str) -> String {
        self.address_of(path, self.range.0, self.group.0, self.token)
    }

    fn address_of(&self, path: &str, range: &str, group: &str, token: Option<TokenId>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("range", range).append_pair("group", group);
        if let Some(token) = token {
            query.append_pair("token", &token.to_string());
        }
        query.append_pair("zone", zone_name(&self.zone));
        format!("{path}?{}", query.finish())
    }
}

fn zone_before(headers: &HeaderMap) -> TimeZone {
    let name = choice_in("zone", headers).unwrap_or_default();
    parse_zone(&name).unwrap_or(TimeZone::UTC)
}

fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// Returns the end of the bucket that holds this instant.
fn bucket_end(bucket: Bucket, now: Timestamp, zone: &TimeZone) -> Timestamp {
    match bucket {
        Bucket::Month => now,
        bucket => bucket.end(now, zone),
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
    zone: ZoneForm,
}

/// The choice of the time zone, with what else the address says.
struct ZoneForm {
    /// The names and values of the other fields.
    others: Vec<(&'static str, String)>,
    name: String,
    error: Option<String>,
    /// Says whether the chart is in UTC although another time zone is chosen.
    is_ignored: bool,
}

impl ZoneForm {
    fn of(chosen: &Chosen) -> Self {
        let token = chosen.token.map(|token| ("token", token.to_string()));
        let others = [("range", chosen.range.0.to_owned()), ("group", chosen.group.0.to_owned())];
        Self {
            others: others.into_iter().chain(token).collect(),
            name: zone_name(&chosen.zone).to_owned(),
            error: chosen.error.as_ref().map(detail),
            is_ignored: chosen.zone() != chosen.zone,
        }
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<UsagePageQuery>,
) -> Result<Response, Problem> {
    let (chosen, now) = (Chosen::of(&query, &headers), app.now());
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
    headers: HeaderMap,
    Query(query): Query<UsagePageQuery>,
) -> Result<Response, Problem> {
    let usage = read(&app, &caller, &Chosen::of(&query, &headers).query(app.now())).await?;
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
            address: chosen.address_of("/usage", range.0, chosen.group.0, chosen.token),
            is_chosen: range.0 == chosen.range.0,
        });
        let groups = GROUPS.iter().filter(|group| token.is_none() || group.0 != "token");
        let groups = groups.map(|group| Choice {
            name: label("usage-group", group.0),
            address: chosen.address_of("/usage", chosen.range.0, group.0, chosen.token),
            is_chosen: group.0 == chosen.group.0,
        });
        let time = |place: usize| bucket_name(usage, place);
        let marked = changes.iter().map(|change| change.instant);
        let chart = Chart::of(usage, chosen.group.1).with_marks(usage, marked);
        let by_time = (0..usage.buckets.len()).map(time).zip(usage.points.iter().cloned());
        let by_time = by_time.filter(|(_, tally)| tally.requests > 0).collect();
        let rows = usage.series.iter().take(MOST_ROWS).map(|one| row(one, usage, chosen)).collect();
        let of_token = chosen.token.map(|token| format!("?token={token}")).unwrap_or_default();
        Self {
            chrome,
            ranges: ranges.into(),
            groups: groups.collect(),
            token,
            all_address: chosen.address_of("/usage", chosen.range.0, chosen.group.0, None),
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
            zone: ZoneForm::of(chosen),
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
        address: token
            .map(|token| chosen.address_of("/usage", chosen.range.0, GROUPS[1].0, Some(token))),
        requests: *requests,
        rejected: *rejected,
        errors: by_class[2] + by_class[3],
        p50: time(0.5),
        p95: time(0.95),
        share: share(*requests, usage.total.requests),
        last_bucket: last.map(|place| bucket_name(usage, place)).unwrap_or_default(),
    }
}

fn share(part: u64, all: u64) -> String {
    let tenths = part * 1000 / all.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}
