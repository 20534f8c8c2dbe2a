//! Connections to the upstream that must not be used again, and clients of HTTP/2 and of tunnels
//! that do not let go.

use crate::support::raw::{self, Behind, outcome};
use crate::support::{Keydesk, Options, User};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An upstream that answers the head of each connection at once and reads on only later: the bytes
/// of each connection.
async fn that_answers_early() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_early(stream, Arc::clone(&shared)));
        }
    });
    (url, seen)
}

async fn answer_early(mut stream: TcpStream, seen: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut bytes = vec![0; 1024];
    let count = stream.read(&mut bytes).await.unwrap_or(0);
    bytes.truncate(count);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n").await;
    // Slower than the time limit for a write, then the end of a sound answer.
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let _ = stream.write_all(b"ab").await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut bytes)).await;
    seen.lock().expect("not poisoned").push(bytes);
}

async fn in_front_of(upstream: &str, config: &str) -> (Keydesk, User, String, String) {
    let config = format!("upstream = \"{upstream}\"\n{config}");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let path = ann.endpoint_url().await.trim_start_matches(&keydesk.gateway).to_owned();
    let token = ann.bearer_token().await;
    (keydesk, ann, path, token)
}

#[tokio::test]
async fn t22_a_connection_with_half_a_body_on_it_is_not_used_again() {
    let (url, seen) = that_answers_early().await;
    let (keydesk, _ann, path, token) =
        in_front_of(&url, "[limits]\nresponse_timeout_seconds = 1\n").await;
    let addr = keydesk.gateway.trim_start_matches("http://").to_owned();
    let auth = format!("Host: a\r\nAuthorization: Bearer {token}\r\n");
    let mut attacker = TcpStream::connect(&addr).await.expect("connects");
    let length = 16 << 20;
    let head = format!("POST {path}/x HTTP/1.1\r\n{auth}Content-Length: {length}\r\n\r\n");
    let sending = async {
        let (mut read, mut write) = attacker.split();
        let send = async {
            write.write_all(head.as_bytes()).await?;
            write.write_all(&vec![b'x'; length]).await
        };
        let mut answer = vec![0; 4096];
        let receive = async { while read.read(&mut answer).await.is_ok_and(|count| count > 0) {} };
        let _ = tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(send, receive) })
            .await;
    };
    sending.await;
    let mut victim = TcpStream::connect(&addr).await.expect("connects");
    let request = format!("GET {path}/victim HTTP/1.1\r\n{auth}\r\n");
    victim.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = vec![0; 4096];
    let _ = tokio::time::timeout(Duration::from_secs(8), victim.read(&mut answer)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seen = seen.lock().expect("not poisoned");
    let mixed = seen.iter().any(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.starts_with("POST ") && text.contains("GET /victim")
    });
    assert!(!mixed, "a request was sent behind half a body");
}

#[tokio::test]
async fn t26_an_upgrade_with_a_body_is_no_upgrade() {
    let behind = Behind::start("").await;
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    for (framing, rest) in
        [("Transfer-Encoding: chunked", "0\r\n\r\n"), ("Content-Length: 3", "abc")]
    {
        let request = format!("GET PATH/x HTTP/1.1\r\nAUTH\r\n{upgrade}{framing}\r\n\r\n{rest}");
        assert_eq!(outcome(&behind.send(&request).await), (200, 1));
        let got = behind.upstream.take().remove(0);
        assert!(!got.contains("pgrade"), "{got}");
    }
    // An upstream that switches all the same is not believed, and not spoken to again.
    for length in ["", "content-length: 0\r\n"] {
        let answer =
            format!("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n{length}\r\n");
        behind.upstream.answers(answer.as_bytes());
        let request = format!(
            "GET PATH/x HTTP/1.1\r\nAUTH\r\n{upgrade}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        );
        assert_eq!(outcome(&behind.send(&request).await), (502, 1), "{length}");
    }
}

#[tokio::test]
async fn a_tunnel_does_not_outlive_its_other_half_for_long() {
    let behind = Behind::start("[limits]\nheader_timeout_seconds = 1\n").await;
    // Switches, says a word and leaves.
    behind.upstream.answers(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nbye",
    );
    let addr = behind.keydesk.gateway.trim_start_matches("http://");
    let mut stream = TcpStream::connect(addr).await.expect("connects");
    let request = behind
        .fill("GET PATH/x HTTP/1.1\r\nAUTH\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut got = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut got)).await;
    let got = String::from_utf8_lossy(&got);
    assert!(got.starts_with("HTTP/1.1 101") && got.ends_with("bye"), "{got}");
    // It is not listened to for ever.
    let mut is_gone = false;
    for _ in 0..600 {
        is_gone = is_gone || stream.write_all(b"x").await.is_err();
        if is_gone {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_gone);
}

#[tokio::test]
async fn an_expectation_of_http_1_0_and_an_empty_line_too_many_are_passed_over() {
    let behind =
        Behind::start("[limits]\nheader_timeout_seconds = 1\nidle_timeout_seconds = 1\n").await;
    let old = "POST PATH/x HTTP/1.0\r\nAUTH\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nab";
    let answer = behind.send(old).await;
    assert!(!answer.contains("100 Continue"), "{answer}");
    let addr = behind.keydesk.gateway.trim_start_matches("http://");
    let mut stream = TcpStream::connect(addr).await.expect("connects");
    let request = behind.fill("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut got = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut got)).await;
    assert_eq!(
        outcome(&String::from_utf8_lossy(&got)),
        (200, 1),
        "no answer that nobody asked for"
    );
}

#[tokio::test]
async fn t37_an_http_2_client_that_takes_nothing_is_let_go() {
    let behind = Behind::start("[limits]\nidle_timeout_seconds = 2\n").await;
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n{}", "x".repeat(300_000));
    behind.upstream.answers(large.as_bytes());
    let addr = behind.keydesk.gateway.trim_start_matches("http://");
    let mut stream = TcpStream::connect(addr).await.expect("connects");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // A window of one byte.
    bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1]);
    let mut block = Vec::new();
    let (path, auth) = (format!("{}/x", behind.path), format!("Bearer {}", behind.token));
    for (name, value) in [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", &path),
        ("authorization", &auth),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("short"));
            block.extend(text.as_bytes());
        }
    }
    bytes.extend([0, 0, u8::try_from(block.len()).expect("short"), 1, 5, 0, 0, 0, 1]);
    bytes.extend(block);
    stream.write_all(&bytes).await.expect("sends");
    let mut got = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut got)).await;
    assert!(ended.is_ok(), "the connection is closed by the gateway");
}

/// An API that breaks the rules: a body where there is none, and late.
async fn that_sends_bodies_late(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(send_bodies_late(stream, head));
        }
    });
    url
}

async fn send_bodies_late(mut stream: TcpStream, head: &'static str) {
    const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain";
    const LATE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let mut request = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut request).await {
        if String::from_utf8_lossy(&request[..count]).contains("/plain") {
            let _ = stream.write_all(PLAIN).await;
            continue;
        }
        let _ = stream.write_all(head.as_bytes()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let _ = stream.write_all(LATE).await;
    }
}

#[tokio::test]
async fn t27_late_bytes_after_an_answer_without_a_body_reach_nobody() {
    for (method, head) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\ncontent-length: 42\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 42\r\n\r\n"),
    ] {
        let url = that_sends_bodies_late(head).await;
        let config = format!("upstream = \"{url}\"\n");
        let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
        let ann = keydesk.with_account().await;
        let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
        let path = endpoint.trim_start_matches(&keydesk.gateway).to_owned();
        let ask = async |method: &str, below: &str| {
            let request = format!(
                "{method} {path}{below} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            raw::converse_until_closed(
                keydesk.gateway.trim_start_matches("http://"),
                request.as_bytes(),
            )
            .await
        };
        for pause in [0, 5, 15, 25, 40] {
            ask(method, "/odd").await;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let answer = ask("GET", "/plain").await;
            assert!(answer.ends_with("plain"), "{method} {head:?}: {answer}");
        }
    }
}
