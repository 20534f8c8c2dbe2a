//! Throttling of password guessing: after a few consecutive failures, each attempt must wait twice as long as the one
//! before, and after 100, the password is locked until it is reset by email (NIST SP 800-63B-4, section 3.2.2).

use crate::{Rate, Timestamp};
use std::time::Duration;

/// The number of consecutive failures without a delay, because users mistype.
const FREE: i64 = 4;
/// The number of consecutive failures after which the password is locked.
pub const LOCKED_AT: i64 = 100;
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// The kinds of attempts, each of which is counted separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    /// Attempts for one email address, whether or not a user has it.
    Email,
    /// Attempts from a browser in which the user has logged in before, or with a session, so that an attacker who
    /// guesses doesn't delay the user.
    Device,
    /// Codes for one user's second factor, counted after the correct password.
    Factor,
    /// Attempts from one IP address, or from one IPv6 /64.
    Address,
    /// Attempts from one IPv6 /48, which holds 65,536 /64 networks.
    Network,
    /// The first few attempts from an address with few recent attempts.
    First,
    /// All other attempts.
    All,
    /// Successful logins of one user.
    LogIn,
    /// Reset links for one email address.
    Reset,
    /// Other unsolicited links for one email address, counted separately so that they can't use up its reset links.
    Link,
    /// Emails caused by one address or one user.
    Sender,
    /// Emails caused by one IPv6 /48.
    SenderNetwork,
    /// Audit entries about an address that has requested too many emails.
    Noted,
}

impl AttemptKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Device => "device",
            Self::Factor => "factor",
            Self::Address => "address",
            Self::Network => "network",
            Self::First => "first",
            Self::All => "all",
            Self::LogIn => "log_in",
            Self::Reset => "reset",
            Self::Link => "link",
            Self::Sender => "sender",
            Self::SenderNetwork => "sender_network",
            Self::Noted => "noted",
        }
    }

    /// Returns the rate limit for this kind, or `None` if only consecutive failures count.
    pub fn rate(self) -> Option<Rate> {
        let text = match self {
            Self::Email | Self::Device | Self::Factor => return None,
            Self::Address => "30/10m",
            Self::Network => "300/10m",
            Self::First | Self::All => "600/m",
            Self::LogIn => "120/h",
            Self::Reset | Self::Link => "5/h",
            Self::Sender => "30/h",
            Self::SenderNetwork => "300/h",
            Self::Noted => "1/h",
        };
        text.parse().ok()
    }
}

/// The recorded attempts of one kind and subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// The number of consecutive failures.
    pub failures: i64,
    pub last_at: Timestamp,
    /// The state of [`Rate::take`].
    pub used_until: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// The next attempt is possible after this duration.
    Wait(Duration),
    /// The password is locked until it is reset.
    Locked,
}

impl Attempts {
    pub const NONE: Self = Self { failures: 0, last_at: Timestamp::from_micros(0), used_until: 0 };

    /// Counts an attempt at `now` as a failure until it is taken back. Returns an error if the attempt isn't allowed.
    pub fn try_at(self, kind: AttemptKind, now: Timestamp) -> Result<Self, Throttled> {
        if let Some(rate) = kind.rate() {
            let taken = rate.take(self.used_until, now.as_micros()).map_err(Throttled::Wait)?;
            return Ok(Self { failures: self.failures + 1, last_at: now, used_until: taken.until });
        }
        if self.failures >= LOCKED_AT {
            return Err(Throttled::Locked);
        }
        let over = u32::try_from(self.failures - FREE).unwrap_or(0);
        let wait = if over == 0 {
            Duration::ZERO
        } else {
            Duration::from_secs(1 << (over - 1).min(10)).min(LONGEST_WAIT)
        };
        let waited = now.since(self.last_at);
        if waited < wait {
            return Err(Throttled::Wait(wait.saturating_sub(waited)));
        }
        Ok(Self { failures: self.failures + 1, last_at: now, ..self })
    }

    /// Returns how many attempts of the rate are in use at `now`.
    pub fn in_use(self, kind: AttemptKind, now: Timestamp) -> i64 {
        let each = kind.rate().map_or(i64::MAX, Rate::each_micros);
        // A fraction counts as a whole attempt.
        let ahead = self.used_until.saturating_sub(now.as_micros()).max(0);
        ahead / each + i64::from(ahead % each > 0)
    }

    /// Takes back an attempt that didn't fail.
    #[must_use]
    pub fn taken_back(self, kind: AttemptKind) -> Self {
        match kind.rate() {
            Some(rate) => Self {
                failures: (self.failures - 1).max(0),
                used_until: self.used_until - rate.each_micros(),
                ..self
            },
            None => Self { failures: 0, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_795_435_200_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn p7_failures_wait_longer_and_longer_and_lock_at_a_hundred() {
        let (mut attempts, mut now, mut waited) = (Attempts::NONE, 0, Vec::new());
        loop {
            match attempts.try_at(AttemptKind::Email, at(now)) {
                Ok(next) => attempts = next,
                Err(Throttled::Wait(wait)) => {
                    waited.push(wait.as_secs());
                    now += i64::try_from(wait.as_secs()).expect("small");
                }
                Err(Throttled::Locked) => break,
            }
        }
        assert_eq!(attempts.failures, LOCKED_AT);
        assert_eq!(waited[..6], [1, 2, 4, 8, 16, 32]);
        assert_eq!(waited.last(), Some(&900));
        assert_eq!(waited.len(), 95, "the first five cost nothing");
        let far = at(now + 1_000_000_000);
        assert_eq!(
            attempts.try_at(AttemptKind::Email, far),
            Err(Throttled::Locked),
            "no time heals it"
        );
        let healed = attempts.taken_back(AttemptKind::Email);
        assert!(healed.try_at(AttemptKind::Email, far).is_ok());
    }

    #[test]
    fn t43_an_address_has_thirty_failures_in_ten_minutes() {
        let mut attempts = Attempts::NONE;
        for _ in 0..30 {
            attempts = attempts.try_at(AttemptKind::Address, at(0)).expect("within the rate");
        }
        assert_eq!(
            attempts.try_at(AttemptKind::Address, at(0)),
            Err(Throttled::Wait(Duration::from_secs(20)))
        );
        assert!(attempts.try_at(AttemptKind::Address, at(20)).is_ok());
        let back = attempts.taken_back(AttemptKind::Address);
        assert!(back.try_at(AttemptKind::Address, at(0)).is_ok(), "who is let in costs nothing");
    }
}
