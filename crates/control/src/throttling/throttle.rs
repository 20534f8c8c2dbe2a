//! In-memory counts, for requests that are too frequent or too anonymous to be counted in the database. Each console
//! counts separately.

use keydesk_model::{Rate, Taken, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The maximum number of remembered keys.
const MOST: usize = 10_000;

/// A rate limit for each key.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate: Rate,
    used: Mutex<HashMap<String, i64>>,
}

impl Throttle {
    /// Creates a throttle with a `rate` such as `600/10m`.
    pub fn new(rate: &str) -> Self {
        let rate = rate.parse().expect("a rate of ours is well-formed");
        Self { rate, used: Mutex::default() }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts one more request.
    ///
    /// # Errors
    ///
    /// Returns the time to wait if the rate is exceeded.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<Taken, Duration> {
        let now = now.as_micros();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let until = used.get(key).copied().unwrap_or(0);
        let taken = self.rate.take(until, now)?;
        if used.len() >= MOST && !used.contains_key(key) {
            used.retain(|_, until| *until > now);
            // If there are too many keys, all are forgotten, and each starts with its full rate again.
            if used.len() >= MOST {
                used.clear();
            }
        }
        used.insert(key.to_owned(), taken.until);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_rate_and_no_flood_of_keys_fills_the_memory() {
        let throttle = Throttle::new("3/m");
        let now = Timestamp::from_micros(1_795_435_200_000_000);
        let take = |key: &str| throttle.take(key, now).is_ok();
        assert_eq!(
            [take("a"), take("a"), take("a"), take("a"), take("b")],
            [true, true, true, false, true]
        );
        for number in 0..3 * MOST {
            take(&number.to_string());
        }
        assert!(throttle.used.lock().expect("not poisoned").len() <= MOST);
    }
}
