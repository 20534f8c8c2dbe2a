//! The load generator: as little as possible between two requests, so that it is not what is
//! measured.

use crate::cpu;
use anyhow::{Context, bail};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub rps: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub cpu_us: f64,
}

/// Keeps `connections` busy for `duration`. CPU time is that of `processes`.
pub async fn run(
    addr: SocketAddr,
    request: &[u8],
    connections: usize,
    duration: Duration,
    processes: &[u32],
) -> anyhow::Result<Measured> {
    let used = |processes: &[u32]| {
        processes.iter().map(|id| cpu::used_us(*id)).sum::<anyhow::Result<f64>>()
    };
    let before = used(processes)?;
    let started = Instant::now();
    let request: Arc<[u8]> = request.into();
    let tasks: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(keep_busy(addr, Arc::clone(&request), started + duration)))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let cpu = used(processes)? - before;
    if latencies.is_empty() {
        bail!("no request was answered");
    }
    latencies.sort_unstable();
    let at = |part: usize| f64::from(latencies[(latencies.len() - 1) * part / 100]);
    let count = f64::from(u32::try_from(latencies.len())?);
    Ok(Measured { rps: count / elapsed, p50_us: at(50), p99_us: at(99), cpu_us: cpu / count })
}

/// One keep-alive connection; the latency of each answer in microseconds.
async fn keep_busy(
    addr: SocketAddr,
    request: Arc<[u8]>,
    until: Instant,
) -> anyhow::Result<Vec<u32>> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    let mut latencies = Vec::with_capacity(100_000);
    while Instant::now() < until {
        let sent = Instant::now();
        stream.write_all(&request).await?;
        read_answer(&mut stream, &mut buffer).await?;
        latencies.push(u32::try_from(sent.elapsed().as_micros())?);
    }
    Ok(latencies)
}

/// Reads one answer with a `Content-Length`; anything but 200 ends the measurement.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the connection was closed");
        }
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
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
        if filled >= head + 4 + length {
            return Ok(());
        }
    }
}
