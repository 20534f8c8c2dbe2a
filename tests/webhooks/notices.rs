//! Events that nobody causes by a change, from real gateways on PostgreSQL.

use crate::support::{cluster::Cluster, eventually};

/// The number of entries of an event in the audit log.
fn count(cluster: &Cluster, event: &str) -> usize {
    let asked = format!("SELECT count(*) FROM audit WHERE event = '{event}'");
    cluster.primary.ask(&cluster.database, &asked).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_first_uses_and_rejected_requests_are_recorded_once() {
    let cluster = Cluster::start(3, "").await;
    let token = cluster.token_everywhere("CRM").await;
    eventually("the first use", async || count(&cluster, "token.first_used") == 1).await;
    cluster.revoke_newest().await;
    for node in [0, 1, 2, 1] {
        assert_eq!(cluster.try_token(node, &token).await.0, 401);
    }
    eventually("the rejected requests", async || count(&cluster, "token.rejected") == 1).await;
    let events = ["token.first_used", "token.rejected"];
    assert_eq!(events.map(|event| count(&cluster, event)), [1, 1]);
}
