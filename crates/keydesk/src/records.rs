//! The output of the gateway's records: the access log as JSON lines, and spans as OTLP over HTTP.

use crate::config::Observe;
use anyhow::Context;
use http::Request;
use keydesk_gateway::{Reason, Record, Records};
use keydesk_outbound::{Bounds, Outbound, Reach};
use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::signal::unix::SignalKind;

/// The number of records that may be queued; further ones are dropped and counted.
const MOST_WAITING: usize = 16_384;
const MOST_SPANS: usize = 512;
/// The number of bytes that are written in one batch.
const MOST_BYTES: usize = 64 * 1024;
const FLUSH: Duration = Duration::from_millis(500);
const EXPORT_BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(5), bytes: 64 * 1024 };

/// Starts the configured outputs. The log file must be writable at start. The threads end when all senders of the
/// records are dropped and everything has been written.
pub fn start(
    observe: &Observe,
    outbound: &Outbound,
) -> anyhow::Result<(Records, Vec<JoinHandle<()>>)> {
    let mut threads = Vec::new();
    let mut records = Records { trace_ratio: observe.trace_ratio, ..Records::default() };
    let reopen = reopen_on_signals()?;
    if let Some(place) = &observe.access_log {
        let sink = Sink::open(place, Arc::clone(&records.lost))
            .with_context(|| format!("observe.access_log: {place} cannot be written to"))?;
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        threads.push(thread.spawn(move || write_log(&receiver, sink, &reopen))?);
        records.access_log = Some(sender);
    }
    if let Some(otlp) = &observe.otlp {
        let url = format!("{}/v1/traces", otlp.to_string().trim_end_matches('/'));
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let (runtime, outbound) = (tokio::runtime::Handle::current(), outbound.clone());
        let thread = std::thread::Builder::new().name("spans".to_owned());
        threads.push(thread.spawn(move || export_spans(&receiver, (&outbound, &url), &runtime))?);
        records.spans = Some(sender);
    }
    Ok((records, threads))
}

/// Reopens files on SIGHUP and SIGUSR1, because logrotate sends either. Without files, the signals do nothing.
fn reopen_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let reopen = Arc::<AtomicBool>::default();
    for kind in [SignalKind::hangup(), SignalKind::user_defined1()] {
        let mut signals = tokio::signal::unix::signal(kind)?;
        let asked = Arc::clone(&reopen);
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                asked.store(true, Ordering::Relaxed);
            }
        });
    }
    Ok(reopen)
}

/// The destination of lines: a file or standard output. Lines are buffered and written in batches of whole lines.
struct Sink {
    place: Place,
    waiting: Vec<u8>,
    lost: Arc<AtomicU64>,
    has_failed: bool,
}

enum Place {
    Output(std::io::Stdout),
    /// A file that is reopened after it has been moved.
    File {
        path: PathBuf,
        file: File,
        inode: u64,
    },
}

impl Sink {
    fn open(place: &str, lost: Arc<AtomicU64>) -> std::io::Result<Self> {
        let place = if place == "-" {
            Place::Output(std::io::stdout())
        } else {
            let path = PathBuf::from(place);
            let (file, inode) = open_file(&path)?;
            Place::File { path, file, inode }
        };
        Ok(Self { place, waiting: Vec::new(), lost, has_failed: false })
    }

    fn add(&mut self, line: &Value) {
        let _ = writeln!(self.waiting, "{line}");
        if self.waiting.len() >= MOST_BYTES {
            self.write();
        }
    }

    /// Writes the buffer. If not all of it can be written, whole lines are kept and the others counted.
    fn write(&mut self) {
        let written = match &mut self.place {
            Place::Output(out) => {
                out.write_all(&self.waiting).and_then(|()| out.flush()).map_err(|error| (error, 0))
            }
            Place::File { file, .. } => append(file, &self.waiting),
        };
        match written {
            Ok(()) => self.has_failed = false,
            Err((error, kept)) => {
                let left = self.waiting.get(kept..).unwrap_or_default();
                let lines = left.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64;
                self.lost.fetch_add(lines, Ordering::Relaxed);
                // Logged only once, because a full disk affects every line.
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::error!(%error, lines, "the access log cannot be written; lines are lost and counted");
                }
            }
        }
        self.waiting.clear();
    }

    fn reopen(&mut self, is_asked: bool) {
        let Place::File { path, file, inode } = &mut self.place else { return };
        let is_there = std::fs::metadata(&*path).is_ok_and(|found| found.ino() == *inode);
        if is_asked || !is_there {
            match open_file(path) {
                Ok(opened) => (*file, *inode) = opened,
                Err(error) => tracing::error!(%error, "the access log cannot be opened again"),
            }
        }
    }
}

/// Appends lines. An error includes the number of bytes written as whole lines; a partial line is truncated.
fn append(file: &mut File, lines: &[u8]) -> Result<(), (std::io::Error, usize)> {
    let before = file.metadata().map(|found| found.len()).map_err(|error| (error, 0))?;
    let Err(error) = file.write_all(lines) else { return Ok(()) };
    let after = file.metadata().map_or(before, |found| found.len());
    let written = usize::try_from(after.saturating_sub(before)).unwrap_or(0).min(lines.len());
    let whole = lines[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let _ = file.set_len(before + whole as u64);
    Err((error, whole))
}

fn open_file(path: &Path) -> std::io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let inode = file.metadata()?.ino();
    Ok((file, inode))
}

fn write_log(receiver: &Receiver<Record>, mut sink: Sink, reopen: &AtomicBool) {
    let mut written = Instant::now();
    loop {
        match receiver.recv_timeout(FLUSH) {
            Ok(record) => sink.add(&line(&record)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return sink.write(),
        }
        if written.elapsed() >= FLUSH {
            sink.write();
            sink.reopen(reopen.swap(false, Ordering::Relaxed));
            written = Instant::now();
        }
    }
}

fn line(record: &Record) -> Value {
    json!({
        "at": record.at.to_string(),
        "request_id": record.request_id,
        "client_ip": record.client_ip,
        "method": record.method,
        "path": record.path,
        "protocol": record.protocol,
        "user_agent": record.user_agent,
        "status": record.status,
        "responder": if record.is_upstreams { "upstream" } else { "keydesk" },
        "code": record.code,
        "reason": record.reason.map(Reason::as_str),
        "account": record.account.map(|number| number.to_string()),
        "token": record.token,
        "upstream": record.upstream,
        "upstream_server": record.server,
        "bytes_received": record.bytes_received,
        "bytes_sent": record.bytes_sent,
        "duration_us": micros(record.duration),
        "upstream_duration_us": record.upstream_duration.map(micros),
        "trace_id": record.trace.map(|(trace, _, _)| hex::encode(trace)),
    })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn export_spans(
    receiver: &Receiver<Record>,
    (client, url): (&Outbound, &str),
    runtime: &tokio::runtime::Handle,
) {
    let _inside = runtime.enter();
    let mut has_failed = false;
    while let Ok(first) = receiver.recv() {
        let mut spans = vec![span(&first)];
        while spans.len() < MOST_SPANS
            && let Ok(next) = receiver.recv_timeout(FLUSH)
        {
            spans.push(span(&next));
        }
        let sent = runtime.block_on(send(client, url, &spans));
        match sent {
            Ok(()) => has_failed = false,
            // Logged only once, because an unavailable receiver affects every batch.
            Err(error) if !has_failed => {
                has_failed = true;
                let error = format!("{error:#}");
                tracing::warn!(error, "failed to export spans; they are dropped");
            }
            Err(_) => {}
        }
    }
}

async fn send(client: &Outbound, url: &str, spans: &[Value]) -> anyhow::Result<()> {
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": [attribute("service.name", json!({ "stringValue": "keydesk" }))] },
        "scopeSpans": [{ "scope": { "name": "keydesk-gateway" }, "spans": spans }],
    }]});
    let request = Request::post(url)
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes())?;
    let answer = client.send(request, EXPORT_BOUNDS, Reach::Anywhere).await?;
    anyhow::ensure!(answer.status().is_success(), "the receiver answered {}", answer.status());
    Ok(())
}

/// Returns a request in OTLP's JSON encoding: IDs in hexadecimal, instants as strings.
fn span(record: &Record) -> Value {
    let (trace, span, parent) = record.trace.unwrap_or_default();
    let start = i128::from(record.at.as_micros()) * 1000;
    let end = start + i128::try_from(record.duration.as_nanos()).unwrap_or(0);
    let text = |value: &str| json!({ "stringValue": value });
    let mut attributes = vec![
        attribute("http.request.method", text(&record.method)),
        attribute("url.path", text(&record.path)),
        attribute("client.address", text(&record.client_ip.to_string())),
        attribute("http.response.status_code", json!({ "intValue": record.status.to_string() })),
        attribute("keydesk.request_id", text(&record.request_id)),
    ];
    if let Some(account) = record.account {
        attributes.push(attribute("keydesk.account", text(&account.to_string())));
    }
    if let Some(code) = record.code.or(record.reason.map(Reason::as_str)) {
        attributes.push(attribute("error.type", text(code)));
    }
    json!({
        "traceId": hex::encode(trace),
        "spanId": hex::encode(span),
        "parentSpanId": parent.map(hex::encode).unwrap_or_default(),
        "name": record.method,
        "kind": 2,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": end.to_string(),
        "attributes": attributes,
        // Only server errors count as errors (OpenTelemetry's HTTP conventions).
        "status": { "code": if record.status >= 500 { 2 } else { 0 } },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "built in place by every caller")]
fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}
