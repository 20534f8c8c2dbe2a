//! Measures the gateway side by side with its peers, in interleaved rounds, and prints the medians.

mod cpu;
mod load;
mod peers;

use anyhow::Context;
use clap::Parser;
use load::Measured;
use peers::{Keydesk, Nginx, Upstream};
use std::{path::PathBuf, time::Duration};

/// Load on loopback: keep-alive connections, each sending its next request when the last is
/// answered; a 200-byte answer.
#[derive(Debug, Parser)]
struct Args {
    /// The `keydesk` executable
    #[arg(long)]
    keydesk: PathBuf,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each is measured; medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Also write the table here
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is measured: where requests go, and whose CPU time counts.
struct Row {
    name: &'static str,
    addr: std::net::SocketAddr,
    request: Vec<u8>,
    processes: Vec<u32>,
    rounds: Vec<Measured>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let upstream = Upstream::start()?;
    let keydesk = Keydesk::start(&args.keydesk, upstream.addr)?;
    let nginx = Nginx::start(upstream.addr).await?;
    let plain = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes();
    let mut rows = vec![Row {
        name: "direct",
        addr: upstream.addr,
        request: plain("/api/v1/contacts"),
        processes: Vec::new(),
        rounds: Vec::new(),
    }];
    if let Some(nginx) = &nginx {
        rows.push(Row {
            name: "nginx plain",
            addr: nginx.addr,
            request: plain("/api/v1/contacts"),
            processes: nginx.processes()?,
            rounds: Vec::new(),
        });
    } else {
        println!("nginx is not installed; without it there is no ratio.");
    }
    rows.push(Row {
        name: "keydesk",
        addr: keydesk.gateway,
        request: keydesk.request("/api/v1/contacts"),
        processes: vec![keydesk.process()],
        rounds: Vec::new(),
    });
    for round in 0..=args.rounds {
        for row in &mut rows {
            // The first round warms up and does not count.
            let duration = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
            let measured =
                load::run(row.addr, &row.request, args.connections, duration, &row.processes)
                    .await
                    .with_context(|| format!("{} cannot be measured", row.name))?;
            if round > 0 {
                row.rounds.push(measured);
            }
        }
    }
    report(&rows, &args)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(rows: &[Row], args: &Args) -> anyhow::Result<()> {
    let of = |row: &Row, pick: fn(&Measured) -> f64| median(row.rounds.iter().map(pick).collect());
    let nginx = rows.iter().find(|row| row.name == "nginx plain").map(|row| of(row, |m| m.cpu_us));
    println!(
        "{} s × {} rounds, {} connections, medians",
        args.seconds, args.rounds, args.connections
    );
    println!(
        "{:<14}{:>12}{:>10}{:>10}{:>14}{:>20}",
        "", "requests/s", "p50 µs", "p99 µs", "CPU µs/req", "CPU to nginx plain"
    );
    let mut table = Vec::new();
    for row in rows {
        let (rps, p50, p99) = (of(row, |m| m.rps), of(row, |m| m.p50_us), of(row, |m| m.p99_us));
        let cpu = (!row.processes.is_empty()).then(|| of(row, |m| m.cpu_us));
        let ratio = cpu.zip(nginx).map(|(cpu, nginx)| cpu / nginx);
        let show = |value: Option<f64>, decimals| {
            value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"))
        };
        println!(
            "{:<14}{rps:>12.0}{p50:>10.0}{p99:>10.0}{:>14}{:>20}",
            row.name,
            show(cpu, 1),
            show(ratio, 2)
        );
        table.push(serde_json::json!({
            "name": row.name, "rps": rps, "p50_us": p50, "p99_us": p99, "cpu_us": cpu, "ratio_to_nginx_plain": ratio
        }));
    }
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::json!({ "rows": table }).to_string())?;
    }
    Ok(())
}
