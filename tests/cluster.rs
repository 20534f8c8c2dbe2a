//! Several gateways on one PostgreSQL: what a receipt says is true, whatever breaks.

use crate::support::{
    History,
    cluster::{Cluster, LEASE, start_events, stream_and_note, use_and_note},
    postgres::Postgres,
    proxy::Mode,
};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_mins(1);

fn names(receipt: &serde_json::Value, list: &str) -> Vec<String> {
    let list = receipt[list].as_array().expect("a list");
    let mut names: Vec<_> =
        list.iter().map(|node| node["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_a_complete_receipt_names_every_gateway_and_none_accepts_any_more() {
    let cluster = Cluster::start(3, "").await;
    for round in 0..5 {
        let token = cluster.token_everywhere(&format!("CRM {round}")).await;
        let location = cluster.revoke_newest().await;
        for node in 0..3 {
            let said = cluster.try_token(node, &token).await;
            assert_eq!(said, (401, "token_revoked".to_owned()), "node {node}");
        }
        let receipt = cluster.receipt(&location).await;
        assert_eq!(receipt["complete"], true, "{receipt}");
        assert_eq!(names(&receipt, "confirmed"), ["node-0", "node-1", "node-2"]);
        assert_eq!(receipt["durability"], "single");
    }
    // R18: what is in the database opens nothing.
    let dump = cluster.primary.dump(&cluster.database);
    let bearer = cluster.ann.bearer_token().await;
    for secret in [&bearer, crate::support::PASSWORD] {
        assert!(!dump.contains(secret) && !dump.contains(&hex::encode(secret)));
    }
    // Another node's console shows the same, and what ends there ends here.
    let bob = crate::support::User::logged_in(
        &cluster.nodes[2].console,
        "ann@acme.example",
        crate::support::PASSWORD,
    )
    .await;
    let bearer = bob.bearer_token().await;
    assert_eq!(cluster.try_token(0, &bearer).await.0, 200);
    let page = bob.post("/api-docs/rotate", &[]).await;
    assert_eq!(page.done(), Some("/api-docs?done=token_rotated"));
    for node in 0..3 {
        assert_eq!(cluster.try_token(node, &bearer).await.1, "token_rotated", "node {node}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_gateway_that_is_cut_off_refuses_by_the_moment_that_the_receipt_names() {
    let cluster = Cluster::start(3, "lease_seconds = 4\nconfirm_timeout_seconds = 1").await;
    for mode in [Mode::Hole, Mode::Cut] {
        let token = cluster.token_everywhere("CRM").await;
        cluster.break_link(1, mode);
        let location = cluster.revoke_newest().await;
        let answered = Instant::now();
        assert!(location.contains("pending="), "{}", cluster.receipt(&location).await);
        for node in [0, 2] {
            assert_eq!(cluster.try_token(node, &token).await.1, "token_revoked");
        }
        let receipt = cluster.receipt(&location).await;
        assert_eq!(receipt["complete"], false);
        assert_eq!(names(&receipt, "unconfirmed"), ["node-1"]);
        let refuses_from = receipt["unconfirmed"][0]["rejects_from"].as_str().expect("an instant");
        assert_eq!(receipt["effective_at"], refuses_from);
        let refuses_from: i64 =
            jiff::Timestamp::as_microsecond(refuses_from.parse().expect("RFC 3339"));
        // The page says the same while it waits, and afterwards.
        while jiff::Timestamp::now().as_microsecond() < refuses_from {
            assert!(answered.elapsed() < Duration::from_secs(5), "the bound is the lease");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for _ in 0..20 {
            let said = cluster.try_token(1, &token).await;
            assert_eq!(
                said,
                (503, "gateway_disconnected".to_owned()),
                "never accepted, and never called wrong"
            );
        }
        let ready = cluster.nodes[1].status("/readyz").await;
        assert_eq!(ready.0, 503, "{}", ready.1);
        cluster.break_link(1, Mode::Pass);
        cluster.until(1, &token, 401, SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t63_r10_r11_r12_a_database_that_is_away_for_all() {
    let cluster = Cluster::start(2, "").await;
    let token = cluster.token_everywhere("CRM").await;
    (0..2).for_each(|node| cluster.break_link(node, Mode::Hole));
    let gone = Instant::now();
    for node in 0..2 {
        cluster.until(node, &token, 503, LEASE * 2).await;
    }
    assert!(gone.elapsed() < LEASE + Duration::from_secs(1), "strict: refused within the lease");
    (0..2).for_each(|node| cluster.break_link(node, Mode::Pass));
    let back = Instant::now();
    for node in 0..2 {
        cluster.until(node, &token, 200, SOON).await;
    }
    println!("served again after {:?}", back.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consoles_that_see_each_other_keep_serving_without_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("peer.key");
    std::fs::write(&key, "canary-peer-key-of-more-than-32-characters").expect("writes");
    // A lease that a busy machine keeps, too.
    let lease = Duration::from_secs(6);
    let config = format!(
        "lease_seconds = {}\npeer_key_file = \"{}\"\nconfirm_timeout_seconds = 1",
        lease.as_secs(),
        key.display()
    );
    let cluster = Cluster::start(3, &config).await;
    let token = cluster.token_everywhere("CRM").await;
    let other = cluster.ann.create_token("other", "never").await;
    cluster.until(1, &other, 200, SOON).await;
    // Away for all: nobody can have revoked anything, so all serve on, lease after lease.
    (0..3).for_each(|node| cluster.break_link(node, Mode::Cut));
    let gone = Instant::now();
    while gone.elapsed() < lease * 2 {
        for node in 0..3 {
            assert_eq!(cluster.try_token(node, &token).await.0, 200, "node {node}");
        }
    }
    // Back for two of them: a revocation there ends what the third may do by their word.
    (0..2).for_each(|node| cluster.break_link(node, Mode::Pass));
    cluster.until(0, &token, 200, SOON).await;
    let location = loop {
        let page = cluster.ann.get("/tokens").await;
        if page.status == 200 {
            break cluster.revoke_newest().await;
        }
    };
    let receipt = cluster.receipt(&location).await;
    let effective_at = receipt["effective_at"].as_str().expect("an instant").to_owned();
    let effective_at: jiff::Timestamp = effective_at.parse().expect("RFC 3339");
    while jiff::Timestamp::now() < effective_at {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for node in 0..3 {
        assert_ne!(cluster.try_token(node, &other).await.0, 200, "node {node}: {receipt}");
    }
    assert_eq!(cluster.try_token(2, &token).await.0, 503, "nobody vouches for what is older");
    for node in &cluster.nodes {
        assert!(!node.printed().contains("canary-peer-key"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_may_serve_alone_does_so_up_to_its_age_and_the_receipt_says_so() {
    let cluster = Cluster::start(
        2,
        "on_disconnect = \"fail_open\"\nmax_staleness_seconds = 5\nconfirm_timeout_seconds = 0",
    )
    .await;
    let token = cluster.token_everywhere("CRM").await;
    cluster.settled().await;
    cluster.break_link(1, Mode::Hole);
    let cut = Instant::now();
    let location = cluster.revoke_newest().await;
    let receipt = cluster.receipt(&location).await;
    assert_eq!(
        (receipt["complete"].as_bool(), names(&receipt, "unconfirmed")),
        (Some(false), vec!["node-1".to_owned()])
    );
    tokio::time::sleep(LEASE + Duration::from_millis(500)).await;
    assert_eq!(cluster.try_token(1, &token).await.0, 200, "its operator chose so");
    cluster.until(1, &token, 503, Duration::from_secs(5)).await;
    assert!(cut.elapsed() < Duration::from_secs(7));
    let effective_at: jiff::Timestamp =
        receipt["effective_at"].as_str().expect("an instant").parse().expect("RFC 3339");
    assert!(jiff::Timestamp::now() <= effective_at + jiff::SignedDuration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_was_stopped_for_a_while_does_not_go_on_where_it_was() {
    let cluster = Cluster::start(2, "confirm_timeout_seconds = 0").await;
    let token = cluster.token_everywhere("CRM").await;
    cluster.nodes[1].signal("STOP");
    cluster.revoke_newest().await;
    tokio::time::sleep(LEASE + Duration::from_millis(200)).await;
    // The request is there before the process wakes up.
    let asked = cluster.try_token(1, &token);
    let woken = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cluster.nodes[1].signal("CONT");
    };
    let (said, ()) = tokio::join!(asked, woken);
    assert_ne!(said.0, 200, "{said:?}");
    cluster.until(1, &token, 401, SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t66_a_failover_that_loses_a_revocation_revives_nothing() {
    let primary = Postgres::start("");
    let mut standby = primary.standby();
    let mut cluster =
        Cluster::start_on(primary, 2, "confirm_timeout_seconds = 1", &[standby.port]).await;
    let status = cluster.nodes[0].status("/status").await.1;
    assert!(status.contains("\"durability\":\"asynchronous\""), "{status}");
    let kept = cluster.token_everywhere("kept").await;
    let token = cluster.token_everywhere("CRM").await;
    crate::support::eventually("the standby has the token", async || {
        standby.ask(&cluster.database, "SELECT count(*) FROM secret WHERE ended_at IS NULL") == "3"
    })
    .await;
    standby.kill();
    let location = cluster.revoke_newest().await;
    let receipt = cluster.receipt(&location).await;
    assert_eq!(receipt["complete"], true, "{receipt}");
    cluster.primary.kill();
    standby.run();
    let forgotten =
        standby.ask(&cluster.database, "SELECT count(*) FROM secret WHERE ended_at IS NULL");
    assert_eq!(forgotten, "3", "the next primary has never heard of the revocation");
    standby.promote();
    for node in 0..2 {
        cluster.until(node, &kept, 200, SOON).await;
        for _ in 0..20 {
            assert_ne!(cluster.try_token(node, &token).await.0, 200, "node {node}");
        }
        cluster.until(node, &token, 401, SOON).await;
    }
    crate::support::eventually("it is written back", async || {
        standby.ask(&cluster.database, "SELECT count(*) FROM secret WHERE ended_at IS NULL") == "2"
    })
    .await;
    let audited = "SELECT count(*) FROM audit WHERE event = 'token.reconciled'";
    assert_eq!(standby.ask(&cluster.database, audited), "1", "once, whoever was first");
    // Someone who starts now learns it from the database.
    let options = &cluster.options[1];
    cluster.nodes[1].kill_and_restart(options);
    cluster.until(1, &token, 401, SOON).await;
}

/// A token at one gateway is a register: two clients use it there while it is revoked elsewhere. (Between
/// commit and receipt one gateway may refuse already what another still accepts.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_what_clients_see_of_a_gateway_is_linearizable_while_nodes_are_cut_off() {
    use crate::support::history::{Op, Outcome};
    let config = format!("upstream = \"{}\"\nconfirm_timeout_seconds = 5", start_events().await);
    let cluster = std::sync::Arc::new(Cluster::start(3, &config).await);
    // Far more than half a second, whatever the machine does beside.
    let window = Duration::from_secs(2);
    for round in 0..3 {
        let token = cluster.token_everywhere(&format!("CRM {round}")).await;
        let histories = [0; 3].map(|_| History::default());
        let streams: Vec<_> = (10..16)
            .map(|client| {
                let (cluster, token) = (std::sync::Arc::clone(&cluster), token.clone());
                let history = histories[client % 3].clone();
                tokio::spawn(stream_and_note(cluster, client, token, history, window))
            })
            .collect();
        let uses: Vec<_> = (0..6)
            .map(|client| {
                let history = histories[client % 3].clone();
                let cluster = std::sync::Arc::clone(&cluster);
                tokio::spawn(use_and_note(cluster, client, token.clone(), history))
            })
            .collect();
        let nemesis = {
            let cluster = std::sync::Arc::clone(&cluster);
            tokio::spawn(async move {
                cluster.break_link(round % 3, Mode::Hole);
                tokio::time::sleep(LEASE / 2).await;
                cluster.break_link(round % 3, Mode::Pass);
            })
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
        if round % 3 != 0 {
            for history in &histories {
                history.begins(9, Op::Revoke);
            }
            let location = cluster.revoke_newest().await;
            assert!(location.contains("&receipt="), "complete within the bound: {location}");
            for history in &histories {
                history.ends(9, Outcome::Revoked);
            }
        }
        for client in uses {
            client.await.expect("ends");
        }
        for client in streams {
            client.await.expect("ends");
        }
        nemesis.await.expect("ends");
        for (node, history) in histories.iter().enumerate() {
            assert!(history.is_linearizable(), "node {node}, round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_through_pgbouncer_where_nobody_is_notified() {
    let primary = Postgres::start("");
    let bouncer = crate::support::pgbouncer::start(&primary);
    let database = primary.new_database();
    let store = format!("postgres://keydesk@127.0.0.1:{}/{database}", bouncer.port);
    let config = |name: &str| format!("database_url = \"{store}\"\n[cluster]\nname = \"{name}\"");
    let options = crate::support::Options { config: config("one"), ..Default::default() };
    let mut one = crate::support::Keydesk::start_with(&options);
    let ann = one.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let options = crate::support::Options {
        config: config("two"),
        key_file: Some(one.data().join("keydesk.key")),
        has_account: true,
        ..Default::default()
    };
    let two = crate::support::Keydesk::start_with(&options);
    let there = endpoint.replace(&one.gateway, &two.gateway);
    for _ in 0..3 {
        let token = ann.create_token("CRM", "never").await;
        crate::support::eventually("polling is enough", async || {
            crate::support::use_token(&there, &token).await.0 == 200
        })
        .await;
        let location = crate::support::cluster::revoke_newest(&ann).await;
        assert!(location.contains("&receipt="), "{location}");
        assert_eq!(crate::support::use_token(&there, &token).await.1, "token_revoked");
    }
}

/// As an operator would name them: roles apart, several hosts, the password in a file of its own, and a
/// certificate that is verified.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consoles_and_gateways_apart_over_a_verified_connection() {
    let primary = Postgres::start_with_tls(&["localhost"]);
    let standby = primary.standby();
    let database = primary.new_database();
    primary.ask(&database, "ALTER USER keydesk PASSWORD 'canary-db-password'");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("password"), "canary-db-password\n").expect("writes");
    let ca = primary.folder().join("ca.pem");
    // The standby comes first and is passed over.
    let store = format!(
        "postgres://keydesk@localhost:{},localhost:{}/{database}?target_session_attrs=read-write&sslmode=verify-full&sslrootcert={}",
        standby.port,
        primary.port,
        ca.display()
    );
    let config = |role: &str, store: &str| {
        format!(
            "role = \"{role}\"\ndatabase_url = \"{store}\"\ndatabase_password_file = \"{}\"\n[observe]\nstatus = \"127.0.0.1:0\"\n[cluster]\nname = \"{role}\"",
            folder.path().join("password").display()
        )
    };
    let options =
        crate::support::Options { config: config("console", &store), ..Default::default() };
    let mut console = crate::support::Keydesk::start_with(&options);
    let ann = console.with_account().await;
    let options = crate::support::Options {
        config: config("gateway", &store),
        has_account: true,
        ..Default::default()
    };
    let gateway = crate::support::Keydesk::start_with(&options);
    assert!(!gateway.data().join("keydesk.key").exists(), "a gateway needs no key");
    let path = ann.endpoint_url().await;
    let path = path.rsplit_once('/').expect("an account").1.to_owned();
    let token = ann.create_token("CRM", "never").await;
    let endpoint = format!("{}/{path}", gateway.gateway);
    crate::support::eventually("the gateway follows", async || {
        crate::support::use_token(&endpoint, &token).await.0 == 200
    })
    .await;
    let location = crate::support::cluster::revoke_newest(&ann).await;
    assert!(location.contains("&receipt="), "{location}");
    assert_eq!(crate::support::use_token(&endpoint, &token).await.1, "token_revoked");
    let status = gateway.status("/status").await.1;
    for part in
        ["\"kind\":\"postgresql\"", "\"durability\":\"asynchronous\"", "\"name\":\"console\""]
    {
        assert!(status.contains(part), "{part}: {status}");
    }
    let message = with_another_authority(&folder, &config("console", &store), &ca);
    for printed in [console.printed(), gateway.printed(), message] {
        assert!(!printed.contains("canary-db-password"), "{printed}");
    }
}

/// Another authority's certificate is not believed.
fn with_another_authority(
    folder: &tempfile::TempDir,
    config: &str,
    ca: &std::path::Path,
) -> String {
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let path = folder.path().join("other.pem");
    std::fs::write(&path, other.cert.pem()).expect("writes");
    let config = config.replace(&*ca.to_string_lossy(), &path.to_string_lossy());
    std::fs::write(folder.path().join("keydesk.toml"), config).expect("writes");
    let args = ["--config", "keydesk.toml", "feedback"];
    let output = crate::support::run_in(folder.path(), &args, "");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && message.contains("no PostgreSQL server can be used"),
        "{message}"
    );
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_can_lose_what_it_acknowledged_is_refused() {
    let server = Postgres::start("fsync = off\n");
    let database = server.new_database();
    let folder = tempfile::tempdir().expect("a folder");
    let output = crate::support::run_in(
        folder.path(),
        &["--database-url", &server.url(&database), "feedback"],
        "",
    );
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("PostgreSQL runs with fsync = off"), "{message}");
}
