//! The format of journal records: a marker, the body's length, the body, and a digest.

use keydesk_model::{
    AccountNumber, AccountState, Change, LiveAccount, Revocation, RevocationReason, Timestamp,
};
use keydesk_token::TokenHash;
use sha2::{Digest, Sha256};

/// The start of a record, followed by the body's length in two bytes, the body, and a digest of both.
const MARK: [u8; 4] = [0xff, b'K', b'D', b'2'];
const HEAD: usize = MARK.len() + 2;
const DIGEST: usize = 16;
const LONGEST: usize = 128;

/// A revocation that was seen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub hash: TokenHash,
    pub revocation: Revocation,
    /// The time when the token would have expired, after which the record is no longer needed.
    pub expires_at: Option<Timestamp>,
}

/// An account state that was seen here, and the time since which the account has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub number: AccountNumber,
    pub state: AccountState,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Ended(Tombstone),
    /// The revocation of the secret at this instant was undone.
    Restored(TokenHash, Timestamp),
    Account(Standing),
    /// The time at which a process that wrote here started, by its clock.
    Started(Timestamp),
}

impl Standing {
    pub(crate) fn of(live: &LiveAccount) -> Self {
        Self { number: live.number, state: live.state, at: live.state_since }
    }
}

impl Record {
    /// Returns the record to keep of a change, for rejections and for changes that end them.
    pub fn of(change: &Change) -> Option<Self> {
        match change {
            Change::SecretRevoked { hash, revocation, expires_at } => {
                let (hash, revocation, expires_at) = (*hash, *revocation, *expires_at);
                Some(Self::Ended(Tombstone { hash, revocation, expires_at }))
            }
            Change::SecretRestored(secret) => {
                secret.restored_from.map(|at| Self::Restored(secret.hash, at))
            }
            Change::AccountStopped { number, state, at } => {
                Some(Self::Account(Standing { number: *number, state: *state, at: *at }))
            }
            Change::AccountChanged(live) if live.state_since.as_micros() > 0 => {
                Some(Self::Account(Standing::of(live)))
            }
            Change::AccountChanged(_)
            | Change::SecretIssued(_)
            | Change::CanaryCreated(_)
            | Change::CanaryRemoved(_)
            | Change::RulesChanged(_) => None,
        }
    }
}

fn digest(head_and_body: &[u8]) -> [u8; DIGEST] {
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&Sha256::digest(head_and_body)[..DIGEST]);
    digest
}

pub(crate) fn write(record: &Record) -> Vec<u8> {
    let mut body = Vec::with_capacity(LONGEST);
    match record {
        Record::Ended(Tombstone { hash, revocation, expires_at }) => {
            body.push(b'e');
            body.extend(hash.as_bytes());
            body.extend(revocation.at.as_micros().to_be_bytes());
            body.extend(expires_at.map_or(i64::MAX, Timestamp::as_micros).to_be_bytes());
            body.extend(revocation.reason.as_str().as_bytes());
        }
        Record::Restored(hash, at) => {
            body.push(b'r');
            body.extend(hash.as_bytes());
            body.extend(at.as_micros().to_be_bytes());
        }
        Record::Account(Standing { number, state, at }) => {
            body.push(b'a');
            body.extend(u32::from(*number).to_be_bytes());
            body.extend(at.as_micros().to_be_bytes());
            body.extend(state.as_str().as_bytes());
        }
        Record::Started(at) => {
            body.push(b's');
            body.extend(at.as_micros().to_be_bytes());
        }
    }
    let length = u16::try_from(body.len()).expect("a body is short");
    let mut bytes = [&MARK[..], &length.to_be_bytes(), &body].concat();
    bytes.extend(digest(&bytes));
    bytes
}

/// Returns all records, and the number of bytes that belong to none.
pub(crate) fn records(bytes: &[u8]) -> (Vec<Record>, usize) {
    let (mut found, mut rest, mut damaged) = (Vec::new(), bytes, 0);
    while !rest.is_empty() {
        if let Some((record, length)) = first(rest) {
            found.extend(record);
            rest = &rest[length..];
        } else {
            damaged += 1;
            rest = &rest[1..];
        }
    }
    (found, damaged)
}

/// Returns the record at the start, and its length. A record of a newer release that can't be read is skipped without
/// counting as damage.
fn first(bytes: &[u8]) -> Option<(Option<Record>, usize)> {
    if bytes.first() != Some(&MARK[0]) {
        return before(bytes);
    }
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (mark, length) = head.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
    let whole = HEAD + length;
    if *mark != MARK || bytes.get(whole..whole + DIGEST)? != digest(&bytes[..whole]) {
        return before(bytes);
    }
    Some((read(&rest[..length]), whole + DIGEST))
}

fn number(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((Timestamp::from_micros(i64::from_be_bytes(*number)), rest))
}

fn read(body: &[u8]) -> Option<Record> {
    let (kind, rest) = body.split_first()?;
    match kind {
        b'e' => {
            let (hash, rest) = rest.split_first_chunk::<32>()?;
            ended(TokenHash::from_bytes(*hash), rest)
        }
        b'a' => {
            let (account, rest) = rest.split_first_chunk::<4>()?;
            let (at, state) = number(rest)?;
            let number = AccountNumber::try_from(u32::from_be_bytes(*account)).ok()?;
            // An unknown state of a newer release is rejected anyway.
            let state = std::str::from_utf8(state).ok()?.parse().unwrap_or(AccountState::Closed);
            Some(Record::Account(Standing { number, state, at }))
        }
        b'r' => {
            let (hash, rest) = rest.split_first_chunk::<32>()?;
            Some(Record::Restored(TokenHash::from_bytes(*hash), number(rest)?.0))
        }
        b's' => Some(Record::Started(number(rest)?.0)),
        _ => None,
    }
}

fn ended(hash: TokenHash, rest: &[u8]) -> Option<Record> {
    let (at, rest) = number(rest)?;
    let (expires_at, reason) = number(rest)?;
    let expires_at = Some(expires_at).filter(|at| at.as_micros() != i64::MAX);
    let reason = std::str::from_utf8(reason).ok()?;
    // An unknown reason of a newer release revokes the secret anyway.
    let revocation = Revocation { at, reason: reason.parse().unwrap_or(RevocationReason::Revoked) };
    Some(Record::Ended(Tombstone { hash, revocation, expires_at }))
}

/// Reads a record in the format of previous releases: 80 bytes, of which the last four are a checksum.
fn before(bytes: &[u8]) -> Option<(Option<Record>, usize)> {
    const LENGTH: usize = 80;
    let (body, sum) = bytes.get(..LENGTH)?.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_be_bytes(*sum) || body.iter().all(|byte| *byte == 0) {
        return None;
    }
    let (hash, rest) = body.split_first_chunk::<32>()?;
    let end = rest.iter().rposition(|byte| *byte != 0).map_or(16, |last| last + 1).max(16);
    Some((ended(TokenHash::from_bytes(*hash), &rest[..end]), LENGTH))
}
