//! Webhooks, with a receiver that verifies every delivery with the reference libraries, and the log of events by pull.

mod notices;
mod receiver;

use crate::{
    documents::repository,
    management_api::create_key,
    operators::operator,
    support::{Keydesk, Options, User, eventually},
};
use receiver::{
    Program, Receiver, header, verify_with_openssl, verify_with_python, verify_with_the_guide,
};
use serde_json::{Value, json};
use std::{process::Command, time::Duration};

/// Deliveries may go to this machine, where the receiver is.
const HERE: &str = "[outbound]\nallowed_networks = [\"127.0.0.0/8\"]\n";

async fn started() -> (Keydesk, User, Program) {
    let mut keydesk =
        Keydesk::start_with(&Options { config: HERE.to_owned(), ..Options::default() });
    let ann = keydesk.with_account().await;
    let program = Program::of(&keydesk, &ann).await;
    (keydesk, ann, program)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_every_delivery_is_verified_by_the_reference_libraries() {
    let (keydesk, _ann, program) = started().await;
    let receiver = Receiver::start();
    let (id, secret) =
        program.webhook(&format!("{}/200", receiver.url), &["token.*", "audit.recorded"]).await;
    receiver.knows(&secret).await;
    let token = program.create_token("CRM").await;
    program.post(&format!("/tokens/{token}/revocations"), None).await;
    program.post(&format!("/webhooks/{id}/test"), None).await;
    program.delivery(&id, "webhook.tested", 1).await;
    program.delivery(&id, "token.revoked", 1).await;
    eventually("seven deliveries", || async { receiver.received("/200").await.len() >= 7 }).await;
    let deliveries = receiver.received("/200").await;
    let kinds: Vec<_> = deliveries
        .iter()
        .map(|delivery| {
            let body: Value =
                serde_json::from_str(delivery["body"].as_str().expect("a body")).expect("JSON");
            body["type"].as_str().expect("a type").to_owned()
        })
        .collect();
    for kind in ["token.created", "token.revoked", "webhook.tested", "audit.recorded"] {
        assert!(kinds.iter().any(|found| found == kind), "{kind}: {kinds:?}");
    }
    let public_key = program.get(&format!("/webhooks/{id}")).await["public_key"].clone();
    let public_key = public_key.as_str().expect("a key");
    let published = format!("{}/.well-known/keydesk-webhook-keys", keydesk.console);
    let published: Value = crate::support::call(&published, None).await.json().await.expect("JSON");
    let published =
        published["keys"][0]["x"].as_str().expect("a key").replace('-', "+").replace('_', "/");
    assert_eq!(public_key.trim_end_matches('='), format!("whpk_{published}"));
    for delivery in &deliveries {
        let verified = &delivery["verified"];
        assert_eq!(*verified, json!({ "standardwebhooks": true, "svix": true }), "{delivery}");
        verify_with_openssl(delivery, public_key);
        let body = delivery["body"].as_str().expect("a body");
        assert!(body.len() < 20_000 && header(delivery, "webhook-id").starts_with("msg_"));
        assert!(!body.contains("canary"), "a name is not in a thin event");
    }
    verify_with_python(&deliveries, &secret);
    verify_with_the_guide(&deliveries[0], public_key);
    assert!(!keydesk.printed().contains(&secret), "no secret is logged");
    // Each names the one before.
    let mut numbers: Vec<(i64, i64)> = deliveries
        .iter()
        .map(|delivery| {
            let number = |name: &str| header(delivery, name).parse().expect("a number");
            (number("keydesk-previous-seq"), number("keydesk-seq"))
        })
        .collect();
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{numbers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_both_secrets_sign_for_a_day_after_a_rotation() {
    let (_keydesk, _ann, program) = started().await;
    let receiver = Receiver::start();
    let (id, old) = program.webhook(&format!("{}/204", receiver.url), &["token.created"]).await;
    let rotated = program.post(&format!("/webhooks/{id}/secret/rotations"), None).await;
    let new = rotated["secret"].as_str().expect("a secret");
    assert!(rotated["webhook"]["previous_secret_expires_at"].is_string(), "{rotated}");
    assert_ne!(old, new);
    program.create_token("CRM").await;
    program.delivery(&id, "token.created", 1).await;
    let deliveries = receiver.received("/204").await;
    for secret in [old.as_str(), new] {
        verify_with_python(&deliveries, secret);
    }
}

/// What each receiver does, and what the log then says: the status or the error, and the state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_the_log_tells_what_each_receiver_answered() {
    let token = "kd_u_";
    let (keydesk, ann, program) = started().await;
    let bearer = ann.bearer_token().await;
    assert!(bearer.starts_with(token));
    let receiver = Receiver::start_with_echo(&format!("you sent {bearer}"));
    let mut hooks = Vec::new();
    for path in ["/204", "/301", "/410", "/429", "/500", "/cut", "/big", "/echo", "/hang"] {
        let (id, _) = program.webhook(&format!("{}{path}", receiver.url), &["token.created"]).await;
        hooks.push((path, id));
    }
    program.create_token("CRM").await;
    for (path, id) in &hooks {
        let found = program.delivery(id, "token.created", 1).await;
        let (attempt, state) = (&found["attempts"][0], found["delivery"]["state"].clone());
        let (status, response) = (attempt["status"].as_u64(), attempt["response"].clone());
        let expected = match *path {
            "/204" => (Some(204), "succeeded"),
            "/big" => (Some(200), "succeeded"),
            "/301" => (Some(301), "pending"),
            "/410" => (Some(410), "failed"),
            "/429" => (Some(429), "pending"),
            "/500" | "/echo" => (Some(500), "pending"),
            _ => (None, "pending"),
        };
        assert_eq!((status, state.as_str()), (expected.0, Some(expected.1)), "{path}: {found}");
        assert!(response.as_str().is_some_and(|text| text.len() <= 1024), "{path}");
        match *path {
            "/500" => assert_eq!(response, "broken, no authorization"),
            "/echo" => assert_eq!(response, "you sent [token]"),
            "/hang" => assert_eq!(attempt["error"], "no answer in time"),
            "/cut" => assert!(attempt["error"].is_string(), "{attempt}"),
            _ => {}
        }
    }
    assert!(!keydesk.printed().contains(&bearer), "no token is logged");
    assert!(receiver.received("/200").await.is_empty(), "no redirect is followed");
    let state = async |path: &str| {
        let (_, id) = hooks.iter().find(|(of, _)| *of == path).expect("a hook");
        program.get(&format!("/webhooks/{id}")).await
    };
    let gone = state("/410").await;
    assert_eq!((&gone["state"], &gone["disabled_reason"]), (&json!("disabled"), &json!("gone")));
    let mail = ann.get("/mail").await.text;
    assert!(mail.contains("was disabled") && mail.contains("410 Gone"), "{mail}");
    assert_eq!(state("/500").await["state"], "active");
    // An hour, as the receiver asked.
    let (_, throttled) = hooks.iter().find(|(of, _)| *of == "/429").expect("a hook");
    let delivery = program.delivery(throttled, "token.created", 1).await;
    let next = delivery["delivery"]["next_attempt_at"].as_str().expect("an instant").to_owned();
    let next: jiff::Timestamp = next.parse().expect("an instant");
    let wait = next.as_second() - jiff::Timestamp::now().as_second();
    assert!((3_400..=3_700).contains(&wait), "{wait}");
}

/// A redelivery keeps the ID, is one attempt, and changes nothing for the endpoint; a pause holds events back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_events_are_sent_again_on_demand_and_wait_through_a_pause() {
    let (_keydesk, ann, program) = started().await;
    let receiver = Receiver::start();
    let url = |path: &str| format!("{}{path}", receiver.url);
    let (id, _) = program.webhook(&url("/500"), &["token.created"]).await;
    program.create_token("first").await;
    let first = program.delivery(&id, "token.created", 1).await;
    let failing = program.get(&format!("/webhooks/{id}")).await["failing_since"].clone();
    assert!(failing.is_string(), "{failing}");
    let changed = json!({ "url": url("/200") });
    assert_eq!(program.send("PATCH", &format!("/webhooks/{id}"), Some(changed)).await.0, 200);
    let delivery = first["delivery"]["id"].as_str().expect("an ID");
    program.post(&format!("/webhooks/{id}/deliveries/{delivery}/redeliver"), None).await;
    eventually("it arrives", || async { !receiver.received("/200").await.is_empty() }).await;
    let again = receiver.received("/200").await;
    assert_eq!(first["message_id"], header(&again[0], "webhook-id"));
    eventually("it is recorded", || async {
        let all = program.deliveries(&id).await;
        all.iter().any(|one| one["redelivery"] == true && one["state"] == "succeeded")
    })
    .await;
    let after = program.get(&format!("/webhooks/{id}")).await["failing_since"].clone();
    assert_eq!(after, failing, "a redelivery is no recovery");
    program.post(&format!("/webhooks/{id}/pause"), None).await;
    program.create_token("second").await;
    let waiting = async || {
        let all = program.deliveries(&id).await;
        all.iter().filter(|one| one["state"] == "pending" && one["attempts"] == 0).count()
    };
    eventually("it waits", || async { waiting().await == 1 }).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!((waiting().await, receiver.received("/200").await.len()), (1, 1));
    program.post(&format!("/webhooks/{id}/resumption"), None).await;
    eventually("it arrives", || async { receiver.received("/200").await.len() >= 2 }).await;
    let page = ann.get(&format!("/webhooks/{id}")).await.text;
    assert!(page.contains("Sent again") && page.contains("Delivered"), "{page}");
}

/// Each event comes at least once through kill -9 and a receiver that fails, none is invented, and the log by pull is
/// complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_no_event_is_lost_through_crashes_and_the_chain_closes() {
    let (mut keydesk, _ann, mut program) = started().await;
    let receiver = Receiver::start();
    let (id, _) = program.webhook(&format!("{}/second", receiver.url), &["token.created"]).await;
    let mut tokens = Vec::new();
    for round in 0..4_u64 {
        for number in 0..10 {
            tokens.push(program.create_token(&format!("{round}-{number}")).await);
        }
        tokio::time::sleep(Duration::from_millis(round * 170)).await;
        let config = HERE.to_owned();
        keydesk.kill_and_restart(&Options { has_account: true, config, ..Options::default() });
        program.console.clone_from(&keydesk.console);
    }
    eventually("all are delivered", || async {
        let all = program.deliveries(&id).await;
        all.len() == 40 && all.iter().all(|delivery| delivery["state"] == "succeeded")
    })
    .await;
    let mut objects: Vec<_> = receiver
        .received("/second")
        .await
        .iter()
        .map(|delivery| {
            let body: Value =
                serde_json::from_str(delivery["body"].as_str().expect("a body")).expect("JSON");
            body["data"]["object"].as_str().expect("an ID").to_owned()
        })
        .collect();
    objects.sort();
    objects.dedup();
    tokens.sort();
    assert_eq!(objects, tokens);
    let output = Command::new("python3")
        .arg(repository().join("tests/clients/events.py"))
        .env("KEYDESK_URL", &keydesk.console)
        .env("KEYDESK_KEY", &program.key)
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("none missing"), "{said}{errors}");
}

/// Neither a slow endpoint delays another, nor so many that they take all attempts of the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_a_slow_endpoint_delays_no_other() {
    delays_no_other(1, 8).await;
    delays_no_other(4, 28).await;
}

/// `most` is the number of events that the slow endpoints may have in hand together.
async fn delays_no_other(slow: usize, most: usize) {
    let (_keydesk, _ann, program) = started().await;
    let receiver = Receiver::start();
    for _ in 0..slow {
        program.webhook(&format!("{}/hang", receiver.url), &["token.created"]).await;
    }
    let (fast, _) = program.webhook(&format!("{}/200", receiver.url), &["token.created"]).await;
    for number in 0..30 {
        program.create_token(&number.to_string()).await;
    }
    eventually("the fast one has all", || async {
        let all = program.deliveries(&fast).await;
        all.len() == 30 && all.iter().all(|delivery| delivery["state"] == "succeeded")
    })
    .await;
    let hanging = receiver.received("/hang").await.len();
    assert!(hanging <= most, "{hanging} at once to {slow} slow endpoints");
}

/// What waits for an endpoint when it is disabled is not sent later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_a_disabled_endpoint_receives_no_earlier_events_when_it_is_resumed() {
    let (keydesk, _ann, program) = started().await;
    let receiver = Receiver::start();
    let (id, _) = program.webhook(&format!("{}/410", receiver.url), &["token.created"]).await;
    keydesk.sql("UPDATE webhook SET throttled_until = 9000000000000000").await;
    for number in 0..3 {
        program.create_token(&number.to_string()).await;
    }
    eventually("they wait", || async { program.deliveries(&id).await.len() == 3 }).await;
    keydesk
        .sql(
            "UPDATE delivery SET next_at = 9000000000000000 WHERE id <> (SELECT min(id) FROM delivery)",
        )
        .await;
    keydesk.sql("UPDATE webhook SET throttled_until = NULL").await;
    eventually("it is disabled", || async {
        program.get(&format!("/webhooks/{id}")).await["state"] == "disabled"
    })
    .await;
    program.post(&format!("/webhooks/{id}/resumption"), None).await;
    let states: Vec<_> = program.deliveries(&id).await;
    assert!(states.iter().all(|delivery| delivery["state"] == "failed"), "{states:?}");
    let waiting = "SELECT count(*) FROM delivery WHERE next_at IS NOT NULL";
    assert_eq!(keydesk.count(waiting).await, 0);
}

/// Audit entries say more than events, so they require the scope of the audit log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_audit_entries_require_the_scope_of_the_audit_log() {
    let (keydesk, ann, program) = started().await;
    let narrow = create_key(&ann, "/keys", &["webhooks:write"]).await;
    let narrow = Program { console: keydesk.console.clone(), key: narrow };
    let hook = |events: &str| json!({ "name": "x", "url": "https://hooks.example.com/", "events": [events] });
    let (status, problem) = narrow.send("POST", "/webhooks", Some(hook("audit.recorded"))).await;
    assert_eq!((status, &problem["code"]), (403, &json!("scope_required")), "{problem}");
    let (id, _) = narrow.webhook("https://hooks.example.com/", &["*"]).await;
    let at = format!("/webhooks/{id}");
    let (status, problem) = narrow.send("PATCH", &at, Some(hook("audit.recorded"))).await;
    assert_eq!((status, &problem["code"]), (403, &json!("scope_required")), "{problem}");
    assert_eq!(program.send("PATCH", &at, Some(hook("audit.recorded"))).await.0, 200);
    let (events, all) = (narrow.get("/events").await, program.get("/events").await);
    assert!(!events.to_string().contains("detail_json"), "{events}");
    assert!(all["items"][0]["entry"]["detail_json"].is_string(), "{all}");
    assert_eq!(events["items"][0]["data"], all["items"][0]["data"]);
    let long = format!("https://hooks.example.com/{}", "x".repeat(2000));
    let body = json!({ "name": "x", "url": long, "events": ["*"] });
    let (status, problem) = narrow.send("POST", "/webhooks", Some(body)).await;
    assert_eq!((status, &problem["code"]), (422, &json!("url_too_long")), "{problem}");
}

/// Addresses that aren't public are refused when they are saved, and names that lead there when they are connected to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_no_private_address_is_connected_to() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let program = Program::of(&keydesk, &ann).await;
    let receiver = Receiver::start();
    let port = receiver.url.rsplit(':').next().expect("a port").to_owned();
    for (url, code) in [
        (receiver.url.clone(), "webhook_url_not_https"),
        (format!("https://127.0.0.1:{port}/"), "webhook_address_not_public"),
        ("https://[::1]/".to_owned(), "webhook_address_not_public"),
        ("https://2130706433/".to_owned(), "webhook_address_not_public"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "webhook_address_not_public"),
        ("https://hooks.example.com:22/".to_owned(), "webhook_port_not_allowed"),
        ("https://ann:secret@hooks.example.com/".to_owned(), "webhook_url_credentials"),
        ("hooks".to_owned(), "invalid_webhook_url"),
    ] {
        let body = json!({ "name": "x", "url": url, "events": ["*"] });
        let (status, problem) = program.send("POST", "/webhooks", Some(body)).await;
        assert_eq!((status, &problem["code"]), (422, &json!(code)), "{url}");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem}");
    }
    let (id, _) = program.webhook("https://localhost/", &["token.created"]).await;
    program.create_token("CRM").await;
    let found = program.delivery(&id, "token.created", 1).await;
    assert_eq!(found["attempts"][0]["error"], "its address is not public", "{found}");
}

/// An endpoint of the instance receives the events of all accounts, and an account those of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_an_operator_receives_the_events_of_all_accounts() {
    let (keydesk, _ann, program) = started().await;
    let receiver = Receiver::start();
    let otto = operator(&keydesk, "otto@vendor.example").await;
    let key = create_key(&otto, "/operator/keys", &["webhooks:write", "accounts:write"]).await;
    let operator = Program { console: keydesk.console.clone(), key };
    let (id, _) =
        operator.webhook(&format!("{}/200", receiver.url), &["account.*", "token.created"]).await;
    let (own, _) = program.webhook(&format!("{}/204", receiver.url), &["*"]).await;
    let account = json!({ "name": "Beta", "owner": "bea@beta.example" });
    operator.post("/accounts", Some(account)).await;
    program.create_token("CRM").await;
    operator.delivery(&id, "account.created", 1).await;
    operator.delivery(&id, "token.created", 1).await;
    program.delivery(&own, "token.created", 1).await;
    let bodies: Vec<_> = receiver.received("/204").await;
    assert!(bodies.iter().all(|body| !body.to_string().contains("account.created")), "{bodies:?}");
    let all = operator.get("/instance/events?limit=1000").await;
    let numbers: Vec<_> = all["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| &one["data"]["audit_entry"])
        .collect();
    let expected: Vec<_> = (1..=numbers.len()).map(|number| json!(number)).collect();
    assert_eq!(numbers, expected.iter().collect::<Vec<_>>(), "no gap");
    assert_eq!(program.send("GET", &format!("/webhooks/{id}"), None).await.0, 404);
    assert_eq!(operator.send("GET", &format!("/webhooks/{own}"), None).await.0, 404);
}
