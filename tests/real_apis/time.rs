//! Slow models, silent streams, half-closed clients, and gateways that stop.

use super::InFront;
use crate::support::{eventually, raw::Behind};
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::{
    Message, client::IntoClientRequest, protocol::frame::coding::CloseCode,
};

/// Answers each request with its parts, and waits before each.
async fn slow_server(parts: &'static [(u64, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_slowly(stream, parts));
        }
    });
    url
}

async fn answer_slowly(mut stream: TcpStream, parts: &[(u64, &str)]) {
    let mut request = vec![0; 64 * 1024];
    while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
        for (millis, part) in parts {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
            let _ = stream.write_all(part.as_bytes()).await;
        }
    }
}

/// Times are of the upstream where it says so: a slow model beside an API that must be quick.
#[tokio::test]
async fn each_upstream_has_times_of_its_own() {
    let late = slow_server(&[(2_500, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]).await;
    let silent = slow_server(&[
        (0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"),
        (2_500, "2\r\nok\r\n0\r\n\r\n"),
    ])
    .await;
    let config = format!(
        "[limits]\nresponse_timeout_seconds = 1\nstream_idle_timeout_seconds = 1\n\
         [[upstreams]]\nprefix = \"/\"\nurls = [\"{late}\"]\n\
         [[upstreams]]\nprefix = \"/model\"\nurls = [\"{late}\"]\nresponse_timeout_seconds = 20\n\
         [[upstreams]]\nprefix = \"/short\"\nurls = [\"{silent}\"]\n\
         [[upstreams]]\nprefix = \"/events\"\nurls = [\"{silent}\"]\nstream_idle_timeout_seconds = 20\n"
    );
    let api = InFront::with(&config).await;
    assert_eq!(api.get("/quick").await.status(), 504);
    assert_eq!(api.get("/model").await.status(), 200);
    let cut = api.get("/short").await;
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err(), "silent for too long");
    assert_eq!(api.get("/events").await.text().await.expect("is whole"), "okok");
}

#[tokio::test]
async fn a_client_that_closes_its_sending_half_gets_its_response() {
    for (config, is_answered) in [("", true), ("[limits]\nhalf_close = false\n", false)] {
        let late = slow_server(&[(700, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]).await;
        let api = InFront::of(&late, config).await;
        let addr = api.keydesk.gateway.trim_start_matches("http://");
        for body in ["", "hello"] {
            let mut client = TcpStream::connect(addr).await.expect("connects");
            let request = format!(
                "POST {}/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
                api.prefix(),
                api.token,
                body.len()
            );
            client.write_all(request.as_bytes()).await.expect("writes");
            client.shutdown().await.expect("closes its half");
            let mut answer = String::new();
            let _ = client.read_to_string(&mut answer).await;
            assert_eq!(
                answer.starts_with("HTTP/1.1 200 OK"),
                is_answered,
                "{config}{body:?}: {answer}"
            );
        }
    }
}

/// A client that is gone altogether is noticed all the same, by its reset.
#[tokio::test]
async fn a_client_that_resets_its_connection_ends_its_request() {
    let late = slow_server(&[(60_000, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]).await;
    let api = InFront::of(&late, "[observe]\nstatus = \"127.0.0.1:0\"\n").await;
    let addr = api.keydesk.gateway.trim_start_matches("http://");
    let mut client = TcpStream::connect(addr).await.expect("connects");
    let request = format!(
        "GET {}/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        api.prefix(),
        api.token
    );
    client.write_all(request.as_bytes()).await.expect("writes");
    client.shutdown().await.expect("closes its half");
    let metric = async |text: &str| api.keydesk.status("/metrics").await.1.contains(text);
    eventually("it is in flight", async || metric("keydesk_requests_in_flight 1").await).await;
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("is set");
    drop(client);
    eventually("it is noticed", async || {
        metric("keydesk_failures_total{reason=\"client_closed_request\"} 1").await
    })
    .await;
    assert!(metric("keydesk_requests_in_flight 0").await);
}

#[tokio::test]
async fn a_websocket_is_told_that_the_gateway_goes_away() {
    let router = axum::Router::new().route(
        "/chat",
        axum::routing::get(async |upgrade: axum::extract::WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket| {
                while let Some(Ok(message)) = socket.recv().await {
                    let _ = socket.send(message).await;
                }
            })
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut api = InFront::of(&upstream, "").await;
    let url = format!("{}/chat", api.endpoint.replace("http://", "ws://"));
    let mut request = url.into_client_request().expect("a request");
    let value = format!("Bearer {}", api.token).parse().expect("a value");
    request.headers_mut().insert("authorization", value);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("switches");
    socket.send(Message::text("x".repeat(70_000))).await.expect("sends");
    assert_eq!(socket.next().await.expect("an answer").expect("arrives").len(), 70_000);
    let stopping = tokio::task::spawn_blocking(move || {
        api.keydesk.stop();
        api
    });
    let last = socket.next().await.expect("a close frame").expect("is well-formed");
    let Message::Close(Some(frame)) = last else { panic!("{last:?}") };
    assert_eq!(frame.code, CloseCode::Away);
    drop(stopping.await.expect("stops"));
}

#[tokio::test]
async fn a_gateway_that_is_to_stop_says_so_first_and_serves_on() {
    let config = "[limits]\nshutdown_delay_seconds = 3\n[observe]\nstatus = \"127.0.0.1:0\"\nhealth_check_path = \"/healthz\"\n";
    let behind = Behind::start(config).await;
    let addr = behind.keydesk.gateway.clone();
    let healthy = async || {
        let answer =
            reqwest::get(format!("{addr}/healthz")).await.expect("answers without a token");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    };
    drop(crate::support::client());
    assert_eq!(healthy().await, (200, "ok\n".to_owned()));
    assert_eq!(behind.keydesk.status("/readyz").await.0, 200);
    behind.keydesk.signal("TERM");
    eventually("it is not ready", async || behind.keydesk.status("/readyz").await.0 == 503).await;
    eventually("its port says so", async || healthy().await == (503, "unavailable\n".to_owned()))
        .await;
    let start = Instant::now();
    let mut served = 0;
    while start.elapsed() < Duration::from_secs(1) {
        assert!(
            behind
                .send("GET PATH/a HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 200")
        );
        served += 1;
    }
    assert!(served > 0);
    let mut keydesk = behind.keydesk;
    assert!(tokio::task::spawn_blocking(move || keydesk.ends()).await.expect("ends"));
}

#[tokio::test]
async fn a_health_path_needs_a_token_unless_it_is_configured() {
    let behind = Behind::start("").await;
    drop(crate::support::client());
    let answer =
        reqwest::get(format!("{}/healthz", behind.keydesk.gateway)).await.expect("answers");
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn a_request_id_of_the_client_is_kept_where_that_is_configured() {
    for (config, is_kept) in [("", false), ("keep_request_id = true\n", true)] {
        let behind = Behind::start(config).await;
        let answer =
            behind.send("GET PATH/a HTTP/1.1\r\nAUTH\r\nX-Request-Id: 7f0c1a52-0b1e\r\n\r\n").await;
        assert_eq!(answer.contains("x-request-id: 7f0c1a52-0b1e\r\n"), is_kept, "{answer}");
        let request = behind.upstream.take().join("");
        assert_eq!(request.contains("x-request-id: 7f0c1a52-0b1e\r\n"), is_kept, "{request}");
        let token = behind.token.clone();
        let answer = behind
            .send(&format!("GET PATH/a HTTP/1.1\r\nAUTH\r\nX-Request-Id: {token}\r\n\r\n"))
            .await;
        assert!(answer.contains("x-request-id: req_") && !answer.contains(&token), "{answer}");
    }
}

/// Also in the middle of a stream that says nothing.
#[tokio::test]
async fn a_client_that_resets_a_silent_stream_frees_the_upstream() {
    let silent = slow_server(&[
        (0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"),
        (60_000, "0\r\n\r\n"),
    ])
    .await;
    let api = InFront::of(&silent, "[observe]\nstatus = \"127.0.0.1:0\"\n").await;
    let addr = api.keydesk.gateway.trim_start_matches("http://");
    let mut client = TcpStream::connect(addr).await.expect("connects");
    let (prefix, token) = (api.prefix(), &api.token);
    let request =
        format!("GET {prefix}/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = vec![0; 4096];
    assert!(client.read(&mut answer).await.expect("reads") > 0);
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("is set");
    drop(client);
    eventually("it is noticed", async || {
        let metrics = api.keydesk.status("/metrics").await.1;
        metrics.contains("keydesk_failures_total{reason=\"client_closed_request\"} 1")
            && metrics.contains("keydesk_requests_in_flight 0")
    })
    .await;
}
