//! One secret in 48 bytes, less than a cache line: what decides, and the number of the rest.

use keydesk_model::{AccountNumber, EndCause, Ending, Timestamp, TokenState};
use keydesk_token::TokenHash;
use std::sync::atomic::{AtomicU8, Ordering};

/// The first 192 bits of a SHA-256. A token has 190 random bits, so the rest would add nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u64; 3]);

impl Digest {
    pub fn of(hash: &TokenHash) -> Self {
        let (words, _) = hash.as_bytes().as_chunks::<8>();
        Self([0, 1, 2].map(|at| u64::from_be_bytes(words[at])))
    }

    /// Rows are sorted by this; it is uniform.
    pub fn place(self) -> u64 {
        self.0[0]
    }

    /// Two more uniform numbers, for the filter.
    pub fn others(self) -> (u64, u64) {
        (self.0[1], self.0[2])
    }

    /// Without a branch on where two digests differ, so that the time tells nothing about it.
    pub fn is(self, other: Self) -> bool {
        let [a, b, c] = [0, 1, 2].map(|at| self.0[at] ^ other.0[at]);
        (a | b | c) == 0
    }
}

const VACANT: u8 = 0;
const LIVE: u8 = 1;
/// Live until `at`.
const EXPIRES: u8 = 2;
/// Was once refused as expired: a clock that is put back does not revive it.
const EXPIRED: u8 = 3;
/// Ended at `at`; what is added is the cause. Never left again.
const ENDED: u8 = 4;

#[derive(Debug)]
pub(super) struct Row {
    pub digest: Digest,
    /// When it expires or has ended, as the state says.
    at: i64,
    pub details: u32,
    number: u32,
    /// The number of the token's limits in its shard.
    pub limits: u32,
    state: AtomicU8,
}

impl Row {
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
    ) -> Self {
        let (at, state) = expires_at.map_or((0, LIVE), |at| (at.as_micros(), EXPIRES));
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
            LIVE => TokenState::Live,
            EXPIRES if now < at => TokenState::Live,
            EXPIRES | EXPIRED => {
                self.state.store(EXPIRED, Ordering::Relaxed);
                TokenState::Expired(at)
            }
            state => TokenState::Ended(Ending { at, cause: cause(state) }),
        }
    }

    /// Monotone: what has ended has ended, and the earliest reason is the one that is told.
    pub fn end(&mut self, ending: Ending) {
        let state = *self.state.get_mut();
        if state >= ENDED {
            return;
        }
        if matches!(state, EXPIRES | EXPIRED) && self.at < ending.at.as_micros() {
            *self.state.get_mut() = EXPIRED;
            return;
        }
        self.at = ending.at.as_micros();
        let cause = EndCause::ALL.iter().position(|cause| *cause == ending.cause);
        *self.state.get_mut() = ENDED + cause.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
    }

    /// Keeps what an older row knew of the same secret and must not be unsaid.
    pub fn remember(&mut self, older: &Self) {
        let known = older.state.load(Ordering::Relaxed);
        let same_expiry = self.at == older.at && *self.state.get_mut() == EXPIRES;
        if known >= ENDED {
            self.end(Ending { at: Timestamp::from_micros(older.at), cause: cause(known) });
        } else if known == EXPIRED && same_expiry {
            *self.state.get_mut() = EXPIRED;
        }
    }
}

fn cause(state: u8) -> EndCause {
    let at = usize::from(state.saturating_sub(ENDED));
    EndCause::ALL.get(at).copied().unwrap_or(EndCause::Revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_smaller_than_a_cache_line() {
        assert_eq!(size_of::<Row>(), 48);
    }

    /// The time of a comparison cannot tell how much of a digest was right, as it looks at all of it;
    /// and what is compared is a digest, which nobody can choose by parts.
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
