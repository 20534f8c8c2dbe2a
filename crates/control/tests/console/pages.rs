//! What each page says, as text. A change of words shows up here, where a person can read it.
//!
//! `INSTA_UPDATE=always cargo test -p keydesk-control --test console` accepts the new words.

use crate::{
    failing_clients::Rejected,
    world::{Caller, Console, User},
};
use keydesk_control::ROUTES;
use keydesk_model::Role;

/// A console with something on every page.
async fn furnished() -> (Console, User, Vec<(&'static str, String)>) {
    let console = Console::start().await;
    let ann = console.owner();
    console.joined("vera@acme.example", Role::Viewer).await;
    ann.post("/members/invitations", &[("email", "dora@acme.example"), ("role", "developer")])
        .await;
    let form = [("name", "Production"), ("expires", "30d"), ("scope", "*")];
    assert_eq!(ann.post("/tokens", &form).await.status, 200);
    let token = ann.id_in("/tokens", "tok_", "Production").await;
    let rotated = ann.post(&format!("/tokens/{token}/rotate"), &[("grace_period", "1h")]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let form = [("name", "Old"), ("expires", "never"), ("scope", "*")];
    assert_eq!(ann.post("/tokens", &form).await.status, 200);
    let old = ann.id_in("/tokens", "tok_", "Old").await;
    let revoked = ann.post(&format!("/tokens/{old}/revoke"), &[]).await;
    assert_eq!(revoked.status, 303, "{}", revoked.text);
    let form = [("name", "Terraform"), ("expires", "30d"), ("scope", "tokens:write")];
    let mut keys = Vec::new();
    for base in ["/keys", "/operator/keys"] {
        let form =
            if base == "/keys" { form } else { [form[0], form[1], ("scope", "accounts:read")] };
        assert_eq!(ann.post(base, &form).await.status, 200);
        keys.push(ann.id_in(base, "key_", "Terraform").await);
    }
    let form = [("name", "Bot"), ("url", "https://hooks.example.com/"), ("events", "token.*")];
    let mut webhooks = Vec::new();
    for base in ["/webhooks", "/operator/webhooks"] {
        assert_eq!(ann.post(base, &form).await.status, 200);
        webhooks.push(ann.id_in(base, "whk_", "Bot").await);
        ann.post(&format!("{base}/{}/test", webhooks[webhooks.len() - 1]), &[]).await;
    }
    ann.create_canary("Old .env file").await;
    let code = "insufficient_scope";
    let rejected = Rejected { token: &token, code, client: "importer", operation: "", requests: 3 };
    console.rejects(&rejected).await;
    let failing = ann.id_in("/failing-clients", "fcl_", "importer").await;
    let member = ann.id_in("/members", "mem_", "vera@acme.example").await;
    let number = console.number.to_string();
    let objects = vec![
        ("/failing-clients/{id}", failing),
        ("/tokens/{id}", token),
        ("/operator/keys/{id}", keys.remove(1)),
        ("/keys/{id}", keys.remove(0)),
        ("/operator/webhooks/{id}", webhooks.remove(1)),
        ("/webhooks/{id}", webhooks.remove(0)),
        ("/members/{id}", member),
        ("{number}", number),
        ("/receipts/{id}", "1".to_owned()),
        ("/errors/{code}", "unknown_token".to_owned()),
        ("/api-docs/reference/{operation}", "post-api-v1-contacts".to_owned()),
        ("{code}", "nothing".to_owned()),
    ];
    (console, ann, objects)
}

/// Files, and pages whose text depends on the machine or on the order of tasks.
fn is_left_out(path: &str) -> bool {
    path.contains("{*path}")
        || path.ends_with("/openapi.json")
        || path.ends_with("/export")
        || [
            "/mail",
            "/.well-known/keydesk-receipt-keys",
            "/.well-known/api-catalog",
            "/operator/gateways",
        ]
        .contains(&path)
}

/// Long random texts, such as IDs and secrets, say nothing to a reader.
fn without_ids(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest[start..].find(|c| !is_part(c)).unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        plain.push_str(&rest[..start]);
        let is_random = word.len() >= 20 && word.contains(|c: char| c.is_ascii_digit());
        let is_random = is_random || plain.ends_with('•');
        plain.push_str(if is_random { "…" } else { word });
        rest = &rest[start + length..];
    }
    plain + rest
}

#[tokio::test]
async fn every_page_says_what_it_said() {
    let (console, ann, objects) = furnished().await;
    let anonymous = console.as_caller(Caller::Anonymous).await;
    for (_, path, _) in
        ROUTES.iter().filter(|(method, path, _)| *method == "get" && !is_left_out(path))
    {
        let mut filled = (*path).to_owned();
        for (part, object) in &objects {
            let own = part.rsplit('/').next().unwrap_or(part);
            filled = filled.replace(part, &part.replace(own, object));
        }
        // A visitor sees other pages than a user with a session.
        let is_for_visitors = ["/login", "/sign-up", "/forgot", "/reset", "/invitation", "/setup"];
        let is_for_visitors = is_for_visitors.iter().any(|start| path.starts_with(start));
        let page =
            if is_for_visitors { anonymous.get(&filled).await } else { ann.get(&filled).await };
        let text = match &page.location {
            Some(location) => format!("{} to {location}", page.status),
            None => format!("{}\n{}", page.status, page.readable()),
        };
        let name = path.trim_matches('/').replace(['/', '{', '}', '.'], "_");
        let name = if name.is_empty() { "start".to_owned() } else { name };
        let text = without_ids(&text).replace(&console.number.to_string(), "{number}");
        insta::assert_snapshot!(name, text);
    }
}
