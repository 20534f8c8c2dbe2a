//! Tokens, managed by a program: made, limited, rotated, and revoked, and made once however often it is asked for.

use super::{Program, new_token};
use crate::world::Console;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn f10_a_program_creates_limits_rotates_and_revokes_a_token() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write", "receipts:read"]).await;
    let made = program.post("/tokens", new_token("CRM sync")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["token"]["id"].as_str().expect("an ID").to_owned();
    let secret = made.body["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("kd_a_") && made.body["token"]["state"] == "active", "{made:?}");
    assert_eq!(made.header("location"), format!("http://127.0.0.1:8080/api/v1/tokens/{id}"));
    assert_eq!(made.header("cache-control"), "no-store");

    let read = program.get(&format!("/tokens/{id}")).await;
    assert_eq!((read.status, &read.body["name"]), (200, &json!("CRM sync")));
    let etag = read.header("etag").to_owned();
    let path = format!("/tokens/{id}");
    let name = Some(json!({ "name": "CRM" }));
    let merge = ("content-type", "application/merge-patch+json");
    let renamed = program.send(("PATCH", &path), name.clone(), &[("if-match", &etag), merge]).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("CRM")), "{renamed:?}");
    let stale = program.send(("PATCH", &path), name, &[("if-match", &etag)]).await;
    assert_eq!((stale.status, stale.code()), (412, "precondition_failed"));

    let limits =
        json!({ "scopes": ["contacts:*"], "ip_allowlist": ["203.0.113.0/24"], "mode": "observe" });
    let limited = program.send(("PUT", &format!("{path}/limits")), Some(limits), &[]).await;
    assert_eq!(limited.status, 200, "{limited:?}");
    assert_eq!(limited.body["observed_limits"]["scopes"], json!(["contacts:*"]));

    let rotated =
        program.post(&format!("{path}/rotations"), json!({ "grace_period": "24h" })).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_eq!(rotated.body["token"]["version"], 2);
    assert_ne!(rotated.body["secret"].as_str(), Some(secret.as_str()));
    assert!(
        rotated.body["previous_secret_expires_at"].is_string() && rotated.body["receipt"].is_null()
    );
    let consequences = format!("{path}/consequences?of=revoke_previous");
    let condition = program.get(&consequences).await.header("etag").to_owned();
    let previous = format!("{path}/previous-secrets/revocations");
    assert_eq!(program.send(("POST", &previous), None, &[]).await.status, 428);
    let ended = program.send(("POST", &previous), None, &[("if-match", &condition)]).await;
    assert_eq!(
        (ended.status, &ended.body["receipt"]["complete"]),
        (200, &json!(true)),
        "{ended:?}"
    );

    let unread = program.send(("POST", &format!("{path}/revocations")), None, &[]).await;
    assert_eq!((unread.status, unread.code()), (428, "precondition_required"));
    let shown = program.get(&format!("{path}/consequences?of=revoke")).await;
    assert_eq!(shown.body, json!({ "clients": [] }));
    let condition = shown.header("etag").to_owned();
    let revoked = program
        .send(("POST", &format!("{path}/revocations")), None, &[("if-match", &condition)])
        .await;
    assert_eq!((revoked.status, &revoked.body["token"]["state"]), (200, &json!("revoked")));
    let number = revoked.body["receipt"]["number"].as_i64().expect("a receipt");
    let receipt = program.get(&format!("/receipts/{number}")).await;
    assert_eq!((receipt.status, &receipt.body["target"]), (200, &json!(id)));
    assert_eq!(program.get("/tokens").await.body["items"], json!([]));
    let inactive = program.get("/tokens?state=inactive").await;
    assert_eq!(inactive.body["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_repeated_request_is_carried_out_once_and_shows_no_secret_again() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    let key = [("idempotency-key", "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"")];
    let first = program.send(("POST", "/tokens"), Some(new_token("once")), &key).await;
    let again = program.send(("POST", "/tokens"), Some(new_token("once")), &key).await;
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(first.body["token"], again.body["token"]);
    assert!(first.body["secret"].is_string() && again.body["secret"].is_null());
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(program.get("/tokens").await.body["items"].as_array().map(Vec::len), Some(1));
    // The same key, bare as other APIs accept it, for another request.
    let bare = [("idempotency-key", "8e03978e-40d5-43e8-bc93-6894a57f9324")];
    let other = program.send(("POST", "/tokens"), Some(new_token("other")), &bare).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    // Another program's key is its own.
    let second = Program::of(&ann, &["tokens:write"]).await;
    let fresh = second.send(("POST", "/tokens"), Some(new_token("once")), &key).await;
    assert!(fresh.status == 201 && fresh.body["secret"].is_string());
    // A refused request changes nothing, so its key can be used again.
    let key = [("idempotency-key", "later")];
    let refused =
        program.send(("POST", "/tokens"), Some(json!({ "name": "", "scopes": ["*"] })), &key).await;
    assert_eq!((refused.status, refused.code()), (422, "missing_name"));
    let made = program.send(("POST", "/tokens"), Some(new_token("later")), &key).await;
    assert_eq!(made.status, 201);
    for wrong in ["", "\"\"", "a b", "ü"] {
        let value = [("idempotency-key", wrong)];
        let refused = program.send(("POST", "/tokens"), Some(new_token("x")), &value).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_header"), "{wrong}");
    }
}

#[tokio::test]
async fn fifty_parallel_requests_with_one_key_create_one_token() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    let key = [("idempotency-key", "fire")];
    let requests =
        (0..50).map(|_| program.send(("POST", "/tokens"), Some(new_token("once")), &key));
    let replies = futures_util::future::join_all(requests).await;
    assert!(replies.iter().all(|reply| reply.status == 201), "{replies:?}");
    let secrets = replies.iter().filter(|reply| reply.body["secret"].is_string()).count();
    assert_eq!(secrets, 1);
    assert_eq!(program.get("/tokens").await.body["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_secret_that_the_caller_made_is_never_seen_and_used_once() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let body = |digest: &str, masked: &str| json!({ "name": "Terraform", "scopes": ["*"], "secret_sha256": digest, "masked": masked });
    let masked = "kd_a_••••••••3fQ9";
    let made = program.post("/tokens", body(digest, masked)).await;
    assert_eq!((made.status, &made.body["secret"]), (201, &Value::Null), "{made:?}");
    assert_eq!(made.body["token"]["masked"], masked);
    let again = program.post("/tokens", body(digest, masked)).await;
    assert_eq!((again.status, again.code()), (409, "secret_taken"));
    let id = made.body["token"]["id"].as_str().expect("an ID");
    program.send(("POST", &format!("/tokens/{id}/revocations")), None, &[("if-match", "*")]).await;
    let ever = program.post("/tokens", body(digest, masked)).await;
    assert_eq!((ever.code(), &ever.body["detail"]), ("secret_taken", &again.body["detail"]));
    for (digest, masked, code) in [
        ("9F86", masked, "invalid_digest"),
        (&digest.to_uppercase(), masked, "invalid_digest"),
        (digest, "kd_u_••••••••3fQ9", "invalid_masked_secret"),
        (digest, "a secret", "invalid_masked_secret"),
    ] {
        let refused = program.post("/tokens", body(digest, masked)).await;
        assert_eq!((refused.status, refused.code()), (422, code));
    }
}

/// A revocation by hand can be undone until the microsecond before its day is over, and no other one can.
#[tokio::test]
async fn n9_a_revocation_is_undone_for_a_day_and_a_pause_at_any_time() {
    let console = Console::start().await;
    let ann = console.owner();
    let (tokens, audit) = (("scope", "tokens:write"), ("scope", "audit:read"));
    let form = [("name", "program"), ("expires", "365d"), tokens, audit];
    let key = ann.post("/keys", &form).await.value("new-key");
    let program = Program { user: &ann, key };
    let any = [("if-match", "*")];
    let make = async |name: &str| {
        let new = json!({ "name": name, "scopes": ["*"] });
        let made = program.send(("POST", "/tokens"), Some(new), &[]).await;
        format!("/tokens/{}", made.body["token"]["id"].as_str().expect("an ID"))
    };
    let act = async |at: &str, what: &str, body: Option<Value>| {
        program.send(("POST", &format!("{at}/{what}")), body, &any).await
    };
    let at = make("in time").await;
    let revoked = act(&at, "revocations", None).await;
    assert_eq!(revoked.body["token"]["state"], "revoked");
    assert!(revoked.body["token"]["restorable_until"].is_string(), "{revoked:?}");
    console.pass(Duration::from_hours(24) - Duration::from_micros(1));
    let restored = act(&at, "restorations", None).await;
    assert_eq!((restored.status, &restored.body["token"]["state"]), (200, &json!("active")));
    assert_eq!(act(&at, "restorations", None).await.code(), "not_restorable");

    let at = make("too late").await;
    act(&at, "revocations", None).await;
    console.pass(Duration::from_hours(24));
    let late = act(&at, "restorations", None).await;
    assert_eq!((late.status, late.code()), (409, "not_restorable"), "{late:?}");
    assert!(late.body["detail"].to_string().contains("more than 24 hours ago"), "{late:?}");
    assert_eq!(program.get(&at).await.body["restorable"], false);

    let at = make("paused").await;
    let paused = act(&at, "pause", None).await;
    assert_eq!(paused.body["token"]["state"], "paused", "{paused:?}");
    console.pass(Duration::from_hours(24 * 20));
    assert_eq!(act(&at, "restorations", None).await.status, 200);

    for (name, first) in [("at once", None), ("later", Some(json!({})))] {
        let at = make(name).await;
        if first.is_some() {
            act(&at, "revocations", first).await;
        }
        let permanent = Some(json!({ "permanent": true }));
        assert_eq!(act(&at, "revocations", permanent).await.status, 200, "{name}");
        let refused = act(&at, "restorations", None).await;
        assert!(refused.body["detail"].to_string().contains("permanently"), "{refused:?}");
    }
    for event in ["token.revoked", "token.paused", "token.restored", "token.revoked_permanently"] {
        let found = program.get(&format!("/audit?event={event}")).await;
        assert!(!found.body["items"].as_array().expect("items").is_empty(), "{event}");
    }
}

/// A token that expires while it is revoked is no longer offered, and can't be restored.
#[tokio::test]
async fn n9_a_token_that_has_expired_since_its_revocation_is_not_restored() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    let soon = console.app.now().plus(Duration::from_hours(1)).to_string();
    let new = json!({ "name": "expires", "scopes": ["*"], "expires_at": soon });
    let made = program.post("/tokens", new).await;
    let at = format!("/tokens/{}", made.body["token"]["id"].as_str().expect("an ID"));
    let act = async |what: &str| {
        program.send(("POST", &format!("{at}/{what}")), None, &[("if-match", "*")]).await
    };
    assert_eq!(act("revocations").await.body["token"]["restorable"], true);
    let is_offered = async || ann.get("/tokens").await.text.contains(&format!("{at}/restore"));
    assert!(is_offered().await);
    console.pass(Duration::from_hours(1));
    assert!(!is_offered().await);
    assert_eq!(program.get(&at).await.body["restorable"], false);
    let expired = act("restorations").await;
    assert_eq!((expired.status, expired.code()), (409, "not_restorable"), "{expired:?}");
    assert!(expired.body["detail"].to_string().contains("It has expired"), "{expired:?}");
}
