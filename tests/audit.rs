//! F8: the audit log: what was done, by whom, from where; and that it is what was written.

use crate::{
    limits::token_with,
    support::{Keydesk, Options, PASSWORD, User},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

async fn database(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("keydesk.sqlite"));
    SqliteConnection::connect_with(&options).await.expect("opens")
}

async fn number(connection: &mut SqliteConnection, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(connection).await.expect("answers")
}

/// What was written, with Keydesk stopped: a log of some entries, and its heads as of before the last.
struct Stopped {
    keydesk: Keydesk,
    anchors: String,
    /// An entry in the middle.
    changed: i64,
    last: i64,
}

impl Stopped {
    async fn new() -> Self {
        let mut keydesk = Keydesk::start();
        let ann = keydesk.with_account().await;
        ann.invite("bob@acme.example", "developer", PASSWORD).await;
        token_with(&ann, "CRM", &["*"]).await;
        let anchor = keydesk.run(&["audit", "anchor"], "");
        assert!(anchor.status.success(), "{anchor:?}");
        token_with(&ann, "Shop", &["*"]).await;
        keydesk.stop();
        let path = keydesk.data().join("anchors");
        std::fs::write(&path, &anchor.stdout).expect("writes");
        let mut connection = database(&keydesk.data()).await;
        let last = number(&mut connection, "SELECT max(seq) FROM audit").await;
        let invited = "SELECT seq FROM audit WHERE event = 'member.invited'";
        let changed = number(&mut connection, invited).await;
        connection.close().await.expect("closes");
        Self { keydesk, anchors: path.to_string_lossy().into_owned(), changed, last }
    }

    fn verify(&self, more: &[&str]) -> (bool, String) {
        let output = self.keydesk.run(&[&["audit", "verify"], more].concat(), "");
        let message = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&message).into_owned())
    }

    /// What is said after these; all is put back then.
    async fn after(&self, statements: &[String], more: &[&str]) -> (bool, String) {
        let (file, kept) =
            (self.keydesk.data().join("keydesk.sqlite"), self.keydesk.data().join("kept"));
        std::fs::copy(&file, &kept).expect("copies");
        let mut connection = database(&self.keydesk.data()).await;
        for statement in statements {
            let statement = sqlx::AssertSqlSafe(statement.clone());
            sqlx::query(statement).execute(&mut connection).await.expect("writes");
        }
        connection.close().await.expect("closes");
        let message = self.verify(more);
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.keydesk.data().join(format!("keydesk.sqlite{end}")));
        }
        std::fs::rename(&kept, &file).expect("puts back");
        message
    }
}

/// T61: each column of an entry.
#[tokio::test]
async fn t61_a_changed_entry_is_named_whatever_was_changed_in_it() {
    let log = Stopped::new().await;
    let (is_good, message) = log.verify(&["--anchor", &log.anchors]);
    assert!(is_good && message.contains("none was changed or removed"), "{message}");
    let changed = log.changed;
    for column in [
        "at",
        "event",
        "actor",
        "user_id",
        "member_id",
        "account_id",
        "target",
        "detail",
        "client_ip",
        "user_agent",
        "request_id",
        "chain",
    ] {
        let value = if column == "at" { "at + 1" } else { "'x'" };
        let set = format!("UPDATE audit SET {column} = {value} WHERE seq = {changed}");
        let (is_good, message) = log.after(&[set], &[]).await;
        assert!(!is_good && message.contains(&format!("entry {changed} ")), "{column}: {message}");
    }
    assert!(log.verify(&[]).0, "all is put back");
}

/// T61: an entry taken out or moved, the end cut off, the whole rewritten.
#[tokio::test]
async fn t61_the_first_bad_entry_is_named() {
    let log = Stopped::new().await;
    let Stopped { changed, last, .. } = log;
    let taken_out = vec![format!("DELETE FROM audit WHERE seq = {changed}")];
    let cut_off = vec![
        format!("DELETE FROM audit WHERE seq = {last}"),
        "UPDATE head SET audit_seq = audit_seq - 1".to_owned(),
    ];
    let moved = vec![
        format!("UPDATE audit SET seq = -1 WHERE seq = {changed}"),
        format!("UPDATE audit SET seq = {changed} WHERE seq = {last}"),
        format!("UPDATE audit SET seq = {last} WHERE seq = -1"),
    ];
    for (statements, wanted) in [
        (taken_out, format!("entry {changed} is missing")),
        (cut_off, "were removed".to_owned()),
        (moved, format!("entry {changed} ")),
    ] {
        let (is_good, message) = log.after(&statements, &[]).await;
        assert!(!is_good && message.contains(&wanted), "{wanted}: {message}");
    }
    // Rewritten from the first entry on: only the anchors reveal it.
    let rewritten =
        ["DELETE FROM audit", "DELETE FROM audit_head", "UPDATE head SET audit_seq = 0"];
    let rewritten = rewritten.map(str::to_owned);
    assert!(log.after(&rewritten, &[]).await.0);
    let (is_good, message) = log.after(&rewritten, &["--anchor", &log.anchors]).await;
    assert!(!is_good && message.contains("anchored"), "{message}");
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
            (0..3).map(|_| User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD)),
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
    let mut database = database(&keydesk.data()).await;
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
        let changes = number(&mut database, changes).await;
        let entries = number(&mut database, entries).await;
        assert_eq!(changes, entries, "{what}");
        assert!(changes > 0, "{what}");
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
