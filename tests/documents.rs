//! The documents are true: the commands that they show are run, the vendored files are what
//! `vendor.toml` says.

use crate::support::run_in;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository is there")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendored {
    file: Vec<VendoredFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VendoredFile {
    path: String,
    package: String,
    version: String,
    licence: String,
    sha256: String,
}

#[test]
fn vendored_files_are_recorded_with_their_digest_and_none_is_left_out() {
    let root = repository();
    let record: Vendored =
        toml::from_str(&fs::read_to_string(root.join("vendor.toml")).expect("there"))
            .expect("reads");
    for file in &record.file {
        let bytes = fs::read(root.join(&file.path)).expect("the file is there");
        let digest = hex::encode(Sha256::digest(&bytes));
        assert_eq!(digest, file.sha256, "{}", file.path);
        assert!(!file.package.is_empty() && !file.version.is_empty() && !file.licence.is_empty());
    }
    for folder in ["crates/control/assets/vendor", "crates/control/vendor", "tests/vendor"] {
        for entry in fs::read_dir(root.join(folder)).expect("there") {
            let path =
                format!("{folder}/{}", entry.expect("readable").file_name().to_string_lossy());
            assert!(
                record.file.iter().any(|file| file.path == path),
                "{path} is not in vendor.toml"
            );
        }
    }
}

/// The blocks of a document marked ```` ```sh run ````.
pub fn runnable(document: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(document)).expect("there");
    text.split("```sh run\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("ends").to_owned())
        .collect()
}

/// Runs the README's scripted first call as it stands there, with `keydesk` on the path.
#[test]
fn the_commands_of_the_documents_work() {
    for document in ["README.md", "docs/guide/quickstart-api.md"] {
        let blocks = runnable(document);
        assert!(!blocks.is_empty(), "{document} shows commands");
        let folder = tempfile::tempdir().expect("a folder");
        let binary = Path::new(env!("CARGO_BIN_EXE_keydesk"));
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            binary.parent().expect("a folder").display()
        );
        let (console, gateway) = (crate::support::free_port(), crate::support::free_port());
        let script = format!("set -eu\n{}", blocks.join("\n"));
        let script = script.replace("127.0.0.1:8080", &format!("127.0.0.1:{console}"));
        let mut child = Command::new("bash")
            .arg("-c")
            .arg(format!("trap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script}"))
            .env_clear()
            .env("PATH", path)
            .env("KEYDESK_CONSOLE", format!("127.0.0.1:{console}"))
            .env("KEYDESK_GATEWAY", format!("127.0.0.1:{gateway}"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let mut output = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut output).expect("reads");
        let mut errors = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut errors).expect("reads");
        let status = child.wait().expect("ends");
        assert!(status.success(), "{document}: {output}{errors}");
        assert!(output.contains("\"contacts\""), "{document}: the call succeeds: {output}{errors}");
    }
}

/// Follows docs/guide/cluster.md from one machine to a console and a gateway on PostgreSQL.
#[test]
fn the_deployment_of_the_guide_works() {
    let server = crate::support::postgres::Postgres::shared();
    let blocks = runnable("docs/guide/cluster.md").join("\n");
    let folder = tempfile::tempdir().expect("a folder");
    let before = "printf 'correct horse battery staple' | keydesk setup --account Acme --email ann@acme.example --password-stdin\n";
    let after = r#"curl -s -c jar http://127.0.0.1:8080/login -d email=ann@acme.example \
  --data-urlencode 'password=correct horse battery staple'
page=$(curl -s -b jar http://127.0.0.1:8080/api-docs)
value() { sed -n "s/.*id=\"$1\"[^>]*value=\"\([^\"]*\)\".*/\1/p" <<<"$page"; }
curl -sf -H "Authorization: Bearer $(value bearer-token)" "$(value endpoint-url)/api/v1/contacts""#;
    let (console, gateway) = (crate::support::free_port(), crate::support::free_port());
    let script =
        format!("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n{before}{blocks}\n{after}")
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{console}"))
            .replace("127.0.0.1:8081", &format!("127.0.0.1:{gateway}"));
    let binary = Path::new(env!("CARGO_BIN_EXE_keydesk")).parent().expect("a folder");
    let output = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()))
        .env("DATABASE", server.url(&server.new_database()))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    let message =
        String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(output.status.success() && message.contains("\"contacts\""), "{message}");
}

/// What the documented blocks of a page name exists, as far as it is a file.
fn files_that_are_named(folder: &std::path::Path) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    for (name, text) in [
        ("smtp-password", "x".to_owned()),
        ("peer.key", "a key of more than thirty-two characters".to_owned()),
        ("billing-key", "key".to_owned()),
        ("billing-introspection-secret", "a secret of twenty-four letters".to_owned()),
        ("signing-key", "a signing key of more than 32 bytes".to_owned()),
        ("internal-ca.pem", made.cert.pem()),
        ("billing.yaml", "openapi: 3.1.0\ninfo: {}\npaths: {}\n".to_owned()),
        ("fullchain.pem", made.cert.pem()),
        ("privkey.pem", made.signing_key.serialize_pem()),
    ] {
        fs::write(folder.join(name), text).expect("writes");
    }
}

#[test]
fn the_documented_configuration_is_accepted() {
    let mut count = 0;
    for page in
        ["configuration", "upstreams", "operation", "cluster", "scopes-and-limits", "integrations"]
    {
        let path = repository().join(format!("docs/guide/{page}.md"));
        let text = fs::read_to_string(path).expect("there");
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().expect("ends");
            let folder = tempfile::tempdir().expect("a folder");
            files_that_are_named(folder.path());
            fs::write(folder.path().join("keydesk.toml"), block).expect("writes");
            // A command that reads the configuration and ends.
            let args = ["--config", "keydesk.toml", "config", "check"];
            let output = run_in(folder.path(), &args, "");
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{page}: {block}\n{message}");
            count += 1;
        }
    }
    assert!(count >= 8, "{count} blocks");
}

#[test]
fn every_refusal_is_in_the_guide() {
    let guide = fs::read_to_string(repository().join("docs/guide/errors.md")).expect("there");
    for code in keydesk_gateway::Rejection::CODES {
        assert!(guide.contains(&format!("`{code}`")), "{code}");
    }
}
