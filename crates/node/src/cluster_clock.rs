//! The common time of all nodes. A clock that is set or wrong must not end anything early: if the database is on
//! another machine, its clock counts, advanced by this machine's monotonic clock, and an irreversible action waits
//! until this machine's own clock agrees.

use keydesk_model::{Clock, Moment, MonotonicClock, Timestamp};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// The time after a clock change during which nothing irreversible is done.
const SETTLES: Duration = Duration::from_mins(10);

#[derive(Clone, Debug)]
pub struct ClusterClock {
    own: Clock,
    stopwatch: MonotonicClock,
    /// The largest accepted difference between clocks.
    tolerance: Duration,
    /// The database's time when the monotonic clock was at zero, as an atomic because each request reads it.
    /// [`UNHEARD`] until the database has answered.
    database: Arc<AtomicI64>,
    looked: Arc<Mutex<Looked>>,
}

const UNHEARD: i64 = i64::MIN;

/// The readings of this machine's own clock.
#[derive(Debug)]
struct Looked {
    /// The last reading, and the moment of it.
    own: (Timestamp, Moment),
    /// The moment when the clock was found to have been set.
    set_at: Option<Moment>,
}

/// An error for a clock that can't be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongClock {
    #[error("this machine's clock differs from the database's by {} s", .0.as_secs())]
    Differs(Duration),
    #[error("this machine's clock was set while Keydesk ran")]
    WasSet,
}

fn difference(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

fn micros(moment: Moment) -> i64 {
    i64::try_from(moment.as_micros()).unwrap_or(i64::MAX)
}

impl ClusterClock {
    pub fn new(own: Clock, stopwatch: MonotonicClock, tolerance: Duration) -> Self {
        let looked = Looked { own: (own.now(), stopwatch.now()), set_at: None };
        let (database, looked) = (Arc::new(UNHEARD.into()), Arc::new(Mutex::new(looked)));
        Self { own, stopwatch, tolerance, database, looked }
    }

    /// Records the database's time, which was read some time after `sent_at`.
    pub fn receive(&self, database: Timestamp, sent_at: Moment) {
        let now = self.stopwatch.now();
        let middle = i64::midpoint(micros(sent_at), micros(now));
        self.database.store(database.as_micros().saturating_sub(middle), Ordering::Relaxed);
    }

    /// Returns the time by the database's clock, or `None` before its first answer.
    fn database_now(&self) -> Option<Timestamp> {
        let start =
            Some(self.database.load(Ordering::Relaxed)).filter(|start| *start != UNHEARD)?;
        Some(Timestamp::from_micros(start.saturating_add(micros(self.stopwatch.now()))))
    }

    pub fn now(&self) -> Timestamp {
        self.database_now().unwrap_or_else(|| self.own.now())
    }

    /// Returns a clock that shows the common time.
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }

    /// Returns the time if it is certain enough for an irreversible action.
    ///
    /// # Errors
    ///
    /// If this machine's clock differs from the database's or was set recently.
    pub fn certain(&self) -> Result<Timestamp, WrongClock> {
        let (own, moment) = (self.own.now(), self.stopwatch.now());
        if let Some(database) = self.database_now() {
            let difference = difference(own, database);
            let agrees = difference <= self.tolerance;
            return if agrees { Ok(database) } else { Err(WrongClock::Differs(difference)) };
        }
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = looked.own.0.plus(moment.since(looked.own.1));
        if difference(own, expected) > self.tolerance {
            looked.set_at = Some(moment);
        }
        looked.own = (own, moment);
        let settles = looked.set_at.is_some_and(|at| moment.since(at) < SETTLES);
        if settles { Err(WrongClock::WasSet) } else { Ok(own) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    struct Machine {
        wall: Arc<AtomicI64>,
        elapsed: Arc<AtomicU64>,
        clock: ClusterClock,
    }

    fn machine(wall: i64) -> Machine {
        let (wall, elapsed) = (Arc::new(AtomicI64::new(wall)), Arc::new(AtomicU64::new(0)));
        let (own, since) = (Arc::clone(&wall), Arc::clone(&elapsed));
        let own = Clock::new(move || Timestamp::from_micros(own.load(Ordering::Relaxed)));
        let stopwatch =
            MonotonicClock::new(move || Moment::from_micros(since.load(Ordering::Relaxed)));
        let clock = ClusterClock::new(own, stopwatch, Duration::from_secs(5));
        Machine { wall, elapsed, clock }
    }

    impl Machine {
        fn pass(&self, seconds: u32) {
            self.wall.fetch_add(i64::from(seconds) * 1_000_000, Ordering::Relaxed);
            self.elapsed.fetch_add(u64::from(seconds) * 1_000_000, Ordering::Relaxed);
        }

        fn set(&self, seconds: i64) {
            self.wall.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_databases_clock_counts_and_nothing_is_destroyed_while_ours_differs() {
        let machine = machine(1_000_000);
        machine.clock.receive(Timestamp::from_micros(3_000_000), Moment::from_micros(0));
        machine.pass(10);
        let expected = Timestamp::from_micros(13_000_000);
        assert_eq!((machine.clock.now(), machine.clock.certain()), (expected, Ok(expected)));
        for day in [-400, -31, 31, 400] {
            machine.set(day * 86_400);
            assert_eq!(machine.clock.now(), expected);
            assert!(matches!(machine.clock.certain(), Err(WrongClock::Differs(_))), "{day}");
            machine.set(-day * 86_400);
        }
        assert_eq!(machine.clock.certain(), Ok(expected));
    }

    #[test]
    fn a_clock_that_is_set_destroys_nothing_until_it_has_settled() {
        let machine = machine(0);
        machine.pass(3_600);
        assert!(machine.clock.certain().is_ok());
        machine.set(31 * 86_400);
        machine.pass(2);
        assert_eq!(machine.clock.certain(), Err(WrongClock::WasSet));
        machine.set(-31 * 86_400);
        machine.pass(2);
        assert_eq!(machine.clock.certain(), Err(WrongClock::WasSet));
        machine.pass(599);
        assert_eq!(machine.clock.certain(), Err(WrongClock::WasSet));
        machine.pass(2);
        assert!(machine.clock.certain().is_ok());
    }
}
