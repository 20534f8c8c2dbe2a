//! The gateway's observability: counters, trace context, and an optional record of each request. No token, query, or
//! header value is ever recorded, apart from a user agent with tokens masked.

mod counter;
mod metrics;
mod notices;
mod process;
mod reason;
mod story;
mod trace;

pub(crate) use counter::SharedCounter;
pub use metrics::Metrics;
pub(crate) use metrics::{ConnectionMetrics, WorkerMetrics};
pub(crate) use notices::Notices;
pub use reason::Reason;
pub(crate) use story::RequestTrace;
pub(crate) use trace::{TraceContext, TraceIds};

use crate::{
    arrival::Arrival,
    live::{EndedLog, Ending},
    redaction::without_tokens,
    wire::Head,
};
use http::Version;
use keydesk_model::{AccountNumber, Timestamp, TokenId};
use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::{Arc, atomic::AtomicU64, mpsc::SyncSender},
    time::Duration,
};

/// The trace ID, the span ID, and the caller's span ID.
pub type TraceParts = ([u8; 16], [u8; 8], Option<[u8; 8]>);

/// A request and its response, recorded when it has ended.
#[derive(Clone, Debug)]
pub struct Record {
    pub request_id: String,
    pub at: Timestamp,
    /// The time from the request's head to the end of the response.
    pub duration: Duration,
    pub client_ip: IpAddr,
    pub method: String,
    /// The path without the query and with tokens masked.
    pub path: String,
    /// `HTTP/1.1`
    pub protocol: &'static str,
    /// The client's user agent with tokens masked.
    pub user_agent: Option<String>,
    pub account: Option<AccountNumber>,
    pub token: Option<TokenId>,
    /// The prefix of the upstream that received the request.
    pub upstream: Option<String>,
    /// The upstream's server that received the request.
    pub server: Option<SocketAddr>,
    /// The time from the request's arrival to the head of the upstream's response.
    pub upstream_duration: Option<Duration>,
    pub status: u16,
    /// Whether the status is the upstream's rather than the gateway's.
    pub is_upstreams: bool,
    /// The code of the rejection.
    pub code: Option<&'static str>,
    /// The reason for a missing or incomplete response.
    pub reason: Option<Reason>,
    /// The size of the request's body without framing.
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// The IDs for tracing.
    pub trace: Option<TraceParts>,
}

/// The receivers of records. Records that a receiver does not accept in time are dropped and counted.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub access_log: Option<SyncSender<Record>>,
    pub spans: Option<SyncSender<Record>>,
    /// The number of log lines that could not be written.
    pub lost: Arc<AtomicU64>,
    /// The fraction, 0 to 1, of requests that are traced if the caller does not decide.
    pub trace_ratio: f64,
}

/// The recorder of metrics, traces, and log entries for one worker.
#[derive(Debug)]
pub(crate) struct Observer {
    pub metrics: Arc<WorkerMetrics>,
    pub records: Records,
    pub trace_ids: TraceIds,
    pub notices: Notices,
    pub ended: EndedLog,
    /// Memory for requests that are handled.
    #[expect(clippy::vec_box, reason = "the memory is used again")]
    pub endings: RefCell<Vec<Box<Ending>>>,
}

/// The number of requests for which a worker keeps memory.
const MOST_SPARE: usize = 256;

/// The data needed only for records.
#[derive(Debug, Default)]
struct Details {
    method: String,
    path: String,
    protocol: &'static str,
    user_agent: Option<String>,
    account: Option<AccountNumber>,
    token: Option<TokenId>,
    upstream: Option<String>,
}

impl Observer {
    pub fn begin(
        self: &Rc<Self>,
        arrival: Arrival,
        peer: IpAddr,
        head: Option<&Head>,
        (parent, user_agent): (Option<&[u8]>, Option<&[u8]>),
    ) -> RequestTrace {
        let wants_spans = self.records.spans.is_some();
        let trace = wants_spans.then(|| self.trace_ids.follow(parent, self.records.trace_ratio));
        let details = (wants_spans || self.records.access_log.is_some()).then(|| {
            let method = without_tokens(head.map_or("", |head| head.method));
            let path = head.map_or("", |head| head.target.split(['?', '#']).next().unwrap_or(""));
            Box::new(Details {
                method,
                path: without_tokens(path),
                protocol: head.map_or("", |head| protocol(head.version)),
                user_agent: user_agent.map(user_agent_without_tokens),
                ..Details::default()
            })
        });
        self.metrics.begun.add(1);
        RequestTrace::begin(Some(Rc::clone(self)), (arrival, peer), trace, details)
    }

    #[expect(clippy::unnecessary_box_returns, reason = "the memory is used again")]
    fn spare_ending(&self) -> Box<Ending> {
        self.endings.borrow_mut().pop().unwrap_or_default()
    }

    fn spare(&self, ending: Box<Ending>) {
        let mut endings = self.endings.borrow_mut();
        if endings.len() < MOST_SPARE {
            endings.push(ending);
        }
    }

    /// Sends the record to its receivers. Records that they do not accept in time are dropped and counted.
    fn record(&self, record: Record) {
        let is_traced = record.trace.is_some();
        if let Some(spans) = self.records.spans.as_ref().filter(|_| is_traced)
            && spans.try_send(record.clone()).is_err()
        {
            self.metrics.records_dropped.add(1);
        }
        if let Some(log) = &self.records.access_log
            && log.try_send(record).is_err()
        {
            self.metrics.records_dropped.add(1);
        }
    }

    /// Records a connection event that precedes any request.
    pub fn note(&self, reason: Reason, peer: IpAddr) {
        self.metrics.has_failed(reason);
        self.notices.tell(reason, format_args!("a connection from {peer} was closed"));
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

/// The stored length of a user agent, enough for every browser.
const LONGEST_USER_AGENT: usize = 256;

fn user_agent_without_tokens(value: &[u8]) -> String {
    // Characters that reverse text or break lines in a terminal are kept out of the log.
    let printable = |byte: u8| if byte.is_ascii_graphic() || byte == b' ' { byte } else { b'?' };
    let text: String = value.iter().map(|byte| char::from(printable(*byte))).collect();
    // Masked before truncation, because a truncated token is not recognized.
    let masked = text.split(' ').map(without_tokens).collect::<Vec<_>>().join(" ");
    masked.chars().take(LONGEST_USER_AGENT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, PlainToken, Prefix};

    #[test]
    fn t60_a_token_in_the_path_is_not_recorded() {
        let token = PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(1));
        let path = format!("/385403/{}/x", token.expose());
        assert_eq!(without_tokens(&path), "/385403/[token]/x");
        let escaped = token.expose().replacen('k', "%6b", 1);
        let with = |around: &str| format!("/{}", around.replace('T', token.expose()));
        for path in [with("T.json"), with("T;v=1"), with("x=T"), with("Bearer%20T"), with("T%20")] {
            assert_eq!(without_tokens(&path), "/[token]", "{path}");
        }
        assert_eq!(without_tokens(&escaped), "[token]");
        let most = &token.expose()[..token.expose().len() - 1];
        assert_eq!(without_tokens(most), "[token]");
        let agent = format!("{} {}", "A".repeat(213), token.expose());
        assert!(!user_agent_without_tokens(agent.as_bytes()).contains("kd_u_"));
    }
}
