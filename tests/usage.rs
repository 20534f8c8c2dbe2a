//! How often tokens are used, and the request log: the same figures as in the access log, wherever they are read.

use crate::{
    management_api::create_key,
    support::{Keydesk, Options, User, call, client, eventually},
};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

struct World {
    keydesk: Keydesk,
    ann: User,
    endpoint: String,
    key: String,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

fn config(log: &Path) -> String {
    format!("[observe]\nstatus = \"127.0.0.1:0\"\naccess_log = \"{}\"\n", log.display())
}

async fn start() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let mut keydesk = Keydesk::start_with(&Options { config: config(&log), ..Options::default() });
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["usage:read", "tokens:write"]).await;
    let endpoint = ann.endpoint_url().await;
    World { keydesk, ann, endpoint, key, log, _folder: folder }
}

impl World {
    /// Kills the process, unless it is dead already, and starts another one.
    fn restart(&mut self) {
        let config = config(&self.log);
        let options = Options { config, has_account: true, ..Options::default() };
        self.keydesk.kill_and_restart(&options);
        let path = self.endpoint.rsplit('/').next().expect("a number").to_owned();
        self.endpoint = format!("{}/{path}", self.keydesk.gateway);
    }

    async fn api(&self, path: &str, accept: &str) -> (u16, String) {
        let url = format!("{}/api/v1{path}", self.keydesk.console);
        let request = client().build().expect("a client").get(url).bearer_auth(&self.key);
        let response = request.header("accept", accept).send().await.expect("answers");
        (response.status().as_u16(), response.text().await.expect("a text"))
    }

    async fn json(&self, path: &str) -> Value {
        let (status, text) = self.api(path, "application/json").await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// A request of a client, and the ID of its response.
    async fn request(&self, agent: &str, path: &str, token: Option<&str>) -> (u16, String) {
        let client = client().user_agent(agent.to_owned()).build().expect("a client");
        let mut request = client.get(format!("{}{path}", self.endpoint));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("the gateway answers");
        let id = response.headers()["x-request-id"].to_str().expect("ASCII").to_owned();
        (response.status().as_u16(), id)
    }
}

fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn sum(usage: &Value, field: &str) -> u64 {
    let all = usage["series"].as_array().expect("series").iter();
    all.map(|one| one["total"][field].as_u64().expect("a number")).sum()
}

async fn every_grouping_adds_up(world: &World, statuses: &BTreeMap<String, u64>) {
    let expected: u64 = statuses.values().sum();
    for group in ["token", "operation", "client", "network", "status"] {
        for bucket in ["hour", "day", "month"] {
            let usage = world.json(&format!("/usage?group={group}&bucket={bucket}")).await;
            assert_eq!(usage["total"]["requests"], expected, "{group} {bucket}");
            assert_eq!(sum(&usage, "requests"), expected, "{group} {bucket}: {usage}");
            assert_eq!(sum(&usage, "rejected"), 15, "{group} {bucket}");
            let points = usage["points"].as_array().expect("points").iter();
            let points: u64 =
                points.map(|point| point["requests"].as_u64().expect("a number")).sum();
            assert_eq!(points, expected, "{group} {bucket}");
            if group == "status" {
                let series = usage["series"].as_array().expect("series").iter();
                let found: BTreeMap<String, u64> = series
                    .map(|one| {
                        let requests = one["total"]["requests"].as_u64().expect("a number");
                        (one["key"].as_str().expect("a text").to_owned(), requests)
                    })
                    .collect();
                assert_eq!(found, *statuses);
            }
        }
    }
}

/// The sum of the requests in a CSV.
fn csv_total(csv: &str) -> u64 {
    let rows = csv.lines().skip(1).map(|line| line.split("\",\"").nth(3).expect("a cell"));
    rows.map(|cell| cell.parse::<u64>().expect("a number")).sum()
}

async fn the_page_and_csv_say_the_same(world: &World) {
    let (_, csv) = world.api("/usage?group=client", "text/csv").await;
    assert_eq!(csv_total(&csv), 55, "{csv}");
    let exported = world.ann.get("/usage/export?range=24h&group=client").await;
    assert_eq!(csv_total(&exported.text), 55, "{}", exported.text);
    let page = world.ann.get("/usage?range=24h&group=client").await;
    assert!(page.text.contains("55 requests") && page.text.contains("importer"), "{}", page.text);
    assert!(!page.text.contains("style="), "no style that the policy forbids");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_every_series_adds_up_to_the_access_log() {
    let world = start().await;
    let crm = world.ann.create_token("CRM", "never").await;
    let old = world.ann.create_token("Old", "never").await;
    world.ann.post(&format!("/tokens/{}/revoke", world.ann.token_id("Old").await), &[]).await;
    for number in 0..40 {
        let agent =
            ["importer/1", "exporter/2", "Mozilla/5.0 (X11; Linux) Firefox/140"][number % 3];
        let path = ["/api/v1/contacts", "/api/v1/messages", "/api/v1/nothing?page=2"][number % 3];
        world.request(agent, path, Some(&crm)).await;
    }
    for _ in 0..5 {
        assert_eq!(world.request("importer/1", "/api/v1/contacts", Some(&old)).await.0, 401);
        assert_eq!(world.request("curl/8", "/api/v1/contacts", None).await.0, 401);
        let never = "kd_a_00000000000000000000000000000000000000";
        assert_eq!(world.request("curl/8", "/api/v1/contacts", Some(never)).await.0, 401);
    }
    let expected = 55;
    eventually("the access log is written", async || lines(&world.log).len() >= expected).await;
    let logged = lines(&world.log);
    assert_eq!(logged.len(), expected);
    let is_counted = async || world.json("/usage").await["total"]["requests"] == expected;
    eventually("all are counted", is_counted).await;
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    for line in &logged {
        *statuses.entry(line["status"].to_string()).or_default() += 1;
    }
    every_grouping_adds_up(&world, &statuses).await;
    let usage = world.json("/usage?group=token").await;
    let of = |label: &str| {
        let series = usage["series"].as_array().expect("series");
        let one = series.iter().find(|one| one["label"] == label);
        one.unwrap_or_else(|| panic!("{label}: {usage}"))["total"]["requests"].clone()
    };
    assert_eq!([of("CRM"), of("Old"), of("")].map(|n| n.as_u64()), [Some(40), Some(5), Some(10)]);
    assert!(usage["complete_until"].is_string() && usage["lost"] == 0, "{usage}");
    the_page_and_csv_say_the_same(&world).await;
    let token = world.ann.token_id("CRM").await;
    let own = world.json(&format!("/usage?token={token}&group=client")).await;
    assert_eq!((own["total"]["requests"].as_u64(), sum(&own, "requests")), (Some(40), 40));
    let other = world.api("/usage?token=tok_019abd9c1f0a7d5c8f6f3f2b1a0c9d8e", "*/*").await;
    assert_eq!(other.0, 404);
    for (query, code) in [
        ("from=yesterday", "invalid_instant"),
        ("from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "invalid_usage_range"),
        ("from=2020-01-01T00:00:00Z&bucket=hour", "invalid_usage_range"),
    ] {
        let (status, text) = world.api(&format!("/usage?{query}"), "*/*").await;
        assert!(status == 400 && text.contains(code), "{query}: {status} {text}");
    }
}

/// Counts survive a restart, and a kill loses at most what was not reported yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_a_restart_counts_nothing_twice() {
    let mut world = start().await;
    let crm = world.ann.create_token("CRM", "never").await;
    for round in 1..4_u64 {
        for _ in 0..10 {
            world.request("importer/1", "/api/v1/contacts", Some(&crm)).await;
        }
        let expected = round * 10;
        let is_counted = async || world.json("/usage").await["total"]["requests"] == expected;
        eventually("all are counted", is_counted).await;
        world.restart();
        assert_eq!(world.json("/usage").await["total"]["requests"], expected);
    }
}

/// Sends requests until told to stop, and returns when each response arrived. Those that a kill interrupts have none.
async fn drive(endpoint: String, token: String, stops: Arc<AtomicBool>) -> Vec<Timestamp> {
    let client = client().user_agent("driver/1").build().expect("a client");
    let mut arrived = Vec::new();
    while !stops.load(Ordering::Relaxed) {
        let request = client.get(format!("{endpoint}/api/v1/contacts")).bearer_auth(&token);
        if request.send().await.is_ok() {
            arrived.push(Timestamp::now());
        }
    }
    arrived
}

/// A kill under load loses nothing that was complete, and counts nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_a_kill_under_load_loses_only_what_was_not_complete() {
    let mut world = start().await;
    let crm = world.ann.create_token("CRM", "never").await;
    let (mut at_least, mut at_most) = (0, 0);
    for _ in 0..3 {
        let stops = Arc::new(AtomicBool::new(false));
        let drivers: Vec<_> = (0..4)
            .map(|_| tokio::spawn(drive(world.endpoint.clone(), crm.clone(), Arc::clone(&stops))))
            .collect();
        let begin = Timestamp::now();
        let complete = async || -> Timestamp {
            let until = world.json("/usage").await["complete_until"].clone();
            until.as_str().map_or(Timestamp::UNIX_EPOCH, |text| text.parse().expect("an instant"))
        };
        let mut until = begin;
        while until <= begin {
            tokio::time::sleep(Duration::from_millis(500)).await;
            until = complete().await;
        }
        world.keydesk.signal("KILL");
        stops.store(true, Ordering::Relaxed);
        for driver in drivers {
            let arrived = driver.await.expect("drives");
            at_least += arrived.iter().filter(|at| **at <= until).count() as u64;
            // The gateway may have ended one request of each driver whose response never arrived.
            at_most += arrived.len() as u64 + 1;
        }
        world.restart();
    }
    let counted = world.json("/usage").await["total"]["requests"].as_u64().expect("a number");
    let lines = lines(&world.log).iter().filter(|line| line["client"] == "driver").count() as u64;
    assert!(
        at_least > 0 && (at_least..=at_most).contains(&counted),
        "{at_least} {counted} {at_most}"
    );
    assert!(lines <= at_most, "{lines}");
    every_series_has(&world, counted).await;
}

/// Every breakdown, on every page, adds up to the same.
async fn every_series_has(world: &World, requests: u64) {
    for group in ["token", "operation", "client", "network", "status"] {
        let usage = world.json(&format!("/usage?group={group}")).await;
        assert_eq!(sum(&usage, "requests"), requests, "{group}");
        let (_, csv) = world.api(&format!("/usage?group={group}"), "text/csv").await;
        assert_eq!(csv_total(&csv), requests, "{group}: {csv}");
    }
}

/// From the ID of a response to its cause, without what nobody may see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_a_request_id_leads_to_the_cause() {
    let world = start().await;
    let crm = world.ann.create_token("CRM", "never").await;
    let (ok, first) =
        world.request("importer/1", "/api/v1/contacts?secret=canary-q", Some(&crm)).await;
    assert_eq!(ok, 200);
    let with_token = format!("/api/v1/contacts/{crm}");
    world.request(&format!("agent {crm}"), &with_token, Some(&crm)).await;
    let (missing, second) = world.request("curl/8", "/api/v1/contacts", None).await;
    assert_eq!(missing, 401);
    let token = world.ann.token_id("CRM").await;
    world.ann.post(&format!("/tokens/{token}/revoke"), &[]).await;
    let (revoked, third) = world.request("importer/1", "/api/v1/contacts", Some(&crm)).await;
    assert_eq!(revoked, 401);
    let all =
        async || world.json("/requests?limit=10").await["items"].as_array().map_or(0, Vec::len);
    eventually("all are logged", async || all().await == 4).await;
    let one = world.json(&format!("/requests/{first}")).await;
    assert_eq!(one["status"], 200, "{one}");
    assert_eq!((&one["path"], &one["from_upstream"]), (&"/api/v1/contacts".into(), &true.into()));
    assert_eq!((&one["client"], &one["token_name"]), (&"importer".into(), &"CRM".into()));
    let one = world.json(&format!("/requests/{second}")).await;
    assert_eq!(
        (&one["code"], &one["outcome"]),
        (&"missing_token".into(), &"unauthenticated".into())
    );
    assert_eq!(one["explanation"], "The request has no Authorization header.");
    let one = world.json(&format!("/requests/{third}")).await;
    assert_eq!((&one["code"], &one["token"]), (&"token_revoked".into(), &token.as_str().into()));
    let failed = world.json("/requests?outcome=failed").await;
    // One is a 404 of the API.
    assert_eq!(failed["items"].as_array().map(Vec::len), Some(2), "{failed}");
    let found = world.json("/requests?text=IMPORTER").await;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(world.api("/requests/req_000000000000000000000000", "*/*").await.0, 404);
    // The page leads from an ID to the request, and names the next step.
    let page = world.ann.get(&format!("/requests?text={third}")).await;
    assert_eq!(page.location.as_deref(), Some(format!("/requests/{third}").as_str()));
    let page = world.ann.get(&format!("/requests/{third}")).await.text;
    assert!(page.contains("token_revoked") && page.contains(&format!("/tokens/{token}/restore")));
    let list = world.ann.get("/requests?outcome=failed").await.text;
    assert!(list.contains("importer") && list.contains("/api/v1/contacts"), "{list}");
    // Neither a query nor a token is anywhere.
    let everything = world.json("/requests").await.to_string();
    for secret in ["canary-q", crm.as_str()] {
        assert!(!everything.contains(secret) && !list.contains(secret));
        let kept = "SELECT count(*) FROM request_log WHERE path LIKE '%canary-q%' OR path LIKE '%kd_a_%' OR client LIKE '%kd_a_%'";
        assert_eq!(world.keydesk.count(kept).await, 0);
    }
    assert_eq!(call(&format!("{}/requests", world.keydesk.console), None).await.status(), 200);
}

/// The answer to a revoked token leads to the page on which it can be replaced, and the console names who sent it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_who_fails_is_named_and_led_to_the_way_out() {
    let world = start().await;
    let crm = world.ann.create_token("CRM", "never").await;
    let token = world.ann.token_id("CRM").await;
    assert_eq!(world.request("importer/1", "/api/v1/contacts", Some(&crm)).await.0, 200);
    world.ann.post(&format!("/tokens/{token}/revoke"), &[]).await;
    for _ in 0..3 {
        assert_eq!(world.request("importer/1", "/api/v1/contacts", Some(&crm)).await.0, 401);
    }
    let url = format!("{}/api/v1/contacts", world.endpoint);
    let rejected = client().build().expect("a client").get(url).bearer_auth(&crm).send().await;
    let problem: Value = rejected.expect("answers").json().await.expect("problem details");
    let way_out = format!("{}/tokens/{token}", world.keydesk.console);
    assert_eq!(problem["renew"], way_out, "{problem}");
    let page = world.ann.get(&format!("/tokens/{token}")).await;
    assert!(page.text.contains(&format!("/tokens/{token}/restore")), "{}", page.text);
    assert!(page.text.contains(&format!("/tokens/new?successor_of={token}")), "{}", page.text);
    let named = async || {
        let found = world.json("/failing-clients").await;
        let items = found["items"].as_array().expect("items");
        let one = items.iter().find(|one| one["client"] == "importer");
        one.is_some_and(|one| {
            let what = (&one["requests"], &one["code"], &one["token_name"]);
            assert!(one["last_accepted_at"].is_string(), "{one}");
            what == (&3.into(), &"token_revoked".into(), &"CRM".into())
        })
    };
    eventually("the client is named", named).await;
    let runs = async || world.ann.get("/api-docs").await.text.contains("1 gateway runs");
    eventually("the gateway has reported", runs).await;
}
