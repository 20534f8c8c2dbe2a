//! `GET /usage` of the management API, as JSON and as CSV.

use super::{Bucket, Grouping, Series, Usage, UsageQuery, parse_zone, read};
use crate::{
    AppState,
    door::{
        api::{
            ApiError, Instant,
            principal::{ApiQuery, By},
        },
        csv::record,
        token_name::token_name,
    },
    principal::Caller,
    refusal::{Code, Refusal},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use keydesk_model::{Tally, Timestamp, TokenId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// The length of time of a point.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BucketName {
    #[default]
    Hour,
    Day,
    Month,
}

impl From<BucketName> for Bucket {
    fn from(name: BucketName) -> Self {
        match name {
            BucketName::Hour => Self::Hour,
            BucketName::Day => Self::Day,
            BucketName::Month => Self::Month,
        }
    }
}

/// What requests are divided by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum GroupName {
    #[default]
    Token,
    Operation,
    Client,
    Network,
    Status,
}

impl From<GroupName> for Grouping {
    fn from(name: GroupName) -> Self {
        match name {
            GroupName::Token => Self::Token,
            GroupName::Operation => Self::Operation,
            GroupName::Client => Self::Client,
            GroupName::Network => Self::Network,
            GroupName::Status => Self::Status,
        }
    }
}

/// Which usage is read.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParams {
    /// The beginning, moved to the beginning of its bucket. By default a day before `to`.
    #[param(required = false, format = DateTime)]
    from: Option<String>,
    /// The end, by default now.
    #[param(required = false, format = DateTime)]
    to: Option<String>,
    /// The length of a point. Hours are kept for 35 days, days for 13 months.
    #[param(inline, required = false)]
    bucket: BucketName,
    /// The time zone of days and months, by default UTC. Another one is possible for the last 35 days.
    #[param(required = false, example = "Europe/Berlin")]
    zone: String,
    /// What requests are divided by.
    #[param(inline, required = false)]
    group: GroupName,
    /// One token. By default all tokens of the account, and requests without a valid token.
    #[param(required = false, value_type = Option<String>, example = "tok_019abd9c1f0a7d5c8f6f3f2b1a0c9d8e")]
    token: Option<TokenId>,
}

/// The requests in a length of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsagePoint)]
struct PointObject {
    at: Instant,
    #[serde(flatten)]
    counts: CountsObject,
}

/// The numbers of requests, and their response times.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageCounts)]
struct CountsObject {
    requests: u64,
    /// Those that the gateway rejected.
    rejected: u64,
    /// Those that the observed limits would reject if they were enforced.
    would_reject: u64,
    /// Those with a status of 2xx.
    status_2xx: u64,
    status_3xx: u64,
    status_4xx: u64,
    status_5xx: u64,
    /// The time in milliseconds within which half of the requests had a response, to about a third.
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
}

impl From<&Tally> for CountsObject {
    fn from(tally: &Tally) -> Self {
        let [status_2xx, status_3xx, status_4xx, status_5xx] = tally.by_class;
        let quantile = |share| tally.times.quantile(share).map(|time| time.as_secs_f64() * 1000.0);
        Self {
            requests: tally.requests,
            rejected: tally.rejected,
            would_reject: tally.would_reject,
            status_2xx,
            status_3xx,
            status_4xx,
            status_5xx,
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
        }
    }
}

/// The requests of one token, operation, client, network, or status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageSeries)]
struct SeriesObject {
    /// The ID of the token, or the operation, client, network, or status. Empty if there is none, `*` for what isn’t counted separately.
    key: String,
    /// The name of the token, or the key.
    label: String,
    total: CountsObject,
    points: Vec<PointObject>,
}

/// The usage of the account, or of a token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageObject {
    from: Instant,
    to: Instant,
    #[schema(inline)]
    bucket: BucketName,
    /// The time zone of days and months.
    zone: String,
    #[schema(inline)]
    group: GroupName,
    /// The time up to which the gateways have reported. What ended later may be missing. `null` if none has reported yet.
    complete_until: Option<Instant>,
    /// The number of requests that gateways could not count since they were installed.
    lost: i64,
    total: CountsObject,
    points: Vec<PointObject>,
    series: Vec<SeriesObject>,
}

fn points(buckets: &[Timestamp], tallies: &[Tally]) -> Vec<PointObject> {
    let both = buckets.iter().zip(tallies);
    both.map(|(at, tally)| PointObject { at: Instant(*at), counts: tally.into() }).collect()
}

fn read_instant(text: Option<&str>, name: &'static str) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let parsed = text.parse::<jiff::Timestamp>();
    let invalid =
        |_| ApiError::from(Refusal::new(Code::InvalidInstant).with_text("name", name).at(name));
    Ok(Some(Timestamp::from_micros(parsed.map_err(invalid)?.as_microsecond())))
}

/// Reads how often the account’s tokens were used, divided by token, operation, client, network, or status.
///
/// `Accept: text/csv` returns the same as CSV: one line for each series and point.
#[utoipa::path(get, path = "/usage", operation_id = "read_usage", tag = "Usage", params(UsageParams),
    responses((status = 200, content((UsageObject = "application/json"), (String = "text/csv")), description = "The usage.")))]
pub(crate) async fn read_usage(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    headers: HeaderMap,
    ApiQuery(params): ApiQuery<UsageParams>,
) -> Result<Response, ApiError> {
    let until = read_instant(params.to.as_deref(), "to")?.unwrap_or_else(|| app.now());
    let since = read_instant(params.from.as_deref(), "from")?;
    let wanted = UsageQuery {
        since: since.unwrap_or_else(|| until.minus(Duration::from_hours(24))),
        until,
        bucket: params.bucket.into(),
        zone: parse_zone(&params.zone)?,
        grouping: params.group.into(),
        token: params.token,
    };
    let found = read(&app, &caller, &wanted).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/csv")) {
        return Ok(csv_response(&found));
    }
    let Usage { buckets, until, total, points: all, series, completeness, zone, .. } = found;
    let series = series.into_iter().map(|one| SeriesObject {
        total: (&one.total).into(),
        points: points(&buckets, &one.points),
        label: label(&one),
        key: one.key,
    });
    let object = UsageObject {
        from: Instant(buckets.first().copied().unwrap_or(until)),
        to: Instant(until),
        bucket: params.bucket,
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        group: params.group,
        complete_until: completeness.until.map(Instant),
        lost: completeness.lost,
        total: (&total).into(),
        points: points(&buckets, &all),
        series: series.collect(),
    };
    Ok(Json(object).into_response())
}

/// Returns the name of the token, or else the key.
fn label(one: &Series) -> String {
    one.token.as_ref().map_or_else(|| one.key.clone(), token_name)
}

/// Returns a CSV file with a line for each series and point that has requests.
pub(super) fn csv_response(usage: &Usage) -> Response {
    let name = "attachment; filename=\"usage.csv\"";
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name)];
    (headers, csv(usage)).into_response()
}

const COLUMNS: [&str; 12] = [
    "at",
    "key",
    "label",
    "requests",
    "rejected",
    "would_reject",
    "status_2xx",
    "status_3xx",
    "status_4xx",
    "status_5xx",
    "p50_ms",
    "p95_ms",
];

fn csv(usage: &Usage) -> String {
    let mut out = record(&COLUMNS.map(str::to_owned));
    for one in &usage.series {
        for (at, tally) in usage.buckets.iter().zip(&one.points) {
            if tally.requests > 0 {
                out.push_str(&csv_line(*at, one, tally));
            }
        }
    }
    out
}

fn csv_line(at: Timestamp, one: &Series, tally: &Tally) -> String {
    let counts = CountsObject::from(tally);
    let time = |time: Option<f64>| time.map(|ms| ms.to_string()).unwrap_or_default();
    record(&[
        at.to_string(),
        one.key.clone(),
        label(one),
        counts.requests.to_string(),
        counts.rejected.to_string(),
        counts.would_reject.to_string(),
        counts.status_2xx.to_string(),
        counts.status_3xx.to_string(),
        counts.status_4xx.to_string(),
        counts.status_5xx.to_string(),
        time(counts.p50_ms),
        time(counts.p95_ms),
    ])
}
