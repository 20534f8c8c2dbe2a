//! Measures the gateway side by side with its peers, in interleaved rounds, and prints the medians.

mod cpu;
mod load;
mod peers;
mod seed;
mod upstream;

use anyhow::Context;
use clap::Parser;
use load::{Load, Measured, Over, Target};
use peers::{Certificate, Data, Keydesk, NginxKind, Peer, find};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// Load on loopback. Proxies have the first core to themselves; upstream and load generator share
/// another.
#[derive(Debug, Parser)]
struct Args {
    /// The `keydesk` executable
    #[arg(long)]
    keydesk: PathBuf,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How often each is measured; medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Tokens that Keydesk and HAProxy know
    #[arg(long, default_value_t = 100_000)]
    tokens: usize,
    /// Only the first table: small answers over 32 connections
    #[arg(long)]
    small_only: bool,
    /// Only Keydesk beside itself with scopes, addresses, rates and a quota on everything
    #[arg(long)]
    limits_only: bool,
    /// Only Keydesk beside this other build of it, in the same rounds
    #[arg(long)]
    beside: Option<PathBuf>,
    /// Only how long a start with so many tokens takes
    #[arg(long)]
    start_with: Option<usize>,
    /// Also write the table here
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is measured: a peer under a load.
struct Row {
    name: String,
    target: Target,
    load: Load,
    /// The row whose CPU time this one's is compared with.
    compared_with: String,
    rounds: Vec<Measured>,
}

/// The peers' processes, kept for as long as they are measured.
#[derive(Default)]
struct Field {
    peers: Vec<Peer>,
    rows: Vec<Row>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(count) = args.start_with {
        return start_with(&args.keydesk, count).await;
    }
    let data = Data::make(&args.keydesk, args.tokens).await?;
    let tokens = Arc::new(data.tokens.clone());
    let upstream = upstream::start(tokens.iter().cloned().collect())?;
    let certificate = Certificate::new()?;
    let mut field = Field::default();
    if let Some(other) = &args.beside {
        // A database of its own, as it may have another schema.
        let theirs = Data::make(other, args.tokens).await?;
        for (name, binary, data) in
            [("keydesk", &args.keydesk, &data), ("the other build", other, &theirs)]
        {
            let keydesk = Keydesk::start(binary, data, upstream, "")?;
            let tokens = Arc::new(data.tokens.clone());
            let target = keydesk.peer.target(&keydesk.prefix, &tokens, &certificate)?;
            field.beside(name, &target);
            field.peers.push(keydesk.peer);
        }
        return field.measure(&args).await;
    }
    if args.limits_only {
        let keydesk = Keydesk::start(&args.keydesk, &data, upstream, "")?;
        let target = keydesk.peer.target(&keydesk.prefix, &tokens, &certificate)?;
        field.add("keydesk", target, small(), "keydesk");
        field.peers.push(keydesk.peer);
    } else {
        field.small(&args, &data, upstream, &certificate, &tokens)?;
    }
    // The same tokens, limited; a database of its own each, as another process on it costs both.
    let mut limited = Vec::new();
    for (name, limits) in seed::LIMITS {
        let own = Data::make(&args.keydesk, args.tokens).await?;
        seed::limit(&own.folder.path().join("data")).await?;
        let keydesk = Keydesk::start(&args.keydesk, &own, upstream, limits)?;
        limited.push(own);
        let target = keydesk.peer.target(&keydesk.prefix, &tokens, &certificate)?;
        field.add(name, target, small(), "keydesk");
        field.peers.push(keydesk.peer);
    }
    if !args.small_only && !args.limits_only {
        field.other_shapes(&args, &data, upstream, &certificate, &tokens)?;
    }
    field.measure(&args).await
}

/// The time from the start of the process until it serves, and what its memory comes to.
async fn start_with(binary: &std::path::Path, count: usize) -> anyhow::Result<()> {
    let data = Data::make(binary, count).await?;
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    for _ in 0..3 {
        let keydesk = Keydesk::start_on("0-1023", binary, &data, nowhere, "")?;
        let certificate = Certificate::new()?;
        let target = keydesk.peer.target("", &Arc::default(), &certificate)?;
        let rss: f64 = target.processes.iter().filter_map(|id| cpu::rss_mb(*id).ok()).sum();
        println!(
            "{count} tokens: ready after {:.2} s, {rss:.0} MB",
            keydesk.ready_after.as_secs_f64()
        );
    }
    Ok(())
}

fn small() -> Load {
    Load {
        connections: 32,
        rate: None,
        over: Over::Tcp,
        method: "GET",
        path: "/api/v1/contacts".to_owned(),
        body: 0,
    }
}

impl Field {
    fn add(&mut self, name: &str, target: Target, load: Load, compared_with: &str) {
        let (name, compared_with) = (name.to_owned(), compared_with.to_owned());
        self.rows.push(Row { name, target, load, compared_with, rounds: Vec::new() });
    }

    /// The rows of one of two builds.
    fn beside(&mut self, name: &str, target: &Target) {
        for (shape, load) in [
            ("", small()),
            (", 4,000 requests/s", Load { rate: Some(4_000), ..small() }),
            (", 64 KB answers", Load { path: format!("/bytes/{}", 64 << 10), ..small() }),
            (", 64 KB requests", Load { method: "POST", body: 64 << 10, ..small() }),
        ] {
            let compared_with = format!("the other build{shape}");
            self.add(&format!("{name}{shape}"), target.clone(), load, &compared_with);
        }
    }

    /// Every row in turn, round after round.
    async fn measure(mut self, args: &Args) -> anyhow::Result<()> {
        for round in 0..=args.rounds {
            for row in &mut self.rows {
                // The first round warms up and does not count.
                let duration = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
                let measured = load::run(&row.target, &row.load, duration)
                    .await
                    .with_context(|| format!("{} cannot be measured", row.name))?;
                if round > 0 {
                    row.rounds.push(measured);
                }
            }
        }
        report(&self.rows, args)
    }

    /// Answers of 200 bytes over 32 connections, as fast as they come and at 4,000 a second.
    fn small(
        &mut self,
        args: &Args,
        data: &Data,
        upstream: SocketAddr,
        certificate: &Certificate,
        tokens: &Arc<Vec<String>>,
    ) -> anyhow::Result<()> {
        let few = Arc::new(tokens.iter().take(1_000).cloned().collect::<Vec<_>>());
        let mut targets = vec![(
            "direct",
            Target {
                addr: upstream,
                prefix: String::new(),
                tokens: Arc::clone(tokens),
                processes: Vec::new(),
                tls: None,
            },
        )];
        if let Some(binary) = find("nginx") {
            for (name, kind) in [
                ("nginx plain", "plain"),
                ("nginx map", "map"),
                ("nginx auth_request", "auth_request"),
            ] {
                let kind = NginxKind { kind, listen: "" };
                let peer = peers::nginx(&binary, &kind, upstream, &few, certificate)?;
                let tokens = if kind.kind == "map" { &few } else { tokens };
                targets.push((name, peer.target("", tokens, certificate)?));
                self.peers.push(peer);
            }
        }
        if let Some(binary) = find("haproxy") {
            for (name, checks) in
                [("haproxy plain", None), ("haproxy sha256 map", Some(tokens.as_slice()))]
            {
                let peer = peers::haproxy(&binary, checks, "", upstream)?;
                targets.push((name, peer.target("", tokens, certificate)?));
                self.peers.push(peer);
            }
        }
        if let Some(binary) = find("caddy") {
            for (name, checks) in [("caddy plain", false), ("caddy forward_auth", true)] {
                let peer = peers::caddy(&binary, checks, upstream)?;
                targets.push((name, peer.target("", tokens, certificate)?));
                self.peers.push(peer);
            }
        }
        let keydesk = Keydesk::start(&args.keydesk, data, upstream, "")?;
        targets.push(("keydesk", keydesk.peer.target(&keydesk.prefix, tokens, certificate)?));
        self.peers.push(keydesk.peer);
        for (name, target) in &targets {
            self.add(name, target.clone(), small(), "nginx plain");
        }
        for (name, target) in targets.into_iter().filter(|(name, _)| !name.starts_with("caddy")) {
            let load = Load { rate: Some(4_000), ..small() };
            self.add(
                &format!("{name}, 4,000 requests/s"),
                target,
                load,
                "nginx plain, 4,000 requests/s",
            );
        }
        Ok(())
    }

    fn other_shapes(
        &mut self,
        args: &Args,
        data: &Data,
        upstream: SocketAddr,
        certificate: &Certificate,
        tokens: &Arc<Vec<String>>,
    ) -> anyhow::Result<()> {
        let bytes = |count: usize| format!("/bytes/{count}");
        let shapes = [
            ("64 KB answers", Load { path: bytes(64 << 10), ..small() }),
            ("64 KB requests", Load { method: "POST", body: 64 << 10, ..small() }),
            ("10 MB answers", Load { path: bytes(10 << 20), connections: 4, ..small() }),
            ("10 MB requests", Load { method: "POST", body: 10 << 20, connections: 4, ..small() }),
            ("1,000 connections", Load { connections: 1_000, ..small() }),
            ("HTTP/2", Load { over: Over::Http2, connections: 4, ..small() }),
            ("TLS", Load { over: Over::Tls, ..small() }),
        ];
        for (shape, load) in shapes {
            let (listen, bind, config) = match load.over {
                Over::Tcp => ("", String::new(), String::new()),
                Over::Http2 => ("http2", "proto h2".to_owned(), String::new()),
                Over::Tls => (
                    "ssl",
                    format!("ssl crt {}", certificate.path("both.pem")),
                    format!(
                        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
                        certificate.path("cert.pem"),
                        certificate.path("key.pem")
                    ),
                ),
            };
            let compared_with = format!("nginx plain, {shape}");
            if let Some(binary) = find("nginx") {
                let kind = NginxKind { kind: "plain", listen };
                let peer = peers::nginx(&binary, &kind, upstream, &[], certificate)?;
                self.add(
                    &compared_with,
                    peer.target("", tokens, certificate)?,
                    load.clone(),
                    &compared_with,
                );
                self.peers.push(peer);
            }
            if let Some(binary) = find("haproxy") {
                let peer = peers::haproxy(&binary, None, &bind, upstream)?;
                self.add(
                    &format!("haproxy plain, {shape}"),
                    peer.target("", tokens, certificate)?,
                    load.clone(),
                    &compared_with,
                );
                self.peers.push(peer);
            }
            // Everything comes from one address here.
            let config = format!("[limits]\nmax_connections_per_ip = 10000\n{config}");
            let keydesk = Keydesk::start(&args.keydesk, data, upstream, &config)?;
            let target = keydesk.peer.target(&keydesk.prefix, tokens, certificate)?;
            self.add(&format!("keydesk, {shape}"), target, load, &compared_with);
            self.peers.push(keydesk.peer);
        }
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The median of the ratios within each round, which a noisy machine disturbs least.
fn ratio(row: &Row, to: &Row) -> Option<f64> {
    let ratios: Vec<f64> = row
        .rounds
        .iter()
        .zip(&to.rounds)
        .filter(|(ours, theirs)| ours.cpu_us > 0.0 && theirs.cpu_us > 0.0)
        .map(|(ours, theirs)| ours.cpu_us / theirs.cpu_us)
        .collect();
    (!ratios.is_empty()).then(|| median(ratios))
}

fn report(rows: &[Row], args: &Args) -> anyhow::Result<()> {
    let of = |row: &Row, pick: fn(&Measured) -> f64| median(row.rounds.iter().map(pick).collect());
    println!(
        "{} s × {} rounds, medians; the ratio is of CPU per request to nginx plain under the same load\n",
        args.seconds, args.rounds
    );
    println!(
        "| | requests/s | p50 µs | p99 µs | CPU µs/request | RSS MB | ratio |\n|---|---|---|---|---|---|---|"
    );
    let mut table = Vec::new();
    for row in rows {
        let (rps, p50, p99) = (of(row, |m| m.rps), of(row, |m| m.p50_us), of(row, |m| m.p99_us));
        let has_process = !row.target.processes.is_empty();
        let cpu = has_process.then(|| of(row, |m| m.cpu_us));
        let rss = has_process.then(|| of(row, |m| m.rss_mb));
        let ratio = rows
            .iter()
            .find(|other| other.name == row.compared_with)
            .and_then(|nginx| ratio(row, nginx));
        let show = |value: Option<f64>, decimals| {
            value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"))
        };
        println!(
            "| {} | {rps:.0} | {p50:.0} | {p99:.0} | {} | {} | {} |",
            row.name,
            show(cpu, 1),
            show(rss, 0),
            show(ratio, 2)
        );
        table.push(serde_json::json!({
            "name": row.name, "rps": rps, "p50_us": p50, "p99_us": p99, "cpu_us": cpu, "rss_mb": rss,
            "ratio_to_nginx_plain": ratio,
        }));
    }
    if let Some(path) = &args.json {
        std::fs::write(path, format!("{:#}\n", serde_json::json!({ "rows": table })))?;
    }
    Ok(())
}
