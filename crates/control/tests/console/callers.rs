//! Each route with each caller: the answer is the one that the table of routes names.

use crate::world::{Caller, Console, User};
use keydesk_control::{Access, ROUTES};
use keydesk_model::{Permission, Role};

/// Puts ids that exist nowhere into a path: who may not call is refused before anything is looked up.
fn filled(path: &str) -> String {
    let nowhere = "0".repeat(32);
    let kind = match path {
        path if path.starts_with("/tokens") => "tok",
        path if path.contains("/keys") => "key",
        path if path.contains("/webhooks") => "whk",
        path if path.starts_with("/canaries") => "can",
        path if path.starts_with("/members/invitations") => "inv",
        path if path.starts_with("/members") => "mem",
        _ => "ses",
    };
    path.replace("{id}", &format!("{kind}_{nowhere}"))
        .replace("{delivery}", &format!("dlv_{nowhere}"))
        .replace("{code}", &nowhere)
        .replace("{operation}", &nowhere)
        .replace("{number}", "999999")
        .replace("{*path}", "app.css")
}

/// Acts that would end the session of the very user who tries every route, and those that answer
/// 403 to a wrong password whoever asks.
fn is_left_out(method: &str, path: &str) -> bool {
    method == "post"
        && [
            "/logout",
            "/members/leave",
            "/sessions/log-out-all",
            "/login",
            "/login/two-factor",
            "/login/passkey",
            "/confirm",
        ]
        .contains(&path)
}

async fn ask(user: &User, method: &str, path: &str) -> (u16, Option<String>) {
    let page = match method {
        "get" => user.get(path).await,
        // Complete enough that a form is not refused for its fields before its sender is.
        _ => {
            user.post(
                path,
                &[
                    ("role", "viewer"),
                    ("email", "x@y.example"),
                    ("name", "n"),
                    ("scope", "*"),
                    ("answered", "yes"),
                ],
            )
            .await
        }
    };
    (page.status, page.location)
}

fn is_permitted(access: Access, caller: Caller) -> bool {
    match (access, caller) {
        (Access::Anyone, _) => true,
        (Access::Session, caller) => caller != Caller::Anonymous,
        (Access::Needs(permission), Caller::Member(role)) => role.may(permission),
        // Ann, the owner, also is an operator.
        (Access::Operator, caller) => {
            [Caller::Operator, Caller::Member(Role::Owner)].contains(&caller)
        }
        _ => false,
    }
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let console = Console::start().await;
    let members = Caller::ALL.into_iter().filter(|caller| matches!(caller, Caller::Member(_)));
    let mut cells = 0;
    for caller in members {
        let user = console.as_caller(caller).await;
        for (method, path, access) in
            ROUTES.iter().filter(|(method, path, _)| !is_left_out(method, path))
        {
            let (status, _) = ask(&user, method, &filled(path)).await;
            let what = format!("{caller:?} {method} {path}: {status}");
            assert_eq!(status == 403, !is_permitted(*access, caller), "{what}");
            assert!(status < 500, "{what}");
            cells += 1;
        }
    }
    assert!(cells > 150, "the grid covers the table");
}

#[tokio::test]
async fn an_operator_without_an_account_gets_no_page_of_an_account() {
    let console = Console::start().await;
    let olga = console.as_caller(Caller::Operator).await;
    for (method, path, access) in
        ROUTES.iter().filter(|(method, path, _)| !is_left_out(method, path))
    {
        let (status, location) = ask(&olga, method, &filled(path)).await;
        let what = format!("{method} {path}: {status} {location:?}");
        match access {
            Access::Operator => assert!(status != 403 && status < 500, "{what}"),
            Access::Needs(_) if *method == "post" => {
                assert!([303, 403].contains(&status), "{what}");
            }
            Access::Needs(_) => {
                assert_eq!((status, location.as_deref()), (303, Some("/operator")), "{what}");
            }
            Access::Anyone | Access::Session => assert!(status < 500, "{what}"),
        }
    }
}

#[tokio::test]
async fn without_a_session_every_other_route_leads_to_the_log_in() {
    let console = Console::start().await;
    let visitor = console.anonymous();
    for (method, path, access) in ROUTES {
        let (status, location) = ask(&visitor, method, &filled(path)).await;
        // A form is kept, and its page leads to the login.
        let is_kept = status == 403 && *method == "post" && *access != Access::Anyone;
        let is_led = status == 303 && location.is_some_and(|to| to.starts_with("/login"));
        let is_sent_away = is_led || is_kept;
        assert_eq!(is_sent_away, *access != Access::Anyone, "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn t47_no_form_of_another_site_is_taken() {
    let console = Console::start().await;
    let ann = console.owner();
    for (_, path, _) in ROUTES.iter().filter(|(method, ..)| *method == "post") {
        let page = ann.post_from("https://evil.example", &filled(path)).await;
        assert_eq!(page.status, 403, "{path}");
    }
    assert_eq!(ann.get("/api-docs").await.status, 200, "nothing happened");
}

#[tokio::test]
async fn t52_owners_are_touched_by_owners_only_and_one_always_stays() {
    let console = Console::start().await;
    let ann = console.owner();
    let adam = console.joined("adam@acme.example", Role::Administrator).await;
    let ann_id = ann.member_id("Ann Chen").await;
    let adam_id = ann.member_id("adam").await;
    for path in [format!("/members/{ann_id}/remove"), format!("/members/{ann_id}/log-out")] {
        assert_eq!(adam.post(&path, &[]).await.status, 403);
    }
    for (id, role) in [(&ann_id, "viewer"), (&adam_id, "owner")] {
        assert_eq!(adam.post(&format!("/members/{id}/role"), &[("role", role)]).await.status, 403);
    }
    let invite = [("email", "new@acme.example"), ("role", "owner")];
    assert_eq!(adam.post("/members/invitations", &invite).await.status, 403);
    assert_eq!(
        ann.post(&format!("/members/{ann_id}/role"), &[("role", "viewer")]).await.status,
        422
    );
    assert_eq!(ann.post(&format!("/members/{ann_id}/remove"), &[]).await.status, 422);
    assert_eq!(ann.get("/tokens").await.status, 200, "Ann is owner still");
}

/// The table in the operators' guide is the table in the code, and leaves no right out.
#[test]
fn the_guide_s_table_of_roles_is_true() {
    const ROWS: [(&str, &[Permission]); 12] = [
        ("see members", &[Permission::SeeMembers]),
        ("API Docs, own bearer token", &[Permission::UseApiDocs]),
        (
            "see and manage API tokens, see limits, usage, and receipts",
            &[
                Permission::SeeTokens,
                Permission::ManageTokens,
                Permission::SeeLimits,
                Permission::SeeUsage,
                Permission::SeeReceipts,
            ],
        ),
        ("create and revoke management keys", &[Permission::SeeKeys, Permission::ManageKeys]),
        ("see and manage webhooks", &[Permission::SeeWebhooks, Permission::ManageWebhooks]),
        ("see and manage canary tokens", &[Permission::SeeCanaries, Permission::ManageCanaries]),
        ("invite, change, log out and remove members", &[Permission::ManageMembers]),
        (
            "limit the account's addresses and the life of tokens, require a second factor",
            &[Permission::LimitAccount],
        ),
        ("read the audit log", &[Permission::SeeAudit]),
        ("set up single sign-on", &[Permission::ManageSso]),
        ("name and touch owners", &[Permission::ManageOwners]),
        ("take over management keys", &[Permission::TakeOverKeys]),
    ];
    let guide = include_str!("../../../../docs/guide/operators.md");
    for (label, rights) in ROWS {
        let row = guide.lines().find(|line| line.starts_with(&format!("| {label} |")));
        let row = row.unwrap_or_else(|| panic!("no row “{label}”"));
        let marks: Vec<_> = row.split('|').skip(2).take(4).map(|cell| cell.contains('✓')).collect();
        // From the least to the most, as the table has them.
        let roles = Role::ALL.into_iter().rev();
        for right in rights {
            let may: Vec<_> = roles.clone().map(|role| role.may(*right)).collect();
            assert_eq!(marks, may, "{label}");
        }
    }
    for (_, path, access) in ROUTES {
        if let Access::Needs(right) = access {
            assert!(ROWS.iter().any(|(_, rights)| rights.contains(right)), "{path}");
        }
    }
}
