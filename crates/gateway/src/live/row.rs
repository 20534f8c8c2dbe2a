//! One secret in 48 bytes, less than a cache line: the data that decides, and the number of its limits.

use keydesk_model::{AccountNumber, Revocation, RevocationReason, Timestamp, TokenState};
use keydesk_token::TokenHash;
use std::sync::atomic::{AtomicU8, Ordering};

/// The first 192 bits of a SHA-256 digest. A token has 190 random bits, so the rest would add nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u64; 3]);

impl Digest {
    pub fn of(hash: &TokenHash) -> Self {
        let (words, _) = hash.as_bytes().as_chunks::<8>();
        Self([0, 1, 2].map(|at| u64::from_be_bytes(words[at])))
    }

    /// Returns the uniformly distributed number by which rows are sorted.
    pub fn place(self) -> u64 {
        self.0[0]
    }

    /// Returns two more uniformly distributed numbers, for the filter.
    pub fn others(self) -> (u64, u64) {
        (self.0[1], self.0[2])
    }

    /// Compares without a branch on the position of the first difference, so that the time reveals nothing about it.
    pub fn is(self, other: Self) -> bool {
        let [a, b, c] = [0, 1, 2].map(|at| self.0[at] ^ other.0[at]);
        (a | b | c) == 0
    }
}

const VACANT: u8 = 0;
const LIVE: u8 = 1;
/// Live until `at`.
const EXPIRES: u8 = 2;
/// Was once rejected as expired. A clock that is set back does not revive it.
const EXPIRED: u8 = 3;
/// Rotated, and live until `at`.
const CLOSES: u8 = 4;
/// Was once rejected after the end of its grace period.
const CLOSED: u8 = 5;
/// Ended at `at`; the reason is added to this value. Left only if this very revocation is undone.
const ENDED: u8 = 6;

#[derive(Debug)]
pub(super) struct LiveEntry {
    pub digest: Digest,
    /// The time of expiration or end, depending on the state.
    at: i64,
    pub details: u32,
    number: u32,
    /// The number of the token's limits in its shard.
    pub limits: u32,
    state: AtomicU8,
}

impl LiveEntry {
    pub fn vacant() -> Self {
        let (digest, state) = (Digest([0; 3]), AtomicU8::new(VACANT));
        Self { digest, at: 0, details: 0, number: 0, limits: 0, state }
    }

    pub fn new(
        digest: Digest,
        number: AccountNumber,
        details: u32,
        limits: u32,
        expires_at: Option<Timestamp>,
        closes_at: Option<Timestamp>,
    ) -> Self {
        // The earlier of the two applies.
        let (at, state) = match (expires_at, closes_at) {
            (None, None) => (0, LIVE),
            (Some(at), None) => (at.as_micros(), EXPIRES),
            (Some(at), Some(closes)) if at <= closes => (at.as_micros(), EXPIRES),
            (_, Some(closes)) => (closes.as_micros(), CLOSES),
        };
        let number = number.into();
        Self { digest, at, details, number, limits, state: AtomicU8::new(state) }
    }

    pub fn is_vacant(&self) -> bool {
        self.state.load(Ordering::Relaxed) == VACANT
    }

    pub fn number(&self) -> AccountNumber {
        AccountNumber::try_from(self.number).expect("a row is made from an account's number")
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        let state = self.state.load(Ordering::Relaxed);
        matches!(state, EXPIRES | EXPIRED).then(|| Timestamp::from_micros(self.at))
    }

    pub fn state(&self, now: Timestamp) -> TokenState {
        let at = Timestamp::from_micros(self.at);
        match self.state.load(Ordering::Relaxed) {
            LIVE => TokenState::Active,
            EXPIRES | CLOSES if now < at => TokenState::Active,
            EXPIRES | EXPIRED => {
                self.state.store(EXPIRED, Ordering::Relaxed);
                TokenState::Expired(at)
            }
            CLOSES | CLOSED => {
                self.state.store(CLOSED, Ordering::Relaxed);
                TokenState::Revoked(Revocation { at, reason: RevocationReason::Rotated })
            }
            state => TokenState::Revoked(Revocation { at, reason: reason(state) }),
        }
    }

    /// Ends the secret. Monotonic: an ended secret stays ended, and the earliest reason is the one that is reported.
    pub fn end(&mut self, revocation: Revocation) {
        let state = *self.state.get_mut();
        if state >= ENDED {
            return;
        }
        if matches!(state, EXPIRES | EXPIRED) && self.at < revocation.at.as_micros() {
            *self.state.get_mut() = EXPIRED;
            return;
        }
        let is_over = matches!(state, CLOSES | CLOSED) && self.at < revocation.at.as_micros();
        let revocation = if is_over { self.closed() } else { revocation };
        self.at = revocation.at.as_micros();
        let reason = RevocationReason::ALL.iter().position(|reason| *reason == revocation.reason);
        *self.state.get_mut() = ENDED + reason.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
    }

    /// Undoes the revocation at this instant. What the row says otherwise is replaced by the caller.
    pub fn undo(&mut self, revoked_at: Timestamp) {
        let state = *self.state.get_mut();
        let at = Timestamp::from_micros(self.at);
        let is_undone = state >= ENDED
            && Revocation { at, reason: reason(state) }.is_undone_by(Some(revoked_at));
        if is_undone {
            *self.state.get_mut() = LIVE;
        }
    }

    fn closed(&self) -> Revocation {
        Revocation { at: Timestamp::from_micros(self.at), reason: RevocationReason::Rotated }
    }

    /// Keeps the parts of an older row of the same secret that must not be lost.
    pub fn remember(&mut self, older: &Self) {
        let known = older.state.load(Ordering::Relaxed);
        let state = *self.state.get_mut();
        let same_expiry = self.at == older.at && *self.state.get_mut() == EXPIRES;
        if known >= ENDED {
            self.end(Revocation { at: Timestamp::from_micros(older.at), reason: reason(known) });
        } else if known == CLOSED {
            self.end(older.closed());
        } else if known == CLOSES && (state == LIVE || (state < ENDED && self.at > older.at)) {
            // A database that has lost the rotation does not remove its deadline.
            self.at = older.at;
            *self.state.get_mut() = CLOSES;
        } else if known == EXPIRED && same_expiry {
            *self.state.get_mut() = EXPIRED;
        }
    }
}

fn reason(state: u8) -> RevocationReason {
    let at = usize::from(state.saturating_sub(ENDED));
    RevocationReason::ALL.get(at).copied().unwrap_or(RevocationReason::Revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_smaller_than_a_cache_line() {
        assert_eq!(size_of::<LiveEntry>(), 48);
    }

    #[test]
    fn f5_an_previous_secret_goes_on_to_its_hour_and_not_a_microsecond_longer() {
        let at = Timestamp::from_micros;
        let number = AccountNumber::try_from(385_403).expect("a number");
        let row = |expires: Option<i64>, closes| {
            let digest = Digest::of(&TokenHash::from_bytes([1; 32]));
            LiveEntry::new(digest, number, 0, 0, expires.map(at), Some(at(closes)))
        };
        let closed =
            TokenState::Revoked(Revocation { at: at(100), reason: RevocationReason::Rotated });
        let closing = row(None, 100);
        assert_eq!(closing.state(at(99)), TokenState::Active);
        assert_eq!(closing.state(at(100)), closed);
        assert_eq!(closing.state(at(5)), closed, "nor does a clock that was put back revive it");
        let mut forgotten = LiveEntry::new(closing.digest, number, 0, 0, None, None);
        forgotten.remember(&row(None, 100));
        assert_eq!(forgotten.state(at(99)), TokenState::Active);
        assert_eq!(forgotten.state(at(100)), closed, "the deadline holds");
        // A restored database does not have the rotation.
        let mut revived = LiveEntry::new(closing.digest, number, 0, 0, None, None);
        revived.remember(&closing);
        assert_eq!(revived.state(at(5)), closed);
        assert_eq!(row(Some(50), 100).state(at(70)), TokenState::Expired(at(50)));
        assert_eq!(row(Some(150), 100).state(at(120)), closed);
        // Revoked before its deadline, or recorded as closed after it.
        for (ended, reason, expected) in
            [(60, RevocationReason::Revoked, 60), (130, RevocationReason::Revoked, 100)]
        {
            let mut row = row(None, 100);
            row.end(Revocation { at: at(ended), reason });
            let TokenState::Revoked(revocation) = row.state(at(1)) else { panic!("it has ended") };
            assert_eq!(revocation.at, at(expected));
        }
    }

    /// The time of a comparison does not reveal how much of a digest was right, because it covers all of it. The
    /// compared value is a digest, which a client cannot choose part by part.
    #[test]
    fn t09_a_digest_is_compared_as_a_whole() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7).expect("small"));
        let digest = Digest::of(&TokenHash::from_bytes(bytes));
        assert!(digest.is(digest));
        for bit in 0..192 {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!digest.is(Digest::of(&TokenHash::from_bytes(other))), "bit {bit}");
        }
    }
}
