//! "Complete" is true whatever breaks: copied folders, writers of every role, databases that forget, and
//! standbys that are none.

use crate::{
    limits::send,
    operators::operator,
    support::{
        Keydesk, Options,
        cluster::{Cluster, LEASE, revoke_newest},
        eventually,
        postgres::Postgres,
        proxy::Mode,
    },
};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);

/// The moment that an answer or a receipt names has come.
async fn wait_until(moment: &serde_json::Value) {
    let moment: jiff::Timestamp = moment.as_str().expect("an instant").parse().expect("RFC 3339");
    while jiff::Timestamp::now() < moment {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn peers(folder: &tempfile::TempDir) -> String {
    let key = folder.path().join("peer.key");
    std::fs::write(&key, "canary-peer-key-of-more-than-32-characters").expect("writes");
    format!("peer_key_file = \"{}\"\n", key.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_a_copied_folder_does_not_take_its_origin_for_dead() {
    let config =
        "on_disconnect = \"fail_open\"\nmax_staleness_seconds = 30\nconfirm_timeout_seconds = 0";
    let cluster = Cluster::start(2, config).await;
    let token = cluster.token_everywhere("CRM").await;
    cluster.break_link(1, Mode::Hole);
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("data");
    let mut command = std::process::Command::new("cp");
    let status = command.arg("-a").arg(cluster.nodes[1].data()).arg(&copy).status();
    assert!(status.expect("cp starts").success());
    let config = cluster.options[0].config.replace("node-0", "copy");
    let _copy = Keydesk::start_with(&Options {
        config,
        data: Some(copy),
        has_account: true,
        ..Options::default()
    });
    let listed = "SELECT count(*) FROM node WHERE name = 'node-1'";
    assert_eq!(cluster.primary.ask(&cluster.database, listed), "1");
    let receipt = cluster.receipt(&cluster.revoke_newest().await).await;
    assert_eq!(cluster.try_token(1, &token).await.0, 200, "its operator chose so");
    assert_eq!(receipt["complete"], false, "{receipt}");
    assert_eq!(receipt["unconfirmed"][0]["name"], "node-1", "{receipt}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_are_not_one_node() {
    let mut cluster = Cluster::start(2, "").await;
    let token = cluster.token_everywhere("CRM").await;
    // As a copy of its memory would that runs beside it.
    let renewed = "UPDATE node SET renewals = renewals + 1000 WHERE name = 'node-1'";
    cluster.primary.ask(&cluster.database, renewed);
    let node = &mut cluster.nodes[1];
    assert!(!node.ends(), "it does not go on");
    assert!(node.printed().contains("another process has this node's place"), "{}", node.printed());
    let options = &cluster.options[1];
    cluster.nodes[1].kill_and_restart(options);
    cluster.until(1, &token, 200, SOON).await;
}

/// Every node that can commit is asked: a token that ended at one gateway is not let through by another that only the
/// console vouches for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_gateway_commits_is_asked_of_it_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let config =
        format!("{}max_staleness_seconds = 60\nconfirm_timeout_seconds = 10", peers(&folder));
    let cluster = Cluster::start_as(&["all", "gateway", "gateway"], &config).await;
    let token = cluster.token_everywhere("CRM").await;
    let kept = cluster.ann.create_token("kept", "never").await;
    cluster.until(2, &kept, 200, SOON).await;
    for node in [0, 2] {
        cluster.break_link(node, Mode::Cut);
    }
    // Two leases later they accept by each other's word alone.
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(cluster.try_token(2, &kept).await.0, 200, "all confirm for each other");
    let at =
        |node: usize| format!("{}{}/keydesk/revoke", cluster.nodes[node].gateway, cluster.path);
    let done = send("POST", &at(1), &token, "crm").await;
    assert_eq!(done.status, 200, "{}", done.body);
    wait_until(&done.body["effective_at"]).await;
    for node in 0..3 {
        let said = cluster.try_token(node, &token).await;
        assert_ne!(said.0, 200, "node {node}: {}", done.body);
    }
    assert_eq!(done.body["complete"], true, "within the bound: {}", done.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_knows_no_other_has_been_told_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!("{}max_staleness_seconds = 60", peers(&folder));
    let cluster = Cluster::start(1, &config).await;
    let token = cluster.token_everywhere("CRM").await;
    cluster.break_link(0, Mode::Cut);
    cluster.until(0, &token, 503, LEASE * 3).await;
}

/// Suspended and closed accounts stay so where a failover has lost it, as ended tokens do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_loses_a_suspension_opens_no_account() {
    for (act, state) in [("suspend", "suspended"), ("close", "closed")] {
        let primary = Postgres::start("");
        let mut standby = primary.standby();
        let mut cluster =
            Cluster::start_on(primary, 2, "confirm_timeout_seconds = 1", &[standby.port]).await;
        let otto = operator(&cluster.nodes[0], "otto@vendor.example").await;
        let token = cluster.token_everywhere("CRM").await;
        eventually("the standby has the token", async || {
            standby.ask(&cluster.database, "SELECT count(*) FROM token") == "2"
        })
        .await;
        standby.kill();
        let number = cluster.path.trim_start_matches('/');
        let page = otto.post(&format!("/operator/accounts/{number}/{act}"), &[]).await;
        assert!(
            page.location.as_deref().is_some_and(|to| to.contains("&receipt=")),
            "{}",
            page.text
        );
        cluster.primary.kill();
        standby.run();
        let forgotten = standby.ask(&cluster.database, "SELECT state FROM account");
        assert_eq!(forgotten, "active", "the next primary has never heard of it");
        standby.promote();
        for node in 0..2 {
            let says = (403, format!("account_{state}"));
            eventually("it is rejected", async || cluster.try_token(node, &token).await == says)
                .await;
        }
        eventually("it is written back", async || {
            standby.ask(&cluster.database, "SELECT state FROM account") == state
        })
        .await;
        // What the operator decides from now on counts.
        let otto = operator_again(&cluster).await;
        eventually("it is opened again", async || {
            otto.post(&format!("/operator/accounts/{number}/restore"), &[]).await.status == 303
        })
        .await;
        cluster.until(1, &token, 200, SOON).await;
        let options = &cluster.options[1];
        cluster.nodes[1].kill_and_restart(options);
        cluster.until(1, &token, 200, SOON).await;
    }
}

/// A node that joined just before a failover is in no list afterwards, and may serve by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_a_failover_has_lost_from_the_list_is_waited_for() {
    let primary = Postgres::start("");
    let mut standby = primary.standby();
    let config =
        "on_disconnect = \"fail_open\"\nmax_staleness_seconds = 15\nconfirm_timeout_seconds = 0";
    let mut cluster = Cluster::start_on(primary, 1, config, &[standby.port]).await;
    let token = cluster.token_everywhere("CRM").await;
    eventually("the standby has the token", async || {
        standby.ask(&cluster.database, "SELECT count(*) FROM token") == "2"
    })
    .await;
    standby.kill();
    // It knows the first server alone.
    let config = cluster.options[0].config.replace("node-0", "late");
    let config = config.replace(&format!(",127.0.0.1:{}", standby.port), "");
    let config = config.replace("role = \"all\"", "role = \"gateway\"");
    let options = Options { config, has_account: true, ..Options::default() };
    cluster.nodes.push(Keydesk::start_with(&options));
    cluster.until(1, &token, 200, SOON).await;
    cluster.primary.kill();
    standby.run();
    standby.promote();
    let listed = "SELECT count(*) FROM node WHERE name = 'late'";
    assert_eq!(standby.ask(&cluster.database, listed), "0");
    eventually("it writes again", async || {
        cluster.ann.post("/api-docs/rotate", &[]).await.status == 303
    })
    .await;
    let receipt = cluster.receipt(&cluster.revoke_newest().await).await;
    assert_eq!(cluster.try_token(1, &token).await.0, 200, "its operator chose so");
    assert_eq!(receipt["complete"], false, "{receipt}");
    wait_until(&receipt["effective_at"]).await;
    assert_ne!(cluster.try_token(1, &token).await.0, 200, "{receipt}");
}

async fn operator_again(cluster: &Cluster) -> crate::support::User {
    let console = &cluster.nodes[0].console;
    crate::support::User::logged_in(console, "otto@vendor.example", crate::support::PASSWORD).await
}

/// "synchronous" is said only while a standby that can take over has what is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_says_synchronous_only_where_a_standby_has_it() {
    let primary = Postgres::start("");
    let mut standby = primary.standby();
    let cluster = Cluster::start_on(primary, 1, "", &[]).await;
    let set = |settings: &[&str]| {
        for setting in settings {
            cluster.primary.ask("postgres", &format!("ALTER SYSTEM SET {setting}"));
        }
        cluster.primary.ask("postgres", "SELECT pg_reload_conf()");
    };
    let durability = async || {
        cluster.ann.create_token("CRM", "never").await;
        let receipt = cluster.receipt(&revoke_newest(&cluster.ann).await).await;
        receipt["durability"].as_str().expect("a word").to_owned()
    };
    assert_eq!(durability().await, "asynchronous");
    set(&["synchronous_standby_names = '*'"]);
    eventually("the standby is a synchronous one", async || {
        let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        cluster.primary.ask("postgres", state) == "1"
    })
    .await;
    for level in ["on", "local", "off"] {
        // Each write asks for what is promised itself.
        set(&[&format!("synchronous_commit = {level}")]);
        assert_eq!(durability().await, "synchronous", "{level}");
    }
    standby.kill();
    let _collector = cluster.primary.collect_log();
    assert_eq!(durability().await, "single", "a collected log takes nothing over");
    set(&["synchronous_standby_names = ''"]);
    set(&["fsync = off"]);
    eventually("nothing is written any more", async || {
        let page = cluster.ann.post("/api-docs/rotate", &[]).await;
        page.status == 503 && page.text.contains("The database is busy")
    })
    .await;
    assert!(cluster.nodes[0].printed().contains("PostgreSQL runs with fsync = off"));
    set(&["fsync = on"]);
    eventually("it is again", async || {
        cluster.ann.post("/api-docs/rotate", &[]).await.status == 303
    })
    .await;
}
