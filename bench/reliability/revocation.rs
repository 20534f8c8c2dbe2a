//! R1, R2, R3, R9: from a revocation to the rejection, on one node, on three, and cut off.

use crate::{
    figures::{Report, spread},
    support::{
        History, Keydesk,
        cluster::{Cluster, LEASE, revoke_newest, start_events, stream_and_note, use_and_note},
        history::{Op, Outcome},
        proxy::Mode,
        use_token,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

pub async fn on_one_node(report: &mut Report, cycles: usize) {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let (mut answers, mut accepted) = (Vec::new(), 0);
    for _ in 0..cycles {
        let token = ann.create_token("CRM", "never").await;
        assert_eq!(use_token(&endpoint, &token).await.0, 200);
        let start = Instant::now();
        revoke_newest(&ann).await;
        answers.push(start.elapsed());
        accepted += usize::from(use_token(&endpoint, &token).await.0 == 200);
    }
    let message = format!(
        "{cycles} revocations on one node, answered after {} (two pages each), accepted afterwards {accepted}",
        spread(answers)
    );
    report.add("R1", accepted, &message);
}

pub async fn on_three_nodes(report: &mut Report, cycles: usize) {
    let cluster = Arc::new(Cluster::start(3, "").await);
    let (mut slowest, mut accepted, mut pending) = (Vec::new(), 0, 0);
    for _ in 0..cycles {
        let token = cluster.token_everywhere("CRM").await;
        let stop = Arc::new(AtomicBool::new(false));
        let late = Arc::new(AtomicUsize::new(0));
        let probes: Vec<_> = (0..3)
            .map(|node| {
                tokio::spawn(probe(
                    Arc::clone(&cluster),
                    node,
                    token.clone(),
                    Arc::clone(&stop),
                    Arc::clone(&late),
                ))
            })
            .collect();
        let location = cluster.revoke_newest().await;
        stop.store(true, Ordering::SeqCst);
        for probe in probes {
            let _ = probe.await;
        }
        let is_complete = location.contains("&receipt=");
        pending += usize::from(!is_complete);
        for node in 0..3 {
            accepted += usize::from(is_complete && cluster.try_token(node, &token).await.0 == 200);
        }
        accepted += late.load(Ordering::SeqCst);
        slowest.push(slowest_confirmation(&cluster.receipt(&location).await));
    }
    let message = format!(
        "{cycles} revocations on 3 gateways, the last confirmed {} after the commit, {pending} not complete within the bound, accepted after complete {accepted}",
        spread(slowest)
    );
    report.add("R2", accepted, &message);
}

/// Uses a token all the time; counts acceptances of requests that began after the answer.
async fn probe(
    cluster: Arc<Cluster>,
    node: usize,
    token: String,
    stop: Arc<AtomicBool>,
    late: Arc<AtomicUsize>,
) {
    loop {
        let began_after = stop.load(Ordering::SeqCst);
        let accepted = cluster.try_token(node, &token).await.0 == 200;
        if began_after {
            late.fetch_add(usize::from(accepted), Ordering::SeqCst);
            return;
        }
    }
}

fn slowest_confirmation(receipt: &serde_json::Value) -> Duration {
    let confirmed = receipt["confirmed"].as_array().cloned().unwrap_or_default();
    let millis = confirmed.iter().filter_map(|said| said["after_ms"].as_f64());
    Duration::from_secs_f64(millis.fold(0.0, f64::max) / 1_000.0)
}

pub async fn while_cut_off(report: &mut Report, cycles: usize) {
    let cluster = Cluster::start(3, "confirm_timeout_seconds = 0").await;
    let (mut rejected_after, mut accepted, mut called_wrong) = (Vec::new(), 0, 0);
    for cycle in 0..cycles {
        let node = 1 + cycle % 2;
        let token = cluster.token_everywhere("CRM").await;
        let cut = Instant::now();
        match cycle % 3 {
            0 => cluster.break_link(node, Mode::Hole),
            1 => cluster.break_link(node, Mode::Cut),
            _ => cluster.nodes[node].signal("STOP"),
        }
        let location = cluster.revoke_newest().await;
        let receipt = cluster.receipt(&location).await;
        let effective_at: jiff::Timestamp =
            receipt["effective_at"].as_str().expect("an instant").parse().expect("RFC 3339");
        if cycle % 3 == 2 {
            tokio::time::sleep(LEASE).await;
            cluster.nodes[node].signal("CONT");
        }
        let mut first_refusal = None;
        while jiff::Timestamp::now() < effective_at || first_refusal.is_none() {
            let now = jiff::Timestamp::now();
            let said = cluster.try_token(node, &token).await.0;
            if said == 200 {
                accepted += usize::from(now >= effective_at || first_refusal.is_some());
            } else {
                first_refusal.get_or_insert(cut.elapsed());
                called_wrong += usize::from(said == 401 && cycle % 3 < 2);
            }
        }
        rejected_after.extend(first_refusal);
        cluster.break_link(node, Mode::Pass);
        cluster.until(node, &token, 401, Duration::from_secs(15)).await;
    }
    let message = format!(
        "{cycles} gateways cut off or paused (lease {} s) rejected {} after the cut; accepted after the receipt's moment {accepted}, called wrong while cut off {called_wrong}",
        LEASE.as_secs(),
        spread(rejected_after)
    );
    report.add("R3", accepted + called_wrong, &message);
}

/// By when an open exchange has ended.
const OPEN: Duration = Duration::from_millis(500);

pub async fn histories(report: &mut Report, cycles: usize) {
    let config = format!("upstream = \"{}\"\nconfirm_timeout_seconds = 6", start_events().await);
    let cluster = Arc::new(Cluster::start(3, &config).await);
    let (mut checked, mut wrong, mut ended) = (0, 0, Vec::new());
    for cycle in 0..cycles {
        let token = cluster.token_everywhere("CRM").await;
        let histories = [0; 3].map(|_| History::default());
        let streams: Vec<_> = (10..16)
            .map(|client| {
                let (cluster, token) = (Arc::clone(&cluster), token.clone());
                let history = histories[client % 3].clone();
                tokio::spawn(stream_and_note(cluster, client, token, history, OPEN))
            })
            .collect();
        let uses: Vec<_> = (0..6)
            .map(|client| {
                let history = histories[client % 3].clone();
                tokio::spawn(use_and_note(Arc::clone(&cluster), client, token.clone(), history))
            })
            .collect();
        if cycle % 4 == 3 {
            cluster.break_link(cycle % 3, Mode::Cut);
            tokio::time::sleep(LEASE / 4).await;
            cluster.break_link(cycle % 3, Mode::Pass);
            cluster.until(0, &token, 200, Duration::from_secs(15)).await;
        }
        for history in &histories {
            history.begins(9, Op::Revoke);
        }
        let is_complete = cluster.revoke_newest().await.contains("&receipt=");
        let answered = Instant::now();
        if is_complete {
            for history in &histories {
                history.ends(9, Outcome::Revoked);
            }
        }
        for client in uses {
            client.await.expect("ends");
        }
        for client in streams {
            let flowed = client.await.expect("ends");
            if is_complete {
                ended.push(flowed.saturating_duration_since(answered));
            }
        }
        checked += histories.len();
        wrong += histories.iter().filter(|history| !history.is_linearizable()).count();
    }
    let message = format!(
        "{checked} histories checked for linearizability, open event streams included; these flowed for {} after a complete receipt",
        spread(ended)
    );
    report.add("R9", wrong, &message);
}
