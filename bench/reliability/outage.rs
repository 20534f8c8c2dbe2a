//! R10, R11, R12: the database is away for everybody.

use crate::{
    figures::{Report, spread},
    support::{
        cluster::{Cluster, LEASE},
        proxy::Mode,
    },
};
use std::time::{Duration, Instant};

pub async fn for_everybody(report: &mut Report, seconds: u64) {
    vouched_for(report, seconds).await;
    strict(report).await;
}

/// Consoles that see each other.
async fn vouched_for(report: &mut Report, seconds: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("peer.key");
    std::fs::write(&key, "a key of more than thirty-two characters").expect("writes");
    let config = format!("peer_key_file = \"{}\"\nmax_staleness_seconds = 3600", key.display());
    let cluster = Cluster::start(3, &config).await;
    let token = cluster.token_everywhere("CRM").await;
    (0..3).for_each(|node| cluster.break_link(node, Mode::Hole));
    let (gone, mut asked, mut rejected, mut spans) = (Instant::now(), 0, 0, Vec::new());
    while gone.elapsed() < Duration::from_secs(seconds) {
        for node in 0..3 {
            let start = Instant::now();
            rejected += usize::from(cluster.try_token(node, &token).await.0 != 200);
            spans.push(start.elapsed());
            asked += 1;
        }
    }
    let message = format!(
        "{seconds} s without a database, nodes vouching for each other: {asked} calls, rejected {rejected}, {}",
        spread(spans)
    );
    report.add("R10", rejected, &message);
}

async fn strict(report: &mut Report) {
    let cluster = Cluster::start(3, "").await;
    let token = cluster.token_everywhere("CRM").await;
    let (mut to_reject, mut to_serve, mut wrong) = (Vec::new(), Vec::new(), 0);
    for mode in [Mode::Hole, Mode::Cut, Mode::Hole] {
        (0..3).for_each(|node| cluster.break_link(node, mode));
        let gone = Instant::now();
        for node in 0..3 {
            cluster.until(node, &token, 503, LEASE * 3).await;
        }
        to_reject.push(gone.elapsed());
        wrong += usize::from(gone.elapsed() > LEASE + Duration::from_secs(1));
        (0..3).for_each(|node| cluster.break_link(node, Mode::Pass));
        let back = Instant::now();
        for node in 0..3 {
            cluster.until(node, &token, 200, Duration::from_secs(15)).await;
        }
        to_serve.push(back.elapsed());
    }
    let message = format!(
        "strict: all reject with 503 {} after the database went (lease {} s); R12: all serve {} after it came back, without a restart",
        spread(to_reject),
        LEASE.as_secs(),
        spread(to_serve)
    );
    report.add("R11", wrong, &message);
}
