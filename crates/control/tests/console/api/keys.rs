//! Management keys: what one opens, what it may do, and how it ends.

use super::{Program, new_token, send};
use crate::world::Console;
use keydesk_model::Role;
use serde_json::json;

#[tokio::test]
async fn a_key_opens_the_management_api_only_and_nothing_else_opens_it() {
    let console = Console::start().await;
    let ann = console.owner();
    let bearer = ann.bearer_token().await;
    let token = ann.create_token("API", "never").await;
    let program = Program::of(&ann, &["tokens:read"]).await;
    assert_eq!(program.get("/key").await.body["scopes"], json!(["tokens:read"]));
    for (header, code) in [
        (None, "missing_management_key"),
        (Some(format!("Bearer {bearer}")), "invalid_management_key"),
        (Some(format!("Bearer {token}")), "invalid_management_key"),
        (Some("Bearer kd_m_x".to_owned()), "invalid_management_key"),
        (Some("Basic YTpi".to_owned()), "missing_management_key"),
    ] {
        let headers: Vec<_> =
            header.iter().map(|value| ("authorization", value.as_str())).collect();
        // With the session of an owner, too.
        let reply = send(&ann, ("GET", "/tokens"), None, &headers).await;
        assert_eq!((reply.status, reply.code()), (401, code), "{header:?}");
        assert!(reply.header("www-authenticate").starts_with("Bearer "), "{reply:?}");
    }
    let query =
        send(&ann, ("GET", &format!("/tokens?access_token={}", program.key)), None, &[]).await;
    assert_eq!(query.status, 401);
    let page =
        ann.get_with("/tokens", &[("authorization", &format!("Bearer {}", program.key))]).await;
    assert_eq!(page.status, 421);
    let stored = console.stored();
    let secret = program.key.as_bytes();
    assert!(!stored.windows(secret.len()).any(|window| window == secret));
}

#[tokio::test]
async fn a_key_does_what_its_scopes_and_its_member_may_do() {
    let console = Console::start().await;
    let ann = console.owner();
    let adam = console.joined("adam@acme.example", Role::Administrator).await;
    let reader = Program::of(&adam, &["tokens:read"]).await;
    let refused = reader.post("/tokens", new_token("x")).await;
    assert_eq!((refused.status, refused.code()), (403, "scope_required"));
    assert!(refused.header("www-authenticate").contains("scope=\"tokens:write\""));
    let refused =
        adam.post("/keys", &[("name", "x"), ("expires", "30d"), ("scope", "sso:write")]).await;
    assert_eq!(refused.status, 422, "an administrator may not set up single sign-on");
    assert!(refused.readable().contains("sso:write"));
    for (form, field) in [
        (vec![("name", ""), ("expires", "30d"), ("scope", "tokens:read")], "name"),
        (vec![("name", "x"), ("expires", "30d")], "scope"),
        (vec![("name", "x"), ("expires", "400d"), ("scope", "tokens:read")], "expires"),
        (vec![("name", "x"), ("expires", "never"), ("scope", "tokens:read")], "expires"),
        (
            vec![
                ("name", "x"),
                ("expires", "30d"),
                ("scope", "tokens:read"),
                ("ip_allowlist", "y"),
            ],
            "ip_allowlist",
        ),
    ] {
        let page = adam.post("/keys", &form).await;
        assert_eq!(page.status, 422, "{form:?}");
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{form:?} {}", page.text);
    }
    // A key never does more than the one that creates it.
    let maker = Program::of(&adam, &["keys:write", "tokens:read"]).await;
    let body = |scope: &str| json!({ "name": "child", "scopes": [scope], "expires_at": "2026-12-24T00:00:00Z" });
    let refused = maker.post("/keys", body("tokens:write")).await;
    assert_eq!((refused.status, refused.code()), (422, "scope_not_grantable"));
    let child = maker.post("/keys", body("tokens:read")).await;
    assert_eq!(child.status, 201, "{child:?}");
    assert!(child.body["secret"].as_str().expect("a secret").starts_with("kd_m_"));
    // It survives a password change, follows the role, and ends with the membership.
    let writer = Program::of(&adam, &["tokens:write"]).await;
    let id = ann.member_id("adam").await;
    assert_eq!(writer.post("/tokens", new_token("before")).await.status, 201);
    let passwords = [
        ("current_password", crate::world::PASSWORD),
        ("new_password", crate::world::NEW_PASSWORD),
    ];
    let changed = adam.post("/profile/password", &passwords).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    assert_eq!(writer.post("/tokens", new_token("after")).await.status, 201);
    ann.post(&format!("/members/{id}/role"), &[("role", "viewer")]).await;
    let refused = writer.post("/tokens", new_token("as a viewer")).await;
    assert_eq!((refused.status, refused.code()), (403, "not_permitted"));
    ann.post(&format!("/members/{id}/remove"), &[]).await;
    let refused = writer.get("/tokens").await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_management_key"));
}

#[tokio::test]
async fn an_owner_takes_over_a_key_which_then_stays() {
    let console = Console::start().await;
    let ann = console.owner();
    let adam = console.joined("adam@acme.example", Role::Administrator).await;
    let program = Program::of(&adam, &["tokens:read"]).await;
    let id = ann.id_in("/keys", "key_", "program").await;
    assert_eq!(
        ann.post(&format!("/keys/{id}/take-over"), &[]).await.location.as_deref(),
        Some("/keys?done=key_taken_over")
    );
    let member = ann.member_id("adam").await;
    assert_eq!(ann.post(&format!("/members/{member}/remove"), &[]).await.status, 303);
    let read = program.get("/key").await;
    assert_eq!((read.status, &read.body["acts_as"]), (200, &json!("Ann Chen")));
}

#[tokio::test]
async fn a_key_is_rotated_revoked_and_limited_to_addresses() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["keys:write"]).await;
    let own = program.get("/key").await.body["id"].as_str().expect("an ID").to_owned();
    let path = format!("/keys/{own}/rotations");
    let rotated = program.post(&path, json!({ "grace_period": "1h" })).await;
    assert_eq!((rotated.status, &rotated.body["key"]["version"]), (200, &json!(2)), "{rotated:?}");
    let next =
        Program { user: &ann, key: rotated.body["secret"].as_str().expect("a secret").to_owned() };
    assert_eq!((program.get("/key").await.status, next.get("/key").await.status), (200, 200));
    console.pass(std::time::Duration::from_secs(3_601));
    assert_eq!((program.get("/key").await.status, next.get("/key").await.status), (401, 200));
    assert_eq!(
        next.send(("POST", &format!("/keys/{own}/revocations")), None, &[]).await.status,
        204
    );
    assert_eq!(next.get("/key").await.status, 401);

    let form = [
        ("name", "far"),
        ("expires", "30d"),
        ("scope", "tokens:read"),
        ("ip_allowlist", "192.0.2.7"),
    ];
    let far = Program { user: &ann, key: ann.post("/keys", &form).await.value("new-key") };
    let refused = far.get("/key").await;
    assert_eq!((refused.status, refused.code()), (403, "ip_not_allowed"));
    let short = Program::of(&ann, &["tokens:read"]).await;
    console.pass(std::time::Duration::from_hours(31 * 24));
    assert_eq!(short.get("/key").await.status, 401, "expired");
}

/// Nobody gets a secret that acts as another user, and a key that is taken over permits no more than before.
#[tokio::test]
async fn no_key_gives_its_holder_more_than_they_may_do() {
    let console = Console::start().await;
    let ann = console.owner();
    let adam = console.joined("adam@acme.example", Role::Administrator).await;
    let adams_id = ann.id_in("/members", "mem_", "adam@acme.example").await;
    let promote = ("PATCH", format!("/members/{adams_id}"));
    let promote = (promote.0, promote.1.as_str());
    let owner = || Some(json!({ "role": "owner" }));
    // An administrator can't rotate an owner's key: the secret would act as the owner.
    let anns = Program::of(&ann, &["members:write"]).await;
    let anns_id = anns.get("/key").await.body["id"].as_str().expect("an ID").to_owned();
    let form = [("version", "1"), ("grace_period", "none")];
    let rotated = adam.post(&format!("/keys/{anns_id}/rotate"), &form).await;
    assert!(rotated.status == 403 && rotated.text.contains("acts as another user"));
    assert!(!adam.get("/keys").await.text.contains(&format!("/keys/{anns_id}/rotate")));
    // Nor by a key.
    let adams = Program::of(&adam, &["keys:write", "members:write"]).await;
    let by_key = adams.post(&format!("/keys/{anns_id}/rotations"), json!({})).await;
    assert_eq!((by_key.status, by_key.code()), (403, "key_of_another_user"));
    assert_eq!(adams.send(promote, owner(), &[]).await.status, 403);
    // An owner takes the administrator's key over: it stays one of an administrator.
    let adams_key = adams.get("/key").await.body["id"].as_str().expect("an ID").to_owned();
    let taken = ann.post(&format!("/keys/{adams_key}/take-over"), &[]).await;
    assert_eq!(taken.status, 303);
    assert_eq!(adams.get("/key").await.body["acts_as"], "Ann Chen");
    assert_eq!(adams.send(promote, owner(), &[]).await.status, 403);
    // A key takes over only what it could have created.
    let weak = Program::of(&ann, &["keys:write"]).await;
    let other = Program::of(&adam, &["members:write"]).await;
    let other_id = other.get("/key").await.body["id"].as_str().expect("an ID").to_owned();
    let refused = weak.send(("POST", &format!("/keys/{other_id}/take-overs")), None, &[]).await;
    assert_eq!((refused.status, refused.code()), (422, "scope_not_grantable"), "{refused:?}");
}

#[tokio::test]
async fn a_key_creates_none_that_outlives_it_or_leaves_its_addresses() {
    let console = Console::start().await;
    let ann = console.owner();
    let form = [
        ("name", "parent"),
        ("expires", "30d"),
        ("scope", "keys:write"),
        ("ip_allowlist", "127.0.0.1"),
    ];
    let key = ann.post("/keys", &form).await.value("new-key");
    let parent = Program { user: &ann, key };
    let child = |expires: &str, allowlist: &[&str]| {
        json!({
            "name": "child", "scopes": ["keys:read"], "expires_at": expires, "ip_allowlist": allowlist,
        })
    };
    let late = parent.get("/key").await.body["expires_at"].as_str().expect("a time").to_owned();
    for (body, pointer) in [
        (child("2027-06-30T00:00:00Z", &[]), "/expires_at"),
        (child(&late, &["0.0.0.0/0"]), "/ip_allowlist"),
    ] {
        let refused = parent.post("/keys", body).await;
        assert_eq!(
            (refused.status, refused.code()),
            (422, "key_beyond_its_creator"),
            "{refused:?}"
        );
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let made = parent.post("/keys", child(&late, &[])).await;
    assert_eq!(made.body["key"]["ip_allowlist"], json!(["127.0.0.1/32"]), "{made:?}");
}
