//! Members, accounts, and their limits, managed by a program.

use super::Program;
use crate::world::{Caller, Console};
use keydesk_model::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn members_and_invitations_are_managed_by_a_program() {
    let console = Console::start().await;
    let ann = console.owner();
    let program =
        Program::of(&ann, &["members:write", "audit:read", "limits:write", "usage:read"]).await;
    let invited = program
        .post("/invitations", json!({ "email": "zoë@example.com", "role": "developer" }))
        .await;
    assert_eq!(invited.status, 201, "{invited:?}");
    let id = invited.body["id"].as_str().expect("an ID").to_owned();
    let resent = program.send(("POST", &format!("/invitations/{id}/resends")), None, &[]).await;
    assert_eq!((resent.status, &resent.body["role"]), (200, &json!("developer")), "{resent:?}");
    let id = resent.body["id"].as_str().expect("an ID").to_owned();
    assert_eq!(
        program.send(("DELETE", &format!("/invitations/{id}")), None, &[]).await.status,
        204
    );
    console.joined("dora@acme.example", Role::Developer).await;
    let members = program.get("/members?text=dora").await;
    let dora = members.body["items"][0]["id"].as_str().expect("an ID").to_owned();
    let path = format!("/members/{dora}");
    let changed =
        program.send(("PATCH", &path), Some(json!({ "role": "administrator" })), &[]).await;
    assert_eq!(
        (changed.status, &changed.body["role"]),
        (200, &json!("administrator")),
        "{changed:?}"
    );
    let wrong = program.send(("PATCH", &path), Some(json!({ "role": "boss" })), &[]).await;
    assert_eq!((wrong.status, wrong.body["errors"][0]["pointer"].as_str()), (422, Some("/role")));
    let condition = program.get(&format!("{path}/consequences")).await.header("etag").to_owned();
    let condition = [("if-match", condition.as_str())];
    let out = program.send(("POST", &format!("{path}/logouts")), None, &condition).await;
    assert_eq!((out.status, &out.body["receipt"]["complete"]), (200, &json!(true)), "{out:?}");
    let removed = program.send(("DELETE", &path), None, &condition).await;
    assert_eq!(removed.status, 200, "{removed:?}");
    assert_eq!(program.get(&path).await.status, 404);
    let log = program.get("/audit?event=member.removed").await;
    let entry = &log.body["items"][0];
    assert_eq!(
        (&entry["actor"], &entry["management_key_name"]),
        (&json!("management_key"), &json!("program")),
        "{log:?}"
    );
    let export = program.get("/audit/export?event=member").await;
    assert_eq!(export.status, 200);
}

#[tokio::test]
async fn an_account_and_its_limits_are_changed_by_a_program() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["limits:write", "usage:read", "members:write"]).await;
    let limits = json!({ "ip_allowlist": ["203.0.113.0/24"], "max_lifetime_days": 90, "expiry_mode": "enforce" });
    let limited =
        program.send(("PATCH", "/account/limits"), Some(limits), &[("if-match", "*")]).await;
    assert_eq!(
        (limited.status, &limited.body["max_lifetime_days"]),
        (200, &json!(90)),
        "{limited:?}"
    );
    let lifted = program
        .send(("PATCH", "/account/limits"), Some(json!({ "max_lifetime_days": null })), &[])
        .await;
    assert_eq!(
        (&lifted.body["max_lifetime_days"], &lifted.body["ip_allowlist"]),
        (&Value::Null, &json!(["203.0.113.0/24"]))
    );
    assert_eq!(program.get("/violations").await.body, json!({ "items": [] }));
    assert_eq!(program.get("/account").await.body["name"], "Acme");
    let renamed =
        program.send(("PATCH", "/account"), Some(json!({ "name": "Acme Ltd" })), &[]).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("Acme Ltd")), "{renamed:?}");
}

#[tokio::test]
async fn operators_manage_accounts_by_a_program() {
    let console = Console::start().await;
    let olga = console.as_caller(Caller::Operator).await;
    let ann = console.owner();
    let program =
        Program::of_operator(&olga, &["accounts:write", "instance:read", "keys:read"]).await;
    let refused = program.get("/tokens").await;
    assert_eq!((refused.status, refused.code()), (403, "account_key_required"));
    let member = Program::of(&ann, &["tokens:read"]).await;
    let refused = member.get("/accounts").await;
    assert_eq!((refused.status, refused.code()), (403, "instance_key_required"));
    let opened = program
        .post("/accounts", json!({ "name": "Globex", "owner": "hank@globex.example" }))
        .await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let number = opened.body["number"].as_str().expect("a number").to_owned();
    let path = format!("/accounts/{number}");
    let renamed = program.send(("PATCH", &path), Some(json!({ "name": "Globex Corp" })), &[]).await;
    assert_eq!(renamed.body["name"], "Globex Corp", "{renamed:?}");
    let plan =
        program.send(("PATCH", &path), Some(json!({ "plan": "gold" })), &[("if-match", "*")]).await;
    assert_eq!((plan.status, plan.code()), (422, "unknown_plan"));
    let unread = program.send(("POST", &format!("{path}/suspensions")), None, &[]).await;
    assert_eq!(unread.status, 428);
    let condition = program.get(&format!("{path}/consequences")).await.header("etag").to_owned();
    let suspended = program
        .send(("POST", &format!("{path}/suspensions")), None, &[("if-match", &condition)])
        .await;
    assert_eq!(
        (suspended.status, &suspended.body["account"]["state"]),
        (200, &json!("suspended")),
        "{suspended:?}"
    );
    let restored = program.send(("POST", &format!("{path}/restorations")), None, &[]).await;
    assert_eq!(restored.body["account"]["state"], "active");
    let again = program.send(("POST", &format!("{path}/restorations")), None, &[]).await;
    assert_eq!((again.status, again.code()), (409, "wrong_account_state"));
    let invited = program
        .post(&format!("{path}/owner-invitations"), json!({ "email": "second@globex.example" }))
        .await;
    assert_eq!(invited.status, 204, "{invited:?}");
    assert_eq!(
        program.get("/accounts?text=globex").await.body["items"].as_array().map(Vec::len),
        Some(1)
    );
    for path in ["/plans", "/operations", "/operators", "/gateways", "/instance/audit", "/keys"] {
        assert_eq!(program.get(path).await.status, 200, "{path}");
    }
}
