//! A receiver of webhooks that nobody here wrote the verification of, and a program that manages them.

use crate::{
    documents::repository,
    integrations::{clients, node_script},
    management_api::create_key,
    support::{Keydesk, User, client, eventually},
};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

pub struct Receiver {
    process: Child,
    pub url: String,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Receiver {
    pub fn start() -> Self {
        Self::start_with_echo("")
    }

    /// `/echo` answers with this text.
    pub fn start_with_echo(echo: &str) -> Self {
        let mut process = Command::new("node")
            .arg(node_script("webhook_receiver.mjs"))
            .env("ECHO", echo)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut port = String::new();
        let mut lines = BufReader::new(process.stdout.take().expect("piped"));
        lines.read_line(&mut port).expect("says its port");
        let port: u16 = port.trim().parse().expect("a port, and not a script that failed");
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }

    pub async fn knows(&self, secret: &str) {
        let sent = client().build().expect("a client").post(format!("{}/secrets", self.url));
        sent.body(secret.to_owned()).send().await.expect("answers");
    }

    pub async fn received(&self, path: &str) -> Vec<Value> {
        let asked = client().build().expect("a client").get(format!("{}/received", self.url));
        let all: Vec<Value> = asked.send().await.expect("answers").json().await.expect("JSON");
        all.into_iter().filter(|delivery| delivery["path"] == path).collect()
    }
}

/// A program with a management key.
pub struct Program {
    pub console: String,
    pub key: String,
}

impl Program {
    pub async fn of(keydesk: &Keydesk, ann: &User) -> Self {
        let scopes = ["webhooks:write", "tokens:write", "audit:read"];
        Self { console: keydesk.console.clone(), key: create_key(ann, "/keys", &scopes).await }
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let url = format!("{}/api/v1{path}", self.console);
        let request = client().build().expect("a client").request(method, url);
        let mut request = request.bearer_auth(&self.key).header("if-match", "*");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("answers");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send("POST", path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Creates a webhook, and returns its ID and its secret.
    pub async fn webhook(&self, url: &str, events: &[&str]) -> (String, String) {
        let made = self
            .post("/webhooks", Some(json!({ "name": "hook", "url": url, "events": events })))
            .await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    pub async fn create_token(&self, name: &str) -> String {
        let made = self.post("/tokens", Some(json!({ "name": name, "scopes": ["*"] }))).await;
        made["token"]["id"].as_str().expect("an ID").to_owned()
    }

    pub async fn deliveries(&self, webhook: &str) -> Vec<Value> {
        let page = self.get(&format!("/webhooks/{webhook}/deliveries?limit=200")).await;
        page["items"].as_array().expect("items").clone()
    }

    /// Waits until a delivery of the event has this state, and returns it with its attempts.
    pub async fn delivery(&self, webhook: &str, event: &str, attempts: u64) -> Value {
        let found = async || {
            let all = self.deliveries(webhook).await;
            let is_wanted = |delivery: &Value| {
                delivery["event"] == event && delivery["attempts"].as_u64() >= Some(attempts)
            };
            all.into_iter().find(is_wanted)
        };
        eventually(&format!("{attempts} attempts of {event}"), || async {
            found().await.is_some()
        })
        .await;
        let id = found().await.expect("is there")["id"].as_str().expect("an ID").to_owned();
        self.get(&format!("/webhooks/{webhook}/deliveries/{id}")).await
    }
}

pub fn header<'a>(delivery: &'a Value, name: &str) -> &'a str {
    delivery["headers"][name].as_str().unwrap_or_default()
}

/// Verifies the `v1a` signature of a delivery with openssl.
pub fn verify_with_openssl(delivery: &Value, public_key: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("writes");
        path
    };
    let key = BASE64.decode(public_key.strip_prefix("whpk_").expect("a key")).expect("base64");
    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410).
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &key].concat();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(der));
    let (id, at) = (header(delivery, "webhook-id"), header(delivery, "webhook-timestamp"));
    let signed = format!("{id}.{at}.{}", delivery["body"].as_str().expect("a body"));
    let signature = header(delivery, "webhook-signature")
        .split(' ')
        .find_map(|one| one.strip_prefix("v1a,"))
        .expect("a v1a signature");
    let output = Command::new("openssl")
        .args(["pkeyutl", "-verify", "-pubin", "-rawin", "-inkey"])
        .arg(file("key.pem", pem.as_bytes()))
        .arg("-sigfile")
        .arg(file("signature", &BASE64.decode(signature).expect("base64")))
        .arg("-in")
        .arg(file("signed", signed.as_bytes()))
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Verifies deliveries with the Python libraries.
pub fn verify_with_python(deliveries: &[Value], secret: &str) {
    let mut python = Command::new("python3")
        .arg(repository().join("tests/clients/webhook_verify.py"))
        .env("PYTHONPATH", clients().join("webhooks"))
        .env("SECRET", secret)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = python.stdin.take().expect("piped");
    input.write_all(&serde_json::to_vec(deliveries).expect("JSON")).expect("writes");
    drop(input);
    let output = python.wait_with_output().expect("ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "verified");
}

/// Verifies the `v1a` signature of a delivery with the code in the guide.
pub fn verify_with_the_guide(delivery: &Value, public_key: &str) {
    let guide =
        std::fs::read_to_string(repository().join("docs/guide/webhooks.md")).expect("there");
    let code = guide.split("```python verify\n").nth(1).expect("shows code");
    let code = code.split("```").next().expect("ends");
    let check = "import json, os\nd = json.loads(os.environ['DELIVERY'])\nverify(os.environ['KEY'], d['headers'], d['body'])\n\
                 try:\n    verify(os.environ['KEY'], d['headers'], d['body'] + ' ')\nexcept Exception:\n    print('verified')\n";
    let output = Command::new("python3")
        .args(["-c", &format!("{code}\n{check}")])
        .env("PYTHONPATH", clients().join("python"))
        .env("DELIVERY", delivery.to_string())
        .env("KEY", public_key)
        .output()
        .expect("starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "verified", "{errors}");
}
