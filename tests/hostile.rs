//! Raw bytes that well-behaved clients do not send. The full catalogue of the gateway's framing
//! cases is larger; these are the ones that the library underneath lets through.

use crate::support::Keydesk;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn send(address: &str, bytes: &[u8]) -> String {
    let mut stream =
        TcpStream::connect(address.trim_start_matches("http://")).await.expect("connects");
    stream.write_all(bytes).await.expect("sends");
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_millis(400), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn w1_w12_t05_what_cannot_be_read_in_one_way_is_refused() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let path = format!("{}/api/v1/contacts", endpoint.trim_start_matches(&keydesk.gateway));
    let auth = format!("Authorization: Bearer {token}\r\n");
    let long = "a".repeat(20_000);
    for (request, status) in [
        (format!("GET {path} HTTP/1.1\r\n{auth}\r\n"), "400"),
        (format!("GET {path} HTTP/1.1\r\nHost: a\r\nHost: a\r\n{auth}\r\n"), "400"),
        (format!("GET http://b{path} HTTP/1.1\r\nHost: a\r\n{auth}\r\n"), "400"),
        (format!("GET {path} HTTP/1.1\r\nHost: a\r\n{auth}{auth}\r\n"), "400"),
        (format!("TRACE {path} HTTP/1.1\r\nHost: a\r\n{auth}\r\n"), "405"),
        (format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{auth}\r\n"), "405"),
        (format!("GET {path} HTTP/1.1\r\nHost: a\r\nX: {long}\r\n{auth}\r\n"), "431"),
        (
            format!(
                "GET {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n{auth}\r\n"
            ),
            "400",
        ),
        (format!("GET {path} HTTP/1.1\r\nHost : a\r\n{auth}\r\n"), "400"),
        (format!("GET {path} HTTP/1.1\r\nHost: a\r\n{auth}\r\n"), "200"),
    ] {
        let answer = send(&keydesk.gateway, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
    }
}

#[tokio::test]
async fn t27_a_refused_body_is_not_read_as_the_next_request() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let path = ann.endpoint_url().await.trim_start_matches(&keydesk.gateway).to_owned();
    let inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    );
    let answer = send(&keydesk.gateway, request.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn w18_a_head_that_drips_is_cut_off() {
    let config = "[limits]\nheader_timeout_seconds = 1\n".to_owned();
    let mut keydesk =
        Keydesk::start_with(&crate::support::Options { config, ..Default::default() });
    keydesk.with_account().await;
    let mut stream =
        TcpStream::connect(keydesk.gateway.trim_start_matches("http://")).await.expect("connects");
    stream.write_all(b"GET /385403 HTTP/1.1\r\nHost: a\r\nX-Drip: ").await.expect("sends");
    let mut answer = Vec::new();
    let closed =
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "the connection is closed by the gateway");
}
