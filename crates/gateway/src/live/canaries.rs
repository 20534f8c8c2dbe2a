//! Canary tokens: looked up only for tokens that are unknown, and rejected like them. Their uses are collected for the next
//! report.

use super::folded::FoldedHash;
use keydesk_model::{CanaryId, CanaryUse, LiveCanary};
use keydesk_token::TokenHash;
use std::{
    collections::{HashMap, hash_map::Entry},
    hash::BuildHasherDefault,
    sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard},
};

#[derive(Debug, Default)]
pub(super) struct Canaries {
    known: RwLock<HashMap<[u8; 32], CanaryId>>,
    uses: Mutex<HashMap<CanaryId, CanaryUse, BuildHasherDefault<FoldedHash>>>,
}

impl Canaries {
    pub fn load(&self, canaries: Vec<LiveCanary>) {
        let known = canaries.into_iter().map(|canary| (*canary.hash.as_bytes(), canary.id));
        *self.write() = known.collect();
    }

    pub fn add(&self, canary: LiveCanary) {
        self.write().insert(*canary.hash.as_bytes(), canary.id);
    }

    pub fn remove(&self, canary: LiveCanary) {
        self.write().remove(canary.hash.as_bytes());
    }

    pub fn find(&self, hash: &TokenHash) -> Option<CanaryId> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(hash.as_bytes()).copied()
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<[u8; 32], CanaryId>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a use. Of several uses before a report, the first one is kept, and their number.
    pub fn note(&self, id: CanaryId, describe: impl FnOnce(CanaryId) -> CanaryUse) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        match uses.entry(id) {
            Entry::Occupied(mut known) => known.get_mut().uses += 1,
            Entry::Vacant(new) => {
                new.insert(describe(id));
            }
        }
    }

    pub fn take(&self) -> Vec<CanaryUse> {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.drain().map(|(_, used)| used).collect()
    }
}
