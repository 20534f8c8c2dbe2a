//! Reports of leaked secrets: whose report is accepted, what it does to each kind of secret, and who is told.

use crate::world::{ANN, Console, PASSWORD, Page, User};
use axum::{Json, Router, http::Method, routing::get};
use keydesk_control::{KeySource, PartnerToken, SecretScanning, rotate_own_token};
use keydesk_model::{GracePeriod, Origin, Role, RotationTerms};
use keydesk_token::PlainToken;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Two reports that GitHub signed, from the tests of others and from its documentation, with the keys of their time.
const REAL: [(&str, &str, &str, &str); 2] = [
    (
        "90a421169f0a406205f1563a953312f0be898d3c7b6c06b681aa86a874555f4a",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq\nkCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==",
        "MEQCIAfgjgz6Ou/3DXMYZBervz1TKCHFsvwMcbuJhNZse622AiAG86/cku2XdcmFWNHl2WSJi2fkE8t+auvB24eURaOd2A==",
        r#"[{"type":"github_oauth_token","token":"cb4985f91f740272c0234202299f43808034d7f5","url":" https://github.com/github/faketestrepo/blob/b0dd59c0b500650cacd4551ca5989a6194001b10/production.env"}]"#,
    ),
    (
        "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==",
        "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==",
        r#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#,
    ),
];
const OWN: &str = "our own key";
const SHARED: &str = "canary-shared-with-gitlab";

/// A service that publishes its keys and signs reports.
struct Service {
    key: EcdsaKeyPair,
    url: String,
    fetches: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl Service {
    async fn start() -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).expect("a key");
        let header = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let public = [&hex::decode(header).expect("hex"), key.public_key().as_ref()].concat();
        let mut keys = vec![(OWN, base64(&public))];
        keys.extend(REAL.iter().map(|(id, key, ..)| (*id, (*key).to_owned())));
        let pem =
            |body: &str| format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        let all: Vec<Value> = keys
            .iter()
            .map(|(id, key)| json!({ "key_identifier": id, "key": pem(key), "is_current": *id == OWN }))
            .collect();
        let (fetches, is_down) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, down) = (Arc::clone(&fetches), Arc::clone(&is_down));
        let keys = get(async move || {
            count.fetch_add(1, Ordering::Relaxed);
            if down.load(Ordering::Relaxed) {
                return Err(axum::http::StatusCode::FORBIDDEN);
            }
            Ok(Json(json!({ "public_keys": all })))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let router = Router::new().route("/keys", keys);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { key, url, fetches, is_down }
    }

    /// A console that is registered with the service, in all three ways.
    async fn console(&self) -> Console {
        let source = || Some(KeySource { url: self.url.clone(), token: None });
        let scanning = SecretScanning {
            github: source(),
            gitlab: source(),
            gitlab_revocation: Some(PartnerToken::new(SHARED.to_owned().into())),
        };
        Console::start_with(|settings| settings.secret_scanning = scanning).await
    }

    fn sign(&self, body: &str) -> String {
        base64(self.key.sign(&SystemRandom::new(), body.as_bytes()).expect("signs").as_ref())
    }

    /// Reports secrets as GitHub does.
    async fn report(&self, console: &Console, secrets: &[&str]) -> Page {
        let items: Vec<_> = secrets
            .iter()
            .map(|token| json!({ "token": token, "type": "kd_token", "url": PLACE, "source": "content" }))
            .collect();
        let body = Value::from(items).to_string();
        send(&console.anonymous(), ("Github", OWN, &self.sign(&body)), &body).await
    }
}

const PLACE: &str = "https://github.com/acme/website/blob/0a1b2c/.env";

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}

async fn send(user: &User, (service, key, signature): (&str, &str, &str), body: &str) -> Page {
    let path = format!("/secret-scanning/{}", service.to_lowercase());
    let (id, proof) =
        (format!("{service}-Public-Key-Identifier"), format!("{service}-Public-Key-Signature"));
    let headers = [(id.as_str(), key), (&proof, signature), ("content-type", "application/json")];
    user.send_plain(Method::POST, &path, body.to_owned(), &headers).await
}

pub fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn labels(page: &Page) -> Vec<String> {
    let body: Value = serde_json::from_str(&page.text).expect("JSON");
    let items = body.as_array().expect("a list");
    items.iter().map(|item| item["label"].as_str().expect("a label").to_owned()).collect()
}

/// The states of tokens, as the console returns them, given their digests.
pub async fn states(console: &Console, tokens: &[&str]) -> Vec<String> {
    let digests: Vec<_> = tokens.iter().map(|token| digest(token)).collect();
    let body = json!({ "digests": digests }).to_string();
    let headers = [("content-type", "application/json")];
    let page = console
        .anonymous()
        .send_plain(Method::POST, "/secret-scanning/check", body, &headers)
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    let body: Value = serde_json::from_str(&page.text).expect("JSON");
    let secrets = body["secrets"].as_array().expect("a list");
    secrets.iter().map(|one| one["state"].as_str().expect("a state").to_owned()).collect()
}

/// The mails about something that leaked, newest first.
pub async fn alerts(user: &User) -> Vec<String> {
    let page = user.get("/mail").await.readable();
    page.split("Alert: ").skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn f13_reports_that_github_really_signed_are_accepted_and_every_change_of_them_is_refused() {
    let service = Service::start().await;
    let console = service.console().await;
    let anyone = console.anonymous();
    for (id, _, signature, body) in REAL {
        let page = send(&anyone, ("Github", id, signature), body).await;
        assert_eq!((page.status, labels(&page)), (200, vec!["false_positive".to_owned()]));
        let other = REAL.iter().find(|real| real.0 != id).expect("another key").0;
        let mut bit = base64_decoded(signature);
        bit[20] ^= 1;
        for (key, signature, body) in [
            (id, signature, body.replace("token\"", "Token\"")),
            (id, signature, format!("{body}\n")),
            (id, signature, String::new()),
            (id, base64(&bit).as_str(), body.to_owned()),
            (id, "", body.to_owned()),
            (id, "no base64!", body.to_owned()),
            (other, signature, body.to_owned()),
            ("unknown", signature, body.to_owned()),
        ] {
            let page = send(&anyone, ("Github", key, signature), &body).await;
            let expected: &[u16] = if key == "unknown" { &[401, 503] } else { &[401] };
            assert!(expected.contains(&page.status), "{key} {signature}: {}", page.text);
        }
    }
    let headers = [("content-type", "application/json")];
    let unsigned =
        anyone.send_plain(Method::POST, "/secret-scanning/github", "[]".into(), &headers);
    assert_eq!(unsigned.await.status, 400);
    for (body, status) in [("[]", 200), ("{}", 400), ("no JSON", 400), ("[1]", 400), ("[{}]", 400)]
    {
        let page = send(&anyone, ("Github", OWN, &service.sign(body)), body).await;
        assert_eq!(page.status, status, "{body}: {}", page.text);
    }
    let large = "x".repeat(9 * 1024 * 1024);
    let page = send(&anyone, ("Github", OWN, "sig"), &large).await;
    assert_eq!(page.status, 413, "{}", page.text);
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(text).expect("base64")
}

#[tokio::test]
async fn f13_keys_are_kept_for_a_day_and_invented_ones_cause_no_requests() {
    let service = Service::start().await;
    let console = service.console().await;
    let anyone = console.anonymous();
    let fetches = || service.fetches.load(Ordering::Relaxed);
    let signature = service.sign("[]");
    let ask = async |key: &str| send(&anyone, ("Github", key, &signature), "[]").await.status;
    for _ in 0..3 {
        assert_eq!((ask(OWN).await, fetches()), (200, 1));
    }
    // An unknown key may be new: the service is asked again, but not for each request.
    for _ in 0..3 {
        assert_eq!((ask("new").await, fetches()), (503, 1));
    }
    console.pass(Duration::from_secs(61));
    assert_eq!((ask("new").await, fetches()), (401, 2));
    assert_eq!((ask("new").await, fetches()), (503, 2));
    assert_eq!((ask(OWN).await, fetches()), (200, 2));
    console.pass(Duration::from_hours(25));
    assert_eq!((ask(OWN).await, fetches()), (200, 3));
    // While the service is down, the keys that it published last apply.
    service.is_down.store(true, Ordering::Relaxed);
    console.pass(Duration::from_hours(25));
    assert_eq!((ask(OWN).await, fetches()), (200, 4));
    assert_eq!((ask(OWN).await, fetches()), (200, 4));
    console.pass(Duration::from_secs(61));
    assert_eq!((ask("new").await, fetches()), (503, 5));
}

#[tokio::test]
async fn f13_a_service_with_which_nobody_is_registered_finds_nothing() {
    let console = Console::start().await;
    let anyone = console.anonymous();
    for service in ["Github", "Gitlab"] {
        assert_eq!(send(&anyone, (service, "key", "sig"), "[]").await.status, 404);
    }
    let types = anyone.get("/secret-scanning/gitlab/v1/revocable_token_types").await;
    assert_eq!(types.status, 404, "{}", types.text);
}

#[tokio::test]
async fn f13_a_leaked_token_is_revoked_for_good_and_its_owners_get_the_way_to_a_successor() {
    let service = Service::start().await;
    let console = service.console().await;
    let ann = console.owner();
    let dora = console.joined("dora@acme.example", Role::Developer).await;
    let token = dora.create_token("Müller sync", "90d").await;
    let id = ann.token_id("Müller sync").await;
    let networks =
        [("scope", "contacts:read"), ("ip_allowlist", "203.0.113.0/24"), ("mode", "enforce")];
    assert_eq!(ann.post(&format!("/tokens/{id}/limits"), &networks).await.status, 303);
    assert_eq!(states(&console, &[&token]).await, ["active"]);

    let unknown = format!("{}{}", &token[..5], &"A".repeat(38));
    let page = service.report(&console, &[&token, &unknown, &token, "rubbish"]).await;
    let expected = ["true_positive", "false_positive", "true_positive", "false_positive"];
    assert_eq!((page.status, labels(&page)), (200, expected.map(str::to_owned).to_vec()));
    let body: Value = serde_json::from_str(&page.text).expect("JSON");
    assert_eq!(
        (&body[0]["token_hash"], &body[0]["token_type"]),
        (&json!(digest(&token)), &json!("kd_token"))
    );
    assert!(!page.text.contains(&token));
    assert_eq!(states(&console, &[&token]).await, ["revoked"]);
    let list = ann.get("/tokens?state=inactive").await.readable();
    assert!(list.contains("Müller sync") && list.contains("Leaked"), "{list}");
    assert!(list.contains("Create replacement"), "{list}");

    // The owner and the developer who created it are told, once each.
    let alerts_now = alerts(&ann).await;
    assert_eq!(alerts_now.len(), 2, "{alerts_now:?}");
    let mail = &alerts_now[0];
    for part in [
        "token “Müller sync” in Acme has leaked and was revoked",
        "Reported by: GitHub secret scanning",
        PLACE,
        "Rejected by every gateway as of:",
        "/receipts/",
        "It has never been used.",
        "none in the last 30 days",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert!(!mail.contains(&token));
    let again = service.report(&console, &[&token]).await;
    assert_eq!(labels(&again), ["true_positive"]);
    assert_eq!(alerts(&ann).await.len(), 2, "a second report tells nobody");

    // It never comes back.
    assert_eq!(ann.post(&format!("/tokens/{id}/restore"), &[]).await.status, 409);
    creates_its_successor(&ann, &id).await;
    assert!(!String::from_utf8_lossy(&console.stored()).contains(&token), "the token is stored");
}

/// One click to the successor, with the same name, scopes, lifetime, and IP addresses.
async fn creates_its_successor(ann: &User, id: &str) {
    let form = ann.get(&format!("/tokens/new?successor_of={id}")).await;
    let text = form.readable();
    assert!(
        text.contains("Replacement for “Müller sync”") && text.contains("203.0.113.0/24"),
        "{text}"
    );
    assert!(form.text.contains("value=\"Müller sync\""), "{}", form.text);
    assert!(form.text.contains("value=\"contacts:read\" checked"), "{}", form.text);
    assert!(form.text.contains("value=\"90d\" checked"), "{}", form.text);
    let fields = [
        ("name", "Müller sync"),
        ("scope", "contacts:read"),
        ("expires", "90d"),
        ("successor_of", id),
    ];
    let made = ann.post("/tokens", &fields).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let successor = ann.token_id("Müller sync").await;
    assert_ne!(successor, id);
    let limits = ann.get(&format!("/tokens/{successor}/limits")).await.readable();
    assert!(limits.contains("203.0.113.0/24"), "{limits}");
}

#[tokio::test]
async fn f13_a_leaked_bearer_token_is_replaced_and_the_operator_is_told_too() {
    let service = Service::start().await;
    let console = service.console().await;
    let (ann, dora) = (console.owner(), console.joined("dora@acme.example", Role::Developer).await);
    console.add_operator("olga@keydesk.example").await;
    let bearer = dora.bearer_token().await;
    assert_eq!(labels(&service.report(&console, &[&bearer]).await), ["true_positive"]);
    let next = dora.bearer_token().await;
    assert_ne!(bearer, next);
    assert_eq!(states(&console, &[&bearer, &next]).await, ["revoked", "active"]);
    // Ann is the owner and an operator; she gets one.
    let told = alerts(&ann).await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("The member already has a new bearer token."), "{}", told[0]);
    // Who reports their own token again and again doesn't fill the operators' mailboxes.
    service.report(&console, &[&next]).await;
    assert_eq!(alerts(&ann).await.len(), 5, "the owner and the member, but not the operator again");
}

#[tokio::test]
async fn f13_a_leaked_previous_secret_leaves_the_current_one_working() {
    let service = Service::start().await;
    let console = service.console().await;
    let ann = console.owner();
    let old = ann.create_token("CRM", "never").await;
    let id = ann.token_id("CRM").await;
    let rotate = [("grace_period", "24h"), ("version", "1")];
    let page = ann.post(&format!("/tokens/{id}/rotate"), &rotate).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let new = page.value("new-token");
    assert_eq!(states(&console, &[&old, &new]).await, ["active", "active"]);
    service.report(&console, &[&old]).await;
    assert_eq!(states(&console, &[&old, &new]).await, ["revoked", "active"]);
    let mail = &alerts(&ann).await[0];
    assert!(mail.contains("Only the previous secret leaked."), "{mail}");
    service.report(&console, &[&new]).await;
    assert_eq!(states(&console, &[&old, &new]).await, ["revoked", "revoked"]);
}

#[tokio::test]
async fn f13_a_revocation_that_could_be_undone_is_permanent_after_a_report() {
    let service = Service::start().await;
    let console = service.console().await;
    let ann = console.owner();
    for (name, how) in [("revoked", ""), ("paused", "pause")] {
        let token = ann.create_token(name, "never").await;
        let id = ann.token_id(name).await;
        let page = ann.post(&format!("/tokens/{id}/revoke"), &[("how", how)]).await;
        assert_eq!(page.status, 303, "{name}: {}", page.text);
        assert_eq!(states(&console, &[&token]).await, ["restorable"]);
        assert_eq!(labels(&service.report(&console, &[&token]).await), ["true_positive"]);
        let restored = ann.post(&format!("/tokens/{id}/restore"), &[]).await;
        assert_eq!(restored.status, 409, "{name}: {}", restored.text);
    }
    // One that expired, and one that nobody can restore: nothing changes, and nobody is notified.
    let told = alerts(&ann).await.len();
    let expired = ann.create_token("short", "30d").await;
    let revoked = ann.create_token("dead", "never").await;
    let id = ann.token_id("dead").await;
    ann.post(&format!("/tokens/{id}/revoke"), &[]).await;
    console.pass(Duration::from_hours(24 * 40));
    ann.log_in(ANN, PASSWORD).await;
    assert_eq!(states(&console, &[&expired, &revoked]).await, ["expired", "revoked"]);
    let labels = labels(&service.report(&console, &[&expired, &revoked]).await);
    assert_eq!(labels, ["true_positive", "true_positive"]);
    assert_eq!(alerts(&ann).await.len(), told);
}

#[tokio::test]
async fn f13_leaked_management_keys_and_canary_tokens_raise_alarms() {
    let service = Service::start().await;
    let console = service.console().await;
    let ann = console.owner();
    let form = [("name", "deploy"), ("expires", "90d"), ("scope", "tokens:read")];
    let key = ann.post("/keys", &form).await.value("new-key");
    let canary = ann.post("/canaries", &[("name", "Old .env")]).await.value("canary-bait-token");
    assert_eq!(states(&console, &[&key, &canary]).await, ["active", "unknown"]);
    // The check has found the canary token first, which doesn't hide the report.
    assert_eq!(labels(&service.report(&console, &[&key, &canary]).await), ["true_positive"; 2]);
    assert_eq!(states(&console, &[&key, &canary]).await, ["revoked", "unknown"]);
    service.report(&console, &[&canary]).await;
    let told = alerts(&ann).await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told.iter().any(|mail| mail.contains("management key “deploy” has leaked")),
        "{told:?}"
    );
    assert!(told.iter().any(|mail| mail.contains("canary token “Old .env” was found")), "{told:?}");
    console.pass(Duration::from_mins(11));
    service.report(&console, &[&canary]).await;
    let told = alerts(&ann).await;
    assert!(told.len() == 4 && told[0].contains("GitHub secret scanning"), "{told:?}");
    let audit = ann.get("/audit").await.readable();
    for event in ["Canary token found", "Leaked management key revoked"] {
        assert!(audit.contains(event), "{event}: {audit}");
    }
}

#[tokio::test]
async fn f13_gitlab_reports_by_signature_or_with_the_shared_token() {
    let service = Service::start().await;
    let console = service.console().await;
    let (ann, anyone) = (console.owner(), console.anonymous());
    let (first, second) =
        (ann.create_token("first", "never").await, ann.create_token("second", "never").await);
    let body =
        json!([{ "type": "kd_token", "token": first, "url": "https://gitlab.com/a" }]).to_string();
    let page = send(&anyone, ("Gitlab", OWN, &service.sign(&body)), &body).await;
    assert_eq!((page.status, labels(&page)), (200, vec!["true_positive".to_owned()]));

    let types = "/secret-scanning/gitlab/v1/revocable_token_types";
    let revoke = "/secret-scanning/gitlab/v1/revoke_tokens";
    let items = json!([{ "type": "gitleaks_rule_id_kd-token", "token": second, "location": "https://git.acme.example/x" }]);
    for (authorization, status) in [("", 401), ("wrong", 401), (SHARED, 200)] {
        let page = anyone.get_with(types, &[("authorization", authorization)]).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    let page = anyone.get_with(types, &[("authorization", SHARED)]).await;
    assert_eq!(page.text, r#"{"types":["gitleaks_rule_id_kd-token"]}"#);
    for (authorization, status) in [("wrong", 401), (SHARED, 204), (SHARED, 204)] {
        let headers = [("authorization", authorization), ("content-type", "application/json")];
        let page = anyone.send_plain(Method::POST, revoke, items.to_string(), &headers).await;
        assert_eq!(page.status, status, "{}", page.text);
    }
    assert_eq!(states(&console, &[&first, &second]).await, ["revoked", "revoked"]);
    assert!(alerts(&ann).await[0].contains("https://git.acme.example/x"));
}

/// A thief could use a secret to rotate the token, so the next secret is theirs.
#[tokio::test]
async fn f13_a_token_that_has_rotated_itself_since_is_revoked_with_its_new_secret() {
    let service = Service::start().await;
    let console = service.console().await;
    let ann = console.owner();
    for (name, grace_period, hours, expected) in [
        ("without grace", GracePeriod::None, 1, "revoked"),
        ("with grace", GracePeriod::OneDay, 0, "revoked"),
        ("long ago", GracePeriod::None, 25, "active"),
        ("long ago, and again since", GracePeriod::None, 25, "active"),
    ] {
        ann.log_in(ANN, PASSWORD).await;
        let leaked = ann.create_token(name, "never").await;
        let hash = PlainToken::hash_presented(&leaked).expect("a token");
        let terms = RotationTerms { grace_period, ..RotationTerms::default() };
        let rotated = rotate_own_token(&console.app, &hash, terms, &Origin::default()).await;
        let mut next = rotated.expect("rotates").plain;
        console.pass(Duration::from_hours(hours));
        if name.ends_with("since") {
            let hash = next.hash();
            let again = rotate_own_token(&console.app, &hash, terms, &Origin::default()).await;
            next = again.expect("rotates").plain;
        }
        assert_eq!(labels(&service.report(&console, &[&leaked]).await), ["true_positive"]);
        assert_eq!(
            states(&console, &[&leaked, next.expose()]).await,
            ["revoked", expected],
            "{name}"
        );
    }
}
