//! Tokens: what they open, and what an API token depends on.

use crate::support::{Keydesk, NEW_PASSWORD, PASSWORD, call, is_let_through, use_token};

#[tokio::test]
async fn s5_the_token_opens_the_api_as_its_account_and_nothing_else_does() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    assert!(is_let_through(&use_token(&endpoint, &token).await));
    assert!(
        is_let_through(&use_token(&format!("{endpoint}/"), &token).await),
        "a trailing slash is nothing"
    );
    assert_eq!(call(&format!("{endpoint}/api/v1/contacts"), None).await.status(), 401);
    let mut wrong = token.clone();
    wrong.replace_range(10..11, if &token[10..11] == "x" { "y" } else { "x" });
    assert_eq!(use_token(&endpoint, &wrong).await, (401, "malformed_token".to_owned()));
}

#[tokio::test]
async fn s8_a_new_token_is_shown_once_and_never_again_by_any_way() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let form = [
        ("name", "CRM sync"),
        ("expires", "30d"),
        ("scope", "contacts:read"),
        ("scope", "messages:write"),
        ("request_key", "0123456789abcdef"),
    ];
    let page = ann.post("/tokens", &form).await;
    let token = page.value("new-token");
    assert!(token.starts_with("kd_a_"));
    assert!(is_let_through(&use_token(&endpoint, &token).await));
    let answer =
        call(&format!("{endpoint}/keydesk/whoami"), Some(&format!("Bearer {token}"))).await;
    let whoami: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(whoami["scopes"], serde_json::json!(["contacts:read", "messages:write"]));
    assert_eq!(whoami["token"]["owner"], "account");
    assert!(whoami["expires_at"].is_string());
    let again = ann.post("/tokens", &form).await;
    assert_eq!(again.status, 409, "the same form sent twice is one token");
    for path in ["/tokens", "/api-docs", "/help", "/mail"] {
        assert!(!ann.get(path).await.text.contains(&token), "{path}");
    }
}

#[tokio::test]
async fn s8_a_date_counts_even_where_never_is_still_chosen() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let form =
        [("name", "dated"), ("scope", "*"), ("expires", "never"), ("expires_on", "2999-12-31")];
    let token = ann.post("/tokens", &form).await.value("new-token");
    let url = format!("{}/keydesk/whoami", ann.endpoint_url().await);
    let whoami: serde_json::Value =
        call(&url, Some(&format!("Bearer {token}"))).await.json().await.expect("JSON");
    assert_eq!(whoami["expires_at"], "3000-01-01T00:00:00Z");
    let both = [("name", "both"), ("scope", "*"), ("expires", "30d"), ("expires_on", "2999-12-31")];
    assert_eq!(ann.post("/tokens", &both).await.status, 422);
}

#[tokio::test]
async fn s9_an_api_token_depends_on_no_user() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let endpoint = ann.endpoint_url().await;
    let token = bob.create_token("by bob", "never").await;
    bob.post(
        "/profile/password",
        &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD)],
    )
    .await;
    bob.post("/sessions/log-out-all", &[]).await;
    let id = ann.member_id("bob").await;
    ann.post(&format!("/members/{id}/remove"), &[]).await;
    assert!(is_let_through(&use_token(&endpoint, &token).await));
    let page = ann.get("/tokens").await.text;
    let start = page.find("/tokens/tok_").expect("the token is listed");
    let path = &page[start..start + "/tokens/".len() + 36];
    let rotated = ann.post(&format!("{path}/rotate"), &[]).await.value("new-token");
    assert_eq!(use_token(&endpoint, &token).await, (401, "token_rotated".to_owned()));
    assert!(is_let_through(&use_token(&endpoint, &rotated).await));
    ann.post(&format!("{path}/revoke"), &[]).await;
    assert_eq!(use_token(&endpoint, &rotated).await, (401, "token_revoked".to_owned()));
    assert!(
        ann.get("/tokens?state=inactive").await.text.contains("Revoked"),
        "what has ended stays visible with the reason"
    );
}
