//! The only place that reads the system's clock and randomness.

use keydesk_model::{Clock, Moment, MonotonicClock, Timestamp};
use keydesk_token::Entropy;
use std::time::{SystemTime, UNIX_EPOCH};

pub fn clock() -> Clock {
    Clock::new(now)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// Returns a clock that counts from the start of the machine, including sleep, and can't be set.
pub fn stopwatch() -> MonotonicClock {
    MonotonicClock::new(|| {
        let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(since.tv_sec).unwrap_or(0);
        let micros = u64::try_from(since.tv_nsec / 1_000).unwrap_or(0);
        Moment::from_micros(seconds * 1_000_000 + micros)
    })
}

pub fn entropy() -> Entropy {
    Entropy::new(fill)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn fill(out: &mut [u8]) {
    getrandom::fill(out)
        .expect("without randomness no secret can be made, and the process must end");
}
