//! The journal of ended secrets, a file of this machine's own: what was refused here once is refused
//! for ever, whatever a database says that was restored, rewound or failed over.

use keydesk_model::{EndCause, Ending, Timestamp};
use keydesk_token::TokenHash;
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Digest, instant of the ending, instant of the natural end, cause, checksum.
const RECORD: usize = 80;
const CAUSE: std::ops::Range<usize> = 48..76;

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

/// An ending that was seen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub hash: TokenHash,
    pub ending: Ending,
    /// When the token would have expired by itself: then the record has done its work.
    pub expires_at: Option<Timestamp>,
}

impl Journal {
    /// Opens or makes the file. What a crash left half-written at its end is filled up, so that later
    /// records stand in their places.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let mut journal = Self { path: path.to_owned(), file };
        journal.fill_up()?;
        Ok(journal)
    }

    fn fill_up(&mut self) -> io::Result<()> {
        let half = self.file.metadata()?.len() % RECORD as u64;
        if half > 0 {
            let missing = RECORD - usize::try_from(half).unwrap_or(0);
            self.file.write_all(&vec![0; missing])?;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Everything that is in it. Records whose checksum is wrong are left out, with a warning.
    pub fn read(&self) -> io::Result<HashMap<TokenHash, Tombstone>> {
        let mut bytes = Vec::new();
        File::open(&self.path)?.read_to_end(&mut bytes)?;
        let (records, _) = bytes.as_chunks::<RECORD>();
        let known: HashMap<_, _> =
            records.iter().filter_map(read).map(|stone| (stone.hash, stone)).collect();
        let wrong = records.iter().filter(|record| read(record).is_none()).count();
        if wrong > 0 {
            tracing::warn!(wrong, path = %self.path.display(), "records of the journal of ended tokens cannot be read");
        }
        Ok(known)
    }

    /// Adds records; when it returns they are on the disk. One write, so that another process that
    /// appends at the same time does not come between.
    pub fn append(&mut self, stones: &[Tombstone]) -> io::Result<()> {
        if stones.is_empty() {
            return Ok(());
        }
        // A disk that was full may have taken half a record the last time.
        self.fill_up()?;
        let bytes: Vec<u8> = stones.iter().flat_map(write).collect();
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }

    /// Leaves out what has expired by itself, where that is most of the file. Only when nobody else
    /// has it open.
    pub fn compact(&mut self, now: Timestamp) -> io::Result<()> {
        let known = self.read()?;
        let is_over = |stone: &&Tombstone| stone.expires_at.is_some_and(|at| at < now);
        if known.values().filter(is_over).count() * 2 <= known.len() || known.is_empty() {
            return Ok(());
        }
        let beside = self.path.with_extension("new");
        let mut next = Self::open(&beside)?;
        next.file.set_len(0)?;
        let kept: Vec<_> = known.values().filter(|stone| !is_over(stone)).copied().collect();
        next.append(&kept)?;
        std::fs::rename(&beside, &self.path)?;
        self.file = next.file;
        Ok(())
    }
}

fn write(stone: &Tombstone) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..32].copy_from_slice(stone.hash.as_bytes());
    record[32..40].copy_from_slice(&stone.ending.at.as_micros().to_be_bytes());
    let expires_at = stone.expires_at.map_or(i64::MAX, Timestamp::as_micros);
    record[40..48].copy_from_slice(&expires_at.to_be_bytes());
    let cause = stone.ending.cause.as_str().as_bytes();
    record[CAUSE][..cause.len()].copy_from_slice(cause);
    let sum = crc32fast::hash(&record[..RECORD - 4]);
    record[RECORD - 4..].copy_from_slice(&sum.to_be_bytes());
    record
}

fn read(record: &[u8; RECORD]) -> Option<Tombstone> {
    let (body, sum) = record.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_be_bytes(*sum) {
        return None;
    }
    let number = |at: usize| Some(i64::from_be_bytes(*record[at..].first_chunk::<8>()?));
    let cause = std::str::from_utf8(&record[CAUSE]).ok()?.trim_end_matches('\0');
    let expires_at = number(40).filter(|at| *at != i64::MAX).map(Timestamp::from_micros);
    Some(Tombstone {
        hash: TokenHash::from_bytes(*record.first_chunk::<32>()?),
        // A cause that a newer release has written ends the secret all the same.
        ending: Ending {
            at: Timestamp::from_micros(number(32)?),
            cause: cause.parse().unwrap_or(EndCause::Revoked),
        },
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stone(number: u8, cause: EndCause, expires_at: Option<i64>) -> Tombstone {
        Tombstone {
            hash: TokenHash::from_bytes([number; 32]),
            ending: Ending { at: Timestamp::from_micros(i64::from(number)), cause },
            expires_at: expires_at.map(Timestamp::from_micros),
        }
    }

    #[test]
    fn what_is_appended_is_there_after_a_restart_and_after_half_a_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ended");
        let causes = EndCause::ALL.iter().zip(1..);
        let stones: Vec<_> = causes.map(|(cause, at)| stone(at, *cause, None)).collect();
        Journal::open(&path).expect("opens").append(&stones).expect("appends");
        let mut file = OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(&[7; 33]).expect("writes half a record");
        let last = [stone(98, EndCause::Rotated, Some(5)), stone(99, EndCause::Revoked, None)];
        let mut journal = Journal::open(&path).expect("opens");
        journal.append(&last[..1]).expect("appends");
        file.write_all(&[7; 33]).expect("writes half a record again, while it is open");
        journal.append(&last[1..]).expect("appends");
        let known = Journal::open(&path).expect("opens").read().expect("reads");
        assert_eq!(known.len(), stones.len() + last.len());
        for stone in stones.iter().chain(&last) {
            assert_eq!(known.get(&stone.hash), Some(stone));
        }
    }

    #[test]
    fn what_has_expired_by_itself_is_left_out_in_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ended");
        let mut journal = Journal::open(&path).expect("opens");
        let stones = [
            stone(1, EndCause::Revoked, Some(10)),
            stone(2, EndCause::Revoked, Some(20)),
            stone(3, EndCause::Revoked, None),
        ];
        journal.append(&stones).expect("appends");
        journal.compact(Timestamp::from_micros(15)).expect("has little to do");
        assert_eq!(journal.read().expect("reads").len(), 3);
        journal.compact(Timestamp::from_micros(30)).expect("compacts");
        journal.append(&[stone(4, EndCause::Rotated, None)]).expect("appends");
        let known = Journal::open(&path).expect("opens").read().expect("reads");
        let mut left: Vec<_> = known.values().map(|stone| stone.hash.as_bytes()[0]).collect();
        left.sort_unstable();
        assert_eq!(left, [3, 4]);
    }
}
