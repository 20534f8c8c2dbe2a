//! The time until which tokens can be accepted without a response from the database. Read on every request with a
//! monotonic clock, so that a suspended process does not resume with an expired lease.

use keydesk_model::{Moment, MonotonicClock};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct LeaseGuard {
    stopwatch: MonotonicClock,
    until: AtomicU64,
}

impl LeaseGuard {
    /// Returns a guard that has expired until it is extended.
    pub fn new(stopwatch: MonotonicClock) -> Self {
        Self { stopwatch, until: AtomicU64::new(0) }
    }

    pub fn holds(&self) -> bool {
        self.stopwatch.now().as_micros() < self.until.load(Ordering::Acquire)
    }

    pub fn set(&self, until: Option<Moment>) {
        self.until.store(until.map_or(0, Moment::as_micros), Ordering::Release);
    }
}
