//! Other places for a token: off by default, never in the URL, never passed on.

use super::InFront;
use crate::support::raw::Behind;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};

const ALL: &str = "[token_locations]\nx_api_key = true\nbasic = true\nwebsocket_protocol = true\n";

#[tokio::test]
async fn a_token_in_x_api_key_or_basic_is_taken_where_that_is_configured() {
    let (strict, open) = (Behind::start("").await, Behind::start(ALL).await);
    let basic = |token: &str, password: &str| {
        format!("Authorization: Basic {}\r\n", BASE64.encode(format!("{token}:{password}")))
    };
    for behind in [&strict, &open] {
        let is_open = std::ptr::eq(behind, &raw const open);
        let token = &behind.token;
        for field in [
            format!("X-Api-Key: {token}\r\n"),
            format!("x-api-key:  {token} \r\n"),
            basic(token, ""),
            basic(token, "x-oauth-basic"),
        ] {
            let request =
                format!("GET PATH/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{field}\r\n");
            let answer = behind.send(&request).await;
            assert_eq!(answer.starts_with("HTTP/1.1 200 "), is_open, "{field}{answer}");
            assert_eq!(answer.starts_with("HTTP/1.1 401 "), !is_open, "{field}{answer}");
            for request in behind.upstream.take() {
                assert!(
                    !request.contains(token) && !request.to_lowercase().contains("api-key"),
                    "{request}"
                );
            }
        }
    }
    for (fields, status, code) in [
        (
            format!("X-Api-Key: {0}\r\nX-Api-Key: {0}\r\n", open.token),
            400,
            "duplicate_authorization",
        ),
        (
            format!("X-Api-Key: {0}\r\nAuthorization: Bearer {0}\r\n", open.token),
            400,
            "duplicate_authorization",
        ),
        ("X-Api-Key: kd_u_x\r\n".to_owned(), 401, "malformed_token"),
        ("X-Api-Key:\r\n".to_owned(), 400, "empty_token"),
        (basic("alice", "secret"), 401, "malformed_token"),
        ("Authorization: Basic ????\r\n".to_owned(), 401, "unsupported_auth_scheme"),
    ] {
        let answer = open.send(&format!("GET PATH/a HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(code),
            "{fields}{answer}"
        );
    }
    // The query stays refused, and an upstream's own X-Api-Key passes where the place is not ours.
    let answer = open
        .send(&format!("GET PATH/a?access_token={} HTTP/1.1\r\nHost: a\r\n\r\n", open.token))
        .await;
    assert!(answer.contains("token_in_query"), "{answer}");
    strict.send("GET PATH/a HTTP/1.1\r\nAUTH\r\nX-Api-Key: theirs\r\n\r\n").await;
    assert!(strict.upstream.take().join("").contains("X-Api-Key: theirs\r\n"));
}

/// An upstream that takes `chat`, if it is offered, and tells what was offered.
async fn chat() -> String {
    let router = axum::Router::new().route(
        "/chat",
        axum::routing::get(
            async |headers: axum::http::HeaderMap, upgrade: axum::extract::WebSocketUpgrade| {
                let offered = headers.get_all("sec-websocket-protocol").iter();
                let offered = offered
                    .map(|line| line.to_str().expect("ASCII").to_owned())
                    .collect::<Vec<_>>()
                    .join(" | ");
                upgrade.protocols(["chat"]).on_upgrade(async move |mut socket| {
                    let _ = socket.send(axum::extract::ws::Message::Text(offered.into())).await;
                    while let Some(Ok(_)) = socket.recv().await {}
                })
            },
        ),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_websocket_brings_its_token_as_a_subprotocol_that_nobody_else_sees() {
    let upstream = chat().await;
    let api = InFront::of(&upstream, ALL).await;
    let connect = async |protocols: String| {
        let url = format!("{}/chat", api.endpoint.replace("http://", "ws://"));
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().expect("a value"));
        tokio_tungstenite::connect_async(request).await
    };
    let token = &api.token;
    for (protocols, taken, offered) in [
        (format!("chat, keydesk.bearer.{token}"), "chat", "chat"),
        (format!("keydesk.bearer.{token}, v2.chat, chat"), "chat", "v2.chat, chat"),
        (format!("keydesk, keydesk.bearer.{token}"), "keydesk", ""),
    ] {
        let (mut socket, response) = connect(protocols.clone()).await.expect(&protocols);
        assert_eq!(response.headers()["sec-websocket-protocol"], taken);
        let message = socket.next().await.expect("a message").expect("arrives");
        assert_eq!(message, Message::text(offered), "{protocols}");
        socket.send(Message::Close(None)).await.expect("closes");
    }
    let refused = connect("chat, keydesk.bearer.kd_u_x".to_owned()).await.expect_err("is no token");
    assert!(matches!(refused, Error::Http(response) if response.status() == 401));
    // Only a WebSocket may: other clients can set a header.
    let request = api.keydesk.gateway.clone() + api.prefix() + "/chat";
    let client = crate::support::client().build().expect("a client").get(request);
    let answer =
        client.header("sec-websocket-protocol", format!("keydesk.bearer.{token}")).send().await;
    assert_eq!(answer.expect("answers").status(), 401);
    assert!(!api.keydesk.printed().contains(token.as_str()), "the log does not hold it");
}

/// Whatever is no WebSocket, or spelled otherwise, carries no token to the upstream either.
#[tokio::test]
async fn a_token_in_a_place_of_ours_is_passed_on_in_no_spelling() {
    let behind = Behind::start(ALL).await;
    let token = behind.token.clone();
    for field in [
        format!("Sec-WebSocket-Protocol: keydesk, keydesk.bearer.{token}"),
        format!("Sec-WebSocket-Protocol: Keydesk.Bearer.{token}"),
        format!("Sec_WebSocket_Protocol: keydesk.bearer.{token}"),
        format!("X_Api_Key: {token}"),
    ] {
        let request = format!("GET PATH/a HTTP/1.1\r\nAUTH\r\n{field}\r\n\r\n");
        assert!(behind.send(&request).await.starts_with("HTTP/1.1 200 "), "{field}");
        let got = behind.upstream.take().join("");
        assert!(!got.contains(&token) && got.starts_with("GET /a "), "{field}: {got}");
    }
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    let request = format!(
        "GET PATH/a HTTP/1.1\r\nHost: a\r\n{upgrade}\r\nSec-WebSocket-Protocol: keydesk.bearer.{token}, keydesk.bearer.other\r\n\r\n"
    );
    let answer = behind.send(&request).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("duplicate_authorization"),
        "{answer}"
    );
}
