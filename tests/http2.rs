//! W16, W17 and T39: frames of HTTP/2 that no library would send.

use crate::support::raw::Behind;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Literals without a table and without Huffman (RFC 7541 section 6.2.2).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            match u8::try_from(text.len()).expect("short") {
                length if length < 127 => block.push(length),
                length => block.extend([127, length - 127]),
            }
            block.extend(text.as_bytes());
        }
    }
    block
}

struct Frames {
    stream: TcpStream,
}

impl Frames {
    async fn open(behind: &Behind) -> Self {
        let addr = behind.keydesk.gateway.trim_start_matches("http://");
        let mut stream = TcpStream::connect(addr).await.expect("connects");
        stream.write_all(PREFACE).await.expect("sends");
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.expect("sends");
        Self { stream }
    }

    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Kinds, streams and payloads of what comes, until it closes or falls silent.
    async fn read(&mut self) -> Vec<(u8, u32, Vec<u8>)> {
        let mut bytes = Vec::new();
        let mut more = vec![0; 64 * 1024];
        let silence = Duration::from_millis(400);
        while let Ok(Ok(count)) = tokio::time::timeout(silence, self.stream.read(&mut more)).await {
            if count == 0 {
                break;
            }
            bytes.extend_from_slice(&more[..count]);
        }
        let (mut frames, mut at) = (Vec::new(), 0);
        while let Some(head) = bytes.get(at..at + 9) {
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let payload = bytes.get(at + 9..at + 9 + length).unwrap_or_default().to_vec();
            frames.push((head[3], stream, payload));
            at += 9 + length;
        }
        frames
    }
}

fn request<'a>(behind: &'a Behind, path: &'a str, auth: &'a str) -> Vec<(&'a str, &'a str)> {
    let _ = behind;
    vec![
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", path),
        ("authorization", auth),
    ]
}

/// Whether stream 1 was answered with 200, by the one-byte form of that status.
fn is_200(frames: &[(u8, u32, Vec<u8>)]) -> bool {
    frames.iter().any(|(kind, stream, payload)| {
        *kind == HEADERS && *stream == 1 && payload.first() == Some(&0x88)
    })
}

#[tokio::test]
async fn w16_what_belongs_to_a_connection_is_malformed_and_lengths_must_be_true() {
    let behind = Behind::start("").await;
    let (path, auth) = (format!("{}/x", behind.path), format!("Bearer {}", behind.token));
    let plain = request(&behind, &path, &auth);
    let mut frames = Frames::open(&behind).await;
    frames.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(&plain))).await;
    assert!(is_200(&frames.read().await));
    assert_eq!(behind.upstream.take().len(), 1);
    for extra in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "5"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("X-Upper", "1"),
        ("x-split", "a\r\nkeydesk-account: 1"),
        ("x-null", "a\0b"),
        (":method", "POST"),
        ("content-length", "5"),
    ] {
        let mut with = plain.clone();
        with.push(extra);
        let mut frames = Frames::open(&behind).await;
        frames.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(&with))).await;
        let got = frames.read().await;
        assert!(!is_200(&got), "{extra:?}: {got:?}");
        assert!(behind.upstream.take().is_empty(), "{extra:?}");
    }
    // A body longer or shorter than was said.
    for (said, body) in [("3", "hello"), ("9", "hello")] {
        let mut with = plain.clone();
        with[0] = (":method", "POST");
        with.push(("content-length", said));
        let mut frames = Frames::open(&behind).await;
        frames.send(&frame(HEADERS, END_HEADERS, 1, &fields(&with))).await;
        frames.send(&frame(DATA, END_STREAM, 1, body.as_bytes())).await;
        assert!(!is_200(&frames.read().await), "{said}");
        let got = behind.upstream.take();
        assert!(got.iter().all(|request| !request.ends_with(body)), "{got:?}");
    }
}

#[tokio::test]
async fn t05_t28_t33_the_same_eyes_look_at_http_2() {
    let behind = Behind::start("").await;
    let (path, auth) = (format!("{}/x", behind.path), format!("Bearer {}", behind.token));
    let plain = request(&behind, &path, &auth);
    for (extra, index) in [
        (("authorization", auth.as_str()), None),
        (("host", "evil"), None),
        ((":path", "/385403/a/../b"), Some(3)),
        ((":path", "*"), Some(3)),
        ((":authority", "a@b"), Some(2)),
    ] {
        let mut with = plain.clone();
        match index {
            Some(at) => with[at] = extra,
            None => with.push(extra),
        }
        let mut frames = Frames::open(&behind).await;
        frames.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(&with))).await;
        assert!(!is_200(&frames.read().await), "{extra:?}");
        assert!(behind.upstream.take().is_empty(), "{extra:?}");
    }
    let mut with = plain.clone();
    with.extend([
        ("keydesk_account", "1"),
        ("x-forwarded-for", "6.6.6.6"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("te", "trailers"),
    ]);
    let mut frames = Frames::open(&behind).await;
    frames.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(&with))).await;
    assert!(is_200(&frames.read().await));
    let got = behind.upstream.take().remove(0);
    assert!(
        !got.contains("6.6.6.6") && !got.contains("keydesk_account") && !got.contains("te:"),
        "{got}"
    );
    assert!(got.contains("\r\ncookie: a=1; b=2\r\n"), "{got}");
}

/// Sends `flood` until the connection is closed or it is all out; others are served meanwhile.
async fn withstands(name: &str, flood: impl Fn(u32) -> Vec<u8>, must_end: bool) {
    let behind = Behind::start("").await;
    let mut frames = Frames::open(&behind).await;
    let mut is_open = true;
    for number in 0..20_000 {
        if !frames.send(&flood(number)).await {
            is_open = false;
            break;
        }
    }
    let other = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert!(other.starts_with("HTTP/1.1 200"), "{name}: {other}");
    if must_end && is_open {
        let got = frames.read().await;
        let ended = got.iter().any(|(kind, ..)| *kind == GOAWAY);
        assert!(
            ended || !frames.send(&frame(PING, 0, 0, &[0; 8])).await,
            "{name}: {} frames",
            got.len()
        );
    }
}

#[tokio::test]
async fn w17_t39_rapid_reset_ends_the_connection() {
    let block =
        fields(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x")]);
    let flood = |number: u32| {
        let stream = number * 2 + 1;
        let mut both = frame(HEADERS, END_STREAM | END_HEADERS, stream, &block);
        both.extend(frame(RESET, 0, stream, &[0, 0, 0, 8]));
        both
    };
    withstands("rapid reset", flood, true).await;
}

#[tokio::test]
async fn w17_t39_endless_continuations_end_the_connection() {
    let flood = |number: u32| match number {
        0 => frame(HEADERS, 0, 1, &fields(&[(":method", "GET")])),
        _ => frame(CONTINUATION, 0, 1, &fields(&[("x", "y")])),
    };
    withstands("continuations", flood, true).await;
}

#[tokio::test]
async fn w17_t39_pings_and_settings_keep_nobody_else_from_being_served() {
    withstands("pings", |_| frame(PING, 0, 0, &[0; 8]), false).await;
    withstands("settings", |_| frame(SETTINGS, 0, 0, &[]), false).await;
}

#[tokio::test]
async fn t39_a_header_that_unpacks_to_much_is_refused() {
    let behind = Behind::start("").await;
    let mut frames = Frames::open(&behind).await;
    // One entry in the dynamic table, then thousands of references to it, a byte each.
    let mut block =
        fields(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x")]);
    block.extend([0x40, 1, b'x', 120]);
    block.extend([b'y'; 120]);
    block.extend([0xbe; 10_000]);
    frames.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)).await;
    assert!(!is_200(&frames.read().await));
    assert!(behind.upstream.take().is_empty());
}
