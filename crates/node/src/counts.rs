//! What the gateway has counted reaches the database, and what all have counted comes back: who used what,
//! and how much of its month an account has called. The answer to a report may be lost: it is sent again as it
//! was, under its number, until there is one.

use keydesk_model::{Clock, Month, NodeId, QuotaUse, Table, Timestamp, Usage};
use keydesk_store::{Sent, Store, StoreError};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// How much usage is kept while the database is away.
const MOST_UNWRITTEN: usize = 100_000;
/// How soon "last used" follows a call, and how far a quota may be behind.
pub const REPORT: Duration = Duration::from_secs(1);

pub struct Counts {
    store: Store,
    table: Arc<dyn Table>,
    clock: Clock,
    own: NodeId,
    /// The number of the last report.
    last: i64,
    /// On its way, and what follows.
    usage: Option<(i64, Vec<Usage>)>,
    waiting: Vec<Usage>,
    quotas: VecDeque<(i64, Month, Vec<QuotaUse>)>,
    /// When all that had been counted was last heard.
    heard_at: Timestamp,
    month: Month,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counts({} reports)", self.last)
    }
}

impl Counts {
    /// Hears what has been called this month, before anything is counted.
    pub async fn begin(store: Store, table: Arc<dyn Table>, clock: Clock, own: NodeId) -> Self {
        let (usage, waiting, quotas) = (None, Vec::new(), VecDeque::new());
        let (heard_at, month) = (Timestamp::from_micros(0), Month::default());
        let mut counts =
            Self { store, table, clock, own, last: 0, usage, waiting, quotas, heard_at, month };
        counts.exchange_quotas().await;
        counts
    }

    /// Once a [`REPORT`].
    pub async fn report(&mut self) {
        self.write_usage(false).await;
        self.exchange_quotas().await;
        self.store.let_go();
    }

    /// All of it: at the end.
    pub async fn finish(mut self) {
        self.write_usage(true).await;
        // What waited for its answer until now is followed by the rest.
        self.write_usage(true).await;
        self.exchange_quotas().await;
        if self.usage.is_some() || !self.waiting.is_empty() {
            tracing::error!("the last usage is lost: the database does not answer");
        }
    }

    fn number(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    async fn write_usage(&mut self, all: bool) {
        self.waiting.extend(self.table.take_usage(all));
        if self.waiting.len() > MOST_UNWRITTEN {
            tracing::error!("usage is lost: the database has been away for too long");
            self.waiting.clear();
        }
        if self.usage.is_none() && !self.waiting.is_empty() {
            self.usage = Some((self.number(), std::mem::take(&mut self.waiting)));
        }
        let Some((number, usage)) = &self.usage else { return };
        let sent = Sent { by: self.own, kind: "usage", number: *number, now: self.clock.now() };
        match self.store.record_usage(usage, sent).await {
            Ok(()) => self.usage = None,
            Err(error) => tracing::warn!(%error, "usage cannot be written down yet"),
        }
    }

    async fn exchange_quotas(&mut self) {
        if !self.table.has_quotas() {
            return;
        }
        let this_month = Month::of(self.clock.now());
        if this_month != self.month {
            (self.month, self.heard_at) = (this_month, Timestamp::from_micros(0));
        }
        if self.quotas.is_empty() {
            for (month, counted) in self.table.take_counted() {
                let number = self.number();
                self.quotas.push_back((number, month, counted));
            }
        }
        let mut months = vec![this_month];
        while let Some((number, month, counted)) = self.quotas.front() {
            let sent = Sent { by: self.own, kind: "quota", number: *number, now: self.clock.now() };
            if let Err(error) = self.store.add_quota_use(*month, counted, sent).await {
                tracing::warn!(%error, "requests cannot be counted against quotas yet");
                return;
            }
            months.extend((*month != this_month).then_some(*month));
            self.quotas.pop_front();
        }
        // There is always something to hear of this month.
        for month in months {
            if let Err(error) = self.receive(month).await {
                tracing::warn!(%error, "quotas cannot be heard of yet");
            }
        }
    }

    async fn receive(&mut self, month: Month) -> Result<(), StoreError> {
        let now = self.clock.now();
        let since = if month == self.month { self.heard_at } else { Timestamp::from_micros(0) };
        let totals = self.store.list_quota_use(month, since).await?;
        self.table.note_quota_use(month, &totals);
        if month == self.month {
            self.heard_at = now;
        }
        Ok(())
    }
}
