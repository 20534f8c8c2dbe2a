//! Clients of a bearer token get API tokens of their own, and the page shows who uses them.

use crate::world::{Console, User};
use keydesk_model::Role;
use std::time::Duration;

async fn used(console: &Console, token: &str, client: &str, address: &str) {
    let at = console.app.now().as_micros();
    let seen = format!(
        "INSERT INTO integration (token_id, client, client_ip, first_used_at, last_used_at, last_accepted_at, \
         requests) VALUES ('{token}', '{client}', '{address}', {at}, {at}, {at}, 3) ON CONFLICT (token_id, client, \
         client_ip) DO UPDATE SET last_used_at = {at}, last_accepted_at = {at}"
    );
    console.sql(&seen).await;
}

/// The ID of the bearer token of a member.
async fn bearer_of(console: &Console, member: &str) -> String {
    let mut read = console.app.store.read().await.expect("reads");
    let member = member.parse().expect("an ID");
    read.find_bearer_token(member).await.expect("reads").expect("a token").id.to_string()
}

async fn page_of(user: &User, path: &str) -> String {
    let page = user.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.readable()
}

#[tokio::test]
async fn n1_clients_move_to_tokens_of_their_own() {
    let console = Console::start().await;
    let ann = console.owner();
    let member = ann.member_id("Ann Chen").await;
    let bearer = bearer_of(&console, &member).await;
    assert!(page_of(&ann, "/api-docs/move").await.contains("No client has used it"));
    used(&console, &bearer, "n8n", "203.0.113.7").await;
    used(&console, &bearer, "n8n", "203.0.113.8").await;
    used(&console, &bearer, "CRM <sync>", "198.51.100.1").await;
    let page = page_of(&ann, "/api-docs/move").await;
    assert!(page.contains("2 clients would stop working."), "{page}");
    assert!(page.contains("203.0.113.7") && page.contains("203.0.113.8"), "{page}");
    // The page before a revocation leads here.
    assert!(ann.get("/api-docs/rotate").await.text.contains("href=\"/api-docs/move\""));

    console.pass(Duration::from_mins(1));
    let form = [
        ("client", "n8n"),
        ("scopes_of", "n8n"),
        ("addresses_of", "n8n"),
        ("client", "CRM <sync>"),
        ("client", "nobody"),
        ("expires", "90d"),
    ];
    let made = ann.post("/api-docs/move", &form).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.text.matches("kd_a_").count(), 2, "one for each: {}", made.text);
    let again = ann.post("/api-docs/move", &form).await;
    assert!(again.readable().contains("No token was created"), "not twice");
    let n8n = ann.id_in("/tokens", "tok_", "n8n").await;
    let limits = page_of(&ann, &format!("/tokens/{n8n}")).await;
    assert!(limits.contains("203.0.113.7") && limits.contains("Feb 23, 2027"), "{limits}");

    let page = page_of(&ann, "/api-docs/move").await;
    assert!(page.contains("Token created, not yet used"), "{page}");
    used(&console, &n8n, "n8n", "203.0.113.7").await;
    let page = page_of(&ann, "/api-docs/move").await;
    assert!(page.contains("Has moved") && page.contains("1 client would stop working."), "{page}");
    // It still uses the old one, too.
    console.pass(Duration::from_mins(1));
    used(&console, &bearer, "n8n", "203.0.113.7").await;
    assert!(page_of(&ann, "/api-docs/move").await.contains("2 clients would stop working."));
    console.pass(Duration::from_mins(1));
    used(&console, &n8n, "n8n", "203.0.113.7").await;
    console.pass(Duration::from_hours(25));
    let ann = console.logged_in(crate::world::ANN).await;
    assert!(page_of(&ann, "/api-docs/move").await.contains("You can revoke the bearer token."));
}

#[tokio::test]
async fn n1_an_administrator_moves_the_clients_of_a_member_who_leaves() {
    let console = Console::start().await;
    let ann = console.owner();
    let dora = console.joined("dora@acme.example", Role::Developer).await;
    let member = ann.id_in("/members", "mem_", "dora@acme.example").await;
    used(&console, &bearer_of(&console, &member).await, "cron", "203.0.113.9").await;
    let path = format!("/members/{member}/move");
    assert!(ann.get(&format!("/members/{member}/remove")).await.text.contains(&path));
    assert!(page_of(&ann, &path).await.contains("1 client would stop working."));
    let made = ann.post(&path, &[("client", "cron"), ("expires", "never")]).await;
    assert_eq!(made.text.matches("kd_a_").count(), 1, "{}", made.text);
    assert_eq!(dora.get(&path).await.status, 403);
    let own = ann.member_id("Ann Chen").await;
    assert_eq!(dora.get(&format!("/members/{own}/move")).await.status, 403);
}
