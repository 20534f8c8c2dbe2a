//! What the gateway has counted reaches the database, and what all have counted comes back: who used what,
//! and how much of its month an account has called.

use crate::system;
use keydesk_model::{Month, QuotaUse, Table, Timestamp, Usage};
use keydesk_store::Store;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How much usage is kept while the database is away.
const MOST_UNWRITTEN: usize = 100_000;
/// How soon "last used" follows a call, and how far a quota may be behind.
pub const REPORT: Duration = Duration::from_secs(1);

pub struct Counts {
    store: Store,
    table: Arc<dyn Table>,
    unwritten: Vec<Usage>,
    /// When all that had been counted was last heard.
    heard_at: Timestamp,
    month: Month,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counts({} unwritten)", self.unwritten.len())
    }
}

impl Counts {
    /// Hears what has been called this month, before anything is counted.
    pub async fn begin(store: Store, table: Arc<dyn Table>) -> Self {
        let (unwritten, heard_at) = (Vec::new(), Timestamp::from_micros(0));
        let mut counts = Self { store, table, unwritten, heard_at, month: Month::default() };
        counts.exchange_quotas().await;
        counts
    }

    /// Once a [`REPORT`].
    pub async fn report(&mut self) {
        self.unwritten.extend(self.table.take_usage(false));
        self.write_usage().await;
        self.exchange_quotas().await;
    }

    /// All of it: at the end.
    pub async fn finish(mut self) {
        self.unwritten.extend(self.table.take_usage(true));
        self.write_usage().await;
        self.exchange_quotas().await;
        if !self.unwritten.is_empty() {
            tracing::error!("the last usage is lost: the database does not answer");
        }
    }

    /// What could not be written yet is tried again with the next report.
    async fn write_usage(&mut self) {
        match self.store.record_usage(&self.unwritten).await {
            Ok(()) => self.unwritten.clear(),
            Err(error) => tracing::warn!(%error, "usage cannot be written down yet"),
        }
        if self.unwritten.len() > MOST_UNWRITTEN {
            tracing::error!("usage is lost: the database has been away for too long");
            self.unwritten.clear();
        }
    }

    async fn exchange_quotas(&mut self) {
        let now = system::clock().now();
        let this_month = Month::of(now);
        if this_month != self.month {
            (self.month, self.heard_at) = (this_month, Timestamp::from_micros(0));
        }
        let mut counted = self.table.take_counted();
        // There is always something to hear of this month; something to tell of the last one perhaps.
        counted.entry(this_month).or_default();
        self.exchange(counted, now).await;
    }

    async fn exchange(&mut self, counted: HashMap<Month, Vec<QuotaUse>>, now: Timestamp) {
        for (month, counted) in counted {
            if let Err(error) = self.store.add_quota_use(month, &counted, now).await {
                tracing::warn!(%error, "calls cannot be counted against quotas yet");
                self.table.put_back_counted(month, &counted);
                continue;
            }
            // What is added is added, whether or not the sum is heard now.
            match self.store.list_quota_use(month, self.heard_at).await {
                Ok(totals) => {
                    self.table.note_quota_use(month, &totals);
                    if month == self.month {
                        self.heard_at = now;
                    }
                }
                Err(error) => tracing::warn!(%error, "quotas cannot be heard of yet"),
            }
        }
    }
}
