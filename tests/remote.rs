//! The command line from anywhere: `keydesk` with a management key, against a running Keydesk.

use crate::{
    management_api::create_key,
    operators,
    support::{Keydesk, User, is_let_through, use_token},
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

/// A machine with its own home folder, where `keydesk` is used.
pub struct Machine {
    home: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(environment: Vec<(&'static str, String)>) -> Self {
        Self { home: tempfile::tempdir().expect("a folder"), environment }
    }

    pub fn with_key(keydesk: &Keydesk, key: &str) -> Self {
        let url = ("KEYDESK_URL", keydesk.console.clone());
        Self::new(vec![url, ("KEYDESK_KEY", key.to_owned())])
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.home.path());
        command
    }

    fn keydesk(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_keydesk"))
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.keydesk().args(args).stdin(Stdio::null()).output().expect("starts")
    }

    /// What a command prints that succeeds.
    pub fn prints(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.prints(&args)).expect("JSON")
    }

    /// The exit status and the error of a command that fails.
    fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().expect("not killed"), error)
    }

    /// Answers the question of a command, as at a terminal.
    fn answers(&self, line: &str, answer: &str) -> Output {
        let mut script = self.command("script");
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_keydesk"));
        let mut script = script
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script starts");
        let mut input = script.stdin.take().expect("piped");
        std::io::Write::write_all(&mut input, format!("{answer}\n").as_bytes()).expect("writes");
        let output = script.wait_with_output().expect("ends");
        drop(input);
        output
    }
}

fn is_private(path: &Path) -> bool {
    fs::metadata(path).expect("there").permissions().mode() & 0o777 == 0o600
}

const SCOPES: [&str; 6] =
    ["tokens:write", "usage:read", "receipts:read", "members:write", "audit:read", "limits:read"];

async fn start() -> (Keydesk, User, Machine) {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &SCOPES).await;
    let machine = Machine::with_key(&keydesk, &key);
    (keydesk, ann, machine)
}

/// The gateway reports what it has seen every second.
async fn eventually_known(machine: &Machine, id: &str) {
    crate::support::eventually("the client is known", async || {
        let told = machine.run(&["tokens", "consequences", id]);
        String::from_utf8_lossy(&told.stderr).contains("127.0.0.1")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_tokens_are_managed_from_the_command_line() {
    let (keydesk, ann, machine) = start().await;
    let endpoint = ann.endpoint_url().await;
    // The secret is alone on standard output.
    let created = machine.run(&["tokens", "create", "CRM", "--scope", "*", "--expires", "90d"]);
    let secret = String::from_utf8(created.stdout).expect("UTF-8");
    assert!(secret.starts_with("kd_a_") && secret.trim().len() == secret.len() - 1, "{secret}");
    assert!(is_let_through(&use_token(&endpoint, secret.trim()).await));
    let listed = machine.prints(&["tokens", "list"]);
    let id = listed.lines().nth(1).expect("a row").split_whitespace().next().expect("an ID");
    assert!(id.starts_with("tok_") && listed.contains("CRM") && !listed.contains(secret.trim()));
    let lines = machine.prints(&["tokens", "list", "--jsonl"]);
    let token: Value = serde_json::from_str(lines.trim()).expect("one object");
    assert_eq!((&token["id"], &token["name"]), (&id.into(), &"CRM".into()));

    let file = machine.home.path().join("crm.token");
    let rotate = ["tokens", "rotate", id, "--secret-file", "crm.token"];
    let rotated = machine.json(&rotate);
    assert!(rotated["secret"].is_null() && is_private(&file), "{rotated}");
    let next = fs::read_to_string(&file).expect("readable");
    for secret in [&secret, &next] {
        assert!(is_let_through(&use_token(&endpoint, secret.trim()).await), "grace period");
    }
    let (status, error) = machine.fails(&rotate);
    assert!(status == 1 && error.contains("crm.token exists"), "{error}");
    assert_eq!(fs::read_to_string(&file).expect("readable"), next);
    let (status, error) = machine.fails(&["tokens", "rotate", id, "--json"]);
    assert!(status == 1 && error.contains("--secret-file"), "{error}");
    let limited = machine.json(&["tokens", "limits", id, "--scope", "contacts:read", "--observe"]);
    assert_eq!(limited["observed_limits"]["scopes"], serde_json::json!(["contacts:read"]));

    // A script consents to what it has seen.
    let (status, error) = machine.fails(&["tokens", "revoke", id]);
    assert!(status == 1 && error.contains("pass --yes and --if-match"), "{error}");
    eventually_known(&machine, id).await;
    let etag = machine.prints(&["tokens", "consequences", id]);
    let stale = ["tokens", "revoke", id, "--yes", "--if-match", "\"stale\""];
    assert_eq!(machine.fails(&stale).0, 5);
    let revoke = ["tokens", "revoke", id, "--yes", "--if-match", etag.trim()];
    let revoked = machine.json(&revoke);
    assert_eq!(
        (&revoked["token"]["state"], &revoked["receipt"]["complete"]),
        (&"revoked".into(), &true.into())
    );
    assert!(!is_let_through(&use_token(&endpoint, next.trim()).await));
    let number = revoked["receipt"]["number"].to_string();
    assert!(machine.prints(&["receipts", "list"]).contains(&number));
    assert_eq!(machine.json(&["receipts", "verify", &number])["valid"], true);
    let entries = machine.prints(&["audit", "list", "--event", "token.revoked"]);
    assert!(entries.contains("token.revoked") && entries.contains("program"), "{entries}");
    assert!(machine.prints(&["audit", "export", "--format", "csv"]).lines().count() > 4);
    let raw = machine.prints(&["api", "GET", "/tokens?state=inactive", "--include"]);
    assert!(raw.starts_with("HTTP 200") && raw.contains(id), "{raw}");
    assert!(!keydesk.printed().contains(secret.trim()) && !keydesk.printed().contains(next.trim()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_asked_and_told_which_clients_would_stop() {
    let (_keydesk, ann, machine) = start().await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.create_token("CRM", "never").await;
    assert!(is_let_through(&use_token(&endpoint, &token).await));
    let id = ann.token_id("CRM").await;
    eventually_known(&machine, &id).await;
    let refused = machine.answers(&format!("tokens revoke {id}"), "n");
    let said = String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("These clients would stop working:"), "{said}");
    assert!(said.contains("nothing has changed") && !refused.status.success(), "{said}");
    assert!(is_let_through(&use_token(&endpoint, &token).await));
    let revoked = machine.answers(&format!("tokens revoke {id}"), "y");
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stdout));
    assert!(!is_let_through(&use_token(&endpoint, &token).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_made_on_the_machine_never_leaves_it() {
    let (keydesk, ann, machine) = start().await;
    let made = machine.prints(&["token", "make", "--secret-file", "crm.token"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let (digest, masked) = (made["secret_sha256"].as_str(), made["masked"].as_str());
    let (digest, masked) = (digest.expect("a digest"), masked.expect("a mask"));
    let file = machine.home.path().join("crm.token");
    let secret = fs::read_to_string(&file).expect("readable");
    assert!(is_private(&file) && !made.to_string().contains(secret.trim()));
    let create =
        ["tokens", "create", "CRM", "--scope", "*", "--secret-sha256", digest, "--masked", masked];
    let token = machine.json(&create);
    assert_eq!((&token["masked"], &token["secret"]), (&masked.into(), &Value::Null));
    assert!(is_let_through(&use_token(&ann.endpoint_url().await, secret.trim()).await));
    let (status, error) = machine.fails(&create);
    assert!(status == 5 && error.contains("secret_taken"), "{error}");
    assert!(!keydesk.printed().contains(secret.trim()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_the_exit_status_of_their_kind() {
    let (keydesk, _ann, machine) = start().await;
    let nowhere = format!("tok_{}", "0".repeat(32));
    for (args, status, text) in [
        (&["tokens", "show", &nowhere][..], 4, "not_found"),
        (&["tokens", "show", "../key"], 4, "not_found"),
        (&["tokens", "create", "x", "--scope", "No Scope"], 6, "/scopes"),
        (&["accounts", "list"], 3, "instance_key_required"),
        (&["tokens", "list", "--config", "x"], 2, "--config means nothing to this command"),
        (&["audit", "list", "--data", "x"], 2, "--data means nothing to this command"),
        (&["tokens", "revoke", &nowhere, "--yes"], 2, "--if-match"),
        (&["tokens", "list", "--profile", "other"], 1, "no profile “other”"),
        (&["tokens", "list", "--profile", "a", "--url", "http://b"], 2, "cannot be used with"),
        (
            &["tokens", "create", "x", "--scope", "*", "--expires", "90"],
            1,
            "--expires: enter never",
        ),
        (&["tokens", "consequences", &nowhere, "--of", "limit"], 2, "--scope"),
    ] {
        let (found, error) = machine.fails(args);
        assert!(found == status && error.contains(text), "{args:?}: {found} {error}");
    }
    let stranger = Machine::with_key(&keydesk, "kd_m_nonsense");
    let (status, error) = stranger.fails(&["tokens", "list"]);
    assert!(status == 3 && error.contains("invalid_management_key"), "{error}");
    let key = ("KEYDESK_KEY", "kd_m_nonsense".to_owned());
    for (url, status, text) in [
        ("http://127.0.0.1:1".to_owned(), 8, "can’t be reached"),
        (keydesk.gateway.clone(), 1, "Is it the console URL?"),
        ("console.example.com".to_owned(), 1, "isn’t a console URL"),
    ] {
        let lost = Machine::new(vec![("KEYDESK_URL", url), key.clone()]);
        let (found, error) = lost.fails(&["tokens", "list"]);
        assert!(found == status && error.contains(text), "{found} {error}");
    }
    let nobody = Machine::new(Vec::new());
    let (status, error) = nobody.fails(&["tokens", "list"]);
    assert!(status == 1 && error.contains("keydesk login URL"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_confirmed_in_the_console_and_kept_in_a_private_file() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let machine = Machine::new(Vec::new());
    let mut login = machine
        .keydesk()
        .args(["login", &keydesk.console, "--scope", "tokens:write", "--profile", "acme"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut told = BufReader::new(login.stderr.take().expect("piped")).lines();
    let line = told.next().expect("a line").expect("UTF-8");
    let page = line.strip_prefix("Open ").expect("a URL").to_owned();
    let path = page.strip_prefix(&keydesk.console).expect("of the console").to_owned();
    let code = path.rsplit('=').next().expect("a code").to_owned();
    assert!(told.next().expect("a line").expect("UTF-8").contains(&code));
    let shown = ann.get(&path).await.text;
    assert!(shown.contains(&code) && shown.contains("127.0.0.1"), "{shown}");
    let form = [
        ("user_code", code.as_str()),
        ("answer", "confirm"),
        ("name", "Laptop"),
        ("expires", "30d"),
        ("scope", "tokens:write"),
    ];
    assert_eq!(ann.post("/device", &form).await.status, 303);
    assert!(login.wait().expect("ends").success());
    let said = told.next().expect("a line").expect("UTF-8");
    assert!(said.contains("as Ann Chen") && said.contains("“acme”"), "{said}");
    let file = machine.home.path().join(".config/keydesk/profiles.toml");
    assert!(is_private(&file));
    assert!(machine.prints(&["profiles"]).contains("acme"));
    assert_eq!(machine.prints(&["tokens", "list"]), "None\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changes");
    let (_, error) = machine.fails(&["tokens", "list"]);
    assert!(error.contains("chmod 600"), "{error}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changes");
    let before = fs::read_to_string(&file).expect("readable");
    assert!(machine.run(&["logout"]).status.success());
    assert!(!fs::read_to_string(&file).expect("readable").contains("kd_m_"));
    // The key is revoked at the server, too.
    fs::write(&file, before).expect("writes");
    assert_eq!(machine.fails(&["tokens", "list"]).0, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_and_administrators_work_from_the_command_line() {
    let (keydesk, ann, otto) = operators::start("").await;
    let key = create_key(&otto, "/operator/keys", &["accounts:write"]).await;
    let operator = Machine::with_key(&keydesk, &key);
    let opened = operator.json(&["accounts", "open", "Beta Ltd", "bea@beta.example"]);
    let number = opened["number"].as_str().expect("a number").to_owned();
    assert!(operator.prints(&["accounts", "list"]).contains("Beta Ltd"));
    assert_eq!(operator.json(&["accounts", "rename", &number, "Beta"])["name"], "Beta");
    let etag = operator.prints(&["accounts", "consequences", &number]);
    let consent = ["--yes", "--if-match", etag.trim()];
    let with = |args: &[&str]| {
        let args: Vec<_> = args.iter().chain(&consent).copied().collect();
        operator.json(&args)
    };
    assert_eq!(with(&["accounts", "suspend", &number])["account"]["state"], "suspended");
    let restored = operator.json(&["accounts", "restore", &number]);
    assert_eq!(restored["account"]["state"], "active");
    operator.prints(&["accounts", "invite-owner", &number, "ben@beta.example"]);

    let key = create_key(&ann, "/keys", &SCOPES).await;
    let machine = Machine::with_key(&keydesk, &key);
    let invited = machine.json(&["invitations", "create", "zoë@acme.example", "--role", "viewer"]);
    let id = invited["id"].as_str().expect("an ID");
    assert!(machine.prints(&["invitations", "list"]).contains("zoë@acme.example"));
    let again = machine.json(&["invitations", "resend", id]);
    machine.prints(&["invitations", "revoke", again["id"].as_str().expect("an ID")]);
    ann.invite("dora@acme.example", "developer", crate::support::PASSWORD).await;
    let members = machine.json(&["members", "list", "--text", "dora"]);
    let dora = members[0]["id"].as_str().expect("an ID").to_owned();
    let etag = machine.prints(&["members", "consequences", &dora]);
    let (status, error) = machine.fails(&["members", "role", &dora, "viewer"]);
    assert!(status == 1 && error.contains("--if-match"), "{error}");
    let role = ["members", "role", &dora, "viewer", "--yes", "--if-match", etag.trim()];
    assert_eq!(machine.json(&role)["role"], "viewer");
    let etag = machine.prints(&["members", "consequences", &dora]);
    machine.prints(&["members", "remove", &dora, "--yes", "--if-match", etag.trim()]);
    assert_eq!(machine.prints(&["members", "list", "--text", "dora"]), "None\n");
    assert_eq!(machine.prints(&["usage", "violations"]), "None\n");
}

#[test]
fn help_completions_and_man_pages_are_those_of_the_command_line() {
    let machine = Machine::new(Vec::new());
    let help = machine.prints(&["--help"]);
    let (remote, rest) = help.split_once("Server commands").expect("two groups");
    for name in ["login", "tokens", "members", "accounts", "receipts", "api"] {
        assert!(remote.contains(&format!("\n  {name} ")), "{name}: {remote}");
    }
    for name in ["serve", "backup", "key", "operator", "audit"] {
        assert!(rest.contains(&format!("\n  {name} ")), "{name}: {rest}");
    }
    assert!(!machine.prints(&["tokens", "list", "--help"]).contains("--database-url"));
    assert!(!machine.prints(&["backup", "--help"]).contains("--upstream"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(machine.prints(&["completions", shell]).contains("keydesk"), "{shell}");
    }
    machine.prints(&["man", "pages"]);
    let page = machine.home.path().join("pages/keydesk-tokens-create.1");
    assert!(fs::read_to_string(page).expect("written").contains("Create an API token"));
}
