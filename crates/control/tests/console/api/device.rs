//! The login of a device: RFC 8628 from both sides.

use super::Program;
use crate::world::{Caller, Console, User};
use axum::http::Method;
use keydesk_model::Role;
use serde_json::Value;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn ask(visitor: &User, path: &str, form: &str) -> (u16, Value) {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = visitor.send_plain(Method::POST, path, form.to_owned(), &headers).await;
    (page.status, serde_json::from_str(&page.text).expect("JSON"))
}

async fn poll(visitor: &User, device_code: &str) -> (u16, Value) {
    let form = format!("grant_type={GRANT}&client_id=test&device_code={device_code}");
    ask(visitor, "/oauth/token", &form).await
}

async fn begin(visitor: &User, scope: &str) -> (String, String) {
    let form = format!("client_id=test&scope={scope}");
    let (status, started) = ask(visitor, "/oauth/device_authorization", &form).await;
    assert_eq!(status, 200, "{started}");
    let text = |name: &str| started[name].as_str().expect(name).to_owned();
    let (device, user) = (text("device_code"), text("user_code"));
    assert_eq!(text("verification_uri"), "http://127.0.0.1:8080/device");
    assert!(text("verification_uri_complete").ends_with(&format!("/device?user_code={user}")));
    assert!(started["expires_in"] == 900 && started["interval"] == 5);
    (device, user)
}

#[tokio::test]
async fn a_device_gets_the_key_that_a_user_confirms() {
    let console = Console::start().await;
    let (ann, device) = (console.owner(), console.anonymous());
    let (device_code, user_code) = begin(&device, "tokens:read+members:read").await;
    assert_eq!(poll(&device, &device_code).await.1["error"], "authorization_pending");
    // People write codes as they like.
    let written = user_code.to_lowercase().replace('-', " ");
    let page = ann.get(&format!("/device?user_code={}", written.replace(' ', "+"))).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("value=\"tokens:read\" checked"), "{}", page.text);
    assert!(!page.text.contains("value=\"tokens:write\" checked"), "{}", page.text);
    let form = [
        ("user_code", user_code.as_str()),
        ("answer", "confirm"),
        ("name", "Laptop"),
        ("expires", "30d"),
        ("scope", "tokens:read"),
    ];
    let confirmed = ann.post("/device", &form).await;
    assert_eq!(confirmed.location.as_deref(), Some("/device?done=device_confirmed"));
    let (status, granted) = poll(&device, &device_code).await;
    assert_eq!((status, granted["token_type"].as_str()), (200, Some("Bearer")), "{granted}");
    assert_eq!(granted["scope"], "tokens:read");
    let key = granted["access_token"].as_str().expect("a key").to_owned();
    let program = Program { user: &device, key };
    assert_eq!(program.get("/key").await.body["name"], "Laptop");
    assert_eq!(program.get("/members").await.code(), "scope_required");
    // A code confirms one login.
    assert_eq!(ann.post("/device", &form).await.status, 422);
    let gone = program.send(("DELETE", "/key"), None, &[]).await;
    assert_eq!(gone.status, 204);
    assert_eq!(program.get("/key").await.code(), "invalid_management_key");
    assert_eq!(poll(&device, &device_code).await.1["error"], "access_denied");
}

#[tokio::test]
async fn a_login_is_denied_expires_and_is_not_guessed() {
    let console = Console::start().await;
    let (ann, device) = (console.owner(), console.anonymous());
    let (device_code, user_code) = begin(&device, "").await;
    let form = [("user_code", user_code.as_str()), ("answer", "deny")];
    let denied = ann.post("/device", &form).await;
    assert_eq!(denied.location.as_deref(), Some("/device?done=device_denied"));
    assert_eq!(poll(&device, &device_code).await.1["error"], "access_denied");
    let (device_code, user_code) = begin(&device, "").await;
    console.pass(std::time::Duration::from_mins(15));
    assert_eq!(poll(&device, &device_code).await.1["error"], "expired_token");
    let ann = console.owner();
    let page = ann.get(&format!("/device?user_code={user_code}")).await;
    assert!(page.status == 422 && page.text.contains("This code is incorrect"), "{}", page.text);
    for (form, error) in [
        (format!("grant_type={GRANT}&device_code=kd_m_nonsense"), "invalid_grant"),
        ("grant_type=password".to_owned(), "unsupported_grant_type"),
    ] {
        let (status, answer) = ask(&device, "/oauth/token", &form).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)));
    }
    let path = "/oauth/device_authorization";
    assert_eq!(
        ask(&device, path, "client_id=test&scope=rubbish").await.1["error"],
        "invalid_scope"
    );
    assert_eq!(ask(&device, path, "scope=").await.1["error"], "invalid_client");
    // Who asks too fast waits longer.
    let (device_code, _) = begin(&device, "").await;
    let mut errors = Vec::new();
    for _ in 0..16 {
        errors.push(poll(&device, &device_code).await.1["error"].clone());
    }
    assert!(errors[0] == "authorization_pending" && errors[15] == "slow_down", "{errors:?}");
}

#[tokio::test]
async fn developers_confirm_no_login_and_operators_one_for_the_instance() {
    let console = Console::start().await;
    let device = console.anonymous();
    let (device_code, user_code) = begin(&device, "").await;
    let dora = console.as_caller(Caller::Member(Role::Developer)).await;
    assert_eq!(dora.get(&format!("/device?user_code={user_code}")).await.status, 403);
    let olga = console.as_caller(Caller::Operator).await;
    let sent = olga.get(&format!("/device?user_code={user_code}")).await;
    let at = format!("/operator/device?user_code={user_code}");
    assert_eq!(sent.location.as_deref(), Some(at.as_str()));
    let asked = olga.get(&at).await.text;
    assert!(asked.contains("value=\"accounts:read\" checked"), "{asked}");
    assert!(
        !asked.contains("value=\"accounts:write\" checked"),
        "what changes nothing is selected"
    );
    let form = [
        ("user_code", user_code.as_str()),
        ("answer", "confirm"),
        ("name", "Laptop"),
        ("expires", "30d"),
        ("scope", "accounts:read"),
    ];
    assert_eq!(olga.post("/operator/device", &form).await.status, 303);
    let key =
        poll(&device, &device_code).await.1["access_token"].as_str().expect("a key").to_owned();
    let program = Program { user: &device, key };
    assert_eq!(program.get("/accounts").await.status, 200);
}
