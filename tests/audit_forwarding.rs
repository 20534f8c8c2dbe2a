//! Forwarding of the audit log to a file and to rsyslog, over TLS and over TCP: every entry arrives, in order.

use crate::support::{Keydesk, Options, User, eventually, free_port};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A syslog server that writes each message to a file.
struct Rsyslog {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The settings of a TLS listener whose certificate is for this machine.
fn tls_settings(folder: &Path) -> String {
    let key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).expect("names").self_signed(&key);
    let certificate = certificate.expect("a certificate").pem();
    fs::write(folder.join("certificate.pem"), certificate).expect("writes");
    fs::write(folder.join("key.pem"), key.serialize_pem()).expect("writes");
    let path = |name: &str| folder.join(name).display().to_string();
    format!(
        "global(DefaultNetstreamDriver=\"ossl\" DefaultNetstreamDriverCAFile=\"{}\" \
         DefaultNetstreamDriverCertFile=\"{}\" DefaultNetstreamDriverKeyFile=\"{}\")\n",
        path("certificate.pem"),
        path("certificate.pem"),
        path("key.pem")
    )
}

impl Rsyslog {
    fn start(is_tls: bool) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let driver = if is_tls {
            "module(load=\"imtcp\" StreamDriver.Name=\"ossl\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"anon\")"
        } else {
            "module(load=\"imtcp\")"
        };
        let tls = if is_tls { tls_settings(folder.path()) } else { String::new() };
        let config = format!(
            "{tls}{driver}\nglobal(maxMessageSize=\"64k\" workDirectory=\"{0}\")\n\
             template(name=\"whole\" type=\"string\" string=\"%PRI%|%APP-NAME%|%MSGID%|%STRUCTURED-DATA%|%msg%\\n\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             action(type=\"omfile\" file=\"{0}/messages\" template=\"whole\")\n",
            folder.path().display()
        );
        let file = folder.path().join("rsyslog.conf");
        fs::write(&file, config).expect("writes");
        let process = Command::new("rsyslogd")
            .args(["-n", "-iNONE", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        Self { process, folder, port }
    }

    fn messages(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("messages")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Returns the numbers of the entries, which are JSON.
fn numbers<'a>(entries: impl Iterator<Item = &'a str>) -> Vec<i64> {
    entries
        .map(|entry| {
            let entry: Value = serde_json::from_str(entry).expect("JSON");
            assert_eq!(entry["type"], "audit.recorded", "{entry}");
            assert!(entry["data"]["entry"]["chain"].is_string(), "{entry}");
            entry["data"]["audit_entry"].as_i64().expect("a number")
        })
        .collect()
}

fn file_of(keydesk: &Keydesk) -> PathBuf {
    keydesk.data().join("audit.jsonl")
}

async fn act(ann: &User, round: usize) {
    for number in 0..5 {
        ann.create_token(&format!("{round}-{number}"), "never").await;
    }
}

/// Through a crash and a server that is away, nothing is skipped.
async fn forwards(is_tls: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Rsyslog::start(is_tls);
    let data = folder.path().join("data");
    let url = format!("{}://127.0.0.1:{}", if is_tls { "tls" } else { "tcp" }, server.port);
    let file = data.join("audit.jsonl");
    let authority = server.folder.path().join("certificate.pem");
    let authority =
        if is_tls { format!("ca_file = \"{}\"\n", authority.display()) } else { String::new() };
    let config = format!("{authority}[audit]\nfile = \"{}\"\nsyslog = \"{url}\"\n", file.display());
    let options = || Options {
        config: config.clone(),
        data: Some(data.clone()),
        has_account: false,
        ..Options::default()
    };
    let mut keydesk = Keydesk::start_with(&options());
    let ann = keydesk.with_account().await;
    act(&ann, 0).await;
    eventually("the first entries", || async { server.messages().len() >= 6 }).await;
    // The server goes away.
    let _ = server.process.kill();
    let _ = server.process.wait();
    act(&ann, 1).await;
    keydesk.kill_and_restart(&Options { has_account: true, ..options() });
    let config = server.folder.path().join("rsyslog.conf");
    let restarted = Command::new("rsyslogd")
        .args(["-n", "-iNONE", "-f"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    server.process = restarted.expect("starts");
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", crate::support::PASSWORD).await;
    act(&ann, 2).await;
    // 15 tokens, the account, and the login.
    eventually("all entries", || async {
        let found = server.messages();
        let mut numbers = numbers(found.iter().filter_map(|line| line.splitn(5, '|').nth(4)));
        numbers.dedup();
        let written = fs::read_to_string(file_of(&keydesk)).unwrap_or_default();
        numbers.len() >= 17 && written.lines().count() >= 17
    })
    .await;
    let messages = server.messages();
    let mut received = numbers(messages.iter().filter_map(|line| line.splitn(5, '|').nth(4)));
    let written = fs::read_to_string(file_of(&keydesk)).expect("is written");
    let mut written = numbers(written.lines());
    for found in [&mut received, &mut written] {
        // Sent again after the crash, at most.
        found.sort_unstable();
        found.dedup();
        let expected: Vec<i64> = (1..=i64::try_from(found.len()).expect("few")).collect();
        assert_eq!(*found, expected, "no entry is skipped");
    }
    let first = &messages[1];
    assert!(first.starts_with("110|keydesk|"), "{first}");
    assert!(first.contains("|[meta sequenceId=\"2\"]|"), "{first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f8_the_audit_log_is_forwarded_to_syslog_over_tls_and_to_a_file() {
    forwards(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f8_the_audit_log_is_forwarded_to_syslog_on_this_machine() {
    forwards(false).await;
}
