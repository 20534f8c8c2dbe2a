//! Nodes side by side: several processes on one file, and gateways with few rights on PostgreSQL.

use crate::{
    limits::send,
    support::{
        Keydesk, NEW_PASSWORD, Options, PASSWORD,
        cluster::{Cluster, revoke_newest},
        eventually,
        postgres::Postgres,
        use_token,
    },
};
use std::time::Duration;

/// A gateway on the same file counts its lease from what others can see of it: after a quiet time no
/// receipt says complete while it still accepts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_a_second_process_on_one_file_is_waited_for() {
    let config = "[cluster]\nlease_seconds = 2\nconfirm_timeout_seconds = 0\n";
    let mut first =
        Keydesk::start_with(&Options { config: config.to_owned(), ..Options::default() });
    let ann = first.with_account().await;
    let path = ann.endpoint_url().await.trim_start_matches(&first.gateway).to_owned();
    let second = Keydesk::start_with(&Options {
        config: format!("role = \"gateway\"\n{config}"),
        has_account: true,
        data: Some(first.data()),
        ..Options::default()
    });
    let endpoint = format!("{}{path}", second.gateway);
    let token = ann.create_token("CRM", "never").await;
    eventually("the second follows", async || use_token(&endpoint, &token).await.0 == 200).await;
    // Quiet for longer than a lease.
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Not while it holds the file's lock.
    loop {
        second.signal("STOP");
        if ann.post("/profile/language", &[("language", "en")]).await.status == 303 {
            break;
        }
        second.signal("CONT");
    }
    let location = revoke_newest(&ann).await;
    assert!(location.contains("&pending="), "it has not said anything: {location}");
    second.signal("CONT");
    eventually("it refuses, too", async || use_token(&endpoint, &token).await.0 == 401).await;
}

/// A gateway's database user may do what the guide's block grants, and that is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_works_with_the_rights_that_the_guide_grants() {
    let server = Postgres::shared();
    let database = server.new_database();
    let store = server.url(&database);
    let config = |role: &str, store: &str, more: &str| Options {
        config: format!("role = \"{role}\"\ndatabase_url = \"{store}\"\n{more}"),
        has_account: role == "gateway",
        ..Options::default()
    };
    let mut console = Keydesk::start_with(&config("console", &store, ""));
    let ann = console.with_account().await;
    let user = format!("gateway_{}", database.replace('-', "_"));
    server.ask(&database, &format!("CREATE USER {user}"));
    server.ask(&database, &crate::rights::grants(&user));
    let limited = store.replacen("keydesk@", &format!("{user}@"), 1);
    assert_ne!(limited, store);
    let plans = "default_plan = \"free\"\n[[plan]]\nname = \"free\"\nmonthly_quota = 100\n\
                 [self_service]\nrotate = true\n";
    let gateway = Keydesk::start_with(&config("gateway", &limited, plans));
    let path = ann.endpoint_url().await;
    let endpoint = format!("{}/{}", gateway.gateway, path.rsplit('/').next().expect("a number"));
    let token = ann.create_token("CRM", "never").await;
    eventually("the gateway follows", async || use_token(&endpoint, &token).await.0 == 200).await;
    eventually("usage and quota are written", async || {
        let counted = server.ask(&database, "SELECT sum(requests) FROM quota_use");
        ann.get("/tokens").await.text.contains("127.0.0.1") && !counted.is_empty()
    })
    .await;
    // A rotation makes a secret, which needs a key that it has not; an ending needs none.
    for secret in [&token, &ann.bearer_token().await] {
        let own = send("POST", &format!("{endpoint}/keydesk/rotate"), secret, "crm").await;
        assert_eq!((own.status, own.code()), (503, "temporarily_unavailable"));
    }
    let revoked = send("POST", &format!("{endpoint}/keydesk/revoke"), &token, "crm").await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    assert_eq!(revoked.body["complete"], true, "{}", revoked.body);
    assert!(revoked.body["effective_at"].is_string(), "{}", revoked.body);
    assert_eq!(use_token(&endpoint, &token).await.1, "token_revoked");
}

/// R4, T12, T13: whatever ends a bearer token, alone or together, it is refused by all three gateways when
/// the last answer is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_every_combination_of_causes_is_honoured_on_three_nodes() {
    let cluster = Cluster::start(3, "").await;
    let ann = &cluster.ann;
    for causes in 1..16_u32 {
        let name = format!("bob{causes}");
        let bob = ann.invite(&format!("{name}@acme.example"), "developer", PASSWORD).await;
        let (token, id) = (bob.bearer_token().await, ann.member_id(&name).await);
        for node in 0..3 {
            cluster.until(node, &token, 200, Duration::from_secs(5)).await;
        }
        let acts = ["password", "log-out", "role", "remove"];
        for (_, act) in acts.iter().enumerate().filter(|(at, _)| causes >> at & 1 == 1) {
            let page = match *act {
                "password" => {
                    let form = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
                    bob.post("/profile/password", &form).await
                }
                "role" => ann.post(&format!("/members/{id}/role"), &[("role", "viewer")]).await,
                act => ann.post(&format!("/members/{id}/{act}"), &[]).await,
            };
            assert_eq!(page.status, 303, "{act}: {}", page.text);
        }
        for node in 0..3 {
            let message = cluster.try_token(node, &token).await;
            assert_eq!(message.0, 401, "causes {causes:b} on node {node}: {message:?}");
        }
    }
}

/// Of consoles that start together on an empty database one makes the key; the others are left without a wrong one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consoles_that_start_together_leave_no_wrong_key() {
    let server = Postgres::start("");
    let database = server.new_database();
    let folders = [(); 4].map(|()| tempfile::tempdir().expect("a folder"));
    let store = server.url(&database);
    let list = |folder: &tempfile::TempDir| {
        crate::support::run_in(folder.path(), &["--database-url", &store, "key", "list"], "")
    };
    let listed = || {
        std::thread::scope(|scope| {
            let all = folders.each_ref().map(|folder| scope.spawn(|| list(folder)));
            all.map(|one| one.join().expect("ends"))
        })
    };
    let key = |folder: &tempfile::TempDir| folder.path().join("keydesk-data/keydesk.key");
    let first = listed();
    let made: Vec<_> = folders.iter().filter(|folder| key(folder).exists()).collect();
    assert_eq!(made.len(), 1, "{first:?}");
    for output in first.iter().filter(|output| !output.status.success()) {
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(message.contains("Copy the file from another node"), "{message}");
    }
    let left = |folder: &tempfile::TempDir| {
        std::fs::read_dir(folder.path().join("keydesk-data")).expect("is there").count()
    };
    let others = folders.iter().filter(|folder| !key(folder).exists());
    assert!(others.clone().all(|folder| left(folder) == 0), "nothing is left behind");
    for folder in others {
        std::fs::copy(key(made[0]), key(folder)).expect("copies");
    }
    assert!(listed().iter().all(|output| output.status.success()), "each has it now");
}

/// A node that was destroyed while it could go on by itself keeps receipts pending until someone says that it is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_gone_is_listed_and_removed() {
    let config =
        "on_disconnect = \"fail_open\"\nmax_staleness_seconds = 3600\nconfirm_timeout_seconds = 0";
    let mut cluster = Cluster::start(2, config).await;
    let run = |cluster: &Cluster, args: &[&str]| {
        let output = cluster.nodes[0].command(args);
        let message = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&message).into_owned())
    };
    let (_, message) = run(&cluster, &["node", "list"]);
    assert!(
        message.contains("node-0") && message.contains("node-1") && message.contains("all"),
        "{message}"
    );
    let (done, message) = run(&cluster, &["node", "remove", "--destroyed", "node-0"]);
    assert!(!done && message.contains("has a lease until"), "it lives: {message}");
    cluster.nodes[1].signal("KILL");
    let (done, message) = run(&cluster, &["node", "remove", "node-7"]);
    assert!(!done && message.contains("there is no node “node-7”"), "{message}");
    tokio::time::sleep(crate::support::cluster::LEASE + Duration::from_millis(500)).await;
    cluster.ann.create_token("CRM", "never").await;
    let receipt = cluster.receipt(&cluster.revoke_newest().await).await;
    assert_eq!(receipt["unconfirmed"][0]["name"], "node-1", "{receipt}");
    let (done, message) = run(&cluster, &["node", "remove", "node-1"]);
    assert!(!done && message.contains("add --destroyed"), "{message}");
    let (done, message) = run(&cluster, &["node", "remove", "--destroyed", "node-1"]);
    assert!(done && message.contains("was removed"), "{message}");
    cluster.ann.create_token("next", "never").await;
    let receipt = cluster.receipt(&cluster.revoke_newest().await).await;
    assert_eq!(receipt["complete"], true, "{receipt}");
    let audited = "SELECT detail FROM audit WHERE event = 'node.removed'";
    let detail = cluster.primary.ask(&cluster.database, audited);
    assert!(detail.contains("\"is_destroyed\":true"), "{detail}");
    // A node that still runs learns of its removal and joins again.
    let options = &cluster.options[1];
    cluster.nodes[1].kill_and_restart(options);
    let (done, message) = run(&cluster, &["node", "remove", "--destroyed", "node-1"]);
    assert!(!done && message.contains("has a lease until"), "{message}");
}
