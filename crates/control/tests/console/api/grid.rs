//! Every route of the management API, for every role and every scope.

use super::{Program, Reply, create_key};
use crate::world::{Caller, Console};
use keydesk_control::{ApiAccess, api_access};
use keydesk_model::{KeyScope, Role};
use serde_json::{Value, json};

const NOWHERE: &str = "00000000000000000000000000000000";

/// The path of an object that is not there, so that no request ends what the next one needs.
fn filled(path: &str, number: &str) -> String {
    let kind = match path.split('/').nth(1) {
        Some("tokens") => "tok",
        Some("members") => "mem",
        Some("invitations") => "inv",
        Some("webhooks") => "whk",
        Some("canaries") => "can",
        _ => "key",
    };
    let query = if path == "/tokens/{id}/consequences" { "?of=revoke" } else { "" };
    format!("{path}{query}")
        .replace("{id}", &format!("{kind}_{NOWHERE}"))
        .replace("{delivery}", &format!("dlv_{NOWHERE}"))
        .replace("{number}", if path.starts_with("/receipts") { "999999" } else { number })
}

/// A body that is valid, so that only the access is left to refuse.
fn body(method: &str, path: &str) -> Option<Value> {
    let name = || json!({ "name": "Acme" });
    Some(match (method, path) {
        ("PATCH", "/account/limits") => json!({ "ip_allowlist": [] }),
        ("POST", "/keys/{id}/rotations" | "/tokens/{id}/revocations") => json!({}),
        ("PATCH", "/members/{id}") => json!({ "role": "viewer" }),
        ("PATCH", _) | ("POST", "/canaries") => name(),
        ("POST", "/tokens") => json!({ "name": "CI", "scopes": ["*"] }),
        ("PUT", "/account/request-log") => json!({ "enabled": true }),
        ("PUT", "/account/alerts" | "/tokens/{id}/alerts") => json!({ "off": [] }),
        ("PUT", "/failing-clients/{id}/state") => json!({ "state": "resolved" }),
        ("PUT", "/tokens/{id}/limits") => json!({ "scopes": ["*"], "mode": "observe" }),
        ("POST", "/tokens/{id}/rotations") => json!({ "grace_period": "24h" }),
        ("POST", "/invitations") => json!({ "email": "zoe@example.com", "role": "viewer" }),
        ("PUT", "/sso") => json!({
            "issuer": "http://127.0.0.1:1", "client_id": "x", "client_secret": "x",
            "domains": ["example.com"], "default_role": "viewer",
        }),
        ("POST", "/keys") => json!({
            "name": "x", "scopes": ["keys:read"], "expires_at": "2099-01-01T00:00:00Z",
        }),
        ("POST", "/webhooks") => json!({
            "name": "x", "url": "https://hooks.example.com/", "events": ["token.*"],
        }),
        ("POST", "/accounts") => json!({ "name": "Beta", "owner": "bea@beta.example" }),
        (
            "POST",
            "/accounts/{number}/owner-invitations" | "/accounts/{number}/console-sessions",
        ) => {
            json!({ "email": "bea@beta.example" })
        }
        _ => return None,
    })
}

async fn ask(program: &Program<'_>, number: &str, (method, path): (&str, &str)) -> Reply {
    let condition = [("if-match", "*")];
    let conditions = if matches!(method, "POST" | "DELETE") { &condition[..] } else { &[] };
    program.send((method, &filled(path, number)), body(method, path), conditions).await
}

/// A request that ends the key itself.
fn ends_the_key(method: &str, path: &str) -> bool {
    (method, path) == ("DELETE", "/key")
}

fn is_permitted(access: ApiAccess, scope: KeyScope, role: Option<Role>) -> bool {
    match (access, role) {
        (ApiAccess::Key, _) | (ApiAccess::Account, Some(_)) => true,
        (ApiAccess::Needs(needed) | ApiAccess::Either(needed, _), Some(role)) => {
            // Nor more than the administrator could do who created it.
            let role = role.min(Role::Administrator);
            scope.permissions().contains(&needed) && role.may(needed)
        }
        (ApiAccess::Operator(needed) | ApiAccess::Either(_, needed), None) => {
            scope.operator_permissions().contains(&needed)
        }
        (ApiAccess::Account | ApiAccess::Needs(_), None) | (ApiAccess::Operator(_), Some(_)) => {
            false
        }
    }
}

async fn check(
    program: &Program<'_>,
    number: &str,
    (scope, role): (KeyScope, Option<Role>),
) -> usize {
    let mut cells = 0;
    for (method, path, access) in api_access() {
        if ends_the_key(method, &path) {
            continue;
        }
        let reply = ask(program, number, (method, &path)).await;
        let what = format!("{scope} {role:?} {method} {path}: {} {}", reply.status, reply.code());
        assert_eq!(reply.status == 403, !is_permitted(access, scope, role), "{what}");
        assert!(reply.status < 429, "{what}");
        assert!(!["invalid_field", "invalid_json"].contains(&reply.code()), "{what}");
        if reply.status == 403 {
            let codes = [
                "scope_required",
                "not_permitted",
                "account_key_required",
                "instance_key_required",
            ];
            assert!(codes.contains(&reply.code()), "{what}");
        }
        cells += 1;
    }
    cells
}

#[tokio::test]
async fn every_route_admits_the_scopes_and_roles_of_the_table() {
    let console = Console::start().await;
    let adam = console.joined("adam@acme.example", Role::Administrator).await;
    let olga = console.as_caller(Caller::Operator).await;
    let mut keys = Vec::new();
    for scope in KeyScope::ALL {
        if scope.is_for(Role::Administrator) {
            keys.push((scope, true, create_key(&adam, "/keys", &[scope.as_str()]).await));
        }
        if scope.is_for_operators() {
            keys.push((scope, false, create_key(&olga, "/operator/keys", &[scope.as_str()]).await));
        }
    }
    let number = console.number.to_string();
    // Operators close the account in the end.
    keys.sort_by_key(|(_, is_of_account, _)| !is_of_account);
    let mut cells = 0;
    for (scope, is_of_account, key) in keys {
        let program = Program { user: &adam, key };
        if !is_of_account {
            console.pass(std::time::Duration::from_mins(2));
            cells += check(&program, &number, (scope, None)).await;
            continue;
        }
        for role in [Role::Owner, Role::Administrator, Role::Developer, Role::Viewer] {
            // A key never does more than its member may do now.
            let statement = format!(
                "UPDATE member SET role = '{role}' WHERE user_id = (SELECT id FROM users WHERE email = 'adam@acme.example')"
            );
            console.sql(&statement).await;
            // The rates are per key and per user.
            console.pass(std::time::Duration::from_mins(2));
            cells += check(&program, &number, (scope, Some(role))).await;
        }
    }
    assert!(cells > 2_500, "the grid covers the table: {cells}");
}

/// T51: an object of another account is answered as one that is not there, on every route that names one.
#[tokio::test]
async fn t51_what_belongs_to_others_is_not_found() {
    let console = Console::start_with(|settings| settings.users.sign_up = true).await;
    let ann = console.owner();
    let made = ann.post("/tokens", &[("name", "x"), ("expires", "never"), ("scope", "*")]).await;
    assert_eq!(made.status, 200);
    let token = ann.id_in("/tokens", "tok_", "x").await;
    create_key(&ann, "/keys", &["tokens:read"]).await;
    let key = ann.id_in("/keys", "key_", "program").await;
    console.joined("vera@acme.example", Role::Viewer).await;
    let member = ann.id_in("/members", "mem_", "vera@acme.example").await;
    let webhook = ann.create_webhook("hook").await;
    let stranger = console.signed_up("Beta", "bea@beta.example", "Bea").await;
    let scopes = [
        "tokens:write",
        "members:write",
        "keys:write",
        "usage:read",
        "receipts:read",
        "webhooks:write",
    ];
    let program = Program::of(&stranger, &scopes).await;
    let mut asked = 0;
    for (method, path, access) in api_access() {
        if !path.contains("{id}") || matches!(access, ApiAccess::Operator(_)) {
            continue;
        }
        let id = match path.split('/').nth(1) {
            Some("tokens") => &token,
            Some("members") => &member,
            Some("keys") => &key,
            Some("webhooks") => &webhook,
            _ => continue,
        };
        let body = match (method, path.rsplit('/').next()) {
            ("PATCH", _) if path.starts_with("/members") => Some(json!({ "role": "viewer" })),
            ("PATCH", _) => Some(json!({ "name": "taken" })),
            ("PUT", Some("alerts")) => Some(json!({ "off": [] })),
            ("PUT", _) => Some(json!({ "scopes": ["*"], "mode": "observe" })),
            ("POST", Some("rotations")) if !path.contains("/secret/") => {
                Some(json!({ "grace_period": "24h" }))
            }
            _ => None,
        };
        let query = if path.ends_with("consequences") && path.starts_with("/tokens") {
            "?of=revoke"
        } else {
            ""
        };
        let path = path.replace("{delivery}", &format!("dlv_{NOWHERE}"));
        let at = format!("{}{query}", path.replace("{id}", id));
        let condition = [("if-match", "*")];
        let reply = program.send((method, &at), body.clone(), &condition).await;
        // The answer is the same as for an ID that nobody has.
        let nowhere = at.replace(&id[4..], NOWHERE);
        let unknown = program.send((method, &nowhere), body, &condition).await;
        let told = |reply: &Reply| (reply.status, reply.body["detail"].clone());
        assert_eq!((reply.status, reply.code()), (404, "not_found"), "{method} {at}: {reply:?}");
        assert_eq!(told(&reply), told(&unknown), "{method} {at}");
        asked += 1;
    }
    assert!(asked >= 28, "{asked}");
}
