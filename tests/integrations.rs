//! Every other way to plug Keydesk in: real proxies with the guide's configurations, real OAuth clients.

use crate::{
    documents::repository,
    limits::{Answer, send, token_with},
    support::{Keydesk, Options, User, client, eventually, free_port},
};
use axum::{Json, Router, extract::Request};
use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// An API that tells what it got.
pub async fn start_echo() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let echo = async |request: Request| {
        let headers: serde_json::Map<_, _> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").into()))
            .collect();
        Json(serde_json::json!({ "uri": request.uri().to_string(), "headers": headers }))
    };
    let router = Router::new().fallback(echo);
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

pub async fn start_keydesk(api: u16, more: &str) -> (Keydesk, User) {
    let config = format!("upstream = \"http://127.0.0.1:{api}\"\n{more}");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    (keydesk, ann)
}

/// The guide's block in this language.
fn block(language: &str) -> String {
    let guide = fs::read_to_string(repository().join("docs/guide/integrations.md")).expect("there");
    let rest = guide.split(&format!("```{language}\n")).nth(1).expect("the guide shows it");
    rest.split("```").next().expect("ends").to_owned()
}

pub struct Proxy {
    child: Child,
    pub port: u16,
    folder: TempDir,
}

impl Proxy {
    async fn listens(mut self, name: &str) -> Self {
        let message = || fs::read_to_string(self.folder.path().join("message")).unwrap_or_default();
        for _ in 0..1_200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return self;
            }
            let ended = self.child.try_wait().expect("is our child");
            assert!(ended.is_none(), "{name} {ended:?}: {}", message());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{name} does not listen: {}", message())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The guide's configuration with the ports of a test: its own, Keydesk's, the API's, the door's.
fn envoy_yaml((port, gateway, api, door): (u16, &str, u16, u16)) -> String {
    let (_, gateway) = gateway.rsplit_once(':').expect("a port");
    let ports = [
        ("8000", port.to_string()),
        ("8081", gateway.to_owned()),
        ("3000", api.to_string()),
        ("9001", door.to_string()),
    ];
    ports.iter().fold(block("envoy"), |text, (from, to)| {
        text.replace(&format!("port_value: {from} "), &format!("port_value: {to} "))
    })
}

/// Starts a proxy with the guide's configuration, on ports of this test.
pub async fn start_proxy(name: &str, gateway: &str, api: u16, envoy_door: u16) -> Proxy {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let gateway = gateway.trim_start_matches("http://");
    let here = |text: String| {
        text.replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"))
            .replace("127.0.0.1:8081", gateway)
            .replace("127.0.0.1:3000", &format!("127.0.0.1:{api}"))
    };
    let path = |file: &str| folder.path().join(file);
    let mut command = match name {
        "nginx" => {
            let dir = folder.path().display();
            let whole = format!(
                "daemon off; pid {dir}/pid; error_log {dir}/log;\nevents {{}}\nhttp {{ access_log off;\n\
                 client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;\n\
                 scgi_temp_path {dir}/s;\n{}}}\n",
                here(block("nginx"))
            );
            fs::write(path("nginx.conf"), whole).expect("writes");
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-c").arg(path("nginx.conf"));
            command
        }
        "caddy" => {
            let whole = format!("{{\n admin off\n}}\n{}", here(block("caddy")));
            fs::write(path("Caddyfile"), whole).expect("writes");
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(path("Caddyfile"));
            command
        }
        "envoy" => {
            fs::write(path("envoy.yaml"), envoy_yaml((port, gateway, api, envoy_door)))
                .expect("writes");
            let mut command = Command::new(clients().join("envoy/envoy/_bin/envoy"));
            command.args(["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]);
            command.arg("-c").arg(path("envoy.yaml"));
            command
        }
        _ => {
            fs::write(path("keydesk.lua"), here(block("lua"))).expect("writes");
            fs::write(path("haproxy.cfg"), here(block("haproxy"))).expect("writes");
            let mut command = Command::new("/usr/sbin/haproxy");
            command.arg("-db").arg("-f").arg(path("haproxy.cfg"));
            command
        }
    };
    command.current_dir(folder.path()).env("HOME", folder.path());
    let stderr = fs::File::create(path("message")).expect("a file");
    let child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("starts");
    Proxy { child, port, folder }.listens(name).await
}

/// The console may share the host: its session is not the API's to see.
async fn no_console_cookie_passes(url: &str, token: &str) {
    for (sent, expected) in
        [("keydesk=secret; theirs=1", Some("theirs=1")), ("keydesk=secret", None)]
    {
        let request = client().build().expect("a client").get(url).bearer_auth(token);
        let answer = request.header("cookie", sent).send().await.expect("answers");
        let got: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(got["headers"]["cookie"].as_str(), expected, "{got}");
    }
}

/// F11, T36: the same calls through each proxy; what a client says of itself never counts.
async fn f11_a_proxy_asks(name: &str) {
    let api = start_echo().await;
    let door = free_port();
    let config = format!(
        "trusted_proxies = [\"127.0.0.1\"]\n[forward_auth]\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [envoy]\nlisten = \"127.0.0.1:{door}\"\ntrusted_proxies = [\"127.0.0.1\"]\n"
    );
    let (keydesk, ann) = start_keydesk(api, &config).await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    let account = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let proxy = start_proxy(name, &keydesk.gateway, api, door).await;
    let at = |path: &str| format!("http://127.0.0.1:{}/{account}{path}", proxy.port);

    let answer = send("GET", &at("/contacts/a%20b?x=1"), &token, "app/1").await;
    assert_eq!(answer.status, 200, "{name}");
    let got = &answer.body["headers"];
    assert_eq!(answer.body["uri"], "/contacts/a%20b?x=1", "{name}");
    assert_eq!(got["keydesk-account"], account, "{name}");
    assert!(got["keydesk-token"].as_str().is_some_and(|id| id.starts_with("tok_")), "{name}");
    assert!(got.get("authorization").is_none_or(|value| value == ""), "{name}: {got}");

    let spoofed = client().build().expect("a client").get(at("/contacts")).bearer_auth(&token);
    let spoofed = [
        "keydesk-account",
        "keydesk-subject",
        "x-forwarded-uri",
        "x-forwarded-method",
        "x-forwarded-for",
        "keydesk-path",
        "keydesk_account",
    ]
    .iter()
    .fold(spoofed, |request, name| request.header(*name, "/999999/spoofed"));
    let got: serde_json::Value = spoofed.send().await.expect("answers").json().await.expect("JSON");
    assert_eq!(got["headers"]["keydesk-account"], account, "{name}");
    assert_eq!(got["uri"], "/contacts", "{name}");
    assert!(!got["headers"]["keydesk-subject"].to_string().contains("spoofed"), "{name}");

    if name == "envoy" {
        assert!(got["headers"].get("keydesk_account").is_none(), "{got}");
        assert_eq!(got["headers"]["keydesk-path"], "/contacts");
        no_console_cookie_passes(&at("/contacts"), &token).await;
    }
    crate::recipes::passes_on_what_it_should(name, &at(""), &token).await;
    if name == "nginx" || name == "envoy" {
        let who = send("GET", &at("/keydesk/whoami"), &token, "app/1").await;
        assert_eq!(who.body["account"], account, "self-service has a location of its own");
    }
    let other = if account == "385403" { "385404" } else { "385403" };
    let elsewhere = format!("http://127.0.0.1:{}/{other}/contacts", proxy.port);
    for (url, token) in [(at("/contacts"), "rubbish"), (elsewhere, token.as_str())] {
        let answer = send("GET", &url, token, "app/1").await;
        assert_eq!(answer.status, 401, "{name} {url}");
        assert!(answer.header("www-authenticate").contains("Bearer"), "{name}");
    }
    let page = ann.post(&format!("/tokens/{}/revoke", ann.token_id("CRM").await), &[]).await;
    assert_eq!(page.done(), Some("/tokens?done=token_revoked"));
    assert_eq!(send("GET", &at("/contacts"), &token, "app/1").await.status, 401, "{name}");
}

#[tokio::test]
async fn f11_nginx_asks_as_the_guide_says() {
    f11_a_proxy_asks("nginx").await;
}

#[tokio::test]
async fn f11_caddy_asks_as_the_guide_says() {
    f11_a_proxy_asks("caddy").await;
}

#[tokio::test]
async fn f11_haproxy_asks_as_the_guide_says() {
    f11_a_proxy_asks("haproxy").await;
}

#[tokio::test]
async fn f11_envoy_asks_as_the_guide_says() {
    f11_a_proxy_asks("envoy").await;
}

/// Envoy passes on what a refusal says, and what an answer is to say besides.
#[tokio::test]
async fn f11_envoy_tells_why_and_what_is_left() {
    let (api, door) = (start_echo().await, free_port());
    let config = format!(
        "[envoy]\nlisten = \"127.0.0.1:{door}\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [[plan]]\nname = \"small\"\nrate_limit = \"2/h\"\nmode = \"enforce\"\n"
    );
    let config = format!("default_plan = \"small\"\n{config}");
    let (keydesk, ann) = start_keydesk(api, &config).await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    let account = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let proxy = start_proxy("envoy", &keydesk.gateway, api, door).await;
    let url = format!("http://127.0.0.1:{}/{account}/contacts", proxy.port);
    let answer = send("GET", &url, &token, "app/1").await;
    assert_eq!((answer.status, answer.header("ratelimit").contains("r=1")), (200, true));
    send("GET", &url, &token, "app/1").await;
    let answer = send("GET", &url, &token, "app/1").await;
    assert_eq!((answer.status, answer.code()), (429, "rate_limited"));
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 1000));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    // Without Keydesk nothing passes.
    drop(keydesk);
    assert_eq!(send("GET", &url, &token, "app/1").await.status, 503);
}

/// T36: only Envoys that are named may ask.
#[tokio::test]
async fn t36_an_envoy_that_is_not_trusted_lets_nobody_through() {
    let (api, door) = (start_echo().await, free_port());
    let config =
        format!("[envoy]\nlisten = \"127.0.0.1:{door}\"\ntrusted_proxies = [\"192.0.2.1\"]\n");
    let (keydesk, ann) = start_keydesk(api, &config).await;
    let (token, endpoint) = (ann.bearer_token().await, ann.endpoint_url().await);
    let account = endpoint.rsplit('/').next().expect("a number");
    let proxy = start_proxy("envoy", &keydesk.gateway, api, door).await;
    let url = format!("http://127.0.0.1:{}/{account}/contacts", proxy.port);
    assert_eq!(send("GET", &url, &token, "app/1").await.status, 503);
    let is_logged = async || keydesk.printed().contains("not in envoy.trusted");
    eventually("the log names the reason", is_logged).await;
}

/// What a proxy must say, in every way to say it wrong.
#[tokio::test]
async fn t36_forward_auth_assumes_nothing() {
    let api = start_echo().await;
    let (keydesk, ann) =
        start_keydesk(api, "[forward_auth]\ntrusted_proxies = [\"127.0.0.1\"]\n").await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    let account = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let uri = format!("/{account}/contacts");
    let ask = async |door: &str, headers: &[(&str, &str)]| {
        let request =
            client().build().expect("a client").get(format!("{}/keydesk/{door}", keydesk.gateway));
        let request =
            headers.iter().fold(request.bearer_auth(&token), |r, (n, v)| r.header(*n, *v));
        let response = request.send().await.expect("answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.json().await.unwrap_or_default() }
    };
    let method = ("x-forwarded-method", "GET");
    let from = ("x-forwarded-for", "203.0.113.9");
    let said = ("x-forwarded-uri", uri.as_str());
    // Traefik's contract: these, and more that is not needed.
    let traefik =
        [method, said, from, ("x-forwarded-proto", "https"), ("x-forwarded-host", "api.example")];
    let answer = ask("forward-auth", &traefik).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("keydesk-path"), "/contacts");
    assert_eq!(answer.header("keydesk-client-addr"), "203.0.113.9");
    let outside = format!("{uri}/../../999999/x");
    for (wrong, headers) in [
        ("no method", vec![said, from]),
        ("no path", vec![method, from]),
        ("no address", vec![method, said]),
        ("two paths", vec![method, said, said, from]),
        ("two methods", vec![method, method, said, from]),
        ("another spelling", vec![method, ("x_forwarded_uri", uri.as_str()), from]),
        ("two spellings", vec![method, said, ("x_forwarded_uri", "/"), from]),
        ("only x-original-url", vec![method, ("x-original-url", uri.as_str()), from]),
        ("a URL", vec![method, ("x-forwarded-uri", "http://a/b"), from]),
        ("dots", vec![method, ("x-forwarded-uri", outside.as_str()), from]),
        ("no path at all", vec![method, ("x-forwarded-uri", ""), from]),
        ("two addresses", vec![method, said, from, from]),
        ("no address in it", vec![method, said, ("x-forwarded-for", "1.2.3.4, unix:")]),
        ("another method", vec![method, said, from, ("x-http-method-override", "DELETE")]),
        ("another path", vec![method, said, from, ("x_original_url", "/admin")]),
    ] {
        let answer = ask("forward-auth", &headers).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
        let answer = ask("auth-request", &headers).await;
        assert_eq!(answer.status, 403, "{wrong}, where two refusals are known");
    }
    let small = ask("forward-auth", &[("x-forwarded-method", "get"), said, from]).await;
    assert_eq!(small.status, 405, "no rule is for it, and some servers take it for GET");
    // Who is not trusted gets nothing, and where nobody is there is no such door.
    for (config, code) in [
        ("[forward_auth]\ntrusted_proxies = [\"192.0.2.1\"]\n", "untrusted_proxy"),
        ("", "unknown_endpoint"),
    ] {
        let (keydesk, _ann) = start_keydesk(api, config).await;
        let url = format!("{}/keydesk/forward-auth", keydesk.gateway);
        let answer = send("GET", &url, &token, "app").await;
        assert_eq!(answer.code(), code);
    }
}

pub fn clients() -> PathBuf {
    repository().join("target/clients")
}

/// Returns a script of ours at a place where Node finds the packages that it imports, which is beside them. Another test
/// may be starting the same script, so the file is never there in part.
pub fn node_script(name: &str) -> PathBuf {
    let script = clients().join(name);
    let draft = tempfile::NamedTempFile::new_in(clients()).expect("a file").into_temp_path();
    fs::copy(repository().join("tests/clients").join(name), &draft).expect("copies");
    draft.persist(&script).expect("renames");
    script
}
