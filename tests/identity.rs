//! T51, T53, T54, T57 and T62: whose is whose, who stays, who is who, and that all of it is written down.

use crate::support::{Keydesk, Options, PASSWORD, User, postgres::Postgres};
use keydesk_control::{Access, ROUTES};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

const ANN: &str = "ann@acme.example";

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

/// Every route that names something, called by the owner of another account with what there is in this
/// one: it is as if it did not exist.
#[tokio::test]
async fn t51_what_belongs_to_another_account_does_not_exist() {
    let config = "sign_up = true\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let vera = ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    let token = ann.create_token("Acme importer", "never").await;
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "viewer")]).await;
    ann.post("/api-docs/rotate", &[]).await;
    let bea = User::signed_up(&keydesk.console, "Beta Ltd", "bea@beta.example", "Bea").await;

    let members = ann.get("/members").await.text;
    let receipts = ann.get("/receipts").await.text;
    let receipt = receipts.split("href=\"/receipts/").nth(1).expect("a receipt");
    let receipt = receipt.split('"').next().expect("its number").to_owned();
    let ids = [
        ("/tokens/", ann.token_id("Acme importer").await),
        ("/members/invitations/", id_in(&members, "inv_")),
        ("/members/", ann.member_id("vera").await),
        ("/sessions/", id_in(&vera.get("/sessions").await.text, "ses_")),
        ("/receipts/", receipt),
        // A request for the passkey of another user gets the response for a missing one.
        ("/passkeys/", "AAAA".to_owned()),
    ];
    let form = [("role", "viewer"), ("scope", "*"), ("mode", "enforce"), ("grace_period", "none")];
    let mut tried = 0;
    for (method, path, access) in ROUTES {
        if !path.contains("{id}") || *access == Access::Operator {
            continue;
        }
        let found = ids.iter().find(|(prefix, _)| path.starts_with(prefix));
        let (_, id) = found.unwrap_or_else(|| panic!("nothing to try {path} with"));
        let path = path.replace("{id}", id);
        let page =
            if *method == "get" { bea.get(&path).await } else { bea.post(&path, &form).await };
        let expected = if path.starts_with("/passkeys") { 422 } else { 404 };
        assert_eq!(page.status, expected, "{method} {path}: {}", page.text);
        tried += 1;
    }
    assert!(tried >= 15, "{tried} routes name something");
    let into = account_id(&keydesk).await;
    assert_eq!(bea.post("/accounts/switch", &[("account", &into)]).await.status, 404);
    sees_nothing_of_acme(&bea).await;
    let endpoint = ann.endpoint_url().await;
    assert_eq!(crate::support::use_token(&endpoint, &token).await.0, 200, "nothing happened");
    assert_eq!(vera.get("/sessions").await.status, 200, "nor to Vera's session");
}

async fn account_id(keydesk: &Keydesk) -> String {
    let options = SqliteConnectOptions::new().filename(keydesk.data().join("keydesk.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
    let first = "SELECT id FROM account ORDER BY created_at LIMIT 1";
    sqlx::query_scalar(first).fetch_one(&mut connection).await.expect("is there")
}

async fn owners_demote_each_other(config: String) {
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "owner", PASSWORD).await;
    let ids = [ann.member_id("Ann Chen").await, ann.member_id("bob").await];
    let role = |member: usize| format!("/members/{}/role", ids[member]);
    for round in 0..8 {
        let (of_bob, of_ann) = (role(1), role(0));
        let viewer = [("role", "viewer")];
        let (one, two) = tokio::join!(ann.post(&of_bob, &viewer), bob.post(&of_ann, &viewer));
        let done = |page: &crate::support::Page| page.status == 303;
        assert!(done(&one) != done(&two), "round {round}: {} and {}", one.status, two.status);
        let (owner, other) = if done(&one) { (&ann, 1) } else { (&bob, 0) };
        assert_eq!(owner.post(&role(other), &[("role", "owner")]).await.status, 303);
    }
}

#[tokio::test]
async fn t53_of_two_owners_who_demote_each_other_one_stays_on_sqlite() {
    owners_demote_each_other(String::new()).await;
}

#[tokio::test]
async fn t53_of_two_owners_who_demote_each_other_one_stays_on_postgresql() {
    let server = Postgres::shared();
    let store = server.url(&server.new_database());
    owners_demote_each_other(format!("database_url = \"{store}\"\n")).await;
}

/// One form for who somebody is, the stored one for where mail goes.
#[tokio::test]
async fn t54_an_address_in_disguise_is_its_owner_and_mail_goes_to_the_stored_one() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let stored = "Fiona.fiscal+api@acme.example";
    ann.invite(stored, "viewer", PASSWORD).await;
    let visitor = User::visiting(&keydesk.console);
    let long = format!("{}@acme.example", "f".repeat(320));
    for (typed, is_fiona) in [
        ("fiona.fiscal+api@acme.example", true),
        (" FIONA.FISCAL+API@ACME.EXAMPLE ", true),
        ("ﬁona.ﬁscal+api@acme.example", true),
        ("ｆｉｏｎａ.fiscal+api@acme.example", true),
        // Dots and tags are the receiving server's business; other letters are other letters.
        ("fionafiscal+api@acme.example", false),
        ("fiona.fiscal@acme.example", false),
        ("fıona.fiscal+api@acme.example", false),
        ("fİona.fiscal+api@acme.example", false),
        ("fіona.fiscal+api@acme.example", false),
        ("fiona.fiscal+api@acme.example\0", false),
        ("fiona.fiscal+api@acme.example\r\nBcc: eve@evil.example", false),
        (&long, false),
    ] {
        keydesk.sql("DELETE FROM attempt").await;
        keydesk.sql("DELETE FROM reset").await;
        let logged_in = visitor.log_in(typed, PASSWORD).await.status == 303;
        assert_eq!(logged_in, is_fiona, "{typed:?}");
        let before = ann.get("/mail").await.text.matches("/reset-password/").count();
        visitor.post("/forgot-password", &[("email", typed)]).await;
        let mail = ann.get("/mail").await.text;
        let is_sent = mail.matches("/reset-password/").count() > before;
        assert_eq!(is_sent, is_fiona, "{typed:?}");
        let newest = mail.split("<article").nth(1).expect("a mail");
        assert!(
            !is_sent
                || newest.contains("To Fiona.fiscal&#43;api@acme.example")
                || newest.contains(&format!("To {stored}")),
            "{newest}"
        );
        // Nobody comes in beside her either.
        let invited = [("email", typed), ("role", "viewer")];
        let answer = ann.post("/members/invitations", &invited).await;
        if is_fiona {
            assert_eq!(answer.status, 422, "{typed:?} belongs to the account already");
        }
    }
}

async fn counted(folder: &Path, statement: &'static str) -> i64 {
    let options = SqliteConnectOptions::new().filename(folder.join("keydesk.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
    sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("counts")
}

/// Whatever the moment at which the power goes, what was done and what is written of it are the same.
#[tokio::test]
async fn t57_there_is_no_change_without_its_entry_and_no_entry_without_its_change() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let options = Options { has_account: true, ..Options::default() };
    drop(ann);
    for round in 0..6_u64 {
        let users = futures_util::future::join_all(
            (0..3).map(|_| User::logged_in(&keydesk.console, ANN, PASSWORD)),
        )
        .await;
        let acts: Vec<_> = users
            .into_iter()
            .enumerate()
            .map(|(worker, user)| tokio::spawn(act_on(user, format!("{round}-{worker}"))))
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(150 + 37 * round)).await;
        keydesk.kill_and_restart(&options);
        for act in acts {
            act.await.expect("ends when the console is gone");
        }
    }
    let folder = keydesk.data();
    for (what, changes, entries) in [
        (
            "API tokens",
            "SELECT count(*) FROM token WHERE token_owner = 'account'",
            "SELECT count(*) FROM audit WHERE event = 'token.created'",
        ),
        (
            "rotations of the bearer token",
            "SELECT count(*) FROM secret WHERE revocation_reason = 'rotated'",
            "SELECT count(*) FROM audit WHERE event = 'token.rotated'",
        ),
        (
            "invitations",
            "SELECT count(*) FROM invitation",
            "SELECT count(*) FROM audit WHERE event = 'member.invited'",
        ),
        (
            "sessions",
            "SELECT count(*) FROM session",
            "SELECT count(*) FROM audit WHERE event IN ('session.created', 'account.created')",
        ),
    ] {
        let (changes, entries) = (counted(&folder, changes).await, counted(&folder, entries).await);
        assert_eq!(changes, entries, "{what}");
        assert!(changes > 6, "{what}: {changes}");
    }
    let verified = keydesk.run(&["--config", "keydesk.toml", "audit", "verify"], "");
    assert!(verified.status.success(), "{verified:?}");
}

/// Makes, rotates and invites until the console is gone.
async fn act_on(user: User, whose: String) {
    for number in 0_u32.. {
        let name = format!("T {whose}-{number}");
        let form = [("name", name.as_str()), ("expires", "never"), ("scope", "*")];
        if user.try_post("/tokens", &form).await.is_none()
            || user.try_post("/api-docs/rotate", &[]).await.is_none()
        {
            return;
        }
        let email = format!("p{whose}-{number}@acme.example");
        let form = [("email", email.as_str()), ("role", "viewer")];
        if user.try_post("/members/invitations", &form).await.is_none() {
            return;
        }
    }
}

/// What people and programs write of themselves reaches logs and pages without power over them.
#[tokio::test]
async fn t62_no_name_moves_the_cursor_breaks_a_line_or_turns_the_text() {
    let log = tempfile::tempdir().expect("a folder");
    let file = log.path().join("access.log");
    let config =
        format!("[observe]\nstatus = \"127.0.0.1:0\"\naccess_log = \"{}\"\n", file.display());
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let evil = [
        "a\r\nSet-Cookie: x=1",
        "a\u{1b}[2Jb",
        "a\u{9b}31mb",
        "a\u{2028}b",
        "a\u{202e}gnp.exe",
        "a\u{2066}b",
        "a\u{7f}\u{8}b",
        "a\0b",
    ];
    for name in evil {
        ann.post("/tokens", &[("name", name), ("expires", "never"), ("scope", "*")]).await;
        ann.post("/members/invitations", &[("email", name), ("role", "viewer")]).await;
        User::visiting(&keydesk.console).log_in(name, "wrong").await;
        ann.get(&format!("/audit?text={}", escaped(name))).await;
        ann.get(&format!("/{}", escaped(name))).await;
        let client = crate::support::client().build().expect("a client");
        for path in [format!("/api/v1/{}", escaped(name)), "/api/v1/contacts".to_owned()] {
            let call = client.get(format!("{endpoint}{path}")).bearer_auth(&token);
            let agent = reqwest::header::HeaderValue::from_bytes(name.as_bytes());
            let call = match agent {
                Ok(agent) => call.header("user-agent", agent),
                Err(_) => call,
            };
            call.send().await.expect("answers");
        }
    }
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    crate::support::eventually("the log is written", async || {
        lines().lines().count() >= 2 * evil.len()
    })
    .await;
    for line in lines().lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("one record a line");
    }
    for (place, text) in [
        ("the access log", lines()),
        ("what is printed", keydesk.printed()),
        ("the tokens", ann.get("/tokens").await.text),
        ("the members", ann.get("/members").await.text),
        ("the audit log", ann.get("/audit").await.text),
        ("its export", ann.get("/audit/export?format=jsonl").await.text),
        ("its export as CSV", ann.get("/audit/export?format=csv").await.text),
    ] {
        let found = text.chars().find(|c| {
            (c.is_control() && *c != '\n' && *c != '\r')
                || matches!(*c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(found, None, "{place}: {text}");
    }
}

/// Every byte in percent-encoding.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02x}"))
}
