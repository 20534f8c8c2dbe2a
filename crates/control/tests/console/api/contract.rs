//! What all requests share: errors, pages of lists, and rates.

use super::{Program, new_token};
use crate::world::Console;
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

#[tokio::test]
async fn errors_name_the_place_and_strangers_find_nothing() {
    let console = Console::start().await;
    let ann = console.owner();
    let program =
        Program::of(&ann, &["tokens:write", "members:write", "receipts:read", "keys:write"]).await;
    for (body, status, code, pointer) in [
        (json!({ "name": "x", "scopes": ["*"], "colour": "red" }), 422, "invalid_field", "/colour"),
        (json!({ "name": "x", "scopes": [1] }), 422, "invalid_field", "/scopes/0"),
        (json!({ "name": "x", "scopes": ["No Scope"] }), 422, "invalid_scope", "/scopes"),
        (json!({ "name": "x", "scopes": [] }), 422, "missing_scope", "/scopes"),
        (
            json!({ "name": "x", "scopes": ["*"], "expires_at": "tomorrow" }),
            422,
            "invalid_expiry_time",
            "/expires_at",
        ),
        (
            json!({ "name": "x", "scopes": ["*"], "expires_at": "2020-01-01T00:00:00Z" }),
            422,
            "expiry_in_past",
            "/expires_at",
        ),
        (
            json!({ "name": "x", "scopes": ["*"], "ip_allowlist": ["1.2.3"] }),
            422,
            "invalid_ip_range",
            "/ip_allowlist",
        ),
    ] {
        let reply = program.post("/tokens", body.clone()).await;
        assert_eq!((reply.status, reply.code()), (status, code), "{body}");
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{reply:?}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let link = reply.body["type"].as_str().expect("a type");
        assert!(link.ends_with(&format!("#{code}")), "{link}");
    }
    let nowhere = "0".repeat(32);
    for path in [
        format!("/tokens/tok_{nowhere}"),
        "/tokens/nonsense".to_owned(),
        format!("/members/mem_{nowhere}"),
        "/receipts/999999".to_owned(),
        format!("/keys/key_{nowhere}"),
        "/nothing".to_owned(),
    ] {
        let reply = program.get(&path).await;
        assert_eq!((reply.status, reply.code()), (404, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn unusable_requests_are_refused() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    for (query, parameter) in [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit")] {
        let reply = program.get(&format!("/tokens?{query}")).await;
        assert_eq!(
            (reply.status, reply.body["errors"][0]["parameter"].as_str()),
            (400, Some(parameter))
        );
    }
    assert_eq!(program.get("/tokens?colour=red").await.code(), "invalid_parameter");
    assert_eq!(program.get("/tokens?cursor=x").await.code(), "invalid_cursor");
    // PostgreSQL refuses a NUL, so a cursor has none, even with the right digest.
    let digest = hex::encode(&Sha256::digest("/api/v1/tokens\n[]\n1-\0")[..8]);
    let forged = BASE64URL_NOPAD.encode(format!("{digest} 1-\0").as_bytes());
    assert_eq!(program.get(&format!("/tokens?cursor={forged}")).await.code(), "invalid_cursor");
    let wrong = program.send(("DELETE", "/tokens"), None, &[]).await;
    assert_eq!((wrong.status, wrong.code()), (405, "method_not_allowed"));
    assert!(wrong.header("allow").contains("POST"), "{wrong:?}");
    let large = json!({ "name": "x".repeat(70_000), "scopes": ["*"] });
    assert_eq!(program.post("/tokens", large).await.status, 413);
}

#[tokio::test]
async fn lists_are_pages_with_links() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    for number in 0..5 {
        let made = program.post("/tokens", new_token(&format!("token {number}"))).await;
        assert_eq!(made.status, 201);
        console.pass(std::time::Duration::from_secs(1));
    }
    let mut names = Vec::new();
    let mut path = "/tokens?limit=2".to_owned();
    loop {
        let page = program.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        for item in page.body["items"].as_array().expect("items") {
            names.push(item["name"].as_str().expect("a name").to_owned());
        }
        let link = page.headers.get_all("link").iter().filter_map(|link| link.to_str().ok());
        let next = { link }.find_map(|link| link.strip_suffix(">; rel=\"next\""));
        assert_eq!(next.is_some(), page.body["next"].is_string());
        let Some(next) = next else { break };
        path = next.split("/api/v1").nth(1).expect("a path").to_owned();
    }
    assert_eq!(names, ["token 4", "token 3", "token 2", "token 1", "token 0"]);
    let first = program.get("/tokens?limit=2").await;
    let cursor = first.body["next"].as_str().expect("a cursor").to_owned();
    let other = program.get(&format!("/tokens?state=inactive&cursor={cursor}")).await;
    assert_eq!((other.status, other.code()), (400, "invalid_cursor"), "another filter");
    assert_eq!(
        program.get("/tokens?text=TOKEN%203").await.body["items"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn each_request_counts_against_the_rate_of_the_key() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:read"]).await;
    let first = program.get("/key").await;
    assert_eq!(first.header("ratelimit-policy"), "\"management\";q=600;w=60");
    assert_eq!(first.header("ratelimit"), "\"management\";r=599;t=1");
    for _ in 1..600 {
        assert_eq!(program.get("/key").await.status, 200);
    }
    let refused = program.get("/key").await;
    assert_eq!(
        (refused.status, refused.code(), refused.header("retry-after")),
        (429, "rate_limited", "1")
    );
    console.pass(std::time::Duration::from_secs(1));
    assert_eq!(program.get("/key").await.status, 200);
}

/// The committed document is the one that the code serves.
#[test]
fn the_committed_document_is_that_of_the_code() {
    let document = serde_json::to_string_pretty(&keydesk_control::api_document()).expect("JSON");
    let document = format!("{document}\n");
    let served = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi.json");
    std::fs::write(served, &document).expect("written");
    let committed = include_str!("../../../../../docs/openapi.json");
    assert!(document == committed, "docs/openapi.json is stale: copy {served} over it");
}
