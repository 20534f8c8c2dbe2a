//! Clocks that are wrong destroy nothing and count nothing wrong.

use crate::{
    limits::{Api, send, token_with},
    operators::operator,
    support::{
        Keydesk, Options, PASSWORD, User, cluster::Cluster, eventually, faults::Clock,
        postgres::Postgres, use_token,
    },
};
use std::time::Duration;

/// A second node beside the first of a cluster, on a clock of its own.
fn beside(cluster: &Cluster, clock: &Clock, name: &str) -> Keydesk {
    let config = cluster.options[0].config.replace("node-0", name);
    let options = Options {
        config,
        key_file: Some(cluster.nodes[0].data().join("keydesk.key")),
        has_account: true,
        ..Options::default()
    };
    Keydesk::start_with(&clock.options(options))
}

/// One console is far ahead, and far behind: an account that was closed a moment ago can be restored, and an old
/// secret goes on until its time. The console itself serves as the others do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_with_a_wrong_clock_ends_nothing() {
    let cluster = Cluster::start(1, "").await;
    let otto = operator(&cluster.nodes[0], "otto@vendor.example").await;
    let number = cluster.path.trim_start_matches('/').to_owned();
    let token = cluster.token_everywhere("CRM").await;
    let page = cluster.ann.get("/tokens").await.text;
    let start = page.find("/tokens/tok_").expect("a live token is listed");
    let id = page[start + 8..start + 8 + 36].to_owned();
    let form = [("grace_period", "7d")];
    let page = cluster.ann.post(&format!("/tokens/{id}/rotate"), &form).await;
    assert!(page.status == 303 || page.status == 200, "{}", page.text);
    otto.post(&format!("/operator/accounts/{number}/close"), &[]).await;
    for offset in ["+31d", "+400d", "-31d", "-400d"] {
        let clock = Clock::new();
        clock.jump(offset);
        let wrong = beside(&cluster, &clock, "wrong");
        eventually("it says so", async || {
            wrong.printed().contains("this machine's clock differs from the database's by")
        })
        .await;
        // Long enough for what looks every two seconds.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let state = cluster.primary.ask(&cluster.database, "SELECT state FROM account");
        assert_eq!(state, "closed", "{offset}");
        let status = wrong.status("/status").await.1;
        assert!(status.contains("differs from the database"), "{status}");
        let there = User::logged_in(&wrong.console, "otto@vendor.example", PASSWORD).await;
        assert_eq!(
            there.get("/operator").await.status,
            200,
            "{offset}: it serves by the cluster's clock"
        );
        let page = there.post(&format!("/operator/accounts/{number}/close"), &[]).await;
        assert_eq!(page.status, 503, "{}", page.text);
        assert!(page.text.contains("The server clocks don’t agree"), "{}", page.text);
    }
    otto.post(&format!("/operator/accounts/{number}/restore"), &[]).await;
    cluster.until(0, &token, 200, Duration::from_secs(8)).await;
}

/// On a file, a clock that jumps while Keydesk runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_for_a_moment_closes_no_previous_secret_for_good() {
    let clock = Clock::new();
    let mut keydesk = Keydesk::start_with(&clock.options(Options::default()));
    let ann = keydesk.with_account().await;
    let otto = operator(&keydesk, "otto@vendor.example").await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.create_token("CRM", "never").await;
    let number = endpoint.rsplit('/').next().expect("a number");
    otto.post(&format!("/operator/accounts/{number}/close"), &[]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    clock.jump("+31d");
    eventually("it says so", async || keydesk.printed().contains("clock was set while")).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    clock.jump("+0");
    let otto = User::logged_in(&keydesk.console, "otto@vendor.example", PASSWORD).await;
    otto.post(&format!("/operator/accounts/{number}/restore"), &[]).await;
    assert_eq!(use_token(&endpoint, &token).await.0, 200);
}

/// Calls are counted by the month of the database's clock, and heard of by it: a gateway that is ten minutes
/// behind lets no more through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_whose_clock_is_behind_keeps_to_the_quota() {
    const MOST: usize = 60;
    let api = Api::start().await;
    let server = Postgres::shared();
    let store = server.url(&server.new_database());
    let config = format!(
        "database_url = \"{store}\"\n{}default_plan = \"month\"\n[[plan]]\nname = \"month\"\nmonthly_quota = {MOST}\nmode = \"enforce\"\n",
        api.config
    );
    let mut first = Keydesk::start_with(&Options { config: config.clone(), ..Options::default() });
    let ann = first.with_account().await;
    let path = ann.endpoint_url().await.trim_start_matches(&first.gateway).to_owned();
    let token = token_with(&ann, "CRM", &["*"]).await;
    let behind = Clock::new();
    behind.jump("-10m");
    let key_file = Some(first.data().join("keydesk.key"));
    let options = Options { config, key_file, has_account: true, ..Options::default() };
    let second = Keydesk::start_with(&behind.options(options));
    let at = [&first, &second].map(|node| format!("{}{path}/ping", node.gateway));
    eventually("the second follows", async || {
        send("GET", &at[1], &token, "app").await.status == 200
    })
    .await;
    let mut accepted = 1;
    for round in 0..MOST {
        for url in &at {
            accepted += usize::from(send("GET", url, &token, "app").await.status == 200);
        }
        // Both tell of it once a second.
        if round % 10 == 9 {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
        }
    }
    assert!((MOST..=MOST + 20).contains(&accepted), "{accepted} of {MOST}");
}
