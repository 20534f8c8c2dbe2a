//! Events that nobody causes by a change, from real gateways on PostgreSQL.

use crate::support::{cluster::Cluster, eventually, proxy::Mode};

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

/// A gateway that is cut off is an event. One that is stopped and a console are none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_a_gateway_that_is_cut_off_is_recorded_once() {
    let cluster = Cluster::start_as(&["all", "gateway", "console", "gateway"], "").await;
    let token = cluster.token_everywhere_of(&[0, 1, 3], "CRM").await;
    let mut cluster = cluster;
    cluster.nodes[3].stop();
    for node in [1, 2] {
        cluster.break_link(node, Mode::Cut);
    }
    eventually("it is recorded", async || count(&cluster, "gateway.isolated") == 1).await;
    assert_eq!(cluster.try_token(1, &token).await.0, 503, "it accepts nothing");
    let named = "SELECT detail FROM audit WHERE event = 'gateway.isolated'";
    let named = cluster.primary.ask(&cluster.database, named);
    assert!(
        named.contains("\"name\": \"node-1\"") || named.contains("\"name\":\"node-1\""),
        "{named}"
    );
    let list = "SELECT string_agg(name, ' ' ORDER BY name) FROM node";
    eventually("the console is gone, too", async || {
        cluster.primary.ask(&cluster.database, list) == "node-0"
    })
    .await;
    cluster.break_link(1, Mode::Pass);
    cluster.until(1, &token, 200, std::time::Duration::from_mins(1)).await;
    assert_eq!(count(&cluster, "gateway.isolated"), 1);
}
