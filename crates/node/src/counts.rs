//! Exchange of counts with the database: the usage and quota counts of this gateway, and the totals of all gateways.
//! The response to a report can be lost, so the report is sent again unchanged, under the same number, until there is
//! one.

use crate::ended::EndedReports;
use keydesk_model::{CanaryUse, Clock, Month, NodeId, QuotaUse, Table, Timestamp, Usage};
use keydesk_store::{Sent, Store, StoreError};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// The maximum number of usage records kept while the database is unavailable.
const MOST_UNWRITTEN: usize = 100_000;
/// The interval of reports, which bounds the delay of "last used" and of quotas.
pub const REPORT: Duration = Duration::from_secs(1);

pub struct Counts {
    store: Store,
    table: Arc<dyn Table>,
    clock: Clock,
    own: NodeId,
    /// The number of the last report.
    last: i64,
    /// The report being sent, and the usage that follows it.
    usage: Option<(i64, Vec<Usage>)>,
    waiting: Vec<Usage>,
    /// The uses of canary tokens that are being sent.
    canaries: Option<(i64, Vec<CanaryUse>)>,
    quotas: VecDeque<(i64, Month, Vec<QuotaUse>)>,
    ended: EndedReports,
    /// The time when the totals were last read.
    heard_at: Timestamp,
    month: Month,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counts({} reports)", self.last)
    }
}

impl Counts {
    /// Reads the totals of this month before anything is counted.
    /// `logs_requests`: whether the newest requests are reported for the request log.
    pub async fn begin(
        store: Store,
        table: Arc<dyn Table>,
        clock: Clock,
        (own, logs_requests): (NodeId, bool),
    ) -> Self {
        let (usage, waiting, quotas) = (None, Vec::new(), VecDeque::new());
        let (heard_at, month) = (Timestamp::from_micros(0), Month::default());
        let ended = EndedReports::new(
            store.clone(),
            Arc::clone(&table),
            clock.clone(),
            (own, logs_requests),
        );
        let mut counts = Self {
            store,
            table,
            clock,
            own,
            last: 0,
            usage,
            waiting,
            canaries: None,
            quotas,
            ended,
            heard_at,
            month,
        };
        counts.exchange_quotas().await;
        counts
    }

    /// Sends a report. Runs once per [`REPORT`].
    pub async fn report(&mut self) {
        self.write_usage(false).await;
        self.write_ended(false).await;
        self.write_canary_uses().await;
        self.exchange_quotas().await;
        self.store.let_go();
    }

    /// Sends all remaining counts when the process ends.
    pub async fn finish(mut self) {
        self.write_usage(true).await;
        // The first write may have sent only the report that was waiting for its response.
        self.write_usage(true).await;
        self.write_ended(true).await;
        self.write_canary_uses().await;
        self.exchange_quotas().await;
        if self.usage.is_some() || !self.waiting.is_empty() {
            tracing::error!("the last usage was lost: the database does not respond");
        }
    }

    fn number(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    async fn write_usage(&mut self, all: bool) {
        self.waiting.extend(self.table.take_usage(all));
        if self.waiting.len() > MOST_UNWRITTEN {
            tracing::error!("usage was lost: the database was unreachable for too long");
            self.waiting.clear();
        }
        if self.usage.is_none() && !self.waiting.is_empty() {
            self.usage = Some((self.number(), std::mem::take(&mut self.waiting)));
        }
        let Some((number, usage)) = &self.usage else { return };
        let sent = Sent { by: self.own, kind: "usage", number: *number, now: self.clock.now() };
        match self.store.record_usage(usage, sent).await {
            Ok(()) => self.usage = None,
            Err(error) => tracing::warn!(%error, "failed to write usage"),
        }
    }

    async fn write_ended(&mut self, all: bool) {
        if let Err(error) = self.ended.report(all).await {
            tracing::warn!(%error, "failed to write the use of tokens");
        }
    }

    async fn write_canary_uses(&mut self) {
        if self.canaries.is_none() {
            let uses = self.table.take_canary_uses();
            if uses.is_empty() {
                return;
            }
            self.canaries = Some((self.number(), uses));
        }
        let Some((number, uses)) = &self.canaries else { return };
        let sent = Sent { by: self.own, kind: "canary", number: *number, now: self.clock.now() };
        match self.store.record_canary_uses(uses, sent).await {
            Ok(()) => self.canaries = None,
            Err(error) => tracing::warn!(%error, "failed to report the use of a canary token"),
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
                tracing::warn!(%error, "failed to write quota usage");
                return;
            }
            months.extend((*month != this_month).then_some(*month));
            self.quotas.pop_front();
        }
        // The totals of this month are always read.
        for month in months {
            if let Err(error) = self.receive(month).await {
                tracing::warn!(%error, "failed to read quota usage");
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
