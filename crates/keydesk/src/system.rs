//! The one place that reads the system's clock and the system's randomness.

use keydesk_model::{Clock, Timestamp};
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

pub fn entropy() -> Entropy {
    Entropy::new(fill)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn fill(out: &mut [u8]) {
    getrandom::fill(out)
        .expect("without randomness no secret can be made, and the process must end");
}
