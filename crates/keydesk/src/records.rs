//! Where the gateway's records go: the access log as JSON lines, and spans as OTLP over HTTP.

use crate::config::Observe;
use anyhow::Context;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use keydesk_gateway::{Record, Records};
use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How many records may wait; further ones are dropped and counted.
const MOST_WAITING: usize = 16_384;
const MOST_SPANS: usize = 512;
const FLUSH: Duration = Duration::from_millis(500);
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts what is configured. The log file must be writable from the start. The threads end when
/// nobody holds the records any more, and have then written all.
pub fn start(observe: &Observe) -> anyhow::Result<(Records, Vec<JoinHandle<()>>)> {
    let mut threads = Vec::new();
    let mut records = Records { trace_ratio: observe.trace_ratio, ..Records::default() };
    if let Some(place) = &observe.access_log {
        let sink = Sink::open(place)
            .with_context(|| format!("observe.access_log: {place} cannot be written to"))?;
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        threads.push(thread.spawn(move || write_log(&receiver, sink))?);
        records.access_log = Some(sender);
    }
    if let Some(otlp) = &observe.otlp {
        let url = format!("{}/v1/traces", otlp.to_string().trim_end_matches('/'));
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new().name("spans".to_owned());
        threads.push(thread.spawn(move || export_spans(&receiver, &url, &runtime))?);
        records.spans = Some(sender);
    }
    Ok((records, threads))
}

/// A log file that is opened anew when somebody has moved it away, or standard output.
enum Sink {
    Output(BufWriter<std::io::Stdout>),
    File { path: PathBuf, file: BufWriter<File>, inode: u64 },
}

impl Sink {
    fn open(place: &str) -> std::io::Result<Self> {
        if place == "-" {
            return Ok(Self::Output(BufWriter::new(std::io::stdout())));
        }
        let path = PathBuf::from(place);
        let (file, inode) = open_file(&path)?;
        Ok(Self::File { path, file, inode })
    }

    fn write(&mut self, line: &Value) {
        let out: &mut dyn Write = match self {
            Self::Output(out) => out,
            Self::File { file, .. } => file,
        };
        if let Err(error) = writeln!(out, "{line}") {
            tracing::warn!(%error, "the access log cannot be written");
        }
    }

    fn flush(&mut self) {
        match self {
            Self::Output(out) => drop(out.flush()),
            Self::File { path, file, inode } => {
                let _ = file.flush();
                let is_there = std::fs::metadata(&*path).is_ok_and(|found| found.ino() == *inode);
                if !is_there && let Ok((next, number)) = open_file(path) {
                    (*file, *inode) = (next, number);
                }
            }
        }
    }
}

fn open_file(path: &Path) -> std::io::Result<(BufWriter<File>, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let inode = file.metadata()?.ino();
    Ok((BufWriter::new(file), inode))
}

fn write_log(receiver: &Receiver<Record>, mut sink: Sink) {
    let mut flushed = Instant::now();
    loop {
        match receiver.recv_timeout(FLUSH) {
            Ok(record) => sink.write(&line(&record)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return sink.flush(),
        }
        if flushed.elapsed() >= FLUSH {
            sink.flush();
            flushed = Instant::now();
        }
    }
}

fn line(record: &Record) -> Value {
    json!({
        "at": record.at.to_string(),
        "request_id": record.request_id,
        "client_addr": record.client_addr,
        "method": record.method,
        "path": record.path,
        "status": record.status,
        "code": record.code,
        "account": record.account.map(|number| number.to_string()),
        "token": record.token,
        "upstream": record.upstream,
        "duration_us": u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
        "trace_id": record.trace.map(|(trace, _, _)| hex::encode(trace)),
    })
}

fn export_spans(receiver: &Receiver<Record>, url: &str, runtime: &tokio::runtime::Handle) {
    let _inside = runtime.enter();
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let mut has_failed = false;
    while let Ok(first) = receiver.recv() {
        let mut spans = vec![span(&first)];
        while spans.len() < MOST_SPANS
            && let Ok(next) = receiver.recv_timeout(FLUSH)
        {
            spans.push(span(&next));
        }
        let sent = runtime.block_on(send(&client, url, &spans));
        match sent {
            Ok(()) => has_failed = false,
            // Once is enough: a receiver that is away is away for every batch.
            Err(error) if !has_failed => {
                has_failed = true;
                let error = format!("{error:#}");
                tracing::warn!(error, "spans cannot be exported and are dropped");
            }
            Err(_) => {}
        }
    }
}

async fn send(
    client: &Client<HttpConnector, Full<Bytes>>,
    url: &str,
    spans: &[Value],
) -> anyhow::Result<()> {
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": [attribute("service.name", json!({ "stringValue": "keydesk" }))] },
        "scopeSpans": [{ "scope": { "name": "keydesk-gateway" }, "spans": spans }],
    }]});
    let request = Request::post(url)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let answer = tokio::time::timeout(EXPORT_TIMEOUT, client.request(request)).await??;
    anyhow::ensure!(answer.status().is_success(), "the receiver answered {}", answer.status());
    Ok(())
}

/// One request as OTLP's JSON encoding has it: ids in hexadecimal, instants as strings.
fn span(record: &Record) -> Value {
    let (trace, span, parent) = record.trace.unwrap_or_default();
    let start = i128::from(record.at.as_micros()) * 1000;
    let end = start + i128::try_from(record.duration.as_nanos()).unwrap_or(0);
    let text = |value: &str| json!({ "stringValue": value });
    let mut attributes = vec![
        attribute("http.request.method", text(&record.method)),
        attribute("url.path", text(&record.path)),
        attribute("client.address", text(&record.client_addr.to_string())),
        attribute("http.response.status_code", json!({ "intValue": record.status.to_string() })),
        attribute("keydesk.request_id", text(&record.request_id)),
    ];
    if let Some(account) = record.account {
        attributes.push(attribute("keydesk.account", text(&account.to_string())));
    }
    if let Some(code) = record.code {
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
        // Only what is ours to answer for is an error (OpenTelemetry's HTTP conventions).
        "status": { "code": if record.status >= 500 { 2 } else { 0 } },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "built in place by every caller")]
fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}
