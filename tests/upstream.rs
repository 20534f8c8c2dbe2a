//! What the upstream really gets, and what comes back: recorded by an upstream of the test's own.

use crate::support::{Keydesk, Options, User, call};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State, WebSocketUpgrade, ws::Message},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(String, String, HeaderMap)>>>);

impl Recorder {
    fn last(&self) -> (String, String, HeaderMap) {
        self.0.lock().expect("not poisoned").last().cloned().expect("a request arrived")
    }

    fn count(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }
}

async fn record(State(recorder): State<Recorder>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let line = (parts.method.to_string(), parts.uri.to_string(), parts.headers);
    // The console asks for the API's document; callers do not.
    if parts.uri.path() != "/openapi.json" {
        recorder.0.lock().expect("not poisoned").push(line);
    }
    match parts.uri.path() {
        "/echo" => body.into_response(),
        "/first-bytes" => {
            // Answers with the first part of the body before the rest has come.
            let first = body.into_data_stream().next().await.expect("a part").expect("arrives");
            Body::from(first).into_response()
        }
        "/hop" => {
            ([("connection", "x-hop"), ("x-hop", "1"), ("x-kept", "1")], "hop").into_response()
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            "late".into_response()
        }
        _ => "ok".into_response(),
    }
}

async fn chat(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket| {
        while let Some(Ok(Message::Text(text))) = socket.recv().await {
            if socket.send(Message::Text(format!("echo {text}").into())).await.is_err() {
                return;
            }
        }
    })
}

/// A Keydesk in front of a recording upstream, Ann's endpoint URL and her token.
async fn in_front_of_recorder(config: &str) -> (Keydesk, Recorder, String, String) {
    let recorder = Recorder::default();
    let router =
        Router::new().route("/chat", get(chat)).fallback(any(record)).with_state(recorder.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (keydesk, _, endpoint, token) = in_front_of(&upstream, config).await;
    (keydesk, recorder, endpoint, token)
}

async fn in_front_of(upstream: &str, config: &str) -> (Keydesk, User, String, String) {
    let options =
        Options { config: format!("upstream = \"{upstream}\"\n{config}"), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    (keydesk, ann, endpoint, token)
}

#[tokio::test]
async fn the_upstream_gets_method_path_and_query_and_who_calls_and_no_token() {
    let (_keydesk, recorder, endpoint, token) = in_front_of_recorder("").await;
    let client = crate::support::client().build().expect("a client");
    let request = client
        .patch(format!("{endpoint}/a%20b/c?x=1&y=%2F"))
        .bearer_auth(&token)
        .header("keydesk-account", "999999")
        .header("KEYDESK_SCOPES", "admin:*")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-http-method-override", "DELETE")
        .header("x-trace", "kept")
        .header("connection", "close, keydesk-token");
    assert_eq!(request.send().await.expect("answers").status(), 200);
    let (method, uri, headers) = recorder.last();
    assert_eq!((method.as_str(), uri.as_str()), ("PATCH", "/a%20b/c?x=1&y=%2F"));
    let all = |name: &str| {
        headers
            .get_all(name)
            .iter()
            .map(|v| v.to_str().expect("ASCII").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(all("keydesk-account"), [endpoint.rsplit('/').next().expect("a number")]);
    assert_eq!(all("keydesk-scopes"), ["*"]);
    assert!(
        all("keydesk-token")[0].starts_with("tok_")
            && all("keydesk-subject")[0].starts_with("mem_")
    );
    assert_eq!(
        (all("x-forwarded-for"), all("x-forwarded-proto")),
        (vec!["127.0.0.1".to_owned()], vec!["http".to_owned()])
    );
    assert_eq!(all("forwarded"), ["for=127.0.0.1;proto=http"]);
    assert_eq!(all("x-trace"), ["kept"]);
    for gone in ["authorization", "keydesk_scopes", "x-http-method-override", "connection"] {
        assert!(all(gone).is_empty(), "{gone}");
    }
    assert!(!format!("{headers:?}").contains(&token));
    assert!(all("x-request-id")[0].starts_with("req_"));
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_upstream() {
    let (_keydesk, recorder, endpoint, token) = in_front_of_recorder("").await;
    for (url, authorization) in [
        (format!("{endpoint}/a"), None),
        (format!("{endpoint}/a"), Some(format!("Bearer Bearer {token}"))),
        (format!("{endpoint}/a?access_token={token}"), Some(format!("Bearer {token}"))),
        (format!("{endpoint}/a%2fb"), Some(format!("Bearer {token}"))),
        (format!("{endpoint}1/a"), Some(format!("Bearer {token}"))),
    ] {
        assert!(call(&url, authorization.as_deref()).await.status().is_client_error(), "{url}");
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn bodies_stream_both_ways_and_are_never_held_whole() {
    let (_keydesk, _, endpoint, token) = in_front_of_recorder("").await;
    let large = vec![7_u8; 20 * 1024 * 1024];
    let client = crate::support::client().build().expect("a client");
    let echo =
        client.post(format!("{endpoint}/echo")).bearer_auth(&token).body(large.clone()).send();
    assert_eq!(echo.await.expect("answers").bytes().await.expect("arrives"), large);
}

#[tokio::test]
async fn hop_by_hop_headers_of_the_answer_stay_behind() {
    let (_keydesk, _, endpoint, token) = in_front_of_recorder("").await;
    let response = call(&format!("{endpoint}/hop"), Some(&format!("Bearer {token}"))).await;
    assert!(response.headers().contains_key("x-kept") && !response.headers().contains_key("x-hop"));
}

#[tokio::test]
async fn a_websocket_passes_and_ends_with_its_token() {
    let (keydesk, ann, endpoint, token) = {
        let router = Router::new().route("/chat", get(chat));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let upstream = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        in_front_of(&upstream, "").await
    };
    let url = format!("{}/chat", endpoint.replace("http://", "ws://"));
    let mut request = url.as_str().into_client_request().expect("a request");
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {token}").parse().expect("a value"));
    let (mut socket, response) = tokio_tungstenite::connect_async(request).await.expect("switches");
    assert_eq!(response.status(), 101);
    socket.send(tungstenite::Message::text("hello")).await.expect("sends");
    let answer = socket.next().await.expect("an answer").expect("arrives");
    assert_eq!(answer.into_text().expect("text").as_str(), "echo hello");
    let refused = tokio_tungstenite::connect_async(url).await.expect_err("no token");
    assert!(matches!(refused, tungstenite::Error::Http(response) if response.status() == 401));
    ann.post("/api-docs/rotate", &[]).await;
    let ended =
        tokio::time::timeout(Duration::from_secs(5), socket.next()).await.expect("within a moment");
    let Some(Ok(tungstenite::Message::Close(Some(frame)))) = ended else {
        panic!("a tunnel does not outlive its token")
    };
    assert_eq!(u16::from(frame.code), 1008);
    drop(keydesk);
}

#[tokio::test]
async fn an_upstream_that_is_away_is_502_and_one_that_sleeps_504_and_never_401() {
    let nowhere = format!("http://127.0.0.1:{}", crate::support::free_port());
    let (_keydesk, _, endpoint, token) = in_front_of(&nowhere, "").await;
    let response = call(&format!("{endpoint}/a"), Some(&format!("Bearer {token}"))).await;
    assert_eq!(response.status(), 502);
    assert!(response.text().await.expect("a body").contains("Your token is valid"));
    let (_keydesk, _, endpoint, token) =
        in_front_of_recorder("[limits]\nresponse_timeout_seconds = 1\n").await;
    let response = call(&format!("{endpoint}/slow"), Some(&format!("Bearer {token}"))).await;
    assert_eq!(response.status(), 504);
    assert!(!response.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn bodies_over_the_limit_are_413_announced_or_not() {
    let (_keydesk, recorder, endpoint, token) =
        in_front_of_recorder("[limits]\nmax_body_bytes = 1000\n").await;
    let client = crate::support::client().build().expect("a client");
    let post = |body: reqwest::Body| {
        client.post(format!("{endpoint}/echo")).bearer_auth(&token).body(body).send()
    };
    assert_eq!(post(vec![0; 1000].into()).await.expect("answers").status(), 200);
    assert_eq!(recorder.count(), 1);
    assert_eq!(post(vec![0; 1001].into()).await.expect("answers").status(), 413);
    assert_eq!(recorder.count(), 1, "an announced body is not even begun");
    let parts = futures_util::stream::iter(
        (0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 500]))),
    );
    assert_eq!(post(reqwest::Body::wrap_stream(parts)).await.expect("answers").status(), 413);
}

/// Everything that a raw connection to the gateway answers until it closes or falls silent.
async fn converse(gateway: &str, parts: &[&[u8]]) -> String {
    let mut stream =
        TcpStream::connect(gateway.trim_start_matches("http://")).await.expect("connects");
    for part in parts {
        stream.write_all(part).await.expect("sends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_millis(500), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_expectation_is_answered_with_100_continue_only_for_a_good_token() {
    let (keydesk, _, endpoint, token) = in_front_of_recorder("").await;
    let path = endpoint.trim_start_matches(&keydesk.gateway).to_owned();
    let head = |token: &str| {
        format!(
            "POST {path}/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
    };
    let good = converse(&keydesk.gateway, &[head(&token).as_bytes(), b"hello"]).await;
    assert!(
        good.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK") && good.ends_with("hello"),
        "{good}"
    );
    let bad = converse(&keydesk.gateway, &[head("kd_u_x").as_bytes()]).await;
    assert!(bad.starts_with("HTTP/1.1 401"), "{bad}");
}

#[tokio::test]
async fn the_answer_may_come_before_the_request_is_all_there() {
    let (keydesk, _, endpoint, token) = in_front_of_recorder("").await;
    let path = endpoint.trim_start_matches(&keydesk.gateway).to_owned();
    let head = format!(
        "POST {path}/first-bytes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\nfirst"
    );
    let answer = converse(&keydesk.gateway, &[head.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("first"), "{answer}");
}

#[tokio::test]
async fn http_2_is_served_with_the_same_answers() {
    let (keydesk, recorder, endpoint, token) = in_front_of_recorder("").await;
    let stream =
        TcpStream::connect(keydesk.gateway.trim_start_matches("http://")).await.expect("connects");
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.expect("speaks HTTP/2");
    tokio::spawn(connection);
    for (authorization, status) in [(Some(format!("Bearer {token}")), 200), (None, 401)] {
        let mut request = axum::http::Request::post(format!("{endpoint}/echo"));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let body = http_body_util::Full::new(Bytes::from_static(b"over h2"));
        let response =
            sender.send_request(request.body(body).expect("a request")).await.expect("answers");
        assert_eq!(response.status(), status);
        let body = response.into_body().collect().await.expect("arrives").to_bytes();
        assert_eq!(body == "over h2", status == 200);
    }
    let (_, uri, headers) = recorder.last();
    assert_eq!(uri, "/echo");
    assert_eq!(headers["x-forwarded-host"], keydesk.gateway.trim_start_matches("http://"));
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_the_client_s_address_and_others_are_not() {
    let (_keydesk, recorder, endpoint, token) =
        in_front_of_recorder("trusted_proxies = [\"127.0.0.1\"]\n").await;
    let client = crate::support::client().build().expect("a client");
    let request = client
        .get(format!("{endpoint}/a"))
        .bearer_auth(&token)
        .header("x-forwarded-for", "6.6.6.6, 203.0.113.7");
    request.send().await.expect("answers");
    assert_eq!(recorder.last().2["x-forwarded-for"], "203.0.113.7");
}

#[tokio::test]
async fn requests_in_flight_finish_when_keydesk_stops() {
    let router = Router::new().fallback(any(async || {
        tokio::time::sleep(Duration::from_millis(600)).await;
        "finished"
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (mut keydesk, _, endpoint, token) = in_front_of(&upstream, "").await;
    let in_flight = tokio::spawn(async move {
        call(&format!("{endpoint}/a"), Some(&format!("Bearer {token}")))
            .await
            .text()
            .await
            .expect("arrives")
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::task::spawn_blocking(move || keydesk.stop()).await.expect("stops");
    assert_eq!(in_flight.await.expect("ends"), "finished");
}
