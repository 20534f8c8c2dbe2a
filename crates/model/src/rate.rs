//! Rate limits by the generic cell rate algorithm (ITU-T I.371), which stores only one instant for each limit.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// The lag beyond which the clock is assumed to have been set back, in microseconds.
const REWOUND: i64 = 10_000_000;

/// A rate limit: the number of requests accepted in one burst and replenished in each span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Rate {
    requests: u32,
    /// The span in seconds.
    span: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a rate is written 10/s, 100/10s, 600/m or 5000/h: requests, and the time in which they may be made"
)]
pub struct RateError;

/// A request within the rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The state to store.
    pub until: i64,
    /// The number of requests that could follow immediately.
    pub left: u32,
    /// The time after which a full burst is available again.
    pub resets_in: Duration,
}

impl Rate {
    pub fn requests(self) -> u32 {
        self.requests
    }

    pub fn span(self) -> Duration {
        Duration::from_secs(u64::from(self.span))
    }

    fn span_micros(self) -> i64 {
        i64::from(self.span) * 1_000_000
    }

    /// Returns the time in microseconds after which one more request is available.
    pub fn each_micros(self) -> i64 {
        self.span_micros() / i64::from(self.requests)
    }

    /// Checks a request at `now`, in microseconds. `until` is the stored state, or any instant in the past. Returns
    /// the time to wait as an error if the rate limit is exceeded.
    pub fn take(self, until: i64, now: i64) -> Result<Taken, Duration> {
        let span = self.span_micros();
        let each = self.each_micros();
        // Far ahead of a full burst, the clock was set back, so the stored state has no meaning. Slightly ahead,
        // another thread has read the clock later.
        let is_rewound = until > now.saturating_add(span + REWOUND);
        let until = if is_rewound { now } else { until.max(now) };
        let next = until + each;
        let micros = |span: i64| Duration::from_micros(u64::try_from(span).unwrap_or(0));
        if next - now > span {
            return Err(micros(next - now - span));
        }
        let left = (span - (next - now)) / each;
        let left = u32::try_from(left).unwrap_or(0).min(self.requests - 1);
        Ok(Taken { until: next, left, resets_in: micros(next - now) })
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (requests, span) = text.split_once('/').ok_or(RateError)?;
        let digits = span.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let count: u32 =
            if digits.is_empty() { 1 } else { digits.parse().map_err(|_| RateError)? };
        let unit = match &span[digits.len()..] {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(RateError),
        };
        let requests: u32 = requests.parse().map_err(|_| RateError)?;
        let span = count.checked_mul(unit).ok_or(RateError)?;
        // More than one request per microsecond can't be distinguished.
        let is_sane = (1..=1_000_000).contains(&requests) && (1..=31 * 86_400).contains(&span);
        if is_sane { Ok(Self { requests, span }) } else { Err(RateError) }
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.span {
            1 => write!(f, "{}/s", self.requests),
            span => write!(f, "{}/{span}s", self.requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        text.parse().expect("a rate")
    }

    #[test]
    fn a_burst_passes_and_then_requests_at_the_rate() {
        let rate = rate("10/10s");
        let mut until = 0;
        for left in (0..10).rev() {
            let taken = rate.take(until, 1_000_000).expect("within the burst");
            assert_eq!(taken.left, left);
            until = taken.until;
        }
        assert_eq!(rate.take(until, 1_000_000), Err(Duration::from_secs(1)));
        assert_eq!(rate.take(until, 1_400_000), Err(Duration::from_millis(600)));
        let taken = rate.take(until, 2_000_000).expect("one more each second");
        assert_eq!((taken.left, taken.resets_in), (0, Duration::from_secs(10)));
        assert!(rate.take(taken.until, 2_000_001).is_err());
    }

    #[test]
    fn a_clock_that_is_put_back_locks_nobody_out() {
        let rate = rate("1/s");
        let taken = rate.take(0, 3_600_000_000).expect("passes");
        assert!(rate.take(taken.until, 1_000_000).is_ok());
    }

    #[test]
    fn who_looked_at_the_clock_earlier_gets_no_burst_of_its_own() {
        let rate = rate("10/s");
        let until = (0..10).fold(0, |until, _| rate.take(until, 1_000_000).expect("passes").until);
        assert!(rate.take(until, 999_999).is_err());
        assert!(rate.take(until, 1_000_000 - 5_000_000).is_err());
    }

    /// Ten seconds beyond a full burst, the state may still be another thread's.
    #[test]
    fn a_state_is_distrusted_only_beyond_what_threads_differ_by() {
        let rate = rate("1/s");
        let (now, span) = (1_000_000_000, 1_000_000);
        let wait = rate.take(now + span + REWOUND, now).expect_err("as stored");
        assert_eq!(wait, Duration::from_secs(11));
        assert!(rate.take(now + span + REWOUND + 1, now).is_ok());
    }

    /// A request of less than two microseconds is rounded, and never announced as more than the burst.
    #[test]
    fn no_more_are_left_than_the_burst() {
        let taken = rate("600000/s").take(0, 1_000_000).expect("passes");
        assert_eq!(taken.left, 599_999);
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        for (text, requests, seconds) in [
            ("10/s", 10, 1),
            ("100/10s", 100, 10),
            ("600/m", 600, 60),
            ("5/2h", 5, 7_200),
            ("1/d", 1, 86_400),
            ("1/31d", 1, 31 * 86_400),
            ("1000000/s", 1_000_000, 1),
        ] {
            let rate = rate(text);
            assert_eq!(
                (rate.requests(), rate.span()),
                (requests, Duration::from_secs(seconds)),
                "{text}"
            );
            assert_eq!(rate.to_string().parse(), Ok(rate));
            assert_eq!(Rate::try_from(String::from(rate)), Ok(rate));
        }
        for text in [
            "",
            "10",
            "10/",
            "/s",
            "0/s",
            "10/0s",
            "10/x",
            "-1/s",
            "10/s5",
            "1/99999999999s",
            "1/32d",
            "1000001/s",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text}");
        }
    }

    proptest! {
        /// No more requests pass than the burst and the replenishment allow, and requests within the rate always pass.
        #[test]
        fn no_more_pass_than_the_rate_says(
            requests in 1u32..20, span in 1u32..20, gaps in proptest::collection::vec(0i64..3_000_000, 1..200)
        ) {
            let rate = Rate { requests, span };
            let (mut until, mut now, mut passed) = (0, 1_000_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                if let Ok(taken) = rate.take(until, now) {
                    until = taken.until;
                    passed.push(now);
                }
            }
            for (at, start) in passed.iter().enumerate() {
                for (count, end) in passed[at..].iter().enumerate() {
                    let each = i64::from(span) * 1_000_000 / i64::from(requests);
                    let most = i64::from(requests) + (end - start) / each + 1;
                    prop_assert!(i64::try_from(count).expect("small") < most);
                }
            }
            let each = i64::from(span) * 1_000_000 / i64::from(requests) + 1;
            prop_assert!((0..50).try_fold(until, |until, n| rate.take(until, now + rate.span_micros() + n * each).map(|t| t.until)).is_ok());
        }
    }
}
