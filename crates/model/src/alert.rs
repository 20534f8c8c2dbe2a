//! Alerts: when the use of a token is unusual, and when nobody wants to be told.

use crate::{Timestamp, text_form::text_form};
use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// More requests fail than usual.
    ErrorSpike,
    /// A token that is used regularly is no longer used.
    Silence,
    /// 80 or 100 percent of the monthly quota is used.
    Quota,
    /// A previous secret is still used shortly before it stops working.
    PreviousSecret,
}

text_form!(AlertKind, () = (), {
    ErrorSpike = "error_spike",
    Silence = "silence",
    Quota = "quota",
    PreviousSecret = "previous_secret",
});

/// What is unusual about the use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incident {
    ErrorSpike { requests: u64, errors: u64, usual_percent: u64, since: Timestamp },
    Silence { last_used_at: Timestamp, usual_interval: Duration },
    PreviousSecret { valid_until: Timestamp, last_used_at: Timestamp, clients: Vec<String> },
}

impl Incident {
    pub fn kind(&self) -> AlertKind {
        match self {
            Self::ErrorSpike { .. } => AlertKind::ErrorSpike,
            Self::Silence { .. } => AlertKind::Silence,
            Self::PreviousSecret { .. } => AlertKind::PreviousSecret,
        }
    }
}

/// The alerts that an account, or a token, gets by email. Their events are recorded in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSettings {
    /// The kinds without an email.
    #[serde(default)]
    pub off: BTreeSet<AlertKind>,
    /// The time of day at which no email is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
}

/// A time of each day in a time zone, such as from 22:00 to 07:00 in Europe/Berlin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "QuietText", into = "QuietText")]
pub struct QuietHours {
    from: Time,
    until: Time,
    zone: String,
}

/// Quiet hours as stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietText {
    /// The time of day at which they begin, such as 22:00.
    pub from: String,
    pub until: String,
    /// The name of the time zone.
    pub zone: String,
}

impl From<QuietHours> for QuietText {
    fn from(QuietHours { from, until, zone }: QuietHours) -> Self {
        let text = |time: Time| time.strftime("%H:%M").to_string();
        Self { from: text(from), until: text(until), zone }
    }
}

impl TryFrom<QuietText> for QuietHours {
    type Error = QuietHoursError;

    fn try_from(QuietText { from, until, zone }: QuietText) -> Result<Self, QuietHoursError> {
        Self::parse(&from, &until, &zone)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuietHoursError {
    #[error("a time is written as 22:00")]
    Time,
    #[error("not a time zone, such as Europe/Berlin")]
    Zone,
}

impl QuietHours {
    pub fn parse(from: &str, until: &str, zone: &str) -> Result<Self, QuietHoursError> {
        let time = |text: &str| {
            let parsed = Time::strptime("%H:%M", text.trim());
            parsed.map_err(|_| QuietHoursError::Time)
        };
        let zone = if zone.trim().is_empty() { "UTC" } else { zone.trim() };
        let known = TimeZone::get(zone).map_err(|_| QuietHoursError::Zone)?;
        let zone = known.iana_name().unwrap_or(zone).to_owned();
        Ok(Self { from: time(from)?, until: time(until)?, zone })
    }

    /// Returns the end of the quiet hours that hold an instant, or `None` if it is outside of them.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.calendar().to_zoned(TimeZone::get(&self.zone).ok()?);
        let (time, Self { from, until, .. }) = (local.time(), self);
        let is_quiet = if from <= until {
            (*from..*until).contains(&time)
        } else {
            time >= *from || time < *until
        };
        let today = local.date();
        let date = if time < *until { today } else { today.tomorrow().ok()? };
        let end = date.to_datetime(*until).to_zoned(local.time_zone().clone()).ok()?;
        is_quiet.then(|| Timestamp::from_micros(end.timestamp().as_microsecond()))
    }
}

/// The requests of a token in a time, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub requests: u64,
    /// Those with a status of 400 or higher.
    pub errors: u64,
}

/// The least number of errors that is worth an alert.
const LEAST_ERRORS: u64 = 20;
/// The number of requests before from which it is known what is usual.
const LEAST_KNOWN: u64 = 50;

impl Outcomes {
    /// Returns whether these are unusually many errors, compared with the days before: at least one request in ten, and
    /// three times the usual share.
    pub fn are_a_spike(self, before: Self) -> bool {
        let share_is_at_least =
            |tenths: u128| u128::from(self.errors) * 10 >= u128::from(self.requests) * tenths;
        let [errors, requests] = [self.errors, self.requests].map(u128::from);
        let [usual_errors, usual_requests] = [before.errors, before.requests].map(u128::from);
        self.errors >= LEAST_ERRORS
            && before.requests >= LEAST_KNOWN
            && share_is_at_least(1)
            && errors * usual_requests >= 3 * usual_errors * requests
    }
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
/// The least time without requests that is worth an alert.
const LEAST_SILENCE: Duration = Duration::from_hours(6);
/// The number of hours in which requests were expected.
const MISSED: u32 = 6;
/// The number of hours with requests from which a rhythm is known.
const LEAST_HOURS: usize = 10;

/// The hours in which a token was used in the last weeks, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rhythm(Vec<Timestamp>);

impl Rhythm {
    /// The time for which the hours are read.
    pub const KNOWN: Duration = Duration::from_hours(28 * 24);

    /// The beginnings of the hours, in any order.
    pub fn new(mut hours: Vec<Timestamp>) -> Self {
        hours.sort_unstable();
        hours.dedup();
        Self(hours)
    }

    /// Returns the end of the last hour with requests.
    fn end(&self) -> Option<Timestamp> {
        self.0.last().map(|last| last.plus(HOUR))
    }

    /// Returns whether a token with this rhythm should have been used since.
    pub fn is_broken(&self, now: Timestamp) -> bool {
        let (Some(first), Some(end)) = (self.0.first(), self.end()) else { return false };
        if self.0.len() < LEAST_HOURS || now.since(end) < LEAST_SILENCE {
            return false;
        }
        let known = end.since(*first);
        if known >= WEEK * 2 { self.misses_its_week(now) } else { self.misses_its_pace(known, now) }
    }

    /// Whether there were requests in enough of these hours in both weeks before.
    fn misses_its_week(&self, now: Timestamp) -> bool {
        let hours: HashSet<_> = self.0.iter().copied().collect();
        let Some(end) = self.end() else { return false };
        let mut missed = 0;
        let mut hour = end;
        while hour.plus(HOUR) <= now {
            let was_used = |weeks: u32| hours.contains(&hour.minus(WEEK * weeks));
            if was_used(1) && was_used(2) {
                missed += 1;
            }
            if missed >= MISSED {
                return true;
            }
            hour = hour.plus(HOUR);
        }
        // What is rarer than every day has no such hours.
        self.has_paused_for(now, 2)
    }

    fn longest_pause(&self) -> Duration {
        let pauses = self.0.windows(2).map(|pair| pair[1].since(pair[0]).saturating_sub(HOUR));
        pauses.max().unwrap_or_default()
    }

    /// Whether the pause is this many times as long as every pause before.
    fn has_paused_for(&self, now: Timestamp, times: u32) -> bool {
        let quiet = self.end().map_or(Duration::ZERO, |end| now.since(end));
        quiet >= (self.longest_pause() * times).max(LEAST_SILENCE)
    }

    /// Whether the pause is longer than ever, where the weekend may not be known yet.
    fn misses_its_pace(&self, known: Duration, now: Timestamp) -> bool {
        let is_continuous = self.longest_pause() <= HOUR * 3;
        let least = if is_continuous { DAY * 2 } else { DAY * 8 };
        known >= least && self.has_paused_for(now, 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().expect("RFC 3339");
        Timestamp::from_micros(at.as_microsecond())
    }

    #[test]
    fn quiet_hours_end_in_the_morning_of_their_zone() {
        let quiet = QuietHours::parse("22:00", "07:00", "europe/berlin").expect("hours");
        assert_eq!(quiet.zone, "Europe/Berlin");
        let end = |now: &str| quiet.end(at(now)).map(|at| at.to_string());
        assert_eq!(end("2026-12-01T20:59:59Z"), None);
        assert_eq!(end("2026-12-01T21:00:00Z").as_deref(), Some("2026-12-02T06:00:00Z"));
        assert_eq!(end("2026-12-02T05:59:59Z").as_deref(), Some("2026-12-02T06:00:00Z"));
        assert_eq!(end("2026-12-02T06:00:00Z"), None);
        // The night in which clocks go forward.
        assert_eq!(end("2026-03-28T22:00:00Z").as_deref(), Some("2026-03-29T05:00:00Z"));
        let noon = QuietHours::parse("12:00", "13:30", "").expect("hours");
        assert_eq!(noon.zone, "UTC");
        assert_eq!(noon.end(at("2026-12-01T12:10:00Z")), Some(at("2026-12-01T13:30:00Z")));
        assert_eq!(noon.end(at("2026-12-01T14:10:00Z")), None);
        assert_eq!(QuietHours::parse("22", "07:00", ""), Err(QuietHoursError::Time));
        assert_eq!(QuietHours::parse("22:00", "07:00", "Mars"), Err(QuietHoursError::Zone));
        let text = serde_json::to_string(&quiet).expect("JSON");
        assert_eq!(serde_json::from_str::<QuietHours>(&text).expect("JSON"), quiet);
    }

    #[test]
    fn a_spike_is_many_errors_and_more_than_usual() {
        let outcomes = |requests, errors| Outcomes { requests, errors };
        let usual = outcomes(10_000, 200);
        assert!(outcomes(100, 20).are_a_spike(usual));
        assert!(!outcomes(100, 19).are_a_spike(usual), "few");
        assert!(!outcomes(1_000, 99).are_a_spike(usual), "less than a tenth");
        assert!(!outcomes(100, 40).are_a_spike(outcomes(10_000, 2_000)), "twice the usual share");
        assert!(outcomes(100, 60).are_a_spike(outcomes(10_000, 2_000)));
        assert!(!outcomes(100, 100).are_a_spike(outcomes(49, 0)), "nobody knows what is usual");
        assert!(outcomes(u64::MAX, u64::MAX).are_a_spike(outcomes(u64::MAX, 0)), "no overflow");
    }

    /// The hours of weeks in which a token is used.
    fn rhythm(days: u32, is_used: impl Fn(u32, u32) -> bool) -> (Rhythm, Timestamp) {
        // A Monday.
        let start = at("2026-11-02T00:00:00Z");
        let hours = (0..days * 24).filter(|hour| is_used(hour / 24 % 7, hour % 24));
        let hours = hours.map(|hour| start.plus(HOUR * hour)).collect();
        (Rhythm::new(hours), start.plus(DAY * days))
    }

    #[test]
    fn a_token_that_is_used_all_the_time_is_silent_after_six_hours() {
        let (always, end) = rhythm(20, |_, _| true);
        assert!(!always.is_broken(end.plus(Duration::from_secs(6 * 3_600 - 1))));
        assert!(always.is_broken(end.plus(HOUR * 6)));
        let (young, end) = rhythm(3, |_, _| true);
        assert!(!young.is_broken(end.plus(HOUR * 5)));
        assert!(young.is_broken(end.plus(HOUR * 6)));
        let (younger, end) = rhythm(1, |_, _| true);
        assert!(!younger.is_broken(end.plus(DAY * 3)), "nobody knows its rhythm");
    }

    #[test]
    fn nights_and_weekends_are_no_silence() {
        let office = |day, hour| day < 5 && (9..17).contains(&hour);
        // Until the end of a Friday.
        let (office, end) = rhythm(19, office);
        let monday = end.plus(DAY * 2);
        assert!(!office.is_broken(monday.plus(HOUR * 9)));
        assert!(!office.is_broken(monday.plus(HOUR * 14)));
        assert!(office.is_broken(monday.plus(HOUR * 15)), "six hours of Monday are missing");
        let (young, end) = rhythm(5, |_, hour| (9..17).contains(&hour));
        assert!(!young.is_broken(end.plus(DAY * 3)), "no weekend is known");
    }

    #[test]
    fn a_nightly_job_is_silent_when_it_has_missed_twice() {
        let (nightly, end) = rhythm(21, |_, hour| hour == 2);
        assert!(!nightly.is_broken(end.plus(HOUR * 12)));
        assert!(nightly.is_broken(end.plus(DAY * 2)));
    }
}
