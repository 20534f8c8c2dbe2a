//! Canary tokens: the gateway rejects them like unknown tokens, and their use raises an alarm.

use crate::{
    integrations::start_keydesk,
    management_api::create_key,
    rights::grants,
    support::{Keydesk, Options, User, call, client, eventually, postgres::Postgres},
};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use reqwest::Response;
use serde_json::Value;

/// Returns a well-formed token that was never created.
fn unknown() -> String {
    let plain = PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(99));
    plain.expose().to_owned()
}

/// Creates a canary token in the console, and returns its ID and the bait.
async fn create_canary(user: &User, name: &str) -> (String, String) {
    let page = user.post("/canaries", &[("name", name)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let bait = page.value("canary-bait-token");
    for form in ["canary-bait-env", "canary-bait-json", "canary-bait-curl"] {
        assert!(page.value(form).contains(&bait), "{form}");
    }
    let list = user.get("/canaries").await.text;
    let row = list.split("<tr").find(|row| row.contains(name)).expect("a row");
    (row[row.find("can_").expect("an ID")..][..36].to_owned(), bait)
}

async fn events(console: &str, key: &str) -> Vec<Value> {
    let url = format!("{console}/api/v1/events?limit=100");
    let response = client().build().expect("a client").get(url).bearer_auth(key).send().await;
    let body: Value = response.expect("answers").json().await.expect("JSON");
    body["items"].as_array().expect("a list").clone()
}

async fn alarms(console: &str, key: &str, canary: &str) -> Vec<Value> {
    let alarm = |event: &Value| event["type"] == "canary.used" && event["data"]["object"] == canary;
    events(console, key).await.into_iter().filter(alarm).collect()
}

/// Everything that a caller can see, except what differs between any two responses.
async fn visible(response: Response) -> (u16, Vec<(String, String)>, String) {
    let status = response.status().as_u16();
    let id = response.headers()["x-request-id"].to_str().expect("text").to_owned();
    let headers = response.headers().iter().filter(|(name, _)| *name != "date");
    let headers = headers
        .map(|(name, value)| {
            (name.to_string(), value.to_str().expect("text").replace(&id, "the request"))
        })
        .collect();
    (status, headers, response.text().await.expect("a body").replace(&id, "the request"))
}

async fn used(url: &str, token: &str) -> Response {
    call(url, Some(&format!("Bearer {token}"))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n10_a_used_canary_token_raises_one_alarm_and_says_nothing_to_its_user() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["canaries:write", "webhooks:read", "audit:read"]).await;
    let (id, bait) = create_canary(&ann, "Old .env file on Bücherregal").await;
    let url = format!("{}/api/v1/contacts?page=canary-query", ann.endpoint_url().await);
    let of_unknown = visible(used(&url, &unknown()).await).await;
    let of_canary = visible(used(&url, &bait).await).await;
    assert_eq!(of_canary, of_unknown);
    assert!(of_canary.2.contains("unknown_token"), "{of_canary:?}");
    eventually("an alarm", async || alarms(&keydesk.console, &key, &id).await.len() == 1).await;
    let alarm = &alarms(&keydesk.console, &key, &id).await[0];
    let observed = &alarm["data"]["observed"];
    assert_eq!(observed["name"], "Old .env file on Bücherregal");
    assert_eq!(observed["method"], "GET");
    assert!(observed["path"].as_str().expect("a path").ends_with("/api/v1/contacts"), "{alarm}");
    assert_eq!(observed["client_ip"], "127.0.0.1");
    assert!(observed["request_id"].is_string() && observed["at"].is_string(), "{alarm}");
    eventually("a mail", async || {
        let mail = ann.get("/mail").await.text;
        mail.contains("Alert: canary token “Old .env file on Bücherregal” was used")
    })
    .await;

    // A flood is collected.
    for _ in 0..50 {
        used(&url, &bait).await;
    }
    let waiting = "SELECT coalesce(sum(uses), 0) FROM canary_use";
    eventually("the uses are reported", async || keydesk.count(waiting).await == 50).await;
    assert_eq!(alarms(&keydesk.console, &key, &id).await.len(), 1);
    keydesk.sql("UPDATE canary SET alarmed_at = alarmed_at - 600000000").await;
    eventually("a summary", async || alarms(&keydesk.console, &key, &id).await.len() == 2).await;
    let both = alarms(&keydesk.console, &key, &id).await;
    let counts: Vec<_> = both.iter().map(|alarm| &alarm["data"]["observed"]["uses"]).collect();
    assert!(counts.iter().any(|uses| **uses == 50), "{counts:?}");
    let page = ann.get("/canaries").await.text;
    assert!(page.contains("51"), "{page}");

    // A removed one is silent. The alarm of the next one shows that all reports have arrived.
    assert_eq!(ann.post(&format!("/canaries/{id}/remove"), &[]).await.status, 303);
    assert_eq!(visible(used(&url, &bait).await).await, of_unknown);
    let (next, other) = create_canary(&ann, "CI secret").await;
    used(&url, &other).await;
    eventually("an alarm", async || alarms(&keydesk.console, &key, &next).await.len() == 1).await;
    assert_eq!(alarms(&keydesk.console, &key, &id).await.len(), 2);
    assert_eq!(keydesk.count(waiting).await, 0);
    for secret in [&bait, &other] {
        assert!(!keydesk.printed().contains(secret.as_str()), "the bait is in the log");
    }
}

/// The gateway of another machine, with the database user of the guide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n10_a_gateway_reports_a_canary_token_with_its_own_database_user() {
    let server = Postgres::start("");
    let database = server.new_database();
    let config = |role: &str, url: &str| {
        format!("role = \"{role}\"\ndatabase_url = \"{url}\"\n[cluster]\nlease_seconds = 2\n")
    };
    let url = server.url(&database);
    let config_of_console = config("console", &url);
    let mut console =
        Keydesk::start_with(&Options { config: config_of_console, ..Options::default() });
    let ann = console.with_account().await;
    let key = create_key(&ann, "/keys", &["webhooks:read", "audit:read"]).await;
    server.ask(&database, "CREATE USER gate");
    server.ask(&database, &grants("gate"));
    let (before, _) = create_canary(&ann, "before the start").await;
    let gateway = Keydesk::start_with(&Options {
        config: config("gateway", &url.replace("://keydesk@", "://gate@")),
        has_account: true,
        ..Options::default()
    });
    let endpoint = ann.endpoint_url().await;
    let number = endpoint.rsplit('/').next().expect("a number").to_owned();
    let path = format!("{}/{number}/api/v1/export", gateway.gateway);
    let (after, bait) = create_canary(&ann, "after the start").await;
    eventually("an alarm", async || {
        assert_eq!(used(&path, &bait).await.status().as_u16() / 100, 4);
        !alarms(&console.console, &key, &after).await.is_empty()
    })
    .await;
    assert!(alarms(&console.console, &key, &before).await.is_empty());
}

/// The OAuth endpoints answer as for any invalid token, and the use raises an alarm too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n10_a_canary_token_at_an_oauth_endpoint_raises_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "a secret of twenty-four letters").expect("writes");
    let config = format!(
        "[[introspection]]\nclient_id = \"billing\"\nclient_secret_file = \"{}\"\n",
        file.display()
    );
    let (keydesk, ann) = start_keydesk(crate::integrations::start_echo().await, &config).await;
    let key = create_key(&ann, "/keys", &["webhooks:read", "audit:read"]).await;
    let (id, bait) = create_canary(&ann, "Wiki page").await;
    let request = client().build().expect("a client");
    let request = request.post(format!("{}/keydesk/oauth/introspect", keydesk.gateway));
    let request = request.basic_auth("billing", Some("a secret of twenty-four letters"));
    let form = [("token", bait.as_str()), ("client_ip", "192.0.2.7")];
    let said: Value =
        request.form(&form).send().await.expect("answers").json().await.expect("JSON");
    assert_eq!(said, serde_json::json!({ "active": false }));
    eventually("an alarm", async || alarms(&keydesk.console, &key, &id).await.len() == 1).await;
    let alarm = &alarms(&keydesk.console, &key, &id).await[0]["data"]["observed"];
    assert_eq!((&alarm["client_ip"], &alarm["client"]), (&"192.0.2.7".into(), &"billing".into()));

    let (id, bait) = create_canary(&ann, "CI secret").await;
    let request = client().build().expect("a client");
    let request = request.post(format!("{}/keydesk/oauth/revoke", keydesk.gateway));
    let response = request.form(&[("token", &bait)]).send().await.expect("answers");
    assert_eq!(response.status(), 200);
    eventually("an alarm", async || alarms(&keydesk.console, &key, &id).await.len() == 1).await;
    let alarm = &alarms(&keydesk.console, &key, &id).await[0]["data"]["observed"];
    assert_eq!(alarm["path"], "/keydesk/oauth/revoke");
}
