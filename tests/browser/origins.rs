//! Pages of other origins in a real browser: they may call where that is configured, and only there.

use super::{Browser, WIDE_LIGHT};
use crate::support::{Keydesk, Options, raw::RawUpstream};
use serde_json::{Value, json};

/// A page of an origin of its own.
async fn page() -> String {
    let router = axum::Router::new()
        .fallback(async || axum::response::Html("<!doctype html><title>App</title>"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://localhost:{port}")
}

const CALL: &str = "const [url, token, done] = arguments;
    fetch(url, { method: 'PUT', headers: { authorization: `Bearer ${token}`, 'x-own': '1' } })
        .then(async r => done([r.status, r.headers.get('x-request-id'), r.headers.get('x-extra'), await r.text()]))
        .catch(error => done([0, String(error)]))";

impl Browser {
    async fn calls(&self, url: &str, token: &str) -> Value {
        let found = self.driver.execute_async(CALL, vec![json!(url), json!(token)]).await;
        found.expect("the script runs").json().clone()
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_calls_with_a_token_and_others_do_not() {
    let upstream = RawUpstream::start().await;
    let (app, other) = (page().await, page().await);
    let config = format!(
        "upstream = \"{}\"\n[cors]\norigins = [\"{app}\"]\nexposed_headers = [\"x-extra\"]\naccounts = true\n",
        upstream.url
    );
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let browser = Browser::open(WIDE_LIGHT).await;
    let url = format!("{endpoint}/contacts");
    browser.go(&app).await;
    // The upstream's own word on origins is not asked for.
    let own = b"HTTP/1.1 200 OK\r\naccess-control-allow-origin: https://other.example\r\nx-extra: e\r\ncontent-length: 2\r\n\r\nok";
    upstream.answers(own);
    let message = browser.calls(&url, &token).await;
    assert_eq!(
        (&message[0], &message[2], &message[3]),
        (&json!(200), &json!("e"), &json!("ok")),
        "{message}"
    );
    assert!(message[1].as_str().is_some_and(|id| id.starts_with("req_")), "{message}");
    let refused = browser.calls(&url, "kd_u_x").await;
    assert_eq!(refused[0], 401, "a page reads why it was rejected: {refused}");
    browser.go(&other).await;
    assert_eq!(browser.calls(&url, &token).await[0], 0);
    // The account says so itself, in the place of the operator.
    let page = ann.post("/limits/cors", &[("origins", &other)]).await;
    assert_eq!(page.location.as_deref(), Some("/limits?done=cors_set"), "{}", page.text);
    assert_eq!(browser.calls(&url, &token).await[0], 200);
    browser.go(&app).await;
    assert_eq!(browser.calls(&url, &token).await[0], 0);
    let shown = ann.get("/limits").await.text;
    assert!(shown.contains(&other) && shown.contains("can read the token in it"));
    let wrong = ann.post("/limits/cors", &[("origins", "app.example.com")]).await;
    assert!(
        wrong.status == 422 && wrong.text.contains("app.example.com"),
        "what was typed is kept"
    );
    assert!(
        !upstream.requests().iter().any(|request| request.starts_with("OPTIONS")),
        "preflights end here"
    );
    browser.close().await;
}

#[tokio::test]
async fn without_a_configuration_no_other_origin_is_let_in_and_no_account_can_change_that() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    assert_eq!(ann.post("/limits/cors", &[("origins", "*")]).await.status, 404);
    assert!(!ann.get("/limits").await.text.contains("CORS"));
    let request = crate::support::client().build().expect("a client");
    let preflight = request
        .request(reqwest::Method::OPTIONS, format!("{}/a", ann.endpoint_url().await))
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET")
        .send()
        .await
        .expect("answers");
    assert_eq!(preflight.status(), 401);
    assert!(!preflight.headers().contains_key("access-control-allow-origin"));
}

/// A page's WebSocket can send no header: its token is a subprotocol.
#[tokio::test]
async fn a_page_opens_a_websocket_with_a_token() {
    let router = axum::Router::new().route(
        "/chat",
        axum::routing::get(async |upgrade: axum::extract::WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket| {
                let _ = socket.send(axum::extract::ws::Message::Text("hello".into())).await;
                while let Some(Ok(_)) = socket.recv().await {}
            })
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config =
        format!("upstream = \"{upstream}\"\n[token_locations]\nwebsocket_protocol = true\n");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.go(&page().await).await;
    let script = "const [url, token, done] = arguments;
        const socket = new WebSocket(url, ['keydesk', `keydesk.bearer.${token}`]);
        socket.onmessage = event => done([socket.protocol, event.data]);
        socket.onerror = () => done(['error', '']);";
    let url = format!("{}/chat", endpoint.replace("http:", "ws:"));
    let message = browser.driver.execute_async(script, vec![json!(url), json!(token)]).await;
    assert_eq!(*message.expect("the script runs").json(), json!(["keydesk", "hello"]));
    browser.close().await;
}
