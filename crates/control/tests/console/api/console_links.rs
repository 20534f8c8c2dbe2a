//! Links into the console for an operator's own product.

use super::Program;
use crate::world::{Caller, Console};
use axum::http::Method;
use keydesk_model::Role;
use serde_json::{Value, json};

async fn account_number(program: &Program<'_>) -> String {
    let accounts = program.get("/accounts").await;
    accounts.body["items"][0]["number"].as_str().expect("a number").to_owned()
}

fn path_of(made: &Value) -> String {
    let url = made["url"].as_str().expect("a link");
    url.strip_prefix("http://127.0.0.1:8080").expect("of the console").to_owned()
}

#[tokio::test]
async fn a_vendor_s_user_comes_in_by_a_link_and_finds_the_way_back() {
    let console = Console::start().await;
    let olga = console.as_caller(Caller::Operator).await;
    let program = Program::of_operator(&olga, &["sessions:write", "accounts:read"]).await;
    let at = format!("/accounts/{}/console-sessions", account_number(&program).await);
    let body = json!({
        "email": "zoë@example.com",
        "external_id": "customer-7",
        "create": { "name": "Zoë Keller", "role": "developer" },
        "path": "/tokens",
        "return_url": "https://app.example.com/settings?tab=api",
    });
    let made = program.post(&at, body).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{made:?}");
    let zoe = console.anonymous();
    let entered = zoe.get(&path_of(&made.body)).await;
    assert_eq!(entered.location.as_deref(), Some("/tokens"), "{}", entered.text);
    let page = zoe.get("/tokens").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("https://app.example.com/settings?tab=api"), "{}", page.text);
    assert!(page.text.contains("Back to app.example.com"), "{}", page.text);
    assert!(zoe.get("/sessions").await.text.contains("This session"), "it is listed");
    // It works once.
    let again = console.anonymous().get(&path_of(&made.body)).await;
    assert!(again.status == 422 && again.text.contains("no longer valid"), "{}", again.text);
    // From now on, the ID is enough.
    let made = program.post(&at, json!({ "external_id": "customer-7" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    // A link lasts a minute.
    console.pass(std::time::Duration::from_mins(1));
    assert_eq!(console.anonymous().get(&path_of(&made.body)).await.status, 422);
    let log = console.owner().get("/audit").await.text;
    for event in ["Console link created", "Joined through a console link", "Logged in"] {
        assert!(log.contains(event), "{event}: {log}");
    }
    let out = zoe.post("/logout", &[]).await;
    assert_eq!(out.status, 303);
    assert_eq!(zoe.get("/tokens").await.status, 303, "it ends like any other");
}

#[tokio::test]
async fn a_link_opens_one_account_and_no_operator_s_pages() {
    let console = Console::start().await;
    let olga = console.as_caller(Caller::Operator).await;
    let program =
        Program::of_operator(&olga, &["sessions:write", "accounts:write", "keys:write"]).await;
    let number = account_number(&program).await;
    let at = format!("/accounts/{number}/console-sessions");
    for (body, code, pointer) in [
        (json!({}), "invalid_email", "/email"),
        (json!({ "email": "nobody@example.com" }), "unknown_member", "/email"),
        (json!({ "email": "ann@acme.example", "path": "//evil.example" }), "invalid_path", "/path"),
        (
            json!({ "email": "ann@acme.example", "return_url": "javascript:alert(1)" }),
            "invalid_return_url",
            "/return_url",
        ),
        (json!({ "external_id": "" }), "invalid_external_id", "/external_id"),
        (
            json!({ "email": "x@example.com", "create": { "name": "", "role": "boss" } }),
            "invalid_field",
            "/create/role",
        ),
    ] {
        let refused = program.post(&at, body.clone()).await;
        assert_eq!((refused.status, refused.code()), (422, code), "{body}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    // A user of another account is invited, not taken.
    let other =
        program.post("/accounts", json!({ "name": "Beta", "owner": "bea@beta.example" })).await;
    let other = other.body["number"].as_str().expect("a number").to_owned();
    let taken = json!({
        "email": "ann@acme.example", "create": { "name": "Ann", "role": "owner" },
    });
    let refused = program.post(&format!("/accounts/{other}/console-sessions"), taken).await;
    assert_eq!((refused.status, refused.code()), (422, "user_of_another_account"), "{refused:?}");
    // Without the scope, there are no links.
    let weak = Program::of_operator(&olga, &["accounts:write"]).await;
    let refused = weak.post(&at, json!({ "email": "ann@acme.example" })).await;
    assert_eq!((refused.status, refused.code()), (403, "scope_required"));
    let ann = Program::of(&console.owner(), &["members:write"]).await.key;
    let headers = [
        ("authorization", format!("Bearer {ann}")),
        ("content-type", "application/json".to_owned()),
    ];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let text = json!({ "email": "ann@acme.example" }).to_string();
    let refused =
        console.anonymous().send_plain(Method::POST, &format!("/api/v1{at}"), text, &headers).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    // Repeated, it shows no second link.
    let key = [("idempotency-key", "link-1")];
    let body = Some(
        json!({ "email": "dora@acme.example", "create": { "name": "Dora", "role": "viewer" } }),
    );
    let first = program.send(("POST", &at), body.clone(), &key).await;
    let second = program.send(("POST", &at), body, &key).await;
    assert!(first.body["url"].is_string() && second.body["url"].is_null(), "{second:?}");
    assert_eq!(first.body["member_id"], second.body["member_id"]);
    let dora = console.anonymous();
    assert_eq!(dora.get(&path_of(&first.body)).await.status, 303);
    assert_ne!(dora.get("/operator").await.status, 200);
}

/// A linked session is for one account, and changes nothing of the user's own.
#[tokio::test]
async fn a_linked_session_changes_no_login_and_no_other_session() {
    let console = Console::start().await;
    let olga = console.as_caller(Caller::Operator).await;
    let program = Program::of_operator(&olga, &["sessions:write", "accounts:read"]).await;
    let at = format!("/accounts/{}/console-sessions", account_number(&program).await);
    let vera = console.joined("vera@acme.example", Role::Administrator).await;
    let body = json!({ "email": "vera@acme.example" });
    let made = program.post(&at, body).await;
    let linked = console.anonymous();
    let link = path_of(&made.body);
    // A mail scanner that only looks uses nothing up.
    assert_eq!(linked.send_plain(Method::HEAD, &link, String::new(), &[]).await.status, 200);
    assert_eq!(linked.get(&link).await.status, 303);
    for (path, form) in [
        ("/two-factor/begin", &[][..]),
        ("/sessions/log-out-all", &[]),
        ("/profile/name", &[("name", "Somebody")]),
        ("/profile/email", &[("email", "else@example.com")]),
    ] {
        let refused = linked.post(path, form).await;
        assert!(
            refused.status == 403 && refused.text.contains("can’t change your login"),
            "{path}"
        );
    }
    assert_eq!(vera.get("/tokens").await.status, 200, "the other session remains");
}

#[tokio::test]
async fn who_has_two_factor_authentication_logs_in() {
    let console = Console::start().await;
    let olga = console.as_caller(Caller::Operator).await;
    let program = Program::of_operator(&olga, &["sessions:write", "accounts:read"]).await;
    let at = format!("/accounts/{}/console-sessions", account_number(&program).await);
    let vera = console.joined("vera@acme.example", Role::Developer).await;
    crate::factors::set_up(&console, &vera).await;
    let made = program.post(&at, json!({ "email": "vera@acme.example" })).await;
    let page = console.anonymous().get(&path_of(&made.body)).await;
    assert!(page.status == 422 && page.text.contains("two-factor authentication"), "{}", page.text);
    // An ID of one member isn't used for another.
    let bound = json!({ "email": "vera@acme.example", "external_id": "7" });
    assert_eq!(program.post(&at, bound).await.status, 201);
    console.joined("bob@acme.example", Role::Developer).await;
    let mixed = program.post(&at, json!({ "email": "bob@acme.example", "external_id": "7" })).await;
    assert_eq!((mixed.status, mixed.code()), (422, "external_id_taken"));
}
