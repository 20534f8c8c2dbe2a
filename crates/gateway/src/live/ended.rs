//! Requests that have ended, counted by each worker and taken for the next report, with the newest for the request log.
//! Requests that are counted alike share a count, so a report costs no more than there are different ones.

use super::folded::FoldedHash;
use crate::{
    arrival::{Arrival, RequestId},
    live::numbers::AccountNumbers,
    redaction::without_tokens,
};
use keydesk_model::{
    AccountNumber, Called, CountedRejection, CountedRequests, EndedRequests, LoggedRequest,
    Network, PeriodUse, RequestOutcome, TimeBucket, Timestamp, TokenId, UsedToken, Violation,
    client_of,
};
use std::{
    collections::{HashMap, VecDeque},
    hash::BuildHasherDefault,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The number of different requests that a worker counts between two reports. Further ones are lost, and counted as lost.
const MOST_COUNTED: usize = 100_000;
/// The number of requests of one account and one outcome that a worker keeps for the request log: the newest.
const MOST_LOGGED: usize = 50;
/// The number of accounts and outcomes of which a worker keeps requests.
const MOST_LOGS: usize = 1_000;
/// The number of user agents that are distinguished between two reports, and the number of the empty one.
const MOST_AGENTS: usize = 10_000;
const UNNAMED: usize = 0;
/// The kept length of a path and of a user agent.
const LONGEST_PATH: usize = 300;
const LONGEST_AGENT: usize = 256;
const LONGEST_METHOD: usize = 20;

/// A request to an account, while it is handled.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// The account, from the path or of the token.
    account: Option<AccountNumber>,
    token: Option<TokenId>,
    called: Called,
    upstream: Option<Arc<str>>,
    /// Method, path, and user agent, one after the other.
    text: Vec<u8>,
    method_ends: usize,
    path_ends: usize,
}

impl Ending {
    /// Describes another request, in the memory of an earlier one.
    pub fn begin(
        &mut self,
        account: Option<AccountNumber>,
        (method, path): (&str, &str),
        agent: Option<&[u8]>,
    ) {
        let Self { mut text, .. } = std::mem::take(self);
        text.clear();
        let mut add = |part: &[u8], most: usize| {
            text.extend_from_slice(&part[..part.len().min(most)]);
            text.len()
        };
        let method_ends = add(method.as_bytes(), LONGEST_METHOD);
        let path_ends = add(path.as_bytes(), LONGEST_PATH);
        add(agent.unwrap_or_default(), LONGEST_AGENT);
        *self = Self { account, text, method_ends, path_ends, ..Self::default() };
    }

    pub fn is_of(&mut self, account: AccountNumber, token: TokenId) {
        (self.account, self.token) = (Some(account), Some(token));
    }

    pub fn calls(&mut self, called: &Called) {
        self.called = called.clone();
    }

    pub fn goes_to(&mut self, upstream: &Arc<str>) {
        self.upstream = Some(Arc::clone(upstream));
    }

    /// Returns method, path, and user agent.
    fn parts(&self) -> (&[u8], &[u8], &[u8]) {
        let (method, rest) = self.text.split_at(self.method_ends);
        let (path, agent) = rest.split_at(self.path_ends - self.method_ends);
        (method, path, agent)
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub status: u16,
    pub is_upstreams: bool,
    /// The code of the gateway's error.
    pub code: Option<&'static str>,
    /// The time from the arrival to the response's head.
    pub took: Duration,
}

impl End {
    /// Returns the code of a rejection for what the client did, not for what the upstream or the gateway didn't.
    fn rejects(&self) -> Option<&'static str> {
        self.code.filter(|_| !self.is_upstreams && (400..499).contains(&self.status))
    }
}

#[derive(Debug)]
struct Ended {
    account: AccountNumber,
    request: Box<Ending>,
    end: End,
    request_id: RequestId,
    at: Timestamp,
    client_ip: IpAddr,
}

impl Ended {
    fn outcome(&self) -> RequestOutcome {
        match self.request.token {
            None => RequestOutcome::Unauthenticated,
            Some(_) if self.end.status >= 400 => RequestOutcome::Failed,
            Some(_) => RequestOutcome::Succeeded,
        }
    }

    fn logged(&self) -> LoggedRequest {
        let (method, path, agent) = self.request.parts();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let method = text(method).chars().filter(char::is_ascii_graphic).collect();
        LoggedRequest {
            id: self.request_id.as_str().to_owned(),
            at: self.at,
            account: self.account,
            token: self.request.token,
            outcome: self.outcome(),
            method,
            path: without_tokens(&text(path)),
            operation: self.request.called.operation.to_string(),
            status: self.end.status,
            is_upstreams: self.end.is_upstreams,
            code: self.end.code.unwrap_or_default().to_owned(),
            duration_us: i64::try_from(self.end.took.as_micros()).unwrap_or(i64::MAX),
            client: client_of(std::str::from_utf8(agent).ok()).into_owned(),
            client_ip: self.client_ip.to_string(),
            upstream: self.request.upstream.as_deref().unwrap_or_default().to_owned(),
        }
    }
}

/// Requests that are counted together. `operation` and `code` are addresses, because most requests share one text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Alike {
    used: UsedToken,
    hour: Timestamp,
    operation: usize,
    code: usize,
    client: usize,
    network: Network,
    status: u16,
    were_rejected: bool,
    would_be_rejected: bool,
    time: TimeBucket,
}

/// How many requests are alike, and what their key names by its address only.
#[derive(Debug)]
struct Count {
    requests: u64,
    operation: Arc<str>,
    rejection: Option<Rejected>,
}

/// When and why requests were rejected.
#[derive(Debug)]
struct Rejected {
    code: &'static str,
    first_at: Timestamp,
    last_at: Timestamp,
    last_request: RequestId,
}

/// Returns how much of a memory a request may fill: one that anyone can send leaves half of it to those with a token.
fn room(most: usize, token: Option<TokenId>) -> usize {
    if token.is_some() { most } else { most / 2 }
}

type Folded<K, V> = HashMap<K, V, BuildHasherDefault<FoldedHash>>;

#[derive(Debug, Default)]
struct Kept {
    alike: Folded<Alike, Count>,
    logs: Folded<(AccountNumber, RequestOutcome), VecDeque<Ended>>,
    /// The user agents, and the one of the last request.
    agents: HashMap<Box<[u8]>, usize>,
    last_agent: (Box<[u8]>, usize),
    lost: u64,
}

impl Kept {
    fn count(&mut self, ended: &Ended) {
        let (request, end) = (&ended.request, ended.end);
        let Called { operation, violations, .. } = &request.called;
        let alike = Alike {
            used: request.token.map_or(UsedToken::None(ended.account), UsedToken::Token),
            hour: ended.at.start_of_hour(),
            operation: operation.as_ptr().addr(),
            code: end.code.map_or(0, |code| code.as_ptr().addr()),
            client: self.client(request.parts().2, room(MOST_AGENTS, request.token)),
            network: ended.client_ip.into(),
            status: end.status,
            were_rejected: !end.is_upstreams && end.code.is_some(),
            would_be_rejected: violations.contains(Violation::ObservedScope)
                || violations.contains(Violation::ObservedIpAddress),
            time: TimeBucket::of(end.took),
        };
        let most = room(MOST_COUNTED, request.token);
        if self.alike.len() >= most && !self.alike.contains_key(&alike) {
            self.lost += 1;
            return;
        }
        // The operation is kept, so that no other text gets its address.
        let count = self.alike.entry(alike).or_insert_with(|| Count {
            requests: 0,
            operation: Arc::clone(operation),
            rejection: None,
        });
        count.requests += 1;
        if let Some(code) = end.rejects() {
            let (at, last_request) = (ended.at, ended.request_id);
            let first = Rejected { code, first_at: at, last_at: at, last_request };
            let rejected = count.rejection.get_or_insert(first);
            (rejected.last_at, rejected.last_request) = (at, last_request);
        }
    }

    /// Returns the number of a user agent.
    fn client(&mut self, agent: &[u8], most: usize) -> usize {
        if !self.agents.is_empty() && *self.last_agent.0 == *agent {
            return self.last_agent.1;
        }
        if self.agents.is_empty() {
            self.agents.insert(Box::default(), UNNAMED);
        }
        let next = self.agents.len();
        let number = match self.agents.get(agent) {
            Some(known) => *known,
            // Whether there is room depends on the request, so it isn't remembered.
            None if next >= most => return UNNAMED,
            None => *self.agents.entry(agent.into()).or_insert(next),
        };
        self.last_agent = (agent.into(), number);
        number
    }

    /// Keeps a request for the log, and returns the memory of one that is no longer among the newest.
    #[expect(clippy::unnecessary_box_returns, reason = "the memory is used again")]
    fn log(&mut self, ended: Ended) -> Box<Ending> {
        let key = (ended.account, ended.outcome());
        let most = room(MOST_LOGS, ended.request.token);
        if self.logs.len() >= most && !self.logs.contains_key(&key) {
            return ended.request;
        }
        let log = self.logs.entry(key).or_default();
        let oldest = if log.len() < MOST_LOGGED { None } else { log.pop_front() };
        log.push_back(ended);
        oldest.map(|oldest| oldest.request).unwrap_or_default()
    }

    fn report(&self, counts: &mut HashMap<(UsedToken, Timestamp), PeriodUse>) {
        let mut clients = vec![String::new(); self.agents.len()];
        for (agent, number) in &self.agents {
            clients[*number] = client_of(std::str::from_utf8(agent).ok()).into_owned();
        }
        for (alike, Count { requests, operation, rejection }) in &self.alike {
            let token = match alike.used {
                UsedToken::Token(token) => Some(token),
                UsedToken::None(_) => None,
            };
            let rejection = rejection.as_ref().map(|rejected| CountedRejection {
                token,
                code: rejected.code,
                first_at: rejected.first_at,
                last_at: rejected.last_at,
                last_request: rejected.last_request.as_str(),
            });
            counts.entry((alike.used, alike.hour)).or_default().count(&CountedRequests {
                count: *requests,
                operation,
                rejection,
                client: &clients[alike.client],
                network: alike.network,
                status: alike.status,
                were_rejected: alike.were_rejected,
                would_be_rejected: alike.would_be_rejected,
                time: alike.time,
            });
        }
    }
}

impl Kept {
    /// Forgets everything and keeps the memory.
    fn clear(&mut self) {
        self.alike.clear();
        self.agents.clear();
        self.lost = 0;
        if self.logs.len() < MOST_LOGS {
            self.logs.values_mut().for_each(VecDeque::clear);
        } else {
            self.logs.clear();
        }
    }
}

/// The ended requests of one worker, and those that a report takes: they change places, so that their memory is reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndedLog {
    /// The accounts that exist.
    numbers: Arc<AccountNumbers>,
    kept: Arc<Mutex<Kept>>,
    taken: Arc<Mutex<Kept>>,
}

impl EndedLog {
    /// Counts a request. Returns memory for another one.
    #[expect(clippy::unnecessary_box_returns, reason = "the memory is used again")]
    pub fn add(&self, request: Box<Ending>, end: End, arrival: &Arrival) -> Box<Ending> {
        let &Arrival { request_id, at, client_ip } = arrival;
        // A request without an account is nobody's use.
        let Some(account) = request.account else { return request };
        if request.token.is_none() && !self.numbers.contains(account) {
            return request;
        }
        let ended = Ended { account, request, end, request_id, at, client_ip };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count(&ended);
        kept.log(ended)
    }
}

/// The ended requests of all workers.
#[derive(Debug, Default)]
pub(super) struct EndedLogs(Mutex<Vec<EndedLog>>);

impl EndedLogs {
    pub fn add(&self, numbers: &Arc<AccountNumbers>) -> EndedLog {
        let log = EndedLog { numbers: Arc::clone(numbers), ..EndedLog::default() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(log.clone());
        log
    }

    /// Returns what has ended since the last call: its counts by token and hour, and the requests for the log.
    pub fn take(&self) -> EndedRequests {
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut counts, mut logged, mut lost) = (HashMap::new(), Vec::new(), 0);
        for log in logs {
            let mut taken = log.taken.lock().unwrap_or_else(PoisonError::into_inner);
            // The worker waits for no more than the exchange.
            std::mem::swap(
                &mut *taken,
                &mut *log.kept.lock().unwrap_or_else(PoisonError::into_inner),
            );
            taken.report(&mut counts);
            logged.extend(taken.logs.values().flatten().map(Ended::logged));
            lost += taken.lost;
            taken.clear();
        }
        EndedRequests { counts: counts.into_iter().collect(), logged, lost }
    }
}

#[cfg(test)]
mod tests;
