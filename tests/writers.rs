//! What would stop everything: a console that is lost within a write, a schema step behind a long reader, a
//! password that was changed, a server that does not write, tables that are not ours, and too many nodes.

use crate::support::{
    Keydesk, Options,
    cluster::{Cluster, revoke_newest},
    eventually,
    postgres::Postgres,
    use_token,
};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);

/// Stopped in the middle of a transaction that all others wait for: the database ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_that_is_stopped_within_a_write_holds_nobody_up_for_long() {
    let cluster = Cluster::start(2, "confirm_timeout_seconds = 0").await;
    let token = cluster.token_everywhere("CRM").await;
    let other = &cluster.nodes[1];
    let bob = crate::support::User::logged_in(
        &other.console,
        "ann@acme.example",
        crate::support::PASSWORD,
    )
    .await;
    cluster.settled().await;
    // Its write has its turn, and waits for a table that is held here.
    let held = cluster.primary.hold(&cluster.database, "LOCK TABLE audit_head IN EXCLUSIVE MODE");
    let write = tokio::spawn(async move { bob.try_post("/api-docs/rotate", &[]).await });
    eventually("the write waits", async || {
        let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        cluster.primary.ask(&cluster.database, waits) == "t"
    })
    .await;
    other.signal("STOP");
    drop(held);
    let location = revoke_newest(&cluster.ann).await;
    assert!(location.contains('='), "a receipt is there: {location}");
    assert_eq!(cluster.try_token(0, &token).await.1, "token_revoked");
    // Others can start meanwhile, too.
    let mut options = Options { has_account: true, ..Options::default() };
    options.config = cluster.options[1].config.replace("node-1", "late");
    options.key_file = Some(cluster.nodes[0].data().join("keydesk.key"));
    let _late = Keydesk::start_with(&options);
    other.signal("CONT");
    // The late one has committed nothing, and goes on as before.
    let page = write.await.expect("ends").expect("answers");
    assert_eq!(page.status, 503, "{}", page.text);
    cluster.until(1, &token, 401, SOON).await;
    let next = cluster.token_everywhere("after").await;
    revoke_newest(&cluster.ann).await;
    cluster.until(1, &next, 401, SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_cannot_have_its_turn_is_told_to_come_again() {
    let cluster = Cluster::start(1, "").await;
    let held = cluster.primary.hold(&cluster.database, "SELECT 1 FROM head FOR UPDATE");
    let page = cluster.ann.post("/api-docs/rotate", &[]).await;
    assert_eq!((page.status, &page.headers["retry-after"]), (503, &"5".parse().expect("a value")));
    assert!(page.text.contains("The database is busy"), "{}", page.text);
    drop(held);
    assert_eq!(cluster.ann.post("/api-docs/rotate", &[]).await.status, 303);
}

/// Its password is changed, in the database and in its file; connections that were there are closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_database_password_is_taken_over_without_a_restart() {
    let server = Postgres::start("");
    let database = server.new_database();
    server.ask_for_passwords();
    server.ask(&database, "CREATE USER app PASSWORD 'canary-first'");
    server.ask(&database, &format!("ALTER DATABASE {database} OWNER TO app"));
    server.ask(&database, "ALTER SCHEMA public OWNER TO app");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "canary-first\n").expect("writes");
    let config = format!(
        "database_url = \"postgres://app@127.0.0.1:{}/{database}\"\ndatabase_password_file = \"{}\"\n",
        server.port,
        file.display()
    );
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.create_token("CRM", "never").await;
    server.ask(&database, "ALTER USER app PASSWORD 'canary-second'");
    server.ask(
        &database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    std::fs::write(&file, "canary-second\n").expect("writes");
    eventually("it writes again", async || ann.post("/api-docs/rotate", &[]).await.status == 303)
        .await;
    assert_eq!(use_token(&endpoint, &token).await.0, 200);
    assert!(!keydesk.printed().contains("canary-second"));
    let status =
        server.ask(&database, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'");
    assert_ne!(status, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_write_is_passed_over_and_found_again() {
    let (first, second) = (Postgres::start(""), Postgres::start(""));
    let database = first.new_database();
    second.ask("postgres", &format!("CREATE DATABASE {database}"));
    let read_only = |server: &Postgres, is: &str| {
        server.ask("postgres", &format!("ALTER SYSTEM SET default_transaction_read_only = {is}"));
        server.ask("postgres", "SELECT pg_reload_conf()");
    };
    read_only(&first, "on");
    let config = format!(
        "database_url = \"postgres://keydesk@127.0.0.1:{},127.0.0.1:{}/{database}\"\n[observe]\nstatus = \"127.0.0.1:0\"\n\
         [cluster]\nlease_seconds = 2\n",
        first.port, second.port
    );
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let used = async || keydesk.status("/status").await.1;
    assert!(used().await.contains(&format!("127.0.0.1:{}", second.port)));
    read_only(&second, "on");
    eventually("nothing is written", async || {
        ann.post("/api-docs/rotate", &[]).await.status == 503
    })
    .await;
    read_only(&second, "off");
    eventually("it is again", async || ann.post("/api-docs/rotate", &[]).await.status == 303).await;
}

/// Whatever a role's search path says, and whoever may make tables of the same names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_another_schema_are_not_taken_for_ours() {
    let server = Postgres::start("");
    let database = server.new_database();
    server.ask(&database, "CREATE SCHEMA evil");
    for table in ["head (one BIGINT, seq BIGINT)", "secret (hash BYTEA)", "node (id TEXT)"] {
        server.ask(&database, &format!("CREATE TABLE evil.{table}"));
    }
    server.ask(
        &database,
        "CREATE FUNCTION evil.keydesk_now() RETURNS BIGINT LANGUAGE sql AS 'SELECT 1'",
    );
    server.ask(&database, "ALTER USER keydesk SET search_path = evil, public");
    let config = format!("database_url = \"{}\"", server.url(&database));
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.create_token("CRM", "never").await;
    assert_eq!(use_token(&endpoint, &token).await.0, 200);
    assert!(revoke_newest(&ann).await.contains("&receipt="));
    assert_eq!(server.ask(&database, "SELECT count(*) FROM public.secret"), "2");
    assert_eq!(server.ask(&database, "SELECT count(*) FROM evil.secret"), "0");
}

/// More gateways than the database has connections for: those that joined last keep none, and follow all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_gateways_share_few_connections() {
    let primary = Postgres::start("max_connections = 40\n");
    let mut cluster = Cluster::start_on(primary, 1, "confirm_timeout_seconds = 10", &[]).await;
    for number in 1..=8 {
        let config = cluster.options[0].config.replace("node-0", &format!("node-{number}"));
        let config = config.replace("role = \"all\"", "role = \"gateway\"");
        let options = Options { config, has_account: true, ..Options::default() };
        cluster.nodes.push(Keydesk::start_with(&options));
    }
    for round in 0..3 {
        let token = cluster.token_everywhere(&format!("CRM {round}")).await;
        let location = cluster.revoke_newest().await;
        assert!(location.contains("&receipt="), "{location}");
        for node in 0..9 {
            assert_eq!(cluster.try_token(node, &token).await.1, "token_revoked", "node {node}");
        }
    }
    let most = cluster.primary.most_connections(&cluster.database, Duration::from_secs(3)).await;
    // Sixty percent of 37, with what psql itself holds.
    assert!(most <= 23, "{most} connections");
}
