//! F6: how exact rates and monthly calls are under load, on one gateway and on three.

use crate::{figures::Report, support::cluster::Cluster};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const PLANS: &str = "\n[[plan]]\nname = \"rate\"\nrate_limit = \"200/10s\"\nmode = \"enforce\"\n\
    [[plan]]\nname = \"month\"\nmonthly_quota = 3000\nmode = \"enforce\"\n";
/// Calls of the plan `rate` at once, and anew in a second.
const BURST: usize = 200;
const EACH_SECOND: usize = 20;
const MONTH: usize = 3_000;

pub async fn accuracy(report: &mut Report, seconds: u64) {
    for nodes in [1, 3] {
        let cluster = Arc::new(Cluster::start(nodes, PLANS).await);
        let token = cluster.token_everywhere("CRM").await;
        set_plan(&cluster, &token, "rate", "\"account\";q=200").await;
        let (passed, called, took) = load(&cluster, &token, Duration::from_secs(seconds)).await;
        let whole = usize::try_from(took.as_secs()).unwrap_or(0) + 1;
        let bound = nodes * (BURST + EACH_SECOND * whole);
        let message = format!(
            "200/10s on {nodes} gateways, all at once: {passed} of {called} calls passed in {:.1} s, the bound is {bound}",
            took.as_secs_f64()
        );
        report.add("F6", usize::from(passed > bound), &message);

        set_plan(&cluster, &token, "month", "\"month\";q=3000").await;
        let (passed, called, took) = load(&cluster, &token, Duration::from_secs(seconds)).await;
        // One gateway is exact; of several each may be two seconds behind.
        let bound = if nodes == 1 { MONTH } else { MONTH + 2 * called / whole.max(1) };
        let message = format!(
            "{MONTH} calls a month on {nodes} gateways: {passed} of {called} calls passed in {:.1} s, the bound is {bound}",
            took.as_secs_f64()
        );
        report.add("F6", usize::from(passed > bound), &message);
    }
}

async fn set_plan(cluster: &Cluster, token: &str, plan: &str, policy: &str) {
    let account = cluster.path.trim_start_matches('/');
    let done = cluster.nodes[0].command(&["account", "plan", account, plan]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let client = crate::support::client().build().expect("a client");
    for node in &cluster.nodes {
        // Who one is costs nothing, but says nothing of plans either: one call does.
        let url = format!("{}{}/api/v1/contacts", node.gateway, cluster.path);
        for _ in 0..200 {
            let answer = client.get(&url).bearer_auth(token).send().await.expect("answers");
            let message = answer.headers().get("ratelimit-policy").cloned();
            if message.is_some_and(|message| {
                message.to_str().is_ok_and(|message| message.starts_with(policy))
            }) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// Calls as fast as they come; how many passed of how many, in what time.
async fn load(cluster: &Arc<Cluster>, token: &str, span: Duration) -> (usize, usize, Duration) {
    let (passed, called) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let callers: Vec<_> = (0..12)
        .map(|caller| {
            let (passed, called) = (Arc::clone(&passed), Arc::clone(&called));
            let node = &cluster.nodes[caller % cluster.nodes.len()];
            let url = format!("{}{}/api/v1/contacts", node.gateway, cluster.path);
            let token = token.to_owned();
            tokio::spawn(async move {
                let client = crate::support::client().build().expect("a client");
                while start.elapsed() < span {
                    let sent = client.get(&url).bearer_auth(&token).send().await;
                    let status = sent.expect("answers").status();
                    called.fetch_add(1, Ordering::Relaxed);
                    passed.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for caller in callers {
        let _ = caller.await;
    }
    (passed.load(Ordering::Relaxed), called.load(Ordering::Relaxed), start.elapsed())
}
