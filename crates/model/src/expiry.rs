//! The validity of new tokens, as users and forms specify it: `never`, `90d`, `2027-06-30`.

use crate::{Mode, Timestamp};
use jiff::{civil::Date, tz::TimeZone};
use std::{str::FromStr, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// A number of days of 24 hours from now, 1 to 36,500.
    Days(u16),
    /// Through the end of that day (UTC).
    Through(Date),
    /// At an instant, as programs specify it.
    At(Timestamp),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    #[error(
        "say never, a number of days such as 90d (at most 36500d), or a date such as 2027-06-30"
    )]
    Unreadable,
    #[error("that day is over; choose a later one")]
    Past,
}

const DAY: Duration = Duration::from_hours(24);

impl Expiry {
    /// Returns the instant from which the token is rejected, or `None` if it never expires.
    pub fn resolve(self, now: Timestamp) -> Result<Option<Timestamp>, ExpiryError> {
        match self {
            Self::Never => Ok(None),
            Self::At(at) if at <= now => Err(ExpiryError::Past),
            Self::At(at) => Ok(Some(at)),
            Self::Days(days) => Ok(Some(now.plus(DAY * u32::from(days)))),
            Self::Through(date) => {
                let day_after = date.tomorrow().map_err(|_| ExpiryError::Unreadable)?;
                let end = day_after.to_zoned(TimeZone::UTC).map_err(|_| ExpiryError::Unreadable)?;
                let end = Timestamp::from_micros(end.timestamp().as_microsecond());
                if end <= now { Err(ExpiryError::Past) } else { Ok(Some(end)) }
            }
        }
    }
}

/// The allowed validity of new tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryPolicy {
    pub max_days: Option<u16>,
    pub is_required: bool,
    /// The preselected value in the form.
    pub default: Option<Expiry>,
    pub mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryPolicyError {
    #[error("tokens must have an end here; choose one")]
    Required,
    #[error("tokens may live for {0} days at most here; choose an earlier end")]
    TooLong(u16),
}

impl ExpiryPolicy {
    /// Returns the stricter policy of both in each respect.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let max_days = match (self.max_days, other.max_days) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { max_days, is_required: self.is_required || other.is_required, ..self }
    }

    /// Checks whether a token created at `now` may have this expiry. A maximum rules out tokens that never expire.
    pub fn check(
        self,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<(), ExpiryPolicyError> {
        // The last day counts to its end, so the day on which the maximum is reached is still allowed.
        let latest = |days: u16| now.plus(DAY * (u32::from(days) + 1));
        match (expires_at, self.max_days) {
            (None, Some(days)) => Err(ExpiryPolicyError::TooLong(days)),
            (None, None) if self.is_required => Err(ExpiryPolicyError::Required),
            (Some(at), Some(days)) if at > latest(days) => Err(ExpiryPolicyError::TooLong(days)),
            _ => Ok(()),
        }
    }
}

impl FromStr for Expiry {
    type Err = ExpiryError;

    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let text = text.trim();
        if text == "never" {
            return Ok(Self::Never);
        }
        if let Some(days) = text.strip_suffix('d') {
            return match days.parse() {
                Ok(days @ 1..=36_500) => Ok(Self::Days(days)),
                _ => Err(ExpiryError::Unreadable),
            };
        }
        // Accepts only the format that `<input type="date">` sends; the calendar library accepts more.
        let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        match text.parse::<Date>() {
            Ok(date) if shape => Ok(Self::Through(date)),
            _ => Err(ExpiryError::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T12:00:00Z
    const NOW: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);

    #[test]
    fn days_count_from_now() {
        let expiry: Expiry = "30d".parse().expect("parses");
        assert_eq!(
            expiry.resolve(NOW).map(|at| at.map(|at| at.to_string())),
            Ok(Some("2026-12-23T12:00:00Z".to_owned()))
        );
    }

    #[test]
    fn a_date_means_through_the_end_of_that_day() {
        let expiry: Expiry = "2026-11-23".parse().expect("parses");
        assert_eq!(
            expiry.resolve(NOW).map(|at| at.map(|at| at.to_string())),
            Ok(Some("2026-11-24T00:00:00Z".to_owned()))
        );
    }

    #[test]
    fn f4_the_last_day_counts_to_its_end() {
        let policy = ExpiryPolicy { max_days: Some(30), ..ExpiryPolicy::default() };
        let latest = NOW.plus(DAY * 31);
        assert_eq!(policy.check(NOW, Some(latest)), Ok(()));
        let beyond = Some(latest.plus(std::time::Duration::from_micros(1)));
        assert_eq!(policy.check(NOW, beyond), Err(ExpiryPolicyError::TooLong(30)));
    }

    #[test]
    fn f4_the_stricter_policy_holds() {
        let policy = |max_days, is_required| ExpiryPolicy {
            max_days,
            is_required,
            ..ExpiryPolicy::default()
        };
        let both = policy(Some(90), false).and(policy(Some(30), true));
        assert_eq!((both.max_days, both.is_required), (Some(30), true));
        let end =
            |text: &str| text.parse::<Expiry>().expect("parses").resolve(NOW).expect("a time");
        for (policy, expires, expected) in [
            (policy(None, false), "never", Ok(())),
            (policy(None, true), "never", Err(ExpiryPolicyError::Required)),
            (policy(None, true), "36500d", Ok(())),
            (policy(Some(30), false), "never", Err(ExpiryPolicyError::TooLong(30))),
            (policy(Some(30), false), "30d", Ok(())),
            (policy(Some(30), false), "2026-12-23", Ok(())),
            (policy(Some(30), false), "2026-12-25", Err(ExpiryPolicyError::TooLong(30))),
        ] {
            assert_eq!(policy.check(NOW, end(expires)), expected, "{policy:?} {expires}");
        }
    }

    #[test]
    fn a_day_that_is_over_is_rejected() {
        let expiry: Expiry = "2026-11-22".parse().expect("parses");
        assert_eq!(expiry.resolve(NOW), Err(ExpiryError::Past));
    }

    #[test]
    fn what_no_calendar_knows_is_rejected() {
        for text in [
            "",
            "0d",
            "-1d",
            "36501d",
            "soon",
            "2026-02-30",
            "2026-11-23T10",
            "23.11.2026",
            "20261123",
        ] {
            assert_eq!(text.parse::<Expiry>(), Err(ExpiryError::Unreadable), "{text}");
        }
    }

    #[test]
    fn the_last_day_of_the_calendar_does_not_panic() {
        assert_eq!(
            "9999-12-31".parse::<Expiry>().expect("a date").resolve(NOW),
            Err(ExpiryError::Unreadable)
        );
    }
}
