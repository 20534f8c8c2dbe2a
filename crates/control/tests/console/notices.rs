//! Events that nobody causes by a change are recorded once, at the first run of the job after they happened.

use crate::{
    api::Program,
    world::{ANN, Console, PASSWORD, User},
};
use keydesk_control::{Notices, Plans};
use keydesk_model::Plan;
use serde_json::{Value, json};
use std::time::Duration;

/// The events of a type, newest first, each with its object.
async fn events(program: &Program<'_>, kind: &str) -> Vec<Value> {
    let all = program.get("/events?limit=200").await.body;
    let items = all["items"].as_array().expect("a list").clone();
    items.into_iter().filter(|event| event["type"] == kind).collect()
}

async fn run(console: &Console, notices: &mut Notices) {
    notices.record(&console.app).await.expect("records");
    notices.record(&console.app).await.expect("records");
}

async fn reader(ann: &User) -> Program<'_> {
    Program::of(ann, &["webhooks:read", "audit:read"]).await
}

#[tokio::test]
async fn f12_an_expiration_and_a_first_use_are_events() {
    let console = Console::start().await;
    let ann = console.owner();
    let (program, mut notices) = (reader(&ann).await, Notices::default());
    ann.create_token("short", "30d").await;
    let id = ann.token_id("short").await;
    run(&console, &mut notices).await;
    assert!(events(&program, "token.first_used").await.is_empty());

    let at = console.app.now().as_micros();
    for (client, first) in [("curl/8.5.0", at), ("n8n", at + 1)] {
        console
            .sql(&format!(
                "INSERT INTO integration (token_id, client, client_ip, first_used_at, last_used_at, requests) \
                 VALUES ('{id}', '{client}', '203.0.113.7', {first}, {first}, 3)"
            ))
            .await;
    }
    run(&console, &mut notices).await;
    // Another node that has just started records nothing twice.
    run(&console, &mut Notices::default()).await;
    let used = events(&program, "token.first_used").await;
    assert_eq!((used.len(), &used[0]["data"]["object"]), (1, &json!(id)), "{used:?}");
    let audit = program.get("/audit?limit=200").await.body.to_string();
    assert!(audit.contains("curl/8.5.0") && audit.contains("203.0.113.7"), "{audit}");

    assert!(events(&program, "token.expired").await.is_empty());
    console.pass(Duration::from_hours(24 * 32));
    run(&console, &mut notices).await;
    run(&console, &mut Notices::default()).await;
    // The session and the key have ended meanwhile.
    let ann = console.logged_in(ANN).await;
    let program = reader(&ann).await;
    let expired = events(&program, "token.expired").await;
    assert_eq!((expired.len(), &expired[0]["data"]["object"]), (1, &json!(id)), "{expired:?}");
    // Long afterward, the first use is not taken for a new one.
    console.pass(Duration::from_hours(24 * 90));
    run(&console, &mut notices).await;
    let ann = console.logged_in(ANN).await;
    let program = reader(&ann).await;
    let used = events(&program, "token.first_used").await;
    assert_eq!((used.len(), events(&program, "token.expired").await.len()), (1, 1));
}

#[tokio::test]
async fn f12_rejected_requests_are_one_event_a_day_for_each_token_and_reason() {
    let console = Console::start().await;
    let ann = console.owner();
    let (program, mut notices) = (reader(&ann).await, Notices::default());
    ann.create_token("busy", "never").await;
    let id = ann.token_id("busy").await;
    let reject = async |violation: &str, client: &str, rejected: i64| {
        let at = console.app.now().as_micros();
        let day = at / 86_400_000_000;
        let insert = format!(
            "INSERT INTO operation_use (day, token_id, client, operation, violation, requests, rejected, last_used_at) \
             VALUES ({day}, '{id}', '{client}', '', '{violation}', 9, {rejected}, {at})"
        );
        console.sql(&insert).await;
        run(&console, &mut Notices::default()).await;
    };
    reject("rate", "observed", 0).await;
    assert!(events(&program, "rate.limited").await.is_empty(), "observed limits reject nothing");
    reject("rate", "a", 4).await;
    reject("rate", "b", 5).await;
    reject("revoked", "a", 1).await;
    reject("scope", "a", 1).await;
    for kind in ["rate.limited", "token.rejected"] {
        let found = events(&program, kind).await;
        assert_eq!((found.len(), &found[0]["data"]["object"]), (1, &json!(id)), "{kind}");
    }
    console.pass(Duration::from_hours(24));
    reject("rate", "a", 1).await;
    run(&console, &mut notices).await;
    assert_eq!(events(&program, "rate.limited").await.len(), 2);
    assert_eq!(events(&program, "token.rejected").await.len(), 1);
}

#[tokio::test]
async fn f12_a_quota_is_an_event_at_each_threshold() {
    let plan = Plan { name: "free".to_owned(), monthly_quota: Some(1000), ..Plan::default() };
    let plans = Plans { all: vec![plan], default: Some("free".to_owned()) };
    let console = Console::start_with(|settings| settings.plans = plans).await;
    let ann = console.owner();
    let (program, mut notices) = (reader(&ann).await, Notices::default());
    let (number, month) = (console.number, 202_611);
    for (requests, expected) in [(499, 0), (500, 1), (640, 1), (990, 2), (1000, 3), (5000, 3)] {
        let at = console.app.now().as_micros();
        let set = format!(
            "INSERT INTO quota_use (account_number, month, requests, changed_at) VALUES ({number}, {month}, {requests}, {at}) \
             ON CONFLICT (account_number, month) DO UPDATE SET requests = excluded.requests, changed_at = excluded.changed_at"
        );
        console.sql(&set).await;
        run(&console, &mut notices).await;
        let found = events(&program, "quota.threshold").await;
        assert_eq!(found.len(), expected, "{requests}: {found:?}");
        console.pass(Duration::from_secs(30));
    }
    run(&console, &mut Notices::default()).await;
    assert_eq!(events(&program, "quota.threshold").await.len(), 3);
    // Half of it is no reason for an email.
    let mail = ann.get("/mail").await.readable();
    for (percent, mails) in [(50, 0), (80, 1), (100, 1)] {
        let subject = format!("Alert: {percent}% of the quota of Acme is used");
        assert_eq!(mail.matches(&subject).count(), mails, "{percent}: {mail}");
    }
}

/// A token that has been used by one client for a month, and is used by another one from elsewhere.
#[tokio::test]
async fn n10_an_unfamiliar_use_is_reported_and_can_pause_the_token() {
    let console = Console::start().await;
    let ann = console.owner();
    let mut notices = Notices::default();
    let use_it = async |id: &str, client: &str, address: &str| {
        let at = console.app.now().as_micros();
        let insert = format!(
            "INSERT INTO integration (token_id, client, client_ip, first_used_at, last_used_at, requests) \
             VALUES ('{id}', '{client}', '{address}', {at}, {at}, 1)"
        );
        console.sql(&insert).await;
    };
    let mut ids = Vec::new();
    for name in ["off", "observed", "paused", "known network"] {
        ann.create_token(name, "never").await;
        let id = ann.token_id(name).await;
        use_it(&id, "n8n", "203.0.113.7").await;
        ids.push(id);
    }
    console.pass(Duration::from_hours(24 * 8));
    let ann = console.logged_in(ANN).await;
    let choose = async |what: &str| {
        let saved = ann.post("/limits/unfamiliar-use", &[("unfamiliar_use", what)]).await;
        assert_eq!(saved.location.as_deref(), Some("/limits?done=unfamiliar_use_saved"));
    };
    for (id, mode, address) in [
        (&ids[0], "off", "198.51.100.9"),
        (&ids[1], "observe", "198.51.100.9"),
        (&ids[2], "pause", "198.51.100.9"),
        (&ids[3], "pause", "203.0.113.99"),
    ] {
        choose(mode).await;
        use_it(id, "Go-http-client", address).await;
        run(&console, &mut notices).await;
        run(&console, &mut Notices::default()).await;
        // What was unfamiliar while nobody wanted to know is not reported later.
        if mode == "off" {
            console.pass(Duration::from_hours(25));
            notices = Notices::default();
            ann.log_in(ANN, PASSWORD).await;
        }
    }
    let program = reader(&ann).await;
    let found = events(&program, "token.unfamiliar_use").await;
    let objects: Vec<_> = found.iter().map(|event| event["data"]["object"].clone()).collect();
    assert_eq!(objects, [json!(ids[1]), json!(ids[2])], "{found:?}");
    let mail = ann.get("/mail").await.readable();
    assert!(mail.contains("unfamiliar client uses token “observed” in Acme"), "{mail}");
    assert!(mail.contains("token “paused” in Acme was paused"), "{mail}");
    assert!(mail.contains("Go-http-client") && mail.contains("198.51.100.9"), "{mail}");
    let program = Program::of(&ann, &["tokens:write"]).await;
    for (id, state) in ids.iter().zip(["active", "active", "paused", "active"]) {
        let token = program.get(&format!("/tokens/{id}")).await;
        assert_eq!(token.body["state"], state, "{token:?}");
    }
    assert_eq!(ann.post(&format!("/tokens/{}/restore", ids[2]), &[]).await.status, 303);
    // The client is known now, and the restored token is not paused again.
    console.pass(Duration::from_hours(1));
    run(&console, &mut Notices::default()).await;
    let token = program.get(&format!("/tokens/{}", ids[2])).await;
    assert_eq!(token.body["state"], "active", "{token:?}");
}

#[tokio::test]
async fn n10_a_program_chooses_what_happens_at_an_unfamiliar_use() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["limits:write"]).await;
    let merge = ("content-type", "application/merge-patch+json");
    let patch = Some(json!({ "unfamiliar_use": "observe" }));
    let patched = program.send(("PATCH", "/account/limits"), patch, &[merge]).await;
    assert_eq!((patched.status, &patched.body["unfamiliar_use"]), (200, &json!("observe")));
    let wrong = Some(json!({ "unfamiliar_use": "explode" }));
    let refused = program.send(("PATCH", "/account/limits"), wrong, &[merge]).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_field"), "{refused:?}");
    let unknown = ann.post("/limits/unfamiliar-use", &[("unfamiliar_use", "explode")]).await;
    assert_eq!(unknown.status, 422);
}

/// A client of the month below, by its number: where and as what it uses its token on a day.
fn used_on(day: i64, client: usize) -> (String, String) {
    let home = format!("203.0.{client}.7");
    match client {
        // A phone with a dynamic address in the same network, and a laptop between two networks.
        10..15 => ("app".to_owned(), format!("203.0.{client}.{}", day % 200)),
        15..20 if day % 3 == 0 => ("laptop".to_owned(), format!("198.18.{client}.9")),
        15..20 => ("laptop".to_owned(), home),
        // A new client on the same server, and the same client on a new server.
        20..25 if day >= 12 => ("axios".to_owned(), home),
        25..30 if day >= 15 => ("n8n".to_owned(), format!("198.19.{client}.7")),
        _ => ("n8n".to_owned(), home),
    }
}

/// Every planted use by an unknown client from an unknown network is reported, once, and no other change is.
#[tokio::test]
async fn f17_a_month_of_network_changes_reports_those_that_look_like_a_thief() {
    const PLANTED: [(usize, i64); 10] = [
        (0, 8),
        (1, 9),
        (2, 20),
        (10, 14),
        (15, 17),
        (20, 11),
        (21, 25),
        (25, 29),
        (26, 10),
        (40, 19),
    ];
    let console = Console::start().await;
    let mut ann = console.owner();
    let mut tokens = Vec::new();
    for client in 0..50 {
        let name = format!("Client-{client:02}");
        ann.create_token(&name, "never").await;
        tokens.push(ann.id_in(&format!("/tokens?text={name}"), "tok_", &name).await);
    }
    let saved = ann.post("/limits/unfamiliar-use", &[("unfamiliar_use", "observe")]).await;
    assert_eq!(saved.status, 303);
    let mut notices = Notices::default();
    for day in 0..30 {
        for (client, token) in tokens.iter().enumerate() {
            let thief = PLANTED
                .contains(&(client, day))
                .then(|| ("python-requests".to_owned(), format!("192.0.2.{client}")));
            for (name, address) in std::iter::once(used_on(day, client)).chain(thief) {
                let at = console.app.now().as_micros();
                console
                    .sql(&format!(
                        "INSERT INTO integration (token_id, client, client_ip, first_used_at, last_used_at, requests) \
                         VALUES ('{token}', '{name}', '{address}', {at}, {at}, 1) ON CONFLICT DO NOTHING"
                    ))
                    .await;
            }
        }
        run(&console, &mut notices).await;
        run(&console, &mut Notices::default()).await;
        console.pass(Duration::from_hours(24));
    }
    ann = console.logged_in(ANN).await;
    let program = reader(&ann).await;
    let found = events(&program, "token.unfamiliar_use").await;
    let found = found.iter().map(|event| {
        let token = event["data"]["object"].as_str().expect("a token");
        tokens.iter().position(|id| id == token).expect("a client")
    });
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    assert_eq!(found, PLANTED.map(|planted| planted.0));
}
