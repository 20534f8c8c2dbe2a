//! A part of the table: rows sorted by digest in an array with gaps (ordered linear probing: each row is at its
//! proportional position or right after it), a filter that rejects most unknown digests without reading the rows, and
//! the details that decisions do not need.

use super::{
    limits::LiveTokenLimits,
    row::{Digest, LiveEntry},
};
use keydesk_model::{AccountId, LiveSecret, MemberId, Revocation, Timestamp, TokenId, TokenOwner};
use std::sync::Arc;

/// The load factor at which a shard grows (7 in 8), and the one after growth (3 in 4).
const FULL: (usize, usize) = (7, 8);
const GROWN: (usize, usize) = (3, 4);
/// Rows after the last position, for displaced ones.
const TAIL: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Shard {
    /// The positions across which rows are distributed, and a tail.
    rows: Vec<LiveEntry>,
    places: usize,
    filter: Vec<u64>,
    count: usize,
    details: Vec<Details>,
    /// The limits of this shard's tokens, which rows reference by number.
    limits: Vec<Arc<LiveTokenLimits>>,
    names: String,
    /// Incremented when the numbers of details change their meaning.
    pub generation: u32,
}

/// The details of a secret that do not affect decisions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Details {
    pub token: TokenId,
    pub subject: Subject,
    name: u32,
    name_length: u16,
}

/// The identity behind a request, as far as its token determines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Member(MemberId),
    Account(AccountId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member(member) => member.fmt(out),
            Self::Account(account) => account.fmt(out),
        }
    }
}

impl Details {
    pub fn token_owner(&self) -> TokenOwner {
        self.subject.token_owner()
    }
}

impl Shard {
    /// Returns an empty shard that will replace `older`.
    pub fn following(older: &Self, count: usize) -> Self {
        let mut next = Self { generation: older.generation.wrapping_add(1), ..Self::default() };
        next.resize(count * GROWN.1 / GROWN.0);
        next.details.reserve_exact(count);
        next
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn size_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<LiveEntry>()
            + self.filter.capacity() * size_of::<u64>()
            + self.details.capacity() * size_of::<Details>()
            + self.limits.capacity() * size_of::<Arc<LiveTokenLimits>>()
            + self.names.capacity()
    }

    pub fn details(&self, number: u32) -> &Details {
        &self.details[number as usize]
    }

    pub fn limits(&self, number: u32) -> &Arc<LiveTokenLimits> {
        &self.limits[number as usize]
    }

    pub fn name(&self, number: u32) -> &str {
        let details = self.details(number);
        let start = details.name as usize;
        self.names.get(start..start + usize::from(details.name_length)).unwrap_or_default()
    }

    pub fn find(&self, digest: Digest) -> Option<&LiveEntry> {
        if !self.may_hold(digest) {
            return None;
        }
        self.rows.get(self.home(digest)..)?.iter().find_map(|row| {
            if row.is_vacant() || row.digest.place() > digest.place() {
                Some(None)
            } else {
                row.digest.is(digest).then_some(Some(row))
            }
        })?
    }

    fn find_mut(&mut self, digest: Digest) -> Option<&mut LiveEntry> {
        let home = self.home(digest);
        self.rows
            .iter_mut()
            .skip(home)
            .take_while(|row| !row.is_vacant())
            .find(|row| row.digest.is(digest))
    }

    pub fn end(&mut self, digest: Digest, revocation: Revocation) {
        if let Some(row) = self.find_mut(digest) {
            row.end(revocation);
        }
    }

    /// Undoes the revocation of a secret at this instant, and no other one.
    pub fn undo(&mut self, digest: Digest, revoked_at: Timestamp) {
        if let Some(row) = self.find_mut(digest) {
            row.undo(revoked_at);
        }
    }

    /// Adds or updates a secret. An ended secret stays ended.
    pub fn insert(&mut self, secret: &LiveSecret, limits: &Arc<LiveTokenLimits>) {
        let limits = self.number_of(limits);
        let digest = Digest::of(&secret.hash);
        let number = self.find(digest).map(|row| row.details);
        let details = self.note(secret, number);
        let closes_at = secret.closing.map(|closing| closing.at);
        let mut row =
            LiveEntry::new(digest, secret.number, details, limits, secret.expires_at, closes_at);
        if let Some(revocation) = secret.revocation {
            row.end(revocation);
        }
        if let Some(known) = self.find_mut(digest) {
            row.remember(known);
            *known = row;
        } else {
            self.add(row);
        }
    }

    /// Keeps the ended secrets of the replaced shard.
    pub fn remember(&mut self, older: &Self) {
        for known in older.rows.iter().filter(|row| !row.is_vacant()) {
            if let Some(row) = self.find_mut(known.digest) {
                row.remember(known);
            }
        }
    }

    fn number_of(&mut self, limits: &Arc<LiveTokenLimits>) -> u32 {
        let known = self.limits.iter().rposition(|known| Arc::ptr_eq(known, limits));
        let number = known.unwrap_or_else(|| {
            if self.limits.len() == self.limits.capacity() {
                self.limits.reserve_exact(1 + self.limits.len() / 8);
            }
            self.limits.push(Arc::clone(limits));
            self.limits.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    fn note(&mut self, secret: &LiveSecret, known: Option<u32>) -> u32 {
        let subject = match secret.token_owner {
            TokenOwner::Member(member) => Subject::Member(member),
            TokenOwner::Account => Subject::Account(secret.account),
        };
        let name = if let Some(number) = known.filter(|number| self.name(*number) == secret.name) {
            self.details(number).name
        } else {
            let start = self.names.len();
            if self.names.capacity() < start + secret.name.len() {
                self.names.reserve_exact(secret.name.len() + 64 + start / 8);
            }
            self.names.push_str(&secret.name);
            u32::try_from(start).unwrap_or(u32::MAX)
        };
        let name_length = u16::try_from(secret.name.len()).unwrap_or(u16::MAX);
        let details = Details { token: secret.token, subject, name, name_length };
        if let Some(number) = known {
            self.details[number as usize] = details;
            return number;
        }
        if self.details.len() == self.details.capacity() {
            self.details.reserve_exact(4 + self.details.len() / 8);
        }
        self.details.push(details);
        u32::try_from(self.details.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds a row that is not present, after all that precede it, and shifts the following ones.
    fn add(&mut self, row: LiveEntry) {
        if (self.count + 1) * FULL.1 > self.places * FULL.0 {
            self.resize((self.count + 1) * GROWN.1 / GROWN.0);
        }
        let mut row = row;
        while let Err(back) = self.place(row) {
            row = back;
            self.resize(self.places + self.places / 8 + 4);
        }
        self.count += 1;
    }

    fn place(&mut self, row: LiveEntry) -> Result<(), LiveEntry> {
        let place = row.digest.place();
        let home = self.home(row.digest);
        let goes_before = |other: &LiveEntry| other.is_vacant() || other.digest.place() > place;
        let Some(at) = self.rows.iter().skip(home).position(goes_before) else { return Err(row) };
        let at = home + at;
        let Some(gap) = self.rows[at..].iter().position(LiveEntry::is_vacant) else {
            return Err(row);
        };
        self.mark(row.digest);
        self.rows[at..=at + gap].rotate_right(1);
        self.rows[at] = row;
        Ok(())
    }

    fn resize(&mut self, places: usize) {
        let places = places.max(4);
        let mut rows = Vec::new();
        rows.reserve_exact(places + TAIL);
        rows.resize_with(places + TAIL, LiveEntry::vacant);
        let older = std::mem::replace(&mut self.rows, rows);
        self.places = places;
        self.filter = vec![0; places.div_ceil(8)];
        for row in older.into_iter().filter(|row| !row.is_vacant()) {
            // Rows arrive in order, so each is placed after the last. If the tail is too short, it grows.
            if let Err(row) = self.place(row) {
                self.mark(row.digest);
                self.rows.push(row);
            }
        }
    }

    /// Returns the position: `place` as a fraction of the number range, times the number of positions.
    fn home(&self, digest: Digest) -> usize {
        scale(digest.place(), self.places)
    }

    /// Returns the filter bits of a digest. The filter has 8 bits per position, 3 set per digest, all in one word.
    fn bits(&self, digest: Digest) -> (usize, u64) {
        let (word, bits) = digest.others();
        let mask = (1 << (bits & 63)) | (1 << (bits >> 6 & 63)) | (1 << (bits >> 12 & 63));
        (scale(word, self.filter.len()), mask)
    }

    fn may_hold(&self, digest: Digest) -> bool {
        let (word, mask) = self.bits(digest);
        self.filter.get(word).is_some_and(|bits| bits & mask == mask)
    }

    fn mark(&mut self, digest: Digest) {
        let (word, mask) = self.bits(digest);
        if let Some(bits) = self.filter.get_mut(word) {
            *bits |= mask;
        }
    }
}

fn scale(uniform: u64, places: usize) -> usize {
    usize::try_from((u128::from(uniform) * places as u128) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::limits::KnownLimits;
    use keydesk_model::{AccountNumber, IpAllowlist, ScopeSet};
    use keydesk_token::{Entropy, TokenHash};
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn secret(hash: TokenHash, entropy: &Entropy) -> LiveSecret {
        LiveSecret {
            hash,
            token: TokenId::generate(Timestamp::from_micros(0), entropy),
            account: AccountId::generate(Timestamp::from_micros(0), entropy),
            number: AccountNumber::try_from(385_403).expect("a number"),
            token_owner: TokenOwner::Account,
            name: "CRM".to_owned(),
            scopes: ScopeSet::everything(),
            expires_at: None,
            revocation: None,
            ip_allowlist: IpAllowlist::default(),
            observed: None,
            closing: None,
            restored_from: None,
        }
    }

    proptest! {
        /// Digests with close values are the worst case of the ordering.
        #[test]
        fn it_holds_what_a_map_holds(hashes in proptest::collection::vec((0u8..4, any::<u8>(), any::<u8>()), 0..400)) {
            let entropy = Entropy::seeded(1);
            let (mut shard, mut map) = (Shard::default(), HashMap::new());
            let known = KnownLimits::default();
            for (first, second, last) in hashes {
                let mut bytes = [0; 32];
                (bytes[0], bytes[1], bytes[15]) = (first * 85, second, last);
                let secret = secret(TokenHash::from_bytes(bytes), &entropy);
                shard.insert(&secret, &known.of(&secret));
                map.insert(bytes, secret.token);
            }
            prop_assert_eq!(shard.len(), map.len());
            for (bytes, token) in &map {
                let row = shard.find(Digest::of(&TokenHash::from_bytes(*bytes))).expect("is there");
                prop_assert_eq!(shard.details(row.details).token, *token);
                prop_assert_eq!(shard.name(row.details), "CRM");
                let mut other = *bytes;
                other[20] ^= 1;
                prop_assert!(shard.find(Digest::of(&TokenHash::from_bytes(other))).is_none());
            }
        }
    }

    #[test]
    fn a_token_takes_no_more_than_120_bytes() {
        let (entropy, mut shard) = (Entropy::seeded(2), Shard::default());
        let known = KnownLimits::default();
        for count in 1..5_000 {
            let secret = secret(TokenHash::from_bytes(entropy.bytes()), &entropy);
            shard.insert(&secret, &known.of(&secret));
            assert!(
                count < 500 || shard.size_bytes() <= 120 * count,
                "{count}: {}",
                shard.size_bytes()
            );
        }
    }
}
