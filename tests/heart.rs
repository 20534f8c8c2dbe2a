//! S1 to S12, each as its line of the help page says it, on the running binary.

use crate::support::{Keydesk, NEW_PASSWORD, PASSWORD, User, call, is_let_through, use_token};

const ANN: &str = "ann@acme.example";

#[tokio::test]
async fn s1_logging_in_takes_the_right_password_and_tells_no_more() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let visitor = User::visiting(&keydesk.console);
    let wrong = visitor.log_in(ANN, "not the password at all").await;
    let unknown = visitor.log_in("nobody@acme.example", "not the password at all").await;
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert_eq!(wrong.text.replace(ANN, ""), unknown.text.replace("nobody@acme.example", ""));
    assert_eq!(visitor.get("/api-docs").await.location.as_deref(), Some("/login?next=/api-docs"));
    for spelling in [ANN, "ANN@ACME.example", " ann@acme.example "] {
        assert_eq!(visitor.log_in(spelling, PASSWORD).await.status, 303, "{spelling}");
    }
}

#[tokio::test]
async fn s2_api_docs_is_one_click_from_every_page_and_a_viewer_is_told_whom_to_ask() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    for page in [
        "/api-docs",
        "/tokens",
        "/tokens/new",
        "/members",
        "/sessions",
        "/profile",
        "/help",
        "/api-docs/rotate",
    ] {
        let text = ann.get(page).await.text;
        assert!(text.contains("<a href=\"/api-docs\""), "{page}");
    }
    let vera = ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    let page = vera.get("/api-docs").await;
    assert!(page.text.contains("Ann Chen") && page.text.contains("mailto:ann@acme.example"));
    assert!(page.find_value("bearer-token").is_none());
    assert_eq!(vera.get("/tokens").await.status, 403);
}

#[tokio::test]
async fn s3_s4_both_values_stand_bare_on_a_page_that_nobody_stores() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let page = ann.get("/api-docs").await;
    let (endpoint, token) = (page.value("endpoint-url"), page.value("bearer-token"));
    assert!(endpoint.starts_with(&keydesk.gateway) && !endpoint.ends_with('/'));
    assert!(token.starts_with("kd_u_") && token.len() == 43);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(
        page.text.contains("data-copy=\"endpoint-url\"")
            && page.text.contains("data-copy=\"bearer-token\"")
    );
    // The script may copy; it may not store.
    let script = ann.get("/assets/app.js").await.text;
    assert!(!script.contains("localStorage") && !script.contains("sessionStorage"));
}

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
async fn s6_with_the_password_the_bearer_token_is_dead_before_the_page_says_changed() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let other_browser = User::logged_in(&keydesk.console, ANN, PASSWORD).await;
    let (endpoint, old) = (ann.endpoint_url().await, ann.bearer_token().await);
    let form = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let page = ann.post("/profile/password", &form).await;
    assert_eq!(page.done(), Some("/api-docs?done=password_changed"), "{}", page.text);
    assert_eq!(use_token(&endpoint, &old).await, (401, "password_changed".to_owned()));
    let new = ann.bearer_token().await;
    assert_ne!(new, old);
    assert!(is_let_through(&use_token(&endpoint, &new).await));
    assert_eq!(
        other_browser.get("/api-docs").await.status,
        303,
        "Password changed. Your other sessions were logged out."
    );
    assert_eq!(User::visiting(&keydesk.console).log_in(ANN, PASSWORD).await.status, 403);
    User::logged_in(&keydesk.console, ANN, NEW_PASSWORD).await;
}

#[tokio::test]
async fn s6_a_refused_change_changes_nothing() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    for (current, new) in [
        ("wrong", NEW_PASSWORD),
        (PASSWORD, "too short"),
        (PASSWORD, "passwordpassword"),
        ("", ""),
        (PASSWORD, PASSWORD),
        (PASSWORD, "ann@acme.example"),
    ] {
        let page = ann
            .post("/profile/password", &[("current_password", current), ("new_password", new)])
            .await;
        assert_eq!(page.status, 422);
    }
    assert!(is_let_through(&use_token(&endpoint, &token).await));
}

#[tokio::test]
async fn s7_a_password_reset_ends_the_bearer_token() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, old) = (ann.endpoint_url().await, ann.bearer_token().await);
    let visitor = User::visiting(&keydesk.console);
    let known = visitor.post("/forgot-password", &[("email", ANN)]).await;
    let unknown = visitor.post("/forgot-password", &[("email", "nobody@acme.example")]).await;
    assert_eq!(known.text, unknown.text);
    let link = visitor.link_in_mail("/reset-password/").await;
    assert!(is_let_through(&use_token(&endpoint, &old).await), "asking changes nothing");
    let page = visitor.post(&link, &[("new_password", NEW_PASSWORD)]).await;
    assert_eq!(page.done(), Some("/login?done=password_reset"));
    assert_eq!(use_token(&endpoint, &old).await, (401, "password_reset".to_owned()));
    assert_eq!(ann.get("/api-docs").await.status, 303, "sessions are logged out");
    assert_eq!(
        visitor.post(&link, &[("new_password", PASSWORD)]).await.status,
        422,
        "a link works once"
    );
    let ann = User::logged_in(&keydesk.console, ANN, NEW_PASSWORD).await;
    assert!(is_let_through(&use_token(&endpoint, &ann.bearer_token().await).await));
}

#[tokio::test]
async fn s7_a_removed_member_s_token_never_comes_back() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let (endpoint, old) = (bob.endpoint_url().await, bob.bearer_token().await);
    let id = ann.member_id("bob").await;
    assert_eq!(ann.post(&format!("/members/{id}/remove"), &[]).await.status, 303);
    assert_eq!(use_token(&endpoint, &old).await, (401, "member_removed".to_owned()));
    assert_eq!(bob.get("/api-docs").await.status, 303, "their sessions here have ended");
    let again = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    assert_ne!(again.bearer_token().await, old);
    assert!(is_let_through(&use_token(&endpoint, &again.bearer_token().await).await));
    assert_eq!(use_token(&endpoint, &old).await, (401, "member_removed".to_owned()));
}

#[tokio::test]
async fn s7_logging_out_everywhere_ends_it_and_logging_out_does_not() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, old) = (ann.endpoint_url().await, ann.bearer_token().await);
    ann.post("/logout", &[]).await;
    assert!(is_let_through(&use_token(&endpoint, &old).await));
    let ann = User::logged_in(&keydesk.console, ANN, PASSWORD).await;
    let page = ann.post("/sessions/log-out-all", &[]).await;
    assert_eq!(page.done(), Some("/login?done=logged_out_of_all_sessions"));
    assert_eq!(use_token(&endpoint, &old).await, (401, "logged_out_of_all_sessions".to_owned()));
    assert_eq!(ann.get("/api-docs").await.status, 303);
}

#[tokio::test]
async fn s7_an_administrator_logs_a_member_out() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let (endpoint, old) = (bob.endpoint_url().await, bob.bearer_token().await);
    let id = ann.member_id("bob").await;
    assert_eq!(ann.post(&format!("/members/{id}/log-out"), &[]).await.status, 303);
    assert_eq!(use_token(&endpoint, &old).await, (401, "logged_out_of_all_sessions".to_owned()));
    assert_eq!(bob.get("/api-docs").await.status, 303);
    let bob = User::logged_in(&keydesk.console, "bob@acme.example", PASSWORD).await;
    assert!(is_let_through(&use_token(&endpoint, &bob.bearer_token().await).await));
}

#[tokio::test]
async fn s7_rotating_the_bearer_token_replaces_it_once() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, old) = (ann.endpoint_url().await, ann.bearer_token().await);
    assert_eq!(
        ann.post("/api-docs/rotate", &[]).await.done(),
        Some("/api-docs?done=token_rotated")
    );
    assert_eq!(use_token(&endpoint, &old).await, (401, "token_rotated".to_owned()));
    let new = ann.bearer_token().await;
    let stale = ann.post("/api-docs/rotate", &[("version", "1")]).await;
    assert_eq!(stale.status, 409, "a page opened before the rotation rotates nothing");
    assert!(is_let_through(&use_token(&endpoint, &new).await));
}

#[tokio::test]
async fn s7_a_role_without_a_token_ends_it() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let (endpoint, old) = (bob.endpoint_url().await, bob.bearer_token().await);
    let path = format!("/members/{}/role", ann.member_id("bob").await);
    ann.post(&path, &[("role", "viewer")]).await;
    assert_eq!(use_token(&endpoint, &old).await, (401, "role_changed".to_owned()));
    ann.post(&path, &[("role", "developer")]).await;
    assert!(is_let_through(&use_token(&endpoint, &bob.bearer_token().await).await));
    assert_eq!(use_token(&endpoint, &old).await, (401, "role_changed".to_owned()));
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
async fn s8_mistakes_in_the_form_are_told_and_lose_nothing() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    for (form, message) in [
        (vec![("name", ""), ("scope", "*")], "Enter a name."),
        (vec![("name", "Kept name")], "Select at least one scope, or “Full access”."),
        (
            vec![("name", "Kept name"), ("scope", "Contacts")],
            "Scopes look like contacts:read, contacts:*, or *.",
        ),
        (
            vec![("name", "Kept name"), ("scope", "*"), ("expires", "soon")],
            "Enter never, a number of days such as 90d (up to 36500d), or a date",
        ),
        (
            vec![("name", "Kept name"), ("scope", "*"), ("expires", "2020-01-01")],
            "This date has passed. Choose a later one.",
        ),
        (
            vec![("name", "Kept name"), ("scope", "*"), ("expires", "date"), ("expires_on", "")],
            "Choose an expiration date, or one of the other options.",
        ),
    ] {
        let page = ann.post("/tokens", &form).await;
        assert_eq!(page.status, 422);
        assert!(page.text.contains(message), "{message}: {}", page.text);
        assert!(page.text.contains(&format!("value=\"{}\"", form[0].1)));
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
        ann.get("/tokens").await.text.contains("Revoked"),
        "what has ended stays visible with the reason"
    );
}

#[tokio::test]
async fn s10_the_page_masks_warns_and_names_no_token_in_a_url() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let page = ann.get("/api-docs").await;
    let token = page.value("bearer-token");
    assert!(page.text.contains(&format!("kd_u_••••••••{}", &token[39..])));
    assert!(page.text.contains("Keep it secret"));
    for attribute in ["href=\"", "action=\"", "src=\"", "data-try=\""] {
        for url in page.text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(!url.contains(&token), "{attribute}{url}");
        }
    }
}

#[tokio::test]
async fn s11_the_reference_has_the_reader_s_server_and_operations() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let page = ann.get("/api-docs").await.text;
    for operation in ["/api/v1/contacts/{id}/messages", "List contacts", "contacts:read"] {
        assert!(page.contains(operation), "{operation}");
    }
    for snippet in ["requests.get(", "await fetch(", "reqwest::Client", "http.NewRequest("] {
        assert!(
            page.contains(snippet) && page.contains(&format!("{endpoint}/api/v1/contacts")),
            "{snippet}"
        );
    }
    let document: serde_json::Value =
        serde_json::from_str(&ann.get("/api-docs/openapi.json").await.text).expect("JSON");
    assert_eq!(document["servers"], serde_json::json!([{ "url": endpoint }]));
    let reference = ann.get("/api-docs/reference").await;
    assert_eq!(reference.value("bearer-token"), ann.bearer_token().await);
    assert_eq!(reference.header("cache-control"), "no-store");
}

#[tokio::test]
async fn s12_help_answers_with_the_reader_s_state_and_keeps_what_they_say() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let page = ann.get("/help").await.text;
    assert!(page.contains(&ann.endpoint_url().await));
    assert!(page.contains(&format!("kd_u_••••••••{}", &ann.bearer_token().await[39..])));
    let form = [("question", "slash"), ("answered", "no"), ("comment", "Which slash?\u{1b}[2J")];
    let refused = ann.post("/help/feedback", &form).await;
    assert!(refused.status == 422 && refused.text.contains("control character"));
    let form = [("question", "slash"), ("answered", "no"), ("comment", "Which slash?")];
    assert_eq!(
        ann.post("/help/feedback", &form).await.location.as_deref(),
        Some("/help?thanked=slash#slash")
    );
    assert_eq!(
        ann.post("/help/feedback", &[("question", "unknown"), ("answered", "no")]).await.status,
        404
    );
    let output = keydesk.run(&["feedback", "--json"], "");
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!((&line["question"], &line["answered"]), (&"slash".into(), &"no".into()));
    assert_eq!(line["comment"], "Which slash?");
}
