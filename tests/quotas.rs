//! F6: rates and quotas, by plan and operation, on one gateway and on three.

use crate::{
    limits::{Api, send, token_with},
    support::{Keydesk, Options, User, cluster::Cluster, eventually},
};
use std::time::{Duration, Instant};

const PLANS: &str = "default_plan = \"free\"\n\
    [[plan]]\nname = \"free\"\nrate_limit = \"6/h\"\ntoken_rate_limit = \"4/h\"\nmonthly_quota = 9\nmode = \"enforce\"\n\
    [[plan]]\nname = \"watched\"\nrate_limit = \"1/h\"\nmonthly_quota = 2\n\
    [[plan]]\nname = \"month\"\nmonthly_quota = 20\nmode = \"enforce\"\n";

async fn start(more: &str) -> (Api, Keydesk, User, String) {
    let api = Api::start().await;
    let config = format!("{}{more}", api.config);
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    (api, keydesk, ann, endpoint)
}

#[tokio::test]
async fn f6_rates_hold_for_token_and_account_and_are_told() {
    let (_api, _keydesk, ann, endpoint) = start(PLANS).await;
    let (one, two) = (token_with(&ann, "One", &["*"]).await, token_with(&ann, "Two", &["*"]).await);
    let call = async |token: &str| send("GET", &format!("{endpoint}/ping"), token, "app").await;
    let first = call(&one).await;
    assert_eq!(first.status, 200);
    let policies = first.header("ratelimit-policy");
    assert!(
        policies.starts_with("\"account\";q=6;w=3600, \"token\";q=4;w=3600, \"month\";q=9;w="),
        "{policies}"
    );
    let left = first.header("ratelimit");
    assert!(
        left.starts_with("\"account\";r=5;t=600, \"token\";r=3;t=900, \"month\";r=8;t="),
        "{left}"
    );
    for _ in 0..3 {
        assert_eq!(call(&one).await.status, 200);
    }
    let refused = call(&one).await;
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
    assert_eq!(refused.body["violated-policies"], serde_json::json!(["token"]));
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((800..=900).contains(&wait), "{wait}");
    // The other token goes on, until the account has had enough; what was refused has cost nothing.
    assert_eq!((call(&two).await.status, call(&two).await.status), (200, 200));
    let refused = call(&two).await;
    assert_eq!(refused.body["violated-policies"], serde_json::json!(["account"]));
    // Asking who one is costs nothing.
    assert_eq!(send("GET", &format!("{endpoint}/keydesk/whoami"), &one, "app").await.status, 200);
    eventually("the violations are listed", async || {
        ann.get("/tokens/violations").await.text.contains("rate limit exceeded")
    })
    .await;
}

#[tokio::test]
async fn f6_a_quota_is_another_matter_survives_a_crash_and_is_shown() {
    let (api, mut keydesk, ann, endpoint) = start(PLANS).await;
    let account = endpoint.rsplit('/').next().expect("a number").to_owned();
    let message = keydesk.command(&["account", "plan", &account, "month"]);
    assert!(message.status.success(), "{}", String::from_utf8_lossy(&message.stderr));
    let token = token_with(&ann, "One", &["*"]).await;
    let call = async |endpoint: &str| send("GET", &format!("{endpoint}/ping"), &token, "app").await;
    eventually("the plan is in force", async || {
        call(&endpoint).await.header("ratelimit-policy").starts_with("\"month\";q=20")
    })
    .await;
    let used = async || {
        let (page, mark) = (ann.get("/limits").await.text, "Requests this month</dt><dd>");
        let rest = &page[page.find(mark).expect("is shown") + mark.len()..];
        rest.split(' ')
            .next()
            .expect("a number")
            .trim_end_matches("<br>")
            .parse::<u32>()
            .unwrap_or(0)
    };
    for _ in 0..5 {
        call(&endpoint).await;
    }
    // What has been told is not lost, whatever happens.
    let mut before = 0;
    for _ in 0..40 {
        before = used().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(before >= 6, "{before}");
    let config = format!("{}{PLANS}", api.config);
    keydesk.kill_and_restart(&Options { config, has_account: true, ..Options::default() });
    let endpoint = format!("{}/{account}", keydesk.gateway);
    let mut passed = 0;
    let refused = loop {
        let answer = call(&endpoint).await;
        if answer.status != 200 {
            break answer;
        }
        passed += 1;
    };
    assert_eq!(before + passed, 20, "not one call more or less");
    assert_eq!((refused.status, refused.code()), (429, "quota_exceeded"));
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
    let detail = refused.body["detail"].as_str().expect("a detail");
    assert!(detail.contains("quota resets on the 1st"), "{detail}");
    let wrong = keydesk.command(&["account", "plan", &account, "gold"]);
    assert!(!wrong.status.success());
    assert!(
        String::from_utf8_lossy(&wrong.stderr)
            .contains("no plan with this name in the configuration")
    );
}

#[tokio::test]
async fn n7_a_plan_that_is_observed_refuses_nothing() {
    let (_api, keydesk, ann, endpoint) = start(PLANS).await;
    let account = endpoint.rsplit('/').next().expect("a number");
    assert!(keydesk.command(&["account", "plan", account, "watched"]).status.success());
    let token = token_with(&ann, "One", &["*"]).await;
    eventually("the plan is in force", async || {
        let answer = send("GET", &format!("{endpoint}/ping"), &token, "app").await;
        answer.header("ratelimit-policy").contains("q=1;w=3600")
    })
    .await;
    for _ in 0..4 {
        assert_eq!(send("GET", &format!("{endpoint}/ping"), &token, "app").await.status, 200);
    }
    eventually("what would be refused is listed", async || {
        let page = ann.get("/tokens/violations").await.text;
        page.contains("Would be rejected: rate limit exceeded")
            && page.contains("Would be rejected: monthly quota exceeded")
    })
    .await;
}

/// T75: other paths, spellings and claimed addresses lead to the same purse.
#[tokio::test]
async fn t75_an_operations_rate_cannot_be_walked_round() {
    let more = "[[operation]]\nmethod = \"GET\"\npath = \"/reports/{id}\"\nrate_limit = \"3/h\"\n";
    let (_api, keydesk, ann, endpoint) = start(more).await;
    eventually("the rules are there", async || {
        keydesk.command(&["operations", "list"]).status.success()
    })
    .await;
    assert!(keydesk.command(&["operations", "enforce"]).status.success());
    let tokens = [token_with(&ann, "One", &["*"]).await, token_with(&ann, "Two", &["*"]).await];
    eventually("the rate is in force", async || {
        let answer = send("GET", &format!("{endpoint}/reports/0"), &tokens[0], "app").await;
        answer.header("ratelimit-policy").contains("\"operation\";q=3;w=3600")
    })
    .await;
    let mut statuses = Vec::new();
    for (at, path) in [
        "/reports/1",
        "/%72eports/2",
        "/reports/3/",
        "/reports/4?x",
        "/reports;v=1/5",
        "/reports/6",
    ]
    .iter()
    .enumerate()
    {
        let method = if at % 2 == 0 { "HEAD" } else { "GET" };
        let answer = send(method, &format!("{endpoint}{path}"), &tokens[at % 2], "app").await;
        statuses.push(answer.status);
    }
    assert!(statuses.iter().filter(|status| **status == 200).count() <= 2, "{statuses:?}");
    assert_eq!(statuses[3..], [429; 3], "{statuses:?}");
    assert_eq!(send("GET", &format!("{endpoint}/ping"), &tokens[0], "app").await.status, 200);
}

#[tokio::test]
async fn account_addresses_hold_for_every_token() {
    let (_api, _keydesk, ann, endpoint) = start("").await;
    let (token, bearer) = (token_with(&ann, "One", &["*"]).await, ann.bearer_token().await);
    let call = async |token: &str| send("GET", &format!("{endpoint}/ping"), token, "app").await;
    let elsewhere = [("ip_allowlist", "10.0.0.0/8"), ("mode", "observe")];
    ann.post("/limits", &elsewhere).await;
    assert_eq!(call(&bearer).await.status, 200);
    eventually("the violations are listed", async || {
        ann.get("/tokens/violations").await.text.contains("not in the observed IP allowlist")
    })
    .await;
    ann.post("/limits", &[("ip_allowlist", "10.0.0.0/8"), ("mode", "enforce")]).await;
    for token in [&token, &bearer] {
        assert_eq!(call(token).await.code(), "ip_not_allowed");
    }
    ann.post("/limits", &[("ip_allowlist", ""), ("mode", "enforce")]).await;
    assert_eq!(call(&token).await.status, 200);
    let wrong = ann.post("/limits", &[("ip_allowlist", "ten")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("“ten” isn’t a valid IP address"));
}

/// The error bounds that docs/guide/scopes-and-limits.md states: each gateway keeps a rate by itself, and a quota is
/// passed by no more than what the others let through within two reports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f6_three_gateways_keep_to_the_stated_bounds() {
    let plans = "\n[[plan]]\nname = \"free\"\nrate_limit = \"40/h\"\nmode = \"enforce\"\n\
        [[plan]]\nname = \"month\"\nmonthly_quota = 300\nmode = \"enforce\"\n";
    let cluster = Cluster::start(3, plans).await;
    let account = cluster.path.trim_start_matches('/').to_owned();
    let token = cluster.token_everywhere("CRM").await;
    let plan = |name: &str| {
        let done = cluster.nodes[0].command(&["account", "plan", &account, name]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let call = async |node: usize| {
        let url = format!("{}/{account}/api/v1/contacts", cluster.nodes[node].gateway);
        send("GET", &url, &token, "app").await
    };
    let until_told = async |policy: &str| {
        for node in 0..3 {
            eventually("the plan is in force", async || {
                call(node).await.header("ratelimit-policy").starts_with(policy)
            })
            .await;
        }
    };
    plan("free");
    until_told("\"account\";q=40").await;
    let mut passed = 0;
    for n in 0..240 {
        passed += usize::from(call(n % 3).await.status == 200);
    }
    assert!(passed <= 3 * 40, "no more than each gateway's own rate: {passed}");
    plan("month");
    until_told("\"month\";q=300").await;
    // One second of calls in turn, then a rest: the gateways have told each other.
    let mut passed = 0;
    let start = Instant::now();
    let mut last_seconds = Vec::new();
    for n in 0..1_500 {
        let answer = call(n % 3).await;
        if answer.status == 200 {
            passed += 1;
            last_seconds.push(start.elapsed());
        }
    }
    let ended = last_seconds.last().copied().unwrap_or_default();
    let slack = last_seconds.iter().filter(|at| **at + Duration::from_secs(3) > ended).count();
    // The few that were counted before this began are in the 300, too.
    assert!(passed <= 300 + slack, "{passed} passed, {slack} of them in the last seconds");
    assert!(passed >= 200, "{passed}");
    eventually("all gateways refuse", async || {
        let codes = [call(0).await, call(1).await, call(2).await];
        codes.iter().all(|answer| answer.code() == "quota_exceeded")
    })
    .await;
}

/// Two gateways whose operators have not configured the same plans: each enforces its own, on what both have counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_with_other_plans_count_together() {
    let plans = |most: usize| {
        format!(
            "\ndefault_plan = \"month\"\n[[plan]]\nname = \"month\"\nmonthly_quota = {most}\nmode = \"enforce\"\n"
        )
    };
    let server = crate::support::postgres::Postgres::shared();
    let api = Api::start().await;
    let config =
        format!("database_url = \"{}\"\n{}", server.url(&server.new_database()), api.config);
    let first = format!("{config}{}", plans(30));
    let mut small = Keydesk::start_with(&Options { config: first, ..Options::default() });
    let ann = small.with_account().await;
    let path = ann.endpoint_url().await.trim_start_matches(&small.gateway).to_owned();
    let token = token_with(&ann, "CRM", &["*"]).await;
    let large = Keydesk::start_with(&Options {
        config: format!("{config}{}", plans(60)),
        key_file: Some(small.data().join("keydesk.key")),
        has_account: true,
        ..Options::default()
    });
    let call = async |node: &Keydesk| {
        send("GET", &format!("{}{path}/ping", node.gateway), &token, "app").await.status
    };
    eventually("the second follows", async || call(&large).await == 200).await;
    for _ in 0..31 {
        call(&large).await;
    }
    eventually("the smaller one is used up by what the other has counted", async || {
        call(&small).await == 429
    })
    .await;
    assert_eq!(call(&large).await, 200, "its own plan has more");
}
