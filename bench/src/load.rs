//! The load generator: as little as possible between two requests, so that it is not what is
//! measured.

use crate::cpu;
use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub rps: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub cpu_us: f64,
    pub rss_mb: f64,
}

/// How requests are sent.
#[derive(Clone, Debug)]
pub struct Load {
    pub connections: usize,
    /// Requests a second over all connections; None: as many as are answered.
    pub rate: Option<u32>,
    pub over: Over,
    pub method: &'static str,
    pub path: String,
    pub body: usize,
}

impl Load {
    /// As long as the upstream's answer is.
    fn answer_length(&self) -> usize {
        self.path.split("/bytes/").nth(1).and_then(|n| n.parse().ok()).unwrap_or(200)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Tcp,
    Tls,
    Http2,
}

/// To whom: where it listens, what stands before the path, and which tokens are good there.
#[derive(Clone, Debug)]
pub struct Target {
    pub addr: SocketAddr,
    pub prefix: String,
    pub tokens: Arc<Vec<String>>,
    pub processes: Vec<u32>,
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// Keeps the connections busy for `duration`.
pub async fn run(target: &Target, load: &Load, duration: Duration) -> anyhow::Result<Measured> {
    let used = || target.processes.iter().map(|id| cpu::used_us(*id)).sum::<anyhow::Result<f64>>();
    let before = used()?;
    let started = Instant::now();
    let tasks: Vec<_> = (0..load.connections)
        .map(|number| {
            let (target, load) = (target.clone(), load.clone());
            tokio::spawn(
                async move { connection(&target, &load, number, started + duration).await },
            )
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let cpu = used()? - before;
    if latencies.is_empty() {
        bail!("no request was answered");
    }
    latencies.sort_unstable();
    let at = |part: usize| f64::from(latencies[(latencies.len() - 1) * part / 100]);
    let count = f64::from(u32::try_from(latencies.len())?);
    let rss_mb = target.processes.iter().filter_map(|id| cpu::rss_mb(*id).ok()).sum();
    Ok(Measured {
        rps: count / elapsed,
        p50_us: at(50),
        p99_us: at(99),
        cpu_us: cpu / count,
        rss_mb,
    })
}

async fn connection(
    target: &Target,
    load: &Load,
    number: usize,
    until: Instant,
) -> anyhow::Result<Vec<u32>> {
    let stream = TcpStream::connect(target.addr).await?;
    stream.set_nodelay(true)?;
    match load.over {
        Over::Tcp => over_http1(stream, target, load, number, until).await,
        Over::Tls => {
            let config = target.tls.clone().context("no TLS here")?;
            let connector = tokio_rustls::TlsConnector::from(config);
            let name = rustls::pki_types::ServerName::try_from("localhost")?;
            over_http1(connector.connect(name, stream).await?, target, load, number, until).await
        }
        Over::Http2 => over_http2(stream, target, load, number, until).await,
    }
}

/// When the next request is due, spread evenly over the connections.
struct Pace {
    every: Option<Duration>,
    next: Instant,
}

impl Pace {
    fn new(load: &Load, number: usize) -> Self {
        let connections = u32::try_from(load.connections).unwrap_or(1);
        let every = load.rate.map(|rate| Duration::from_secs(1) * connections / rate);
        let number = u32::try_from(number).unwrap_or(0);
        let offset = every.map_or(Duration::ZERO, |every| every * number / connections);
        Self { every, next: Instant::now() + offset }
    }

    async fn wait(&mut self) {
        if let Some(every) = self.every {
            tokio::time::sleep_until(self.next.into()).await;
            self.next += every;
        }
    }
}

fn requests(target: &Target, load: &Load, number: usize) -> impl Iterator<Item = Vec<u8>> {
    let Target { prefix, tokens, .. } = target.clone();
    let Load { method, path, body, .. } = load.clone();
    let length = if body > 0 { format!("Content-Length: {body}\r\n") } else { String::new() };
    let mut at = number * 7919;
    std::iter::repeat_with(move || {
        at = (at + 104_729) % tokens.len().max(1);
        let token = &tokens[at];
        let head = format!(
            "{method} {prefix}{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{length}\r\n"
        );
        let mut request = head.into_bytes();
        request.resize(request.len() + body, b'x');
        request
    })
}

/// One keep-alive connection; the latency of each answer in microseconds.
async fn over_http1<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    target: &Target,
    load: &Load,
    number: usize,
    until: Instant,
) -> anyhow::Result<Vec<u32>> {
    let mut buffer = vec![0; 64 * 1024];
    let mut latencies = Vec::with_capacity(10_000);
    let mut pace = Pace::new(load, number);
    let mut requests = requests(target, load, number);
    while Instant::now() < until {
        let request = requests.next().context("endless")?;
        pace.wait().await;
        let sent = Instant::now();
        stream.write_all(&request).await?;
        stream.flush().await?;
        let length = read_answer(&mut stream, &mut buffer).await?;
        anyhow::ensure!(
            length == load.answer_length(),
            "an answer of {length} bytes is not the upstream's"
        );
        latencies.push(u32::try_from(sent.elapsed().as_micros())?);
    }
    Ok(latencies)
}

/// Reads one answer with a `Content-Length`, and tells it; anything but 200 ends the measurement.
async fn read_answer<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut [u8],
) -> anyhow::Result<usize> {
    let mut filled = 0;
    let head = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the connection was closed");
        }
        filled += read;
        if let Some(head) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
            break head;
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?;
    if !text.starts_with("HTTP/1.1 200") {
        bail!("an answer was not 200: {}", text.lines().next().unwrap_or_default());
    }
    let length: usize = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer has no Content-Length")?
        .1
        .trim()
        .parse()?;
    let mut left = (head + 4 + length).saturating_sub(filled);
    while left > 0 {
        let most = left.min(buffer.len());
        match stream.read(&mut buffer[..most]).await? {
            0 => bail!("the connection was closed"),
            count => left -= count,
        }
    }
    Ok(length)
}

/// Eight streams at a time on one connection.
async fn over_http2(
    stream: TcpStream,
    target: &Target,
    load: &Load,
    number: usize,
    until: Instant,
) -> anyhow::Result<Vec<u32>> {
    const STREAMS: usize = 8;
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await?;
    tokio::spawn(connection);
    let streams: Vec<_> = (0..STREAMS)
        .map(|stream| {
            let (mut sender, target, load) = (sender.clone(), target.clone(), load.clone());
            tokio::spawn(async move {
                let (mut latencies, mut at) = (Vec::new(), (number * STREAMS + stream) * 7919);
                while Instant::now() < until {
                    at = (at + 104_729) % target.tokens.len().max(1);
                    let request = http::Request::builder()
                        .method(load.method)
                        .uri(format!("http://bench{}{}", target.prefix, load.path))
                        .header("authorization", format!("Bearer {}", target.tokens[at]))
                        .body(Full::new(Bytes::new()))?;
                    let sent = Instant::now();
                    let answer = sender.send_request(request).await?;
                    anyhow::ensure!(answer.status() == 200, "an answer was {}", answer.status());
                    answer.into_body().collect().await?;
                    latencies.push(u32::try_from(sent.elapsed().as_micros())?);
                }
                Ok::<_, anyhow::Error>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for stream in streams {
        latencies.extend(stream.await??);
    }
    Ok(latencies)
}
