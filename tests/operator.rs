//! What an operator meets: the first start, the command line, the configuration, restarts.

use crate::support::{Keydesk, Options, PASSWORD, User, is_let_through, run_in, use_token};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_first_link_works_once_and_a_restart_makes_a_new_one() {
    let keydesk = Keydesk::start();
    let old = keydesk.setup_link.clone().expect("a link");
    let mut keydesk = keydesk.restart(&Options::default());
    let new = keydesk.setup_link.clone().expect("a link");
    let (old_code, new_code) =
        (old.rsplit('/').next().expect("a code"), new.rsplit('/').next().expect("a code"));
    assert_ne!(old_code, new_code);
    let visitor = User::visiting(&keydesk.console);
    assert_eq!(visitor.get(&format!("/setup/{old_code}")).await.status, 404);
    assert_eq!(visitor.get(&new).await.status, 200);
    keydesk.with_account().await;
    assert_eq!(visitor.get(&new).await.status, 404);
    let keydesk = keydesk.restart(&Options::default());
    assert!(keydesk.setup_link.is_none(), "with an account there is no link");
}

#[tokio::test]
async fn the_first_form_tells_what_is_wrong_and_keeps_the_rest() {
    let keydesk = Keydesk::start();
    let link = keydesk.setup_link.clone().expect("a link");
    let visitor = User::visiting(&keydesk.console);
    for (account, email, password, message) in [
        ("", "ann@acme.example", PASSWORD, "Enter a name"),
        ("Kept account", "ann", PASSWORD, "Enter an email address"),
        ("Kept account", "ann@acme.example", "fourteen chars", "Use at least 15 characters"),
        ("Kept account", "ann@acme.example", "passwordpassword", "based on “password”"),
    ] {
        let page = visitor
            .post(&link, &[("account", account), ("email", email), ("password", password)])
            .await;
        assert_eq!(page.status, 422);
        assert!(page.text.contains(message), "{}", page.text);
        assert!(
            page.text.contains(&format!("value=\"{account}\"")) && !page.text.contains(password)
        );
    }
}

#[tokio::test]
async fn setup_from_a_script_makes_the_first_account_and_only_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let args =
        ["setup", "--account", "Acme", "--email", "ann@acme.example", "--password-stdin", "--json"];
    let output = run_in(folder.path(), &args, &format!("{PASSWORD}\n"));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let number = answer["account"].as_str().expect("a number");
    assert!((6..=8).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(answer["endpoint_url"], format!("http://127.0.0.1:8081/{number}"));
    assert_eq!(answer["console_url"], "http://127.0.0.1:8080");
    let again = run_in(folder.path(), &args, &format!("{PASSWORD}\n"));
    assert!(
        !again.status.success()
            && text(&again.stderr)
                .contains("An account already exists. Log in, or ask its owner for an invitation.")
    );
}

#[tokio::test]
async fn setup_beside_a_running_server_takes_effect_at_once() {
    let keydesk = Keydesk::start();
    let args = ["setup", "--account", "Acme", "--email", "ann@acme.example", "--password-stdin"];
    let output = keydesk.run(&args, PASSWORD);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    crate::support::eventually("the gateway follows", async || {
        is_let_through(&use_token(&endpoint, &token).await)
    })
    .await;
}

#[tokio::test]
async fn tokens_outlive_a_restart_and_so_does_what_ended_them() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let old = ann.bearer_token().await;
    ann.post("/api-docs/rotate", &[]).await;
    let (new, api) = (ann.bearer_token().await, ann.create_token("CRM", "never").await);
    let keydesk = keydesk.restart(&Options::default());
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    let endpoint = ann.endpoint_url().await;
    assert_eq!(ann.bearer_token().await, new);
    assert!(
        is_let_through(&use_token(&endpoint, &new).await)
            && is_let_through(&use_token(&endpoint, &api).await)
    );
    assert_eq!(use_token(&endpoint, &old).await, (401, "token_rotated".to_owned()));
}

#[test]
fn help_documents_every_flag_with_its_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = text(&run_in(folder.path(), &["--help"], "").stdout);
    for flag in [
        "data",
        "console",
        "gateway",
        "public-console-url",
        "public-gateway-url",
        "upstream",
        "config",
        "openapi",
        "log",
    ] {
        let variable = format!("KEYDESK_{}", flag.replace('-', "_").to_uppercase());
        assert!(help.contains(&format!("--{flag}")) && help.contains(&variable), "{flag}: {help}");
    }
}

#[test]
fn what_is_wrong_on_the_command_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |args: &[&str]| {
        let output = run_in(folder.path(), args, "");
        assert!(!output.status.success(), "{args:?}");
        text(&output.stderr)
    };
    assert!(
        refused(&["--gateway", "8081"])
            .contains("--gateway (or KEYDESK_GATEWAY): “8081” is not an address")
    );
    assert!(refused(&["--upstream", "ftp://x"]).contains("--upstream"));
    assert!(refused(&["--console", "0.0.0.0:8080"]).contains("passwords would travel in clear"));
    assert!(refused(&["--config", "nowhere.toml"]).contains("nowhere.toml cannot be read"));
    assert!(refused(&["setup", "--account", "a", "--email", "b@c.d"]).contains("--password-stdin"));
    assert!(!folder.path().join("keydesk-data").exists(), "nothing was made");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let keydesk = Keydesk::start();
    let taken = keydesk.console.strip_prefix("http://").expect("http");
    let folder = tempfile::tempdir().expect("a folder");
    let output = run_in(folder.path(), &["--console", taken, "--gateway", "127.0.0.1:0"], "");
    assert!(text(&output.stderr).contains("cannot be bound; is Keydesk running already?"));
}

#[tokio::test]
async fn a_second_keydesk_cannot_share_the_gateway_s_port() {
    let keydesk = Keydesk::start();
    let taken = keydesk.gateway.strip_prefix("http://").expect("http");
    let folder = tempfile::tempdir().expect("a folder");
    let output = run_in(folder.path(), &["--console", "127.0.0.1:0", "--gateway", taken], "");
    assert!(
        text(&output.stderr).contains("gateway: ")
            && text(&output.stderr).contains("running already?")
    );
}

#[test]
fn what_cannot_work_is_refused_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = crate::support::free_port();
    let (here, url) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let refused = |args: &[&str]| {
        let output = run_in(folder.path(), args, "");
        assert!(!output.status.success(), "{args:?}");
        text(&output.stderr)
    };
    assert!(
        refused(&["--console", &here, "--gateway", &here]).contains("give each a port of its own")
    );
    let own = refused(&["--console", "127.0.0.1:0", "--gateway", &here, "--upstream", &url]);
    assert!(own.contains("is the gateway itself"), "{own}");
    let no_file =
        refused(&["--console", "127.0.0.1:0", "--gateway", &here, "--openapi", "nowhere.json"]);
    assert!(no_file.contains("there is no file nowhere.json"), "{no_file}");
}

#[tokio::test]
async fn before_the_first_account_the_log_in_says_what_to_do() {
    let mut keydesk = Keydesk::start();
    let visitor = User::visiting(&keydesk.console);
    assert!(
        visitor
            .get("/login")
            .await
            .text
            .contains("There’s no account yet. Follow the link that Keydesk printed when it")
    );
    keydesk.with_account().await;
    assert!(
        !visitor
            .get("/login")
            .await
            .text
            .contains("There’s no account yet. Follow the link that Keydesk printed when it")
    );
}

/// A command beside the server acts on the server's database, or on none.
#[tokio::test]
async fn a_command_acts_on_the_servers_database_or_on_none() {
    let message =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let empty = tempfile::tempdir().expect("a folder");
    let create = ["operator", "create", "--email", "otto@vendor.example", "--password-stdin"];
    let nowhere = crate::support::run_in(empty.path(), &create, PASSWORD);
    assert!(
        !nowhere.status.success() && message(&nowhere).contains("there is no Keydesk database")
    );
    assert!(!empty.path().join("keydesk-data").exists(), "nothing is made");
    // The configuration that lies here is found, and the store is named.
    let server = crate::support::postgres::Postgres::shared();
    let store = server.url(&server.new_database());
    let config = format!("database_url = \"{store}\"");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    keydesk.with_account().await;
    let created = keydesk.run(&create, PASSWORD);
    assert!(
        created.status.success() && message(&created).contains("Database: postgres"),
        "{}",
        message(&created)
    );
    // An abandoned file beside it is not what the server uses.
    std::fs::write(keydesk.data().join("keydesk.sqlite"), "").expect("writes");
    let folder = keydesk.data().parent().expect("a folder").to_owned();
    std::fs::rename(folder.join("keydesk.toml"), folder.join("server.toml")).expect("renames");
    let other = keydesk.run(&["operations", "enforce"], "");
    assert!(
        !other.status.success() && message(&other).contains("Keydesk is running in"),
        "{}",
        message(&other)
    );
    let named = keydesk.run(&["--config", "server.toml", "operator", "list"], "");
    assert!(named.status.success(), "{}", message(&named));
}

/// What the server takes after the copy would stay behind.
#[tokio::test]
async fn a_running_node_is_not_moved_away_from() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let from = format!("sqlite:{}", keydesk.data().join("keydesk.sqlite").display());
    let to = format!(
        "sqlite:{}",
        keydesk.data().parent().expect("a folder").join("new.sqlite").display()
    );
    let output = keydesk.run(&["migrate", "--from", &from, "--to", &to], "");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("stop it first"), "{message}");
    let server = crate::support::postgres::Postgres::shared();
    let store = server.url(&server.new_database());
    let config = format!("database_url = \"{store}\"");
    let shared = Keydesk::start_with(&Options { config, ..Options::default() });
    let output = shared.run(&["migrate", "--from", &store, "--to", &to], "");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("stop it first"), "{message}");
}
