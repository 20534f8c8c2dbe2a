//! Log lines about failures: each reason at most once per second and worker, with the number of suppressed ones.

use super::reason::{Reason, Side};
use std::{
    cell::Cell,
    fmt::Display,
    time::{Duration, Instant},
};

const SPAN: Duration = Duration::from_secs(1);

/// The time at which each reason was last logged, and the number of events since then.
#[derive(Debug)]
pub(crate) struct Notices(Vec<Cell<(Option<Instant>, u64)>>);

impl Default for Notices {
    fn default() -> Self {
        Self(Reason::ALL.iter().map(|_| Cell::default()).collect())
    }
}

impl Notices {
    /// Returns how many lines were suppressed since the last one, or `None` if this one is suppressed, too.
    fn admit(&self, reason: Reason, now: Instant) -> Option<u64> {
        let cell = self.0.get(reason.index())?;
        let (last, left_out) = cell.get();
        if last.is_some_and(|last| now.duration_since(last) < SPAN) {
            cell.set((last, left_out + 1));
            return None;
        }
        cell.set((Some(now), 0));
        Some(left_out)
    }

    /// Logs a reason. `what` names the request or the connection and contains nothing that a client could have chosen.
    pub fn tell(&self, reason: Reason, what: impl Display) {
        let Some(left_out) = self.admit(reason, Instant::now()) else { return };
        let reason_name = reason.as_str();
        match reason.side() {
            Side::Client => tracing::info!(reason = reason_name, left_out, "{what}"),
            Side::Gateway | Side::Upstream => {
                tracing::warn!(reason = reason_name, left_out, "{what}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_logged_once_in_a_while_and_counted_in_between() {
        let (notices, start) = (Notices::default(), Instant::now());
        let admit = |reason, millis| notices.admit(reason, start + Duration::from_millis(millis));
        assert_eq!(admit(Reason::ConnectionLost, 0), Some(0));
        assert_eq!(admit(Reason::ConnectionLost, 10), None);
        assert_eq!(admit(Reason::ConnectionLost, 990), None);
        assert_eq!(admit(Reason::DnsError, 990), Some(0), "another reason has its own");
        assert_eq!(admit(Reason::ConnectionLost, 1000), Some(2));
    }
}
