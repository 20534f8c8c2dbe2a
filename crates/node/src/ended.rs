//! Reports of ended requests: how often each token was used in this hour, and the newest requests for the request log.

use keydesk_model::{Clock, EndedRequests, NodeId, PeriodUse, Table, Timestamp, UsedToken};
use keydesk_store::{Store, StoreError, UsageReport};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// The number of tokens that this process counts. Requests of further ones are lost, and counted as lost.
const MOST_COUNTED: usize = 200_000;
/// The number of logged requests that wait while the database is unavailable.
const MOST_LOGGED: usize = 10_000;
/// If more uses than this have changed in a report, only every fifth one is made, because the same ones change again.
const FEW: usize = 100;
const EVERY: u32 = 5;
/// The number of uses that a report writes at least, and the part of those waiting, so that each is written within a minute
/// and a use that changes all the time is written rarely.
const WRITTEN: usize = 100;
const PART: usize = 12;
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
    uses: HashMap<Used, PeriodUse>,
    /// The uses that have changed and are not written, the oldest first, each with an instant before its first change.
    order: VecDeque<(Used, Timestamp)>,
    changed: HashSet<Used>,
    ended: EndedRequests,
    /// Everything that ended before is in `uses`.
    taken_until: Timestamp,
    reported_at: Timestamp,
    /// Whether the last report had many uses, and the number of reports that were not made since.
    is_busy: bool,
    skipped: u32,
    /// Hours before have been removed.
    over: Timestamp,
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
            uses: HashMap::new(),
            order: VecDeque::new(),
            changed: HashSet::new(),
            ended: EndedRequests::default(),
            taken_until: now,
            reported_at: Timestamp::from_micros(0),
            is_busy: false,
            skipped: 0,
            over: Timestamp::from_micros(0),
            clock,
        }
    }

    /// Writes what has changed. `all`: without waiting for more to change.
    pub async fn report(&mut self, all: bool) -> Result<(), StoreError> {
        self.skipped += 1;
        if self.is_busy && self.skipped < EVERY && !all {
            return Ok(());
        }
        self.skipped = 0;
        let now = self.clock.now();
        self.take(now);
        let is_idle = self.order.is_empty() && self.ended.logged.is_empty();
        if is_idle && now.since(self.reported_at) < IDLE && !all {
            return Ok(());
        }
        let most = if all { usize::MAX } else { WRITTEN.max(self.order.len() / PART) };
        let written: Vec<Used> = self.order.iter().take(most).map(|(used, _)| *used).collect();
        let rest = self.order.get(written.len());
        let complete_until = rest.map_or(self.taken_until, |(_, since)| *since);
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
        self.reported_at = now;
        self.order.drain(..written.len());
        for used in &written {
            self.changed.remove(used);
        }
        let over = now.minus(OPEN_FOR).start_of_hour();
        if over > self.over {
            let changed = &self.changed;
            self.uses.retain(|used, _| used.1 >= over || changed.contains(used));
            self.over = over;
        }
        Ok(())
    }

    fn take(&mut self, now: Timestamp) {
        let EndedRequests { counts, logged, lost } = self.table.take_ended();
        self.is_busy = counts.len() > FEW;
        for (used, counted) in counts {
            if self.uses.len() >= MOST_COUNTED && !self.uses.contains_key(&used) {
                self.ended.lost += counted.all.requests;
                continue;
            }
            self.uses.entry(used).or_default().merge(&counted);
            if self.changed.insert(used) {
                self.order.push_back((used, self.taken_until));
            }
        }
        self.ended.lost += lost;
        let most = if self.logs_requests { MOST_LOGGED } else { 0 };
        let room = most.saturating_sub(self.ended.logged.len());
        self.ended.logged.extend(logged.into_iter().take(room));
        self.taken_until = now;
    }
}
