//! What is seen of the gateway from outside: counters, trace context, and a record of each request
//! for whoever wants one. No token, query or header value ever gets here.

mod metrics;
mod trace;

pub use metrics::Metrics;
pub(crate) use metrics::{ConnectionMetrics, UpstreamMetrics, WorkerMetrics};
pub(crate) use trace::{TraceContext, TraceIds};

use crate::{
    Denial,
    arrival::Arrival,
    target::{Target, decode_leniently},
    wire::Head,
};
use http::{HeaderMap, HeaderValue};
use keydesk_model::{AccountNumber, Timestamp, TokenId};
use keydesk_token::PlainToken;
use std::{
    net::IpAddr,
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

/// Trace id, span id, and the caller's span id.
pub type TraceParts = ([u8; 16], [u8; 8], Option<[u8; 8]>);

/// What became of one request.
#[derive(Clone, Debug)]
pub struct Record {
    pub request_id: String,
    pub at: Timestamp,
    pub duration: Duration,
    pub client_addr: IpAddr,
    pub method: String,
    /// Without the query, and without anything in it that looks like a token.
    pub path: String,
    pub account: Option<AccountNumber>,
    pub token: Option<TokenId>,
    /// The prefix of the upstream that it was sent to.
    pub upstream: Option<String>,
    pub status: u16,
    /// Why it was refused.
    pub code: Option<&'static str>,
    /// Where the request is traced.
    pub trace: Option<TraceParts>,
}

/// Where records go; what a receiver does not take in time is dropped and counted.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub access_log: Option<SyncSender<Record>>,
    pub spans: Option<SyncSender<Record>>,
    /// The part of requests that are traced of those whose caller does not say, 0 to 1.
    pub trace_ratio: f64,
}

/// One worker's eyes.
#[derive(Debug)]
pub(crate) struct Observer {
    pub metrics: Arc<WorkerMetrics>,
    pub records: Records,
    pub trace_ids: TraceIds,
}

/// A request from its arrival to its answer.
#[derive(Debug)]
pub(crate) struct Story {
    pub arrival: Arrival,
    /// Who is at the other end of the connection.
    pub peer: IpAddr,
    pub started: Instant,
    pub code: Option<&'static str>,
    pub trace: Option<TraceContext>,
    /// What the answer says beside what it says by itself, whoever gives it.
    pub added: Vec<(&'static str, Arc<str>)>,
    details: Option<Box<Details>>,
}

#[derive(Debug, Default)]
struct Details {
    method: String,
    path: String,
    account: Option<AccountNumber>,
    token: Option<TokenId>,
    upstream: Option<String>,
}

impl Observer {
    pub fn begin(
        &self,
        arrival: Arrival,
        peer: IpAddr,
        head: Option<&Head>,
        parent: Option<&[u8]>,
    ) -> Story {
        let wants_spans = self.records.spans.is_some();
        let trace = wants_spans.then(|| self.trace_ids.follow(parent, self.records.trace_ratio));
        let details = (wants_spans || self.records.access_log.is_some()).then(|| {
            let method = without_tokens(head.map_or("", |head| head.method));
            let path = head.map_or("", |head| head.target.split(['?', '#']).next().unwrap_or(""));
            Box::new(Details { method, path: without_tokens(path), ..Details::default() })
        });
        Story {
            arrival,
            peer,
            started: Instant::now(),
            code: None,
            trace,
            added: Vec::new(),
            details,
        }
    }

    /// The answer's head is on its way.
    pub fn end(&self, story: &mut Story, status: u16) {
        let duration = story.started.elapsed();
        self.metrics.count(story.code, status, duration);
        let Some(details) = story.details.take() else { return };
        let record = Record {
            request_id: story.arrival.request_id.to_string(),
            at: story.arrival.at,
            duration,
            client_addr: story.arrival.client_addr,
            method: details.method,
            path: details.path,
            account: details.account,
            token: details.token,
            upstream: details.upstream,
            status,
            code: story.code,
            trace: story.trace.filter(|trace| trace.is_sampled).map(trace::TraceContext::parts),
        };
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
}

impl Story {
    /// Of a request that is only judged: nobody records it.
    pub fn untold(arrival: Arrival, peer: IpAddr) -> Self {
        let (started, added) = (Instant::now(), Vec::new());
        Self { arrival, peer, started, code: None, trace: None, added, details: None }
    }

    pub fn is_denied(&mut self, denial: &Denial) {
        self.code = Some(denial.code());
    }

    pub fn is_of(&mut self, account: AccountNumber, token: TokenId) {
        if let Some(details) = &mut self.details {
            (details.account, details.token) = (Some(account), Some(token));
        }
    }

    /// The fields that every answer to this request carries, by whomever it is given.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let id = std::iter::once(("x-request-id", self.arrival.request_id.as_str()));
        id.chain(self.added.iter().map(|(name, value)| (*name, &**value)))
    }

    /// The same for answers of libraries.
    pub fn add_fields(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields() {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        }
    }

    pub fn goes_to(&mut self, upstream: &str, target: &Target) {
        if let Some(details) = &mut self.details {
            details.upstream = Some(upstream.to_owned());
            details.path = without_tokens(target.path);
        }
    }
}

/// Whoever puts a token into the path has it in the logs of others already; not in ours.
fn without_tokens(path: &str) -> String {
    let mask = |segment: &str| -> String {
        // As often as servers decode.
        let decoded = decode_leniently(&decode_leniently(segment.as_bytes()));
        if PlainToken::is_within(&decoded) {
            return "[token]".to_owned();
        }
        segment.chars().filter(|c| !c.is_control()).collect()
    };
    path.split('/').map(mask).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, Prefix};

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
    }
}
