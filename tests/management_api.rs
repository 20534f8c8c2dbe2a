//! The management API: its document, by a fuzzer, a linter, and the clients that generators make of it.

use crate::{
    documents::{repository, runnable},
    integrations::clients,
    operators::operator,
    support::{Keydesk, Options, PASSWORD, User, client, postgres::Postgres},
};
use std::{fs, path::Path, process::Command};

/// The scopes of an owner and of an operator.
const ALL_SCOPES: [&str; 12] = [
    "tokens:write",
    "limits:write",
    "usage:read",
    "receipts:read",
    "members:write",
    "audit:read",
    "sso:write",
    "keys:write",
    "webhooks:write",
    "canaries:write",
    "limits:read",
    "members:read",
];
const OPERATOR_SCOPES: [&str; 5] =
    ["accounts:write", "sessions:write", "instance:read", "keys:write", "webhooks:write"];

/// Creates a management key in the console, and returns its secret.
pub async fn create_key(user: &User, path: &str, scopes: &[&str]) -> String {
    let mut form = vec![("name", "program"), ("expires", "30d")];
    form.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let page = user.post_patiently(path, &form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.value("new-key")
}

/// What a schema can't say: another state (409), a precondition (412, 428), a cursor of another list (400), and what
/// fields mean together (422). The fuzzer also revokes keys (401) and removes their creators.
const SETTINGS: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 412, 422, 428, 429]
[checks.negative_data_rejection]
expected-statuses = ["4xx"]
[checks.missing_required_header]
expected-statuses = [400, 401, 403, 404, 409, 422, 428, 429]
"#;

/// Runs schemathesis, all phases, over the document.
fn fuzz(console: &str, folder: &Path, more: &[&str]) {
    fs::write(folder.join("schemathesis.toml"), SETTINGS).expect("writes");
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", clients().join("schemathesis"));
    python.env("KEYDESK_KEYS", folder.join("keys"));
    python.env("SCHEMATHESIS_HOOKS", repository().join("tests/clients/management_keys.py"));
    python.current_dir(folder).args(["-m", "schemathesis.cli", "run"]);
    python.arg(format!("{console}/api/v1/openapi.json"));
    python.args(["--checks", "all", "--max-examples", "20", "--seed", "1"]);
    python.args(["--no-color", "--workers", "1"]).args(more);
    let output = python.output().expect("starts");
    let message = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{message}{}", String::from_utf8_lossy(&output.stderr));
    assert!(message.contains("✅ Coverage") && !message.contains("❌"), "{message}");
}

/// Runs the fuzzer with the keys of owners, and with those of an operator.
async fn fuzz_with_both(keydesk: &Keydesk, (ann, otto): (&User, User), phases: &'static str) {
    // One user makes 300 changes a minute.
    let mut owners = Vec::new();
    for number in 0..8 {
        let email = format!("owner{number}@acme.example");
        owners.push(ann.invite(&email, "owner", PASSWORD).await);
    }
    let operators = [otto];
    for (users, path, scopes, excluded) in [
        (&owners[..], "/keys", &ALL_SCOPES[..], ["Accounts", "Instance"]),
        (&operators[..], "/operator/keys", &OPERATOR_SCOPES[..], ["Members", "Tokens"]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keys = Vec::new();
        for user in users.iter().cycle().take(16) {
            keys.push(create_key(user, path, scopes).await);
        }
        fs::write(folder.path().join("keys"), keys.join("\n")).expect("writes");
        let console = keydesk.console.clone();
        let fuzzed = move || {
            let excluded = excluded.map(|tag| ["--exclude-tag", tag]);
            let more = [excluded.as_flattened(), &["--phases", phases]].concat();
            fuzz(&console, folder.path(), &more);
        };
        tokio::task::spawn_blocking(fuzzed).await.expect("runs");
        for key in &keys {
            assert!(!keydesk.printed().contains(key.as_str()), "no key is logged");
        }
    }
}

/// The document tells the truth: no 5xx, no undocumented status, and no response beside its schema, for both kinds of
/// keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_the_management_api_is_as_its_document_says() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let otto = operator(&keydesk, "otto@vendor.example").await;
    fuzz_with_both(&keydesk, (&ann, otto), "examples,coverage,fuzzing,stateful").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_management_api_is_the_same_on_postgresql() {
    let postgres = Postgres::shared();
    let url = postgres.url(&postgres.new_database());
    let config = format!("database_url = \"{url}\"");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let otto = operator(&keydesk, "otto@vendor.example").await;
    let key = create_key(&otto, "/operator/keys", &["sessions:write", "accounts:read"]).await;
    let http = client().build().expect("a client");
    let number = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let url = format!("{}/api/v1/accounts/{number}/console-sessions", keydesk.console);
    let new = serde_json::json!({ "name": "Zoë", "role": "developer" });
    let body = serde_json::json!({ "email": "zoe@example.com", "external_id": "7", "create": new });
    let made = http.post(&url).bearer_auth(&key).json(&body).send().await.expect("answers");
    let made: serde_json::Value = made.json().await.expect("JSON");
    let zoe = User::visiting(&keydesk.console);
    let link = made["url"].as_str().expect("a link");
    assert_eq!(zoe.get(link).await.location.as_deref(), Some("/api-docs"), "{made}");
    assert_eq!(zoe.get("/tokens").await.status, 200);
    fuzz_with_both(&keydesk, (&ann, otto), "examples,coverage").await;
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("starts");
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {message}{errors}");
    message + &*errors
}

fn document() -> std::path::PathBuf {
    repository().join("docs/openapi.json")
}

/// A program of an npm package.
fn npm(name: &str) -> Command {
    let mut command = Command::new(clients().join("node_modules/.bin").join(name));
    command.current_dir(clients()).env("NO_COLOR", "1");
    command
}

/// Without warnings, by the linter's recommended rules.
#[test]
fn the_document_passes_a_linter() {
    let message = run(npm("redocly").args(["lint", "--format", "stylish"]).arg(document()));
    assert!(message.contains("Your API description is valid"), "{message}");
    assert!(!message.contains("warning "), "{message}");
}

async fn start_for_clients() -> (Keydesk, String) {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["tokens:write", "receipts:read"]).await;
    (keydesk, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_a_generated_python_client_works() {
    let (keydesk, key) = start_for_clients().await;
    let folder = tempfile::tempdir().expect("a folder");
    let packages = ["generator", "python"].map(|name| clients().join(name).display().to_string());
    let path = format!("{}:{}", folder.path().display(), packages.join(":"));
    let output = folder.path().join("made");
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &path).args(["-m", "openapi_python_client", "generate"]);
    run(python
        .args(["--meta", "none", "--path"])
        .arg(document())
        .arg("--output-path")
        .arg(&output));
    fs::rename(&output, folder.path().join("keydesk_management_api_client")).expect("renames");
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &path).env("KEYDESK_KEY", &key);
    python.arg(repository().join("tests/clients/management_client.py")).arg(&keydesk.console);
    assert_eq!(run(&mut python).trim(), "verified");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_a_generated_typescript_client_compiles_and_works() {
    let (keydesk, key) = start_for_clients().await;
    let folder = clients().join("typescript");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("creates");
    fs::write(folder.join("package.json"), r#"{ "type": "module" }"#).expect("writes");
    let options = r#"{ "compilerOptions": {
        "strict": true, "target": "es2022", "module": "nodenext", "skipLibCheck": true, "types": ["node"]
    } }"#;
    fs::write(folder.join("tsconfig.json"), options).expect("writes");
    let script = folder.join("client.ts");
    fs::copy(repository().join("tests/clients/management_client.ts"), &script).expect("copies");
    let mut generator = npm("openapi-ts");
    let settings = format!(
        "export default {{ input: '{}', output: {{ path: 'management', module: {{ extension: '.js' }} }} }};",
        document().display()
    );
    fs::write(folder.join("openapi-ts.config.mjs"), settings).expect("writes");
    run(generator.current_dir(&folder));
    run(npm("tsc").arg("--project").arg(&folder));
    let mut node = Command::new("node");
    node.env("KEYDESK_KEY", &key).arg(folder.join("client.js")).arg(&keydesk.console);
    assert_eq!(run(&mut node).trim(), "verified");
}

/// From key to first token in five requests, a tool that keeps no secret, and the command line: as the guides say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_the_examples_of_the_guides_work() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &ALL_SCOPES).await;
    for guide in ["api", "cli", "webhooks", "undo", "canaries", "leaks"] {
        let guide = &format!("docs/guide/{guide}.md");
        let folder = tempfile::tempdir().expect("a folder");
        let binary = Path::new(env!("CARGO_BIN_EXE_keydesk")).parent().expect("a folder");
        let script = format!("set -euo pipefail\n{}", runnable(guide).join("\n"));
        let output = Command::new("bash")
            .args(["-c", &script])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", binary.display()))
            .env("HOME", folder.path())
            .env("KEYDESK_URL", &keydesk.console)
            .env("KEYDESK_KEY", &key)
            .current_dir(folder.path())
            .output()
            .expect("bash starts");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{guide}: {printed}{errors}");
        if guide.ends_with("api.md") {
            let read = |name| fs::read_to_string(folder.path().join(name)).expect("written");
            let (secret, state) = (read("crm.token"), read("state.json"));
            assert!(state.contains("tok_") && !state.contains(secret.trim()), "{state}");
            assert!(printed.contains("contacts"), "{printed}");
            assert!(read("revoked.json").contains("\"complete\":true"));
        } else if guide.ends_with("webhooks.md") {
            assert!(printed.contains("1 account.created"), "{printed}");
        } else if guide.ends_with("canaries.md") {
            assert!(printed.contains("can_"), "{printed}");
        } else if guide.ends_with("leaks.md") {
            assert!(printed.contains("\"state\":\"unknown\""), "{printed}");
            let rules = fs::read_to_string(folder.path().join("kingfisher.yml")).expect("there");
            assert!(rules.contains("https://api.example.com/keydesk/whoami"), "{rules}");
        } else if guide.ends_with("undo.md") {
            let restored = fs::read_to_string(folder.path().join("restored.json")).expect("there");
            assert!(restored.contains("\"complete\":true"), "{restored}");
        } else {
            assert!(printed.contains("Signature valid"), "{printed}");
        }
    }
}
