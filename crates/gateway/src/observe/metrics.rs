//! Counters for Prometheus: each worker writes its own without locking, and they are added up when scraped. Labels are
//! the codes of rejections and the configured upstreams.

use super::counter::SharedCounter;
use super::{Reason, process};
use crate::{
    LiveTable, Rejection,
    upstream::{Route, UpstreamMetrics},
};
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A counter that only one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The upper bounds of the histogram's buckets, in microseconds.
const BUCKETS: [u64; 18] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
];

/// A histogram of durations.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [Counter; BUCKETS.len() + 1],
    sum_us: Counter,
}

impl Histogram {
    fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|end| *end < micros);
        self.buckets[bucket].add(1);
        self.sum_us.add(micros);
    }
}

/// Statuses are 100 to 599.
const STATUSES: usize = 500;

/// One worker's counters for one upstream.
#[derive(Debug)]
struct FromUpstream {
    statuses: Vec<Counter>,
    durations: Histogram,
    unanswered: Counter,
}

impl Default for FromUpstream {
    fn default() -> Self {
        let statuses = std::iter::repeat_with(Counter::default).take(STATUSES).collect();
        Self { statuses, durations: Histogram::default(), unanswered: Counter::default() }
    }
}

#[derive(Debug)]
pub(crate) struct WorkerMetrics {
    served: Counter,
    rejected: [Counter; Rejection::CODES.len()],
    /// Counts by the status's first digit.
    statuses: [Counter; 6],
    durations: Histogram,
    reasons: Vec<Counter>,
    /// Counters by the number of the route.
    upstreams: Vec<FromUpstream>,
    pub begun: Counter,
    pub ended: Counter,
    pub records_dropped: Counter,
}

impl WorkerMetrics {
    pub fn new(upstreams: usize) -> Self {
        Self {
            begun: Counter::default(),
            ended: Counter::default(),
            reasons: Reason::ALL.iter().map(|_| Counter::default()).collect(),
            upstreams: std::iter::repeat_with(FromUpstream::default).take(upstreams).collect(),
            served: Counter::default(),
            rejected: std::array::from_fn(|_| Counter::default()),
            statuses: Default::default(),
            durations: Histogram::default(),
            records_dropped: Counter::default(),
        }
    }

    pub fn count(&self, code: Option<&'static str>, status: u16, duration: Duration) {
        match code {
            None => self.served.add(1),
            Some(code) => {
                let at = Rejection::CODES.iter().position(|known| *known == code);
                if let Some(counter) = at.and_then(|at| self.rejected.get(at)) {
                    counter.add(1);
                }
            }
        }
        if let Some(counter) = self.statuses.get(usize::from(status / 100)) {
            counter.add(1);
        }
        self.durations.add(duration);
    }

    /// Counts an upstream request. `status` and `took` describe the upstream's response, if there is one.
    pub fn count_upstream(&self, route: usize, status: Option<u16>, took: Option<Duration>) {
        let Some(upstream) = self.upstreams.get(route) else { return };
        let at = status.and_then(|status| usize::from(status).checked_sub(100));
        match at.and_then(|at| upstream.statuses.get(at)) {
            Some(counter) => counter.add(1),
            None => upstream.unanswered.add(1),
        }
        if let Some(took) = took {
            upstream.durations.add(took);
        }
    }

    pub fn has_failed(&self, reason: Reason) {
        if let Some(counter) = self.reasons.get(reason.index()) {
            counter.add(1);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ConnectionMetrics {
    pub open: AtomicI64,
    pub accepted: SharedCounter,
    pub rejected_per_address: SharedCounter,
    pub rejected_tls: SharedCounter,
}

/// All metrics, for rendering in the Prometheus format.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) workers: Vec<Arc<WorkerMetrics>>,
    pub(crate) connections: Arc<ConnectionMetrics>,
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) table: Arc<LiveTable>,
    pub(crate) lost: Arc<AtomicU64>,
}

impl Metrics {
    /// Renders the text exposition format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        self.render_requests(&mut out);
        self.render_reasons(&mut out);
        let name = "request_duration_seconds";
        family(&mut out, name, "histogram", "From the request's head to the response's.");
        self.render_histogram(&mut out, name, "", |worker| Some(&worker.durations));
        self.render_connections(&mut out);
        self.render_upstreams(&mut out);
        self.render_responses(&mut out);
        let ready = i64::from(self.table.is_ready());
        let may_serve = i64::from(self.table.may_serve());
        let tokens = i64::try_from(self.table.len()).unwrap_or(i64::MAX);
        let bytes = i64::try_from(self.table.size_bytes()).unwrap_or(i64::MAX);
        for (name, help, value) in [
            ("ready", "Whether all tokens are loaded.", ready),
            ("may_serve", "Whether the lease holds, so that tokens are accepted.", may_serve),
            ("tokens", "Secrets in memory, ended ones included.", tokens),
            ("token_table_bytes", "Memory that they take.", bytes),
            ("feed_seq", "The number of the last change taken over.", self.table.seq()),
        ] {
            family(&mut out, name, "gauge", help);
            let _ = writeln!(out, "keydesk_{name} {value}");
        }
        process::render(&mut out);
        out
    }

    fn sum(&self, pick: impl Fn(&WorkerMetrics) -> u64) -> u64 {
        self.workers.iter().map(|worker| pick(worker)).sum()
    }

    fn render_requests(&self, out: &mut String) {
        family(
            out,
            "requests_total",
            "counter",
            "Requests by outcome: served, or the code of the refusal.",
        );
        let served = self.sum(|worker| worker.served.read());
        let _ = writeln!(out, "keydesk_requests_total{{outcome=\"served\"}} {served}");
        for (at, code) in Rejection::CODES.iter().enumerate() {
            let count = self.sum(|worker| worker.rejected[at].read());
            let _ = writeln!(out, "keydesk_requests_total{{outcome=\"{code}\"}} {count}");
        }
        family(out, "responses_total", "counter", "Responses by the first digit of their status.");
        for class in 1..=5 {
            let count = self.sum(|worker| worker.statuses[class].read());
            let _ = writeln!(out, "keydesk_responses_total{{class=\"{class}xx\"}} {count}");
        }
        family(
            out,
            "records_dropped_total",
            "counter",
            "Log lines and spans that nobody took in time.",
        );
        let dropped = self.sum(|worker| worker.records_dropped.read());
        let _ = writeln!(out, "keydesk_records_dropped_total {dropped}");
        let name = "access_log_lines_lost_total";
        family(out, name, "counter", "Log lines that could not be written: the disk is full.");
        let _ = writeln!(out, "keydesk_{name} {}", self.lost.load(Ordering::Relaxed));
    }

    fn render_reasons(&self, out: &mut String) {
        let name = "failures_total";
        family(
            out,
            name,
            "counter",
            "Requests and connections without a whole response, by reason.",
        );
        for reason in Reason::ALL {
            let count = self.sum(|worker| worker.reasons[reason.index()].read());
            let _ = writeln!(out, "keydesk_{name}{{reason=\"{}\"}} {count}", reason.as_str());
        }
        family(out, "requests_in_flight", "gauge", "Requests whose response has not ended.");
        // Ended requests are read first, so that they never exceed the started ones.
        let ended = self.sum(|worker| worker.ended.read());
        let begun = self.sum(|worker| worker.begun.read());
        let _ = writeln!(out, "keydesk_requests_in_flight {}", begun.saturating_sub(ended));
    }

    /// Renders a histogram. `labels` precedes `le` and ends with a comma.
    fn render_histogram<'a>(
        &'a self,
        out: &mut String,
        name: &str,
        labels: &str,
        pick: impl Fn(&'a WorkerMetrics) -> Option<&'a Histogram>,
    ) {
        let each: Vec<_> = self.workers.iter().filter_map(|worker| pick(worker)).collect();
        let sum_of = |at: usize| each.iter().map(|one| one.buckets[at].read()).sum::<u64>();
        let mut count = 0;
        for (at, end) in BUCKETS.iter().enumerate() {
            count += sum_of(at);
            let seconds = Duration::from_micros(*end).as_secs_f64();
            let _ = writeln!(out, "keydesk_{name}_bucket{{{labels}le=\"{seconds}\"}} {count}");
        }
        count += sum_of(BUCKETS.len());
        let sum = Duration::from_micros(each.iter().map(|one| one.sum_us.read()).sum());
        let braces = labels.strip_suffix(',').map_or(String::new(), |own| format!("{{{own}}}"));
        let _ = writeln!(out, "keydesk_{name}_bucket{{{labels}le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "keydesk_{name}_sum{braces} {}", sum.as_secs_f64());
        let _ = writeln!(out, "keydesk_{name}_count{braces} {count}");
    }

    fn render_responses(&self, out: &mut String) {
        let name = "upstream_responses_total";
        family(
            out,
            name,
            "counter",
            "Upstreams' responses by status; none: there was no response.",
        );
        for (at, route) in self.routes.iter().enumerate() {
            let upstream = &route.name;
            let mut tell = |status: &str, count: u64| {
                if count > 0 {
                    let _ = writeln!(
                        out,
                        "keydesk_{name}{{upstream=\"{upstream}\",status=\"{status}\"}} {count}"
                    );
                }
            };
            for status in 0..STATUSES {
                let count = |worker: &WorkerMetrics| worker.upstreams[at].statuses[status].read();
                tell(&(status + 100).to_string(), self.sum(count));
            }
            tell("none", self.sum(|worker| worker.upstreams[at].unanswered.read()));
        }
        let name = "upstream_response_seconds";
        family(
            out,
            name,
            "histogram",
            "From a request's arrival to the head of the upstream's response.",
        );
        for (at, route) in self.routes.iter().enumerate() {
            let labels = format!("upstream=\"{}\",", route.name);
            self.render_histogram(out, name, &labels, |worker| {
                worker.upstreams.get(at).map(|upstream| &upstream.durations)
            });
        }
    }

    fn render_connections(&self, out: &mut String) {
        let connections = &self.connections;
        family(out, "connections", "gauge", "Clients' connections that are open.");
        let _ = writeln!(out, "keydesk_connections {}", connections.open.load(Ordering::Relaxed));
        family(out, "connections_accepted_total", "counter", "Clients' connections so far.");
        let _ = writeln!(out, "keydesk_connections_accepted_total {}", connections.accepted.read());
        family(
            out,
            "connections_rejected_total",
            "counter",
            "Connections closed at once, by reason.",
        );
        for (reason, count) in
            [("per_ip", &connections.rejected_per_address), ("tls", &connections.rejected_tls)]
        {
            let count = count.read();
            let _ =
                writeln!(out, "keydesk_connections_rejected_total{{reason=\"{reason}\"}} {count}");
        }
    }

    fn render_upstreams(&self, out: &mut String) {
        type Pick = fn(&UpstreamMetrics) -> &SharedCounter;
        let families: [(&str, &str, Pick); 4] = [
            ("upstream_connections_opened_total", "Connections made to an upstream.", |m| {
                &m.opened
            }),
            ("upstream_connections_reused_total", "Requests sent on a kept connection.", |m| {
                &m.reused
            }),
            ("upstream_retries_total", "Requests sent again.", |m| &m.retries),
            ("upstream_failures_total", "Connections rejected, broken or too slow.", |m| {
                &m.failures
            }),
        ];
        for (name, help, pick) in families {
            family(out, name, "counter", help);
            for route in &self.routes {
                let count = pick(&route.metrics).read();
                let _ = writeln!(out, "keydesk_{name}{{upstream=\"{}\"}} {count}", route.name);
            }
        }
        family(out, "upstream_servers", "gauge", "An upstream's addresses by state.");
        for route in &self.routes {
            let (usable, aside) = route.servers_by_state();
            for (state, count) in [("usable", usable), ("aside", aside)] {
                let name = &route.name;
                let _ = writeln!(
                    out,
                    "keydesk_upstream_servers{{upstream=\"{name}\",state=\"{state}\"}} {count}"
                );
            }
        }
    }
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP keydesk_{name} {help}\n# TYPE keydesk_{name} {kind}\n");
}
