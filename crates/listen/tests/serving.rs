//! Connections that give nothing and take nothing, over both protocols: each ends, and those that are used stay.

use axum::{Router, routing::get};
use keydesk_listen::{Bounds, serve};
use std::{future::pending, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const PING: u8 = 6;
/// `GET /large` with `:authority: a`, in literals.
const GET_LARGE: &[u8] = b"\x82\x86\x04\x06/large\x01\x01a";

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

async fn start(connections: usize, per_address: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/large", get(async || vec![b'x'; 64 * 1024 * 1024]));
    let short = Duration::from_millis(300);
    let bounds = Bounds {
        connections,
        connections_per_address: per_address,
        header_timeout: short,
        idle_timeout: short * 4,
        write_timeout: short,
        min_bytes_per_second: 1_000_000_000,
    };
    tokio::spawn(serve(listener, router, None, (bounds, |_| false), |_, _| {}, pending()));
    addr
}

async fn connect(addr: SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.expect("connects")
}

/// Says this again and again until the other side is gone.
async fn says_until_it_ends(addr: SocketAddr, first: &[u8], again: &[u8]) {
    let mut stream = connect(addr).await;
    stream.write_all(first).await.expect("writes");
    let ended = async {
        let mut read = [0; 4096];
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let wrote = stream.write_all(again).await;
            let came = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut read)).await;
            if wrote.is_err() || matches!(came, Ok(Ok(0) | Err(_))) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the connection is closed");
}

#[tokio::test]
async fn t37_a_slow_request_head_is_closed() {
    says_until_it_ends(start(100, 100).await, b"GET / HTTP/1.1\r\nHost: a\r\n", b"A: b\r\n").await;
}

#[tokio::test]
async fn t39_pings_alone_keep_no_connection_open() {
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    says_until_it_ends(start(100, 100).await, &hello, &frame(PING, 0, 0, &[0; 8])).await;
}

#[tokio::test]
async fn t37_a_silent_connection_is_closed() {
    let mut stream = connect(start(100, 100).await).await;
    let mut byte = [0; 1];
    let ended = stream.read(&mut byte);
    let ended = tokio::time::timeout(PATIENCE, ended).await.expect("the connection is closed");
    assert!(matches!(ended, Ok(0) | Err(_)));
}

/// The rest of an answer that nobody has taken does not come.
#[tokio::test]
async fn t37_a_client_that_reads_nothing_is_closed() {
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let ask = frame(1, 5, 1, GET_LARGE);
    let request = [PREFACE, &no_window, &ask].concat();
    for request in [&b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"[..], &request] {
        let mut stream = connect(start(100, 100).await).await;
        stream.write_all(request).await.expect("writes");
        tokio::time::sleep(Duration::from_secs(4)).await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        ended.expect("the connection is closed").ok();
        assert!(answer.len() < 64 * 1024 * 1024, "{}", answer.len());
    }
}

#[tokio::test]
async fn a_connection_that_is_used_stays() {
    let mut stream = connect(start(100, 100).await).await;
    for _ in 0..10 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("writes");
        let mut answer = [0; 4096];
        let count =
            tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("answers");
        let count = count.expect("is open");
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"), "{count}");
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

#[tokio::test]
async fn t38_one_address_holds_its_share_and_no_more() {
    let addr = start(100, 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(addr).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("writes");
        assert!(stream.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0));
        held.push(stream);
    }
    let ended = connect(addr).await.read(&mut [0; 1]).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "a fourth is closed");
}
