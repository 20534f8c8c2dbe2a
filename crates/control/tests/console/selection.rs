//! Many tokens: filters, order, and the revocation of several at once; and what a form would break, before it does.

use crate::{
    api::Program,
    world::{Console, User},
};
use keydesk_model::Role;
use serde_json::json;
use std::time::Duration;

/// The names in the list, in its order.
async fn names(user: &User, query: &str) -> Vec<String> {
    let page = user.get(&format!("/tokens?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let active = page.text.split("aria-label=\"Active API tokens\"").nth(1).unwrap_or_default();
    let active = active.split("</table>").next().unwrap_or_default();
    let name = |part: &str| part.split("</b>").next().map(str::to_owned);
    active
        .split("<td data-label=\"Name\">")
        .skip(1)
        .filter_map(|row| name(row.split("<b>").nth(1)?))
        .collect()
}

async fn create(user: &User, name: &str, expires: &str, scope: &str) -> String {
    let form = [("name", name), ("expires", expires), ("scope", scope)];
    assert_eq!(user.post("/tokens", &form).await.status, 200);
    user.token_id(name).await
}

/// Notes an accepted request of a client from an address.
async fn used(console: &Console, token: &str, client: &str, address: &str) {
    let at = console.app.now().as_micros();
    console
        .sql(&format!(
            "INSERT INTO integration (token_id, client, client_ip, first_used_at, last_used_at, last_accepted_at, \
             requests) VALUES ('{token}', '{client}', '{address}', {at}, {at}, {at}, 3)"
        ))
        .await;
}

#[tokio::test]
async fn tokens_are_filtered_and_sorted() {
    let console = Console::start().await;
    let ann = console.owner();
    let old = create(&ann, "Old", "never", "*").await;
    console.pass(Duration::from_secs(1));
    create(&ann, "Idle", "never", "contacts:read").await;
    console.joined("bob@acme.example", Role::Developer).await;
    console.pass(Duration::from_hours(91 * 24));
    let ann = console.logged_in(crate::world::ANN).await;
    let bob = console.logged_in("bob@acme.example").await;
    used(&console, &old, "crm", "192.0.2.1").await;
    create(&bob, "beta", "7d", "contacts:read").await;
    console.pass(Duration::from_secs(1));
    create(&ann, "Alpha", "90d", "*").await;
    for name in ["gamma", "delta"] {
        console.pass(Duration::from_secs(1));
        create(&ann, name, "never", "contacts:read").await;
    }
    for (query, expected) in [
        ("", &["delta", "gamma", "Alpha", "beta", "Idle", "Old"][..]),
        ("sort=name", &["Alpha", "beta", "delta", "gamma", "Idle", "Old"]),
        ("sort=last_used", &["delta", "gamma", "Alpha", "beta", "Idle", "Old"]),
        ("sort=expires&show=all", &["beta", "Alpha", "delta", "gamma", "Idle", "Old"]),
        ("show=unused", &["Idle"]),
        ("show=expiring", &["beta"]),
        ("show=full_access", &["Alpha", "Old"]),
        ("show=never_expiring&text=D", &["delta", "Idle", "Old"]),
        ("text=AL", &["Alpha"]),
        ("creator=nobody", &[]),
        ("sort=nonsense&show=nonsense", &["delta", "gamma", "Alpha", "beta", "Idle", "Old"]),
    ] {
        assert_eq!(names(&ann, query).await, expected, "{query}");
    }
    let bobs = names(&ann, "creator=bob").await;
    assert_eq!(bobs, ["beta"], "{}", ann.get("/tokens").await.text);
    assert_eq!(ann.get("/tokens?after=nonsense").await.status, 422);
}

#[tokio::test]
async fn a_page_of_tokens_leads_to_the_next() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["tokens:write"]).await;
    for number in 0..53 {
        let body = serde_json::json!({"name": format!("t{number:02}"), "scopes": ["*"]});
        let created = program.post("/tokens", body).await;
        assert_eq!(created.status, 201, "{created:?}");
    }
    let page = ann.get("/tokens?sort=name").await.text;
    let next = page.split("rel=\"next\" href=\"/tokens?").nth(1).expect("more follow");
    let next = next.split('"').next().expect("an address").replace("&#38;", "&");
    assert_eq!(names(&ann, &next).await, ["t50", "t51", "t52"], "{next}");
}

#[tokio::test]
async fn several_tokens_are_revoked_at_once_with_one_list_of_what_stops() {
    let console = Console::start().await;
    let ann = console.owner();
    let (crm, job) =
        (create(&ann, "CRM", "never", "*").await, create(&ann, "Job", "never", "*").await);
    create(&ann, "Kept", "never", "*").await;
    used(&console, &crm, "crm-sync", "192.0.2.1").await;
    let page = ann.get(&format!("/tokens/revoke?id={crm}&id={job}")).await;
    let text = page.readable();
    assert!(text.contains("Revoke 2 API tokens") && text.contains("crm-sync"), "{text}");
    let shown = page.text.split("name=\"shown\" value=\"").nth(1).expect("what was shown");
    let shown = shown.split('"').next().expect("a value").replace("&#34;", "\"");
    // Another client began in the meantime: nothing is revoked, and the page says so.
    used(&console, &job, "nightly", "192.0.2.2").await;
    let form = [("id", &*crm), ("id", &*job), ("shown", &*shown)];
    let again = ann.post("/tokens/revoke", &form).await;
    assert!(again.readable().contains("This list has changed") && again.text.contains("nightly"));
    assert_eq!(names(&ann, "").await.len(), 3);
    let shown = again.text.split("name=\"shown\" value=\"").nth(1).expect("what was shown");
    let shown = shown.split('"').next().expect("a value").replace("&#34;", "\"");
    let form = [("id", &*crm), ("id", &*job), ("shown", &*shown)];
    let done = ann.post("/tokens/revoke", &form).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(names(&ann, "").await, ["Kept"]);
    let audit = ann.get("/audit?event=token.revoked").await.readable();
    assert_eq!(audit.matches("Token revoked").count(), 2, "{audit}");
    // All or none, and not too many.
    let kept = ann.token_id("Kept").await;
    let mixed = ann.get(&format!("/tokens/revoke?id={kept}&id={crm}")).await;
    assert_eq!(mixed.status, 409, "{}", mixed.text);
    assert_eq!(ann.post("/tokens/revoke", &[]).await.status, 422);
    let nothing = ann.get("/tokens/revoke").await;
    assert_eq!(nothing.location.as_deref(), Some("/tokens?done=no_tokens_selected"));
    assert!(ann.get("/tokens?done=no_tokens_selected").await.text.contains("Select the tokens"));
    assert_eq!(names(&ann, "").await, ["Kept"]);
    let viewer = console.joined("vera@acme.example", Role::Viewer).await;
    assert_eq!(viewer.get(&format!("/tokens/revoke?id={kept}")).await.status, 403);
}

#[tokio::test]
async fn members_are_filtered_sorted_and_removed_together() {
    let console = Console::start().await;
    let ann = console.owner();
    for (email, role) in [
        ("zoe@acme.example", Role::Viewer),
        ("bob@acme.example", Role::Developer),
        ("carl@acme.example", Role::Developer),
        ("dora@acme.example", Role::Administrator),
        ("emil@acme.example", Role::Viewer),
    ] {
        console.joined(email, role).await;
    }
    let emails = async |query: &str| {
        let page = ann.get(&format!("/members?{query}")).await.text;
        let table = page.split("<table").nth(1).unwrap_or_default();
        let table = table.split("</table>").next().unwrap_or_default();
        let cells = table.split("<span class=\"small\">").skip(1);
        let named = cells.filter_map(|cell| cell.split('@').next()).filter(|name| name.len() < 6);
        named.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(emails("show=developer&sort=name").await, ["bob", "carl"]);
    assert_eq!(emails("show=viewer&sort=name").await, ["emil", "zoe"]);
    assert_eq!(emails("sort=role").await[..2], ["ann", "dora"]);
    assert_eq!(emails("show=inactive").await, Vec::<String>::new());
    assert_eq!(emails("text=ZOE").await, ["zoe"]);
    let id = async |name: &str| ann.id_in(&format!("/members?text={name}"), "mem_", name).await;
    let (bob, zoe, dora) = (id("bob").await, id("zoe").await, id("dora").await);
    let page = ann.get(&format!("/members/remove?id={bob}&id={zoe}")).await;
    assert!(page.readable().contains("Remove 2 members?"), "{}", page.text);
    let shown = page.text.split("name=\"shown\" value=\"").nth(1).expect("what was shown");
    let shown = shown.split('"').next().expect("a value").replace("&#34;", "\"");
    let form = [("id", &*bob), ("id", &*zoe), ("shown", &*shown)];
    assert_eq!(ann.post("/members/remove", &form).await.status, 303);
    assert_eq!(emails("sort=name").await, ["ann", "carl", "dora", "emil"]);
    let audit = ann.get("/audit?event=member.removed").await.readable();
    assert_eq!(audit.matches("Member removed by Ann Chen").count(), 2, "{audit}");
    let mail = ann.get("/mail").await.readable();
    assert!(mail.contains("bob@acme.example") && mail.contains("zoe@acme.example"), "{mail}");
    // All or none, not oneself, and not too many.
    let own = ann.id_in("/members?text=ann", "mem_", "ann").await;
    for (ids, code) in [(vec![&dora, &own], 422), (vec![&dora, &bob], 404), (vec![], 422)] {
        let mut form: Vec<_> = ids.iter().map(|id| ("id", id.as_str())).collect();
        form.push(("shown", "x"));
        assert_eq!(ann.post("/members/remove", &form).await.status, code, "{ids:?}");
    }
    let nothing = ann.get("/members/remove").await;
    assert_eq!(nothing.location.as_deref(), Some("/members?done=no_members_selected"));
    assert_eq!(emails("").await.len(), 4);
    let admin = console.logged_in("dora@acme.example").await;
    let refused = admin.get(&format!("/members/remove?id={own}")).await;
    assert_eq!(refused.status, 403, "only owners remove owners");
}

#[tokio::test]
async fn a_note_is_kept_with_its_token() {
    let console = Console::start().await;
    let ann = console.owner();
    let form =
        [("name", "CRM"), ("expires", "never"), ("scope", "*"), ("note", " Ask Zoë\u{a0}first ")];
    assert_eq!(ann.post("/tokens", &form).await.status, 200);
    let id = ann.token_id("CRM").await;
    assert!(ann.get(&format!("/tokens/{id}")).await.text.contains(">Ask Zoë first</p>"));
    let long = "x".repeat(501);
    let form = [("name", "Other"), ("expires", "never"), ("scope", "*"), ("note", &*long)];
    let page = ann.post("/tokens", &form).await;
    assert!(page.status == 422 && page.text.contains("at most 500 printable"), "{}", page.text);
    assert!(page.text.contains(&long), "nothing is lost");
    let saved = ann.post(&format!("/tokens/{id}/note"), &[("note", "Nightly <import>")]).await;
    assert_eq!(saved.location.as_deref(), Some(&*format!("/tokens/{id}?done=note_saved")));
    let page = ann.get(&format!("/tokens/{id}")).await.text;
    assert!(
        page.contains("Nightly &#60;import&#62;") || page.contains("Nightly &lt;import&gt;"),
        "{page}"
    );
    // A replacement has the note of its predecessor.
    let page = ann.get(&format!("/tokens/new?successor_of={id}")).await.text;
    assert!(page.contains("name=\"note\" value=\"Nightly"), "{page}");
    let program = crate::api::Program::of(&ann, &["tokens:write"]).await;
    let path = format!("/tokens/{id}");
    let merge = ("content-type", "application/merge-patch+json");
    let empty = Some(serde_json::json!({ "note": "" }));
    let patched = program.send(("PATCH", &path), empty, &[merge]).await;
    assert_eq!((patched.status, &patched.body["note"]), (200, &"".into()), "{patched:?}");
    let wrong = Some(serde_json::json!({ "name": "Half", "note": "a\u{202e}b" }));
    let refused = program.send(("PATCH", &path), wrong, &[merge]).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_note"));
    assert_eq!(program.get(&path).await.body["name"], "CRM", "all or nothing");
    let pasted = ann.create_token("Pasted", "never").await;
    let note = [("note", &*format!("the token is {pasted}"))];
    let refused = ann.post(&format!("/tokens/{id}/note"), &note).await;
    assert!(refused.status == 422 && refused.text.contains("contains a token"), "{}", refused.text);
    assert!(!refused.text.contains(&pasted));
}

#[tokio::test]
async fn n1_a_form_that_breaks_clients_asks_first() {
    let console = Console::start().await;
    let ann = console.owner();
    let crm = create(&ann, "CRM", "never", "*").await;
    used(&console, &crm, "crm-sync", "198.51.100.7").await;
    let bob = console.joined("bob@acme.example", Role::Developer).await;
    drop(bob);
    let member = ann.id_in("/members", "mem_", "bob@acme.example").await;
    let mut read = console.app.store.read().await.expect("reads");
    let bearer = read.find_bearer_token(member.parse().expect("an ID")).await.expect("reads");
    drop(read);
    let bearer = bearer.expect("a token").id.to_string();
    used(&console, &bearer, "postman", "203.0.113.9").await;
    let role = format!("/members/{member}/role");
    for (path, form, client) in [
        (
            &*format!("/tokens/{crm}/limits"),
            &[("scope", "*"), ("ip_allowlist", "203.0.113.0/24"), ("mode", "enforce")][..],
            "crm-sync",
        ),
        ("/limits", &[("ip_allowlist", "203.0.113.0/24"), ("mode", "enforce")], "crm-sync"),
        (&role, &[("role", "viewer")], "postman"),
    ] {
        let asks = ann.post(path, form).await;
        assert_eq!(asks.status, 200, "{path}: {}", asks.text);
        let text = asks.readable();
        assert!(text.contains("What will stop working") && text.contains(client), "{text}");
        let field = |name: &str| asks.text.contains(&format!("type=\"hidden\" name=\"{name}\""));
        assert!(form.iter().all(|(name, _)| field(name)), "the form is kept: {}", asks.text);
        let shown = asks.text.split("name=\"shown\" value=\"").nth(1).expect("what was shown");
        let shown = shown.split('"').next().expect("a value").replace("&#34;", "\"");
        let mut confirmed = form.to_vec();
        confirmed.push(("shown", &shown));
        assert_eq!(ann.post(path, &confirmed).await.status, 303, "{path}");
    }
    // What breaks nobody is done at once.
    let observed = [("ip_allowlist", "192.0.2.0/24"), ("mode", "observe")];
    assert_eq!(ann.post("/limits", &observed).await.status, 303);
    assert_eq!(ann.post("/limits", &[("ip_allowlist", ""), ("mode", "enforce")]).await.status, 303);
}

/// Bob’s provider says that he is a guest, and guests get a role without a bearer token.
#[tokio::test]
async fn n1_roles_of_single_sign_on_that_break_clients_ask_first() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = console.joined("bob@acme.example", Role::Developer).await;
    drop(bob);
    let member = ann.id_in("/members", "mem_", "bob@acme.example").await;
    let mut read = console.app.store.read().await.expect("reads");
    let bearer = read.find_bearer_token(member.parse().expect("an ID")).await.expect("reads");
    drop(read);
    used(&console, &bearer.expect("a token").id.to_string(), "postman", "203.0.113.9").await;
    let form = |roles: &'static str| {
        [
            ("issuer", "https://login.acme.example"),
            ("client_id", "keydesk"),
            ("client_secret", "not a real one"),
            ("domain", "acme.example"),
            ("default_role", "developer"),
            ("role_claim", "groups"),
            ("roles", roles),
        ]
    };
    let saved = ann.post("/sso", &form("admins = administrator")).await;
    assert!(saved.text.contains("Settings saved, but"), "no provider is there: {}", saved.text);
    console
        .sql(&format!(
            "INSERT INTO identity (account_id, issuer, subject, user_id, created_at, role_values) \
             SELECT account_id, 'https://login.acme.example', 'bob', user_id, 0, '[\"guests\"]' \
             FROM member WHERE id = '{member}'"
        ))
        .await;
    let asks = ann.post("/sso", &form("guests = viewer")).await;
    let text = asks.readable();
    assert!(text.contains("What will stop working") && text.contains("postman"), "{text}");
    // Nobody loses anything by another rule for those whom it doesn’t concern.
    let saved = ann.post("/sso", &form("admins = owner")).await;
    assert!(!saved.text.contains("What will stop working"), "{}", saved.text);
    let program = Program::of(&ann, &["sso:write"]).await;
    let body = json!({
        "issuer": "https://login.acme.example", "client_id": "keydesk", "domains": ["acme.example"],
        "default_role": "developer", "role_claim": "groups", "role_mapping": { "guests": "viewer" },
    });
    let settings = program.get("/sso").await;
    let etag = settings.header("etag").to_owned();
    for headers in [vec![], vec![("if-match", etag.as_str())]] {
        let refused = program.send(("PUT", "/sso"), Some(body.clone()), &headers).await;
        assert_eq!((refused.status, refused.code()), (428, "precondition_required"), "{refused:?}");
        let detail = refused.body["detail"].as_str().expect("a text");
        assert!(detail.contains("postman from 203.0.113.9"), "{detail}");
    }
    assert_eq!(
        program.get("/sso").await.body["role_mapping"],
        json!({ "admins": "administrator" })
    );
    let accepted = program.send(("PUT", "/sso"), Some(body), &[("if-match", "*")]).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
}

#[tokio::test]
async fn f7_a_range_beyond_the_calendar_is_refused() {
    let console = Console::start().await;
    let ann = console.owner();
    let program = Program::of(&ann, &["usage:read"]).await;
    for query in [
        "to=9999-12-30T21:00:00Z&bucket=month",
        "to=9999-12-30T21:00:00Z",
        "from=0001-01-01T00:00:00Z&to=0001-02-01T00:00:00Z&bucket=month",
        "from=2999-01-01T00:00:00Z&to=2999-02-01T00:00:00Z&bucket=day",
    ] {
        let refused = program.get(&format!("/usage?{query}")).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_usage_range"), "{query}");
    }
}

#[tokio::test]
async fn n4_what_helps_fits_the_token_and_its_owner() {
    use crate::failing_clients::Rejected;
    let console = Console::start().await;
    let ann = console.owner();
    let crm = create(&ann, "CRM", "never", "*").await;
    let bob = console.joined("bob@acme.example", Role::Developer).await;
    let member = ann.id_in("/members", "mem_", "bob@acme.example").await;
    let mut read = console.app.store.read().await.expect("reads");
    let bearer = read.find_bearer_token(member.parse().expect("an ID")).await.expect("reads");
    drop(read);
    let bearer = bearer.expect("a token").id.to_string();
    for (token, code, client) in [
        (&*crm, "token_rotated", "rotated"),
        (&bearer, "password_changed", "changed"),
        ("", "token_in_query", "leaky"),
    ] {
        let operation = "GET /contacts";
        console.rejects(&Rejected { token, code, client, operation, requests: 1 }).await;
    }
    let page = async |user: &User, client: &str| {
        let id = user.id_in("/failing-clients?state=all", "fcl_", client).await;
        user.get(&format!("/failing-clients/{id}")).await.text
    };
    let rotated = page(&ann, "rotated").await;
    assert!(rotated.contains("Update the secret") && !rotated.contains("/restore"), "{rotated}");
    let theirs = page(&ann, "changed").await;
    assert!(theirs.contains(&format!("/members/{member}/move")), "{theirs}");
    assert!(!theirs.contains("class=\"btn\" href=\"/api-docs\""), "it isn’t Ann’s token: {theirs}");
    let own = page(&bob, "changed").await;
    assert!(own.contains("href=\"/api-docs\""), "{own}");
    let without = page(&ann, "Clients without a valid token").await;
    assert!(without.contains("See how to send the token"), "{without}");
    // The bearer token of another member: no secret, and no settings.
    let eve = console.joined("eve@acme.example", Role::Developer).await;
    let seen = eve.get(&format!("/tokens/{bearer}")).await;
    assert!(seen.status == 200 && !seen.text.contains("kd_u_"), "{}", seen.text);
    assert!(bob.get(&format!("/tokens/{bearer}")).await.text.contains("kd_u_"));
    assert_eq!(eve.post(&format!("/tokens/{bearer}/alerts"), &[]).await.status, 404);
    assert_eq!(bob.post(&format!("/tokens/{bearer}/alerts"), &[]).await.status, 303);
    // A member who has left has no new token.
    ann.post(&format!("/members/{member}/remove"), &[]).await;
    let gone = page(&ann, "changed").await;
    assert!(gone.contains("href=\"/tokens/new\"") && !gone.contains("/move"), "{gone}");
}

#[tokio::test]
async fn a_token_is_restored_after_the_password_only() {
    let console = Console::start().await;
    let ann = console.owner();
    let crm = create(&ann, "CRM", "never", "*").await;
    console.pass(Duration::from_hours(2));
    assert_eq!(ann.post(&format!("/tokens/{crm}/revoke"), &[]).await.status, 303);
    let restore = format!("/tokens/{crm}/restore");
    assert_eq!(ann.post(&restore, &[]).await.status, 403);
    let password = [("confirm_password", crate::world::PASSWORD)];
    assert_eq!(ann.post(&restore, &password).await.status, 303);
}
