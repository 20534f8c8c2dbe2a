//! T27, T37, T38, T71, T62, R19 to R21: clients that mean harm, or behave as if.

use crate::support::{
    Keydesk, Options, User, client, eventually,
    raw::{Behind, converse, outcome},
};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn connect(behind: &Behind) -> TcpStream {
    let addr = behind.keydesk.gateway.trim_start_matches("http://");
    TcpStream::connect(addr).await.expect("connects")
}

/// What is answered until the gateway closes.
async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer));
    let _ = read.await.expect("the connection is closed by the gateway");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn t27_a_refused_body_is_not_read_as_the_next_request() {
    let behind = Behind::start("").await;
    let inner = behind.fill("GET PATH/inner HTTP/1.1\r\nAUTH\r\n\r\n");
    let length = inner.len();
    let next = "GET PATH/next HTTP/1.1\r\nAUTH\r\n\r\n";
    let request =
        format!("POST PATH/x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{inner}{next}");
    let answer = behind.send(&request).await;
    assert_eq!(outcome(&answer), (401, 2), "{answer}");
    let got = behind.upstream.take();
    assert!(got.len() == 1 && got[0].starts_with("GET /next "), "{got:?}");
    // With an expectation nobody can tell whether the body comes: closed.
    let request = format!(
        "POST PATH/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n{inner}"
    );
    assert_eq!(outcome(&behind.send(&request).await), (401, 1));
    assert!(behind.upstream.take().is_empty());
}

#[tokio::test]
async fn w18_t37_a_head_that_drips_is_cut_off_and_a_silent_connection_closed() {
    let behind =
        Behind::start("[limits]\nheader_timeout_seconds = 1\nkeep_alive_timeout_seconds = 1\n")
            .await;
    let mut dripping = connect(&behind).await;
    dripping.write_all(b"GET /385403 HTTP/1.1\r\nHost: a\r\nX-Drip: ").await.expect("sends");
    let mut silent = connect(&behind).await;
    let mut idle = connect(&behind).await;
    idle.write_all(behind.fill("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").as_bytes())
        .await
        .expect("sends");
    // A byte now and then makes no difference.
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let _ = dripping.write_all(b"x").await;
    }
    let message = read_to_close(&mut dripping).await;
    assert!(message.starts_with("HTTP/1.1 408") && message.contains("header_timeout"), "{message}");
    assert_eq!(read_to_close(&mut silent).await, "");
    assert_eq!(outcome(&read_to_close(&mut idle).await), (200, 1));
}

#[tokio::test]
async fn w18_t37_a_body_that_drips_is_refused_and_a_reader_that_sleeps_is_let_go() {
    let behind =
        Behind::start("[limits]\nmin_body_bytes_per_second = 1000\nidle_timeout_seconds = 3\n")
            .await;
    let mut dripping = connect(&behind).await;
    let head = behind.fill("POST PATH/x HTTP/1.1\r\nAUTH\r\nContent-Length: 1000000\r\n\r\n");
    dripping.write_all(head.as_bytes()).await.expect("sends");
    let mut sleeping = connect(&behind).await;
    let large =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", 32 << 20, "x".repeat(32 << 20));
    behind.upstream.answers(large.as_bytes());
    let request = behind.fill("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n");
    sleeping.write_all(request.as_bytes()).await.expect("sends");
    let started = Instant::now();
    let (mut read, mut write) = dripping.split();
    let drip = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if write.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut message = Vec::new();
    tokio::select! {
        _ = tokio::time::timeout(Duration::from_secs(30), read.read_to_end(&mut message)) => {}
        () = drip => {}
    }
    let message = String::from_utf8_lossy(&message);
    assert!(message.starts_with("HTTP/1.1 408") && message.contains("body_timeout"), "{message}");
    assert!(started.elapsed() < Duration::from_secs(20));
    // The reader took nothing for as long; what it finds now is not all of it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut got = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), sleeping.read_to_end(&mut got)).await;
    assert!(got.len() < 32 << 20, "{}", got.len());
}

#[tokio::test]
async fn t38_an_address_has_its_share_of_connections() {
    let behind =
        Behind::start("[limits]\nmax_connections_per_ip = 5\nidle_timeout_seconds = 2\n").await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(connect(&behind).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut one_more = connect(&behind).await;
    assert_eq!(read_to_close(&mut one_more).await, "", "closed at once");
    drop(held);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(outcome(&behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await), (200, 1));
}

fn rss_kb(behind: &Behind) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", behind.keydesk.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).expect("a figure").parse().expect("a number")
}

#[tokio::test]
async fn t71_r19_invalid_tokens_leave_nothing_behind() {
    use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
    let behind = Behind::start("").await;
    let entropy = Entropy::seeded(5);
    let flood = |count: usize| {
        let mut requests = String::new();
        for _ in 0..count {
            let guess = PlainToken::generate(&Prefix::default(), Kind::User, &entropy);
            let _ = write!(
                requests,
                "GET {}/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
                behind.path,
                guess.expose()
            );
        }
        requests
    };
    assert_eq!(outcome(&behind.send_bytes(flood(500).as_bytes()).await), (401, 500));
    let before = rss_kb(&behind);
    for _ in 0..20 {
        let mut stream = connect(&behind).await;
        let requests = flood(1_000);
        let (mut read, mut write) = stream.split();
        let send = async { write.write_all(requests.as_bytes()).await };
        let mut answers = vec![0; 64 * 1024];
        let receive = async {
            let mut seen = 0;
            let mut tail = Vec::new();
            while seen < 1_000 {
                let count = read.read(&mut answers).await.expect("answers");
                tail.extend_from_slice(&answers[..count]);
                seen += tail.windows(12).filter(|window| window == b"HTTP/1.1 401").count();
                let keep = tail.len().min(11);
                tail.drain(..tail.len() - keep);
            }
        };
        let (all_out, ()) = tokio::join!(send, receive);
        all_out.expect("sends");
    }
    let grown = rss_kb(&behind).saturating_sub(before);
    assert!(grown < 10_000, "grown by {grown} KB");
}

#[tokio::test]
async fn r20_r21_a_thousand_half_open_connections_keep_nobody_from_being_served() {
    let behind = Behind::start("[limits]\nheader_timeout_seconds = 2\n").await;
    let before = rss_kb(&behind);
    let mut held = Vec::new();
    for number in 0..1_000 {
        let mut stream = connect(&behind).await;
        if number % 2 == 0 {
            stream.write_all(b"GET /385403 HTTP/1.1\r\n").await.expect("sends");
        }
        held.push(stream);
    }
    let each = rss_kb(&behind).saturating_sub(before) / 1_000;
    // Half of them have begun a head and hold a buffer.
    assert!(each <= 24, "{each} KB a connection");
    for _ in 0..20 {
        assert_eq!(
            outcome(&behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n").await),
            (200, 1)
        );
    }
    for stream in &mut held {
        read_to_close(stream).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_along() {
    let behind =
        Behind::start("[limits]\nresponse_timeout_seconds = 20\nhalf_close = false\n").await;
    behind.upstream.answers(b"");
    let mut stream = connect(&behind).await;
    let request = behind.fill("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    stream.shutdown().await.expect("closes");
    assert!(!read_to_close(&mut stream).await.contains("504"));
    let answer = converse(&behind.keydesk.gateway, &[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]).await;
    assert_eq!(outcome(&answer).0, 401);
}

/// What people and programs write of themselves reaches logs and pages without power over them.
#[tokio::test]
async fn t62_no_name_moves_the_cursor_breaks_a_line_or_turns_the_text() {
    let log = tempfile::tempdir().expect("a folder");
    let file = log.path().join("access.log");
    let config =
        format!("[observe]\nstatus = \"127.0.0.1:0\"\naccess_log = \"{}\"\n", file.display());
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let evil = [
        "a\r\nSet-Cookie: x=1",
        "a\u{1b}[2Jb",
        "a\u{9b}31mb",
        "a\u{2028}b",
        "a\u{202e}gnp.exe",
        "a\u{2066}b",
        "a\u{7f}\u{8}b",
        "a\0b",
    ];
    for name in evil {
        ann.post("/tokens", &[("name", name), ("expires", "never"), ("scope", "*")]).await;
        ann.post("/members/invitations", &[("email", name), ("role", "viewer")]).await;
        User::visiting(&keydesk.console).log_in(name, "wrong").await;
        ann.get(&format!("/audit?text={}", escaped(name))).await;
        ann.get(&format!("/{}", escaped(name))).await;
        let client = client().build().expect("a client");
        for path in [format!("/api/v1/{}", escaped(name)), "/api/v1/contacts".to_owned()] {
            let call = client.get(format!("{endpoint}{path}")).bearer_auth(&token);
            let agent = reqwest::header::HeaderValue::from_bytes(name.as_bytes());
            let call = match agent {
                Ok(agent) => call.header("user-agent", agent),
                Err(_) => call,
            };
            call.send().await.expect("answers");
        }
    }
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    eventually("the log is written", async || lines().lines().count() >= 2 * evil.len()).await;
    for line in lines().lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("one record a line");
    }
    for (place, text) in [
        ("the access log", lines()),
        ("what is printed", keydesk.printed()),
        ("the tokens", ann.get("/tokens").await.text),
        ("the members", ann.get("/members").await.text),
        ("the audit log", ann.get("/audit").await.text),
        ("its export", ann.get("/audit/export?format=jsonl").await.text),
        ("its export as CSV", ann.get("/audit/export?format=csv").await.text),
    ] {
        let found = text.chars().find(|c| {
            (c.is_control() && *c != '\n' && *c != '\r')
                || matches!(*c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(found, None, "{place}: {text}");
    }
}

/// Every byte in percent-encoding.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02x}"))
}
