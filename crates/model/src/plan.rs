//! Plans: the total limits of an account. Operators define them; each account has one.

use crate::{
    AccountId, AccountNumber, AccountState, CorsPolicy, IpAllowlist, Mode, Rate, Timestamp,
};
use jiff::{Timestamp as Instant, civil::DateTime, tz::Offset};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    /// The rate limit for all tokens of the account together.
    pub rate: Option<Rate>,
    /// The rate limit for each token.
    pub token_rate: Option<Rate>,
    /// The number of requests in a calendar month (UTC).
    pub monthly_quota: Option<u64>,
    pub mode: Mode,
}

/// The limits of an account as gateways know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAccount {
    pub account: AccountId,
    pub number: AccountNumber,
    /// The plan's name, or empty for the default plan.
    pub plan: String,
    #[serde(default)]
    pub ip_allowlist: IpAllowlist,
    /// The observed IP allowlist.
    #[serde(default)]
    pub observed: Option<IpAllowlist>,
    #[serde(default)]
    pub state: AccountState,
    /// The time of the last change of state, or the epoch if there was none.
    #[serde(default)]
    pub state_since: Timestamp,
    /// The account's own CORS policy, if it has one.
    #[serde(default)]
    pub cors: Option<CorsPolicy>,
}

/// The number of requests of an account in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaUse {
    pub account: AccountNumber,
    pub requests: i64,
}

/// A calendar month in UTC, such as 202611.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i64);

impl Month {
    pub fn of(at: Timestamp) -> Self {
        let date = utc(at).date();
        Self(i64::from(date.year()) * 100 + i64::from(date.month()))
    }

    pub fn number(self) -> i64 {
        self.0
    }

    /// Returns the time until the next month begins.
    pub fn left(at: Timestamp) -> Duration {
        let date = utc(at).date();
        let days = i64::from(date.days_in_month() - date.day()) + 1;
        let today = at.as_micros().rem_euclid(DAY);
        Duration::from_micros(u64::try_from(days * DAY - today).unwrap_or(0))
    }

    /// Returns how much of a quota the month will need at the pace so far. `None` on the first day, which says little.
    pub fn forecast(at: Timestamp, requests: u64, quota: u64) -> Option<QuotaForecast> {
        let left = Self::left(at);
        let passed =
            Duration::from_hours(24 * u64::from(utc(at).date().days_in_month().unsigned_abs()))
                .saturating_sub(left);
        if passed < Duration::from_hours(24) {
            return None;
        }
        let pace = |of: u128| of.checked_div(passed.as_micros()).unwrap_or_default();
        let requests = u128::from(requests);
        let whole = pace(requests * (passed + left).as_micros());
        let exhausted_at = (requests < u128::from(quota) && whole > u128::from(quota)).then(|| {
            let rest = (u128::from(quota) - requests) * passed.as_micros() / requests.max(1);
            at.plus(Duration::from_micros(u64::try_from(rest).unwrap_or(u64::MAX)))
        });
        Some(QuotaForecast { requests: u64::try_from(whole).unwrap_or(u64::MAX), exhausted_at })
    }
}

/// The use of a month's quota if requests go on at the same pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaForecast {
    /// The requests of the whole month.
    pub requests: u64,
    /// When the quota is used up, if that is within the month and not yet.
    pub exhausted_at: Option<Timestamp>,
}

const DAY: i64 = 86_400_000_000;

fn utc(at: Timestamp) -> DateTime {
    let at = Instant::from_microsecond(at.as_micros()).unwrap_or_default();
    Offset::UTC.to_datetime(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_utcs_and_ends_at_its_midnight() {
        let at = |text: &str| {
            Timestamp::from_micros(text.parse::<Instant>().expect("RFC 3339").as_microsecond())
        };
        assert_eq!(Month::of(at("2026-11-30T23:59:59.999999Z")).number(), 202_611);
        assert_eq!(Month::of(at("2026-12-01T00:00:00Z")).number(), 202_612);
        assert_eq!(Month::left(at("2026-11-30T23:59:30Z")), Duration::from_secs(30));
        assert_eq!(Month::left(at("2026-12-31T00:00:00Z")), Duration::from_hours(24));
    }

    #[test]
    fn a_forecast_goes_on_at_the_same_pace() {
        let at = |text: &str| {
            let at: Instant = text.parse().expect("RFC 3339");
            Timestamp::from_micros(at.as_microsecond())
        };
        // A tenth of November.
        let early = at("2026-11-04T00:00:00Z");
        let forecast = Month::forecast(early, 100, 2_000).expect("known");
        assert_eq!(forecast, QuotaForecast { requests: 1_000, exhausted_at: None });
        let forecast = Month::forecast(early, 100, 500).expect("known");
        assert_eq!(forecast.exhausted_at, Some(at("2026-11-16T00:00:00Z")));
        let over = Month::forecast(early, 600, 500).expect("known");
        assert_eq!(over.exhausted_at, None, "it is used up already");
        assert_eq!(Month::forecast(at("2026-11-01T23:59:59Z"), 100, 500), None);
        assert_eq!(Month::forecast(early, 0, 0).map(|forecast| forecast.requests), Some(0));
        assert!(Month::forecast(early, u64::MAX, u64::MAX).is_some(), "no overflow");
    }
}
