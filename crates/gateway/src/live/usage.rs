//! Who used which token: counted by each worker for itself, merged when somebody asks.

use super::folded::FoldedHash;
use keydesk_model::{Called, Timestamp, TokenId, Usage, client_of};
use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::BuildHasherDefault,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// How many clients and operations are told apart between two reports; further ones count as the last.
const PROGRAMS: usize = 256;
/// As much of a user agent as tells clients apart.
const LONGEST_AGENT: usize = 256;

/// At least so many tokens are reported at a time, and at least this part of those that wait: so
/// each is reported within two minutes, and a flood of requests is no flood of writes.
const REPORTED: usize = 100;
const PART: usize = 120;
/// How many tokens a worker counts for at once. Calls of those beyond are not counted until there
/// is room: usage may lose calls in such a flood, never a rejection or a decision.
const MOST_COUNTED: usize = 200_000;

/// What one worker has counted, and in which order the tokens came.
#[derive(Debug, Default)]
struct Counts {
    seen: HashMap<TokenId, ObservedClients, BuildHasherDefault<FoldedHash>>,
    order: VecDeque<TokenId>,
}

/// Most tokens are used by one client: it needs no memory of its own.
#[derive(Debug)]
struct ObservedClients {
    first: Seen,
    others: Vec<Seen>,
}

/// A call that is to be counted.
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

/// Counts for one worker.
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
            // Of what is thrown together nothing is said but that there were calls.
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

    /// What has waited longest; all of it where `all`.
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
