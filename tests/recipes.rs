//! The guide's proxy configurations in front of frameworks that fold header names: whatever a client sends, the
//! API sees who calls as Keydesk says, or nothing.

use crate::{
    documents::repository,
    integrations::{clients, start_keydesk, start_proxy},
    limits::token_with,
    support::{client, eventually, free_port, raw},
};
use std::process::{Child, Command, Stdio};

/// What a header's name may hold beside letters and digits (RFC 9110 section 5.6.2).
const SEPARATORS: &str = "-_.!#$%&'*+^`|~";
const IDENTITY: [&str; 6] = ["Account", "Token", "Subject", "Scopes", "Path", "Client-Addr"];
const OVERRIDES: [&str; 4] =
    ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL"];

/// A real application server with a program that returns what it sees.
struct Upstream {
    child: Child,
    port: u16,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

async fn start_upstream(name: &str) -> Upstream {
    let port = free_port();
    let folder = repository().join("tests/clients");
    let mut command = match name {
        "gunicorn" => {
            let mut command = Command::new("python3");
            command.env("PYTHONPATH", clients().join("python")).current_dir(&folder);
            // As it did by default before version 22.
            command.args(["-m", "gunicorn", "--header-map", "dangerous", "echo:app"]);
            command.args(["--bind", &format!("127.0.0.1:{port}")]);
            command
        }
        "php" => {
            let mut command = Command::new("php");
            command.args(["-S", &format!("127.0.0.1:{port}")]).arg(folder.join("echo.php"));
            command
        }
        _ => {
            let mut command = Command::new("puma");
            command.args(["--bind", &format!("tcp://127.0.0.1:{port}"), "--threads", "1:4"]);
            command.arg(folder.join("echo.ru"));
            command
        }
    };
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    eventually(name, async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        .await;
    Upstream { child, port }
}

/// Every spelling of every name of ours, alone and named by `Connection`, and our own names named by it.
fn attacks() -> Vec<String> {
    let mut attacks = Vec::new();
    let all = IDENTITY.map(|name| format!("Keydesk-{name}")).join(", ");
    for separator in SEPARATORS.chars() {
        for name in IDENTITY {
            let alias = format!("Keydesk{separator}{}", name.replace('-', &separator.to_string()));
            attacks.push(format!("{alias}: 999999\r\nConnection: close\r\n"));
            attacks.push(format!("{alias}: 999999\r\nConnection: close, {all}, {alias}\r\n"));
            attacks.push(format!("{alias}: 999999\r\nConnection: close, {all}\r\n"));
        }
        for name in OVERRIDES {
            let alias = name.replace('-', &separator.to_string());
            attacks.push(format!("{alias}: DELETE\r\nConnection: close\r\n"));
        }
    }
    for name in
        ["_Keydesk-Account", "Keydesk-Account_", "KEYDESK_ACCOUNT", "Keydesk", "Keydesk-Role"]
    {
        attacks.push(format!("{name}: 999999\r\nConnection: close\r\n"));
    }
    attacks.push(
        "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n".to_owned(),
    );
    attacks.push("Connection: close, Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n".to_owned());
    attacks.push("Connection: close, Upgrade\r\nUpgrade: other\r\n".to_owned());
    // More than the proxy itself may take, with what it adds.
    for count in [79, 90, 98, 99, 100, 101] {
        let fields: Vec<_> = (0..count).map(|number| format!("X-{number}: a\r\n")).collect();
        attacks.push(format!("{}Connection: close\r\n", fields.concat()));
    }
    attacks
}

async fn nobody_is_somebody_else_behind(proxy: &str, upstream: &str) {
    let api = start_upstream(upstream).await;
    let door = free_port();
    let config = format!(
        "[forward_auth]\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [envoy]\nlisten = \"127.0.0.1:{door}\"\ntrusted_proxies = [\"127.0.0.1\"]\n"
    );
    let (keydesk, ann) = start_keydesk(api.port, &config).await;
    let token = token_with(&ann, "CRM", &["contacts:read"]).await;
    let account = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let proxied = start_proxy(proxy, &keydesk.gateway, api.port, door).await;
    let address = format!("127.0.0.1:{}", proxied.port);
    let send = async |attack: &str| {
        let head = format!(
            "GET /{account}/contacts HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{attack}\r\n"
        );
        raw::converse_until_closed(&address, head.as_bytes()).await
    };
    let plain = send("Connection: close\r\n").await;
    let truth = seen(&plain).unwrap_or_else(|| panic!("{proxy} and {upstream}: {plain}"));
    assert_eq!(truth["HTTP_KEYDESK_ACCOUNT"], account, "{truth}");
    assert_eq!(truth["HTTP_KEYDESK_SCOPES"], "contacts:read", "{truth}");
    let mut passed = 0;
    for attack in attacks() {
        let answer = send(&attack).await;
        let case = format!("{proxy} and {upstream}: {attack:?}: {answer}");
        let Some(seen) = seen(&answer) else {
            let status = answer.get(9..12).unwrap_or_default();
            // Proxies turn an answer that they do not know into one of their own.
            let is_too_much = attack.starts_with("X-0") && matches!(status, "431" | "500" | "503");
            assert!(is_too_much || matches!(status, "400" | "403"), "{case}");
            continue;
        };
        passed += 1;
        for name in ["ACCOUNT", "TOKEN", "SUBJECT", "SCOPES", "PATH", "CLIENT_ADDR"] {
            let name = format!("HTTP_KEYDESK_{name}");
            assert_eq!(seen.get(&name), truth.get(&name), "{case}");
        }
        assert!(!seen.to_string().contains("999999"), "{case}");
        let (protocol, hop) = (seen.get("HTTP_UPGRADE"), seen.get("HTTP_CONNECTION"));
        assert!(protocol.is_none_or(|protocol| protocol == "websocket"), "{case}");
        let is_named = |hop: &serde_json::Value| hop.to_string().to_lowercase().contains("keydesk");
        assert!(!hop.is_some_and(is_named), "{case}");
        // The response makes Envoy remove them; what others pass on was rejected.
        assert!(!seen.to_string().contains("DELETE"), "{case}");
    }
    assert!(passed > 0, "{proxy} and {upstream}: something passes, or nothing was tried");
}

/// A WebSocket still reaches the API, and a client cannot choose the address that Keydesk sees.
pub async fn passes_on_what_it_should(name: &str, endpoint: &str, token: &str) {
    if name == "caddy" || name == "haproxy" {
        let request =
            client().http1_only().build().expect("a client").get(format!("{endpoint}/contacts"));
        let request = request.bearer_auth(token).header("connection", "Upgrade");
        let request = request
            .header("upgrade", "websocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let got: serde_json::Value =
            request.send().await.expect("answers").json().await.expect("JSON");
        assert_eq!(got["headers"]["upgrade"], "websocket", "{name}: {got}");
        assert!(got["headers"]["connection"].as_str().is_some_and(|it| it.contains("pgrade")));
    }
    if name == "nginx" {
        let who = client().build().expect("a client").get(format!("{endpoint}/keydesk/whoami"));
        let who = who.bearer_auth(token).header("x-forwarded-for", "192.0.2.9");
        let message = who.send().await.expect("answers").text().await.expect("a text");
        assert!(message.contains("127.0.0.1") && !message.contains("192.0.2.9"), "{message}");
    }
}

/// What the API saw. `None` if the request did not get there.
fn seen(answer: &str) -> Option<serde_json::Value> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 200") {
        return None;
    }
    let (start, end) = (body.find('{')?, body.rfind('}')?);
    serde_json::from_str(&body[start..=end]).ok()
}

macro_rules! behind {
    ($($test:ident $proxy:literal $upstream:literal;)*) => {$(
        #[tokio::test]
        async fn $test() {
            nobody_is_somebody_else_behind($proxy, $upstream).await;
        }
    )*};
}

behind! {
    t28_nobody_is_somebody_else_behind_nginx_and_gunicorn "nginx" "gunicorn";
    t28_nobody_is_somebody_else_behind_nginx_and_php "nginx" "php";
    t28_nobody_is_somebody_else_behind_nginx_and_rack "nginx" "rack";
    t28_nobody_is_somebody_else_behind_caddy_and_gunicorn "caddy" "gunicorn";
    t28_nobody_is_somebody_else_behind_caddy_and_php "caddy" "php";
    t28_nobody_is_somebody_else_behind_caddy_and_rack "caddy" "rack";
    t28_nobody_is_somebody_else_behind_haproxy_and_gunicorn "haproxy" "gunicorn";
    t28_nobody_is_somebody_else_behind_haproxy_and_php "haproxy" "php";
    t28_nobody_is_somebody_else_behind_haproxy_and_rack "haproxy" "rack";
    t28_nobody_is_somebody_else_behind_envoy_and_gunicorn "envoy" "gunicorn";
    t28_nobody_is_somebody_else_behind_envoy_and_php "envoy" "php";
    t28_nobody_is_somebody_else_behind_envoy_and_rack "envoy" "rack";
}
