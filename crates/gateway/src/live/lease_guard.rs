//! Until when tokens may be accepted without further word from the database. Read on every request
//! with the machine's own clock: a process that was stopped for a while must not go on from where it was.

use keydesk_model::{Moment, MonotonicClock};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct LeaseGuard {
    stopwatch: MonotonicClock,
    until: AtomicU64,
}

impl LeaseGuard {
    /// Over, until it is said otherwise.
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
