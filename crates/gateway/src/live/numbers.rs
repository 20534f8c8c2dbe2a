//! The numbers of the accounts that have tokens: requests to others are nobody's, and aren't counted.

use arc_swap::ArcSwap;
use keydesk_model::AccountNumber;
use std::{collections::HashSet, sync::Arc};

#[derive(Debug, Default)]
pub(super) struct AccountNumbers(ArcSwap<HashSet<AccountNumber>>);

impl AccountNumbers {
    pub fn load(&self, numbers: HashSet<AccountNumber>) {
        self.0.store(Arc::new(numbers));
    }

    /// Adds the account of a new token. Called only by the change feed, so changes do not race.
    pub fn add(&self, number: AccountNumber) {
        let known = self.0.load();
        if !known.contains(&number) {
            let mut more = HashSet::clone(&known);
            more.insert(number);
            self.0.store(Arc::new(more));
        }
    }

    pub fn contains(&self, number: AccountNumber) -> bool {
        self.0.load().contains(&number)
    }
}
