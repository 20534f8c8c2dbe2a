//! Rotation with a grace period, during which the previous secret works in addition to the new one.

use crate::Timestamp;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The grace period of a previous secret that is still accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Closing {
    /// The time of the rotation.
    pub since: Timestamp,
    /// The time from which the secret is rejected.
    pub at: Timestamp,
}

/// The length of the grace period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GracePeriod {
    #[default]
    None,
    OneHour,
    OneDay,
    SevenDays,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a grace period is none, 1h, 24h, or 7d")]
pub struct GracePeriodError;

text_form!(GracePeriod, GracePeriodError = GracePeriodError, {
    None = "none",
    OneHour = "1h",
    OneDay = "24h",
    SevenDays = "7d",
});

impl GracePeriod {
    pub fn duration(self) -> Duration {
        Duration::from_hours(match self {
            Self::None => 0,
            Self::OneHour => 1,
            Self::OneDay => 24,
            Self::SevenDays => 168,
        })
    }
}

/// The terms on which the previous secret keeps working after a rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationTerms {
    pub grace_period: GracePeriod,
    /// Revokes the previous secret early if it is not used for this long. [`GracePeriod::None`] never does.
    pub revoke_after_idle: GracePeriod,
}

impl RotationTerms {
    /// The rate at which a token may rotate itself. Each rotation leaves a secret in the memory of every gateway.
    pub const BY_ITSELF: &str = "60/h";

    /// The grace period from `now`. Returns `None` if the previous secret is revoked immediately.
    pub fn closing(self, now: Timestamp) -> Option<Closing> {
        let grace_period = self.grace_period.duration();
        (!grace_period.is_zero()).then(|| Closing { since: now, at: now.plus(grace_period) })
    }

    /// Returns whether the idle period ends before the grace period. Without a grace period, there is nothing to end
    /// early.
    pub fn is_consistent(self) -> bool {
        let (grace_period, revoke_after_idle) =
            (self.grace_period.duration(), self.revoke_after_idle.duration());
        revoke_after_idle.is_zero() || revoke_after_idle < grace_period
    }

    /// Returns the idle period, or `None` if only the end of the grace period revokes the secret.
    pub fn idle_period(self) -> Option<Duration> {
        let revoke_after_idle = self.revoke_after_idle.duration();
        (!revoke_after_idle.is_zero() && revoke_after_idle < self.grace_period.duration())
            .then_some(revoke_after_idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_print_and_parse_and_a_quiet_time_is_shorter_than_the_deadline() {
        for grace_period in GracePeriod::ALL {
            assert_eq!(grace_period.as_str().parse(), Ok(grace_period));
        }
        let now = Timestamp::from_micros(5);
        assert_eq!(RotationTerms::default().closing(now), None);
        let terms = RotationTerms {
            grace_period: GracePeriod::OneDay,
            revoke_after_idle: GracePeriod::OneHour,
        };
        assert_eq!(
            terms.closing(now),
            Some(Closing { since: now, at: now.plus(Duration::from_hours(24)) })
        );
        assert_eq!(terms.idle_period(), Some(Duration::from_hours(1)));
        assert_eq!(
            RotationTerms { revoke_after_idle: GracePeriod::OneDay, ..terms }.idle_period(),
            None
        );
        assert!(terms.is_consistent());
        assert!(!RotationTerms { revoke_after_idle: GracePeriod::OneDay, ..terms }.is_consistent());
        assert!(!RotationTerms { grace_period: GracePeriod::None, ..terms }.is_consistent());
        assert!(RotationTerms::default().is_consistent());
    }
}
