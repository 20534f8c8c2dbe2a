//! The audit log: searching, filtering, and exporting it.

use crate::world::{ANN, Console, PASSWORD};
use keydesk_model::Event;

fn entries(page: &str) -> usize {
    page.matches("data-label=\"Time\"").count()
}

#[tokio::test]
async fn f8_the_log_is_searched_filtered_and_taken_away() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let token = bob.create_token("=SUM(A1)", "never").await;
    ann.post(&format!("/tokens/{}/revoke", ann.token_id("=SUM(A1)").await), &[]).await;
    ann.post("/limits", &[("ip_allowlist", "10.0.0.0/8 127.0.0.0/8"), ("mode", "enforce")]).await;

    let page = ann.get("/audit").await.text;
    for message in [
        "API token created",
        "Token revoked",
        "Member invited",
        "bob@acme.example",
        "127.0.0.1",
        "ip_allowlist: None → 10.0.0.0/8 127.0.0.0/8",
    ] {
        assert!(page.contains(message), "{message}: {page}");
    }
    assert!(!page.contains(&token));
    let tokens = ann.get("/audit?event=token").await.text;
    assert!(tokens.contains("API token created") && !tokens.contains("Member invited"));
    let found = ann.get("/audit?text=SUM%28").await.text;
    assert!(found.contains("API token created") && !found.contains("Account created"), "{found}");
    for nothing in ["/audit?text=%25%25x", "/audit?to=2020-01-01", "/audit?from=2099-01-01"] {
        assert!(
            ann.get(nothing)
                .await
                .text
                .contains("No matching entries. Days start and end at midnight UTC."),
            "{nothing}"
        );
    }
    assert!(
        ann.get("/audit?from=soon").await.text.contains("must be a date in the format YYYY-MM-DD")
    );
}

#[tokio::test]
async fn f8_the_log_is_paged_and_exported() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    bob.create_token("=SUM(A1)", "never").await;
    // Page after page, each entry once.
    for place in 0..60 {
        let allowlist = format!("127.0.0.0/8 10.0.{place}.0/24");
        ann.post("/limits", &[("ip_allowlist", allowlist.as_str()), ("mode", "enforce")]).await;
    }
    let first = ann.get("/audit").await.text;
    let older =
        first.split("before=").nth(1).and_then(|rest| rest.split('"').next()).expect("older");
    let second = ann.get(&format!("/audit?before={older}")).await.text;
    assert_eq!(entries(&first), 50);
    assert!(second.contains("Account created") && !second.contains("before="));

    let lines = ann.get("/audit/export?format=jsonl").await;
    let rows: Vec<serde_json::Value> =
        lines.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), entries(&first) + entries(&second));
    for row in &rows {
        let name = row["event"].as_str().expect("a name");
        let read = Event::read(name, &row["detail"].to_string()).expect("a known event");
        assert_eq!((read.name(), read.detail()), (name, row["detail"].clone()));
    }
    assert!(rows.iter().any(|row| row["detail"]["after"]["name"] == "=SUM(A1)"));
    let csv = ann.get("/audit/export?format=csv&event=token").await;
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"keydesk-audit.csv\"");
    assert!(
        csv.text.starts_with("\u{feff}number,at,event") && !csv.text.contains(",\"="),
        "{}",
        csv.text
    );
    assert_eq!(ann.get("/audit/export?format=xls").await.status, 422);
    assert_eq!(bob.get("/audit").await.status, 403);
}

/// What an operator does to an account, the account sees; what concerns none, the operator.
#[tokio::test]
async fn f8_what_operators_do_to_an_account_is_visible_to_it() {
    let console = Console::start().await;
    let ann = console.owner();
    console.add_operator("otto@vendor.example").await;
    let otto = console.logged_in("otto@vendor.example").await;
    otto.post(&format!("/operator/accounts/{}/suspend", console.number), &[]).await;
    let page = ann.get("/audit").await.text;
    assert!(page.contains("Account suspended") && page.contains("otto (operator)"), "{page}");
    assert!(page.contains("state: active → suspended"), "{page}");
    console.anonymous().log_in(ANN, "wrong wrong wrong").await;
    let page = otto.get("/operator/audit").await.text;
    assert!(page.contains("Operator added") && page.contains("Login failed"), "{page}");
    assert!(!page.contains("Account suspended"), "that is the account's");
}
