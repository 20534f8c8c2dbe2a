//! The length of time that one point of a chart stands for, in a time zone.

use jiff::{ToSpan, Zoned, tz::TimeZone};
use keydesk_model::Timestamp;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Hour,
    Day,
    Month,
}

impl Bucket {
    /// Returns the beginning of the bucket that holds an instant. Hours are those of UTC in every time zone, because
    /// they are what gateways count.
    pub fn start(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = at.calendar().to_zoned(zone.clone());
        let start = match self {
            Self::Hour => return at.start_of_hour(),
            Self::Day => local.start_of_day(),
            Self::Month => local.first_of_month().and_then(|first| first.start_of_day()),
        };
        start.map_or(at, |start| instant(&start))
    }

    /// Returns the end of the bucket that holds an instant.
    pub fn end(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        self.next(self.start(at, zone), zone)
    }

    /// Returns the end of the bucket that begins at an instant. A day has 23 to 25 hours.
    pub fn next(self, start: Timestamp, zone: &TimeZone) -> Timestamp {
        let days = match self {
            Self::Hour => return start.plus(HOUR),
            Self::Day => 1.day(),
            Self::Month => 1.month(),
        };
        let next = start.calendar().to_zoned(zone.clone()).checked_add(days);
        // A midnight that a clock change skips is the next bucket's first instant.
        let next = next.and_then(|next| next.start_of_day());
        next.map_or(Timestamp::from_micros(i64::MAX), |next| instant(&next))
    }

    /// Returns the beginnings of the buckets that hold a range.
    pub fn list(self, since: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let first = self.start(since, zone);
        let all = std::iter::successors(Some(first), |start| Some(self.next(*start, zone)));
        all.take_while(|start| *start < until).collect()
    }
}

fn instant(at: &Zoned) -> Timestamp {
    Timestamp::from_micros(at.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().expect("RFC 3339");
        Timestamp::from_micros(at.as_microsecond())
    }

    fn starts(bucket: Bucket, since: &str, until: &str, zone: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("a time zone");
        let starts = bucket.list(at(since), at(until), &zone);
        starts.into_iter().map(|start| start.to_string()).collect()
    }

    #[test]
    fn buckets_begin_at_whole_hours_days_and_months() {
        let hours = starts(Bucket::Hour, "2026-11-30T22:10:00Z", "2026-12-01T01:00:01Z", "UTC");
        assert_eq!(hours.len(), 4, "22, 23, 0, and 1 o’clock");
        let days = starts(Bucket::Day, "2026-02-27T22:10:00Z", "2026-03-02T00:00:00Z", "UTC");
        assert_eq!(days.len(), 3);
        let months = starts(Bucket::Month, "2025-12-31T00:00:00Z", "2026-03-01T00:00:00Z", "UTC");
        let expected = ["2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];
        assert_eq!(months, expected);
    }

    #[test]
    fn days_and_months_are_those_of_the_time_zone() {
        // Summer time ends on 25 October 2026 in Berlin: that day has 25 hours.
        let (since, until) = ("2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z");
        let days = starts(Bucket::Day, since, until, "Europe/Berlin");
        assert_eq!(days, ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
        let days =
            starts(Bucket::Day, "2026-11-30T20:00:00Z", "2026-12-01T20:00:00Z", "Asia/Kolkata");
        assert_eq!(days, ["2026-11-30T18:30:00Z", "2026-12-01T18:30:00Z"]);
        let months = starts(
            Bucket::Month,
            "2026-10-15T00:00:00Z",
            "2026-11-15T00:00:00Z",
            "America/New_York",
        );
        assert_eq!(months, ["2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z"]);
        // Beirut skips the midnight of 29 March 2026.
        let days =
            starts(Bucket::Day, "2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z", "Asia/Beirut");
        assert_eq!(days, ["2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]);
    }
}
