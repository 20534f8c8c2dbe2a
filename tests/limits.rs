//! What a token may do: scopes on operations, address lists, observed before they are enforced.

use crate::support::{Keydesk, Options, PATIENCE, User, client, eventually};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use tempfile::TempDir;

/// An API that lets everything through, and its document in a file that can be changed.
pub struct Api {
    folder: TempDir,
    pub config: String,
}

const DOCUMENT: &str = r#"{
  "openapi": "3.1.0",
  "info": { "title": "Test", "version": "1" },
  "x-keydesk-scopes": { "contacts:read": "See contacts" },
  "paths": {
    "/contacts": {
      "get": { "operationId": "list_contacts", "security": [{ "b": ["contacts:read", "contacts:all"] }] },
      "post": { "operationId": "add_contact", "security": [{ "b": ["contacts:write", "contacts:all"] }] }
    },
    "/contacts/{id}": { "get": { "security": [{ "b": ["contacts:read"] }] } },
    "/messages": { "get": { "security": [{ "b": ["messages:read"] }] } },
    "/ping": { "get": { "security": [] } }
  }
}"#;

impl Api {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(async || "ok");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("openapi.json");
        let config = format!("upstream = \"http://{addr}\"\nopenapi = \"{}\"\n", path.display());
        let api = Self { folder, config };
        api.describe(DOCUMENT);
        api
    }

    fn document(&self) -> PathBuf {
        self.folder.path().join("openapi.json")
    }

    /// Publishes another document.
    fn describe(&self, text: &str) {
        std::fs::write(self.document(), text).expect("writes");
    }

    pub fn options(&self) -> Options {
        Options { config: self.config.clone(), ..Options::default() }
    }
}

pub async fn token_with(ann: &User, name: &str, scopes: &[&str]) -> String {
    let mut form = vec![("name", name), ("expires", "never")];
    form.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let page = ann.post("/tokens", &form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.value("new-token")
}

pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: serde_json::Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

/// One for all tests: making one takes longer than a call. It keeps no connection, as each test has a
/// runtime of its own.
static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| client().pool_max_idle_per_host(0).build().expect("a client"));

pub async fn send(method: &str, url: &str, token: &str, program: &str) -> Answer {
    let method = method.parse().expect("a method");
    let request = CLIENT.request(method, url).timeout(PATIENCE);
    let request = request.bearer_auth(token).header("user-agent", program);
    let response = request.send().await.expect("the gateway answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.json().await.unwrap_or_default() }
}

fn run(keydesk: &Keydesk, args: &[&str]) -> String {
    let output = keydesk.command(args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

async fn rules_arrive(keydesk: &Keydesk) {
    eventually("the document's rules are in force", async || {
        keydesk.command(&["operations", "list"]).status.success()
    })
    .await;
}

#[tokio::test]
async fn f3_scopes_are_observed_then_enforced_on_what_is_forwarded() {
    let api = Api::start().await;
    let mut keydesk = Keydesk::start_with(&api.options());
    let ann = keydesk.with_account().await;
    rules_arrive(&keydesk).await;
    let endpoint = ann.endpoint_url().await;
    let token = token_with(&ann, "Mail", &["messages:read"]).await;
    let everything = token_with(&ann, "All", &["*"]).await;
    let at = |path: &str| format!("{endpoint}{path}");

    // Observed: let through, written down, and told before it is enforced.
    for _ in 0..3 {
        assert_eq!(send("GET", &at("/contacts"), &token, "importer/2").await.status, 200);
    }
    assert_eq!(send("GET", &at("/messages"), &token, "importer/2").await.status, 200);
    eventually("it is told what would be refused", async || {
        run(&keydesk, &["operations", "check"])
            .contains("3 requests from importer with “Mail”: GET /contacts")
    })
    .await;
    let page = ann.get("/tokens/violations").await.text;
    assert!(page.contains("Would be rejected: missing scope"), "{page}");
    assert!(!page.contains("GET /messages"), "{page}");

    run(&keydesk, &["operations", "enforce"]);
    eventually("it is rejected", async || {
        send("GET", &at("/contacts"), &token, "importer/2").await.status == 403
    })
    .await;
    let refused = send("GET", &at("/contacts"), &token, "importer/2").await;
    assert_eq!(refused.code(), "insufficient_scope");
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.ends_with("scope=\"contacts:all contacts:read\""), "{challenge}");
    let detail = refused.body["detail"].to_string();
    assert!(detail.contains("one of the scopes contacts:all, contacts:read"), "{detail}");

    no_way_round(&endpoint, &token, &everything).await;
}

/// T10, T31 to T34: other methods, spellings and paths.
async fn no_way_round(endpoint: &str, token: &str, everything: &str) {
    let at = |path: &str| format!("{endpoint}{path}");
    for (method, path, status) in [
        ("HEAD", "/contacts", 403),
        ("HEAD", "/messages", 200),
        ("GET", "/contacts/", 403),
        ("GET", "/%63ontacts", 403),
        ("GET", "/contacts;v=1", 403),
        ("GET", "/contacts?x=/messages", 403),
        ("GET", "/messages%2f..%2fcontacts", 400),
        ("GET", "/contacts/7", 403),
        ("POST", "/messages", 403),
        ("OPTIONS", "/contacts", 403),
        ("GET", "/Messages", 403),
        ("GET", "/not-in-the-document", 403),
        ("GET", "/ping", 200),
        ("GET", "/keydesk/whoami", 200),
    ] {
        let answer = send(method, &at(path), token, "importer/2").await;
        assert_eq!(answer.status, status, "{method} {path}");
        if status != 400 {
            let answer = send(method, &at(path), everything, "importer/2").await;
            assert_eq!(answer.status, 200, "{method} {path} with a token for everything");
        }
    }
    let request = client().build().expect("a client").get(at("/messages")).bearer_auth(token);
    let overridden = request.header("x-http-method-override", "DELETE").send().await;
    assert_eq!(overridden.expect("answers").status(), 200, "the override is not passed on");
}

#[tokio::test]
async fn f3_a_changed_document_is_taken_over_and_waits_where_it_would_refuse() {
    let api = Api::start().await;
    let mut keydesk = Keydesk::start_with(&api.options());
    let ann = keydesk.with_account().await;
    rules_arrive(&keydesk).await;
    run(&keydesk, &["operations", "enforce"]);
    let endpoint = ann.endpoint_url().await;
    let token = token_with(&ann, "Mail", &["messages:read"]).await;
    assert_eq!(send("GET", &format!("{endpoint}/messages"), &token, "app").await.status, 200);
    assert_eq!(send("GET", &format!("{endpoint}/ping"), &token, "app").await.status, 200);

    // One that refuses nothing that is called: in force at once.
    api.describe(
        &DOCUMENT.replace("\"/ping\"", "\"/pong\": { \"get\": { \"security\": [] } }, \"/ping\""),
    );
    eventually("the new operation is open", async || {
        send("GET", &format!("{endpoint}/pong"), &token, "app").await.status == 200
    })
    .await;
    // One that does waits, and says whom it would hit, before and after it is published.
    let stricter = DOCUMENT.replace("messages:read", "mail:read");
    let draft = api.folder.path().join("draft.json");
    std::fs::write(&draft, &stricter).expect("writes");
    let draft = draft.to_string_lossy().into_owned();
    eventually("the draft's effect is known", async || {
        run(&keydesk, &["operations", "check", "--document", &draft])
            .contains("1 request from app with “Mail”: GET /messages")
    })
    .await;
    api.describe(&stricter);
    eventually("it waits", async || {
        run(&keydesk, &["operations", "list"]).contains("A changed document waits")
    })
    .await;
    assert!(run(&keydesk, &["operations", "check"]).contains("“Mail”: GET /messages"));
    assert_eq!(send("GET", &format!("{endpoint}/messages"), &token, "app").await.status, 200);
    run(&keydesk, &["operations", "apply"]);
    eventually("it is in force", async || {
        send("GET", &format!("{endpoint}/messages"), &token, "app").await.status == 403
    })
    .await;
    // The form offers exactly what the rules ask for.
    let form = ann.get("/tokens/new").await.text;
    assert!(form.contains("value=\"mail:read\"") && !form.contains("value=\"messages:read\""));
    assert!(form.contains("See contacts"));
    // Rubbish changes nothing.
    api.describe(&DOCUMENT.replace("/ping", "/a/../b"));
    eventually("the log says why", async || {
        keydesk.printed().contains("failed to apply the OpenAPI document")
    })
    .await;
    assert_eq!(send("GET", &format!("{endpoint}/messages"), &token, "app").await.status, 403);
}

#[tokio::test]
async fn n7_limits_of_a_token_are_proposed_tried_and_enforced() {
    let api = Api::start().await;
    let mut keydesk = Keydesk::start_with(&api.options());
    let ann = keydesk.with_account().await;
    rules_arrive(&keydesk).await;
    run(&keydesk, &["operations", "enforce"]);
    let endpoint = ann.endpoint_url().await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    let call = async |path: &str| send("GET", &format!("{endpoint}{path}"), &token, "crm/1").await;
    assert_eq!(call("/contacts").await.status, 200);
    assert_eq!(call("/contacts/7").await.status, 200);
    let limits = format!("/tokens/{}/limits", ann.token_id("CRM").await);
    eventually("the smallest limits are proposed", async || {
        let page = ann.get(&format!("{limits}?with=suggested")).await.text;
        page.contains("value=\"contacts:read\" checked") && page.contains("127.0.0.1</textarea>")
    })
    .await;

    // A mistake loses nothing.
    let wrong =
        [("scope", "contacts:read"), ("ip_allowlist", "10.0.0.0/8 ten"), ("mode", "enforce")];
    let page = ann.post(&limits, &wrong).await;
    assert_eq!(page.status, 422);
    assert!(
        page.text.contains("“ten” isn’t a valid IP address")
            && page.text.contains("10.0.0.0/8 ten")
    );

    let tried = [("scope", "messages:read"), ("ip_allowlist", "10.0.0.0/8"), ("mode", "observe")];
    assert_eq!(
        ann.post(&limits, &tried).await.location.as_deref(),
        Some("/tokens?done=limits_observed")
    );
    assert_eq!(call("/contacts").await.status, 200, "limits in observe mode reject nothing");
    eventually("the violations are listed", async || {
        let page = ann.get(&limits).await.text;
        page.contains("Would be rejected: not in the observed scopes")
            && page.contains("Would be rejected: not in the observed IP allowlist")
    })
    .await;
    let fits =
        [("scope", "contacts:read"), ("ip_allowlist", "127.0.0.0/8\n::1"), ("mode", "enforce")];
    assert_eq!(
        ann.post(&limits, &fits).await.location.as_deref(),
        Some("/tokens?done=limits_enforced")
    );
    assert_eq!(call("/contacts").await.status, 200);
    assert_eq!(call("/messages").await.code(), "insufficient_scope");
    let who = call("/keydesk/whoami").await.body;
    assert_eq!(who["scopes"], serde_json::json!(["contacts:read"]));
    assert_eq!(who["ip_allowlist"], serde_json::json!(["127.0.0.0/8", "::1/128"]));

    let elsewhere =
        [("scope", "contacts:read"), ("ip_allowlist", "10.0.0.0/8"), ("mode", "enforce")];
    ann.post(&limits, &elsewhere).await;
    for path in ["/contacts", "/keydesk/whoami"] {
        let answer = call(path).await;
        assert_eq!((answer.status, answer.code()), (403, "ip_not_allowed"), "{path}");
        assert!(answer.body["detail"].as_str().expect("a detail").contains("127.0.0.1"));
    }
    // It is still so after a restart, from the snapshot.
    let keydesk = keydesk.restart(&Options { has_account: true, ..api.options() });
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", crate::support::PASSWORD).await;
    let endpoint = ann.endpoint_url().await;
    let answer = send("GET", &format!("{endpoint}/contacts"), &token, "crm/1").await;
    assert_eq!(answer.code(), "ip_not_allowed");
}

/// T11: what a client says of its own address changes nothing, in thirty ways to say it.
#[tokio::test]
async fn t11_an_address_list_cannot_be_talked_round() {
    let api = Api::start().await;
    let mut keydesk = Keydesk::start_with(&api.options());
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    let limits = format!("/tokens/{}/limits", ann.token_id("CRM").await);
    ann.post(&limits, &[("scope", "*"), ("ip_allowlist", "10.0.0.1"), ("mode", "enforce")]).await;
    let names = [
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "cf-connecting-ip",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "fastly-client-ip",
        "via",
    ];
    let client = client().build().expect("a client");
    for name in names {
        for value in ["10.0.0.1", "::ffff:10.0.0.1", "for=10.0.0.1;proto=https"] {
            let request = client.get(format!("{endpoint}/ping")).bearer_auth(&token);
            let answer = request.header(name, value).send().await.expect("answers");
            assert_eq!(answer.status(), 403, "{name}: {value}");
        }
    }
}

/// A day of fifty programs, in small: what is listed as observed is exactly what happened.
#[tokio::test]
async fn n7_the_lists_of_a_recorded_day_are_exactly_right() {
    let api = Api::start().await;
    let mut keydesk = Keydesk::start_with(&api.options());
    let ann = keydesk.with_account().await;
    rules_arrive(&keydesk).await;
    let endpoint = ann.endpoint_url().await;
    let sets: [&[&str]; 5] = [
        &["contacts:read"],
        &["contacts:all"],
        &["messages:read", "contacts:write"],
        &["messages:read"],
        &["*"],
    ];
    let calls = [
        ("GET", "/contacts", "GET /contacts", "contacts:read contacts:all"),
        ("POST", "/contacts", "POST /contacts", "contacts:write contacts:all"),
        ("GET", "/contacts/7", "GET /contacts/{id}", "contacts:read"),
        ("GET", "/messages", "GET /messages", "messages:read"),
        ("GET", "/ping", "GET /ping", ""),
        ("DELETE", "/contacts/7", "no rule", "*"),
    ];
    let mut expected: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut day = tokio::task::JoinSet::new();
    for program in 0..50 {
        let (name, held) = (format!("Token {program:02}"), sets[program % sets.len()]);
        let token = token_with(&ann, &name, held).await;
        let agent = format!("program-{program:02}");
        let mut plan = Vec::new();
        for (at, (method, path, operation, wanted)) in calls.iter().enumerate() {
            let times = (program * 7 + at * 3) % 5;
            plan.extend(std::iter::repeat_n((*method, format!("{endpoint}{path}")), times));
            let passes = wanted.is_empty()
                || held.contains(&"*")
                || wanted.split(' ').any(|scope| held.contains(&scope));
            if times > 0 && !passes {
                expected.insert((name.clone(), agent.clone(), (*operation).to_owned()), times);
            }
        }
        day.spawn(async move {
            for (method, url) in plan {
                assert_eq!(
                    send(method, &url, &token, &format!("{agent}/1.{program}")).await.status,
                    200
                );
            }
        });
    }
    while let Some(done) = day.join_next().await {
        done.expect("the program's day");
    }
    eventually("everything is written down", async || {
        listed(&ann.get("/tokens/violations").await.text) == expected
    })
    .await;
    // The command tells the same before it is enforced.
    let message = run(&keydesk, &["operations", "check"]);
    assert_eq!(message.lines().count(), expected.len(), "{message}");
    for ((name, agent, operation), times) in &expected {
        let noun = if *times == 1 { "request" } else { "requests" };
        let line = format!("{times} {noun} from {agent} with “{name}”: {operation}");
        assert!(message.contains(&line), "{line} in {message}");
    }
}

/// The rows of the page of violation.
fn listed(page: &str) -> BTreeMap<(String, String, String), usize> {
    let rows = page.split("<tr>").skip(2).filter_map(|row| {
        let cell = |label: &str| {
            let rest = row.split(&format!("data-label=\"{label}\"")).nth(1)?;
            let rest = &rest[rest.find('>')? + 1..rest.find("</td>")?];
            let text = rest.split('<').map(|part| part.rsplit('>').next().unwrap_or_default());
            Some(text.collect::<String>().trim().to_owned())
        };
        let key = (cell("Token")?, cell("Client")?, cell("Operation")?);
        Some((key, cell("Requests")?.parse().ok()?))
    });
    rows.collect()
}

/// What stands in the configuration goes before the document, and opens what it leaves out.
#[tokio::test]
async fn f3_operations_of_the_configuration_go_before_the_documents() {
    let api = Api::start().await;
    let config = format!(
        "{}unlisted_operations = \"any\"\n[[operation]]\nmethod = \"*\"\npath = \"/contacts/**\"\nscopes = [\"admin:all\"]\n\
         [[operation]]\nmethod = \"GET\"\npath = \"/messages\"\nscopes = [\"mail:read\"]\n",
        api.config
    );
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    rules_arrive(&keydesk).await;
    run(&keydesk, &["operations", "enforce"]);
    let message = run(&keydesk, &["operations", "list"]);
    assert!(message.contains("mail:read") && !message.contains("messages:read"), "{message}");
    let endpoint = ann.endpoint_url().await;
    let token = token_with(&ann, "Mail", &["mail:read"]).await;
    for (method, path, status) in
        [("GET", "/messages", 200), ("DELETE", "/contacts/7/x", 403), ("GET", "/elsewhere", 200)]
    {
        let answer = send(method, &format!("{endpoint}{path}"), &token, "app").await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    assert!(Path::new(&api.document()).exists());
}
