//! Requests that have ended: kept by each worker until the next report, which counts them and takes some of them into the
//! request log.

use crate::{
    arrival::{Arrival, RequestId},
    redaction::without_tokens,
};
use keydesk_model::{
    AccountNumber, Called, CountedRequests, EndedRequests, LoggedRequest, Network, PeriodUse,
    RequestOutcome, TimeBucket, Timestamp, TokenId, UsedToken, Violation, client_of,
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The number of requests that a worker keeps between two reports. Further ones are lost, and counted as lost.
const MOST_KEPT: usize = 100_000;
/// The number of requests of one account and one outcome that a report takes into the request log: the newest.
const MOST_LOGGED: usize = 50;
/// The kept length of a path and of a user agent.
const LONGEST_PATH: usize = 300;
const LONGEST_AGENT: usize = 256;
const LONGEST_METHOD: usize = 20;

/// A request to an account, while it is handled.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The account, from the path or of the token.
    account: Option<AccountNumber>,
    token: Option<TokenId>,
    called: Called,
    upstream: Option<Arc<str>>,
    /// Method, path, and user agent, one after the other.
    text: Box<[u8]>,
    method_ends: u16,
    path_ends: u16,
}

impl Ending {
    pub fn new(
        account: Option<AccountNumber>,
        (method, path): (&str, &str),
        agent: Option<&[u8]>,
    ) -> Self {
        let cut = |text: &[u8], most: usize| text.len().min(most);
        let (method, path) = (method.as_bytes(), path.as_bytes());
        let agent = agent.unwrap_or_default();
        let (method, path, agent) = (
            &method[..cut(method, LONGEST_METHOD)],
            &path[..cut(path, LONGEST_PATH)],
            &agent[..cut(agent, LONGEST_AGENT)],
        );
        let mut text = Vec::with_capacity(method.len() + path.len() + agent.len());
        text.extend_from_slice(method);
        text.extend_from_slice(path);
        text.extend_from_slice(agent);
        let ends = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        let (method_ends, path_ends) = (ends(method.len()), ends(method.len() + path.len()));
        let text = text.into_boxed_slice();
        let (token, called, upstream) = (None, Called::default(), None);
        Self { account, token, called, upstream, text, method_ends, path_ends }
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
        let (method, rest) = self.text.split_at(usize::from(self.method_ends));
        let (path, agent) = rest.split_at(usize::from(self.path_ends - self.method_ends));
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

#[derive(Debug)]
struct Ended {
    account: AccountNumber,
    request: Ending,
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

    fn was_rejected(&self) -> bool {
        !self.end.is_upstreams && self.end.code.is_some()
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

#[derive(Debug, Default)]
struct Kept {
    requests: Vec<Ended>,
    lost: u64,
}

/// The ended requests of one worker.
#[derive(Clone, Debug)]
pub(crate) struct EndedLog(Arc<Mutex<Kept>>);

impl EndedLog {
    pub fn add(&self, request: Ending, end: End, arrival: &Arrival) {
        let &Arrival { request_id, at, client_ip } = arrival;
        // A request without an account is nobody's use.
        let Some(account) = request.account else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.requests.len() < MOST_KEPT {
            kept.requests.push(Ended { account, request, end, request_id, at, client_ip });
        } else {
            kept.lost += 1;
        }
    }
}

/// The ended requests of all workers.
#[derive(Debug, Default)]
pub(super) struct EndedLogs(Mutex<Vec<EndedLog>>);

impl EndedLogs {
    pub fn add(&self) -> EndedLog {
        let log = EndedLog(Arc::default());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(log.clone());
        log
    }

    /// Returns what has ended since the last call: its counts by token and hour, and the requests for the log.
    pub fn take(&self) -> EndedRequests {
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut report = Report::default();
        for log in logs {
            // Taken at once, so that the worker waits for no more than that.
            let kept = std::mem::take(&mut *log.0.lock().unwrap_or_else(PoisonError::into_inner));
            report.lost += kept.lost;
            // The newest first, of which the log takes some.
            for ended in kept.requests.iter().rev() {
                report.add(ended);
            }
        }
        report.finish()
    }
}

/// Requests that are counted together. `operation` is its address, because most requests share one text.
#[derive(PartialEq, Eq, Hash)]
struct Alike {
    used: UsedToken,
    hour: Timestamp,
    operation: *const u8,
    client: usize,
    network: Network,
    status: u16,
    were_rejected: bool,
    would_be_rejected: bool,
    time: TimeBucket,
}

#[derive(Default)]
struct Report {
    /// The number of requests, and the operation.
    alike: HashMap<Alike, (u64, Arc<str>)>,
    logged: Vec<LoggedRequest>,
    /// The number of logged requests of each account.
    taken: HashMap<(AccountNumber, RequestOutcome), usize>,
    /// The user agents, and what their clients are called.
    agents: HashMap<Box<[u8]>, usize>,
    clients: Vec<String>,
    lost: u64,
}

impl Report {
    fn add(&mut self, ended: &Ended) {
        let (request, end) = (&ended.request, ended.end);
        let Called { operation, violations, .. } = &request.called;
        let client = self.client(request.parts().2);
        let alike = Alike {
            used: request.token.map_or(UsedToken::None(ended.account), UsedToken::Token),
            hour: ended.at.start_of_hour(),
            operation: operation.as_ptr(),
            client,
            network: ended.client_ip.into(),
            status: end.status,
            were_rejected: ended.was_rejected(),
            would_be_rejected: violations.contains(Violation::ObservedScope)
                || violations.contains(Violation::ObservedIpAddress),
            time: TimeBucket::of(end.took),
        };
        let counted = self.alike.entry(alike).or_insert_with(|| (0, Arc::clone(operation)));
        counted.0 += 1;
        let taken = self.taken.entry((ended.account, ended.outcome())).or_default();
        if *taken < MOST_LOGGED {
            *taken += 1;
            self.logged.push(ended.logged());
        }
    }

    fn client(&mut self, agent: &[u8]) -> usize {
        if let Some(known) = self.agents.get(agent) {
            return *known;
        }
        self.clients.push(client_of(std::str::from_utf8(agent).ok()).into_owned());
        self.agents.insert(agent.into(), self.clients.len() - 1);
        self.clients.len() - 1
    }

    fn finish(self) -> EndedRequests {
        let Self { alike, logged, clients, lost, .. } = self;
        let mut counts: HashMap<_, PeriodUse> = HashMap::new();
        for (alike, (count, operation)) in &alike {
            let counted = counts.entry((alike.used, alike.hour)).or_default();
            counted.count(&CountedRequests {
                count: *count,
                operation,
                client: &clients[alike.client],
                network: alike.network,
                status: alike.status,
                were_rejected: alike.were_rejected,
                would_be_rejected: alike.would_be_rejected,
                time: alike.time,
            });
        }
        EndedRequests { counts: counts.into_iter().collect(), logged, lost }
    }
}
