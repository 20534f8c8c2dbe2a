//! The page *API Docs* and the reference.

use crate::world::{Console, PASSWORD};
use keydesk_control::{OpenApiSource, record_api_version};
use std::time::Duration;

#[tokio::test]
async fn s2_api_docs_is_one_click_from_every_page_and_a_viewer_is_told_whom_to_ask() {
    let console = Console::start().await;
    let ann = console.owner();
    for page in [
        "/api-docs",
        "/tokens",
        "/tokens/new",
        "/members",
        "/sessions",
        "/profile",
        "/help",
        "/api-docs/rotate",
    ] {
        let text = ann.get(page).await.text;
        assert!(text.contains("<a href=\"/api-docs\""), "{page}");
    }
    let vera = ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    let page = vera.get("/api-docs").await;
    assert!(page.text.contains("Ann Chen") && page.text.contains("mailto:ann@acme.example"));
    assert!(page.find_value("bearer-token").is_none());
    assert_eq!(vera.get("/tokens").await.status, 403);
}

#[tokio::test]
async fn s3_s4_both_values_stand_bare_on_a_page_that_nobody_stores() {
    let console = Console::start().await;
    let ann = console.owner();
    let page = ann.get("/api-docs").await;
    let (endpoint, token) = (page.value("endpoint-url"), page.value("bearer-token"));
    assert!(endpoint.starts_with("https://api.example.com/") && !endpoint.ends_with('/'));
    assert!(token.starts_with("kd_u_") && token.len() == 43);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(
        page.text.contains("data-copy=\"endpoint-url\"")
            && page.text.contains("data-copy=\"bearer-token\"")
    );
    // The script may copy; it may not store.
    let script = ann.get("/assets/app.js").await.text;
    assert!(!script.contains("localStorage"));
    // The tab remembers method, path, and status of requests from the reference. A browser test searches it for tokens.
    let stored = script.matches("sessionStorage").count();
    assert_eq!(script.matches("sessionStorage.getItem(\"requests\")").count() + 1, stored);
}

#[tokio::test]
async fn s10_the_page_masks_warns_and_names_no_token_in_a_url() {
    let console = Console::start().await;
    let ann = console.owner();
    let page = ann.get("/api-docs").await;
    let token = page.value("bearer-token");
    assert!(page.text.contains(&format!("kd_u_••••••••{}", &token[39..])));
    assert!(page.text.contains("Keep it secret"));
    for attribute in ["href=\"", "action=\"", "src=\"", "data-try=\""] {
        for url in page.text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(!url.contains(&token), "{attribute}{url}");
        }
    }
}

#[tokio::test]
async fn s11_the_reference_has_the_reader_s_server_and_operations() {
    let console = Console::start().await;
    let ann = console.owner();
    let endpoint = ann.get("/api-docs").await.value("endpoint-url");
    let page = ann.get("/api-docs").await.text;
    for operation in ["/api/v1/contacts/{id}/messages", "List contacts", "contacts:read"] {
        assert!(page.contains(operation), "{operation}");
    }
    for snippet in ["requests.get(", "await fetch(", "reqwest::Client", "http.NewRequest("] {
        assert!(
            page.contains(snippet) && page.contains(&format!("{endpoint}/api/v1/contacts")),
            "{snippet}"
        );
    }
    let document: serde_json::Value =
        serde_json::from_str(&ann.get("/api-docs/openapi.json").await.text).expect("JSON");
    assert_eq!(document["servers"], serde_json::json!([{ "url": endpoint }]));
    let reference = ann.get("/api-docs/swagger").await;
    assert_eq!(reference.value("bearer-token"), ann.bearer_token().await);
    assert_eq!(reference.header("cache-control"), "no-store");
}

/// What agents and other programs read has the reader's endpoint URL and no token.
#[tokio::test]
async fn s11_downloads_have_the_endpoint_and_no_token() {
    let console = Console::start().await;
    let ann = console.owner();
    let page = ann.get("/api-docs").await;
    let (endpoint, token) = (page.value("endpoint-url"), page.value("bearer-token"));
    let prompt =
        page.text.split("id=\"prompt\">").nth(1).and_then(|rest| rest.split("</code>").next());
    let prompt = prompt.expect("a prompt").to_owned();
    assert!(prompt.contains(&endpoint) && prompt.contains("contacts:read"), "{prompt}");
    let mut texts = vec![prompt];
    for (path, part) in [
        ("/api-docs/reference.md", "### GET /api/v1/contacts\n"),
        ("/api-docs/llms.txt", "/api-docs/reference.md"),
        ("/api-docs/collection.json", "\"{{token}}\""),
        ("/api-docs/api.env", "API_TOKEN=\n"),
    ] {
        let file = ann.get(path).await;
        assert!(file.status == 200 && file.text.contains(part), "{path}: {}", file.text);
        assert!(file.text.contains(&endpoint), "{path}");
        texts.push(file.text);
    }
    for text in texts {
        assert!(!text.contains(&token) && !text.contains("kd_u_"), "{text}");
    }
}

/// Whether gateways run, and how many requests fail.
#[tokio::test]
async fn f7_the_page_says_whether_it_is_me_or_them() {
    let console = Console::start().await;
    let ann = console.owner();
    let page = ann.get("/api-docs").await.readable();
    assert!(!page.contains("No gateway is running."), "it has just started: {page}");
    console.pass(Duration::from_mins(1));
    let page = ann.get("/api-docs").await.readable();
    assert!(page.contains("No gateway is running."), "{page}");
    for language in ["PHP", "Java", "Ruby", "Go", "Rust", "Python", "JavaScript", "curl"] {
        assert!(page.contains(language), "{language}");
    }
}

/// Notes accepted requests of a client to an operation.
async fn used(console: &Console, token: &str, (client, operation): (&str, &str), requests: u32) {
    let at = console.app.now().as_micros();
    let day = at / 86_400_000_000;
    console
        .sql(&format!(
            "INSERT INTO operation_use (day, token_id, client, operation, violation, requests, rejected, last_used_at) \
             VALUES ({day}, '{token}', '{client}', '{operation}', '', {requests}, 0, {at})"
        ))
        .await;
}

#[tokio::test]
async fn f17_changes_of_the_document_name_the_clients_that_notice_them() {
    let console = Console::start().await;
    let ann = console.owner();
    assert_eq!(
        ann.post("/tokens", &[("name", "CRM"), ("expires", "never"), ("scope", "*")]).await.status,
        200
    );
    let crm = ann.token_id("CRM").await;
    used(&console, &crm, ("importer", "GET /api/v1/contacts/{id}"), 412).await;
    let document = include_str!("../../../sample/src/openapi.json");
    let mut document: serde_json::Value = serde_json::from_str(document).expect("JSON");
    let record = async |document: &serde_json::Value| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("openapi.json");
        std::fs::write(&path, document.to_string()).expect("a document");
        let (app, source) = (&console.app, OpenApiSource::file(path));
        // Another console, or the same one later, sees it as well.
        for _ in 0..2 {
            record_api_version(&app.store, &source, app.now()).await.expect("records");
        }
    };
    record(&document).await;
    let page = ann.get("/api-docs/changes").await.readable();
    assert!(page.contains("has not changed"), "{page}");
    console.pass(Duration::from_mins(5));
    document["paths"]["/api/v1/contacts/{id}"]["get"]["deprecated"] = true.into();
    document["paths"]["/api/v1/added"] = serde_json::json!({ "get": {} });
    record(&document).await;
    let page = ann.get("/api-docs/changes").await.readable();
    let history = page.split("Changes of the API").nth(1).expect("the history");
    let (ours, other) = history.split_once("GET /api/v1/added").expect("both changes");
    assert!(ours.contains("GET /api/v1/contacts/{id}") && ours.contains("Deprecated"), "{page}");
    assert!(ours.contains("importer") && other.contains("New operation"), "{page}");
    assert_eq!(history.matches("Deprecated").count(), 1, "each once: {page}");
}

#[tokio::test]
async fn s11_each_operation_has_a_page_with_its_clients() {
    let console = Console::start().await;
    let ann = console.owner();
    assert_eq!(
        ann.post("/tokens", &[("name", "CRM"), ("expires", "never"), ("scope", "*")]).await.status,
        200
    );
    let crm = ann.token_id("CRM").await;
    used(&console, &crm, ("importer", "GET /api/v1/contacts/{id}"), 412).await;
    used(&console, &crm, ("importer", "GET /api/v1/removed"), 7).await;
    used(&console, &crm, ("probe", "an operation without a rule"), 1).await;
    let docs = ann.get("/api-docs").await;
    assert!(docs.text.contains("href=\"/api-docs/changes\""));
    let text = ann.get("/api-docs/changes").await.readable();
    assert!(
        text.contains("API changes that affect you") && text.contains("GET /api/v1/removed"),
        "{text}"
    );
    assert!(!text.contains("an operation without a rule"), "{text}");
    let path = "/api-docs/reference/get-api-v1-contacts-id";
    assert!(docs.text.contains(&format!("href=\"{path}\"")), "{}", docs.text);
    let page = ann.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let text = page.readable();
    assert!(text.contains("importer") && text.contains("412 requests"), "{text}");
    let endpoint = docs.value("endpoint-url");
    assert!(page.text.contains(&format!("data-url=\"{endpoint}/api/v1/contacts/{{id}}\"")));
    assert!(page.text.contains("Authorization: Bearer $TOKEN"), "{}", page.text);
    // With the password entered a while ago, the page is there without the token.
    assert!(page.text.contains("kd_u_"));
    console.pass(Duration::from_hours(2));
    let later = ann.get(path).await;
    assert!(later.status == 200 && !later.text.contains("kd_u_"), "{}", later.text);
    assert!(later.text.contains(&format!("/confirm?next={path}")));
    assert_eq!(ann.get("/api-docs/reference/get-nothing").await.status, 404);
}
