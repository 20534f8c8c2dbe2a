//! The management API: its document, by a fuzzer, a linter, and the clients that generators make of it.

use crate::{
    documents::repository,
    integrations::clients,
    operators::operator,
    support::{Keydesk, PASSWORD, User},
};
use std::{fs, path::Path, process::Command};

/// The scopes of an owner and of an operator.
const ALL_SCOPES: [&str; 10] = [
    "tokens:write",
    "limits:write",
    "usage:read",
    "receipts:read",
    "members:write",
    "audit:read",
    "sso:write",
    "keys:write",
    "limits:read",
    "members:read",
];
const OPERATOR_SCOPES: [&str; 3] = ["accounts:write", "instance:read", "keys:write"];

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
expected-statuses = [400, 401, 403, 404, 422, 428, 429]
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
    python.args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"]);
    python.args(["--max-examples", "20", "--seed", "1", "--no-color", "--workers", "1"]);
    python.args(more);
    let output = python.output().expect("starts");
    let message = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{message}{}", String::from_utf8_lossy(&output.stderr));
    assert!(message.contains("✅ Stateful") && !message.contains("❌"), "{message}");
}

/// The document tells the truth: no 5xx, no undocumented status, and no response beside its schema, for both kinds of
/// keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_the_management_api_is_as_its_document_says() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let otto = operator(&keydesk, "otto@vendor.example").await;
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
            let more = excluded.map(|tag| ["--exclude-tag", tag]);
            fuzz(&console, folder.path(), more.as_flattened());
        };
        tokio::task::spawn_blocking(fuzzed).await.expect("runs");
        for key in &keys {
            assert!(!keydesk.printed().contains(key.as_str()), "no key is logged");
        }
    }
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
