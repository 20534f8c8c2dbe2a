//! The first hours of an operator and of their customers: who is who, getting in again, renaming, leaving, documents of
//! several upstreams, and what an error says.

use crate::support::{
    Keydesk, Options, PASSWORD, User, call, eventually, postgres::Postgres, use_token,
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One link makes the operator, and the first account to try it with.
#[tokio::test]
async fn who_sets_keydesk_up_is_operator_and_owner() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    for (page, says) in [
        ("/operator", "Acme"),
        ("/operator/plans", "Plans"),
        ("/operator/operations", "/api/v1/contacts"),
        ("/operator/operators", "ann@acme.example"),
        ("/operator/gateways", "Accepts tokens until"),
        ("/operator/audit", "Instance"),
    ] {
        let shown = ann.get(page).await;
        assert!(shown.status == 200 && shown.text.contains(says), "{page}: {}", shown.text);
        assert!(
            shown.text.contains("href=\"/operator/gateways\""),
            "the operators' own navigation"
        );
    }
    assert!(!ann.get("/tokens").await.text.contains("/operator/gateways"));
    let bob = ann.invite("bob@acme.example", "administrator", PASSWORD).await;
    assert_eq!(bob.get("/operator/plans").await.status, 403);
    // An existing user keeps their password, and the output says so.
    let create = ["operator", "create", "--email", "bob@acme.example", "--password-stdin"];
    let output = keydesk.run(&create, "canary another password entirely");
    assert!(text(&output.stdout).contains("password was not used"), "{}", text(&output.stdout));
    assert_eq!(
        User::visiting(&keydesk.console).log_in("bob@acme.example", PASSWORD).await.status,
        303
    );
}

#[tokio::test]
async fn accounts_users_and_tokens_get_other_names() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "administrator", PASSWORD).await;
    ann.create_token("old name", "never").await;
    let id = ann.token_id("old name").await;
    let renamed = ann.post(&format!("/tokens/{id}/name"), &[("name", "Müller’s sync")]).await;
    assert_eq!(renamed.location.as_deref(), Some("/tokens?done=renamed"), "{}", renamed.text);
    assert!(ann.get("/tokens").await.text.contains("Müller’s sync"));
    assert_eq!(bob.post("/members/account-name", &[("name", "Bob’s")]).await.status, 403);
    assert_eq!(ann.post("/members/account-name", &[("name", "Acme & Söhne")]).await.status, 303);
    assert!(bob.get("/api-docs").await.text.contains("Acme &#38; Söhne"));
    assert_eq!(bob.post("/profile/name", &[("name", "Robert")]).await.status, 303);
    assert!(ann.get("/members").await.text.contains("Robert"));
    assert_eq!(bob.post("/profile/name", &[("name", " ")]).await.status, 422);
    let log = ann.get("/audit").await.text;
    for what in ["Token renamed", "Account renamed", "Name changed"] {
        assert!(log.contains(what), "{what}");
    }
}

#[tokio::test]
async fn a_member_leaves_and_the_last_owner_stays() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let (endpoint, token) = (bob.endpoint_url().await, bob.bearer_token().await);
    assert!(bob.get("/members/leave").await.text.contains("You’ll lose access to Acme"));
    let left = bob.post("/members/leave", &[]).await;
    assert!(
        left.location.as_deref().is_some_and(|to| to.starts_with("/login?done=left")),
        "{}",
        left.text
    );
    assert_eq!(use_token(&endpoint, &token).await, (401, "member_removed".to_owned()));
    assert!(!ann.get("/members").await.text.contains("bob@acme.example"));
    let stays = ann.post("/members/leave", &[]).await;
    assert!(stays.status == 422 && stays.text.contains("owner"), "{}", stays.text);
}

/// The only owner has left the company; a mail server there is none.
#[tokio::test]
async fn an_operator_lets_users_in_again() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let number = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let path = format!("/operator/accounts/{number}/owner");
    let invited = ann.post(&path, &[("owner", "neo@acme.example")]).await;
    assert_eq!(invited.status, 303, "{}", invited.text);
    let mails = ann.get("/mail").await.text;
    assert!(mails.contains("A new owner was invited to Acme"), "{mails}");
    let operators = ann.post(&path, &[("owner", "ann@acme.example")]).await;
    assert!(
        operators.status == 422 && operators.text.contains("can’t be members"),
        "{}",
        operators.text
    );
    let link = ann.link_in_mail("/invitation/").await;
    let neo = User::visiting(&keydesk.console);
    assert_eq!(neo.post(&link, &[("password", PASSWORD)]).await.status, 303);
    assert_eq!(neo.get("/sso").await.status, 200, "an owner");
    let output = keydesk.run(&["user", "reset-link", "neo@acme.example"], "");
    let message = text(&output.stdout);
    let link = message.lines().find(|line| line.contains("/reset-password/")).expect("a link");
    let path = &link[link.find("/reset-password/").expect("a path")..];
    let forgetful = User::visiting(&keydesk.console);
    let new = "canary marble lantern seventeen otters";
    let reset = forgetful.post(path, &[("password", new), ("new_password", new)]).await;
    assert_eq!(reset.status, 303, "{}", reset.text);
    assert_eq!(forgetful.log_in("neo@acme.example", new).await.status, 303);
    assert!(
        !text(&keydesk.run(&["user", "reset-link", "nobody@acme.example"], "").stderr).is_empty()
    );
}

#[tokio::test]
async fn a_user_is_erased_but_for_the_audit_log() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let (endpoint, token) = (bob.endpoint_url().await, bob.bearer_token().await);
    let only = keydesk.run(&["user", "erase", "ann@acme.example", "--yes"], "");
    assert!(!only.status.success() && text(&only.stderr).contains("only owner of Acme"));
    assert!(!keydesk.run(&["user", "erase", "bob@acme.example"], "").status.success(), "--yes");
    let erased = keydesk.run(&["user", "erase", "bob@acme.example", "--yes"], "");
    assert!(
        text(&erased.stdout).contains("audit log cannot be changed"),
        "{}",
        text(&erased.stderr)
    );
    eventually("the gateway knows", async || use_token(&endpoint, &token).await.0 == 401).await;
    assert_eq!(
        User::visiting(&keydesk.console).log_in("bob@acme.example", PASSWORD).await.status,
        403
    );
    let left = "SELECT count(*) FROM users WHERE email LIKE '%bob%' OR name LIKE '%bob%'";
    assert_eq!(keydesk.count(left).await, 0);
    assert_eq!(keydesk.count("SELECT count(*) FROM invitation WHERE email LIKE '%bob%'").await, 0);
    // The address is free for somebody else.
    let other = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    assert_ne!(other.bearer_token().await, token);
}

/// A password change stops some clients: those that used the old token are not those that use the new one.
#[tokio::test]
async fn clients_of_the_old_token_are_told_apart() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, old) = (ann.endpoint_url().await, ann.bearer_token().await);
    use_token(&endpoint, &old).await;
    let listed = "Clients that use your bearer token";
    eventually("it is listed", async || ann.get("/profile").await.text.contains(listed)).await;
    let new = "canary fjord umbrella quartz nine";
    let form = [("current_password", PASSWORD), ("new_password", new)];
    assert_eq!(ann.post("/profile/password", &form).await.status, 303);
    assert!(!ann.get("/profile").await.text.contains(listed), "nothing uses the new one");
    let docs = ann.get("/api-docs").await.text;
    assert!(docs.contains("Rejected since your bearer token was replaced"), "{docs}");
}

/// An error leads to a page that says what it means, to whoever has no login; and whom to ask.
#[tokio::test]
async fn an_error_leads_to_its_page_and_a_5xx_to_a_contact() {
    let config = "upstream = \"http://127.0.0.1:1\"\nprovider_contact = \"help@acme.example\"\n";
    let mut keydesk =
        Keydesk::start_with(&Options { config: config.to_owned(), ..Options::default() });
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let problem: serde_json::Value =
        call(&format!("{endpoint}/x"), None).await.json().await.expect("JSON");
    let help = problem["help"].as_str().expect("a link").to_owned();
    assert!(help.ends_with("/errors/missing_token") && problem["contact"].is_null(), "{problem}");
    let stranger = User::visiting(&keydesk.console);
    let page = stranger.get(&help).await;
    assert!(page.status == 200 && page.text.contains("The request has no Authorization header"));
    assert_eq!(stranger.get("/errors").await.status, 200);
    assert_eq!(stranger.get("/errors/no_such_code").await.status, 404);
    let token = format!("Bearer {}", ann.bearer_token().await);
    let problem: serde_json::Value =
        call(&format!("{endpoint}/x"), Some(&token)).await.json().await.expect("JSON");
    assert_eq!(
        (problem["status"].as_i64(), problem["contact"].as_str()),
        (Some(502), Some("help@acme.example"))
    );
}

/// Two upstreams, each with a document of its own, one in YAML, one with OAuth flows.
#[tokio::test]
async fn each_upstream_has_a_document_and_the_reader_one_token() {
    let orders = crate::support::raw::RawUpstream::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        path("orders.yaml"),
        "openapi: 3.0.3\ninfo: {title: Orders, version: '1'}\npaths:\n  /orders:\n    get:\n      summary: List orders\n      responses: {200: {description: ok}}\n",
    )
    .expect("writes");
    std::fs::write(
        path("billing.json"),
        r#"{"openapi":"3.1.0","info":{"title":"Billing","version":"1"},"paths":{"/invoices":{"get":{"summary":"List invoices",
            "security":[{"OAuth2PasswordBearer":["invoices:read"]}],"responses":{"200":{"description":"ok"}}}}},
            "components":{"securitySchemes":{"OAuth2PasswordBearer":{"type":"oauth2","flows":{"password":{"tokenUrl":"token",
            "scopes":{"invoices:read":"See invoices"}}}}}}}"#,
    )
    .expect("writes");
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"{0}\"]\nopenapi = \"{1}\"\n\
         [[upstreams]]\nprefix = \"/billing\"\nurls = [\"{0}/v2\"]\nstrip_prefix = true\nopenapi = \"{2}\"\n",
        orders.url,
        path("orders.yaml"),
        path("billing.json")
    );
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    assert!(keydesk.printed().contains("/billing/x goes to"), "{}", keydesk.printed());
    let ann = keydesk.with_account().await;
    let docs = ann.get("/api-docs").await.text;
    for part in ["Orders", "List orders", "Billing", "/billing/invoices", "invoices:read"] {
        assert!(docs.contains(part), "{part}: {docs}");
    }
    let document: serde_json::Value =
        serde_json::from_str(&ann.get("/api-docs/openapi.json").await.text).expect("JSON");
    let schemes = document["components"]["securitySchemes"].as_object().expect("schemes");
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["keydesk"]);
    assert!(document["paths"]["/billing/invoices"]["get"].is_object());
    assert!(ann.get("/tokens/new").await.text.contains("See invoices"));
    // The upstream gets the path without the prefix, and what it says of itself leads back.
    orders.answers(b"HTTP/1.1 303 See Other\r\nLocation: /v2/invoices/7\r\nSet-Cookie: a=b; Path=/v2\r\nContent-Length: 0\r\n\r\n");
    let endpoint = ann.endpoint_url().await;
    let token = format!("Bearer {}", ann.bearer_token().await);
    let client = crate::support::client().redirect(reqwest::redirect::Policy::none());
    let request = client.build().expect("a client").get(format!("{endpoint}/billing/invoices"));
    let answer = request.header("authorization", &token).send().await.expect("answers");
    let account = endpoint.rsplit('/').next().expect("a number").to_owned();
    assert_eq!(answer.headers()["location"], format!("/{account}/billing/invoices/7").as_str());
    assert_eq!(answer.headers()["set-cookie"], format!("a=b; Path=/{account}/billing").as_str());
    let request =
        orders.take().into_iter().find(|head| head.contains("invoices")).expect("a request");
    assert!(request.starts_with("GET /v2/invoices HTTP/1.1"), "{request}");
    let prefix = format!("x-forwarded-prefix: /{account}/billing");
    assert!(request.to_lowercase().contains(&prefix), "{request}");
}

/// No rule names the operation: the answer says so.
#[tokio::test]
async fn an_operation_that_no_rule_names_is_told_apart() {
    let config = "upstream = \"http://127.0.0.1:1\"\nunlisted_operations = \"everything\"\n\
        [[operation]]\nmethod = \"GET\"\npath = \"/pets\"\nscopes = [\"pets:read\"]\n";
    let mut keydesk =
        Keydesk::start_with(&Options { config: config.to_owned(), ..Options::default() });
    let ann = keydesk.with_account().await;
    eventually("the rules are known", async || {
        keydesk.run(&["operations", "enforce"], "").status.success()
    })
    .await;
    let form = [("name", "reader"), ("scope", "pets:read"), ("expires", "never")];
    let page = ann.post("/tokens", &form).await;
    let token = page.value("new-token");
    let endpoint = ann.endpoint_url().await;
    let ask = async || {
        let client = crate::support::client().build().expect("a client");
        let request = client.post(format!("{endpoint}/pets")).bearer_auth(&token);
        request.send().await.expect("answers").text().await.expect("text")
    };
    eventually("it is enforced", async || ask().await.contains("insufficient_scope")).await;
    assert!(ask().await.contains("No operation rule covers this method and path"));
    let list = keydesk.run(&["operations", "list"], "");
    assert!(text(&list.stdout).contains("all other operations"));
}

#[tokio::test]
async fn control_characters_are_refused_on_both_databases() {
    let server = Postgres::shared();
    let store = format!("database_url = \"{}\"", server.url(&server.new_database()));
    for config in [String::new(), store] {
        let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
        let ann = keydesk.with_account().await;
        let form = [("name", "x"), ("scope", "*"), ("expires", "never"), ("request_key", "a\0b")];
        let page = ann.post("/tokens", &form).await;
        assert!(page.status == 422 && page.text.contains("request_key"), "{}", page.text);
        for path in
            ["/audit?text=%00", "/audit?text=a%1Bb", "/tokens/%00/limits", "/login?next=%00"]
        {
            let status = ann.get(path).await.status;
            assert!((400..500).contains(&status), "{path}: {status}");
        }
    }
}

/// The database is away: the page says so, with an id that the log has, too.
#[tokio::test]
async fn with_the_database_away_the_console_says_503_with_an_id() {
    let mut server = Postgres::start("");
    let config = format!("database_url = \"{}\"", server.url("postgres"));
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    server.kill();
    for path in ["/tokens", "/login", "/api-docs"] {
        let page = ann.get(path).await;
        assert_eq!(page.status, 503, "{path}: {}", page.text);
        assert_eq!(page.header("retry-after"), "5");
        let id = page.header("x-request-id").to_owned();
        assert!(page.text.contains(&id), "{path}: {}", page.text);
        eventually("the log has it", async || keydesk.printed().contains(&id)).await;
    }
}

/// Another program holds SQLite's write lock.
#[tokio::test]
async fn a_locked_sqlite_file_is_503_and_not_a_fault() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let file = keydesk.data().join("keydesk.sqlite");
    let script = "import sqlite3,sys,time\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\nprint('held',flush=True)\ntime.sleep(60)";
    let mut holder = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut line = String::new();
    let output = holder.stdout.take().expect("an output");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("reads");
    let page = ann.post("/profile/name", &[("name", "Ann Other")]).await;
    let _ = holder.kill();
    let _ = holder.wait();
    assert_eq!((page.status, page.header("retry-after")), (503, "5"), "{}", page.text);
    assert_eq!(ann.post("/profile/name", &[("name", "Ann Other")]).await.status, 303);
}

/// A NUL that an earlier release has stored.
#[tokio::test]
async fn a_character_that_postgresql_does_not_store_is_named_or_replaced() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.create_token("sync", "never").await;
    keydesk.sql("UPDATE token SET name = 'a' || char(0) || 'b' WHERE name = 'sync'").await;
    keydesk.stop();
    let server = Postgres::shared();
    let to = server.url(&server.new_database());
    let from = format!("sqlite:{}", keydesk.data().join("keydesk.sqlite").display());
    let output = keydesk.run(&["migrate", "--from", &from, "--to", &to], "");
    let message = text(&output.stderr);
    assert!(!output.status.success() && message.contains("table token, row tok_"), "{message}");
    assert!(message.contains("column name") && message.contains("--replace-nul"), "{message}");
    let output = keydesk.run(&["migrate", "--from", &from, "--to", &to, "--replace-nul"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A document that cannot be read for a while opens nothing: the rules stay.
#[tokio::test]
async fn rules_stay_while_a_document_is_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let document = |title: &str, path: &str, scope: &str| {
        serde_json::json!({ "openapi": "3.1.0", "info": { "title": title }, "tags": ["odd"], "paths": {
            path: { "get": { "x-keydesk-scope": scope } } } })
        .to_string()
    };
    std::fs::write(path("o.json"), document("Orders", "/orders", "o:read")).expect("writes");
    std::fs::write(path("b.json"), document("Billing", "/billing/secret", "b:secret"))
        .expect("writes");
    // An upstream that names no document and has none: the rules of the others count all the same.
    let legacy = crate::support::raw::RawUpstream::start().await;
    let config = format!(
        "unlisted_operations = \"any\"\n[[upstreams]]\nprefix = \"/\"\nurls = [\"http://127.0.0.1:1\"]\nopenapi = \"{}\"\n\
         [[upstreams]]\nprefix = \"/billing\"\nurls = [\"http://127.0.0.1:1\"]\nopenapi = \"{}\"\n\
         [[upstreams]]\nprefix = \"/legacy\"\nurls = [\"{}\"]\n",
        path("o.json"),
        path("b.json"),
        legacy.url
    );
    let options = Options { config, ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    assert_eq!(ann.get("/api-docs").await.status, 200);
    eventually("the rules are known", async || {
        keydesk.run(&["operations", "enforce"], "").status.success()
    })
    .await;
    let listed = |keydesk: &Keydesk| text(&keydesk.run(&["operations", "list"], "").stdout);
    assert!(listed(&keydesk).contains("b:secret"));
    // Not a document any more, and Keydesk starts again.
    std::fs::write(path("b.json"), "busy").expect("writes");
    let keydesk = keydesk.restart(&Options { has_account: true, ..options });
    let unread = |line: &str| line.contains("cannot be read") && line.contains("b.json");
    eventually("it was looked at", async || keydesk.printed().lines().any(unread)).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(listed(&keydesk).contains("b:secret"), "{}", listed(&keydesk));
}
