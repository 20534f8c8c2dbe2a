//! N3, N8 and the endpoint forms: what callers of the gateway are told.

use crate::support::{Keydesk, Options, call, is_let_through, use_token};
use serde_json::Value;

async fn refused(url: &str, authorization: Option<&str>) -> (u16, String, Value) {
    let response = call(url, authorization).await;
    let status = response.status().as_u16();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map_or(String::new(), |v| v.to_str().expect("ASCII").to_owned())
    };
    let challenge = header("www-authenticate");
    assert_eq!(header("content-type"), "application/problem+json", "{url}");
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("x-request-id").starts_with("req_"));
    (status, challenge, response.json().await.expect("a problem is JSON"))
}

async fn token_of_another_keydesk() -> String {
    Keydesk::start().with_account().await.bearer_token().await
}

#[tokio::test]
async fn n3_every_rejection_says_what_was_wrong_and_what_to_do() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let url = format!("{endpoint}/api/v1/contacts");
    let unknown = token_of_another_keydesk().await;
    let plain = "Bearer realm=\"keydesk\"";
    for (authorization, status, code, error, message) in [
        (None, 401, "missing_token", None, "/api-docs"),
        (
            Some(format!("Bearer Bearer {token}")),
            400,
            "duplicate_bearer_scheme",
            Some("invalid_request"),
            "Store the token without",
        ),
        (
            Some(token.clone()),
            400,
            "missing_bearer_scheme",
            Some("invalid_request"),
            "the word Bearer, a space",
        ),
        (Some("Bearer".to_owned()), 400, "empty_token", Some("invalid_request"), "isn’t empty"),
        (
            Some("Basic YTpi".to_owned()),
            401,
            "unsupported_auth_scheme",
            None,
            "Authorization: Bearer",
        ),
        (
            Some(format!("Bearer {}", &token[..30])),
            401,
            "malformed_token",
            Some("invalid_token"),
            "truncated",
        ),
        (
            Some(format!("Bearer {unknown}")),
            401,
            "unknown_token",
            Some("invalid_token"),
            "ever been created here",
        ),
    ] {
        let (found, challenge, problem) = refused(&url, authorization.as_deref()).await;
        assert_eq!(
            (found, &problem["code"], &problem["status"]),
            (status, &code.into(), &status.into())
        );
        // B1: no error code where no credentials were sent.
        let start = error.map_or(plain.into(), |error| format!("{plain}, error=\"{error}\""));
        assert!(challenge.starts_with(&start) && (error.is_some() || challenge == plain));
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(message), "{detail}");
        assert!(problem["type"].as_str().expect("text").starts_with("urn:keydesk:problem:"));
        assert!(
            !problem.to_string().contains(&token) && !challenge.contains(&token),
            "B8: nothing is echoed"
        );
    }
}

#[tokio::test]
async fn n3_the_holder_of_a_dead_token_is_told_when_and_by_what_kind_of_act() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, old) = (ann.endpoint_url().await, ann.bearer_token().await);
    ann.post("/api-docs/rotate", &[]).await;
    let (_, _, problem) = refused(&endpoint, Some(&format!("Bearer {old}"))).await;
    let detail = problem["detail"].as_str().expect("text");
    assert!(
        detail.starts_with("It was revoked at 20")
            && detail.contains("because the token was rotated"),
        "{detail}"
    );
    assert!(!detail.contains("Ann"), "the response names no user");
}

#[tokio::test]
async fn t01_another_account_s_endpoint_is_refused_and_nothing_of_it_is_told() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let own = endpoint.rsplit('/').next().expect("a number").to_owned();
    let other = if own == "123456" { "123457" } else { "123456" };
    let url = format!("{}/{other}/api/v1/contacts", keydesk.gateway);
    let (status, challenge, problem) = refused(&url, Some(&format!("Bearer {token}"))).await;
    assert_eq!((status, &problem["code"]), (401, &"account_mismatch".into()));
    assert!(challenge.contains("invalid_token"));
    assert!(
        problem["detail"].as_str().expect("text").contains(&endpoint),
        "the right endpoint is named"
    );
    // Without a good token the answer does not depend on whether the account exists.
    let strip = |mut problem: Value| {
        problem.as_object_mut().expect("an object").remove("request_id");
        problem
    };
    let (_, _, here) = refused(&format!("{endpoint}/x"), None).await;
    let (_, _, there) = refused(&format!("{}/{other}/x", keydesk.gateway), None).await;
    assert_eq!(strip(here), strip(there));
}

#[tokio::test]
async fn urls_that_are_no_endpoint_are_explained_on_both_sides() {
    let config = "[endpoints]\ntoken = false\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let token = format!("Bearer {}", ann.bearer_token().await);
    let (status, _, problem) =
        refused(&format!("{}/api/v1/contacts", keydesk.gateway), Some(&token)).await;
    assert_eq!((status, &problem["code"]), (404, &"invalid_endpoint_url".into()));
    let (status, _, problem) = refused(&format!("{}/42/api", keydesk.gateway), Some(&token)).await;
    assert_eq!((status, &problem["code"]), (404, &"unknown_account".into()));
    let response = call(&format!("{}/385403/api/v1/contacts", keydesk.console), Some(&token)).await;
    assert_eq!(response.status(), 421);
    let problem: Value = response.json().await.expect("JSON");
    assert_eq!(problem["code"], "console_is_no_endpoint");
    assert!(problem["request_id"].as_str().expect("text").starts_with("req_"));
    assert_eq!(call(&format!("{}/385403", keydesk.console), None).await.status(), 421);
    assert!(problem["detail"].as_str().expect("text").contains(&keydesk.gateway));
}

#[tokio::test]
async fn n8_whoami_answers_what_arrives() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) =
        (ann.endpoint_url().await, format!("Bearer {}", ann.bearer_token().await));
    let answer: Value =
        call(&format!("{endpoint}/keydesk/whoami"), Some(&token)).await.json().await.expect("JSON");
    assert_eq!(answer["account"], endpoint.rsplit('/').next().expect("a number"));
    assert_eq!(answer["token"]["owner"], "member");
    assert_eq!(answer["client_ip"], "127.0.0.1");
    assert_eq!(
        (&answer["scopes"], &answer["expires_at"]),
        (&serde_json::json!(["*"]), &Value::Null)
    );
    let (status, _, problem) = refused(&format!("{endpoint}/keydesk/other"), Some(&token)).await;
    assert_eq!((status, &problem["code"]), (404, &"unknown_endpoint".into()));
}

#[tokio::test]
async fn endpoint_forms_are_switched_by_the_configuration() {
    let config = "reserved_prefix = \"app\"\n[endpoints]\npath = false\ntoken = true\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    assert_eq!(endpoint, keydesk.gateway, "the token alone says the account");
    assert!(is_let_through(&use_token(&endpoint, &token).await));
    assert_eq!(
        call(&format!("{endpoint}/app/whoami"), Some(&format!("Bearer {token}"))).await.status(),
        200
    );
}

#[tokio::test]
async fn cors_admits_the_console_s_pages_and_nobody_else() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let url = format!("{endpoint}/api/v1/contacts");
    let client = crate::support::client().build().expect("a client");
    for (origin, admitted) in
        [(keydesk.console.as_str(), true), ("https://evil.example", false), ("null", false)]
    {
        let preflight = client
            .request(reqwest::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        let preflight = preflight.send().await.expect("answers");
        let answer = client
            .get(&url)
            .header("origin", origin)
            .bearer_auth(&token)
            .send()
            .await
            .expect("answers");
        for response in [&preflight, &answer] {
            let allowed = response
                .headers()
                .get("access-control-allow-origin")
                .map(|v| v.to_str().expect("ASCII"));
            assert_eq!(allowed, admitted.then_some(origin));
            assert!(!response.headers().contains_key("access-control-allow-credentials"));
        }
        assert_eq!(preflight.status().is_success(), admitted, "{origin}");
    }
}

#[tokio::test]
async fn an_account_sees_its_own_contacts_through_the_sample_and_scopes_reach_it() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let page = ann.post("/tokens", &[("name", "reader"), ("scope", "contacts:read")]).await;
    let (reader, writer) = (page.value("new-token"), ann.create_token("writer", "never").await);
    let client = crate::support::client().build().expect("a client");
    let add = |token: &str| {
        let body = serde_json::json!({ "name": "Bob", "phone": "+15550100" });
        client.post(format!("{endpoint}/api/v1/contacts")).bearer_auth(token).json(&body).send()
    };
    assert_eq!(add(&reader).await.expect("answers").status(), 403);
    assert_eq!(add(&writer).await.expect("answers").status(), 201);
    let list: Value = client
        .get(format!("{endpoint}/api/v1/contacts"))
        .bearer_auth(&reader)
        .send()
        .await
        .expect("answers")
        .json()
        .await
        .expect("JSON");
    assert_eq!(list["contacts"][0]["name"], "Bob");
}

/// What programs read has one language, whoever asks.
#[tokio::test]
async fn the_api_answers_in_english() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.post("/profile/language", &[("language", "es")]).await;
    let answer = call(&format!("{}/api/v1/contacts", ann.endpoint_url().await), None).await;
    let problem: serde_json::Value = answer.json().await.expect("JSON");
    assert!(problem["title"].as_str().is_some_and(|title| title.contains("token")), "{problem}");
}
