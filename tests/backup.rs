//! Backup, restore and moving to PostgreSQL; and T20: what had ended stays so, whatever is restored.

use crate::support::{
    Keydesk, Options, PASSWORD, User, cluster::Cluster, eventually, is_let_through,
    postgres::Postgres, use_token,
};

fn message(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t20_a_restored_backup_revives_no_token_on_sqlite() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let (kept, bearer) = (ann.create_token("kept", "never").await, ann.bearer_token().await);
    let token = ann.create_token("CRM", "never").await;
    let file = keydesk.data().join("backup.sqlite");
    let output = keydesk.command(&["backup", &file.to_string_lossy()]);
    assert!(output.status.success(), "while it runs: {}", message(&output));
    assert!(
        !keydesk.command(&["backup", &file.to_string_lossy()]).status.success(),
        "never over another"
    );
    crate::support::cluster::revoke_newest(&ann).await;
    let late = ann.create_token("after the backup", "never").await;
    assert_eq!(use_token(&endpoint, &token).await.1, "token_revoked");
    let output = keydesk.command(&["restore", &file.to_string_lossy()]);
    assert!(
        !output.status.success() && message(&output).contains("stop it first"),
        "{}",
        message(&output)
    );
    keydesk.stop();
    let rubbish = keydesk.data().join("rubbish.sqlite");
    std::fs::write(&rubbish, vec![7; 10_000]).expect("writes");
    let before = std::fs::metadata(keydesk.data().join("keydesk.sqlite")).expect("there").len();
    let output = keydesk.command(&["restore", &rubbish.to_string_lossy()]);
    assert!(!output.status.success(), "{}", message(&output));
    let after = std::fs::metadata(keydesk.data().join("keydesk.sqlite")).expect("there").len();
    assert_eq!(before, after, "nothing was touched");
    let output = keydesk.command(&["restore", &file.to_string_lossy()]);
    assert!(output.status.success(), "{}", message(&output));
    let keydesk = keydesk.restart(&Options::default());
    let endpoint = endpoint.rsplit_once('/').expect("an account").1.to_owned();
    let endpoint = format!("{}/{endpoint}", keydesk.gateway);
    assert_eq!(use_token(&endpoint, &token).await.1, "token_revoked", "the journal knows");
    for token in [&kept, &bearer] {
        assert!(is_let_through(&use_token(&endpoint, token).await));
    }
    assert_eq!(use_token(&endpoint, &late).await.1, "unknown_token", "made after the backup");
    assert!(keydesk.printed().contains("has lost revocations, suspensions, or closures"));
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    eventually("the console says so too", async || {
        ann.get("/tokens?state=inactive").await.text.contains("Revoked")
    })
    .await;
    let eject_ = std::fs::read_dir(keydesk.data()).expect("there").filter(|entry| {
        entry.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().contains("before-"))
    });
    assert!(eject_.count() >= 1, "what was there is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t20_t59_a_database_that_is_rewound_under_running_gateways_revives_no_token() {
    let cluster = Cluster::start(2, "").await;
    let kept = cluster.token_everywhere("kept").await;
    let token = cluster.token_everywhere("CRM").await;
    let file = cluster.nodes[0].data().join("backup.sqlite");
    let output = cluster.nodes[0].command(&["backup", &file.to_string_lossy()]);
    assert!(output.status.success() && message(&output).contains("secret"), "{}", message(&output));
    cluster.revoke_newest().await;
    // As an operator would: empty the database and restore into it, with the gateways running.
    cluster.primary.ask(&cluster.database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let output = cluster.nodes[0].command(&["restore", &file.to_string_lossy()]);
    assert!(output.status.success(), "{}", message(&output));
    for node in 0..2 {
        cluster.until(node, &kept, 200, std::time::Duration::from_secs(10)).await;
        // It may have served by a lease from before, and be isolated until it has loaded the other history.
        eventually("it is back and remembers", async || {
            let (status, code) = cluster.try_token(node, &token).await;
            assert_ne!(status, 200, "node {node}");
            code == "token_revoked"
        })
        .await;
    }
    let live = "SELECT count(*) FROM secret WHERE ended_at IS NULL";
    eventually("it is written back", async || cluster.primary.ask(&cluster.database, live) == "2")
        .await;
    // T59: a row that is edited by hand does not help either.
    cluster
        .primary
        .ask(&cluster.database, "UPDATE secret SET ended_at = NULL, revocation_reason = NULL");
    cluster.primary.ask(&cluster.database, "UPDATE head SET epoch = 'another'");
    for node in 0..2 {
        for _ in 0..10 {
            assert_ne!(cluster.try_token(node, &token).await.0, 200, "node {node}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    eventually("and is written back again", async || {
        cluster.primary.ask(&cluster.database, live) == "2"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_moves_to_postgresql_and_goes_on_there() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let token = ann.create_token("CRM \\ “sync”", "30d").await;
    let bearer = ann.bearer_token().await;
    let path = ann.endpoint_url().await.trim_start_matches(&keydesk.gateway).to_owned();
    is_let_through(&use_token(&format!("{}{path}", keydesk.gateway), &token).await);
    keydesk.stop();
    let server = Postgres::shared();
    let to = server.url(&server.new_database());
    let from = format!("sqlite:{}", keydesk.data().join("keydesk.sqlite").display());
    let args = ["migrate", "--from", &from, "--to", &to];
    let output = keydesk.run(&args, "");
    let said = message(&output);
    assert!(output.status.success() && said.contains("every count agrees"), "{said}");
    let again = keydesk.run(&args, "");
    assert!(!again.status.success() && message(&again).contains("this database was migrated to"));
    // Nobody serves from what was left behind.
    let left = keydesk.command(&["node", "list"]);
    assert!(!left.status.success() && message(&left).contains("set database_url to that database"));
    let config = format!("database_url = \"{to}\"");
    let moved = keydesk.restart(&Options { config, ..Options::default() });
    let endpoint = format!("{}{path}", moved.gateway);
    for token in [&token, &bearer] {
        assert!(is_let_through(&use_token(&endpoint, token).await));
    }
    let ann = User::logged_in(&moved.console, "ann@acme.example", PASSWORD).await;
    assert_eq!(ann.bearer_token().await, bearer);
    assert!(ann.get("/tokens").await.text.contains("CRM \\ “sync”"));
    assert!(ann.get("/members").await.text.contains("bob@acme.example"));
    crate::support::cluster::revoke_newest(&ann).await;
    assert_eq!(use_token(&endpoint, &token).await.1, "token_revoked");
}

/// A backup without its key would serve nobody: it is looked at before anything is touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_whose_key_is_not_there_is_not_restored() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let file = keydesk.data().join("backup.sqlite");
    assert!(keydesk.command(&["backup", &file.to_string_lossy()]).status.success());
    let mut other = Keydesk::start();
    let bea = other.with_account().await;
    let (others, theirs) = (bea.endpoint_url().await, bea.bearer_token().await);
    other.stop();
    let restore = || other.command(&["restore", &file.to_string_lossy()]);
    let output = restore();
    assert!(!output.status.success(), "{}", message(&output));
    assert!(
        message(&output).contains("does not hold the key that this backup was written with"),
        "{}",
        message(&output)
    );
    let key = other.data().join("keydesk.key");
    let aside = key.with_extension("aside");
    std::fs::rename(&key, &aside).expect("goes");
    assert!(!restore().status.success(), "nor without any");
    std::fs::rename(&aside, &key).expect("comes back");
    let options = Options { has_account: true, ..Options::default() };
    let mut other = other.restart(&options);
    let there = |keydesk: &Keydesk, endpoint: &str| {
        format!("{}/{}", keydesk.gateway, endpoint.rsplit('/').next().expect("a number"))
    };
    assert!(is_let_through(&use_token(&there(&other, &others), &theirs).await), "as it was");
    // With its key it is.
    other.stop();
    std::fs::copy(keydesk.data().join("keydesk.key"), &key).expect("copies");
    let output = other.command(&["restore", &file.to_string_lossy()]);
    assert!(output.status.success(), "{}", message(&output));
    let other = other.restart(&options);
    assert!(is_let_through(&use_token(&there(&other, &endpoint), &bearer).await));
}
