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
}
