//! One request from its arrival to the end of its response, counted and recorded exactly once, however it ends.

use super::{Details, Observer, Reason, Record, TraceContext};
use crate::redaction::without_tokens;
use crate::{
    Rejection,
    arrival::Arrival,
    live::{End, Ending},
    target::Target,
};
use http::{HeaderMap, HeaderValue};
use keydesk_model::{AccountNumber, Called, TokenId};
use std::{
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// The logged status if the client disconnected before there was one.
const CLIENT_GONE: u16 = 499;

#[derive(Debug)]
pub(crate) struct RequestTrace {
    pub arrival: Arrival,
    /// The peer address of the connection.
    pub peer: IpAddr,
    pub started: Instant,
    pub trace: Option<TraceContext>,
    /// Headers added to every response to this request.
    pub added: Vec<(&'static str, Arc<str>)>,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    code: Option<&'static str>,
    reason: Option<Reason>,
    status: Option<u16>,
    /// The time from the arrival to the response's head.
    answered_after: Duration,
    upstream: Option<Sent>,
    is_upstreams: bool,
    is_complete: bool,
    details: Option<Box<Details>>,
    /// Of a request to an account.
    ending: Option<Box<Ending>>,
    observer: Option<Rc<Observer>>,
}

/// The destination of a request.
#[derive(Clone, Copy, Debug)]
struct Sent {
    route: usize,
    server: Option<SocketAddr>,
    took: Option<Duration>,
}

impl RequestTrace {
    pub(super) fn begin(
        observer: Option<Rc<Observer>>,
        (arrival, peer): (Arrival, IpAddr),
        trace: Option<TraceContext>,
        details: Option<Box<Details>>,
    ) -> Self {
        Self {
            arrival,
            peer,
            started: Instant::now(),
            trace,
            added: Vec::new(),
            bytes_received: 0,
            bytes_sent: 0,
            code: None,
            reason: None,
            status: None,
            answered_after: Duration::ZERO,
            upstream: None,
            is_upstreams: false,
            is_complete: false,
            details,
            ending: None,
            observer,
        }
    }

    /// Returns a trace for a request that is only checked and not recorded.
    pub fn unreported(arrival: Arrival, peer: IpAddr) -> Self {
        Self::begin(None, (arrival, peer), None, None)
    }

    pub fn is_denied(&mut self, rejection: &Rejection) {
        (self.code, self.reason) = (Some(rejection.code()), rejection.reason());
    }

    /// Records that the request is one to an account.
    pub fn is_to(&mut self, target: &Target, method: &str, agent: Option<&[u8]>) {
        if let Some(observer) = &self.observer {
            let mut ending = observer.spare_ending();
            ending.begin(target.account, (method, target.path), agent);
            self.ending = Some(ending);
        }
    }

    /// Records the operation, and the limits that the request violates.
    pub fn calls(&mut self, called: &Called) {
        if let Some(ending) = &mut self.ending {
            ending.calls(called);
        }
    }

    /// Records the token of the account, even if it is rejected.
    pub fn has_token(&mut self, account: AccountNumber, token: TokenId) {
        if let Some(ending) = &mut self.ending {
            ending.is_of(account, token);
        }
    }

    pub fn is_of(&mut self, account: AccountNumber, token: TokenId) {
        self.has_token(account, token);
        if let Some(details) = &mut self.details {
            (details.account, details.token) = (Some(account), Some(token));
        }
    }

    /// Records that the request is sent to an upstream, with `route` by number.
    pub fn goes_to(&mut self, route: usize, upstream: &Arc<str>, target: &Target) {
        self.upstream = Some(Sent { route, server: None, took: None });
        if let Some(ending) = &mut self.ending {
            ending.goes_to(upstream);
        }
        if let Some(details) = &mut self.details {
            details.upstream = Some(upstream.to_string());
            details.path = without_tokens(target.path);
        }
    }

    /// Records the arrival of the upstream's response head.
    pub fn is_answered_by(&mut self, server: SocketAddr, status: u16) {
        self.is_upstreams = true;
        self.answers(status);
        if let Some(sent) = &mut self.upstream {
            // It is sent within microseconds of its arrival, so one clock reading serves both.
            (sent.server, sent.took) = (Some(server), Some(self.answered_after));
        }
    }

    /// Records that the response's head is being sent.
    pub fn answers(&mut self, status: u16) {
        (self.status, self.answered_after) = (Some(status), self.started.elapsed());
    }

    /// Records that the whole response has been handed to the connection.
    pub fn completes(&mut self) {
        self.is_complete = true;
    }

    /// Records that the response ends prematurely.
    pub fn is_cut(&mut self, reason: Reason) {
        self.reason = Some(reason);
    }

    /// Records that the client disconnected before there was a response.
    pub fn client_left(&mut self) {
        (self.code, self.reason) = (Some("client_closed_request"), Some(Reason::ClientGone));
    }

    /// Returns the fields that every response to this request carries, regardless of its source.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let id = std::iter::once(("x-request-id", self.arrival.request_id.as_str()));
        id.chain(self.added.iter().map(|(name, value)| (*name, &**value)))
    }

    /// Adds the same fields to a header map.
    pub fn add_fields(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields() {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        }
    }

    fn finish(&mut self, observer: &Observer) {
        if !self.is_complete && self.reason.is_none() {
            // The request was dropped with its connection.
            self.reason = Some(Reason::Shutdown);
        }
        let status = self.status.unwrap_or(CLIENT_GONE);
        if self.status.is_none() && self.code.is_none() {
            self.code = Some("client_closed_request");
        }
        let metrics = &observer.metrics;
        metrics.count(self.code, status, self.answered_after);
        if let Some(sent) = self.upstream {
            metrics.count_upstream(sent.route, self.is_upstreams.then_some(status), sent.took);
        }
        if let Some(reason) = self.reason {
            metrics.has_failed(reason);
            self.tell(reason, observer);
        }
        if let Some(ending) = self.ending.take() {
            let (is_upstreams, code) = (self.is_upstreams, self.code);
            let end = End { status, is_upstreams, code, took: self.answered_after };
            observer.spare(observer.ended.add(ending, end, &self.arrival));
        }
        if let Some(details) = self.details.take() {
            observer.record(self.record(*details, status));
        }
    }

    fn tell(&self, reason: Reason, observer: &Observer) {
        let id = &self.arrival.request_id;
        let server = self.upstream.and_then(|sent| sent.server);
        let server = server.map_or_else(String::new, |server| format!(", server {server}"));
        let what = match self.status {
            Some(_) if !self.is_complete => "a response was cut short",
            None => "a request got no response",
            Some(_) => "a request was rejected",
        };
        let client = self.arrival.client_ip;
        observer.notices.tell(reason, format_args!("{what}: {id} from {client}{server}"));
    }

    fn record(&self, details: Details, status: u16) -> Record {
        Record {
            request_id: self.arrival.request_id.to_string(),
            at: self.arrival.at,
            duration: self.started.elapsed(),
            client_ip: self.arrival.client_ip,
            method: details.method,
            path: details.path,
            protocol: details.protocol,
            user_agent: details.user_agent,
            account: details.account,
            token: details.token,
            upstream: details.upstream,
            server: self.upstream.and_then(|sent| sent.server),
            upstream_duration: self.upstream.and_then(|sent| sent.took),
            status,
            is_upstreams: self.is_upstreams,
            code: self.code,
            reason: self.reason,
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            trace: self.trace.filter(|trace| trace.is_sampled).map(TraceContext::parts),
        }
    }
}

impl Drop for RequestTrace {
    fn drop(&mut self) {
        if let Some(observer) = self.observer.take() {
            self.finish(&observer);
            observer.metrics.ended.add(1);
        }
    }
}
