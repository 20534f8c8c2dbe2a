//! Reports of ended requests: how often each token was used in this hour, and the newest requests for the request log.

use keydesk_model::{Clock, EndedRequests, NodeId, PeriodUse, Table, Timestamp, UsedToken};
use keydesk_store::{Store, StoreError, UsageReport};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// The number of tokens that this process counts. Requests of further ones are lost, and counted as lost.
const MOST_COUNTED: usize = 200_000;
/// The number of logged requests that wait while the database is unavailable.
const MOST_LOGGED: usize = 10_000;
/// If more uses than this have changed, they are only written in every fifth report, because the same ones change again.
const FEW: usize = 100;
const EVERY: u32 = 5;
/// The number of uses that one report writes.
const MOST_WRITTEN: usize = 2_000;
/// The interval of reports without any requests, which show that there were none.
const IDLE: Duration = Duration::from_secs(10);
/// The time for which an hour that is over is still counted, for requests that take long.
const OPEN_FOR: Duration = Duration::from_hours(1);

type Used = (UsedToken, Timestamp);

pub(crate) struct EndedReports {
    store: Store,
    table: Arc<dyn Table>,
    clock: Clock,
    own: NodeId,
    logs_requests: bool,
    /// Names this process, because after a restart it counts from zero.
    reporter: String,
    uses: BTreeMap<Used, PeriodUse>,
    changed: BTreeSet<Used>,
    ended: EndedRequests,
    /// Everything that ended before has been written, apart from what is in `changed`.
    taken_until: Timestamp,
    reports: u32,
    reported_at: Timestamp,
}

impl EndedReports {
    pub fn new(
        store: Store,
        table: Arc<dyn Table>,
        clock: Clock,
        (own, logs_requests): (NodeId, bool),
    ) -> Self {
        let now = clock.now();
        Self {
            store,
            table,
            own,
            logs_requests,
            reporter: format!("{own} {}", now.as_micros()),
            uses: BTreeMap::new(),
            changed: BTreeSet::new(),
            ended: EndedRequests::default(),
            taken_until: now,
            reports: 0,
            reported_at: Timestamp::from_micros(0),
            clock,
        }
    }

    /// Writes what has changed. `all`: without waiting for more to change.
    pub async fn report(&mut self, all: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.take(now);
        self.reports = self.reports.wrapping_add(1);
        let is_idle = self.changed.is_empty() && self.ended.logged.is_empty();
        let waits = if is_idle {
            now.since(self.reported_at) < IDLE
        } else {
            self.changed.len() > FEW && !self.reports.is_multiple_of(EVERY)
        };
        if waits && !all {
            return Ok(());
        }
        let most = if all { usize::MAX } else { MOST_WRITTEN };
        let written: Vec<Used> = self.changed.iter().take(most).copied().collect();
        // What waits is older than what was taken.
        let complete_until =
            if written.len() < self.changed.len() { self.reported_at } else { self.taken_until };
        let report = UsageReport {
            by: self.own,
            reporter: &self.reporter,
            uses: written.iter().filter_map(|used| Some((*used, self.uses.get(used)?))).collect(),
            ended: &self.ended,
            complete_until,
            now,
        };
        self.store.record_ended(&report).await?;
        self.ended = EndedRequests::default();
        self.reported_at = complete_until;
        for used in &written {
            self.changed.remove(used);
        }
        let over = now.minus(OPEN_FOR).start_of_hour();
        let changed = &self.changed;
        self.uses.retain(|used, _| used.1 >= over || changed.contains(used));
        Ok(())
    }

    fn take(&mut self, now: Timestamp) {
        let EndedRequests { counts, logged, lost } = self.table.take_ended();
        for (used, counted) in counts {
            if self.uses.len() >= MOST_COUNTED && !self.uses.contains_key(&used) {
                self.ended.lost += counted.all.requests;
                continue;
            }
            self.uses.entry(used).or_default().merge(&counted);
            self.changed.insert(used);
        }
        self.ended.lost += lost;
        let most = if self.logs_requests { MOST_LOGGED } else { 0 };
        let room = most.saturating_sub(self.ended.logged.len());
        self.ended.logged.extend(logged.into_iter().take(room));
        self.taken_until = now;
    }
}
