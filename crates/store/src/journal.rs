//! The revocation journal, a file on this machine: what was rejected here stays rejected, even if the database was
//! restored, rewound, or failed over.
//!
//! The file consists of records, each found by its marker, length, and digest, so that damage affects no record behind
//! it. A later record of the same account replaces an earlier one. A restoration ends the revocation that it names.

use crate::record::{Record, Standing, Tombstone, records, write};
use keydesk_model::{AccountNumber, Timestamp};
use keydesk_token::TokenHash;
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// The minimum length of the file that this process has seen.
    length: u64,
}

/// The contents of a journal.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub ended: HashMap<TokenHash, Tombstone>,
    /// Earlier revocations of the same secrets, from before the database went back in time: undoing one of them undoes
    /// no other.
    earlier: HashMap<TokenHash, Vec<Tombstone>>,
    pub accounts: HashMap<AccountNumber, Standing>,
    /// The two newest starts.
    starts: Vec<Timestamp>,
}

impl Known {
    pub fn add(&mut self, record: Record) {
        match record {
            Record::Ended(stone) => {
                let known = self.ended.entry(stone.hash).or_insert(stone);
                if known.revocation.at != stone.revocation.at {
                    let earlier = self.earlier.entry(stone.hash).or_default();
                    earlier.retain(|other| other.revocation.at != stone.revocation.at);
                    earlier.push(*known);
                }
                // A later record can't make this one expire earlier.
                let (before, now) = (known.expires_at, stone.expires_at);
                *known = Tombstone { expires_at: before.zip(now).map(|(a, b)| a.max(b)), ..stone };
            }
            Record::Restored(hash, at) => self.undo(hash, at),
            Record::Account(standing) => self.add_account(standing),
            Record::Started(at) => {
                self.starts.push(at);
                self.starts.drain(..self.starts.len().saturating_sub(2));
            }
        }
    }

    /// Removes the revocation at this instant, and keeps any other of the same secret.
    fn undo(&mut self, hash: TokenHash, at: Timestamp) {
        let is_undone = |stone: &Tombstone| stone.revocation.is_undone_by(Some(at));
        let mut left = self.earlier.remove(&hash).unwrap_or_default();
        left.extend(self.ended.remove(&hash));
        left.retain(|stone| !is_undone(stone));
        if let Some(newest) = left.pop() {
            self.ended.insert(hash, newest);
            if !left.is_empty() {
                self.earlier.insert(hash, left);
            }
        }
    }

    /// Notes the restorations that undo a known revocation, whatever has happened to their secrets since, and returns
    /// their records.
    pub fn learn(&mut self, restored: &[(TokenHash, Timestamp)]) -> Vec<Record> {
        let unseen = restored.iter().filter(|(hash, revoked_at)| self.has(hash, *revoked_at));
        let unseen: Vec<_> =
            unseen.map(|(hash, revoked_at)| Record::Restored(*hash, *revoked_at)).collect();
        for record in &unseen {
            self.add(*record);
        }
        unseen
    }

    /// Returns whether the revocation of a secret at this instant is known.
    pub fn has(&self, hash: &TokenHash, at: Timestamp) -> bool {
        let earlier = self.earlier.get(hash).into_iter().flatten();
        self.ended.get(hash).into_iter().chain(earlier).any(|stone| stone.revocation.at == at)
    }

    fn add_account(&mut self, standing: Standing) {
        let known = self.accounts.entry(standing.number).or_insert(standing);
        if known.at <= standing.at {
            *known = standing;
        }
    }

    /// Returns the time up to which entries have expired by the clocks of two starts, so that a clock that was wrong
    /// once drops nothing.
    fn is_past(&self) -> Option<Timestamp> {
        self.starts.iter().min().copied().filter(|_| self.starts.len() == 2)
    }
}

impl Journal {
    /// Opens or creates the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        // The file name must survive a crash, too.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        let length = found.len();
        Ok(Self { path: path.to_owned(), file, length })
    }

    /// Returns everything in the file. Damaged parts are skipped and logged as an error.
    pub fn read(&self) -> io::Result<Known> {
        self.reader()()
    }

    /// Returns a function that reads the file, for another thread.
    pub fn reader(&self) -> impl FnOnce() -> io::Result<Known> + Send + use<> {
        let path = self.path.clone();
        move || read_all(&path)
    }

    /// Appends records, which are on disk in the file with the journal's name when this returns. It uses one write, so
    /// that another process that appends at the same time doesn't interleave.
    pub fn append(&mut self, new: &[Record]) -> io::Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        self.find_again()?;
        let length = self.file.metadata()?.len();
        if length < std::mem::replace(&mut self.length, length) {
            return Err(io::Error::other("the file was cut off while it was in use"));
        }
        let bytes: Vec<u8> = new.iter().flat_map(write).collect();
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.length = self.file.metadata()?.len();
        if self.is_in_place() { Ok(()) } else { Err(io::Error::other("the file was replaced")) }
    }

    fn is_in_place(&self) -> bool {
        let identity = |file: fs::Metadata| (file.dev(), file.ino());
        let named = fs::metadata(&self.path).map(identity);
        matches!((named, self.file.metadata().map(identity)), (Ok(named), Ok(ours)) if named == ours)
    }

    /// Copies the records of a file that was removed or replaced into the file that now has its name.
    fn find_again(&mut self) -> io::Result<()> {
        if self.is_in_place() {
            return Ok(());
        }
        tracing::error!(path = %self.path.display(), "the journal of ended tokens was removed or replaced while it was in use; it is written again");
        let mut held = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut held)?;
        let mut next = Self::open(&self.path)?;
        next.file.write_all(&held)?;
        next.file.sync_data()?;
        *self = Self { length: next.file.metadata()?.len(), ..next };
        Ok(())
    }

    /// Records a start and removes what is no longer needed if it is most of the file: expired entries and undone ones. No other process may have it open.
    /// Because clocks can be wrong, only entries are removed that had also expired at the previous start and have by
    /// the database's clock.
    pub fn start(&mut self, now: Timestamp, by_database: Timestamp) -> io::Result<()> {
        self.append(&[Record::Started(now)])?;
        let known = self.read()?;
        let Some(past) = known.is_past().map(|past| past.min(by_database)) else { return Ok(()) };
        let is_over = |stone: &&Tombstone| stone.expires_at.is_some_and(|at| at < past);
        let earlier = known.earlier.values().flatten();
        let ended = earlier.chain(known.ended.values()).filter(|stone| !is_over(stone)).copied();
        let kept: Vec<_> = known
            .starts
            .iter()
            .map(|at| Record::Started(*at))
            .chain(known.accounts.values().copied().map(Record::Account))
            .chain(ended.map(Record::Ended))
            .collect();
        let needed: usize = kept.iter().map(|record| write(record).len()).sum();
        if u64::try_from(needed).is_ok_and(|needed| needed * 2 >= self.length) {
            return Ok(());
        }
        let beside = self.path.with_extension("new");
        let mut next = Self::open(&beside)?;
        next.file.set_len(0)?;
        next.append(&kept)?;
        fs::rename(&beside, &self.path)?;
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

fn read_all(path: &Path) -> io::Result<Known> {
    let (records, damaged) = records(&fs::read(path)?);
    if damaged > 0 {
        tracing::error!(bytes = damaged, path = %path.display(), "a part of the journal of ended tokens is damaged; all that stands before and behind it is used");
    }
    let mut known = Known::default();
    for record in records {
        known.add(record);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::{AccountState, Revocation, RevocationReason};

    fn stone(number: u8, reason: RevocationReason, expires_at: Option<i64>) -> Tombstone {
        Tombstone {
            hash: TokenHash::from_bytes([number; 32]),
            revocation: Revocation { at: Timestamp::from_micros(i64::from(number)), reason },
            expires_at: expires_at.map(Timestamp::from_micros),
        }
    }

    fn standing(number: u32, state: AccountState, at: i64) -> Standing {
        let number = AccountNumber::try_from(number).expect("a number");
        Standing { number, state, at: Timestamp::from_micros(at) }
    }

    /// Creates a journal with a revocation for every reason, an account, and a start.
    fn filled() -> (tempfile::TempDir, PathBuf, Vec<Tombstone>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ended");
        let causes = RevocationReason::ALL.iter().zip(1..);
        let stones: Vec<_> = causes.map(|(reason, at)| stone(at, *reason, None)).collect();
        let mut records: Vec<_> = stones.iter().copied().map(Record::Ended).collect();
        records.push(Record::Account(standing(385_403, AccountState::Suspended, 5)));
        records.push(Record::Started(Timestamp::from_micros(7)));
        Journal::open(&path).expect("opens").append(&records).expect("appends");
        (folder, path, stones)
    }

    fn reopened(path: &Path) -> Known {
        Journal::open(path).expect("opens").read().expect("reads")
    }

    #[test]
    fn what_is_appended_is_there_after_a_restart() {
        let (_folder, path, stones) = filled();
        let known = reopened(&path);
        assert_eq!(known.ended.len(), stones.len());
        for stone in &stones {
            assert_eq!(known.ended.get(&stone.hash), Some(stone));
        }
        let account = standing(385_403, AccountState::Suspended, 5);
        assert_eq!(known.accounts.get(&account.number), Some(&account));
    }

    #[test]
    fn damage_costs_the_record_that_it_hits_and_no_other() {
        let (_folder, path, stones) = filled();
        let whole = fs::read(&path).expect("reads");
        let length = write(&Record::Ended(stones[0])).len();
        for at in 0..whole.len() {
            let hit = usize::from(at > 0);
            let (mut inserted, mut removed, mut changed) =
                (whole.clone(), whole.clone(), whole.clone());
            inserted.insert(at, 0xff);
            removed.remove(at);
            changed[at] ^= 1;
            for (damaged, lost) in [(inserted, hit), (removed, 1), (changed, 1)] {
                let (found, _) = records(&damaged);
                assert!(
                    found.len() + lost > stones.len() + 1,
                    "byte {at}: {} are left",
                    found.len()
                );
            }
        }
        // Half a record, as after a crash, and the records written behind it.
        fs::write(&path, &whole[..length + 9]).expect("writes");
        let last = stone(99, RevocationReason::Rotated, Some(5));
        Journal::open(&path).expect("opens").append(&[Record::Ended(last)]).expect("appends");
        let known = reopened(&path);
        assert_eq!(known.ended.len(), 2);
        assert_eq!(known.ended.get(&last.hash), Some(&last));
    }

    #[test]
    fn what_the_release_before_has_written_is_read() {
        let (_folder, path, stones) = filled();
        let mut old = [0; 80];
        old[..32].copy_from_slice(&[77; 32]);
        old[32..40].copy_from_slice(&11_i64.to_be_bytes());
        old[40..48].copy_from_slice(&i64::MAX.to_be_bytes());
        old[48..55].copy_from_slice(b"revoked");
        let sum = crc32fast::hash(&old[..76]);
        old[76..].copy_from_slice(&sum.to_be_bytes());
        let new = fs::read(&path).expect("reads");
        fs::write(&path, [&old[..], &new, &old[..40]].concat()).expect("writes");
        let known = reopened(&path);
        assert_eq!(known.ended.len(), stones.len() + 1);
        let found = known.ended.get(&TokenHash::from_bytes([77; 32])).expect("is read");
        assert_eq!((found.revocation.reason, found.expires_at), (RevocationReason::Revoked, None));
    }

    #[test]
    fn a_file_that_is_removed_or_replaced_is_written_again() {
        let (_folder, path, stones) = filled();
        let mut journal = Journal::open(&path).expect("opens");
        for number in [101, 102] {
            if number == 101 {
                fs::remove_file(&path).expect("removes");
            } else {
                fs::copy(&path, path.with_extension("copy")).expect("copies");
                fs::rename(path.with_extension("copy"), &path).expect("renames");
            }
            let next = stone(number, RevocationReason::Revoked, None);
            journal.append(&[Record::Ended(next)]).expect("appends");
            assert!(reopened(&path).ended.contains_key(&next.hash), "{number}");
        }
        assert_eq!(reopened(&path).ended.len(), stones.len() + 2);
    }

    #[test]
    fn a_file_that_is_cut_off_is_noticed() {
        let (_folder, path, _) = filled();
        let mut journal = Journal::open(&path).expect("opens");
        fs::write(&path, "").expect("is the same file");
        let next = [Record::Ended(stone(101, RevocationReason::Revoked, None))];
        assert!(journal.append(&next).is_err(), "what it held has to be written again");
        journal.append(&next).expect("appends");
        assert_eq!(reopened(&path).ended.len(), 1);
    }

    #[test]
    fn a_clock_that_was_wrong_once_drops_nothing_and_one_that_is_right_drops_what_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ended");
        let at = Timestamp::from_micros;
        let mut journal = Journal::open(&path).expect("opens");
        let stones = [
            stone(1, RevocationReason::Revoked, Some(10)),
            stone(2, RevocationReason::Revoked, Some(20)),
            stone(3, RevocationReason::Revoked, None),
        ];
        journal.append(&stones.map(Record::Ended)).expect("appends");
        journal
            .append(&[Record::Account(standing(385_403, AccountState::Closed, 5))])
            .expect("appends");
        for (now, by_database, left) in [(5, 5, 3), (9_000, 9_000, 3), (15, 15, 3), (16, 16, 3)] {
            journal.start(at(now), at(by_database)).expect("starts");
            assert_eq!(journal.read().expect("reads").ended.len(), left, "at {now}");
        }
        for (now, by_database, left) in [(30, 6, 3), (31, 6, 3), (32, 32, 1)] {
            journal.start(at(now), at(by_database)).expect("starts");
            assert_eq!(journal.read().expect("reads").ended.len(), left, "at {now}");
        }
        journal
            .append(&[Record::Ended(stone(4, RevocationReason::Rotated, None))])
            .expect("appends");
        // A repeated revocation doesn't make it expire.
        journal
            .append(&[Record::Ended(stone(4, RevocationReason::Rotated, Some(1)))])
            .expect("appends");
        let known = reopened(&path);
        let again = known.ended.get(&TokenHash::from_bytes([4; 32])).expect("is there");
        assert_eq!(again.expires_at, None);
        let mut left: Vec<_> = known.ended.values().map(|stone| stone.hash.as_bytes()[0]).collect();
        left.sort_unstable();
        assert_eq!((left, known.accounts.len()), (vec![3, 4], 1));
    }

    #[test]
    fn undone_revocations_do_not_grow_the_file_forever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ended");
        let mut journal = Journal::open(&path).expect("opens");
        let kept = stone(1, RevocationReason::Revoked, None);
        journal.append(&[Record::Ended(kept)]).expect("appends");
        let held = stone(2, RevocationReason::Revoked, None);
        let undone = [Record::Ended(held), Record::Restored(held.hash, held.revocation.at)];
        for _ in 0..100 {
            journal.append(&undone).expect("appends");
        }
        let before = fs::metadata(&path).expect("is there").len();
        for now in [5, 6] {
            let at = Timestamp::from_micros(now);
            journal.start(at, at).expect("starts");
        }
        assert!(fs::metadata(&path).expect("is there").len() * 10 < before);
        assert_eq!(reopened(&path).ended.keys().collect::<Vec<_>>(), [&kept.hash]);
    }
}
