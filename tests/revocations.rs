//! What revokes a bearer token: at once, with its reason, and never more than it says.

use crate::support::{Keydesk, NEW_PASSWORD, PASSWORD, User, is_let_through, use_token};

const ANN: &str = "ann@acme.example";

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
