//! What belongs to one account does not exist for another.

use crate::{
    failing_clients::Rejected,
    world::{Console, PASSWORD, User},
};
use keydesk_control::{Access, ROUTES};

fn id_in(page: &str, kind: &str) -> String {
    let start = page.find(kind).unwrap_or_else(|| panic!("no {kind} on {page}"));
    page[start..start + 36].to_owned()
}

async fn sees_nothing_of_acme(bea: &User) {
    for list in [
        "/tokens",
        "/members",
        "/receipts",
        "/tokens/violations",
        "/audit",
        "/audit?text=importer",
        "/audit/export?format=jsonl",
        "/audit/export?format=csv&text=vera",
    ] {
        let text = bea.get(list).await.text;
        assert!(
            !text.contains("Acme importer") && !text.contains("acme.example"),
            "{list}: {text}"
        );
    }
}

const UNAUTHENTICATED: Rejected<'_> =
    Rejected { token: "", code: "missing_token", client: "curl", operation: "", requests: 1 };

/// A form with everything that a route could read.
const FORM: [(&str, &str); 7] = [
    ("role", "viewer"),
    ("scope", "*"),
    ("mode", "enforce"),
    ("grace_period", "none"),
    ("name", "Taken"),
    ("url", "https://hooks.example.com/"),
    ("events", "*"),
];

/// Every route that names something, called by the owner of another account with what there is in this
/// one: it is as if it did not exist.
#[tokio::test]
async fn t51_what_belongs_to_another_account_does_not_exist() {
    let console = Console::start_with(|settings| settings.users.sign_up = true).await;
    let ann = console.owner();
    let vera = ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    ann.create_token("Acme importer", "never").await;
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "viewer")]).await;
    ann.post("/api-docs/rotate", &[]).await;
    let bea = console.signed_up("Beta Ltd", "bea@beta.example", "Bea").await;

    let members = ann.get("/members").await.text;
    let receipts = ann.get("/receipts").await.text;
    let receipt = receipts.split("href=\"/receipts/").nth(1).expect("a receipt");
    let receipt = receipt.split('"').next().expect("its number").to_owned();
    let key = [("name", "Acme program"), ("expires", "30d"), ("scope", "tokens:read")];
    assert_eq!(ann.post("/keys", &key).await.status, 200);
    let key = ann.id_in("/keys", "key_", "Acme program").await;
    let hook = ann.create_webhook("Acme hook").await;
    console.rejects(&UNAUTHENTICATED).await;
    let ids = [
        ("/failing-clients/", id_in(&ann.get("/failing-clients").await.text, "fcl_")),
        ("/webhooks/", hook),
        ("/canaries/", ann.create_canary("Old .env file").await),
        ("/tokens/", ann.token_id("Acme importer").await),
        ("/members/invitations/", id_in(&members, "inv_")),
        ("/members/", ann.member_id("vera").await),
        ("/sessions/", id_in(&vera.get("/sessions").await.text, "ses_")),
        ("/receipts/", receipt),
        ("/keys/", key),
        ("/requests/", "req_acme".to_owned()),
        // A request for the passkey of another user gets the response for a missing one.
        ("/passkeys/", "AAAA".to_owned()),
    ];
    let request = format!(
        "INSERT INTO request_log VALUES ({}, 'failed', 1, 'req_acme', NULL, 'GET', '/', '', 401, 0, '', 1, '', '', '')",
        console.number
    );
    console.sql(&request).await;
    assert_eq!(ann.get("/requests/req_acme").await.status, 200);
    let mut tried = 0;
    for (method, path, access) in ROUTES {
        if !path.contains("{id}") || *access == Access::Operator {
            continue;
        }
        let found = ids.iter().find(|(prefix, _)| path.starts_with(prefix));
        let (_, id) = found.unwrap_or_else(|| panic!("nothing to try {path} with"));
        let path =
            path.replace("{id}", id).replace("{delivery}", &format!("dlv_{}", "0".repeat(32)));
        let page =
            if *method == "get" { bea.get(&path).await } else { bea.post(&path, &FORM).await };
        let expected = if path.starts_with("/passkeys") { 422 } else { 404 };
        assert_eq!(page.status, expected, "{method} {path}: {}", page.text);
        tried += 1;
    }
    assert!(tried >= 15, "{tried} routes name something");
    let mut read = console.app.store.read().await.expect("reads");
    let acme = read.find_account_by_number(console.number).await.expect("reads").expect("Acme");
    drop(read);
    let into = acme.id.to_string();
    assert_eq!(bea.post("/accounts/switch", &[("account", &into)]).await.status, 404);
    sees_nothing_of_acme(&bea).await;
    let tokens = ann.get("/tokens").await.readable();
    assert!(tokens.contains("Acme importer") && !tokens.contains("Inactive"), "nothing happened");
    assert_eq!(vera.get("/sessions").await.status, 200, "nor to Vera's session");
}
