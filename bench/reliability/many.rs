//! M1, M2: a hundred gateways on one small PostgreSQL, and one that is far behind.

use crate::{
    figures::{Report, spread},
    support::{
        Keydesk, Options,
        cluster::{Cluster, LEASE},
        postgres::Postgres,
        proxy::Mode,
    },
};
use std::time::{Duration, Instant};

/// What all nodes together may hold of a hundred connections.
const MOST: usize = 60;

pub async fn gateways(report: &mut Report, count: usize, cycles: usize) {
    let primary = Postgres::start("max_connections = 100\n");
    let config = "lease_seconds = 5\nconfirm_timeout_seconds = 15";
    let mut cluster = Cluster::start_on(primary, 1, config, &[]).await;
    let mut starts = Vec::new();
    for number in 1..=count {
        let config = cluster.options[0].config.replace("node-0", &format!("node-{number}"));
        let config = config.replace("role = \"all\"", "role = \"gateway\"");
        let options = Options { config, has_account: true, ..Options::default() };
        let start = Instant::now();
        cluster.nodes.push(Keydesk::start_with(&options));
        starts.push(start.elapsed());
    }
    // Everybody hears of everybody else.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (mut slowest, mut accepted, mut pending) = (Vec::new(), 0, 0);
    for _ in 0..cycles {
        let token = cluster.token_everywhere("CRM").await;
        let location = cluster.revoke_newest().await;
        let is_complete = location.contains("&receipt=");
        pending += usize::from(!is_complete);
        for node in 0..=count {
            accepted += usize::from(is_complete && cluster.try_token(node, &token).await.0 == 200);
        }
        let receipt = cluster.receipt(&location).await;
        let confirmed = receipt["confirmed"].as_array().cloned().unwrap_or_default();
        let last =
            confirmed.iter().filter_map(|said| said["after_ms"].as_f64()).fold(0.0, f64::max);
        slowest.push(Duration::from_secs_f64(last / 1_000.0));
    }
    let most = cluster.primary.most_connections(&cluster.database, Duration::from_secs(20)).await;
    let message = format!(
        "{count} gateways and a console on max_connections = 100: at most {most} connections in 20 s, started after {}; {cycles} revocations, the last confirmed {} after the commit, {pending} not complete within the bound, accepted after complete {accepted}",
        spread(starts),
        spread(slowest)
    );
    report.add("M1", accepted + usize::from(most > MOST), &message);
}

/// Endings, each chained to the one before, as other nodes would have written them while this one was away.
const BEHIND: &str = "DO $$ DECLARE before TEXT; number BIGINT; last TEXT; next TEXT; BEGIN \
    SELECT chain, seq INTO before, number FROM head; \
    SELECT body INTO last FROM change WHERE body LIKE '%secret_revoked%' ORDER BY seq DESC LIMIT 1; \
    FOR n IN 1..{COUNT} LOOP number := number + 1; \
      next := regexp_replace(last, '\"hash\":\"[0-9a-f]*\"', '\"hash\":\"' || encode(sha256(CAST(CAST(n AS TEXT) AS BYTEA)), 'hex') || '\"'); \
      before := encode(sha256(convert_to(before || '|' || number || '|' || next, 'UTF8')), 'hex'); \
      INSERT INTO change (seq, at, body, chain) VALUES (number, 1, next, before); END LOOP; \
    UPDATE head SET seq = number, chain = before; END $$";

pub async fn behind(report: &mut Report, changes: usize) {
    let cluster = Cluster::start(2, "confirm_timeout_seconds = 0").await;
    cluster.token_everywhere("ended").await;
    cluster.revoke_newest().await;
    let kept = cluster.token_everywhere("kept").await;
    cluster.break_link(1, Mode::Hole);
    tokio::time::sleep(LEASE * 2).await;
    let text = BEHIND.replace("{COUNT}", &changes.to_string());
    cluster.primary.ask(&cluster.database, &text);
    let rejected = usize::from(cluster.try_token(1, &kept).await.0 != 503);
    cluster.break_link(1, Mode::Pass);
    let start = Instant::now();
    cluster.until(1, &kept, 200, Duration::from_mins(2)).await;
    let took = start.elapsed();
    let applied = "SELECT count(*) FROM node WHERE applied = (SELECT seq FROM head)";
    while cluster.primary.ask(&cluster.database, applied) != "2" {
        assert!(start.elapsed() < Duration::from_mins(2), "both have come as far");
    }
    let message = format!(
        "a gateway that was {changes} changes behind serves {:.1} s after it is back, and has confirmed all of them after {:.1} s",
        took.as_secs_f64(),
        start.elapsed().as_secs_f64()
    );
    report.add("M2", rejected, &message);
}
