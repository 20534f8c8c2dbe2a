//! Usage by token: counted by each worker separately and merged on request.

use super::folded::FoldedHash;
use keydesk_model::{Called, Timestamp, TokenId, Usage, client_of};
use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::BuildHasherDefault,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The number of clients and operations distinguished between two reports. Further ones count as the last.
const PROGRAMS: usize = 256;
/// The stored length of a user agent, enough to distinguish clients.
const LONGEST_AGENT: usize = 256;

/// The minimum number of tokens per report, and the minimum fraction of those waiting, so that each is reported within
/// two minutes and a burst of requests causes no burst of writes.
const REPORTED: usize = 100;
const PART: usize = 120;
/// The number of tokens that a worker counts concurrently. Requests of further ones are not counted until there is
/// room: such a burst may lose usage, but never a rejection or a decision.
const MOST_COUNTED: usize = 200_000;

/// The counts of one worker, and the order in which the tokens arrived.
#[derive(Debug, Default)]
struct Counts {
    seen: HashMap<TokenId, ObservedClients, BuildHasherDefault<FoldedHash>>,
    order: VecDeque<TokenId>,
}

/// The clients of a token. Most tokens are used by one client, which needs no allocation.
#[derive(Debug)]
struct ObservedClients {
    first: Seen,
    others: Vec<Seen>,
}

/// A request to count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsageEvent<'a> {
    pub token: TokenId,
    pub agent: Option<&'a [u8]>,
    pub client_ip: IpAddr,
    pub at: Timestamp,
    pub called: &'a Called,
}

#[derive(Debug)]
struct Seen {
    agent: Option<Box<[u8]>>,
    client_ip: IpAddr,
    called: Called,
    last_used_at: Timestamp,
    requests: i64,
}

#[derive(Debug, Default)]
pub(super) struct Meters(Mutex<Vec<Arc<Mutex<Counts>>>>);

/// The usage counter of one worker.
#[derive(Debug)]
pub(crate) struct UsageCounter(Arc<Mutex<Counts>>);

impl UsageCounter {
    pub fn note(&self, sighting: UsageEvent) {
        let agent = sighting.agent.map(|agent| &agent[..agent.len().min(LONGEST_AGENT)]);
        let sighting = UsageEvent { agent, ..sighting };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { seen, order } = &mut *counts;
        let has_room = order.len() < MOST_COUNTED;
        let clients = match seen.entry(sighting.token) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                if has_room {
                    order.push_back(sighting.token);
                    new.insert(ObservedClients { first: Seen::new(sighting), others: Vec::new() });
                }
                return;
            }
        };
        if clients.first.is_like(sighting) {
            return clients.first.again(sighting.at);
        }
        let others = &mut clients.others;
        if let Some(known) = others.iter_mut().find(|seen| seen.is_like(sighting)) {
            known.again(sighting.at);
        } else if others.len() < PROGRAMS {
            others.push(Seen::new(sighting));
        } else if let Some(last) = others.last_mut() {
            // Of merged entries, only the number of requests is reported.
            last.called = Called::default();
            last.again(sighting.at);
        }
    }
}

impl Seen {
    fn new(sighting: UsageEvent) -> Self {
        Self {
            agent: sighting.agent.map(Box::from),
            client_ip: sighting.client_ip,
            called: sighting.called.clone(),
            last_used_at: sighting.at,
            requests: 1,
        }
    }

    fn is_like(&self, sighting: UsageEvent) -> bool {
        self.client_ip == sighting.client_ip
            && self.called == *sighting.called
            && self.agent.as_deref() == sighting.agent
    }

    fn again(&mut self, now: Timestamp) {
        self.last_used_at = now;
        self.requests += 1;
    }
}

impl Meters {
    pub fn add(&self) -> UsageCounter {
        let counts = Arc::<Mutex<Counts>>::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counts));
        UsageCounter(counts)
    }

    /// Returns the entries that have waited longest, or all of them if `all`.
    pub fn take(&self, all: bool) -> Vec<Usage> {
        let meters = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut report: Vec<Usage> = Vec::new();
        let mut places: HashMap<(TokenId, String, IpAddr, Called), usize> = HashMap::new();
        for meter in meters {
            for (token, seen) in take_oldest(&meter, all) {
                let agent = seen.agent.as_deref().and_then(|agent| std::str::from_utf8(agent).ok());
                let client = client_of(agent).into_owned();
                let place = *places
                    .entry((token, client.clone(), seen.client_ip, seen.called.clone()))
                    .or_insert(report.len());
                if let Some(known) = report.get_mut(place) {
                    known.requests += seen.requests;
                    known.last_used_at = known.last_used_at.max(seen.last_used_at);
                } else {
                    report.push(Usage {
                        token,
                        client,
                        client_ip: seen.client_ip.to_string(),
                        last_used_at: seen.last_used_at,
                        requests: seen.requests,
                        called: seen.called,
                    });
                }
            }
        }
        report
    }
}

fn take_oldest(meter: &Mutex<Counts>, all: bool) -> Vec<(TokenId, Seen)> {
    let mut counts = meter.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = counts.order.len();
    let count = if all { waiting } else { waiting.min(REPORTED.max(waiting / PART)) };
    let mut oldest = Vec::with_capacity(count);
    for _ in 0..count {
        let Some(token) = counts.order.pop_front() else { break };
        if let Some(ObservedClients { first, others }) = counts.seen.remove(&token) {
            oldest.extend(std::iter::once(first).chain(others).map(|seen| (token, seen)));
        }
    }
    oldest
}
