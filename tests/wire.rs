//! W1 to W15, T21 to T36: bytes that no library would send, and the bytes that reach the upstream.

use crate::support::raw::{Behind, converse, outcome};
use std::fmt::Write as _;

/// Each request is refused with its status and never reaches the upstream.
async fn all_refused(behind: &Behind, vectors: &[(&str, u16)]) {
    for (request, status) in vectors {
        let answer = behind.send(request).await;
        let (got, count) = outcome(&answer);
        assert_eq!((got, count), (*status, 1), "{request:?}: {answer}");
        assert_eq!(behind.upstream.take(), Vec::<String>::new(), "{request:?}");
    }
}

#[tokio::test]
async fn w1_one_host_is_needed() {
    let behind = Behind::start("").await;
    let auth = format!("Authorization: Bearer {}", behind.token);
    for head in
        ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host:\r\n", "Host: a, b\r\n"]
    {
        let answer = behind.send(&format!("GET PATH/x HTTP/1.1\r\n{head}{auth}\r\n\r\n")).await;
        assert_eq!(outcome(&answer), (400, 1), "{head:?}: {answer}");
    }
    assert!(behind.upstream.requests().is_empty());
    assert_eq!(outcome(&behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await), (200, 1));
}

#[tokio::test]
async fn w2_t33_only_one_authority_is_believed() {
    let behind = Behind::start("").await;
    all_refused(
        &behind,
        &[
            ("GET http://evil/PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET http://a@evilPATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET http://a:80PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET http://a.PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET ftp://aPATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("OPTIONS * HTTP/1.1\r\nAUTH\r\n\r\n", 204),
            ("GET * HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET a:80 HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nHost: a/b\r\nAuthorization: Bearer x\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nHost: u@a\r\nAuthorization: Bearer x\r\n\r\n", 400),
        ],
    )
    .await;
    assert_eq!(
        outcome(&behind.send("GET http://aPATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await),
        (200, 1)
    );
    let request = behind.upstream.take().remove(0);
    assert!(request.starts_with("GET /x HTTP/1.1\r\nhost: 127.0.0.1"), "{request}");
    assert_eq!(
        outcome(&behind.send("GET HTTP://APATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await),
        (200, 1)
    );
}

#[tokio::test]
async fn w3_t22_both_lengths_at_once_are_refused_and_the_connection_closed() {
    let behind = Behind::start("").await;
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
    ] {
        let smuggled = "GET PATH/smuggled HTTP/1.1\r\nAUTH\r\n\r\n";
        let request = format!("POST PATH/x HTTP/1.1\r\nAUTH\r\n{lines}\r\n\r\n0\r\n\r\n{smuggled}");
        let answer = behind.send(&request).await;
        assert_eq!(outcome(&answer), (400, 1), "{lines}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert!(behind.upstream.requests().is_empty());
}

#[tokio::test]
async fn w4_w5_w6_t23_t25_no_transfer_coding_but_chunked_and_only_once() {
    let behind = Behind::start("").await;
    let mut vectors = Vec::new();
    for (coding, status) in [
        ("gzip", 501),
        ("chunked, gzip", 501),
        ("gzip, chunked", 501),
        ("chunked, chunked", 501),
        ("xchunked", 501),
        ("identity", 501),
        ("chunked;q=1", 501),
        ("\"chunked\"", 501),
        ("", 501),
        ("chunked\r\nTransfer-Encoding: chunked", 400),
        ("chunked\r\nTransfer-Encoding: identity", 400),
    ] {
        let head = format!("POST PATH/x HTTP/1.1\r\nAUTH\r\nTransfer-Encoding: {coding}");
        vectors.push((format!("{head}\r\n\r\n0\r\n\r\n"), status));
    }
    let old = "POST PATH/x HTTP/1.0\r\nAUTH\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    vectors.push((old.to_owned(), 400));
    for name in ["Transfer-Encoding ", " Transfer-Encoding", "Transfer-Encoding\t"] {
        let head = format!("POST PATH/x HTTP/1.1\r\nAUTH\r\n{name}: chunked");
        vectors.push((format!("{head}\r\n\r\n0\r\n\r\n"), 400));
    }
    let vectors: Vec<_> = vectors.iter().map(|(text, status)| (text.as_str(), *status)).collect();
    all_refused(&behind, &vectors).await;
    // Another spelling of the name is not the field, and must not reach anybody who takes it for it.
    for name in ["Transfer_Encoding", "Transfer.Encoding", "Content_Length"] {
        let request = format!("POST PATH/x HTTP/1.1\r\nAUTH\r\n{name}: chunked\r\n\r\n");
        assert_eq!(outcome(&behind.send(&request).await), (200, 1));
        let got = behind.upstream.take().remove(0).to_lowercase();
        assert!(!got.contains("chunked") && !got.contains("encoding"), "{got}");
    }
}

#[tokio::test]
async fn w7_w8_t21_a_length_is_one_number() {
    let behind = Behind::start("").await;
    let mut vectors = Vec::new();
    for length in [
        "+1",
        "-1",
        "0x1",
        "1, 1",
        "1,2",
        "1 1",
        "",
        " ",
        "1e1",
        "1.0",
        "٣",
        "99999999999999999999",
        "1\r\nContent-Length: 1",
        "1\r\nContent-Length: 2",
    ] {
        vectors.push(format!("POST PATH/x HTTP/1.1\r\nAUTH\r\nContent-Length: {length}\r\n\r\na"));
    }
    let vectors: Vec<_> = vectors.iter().map(|text| (text.as_str(), 400)).collect();
    all_refused(&behind, &vectors).await;
    let answer = behind.send("POST PATH/x HTTP/1.1\r\nAUTH\r\nContent-Length: 01\r\n\r\na").await;
    assert_eq!(outcome(&answer), (200, 1));
    let got = behind.upstream.take().remove(0);
    assert!(got.contains("\r\ncontent-length: 1\r\n") && got.ends_with("\r\n\r\na"), "{got}");
}

#[tokio::test]
async fn w9_w10_lines_are_lines_in_one_way_only() {
    let behind = Behind::start("").await;
    all_refused(
        &behind,
        &[
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\nA : b\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\nA: b\r\n c\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\n A: b\r\nAUTH\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\nA: b\rB: c\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\nA: b\0c\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\nA: b\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\nAUTH\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\n\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\n: b\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.1\r\nAUTH\r\nA\r\n\r\n", 400),
            ("GET PATH/x\tHTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET  PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET PATH/x  HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("GET PATH/x HTTP/1.2\r\nAUTH\r\n\r\n", 400),
            ("GET PATH/x HTTP/3.0\r\nAUTH\r\n\r\n", 400),
            ("GET PATH/x http/1.1\r\nAUTH\r\n\r\n", 400),
            ("G(T PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("\n\nGET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 400),
            ("\x16\x03\x01\x02", 400),
        ],
    )
    .await;
}

#[tokio::test]
async fn w11_t29_what_connection_names_goes_and_ours_stay() {
    let behind = Behind::start("").await;
    let named = "Connection: X-Own, keydesk-account, authorization, x-request-id, content-length, close\r\nX-Own: 1";
    let hop = "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Authorization: x";
    let request =
        format!("POST PATH/x HTTP/1.1\r\nAUTH\r\n{named}\r\n{hop}\r\nContent-Length: 1\r\n\r\na");
    assert_eq!(outcome(&behind.send(&request).await), (200, 1));
    let got = behind.upstream.take().remove(0);
    for gone in ["X-Own", "onnection", "eep-", "TE:", "pgrade", "Proxy", "Bearer"] {
        assert!(!got.contains(gone), "{gone}: {got}");
    }
    for once in ["keydesk-account: ", "keydesk-subject: ", "x-request-id: ", "content-length: 1"] {
        assert_eq!(got.matches(once).count(), 1, "{once}: {got}");
    }
}

#[tokio::test]
async fn w12_methods_that_make_a_gateway_something_else_are_refused() {
    let behind = Behind::start("").await;
    all_refused(
        &behind,
        &[
            ("TRACE PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 405),
            ("CONNECT a:80 HTTP/1.1\r\nAUTH\r\n\r\n", 405),
            ("trace PATH/x HTTP/1.1\r\nAUTH\r\n\r\n", 405),
        ],
    )
    .await;
    // Others are the upstream's to judge.
    assert_eq!(outcome(&behind.send("PURGE PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await), (200, 1));
}

#[tokio::test]
async fn w13_t06_large_heads_are_431_before_they_are_all_there() {
    let behind = Behind::start("").await;
    let head = "GET PATH/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ";
    for size in [33_000, 64 << 10, 1 << 20] {
        let answer = behind.send(&format!("{head}{}\r\n\r\n", "a".repeat(size))).await;
        assert_eq!(outcome(&answer), (431, 1), "{size}: {}", answer.get(..100).unwrap_or(&answer));
    }
    let answer = behind.send(&format!("{head}{}\r\n\r\n", "a".repeat(30_000))).await;
    assert_eq!(outcome(&answer).0, 401, "30 KB are a head, but no token");
    let many = "A: b\r\n".repeat(201);
    assert_eq!(
        outcome(&behind.send(&format!("GET PATH/x HTTP/1.1\r\n{many}\r\n")).await),
        (431, 1)
    );
    assert!(behind.upstream.requests().is_empty());
}

#[tokio::test]
async fn w14_t31_t32_t34_paths_that_read_two_ways_are_refused_and_others_pass_byte_for_byte() {
    let behind = Behind::start("").await;
    for path in [
        "/a/../b",
        "/a/..",
        "/./a",
        "/a/.",
        "/a/%2e%2e/b",
        "/a/%2E./b",
        "/%252e%252e/b",
        "/a/..;/b",
        "/a/..;x=1/b",
        "/a//b",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a%00b",
        "/a%",
        "/a%2",
        "/a%zz",
        "/%c0%ae%c0%ae/b",
        "/%ff",
        "/a#b",
        "/a%252fb",
        "/\u{e4}",
        "/a?\u{e4}",
        "/a?b#c",
    ] {
        let answer = behind.send(&format!("GET PATH{path} HTTP/1.1\r\nAUTH\r\n\r\n")).await;
        assert_eq!(outcome(&answer), (400, 1), "{path}: {answer}");
        assert!(behind.upstream.take().is_empty(), "{path}");
    }
    for path in [
        "/a%20b",
        "/a;v=1/b",
        "/%C3%A4?x=%2F..%2f&y",
        "/.well-known/x",
        "/a...b",
        "/a?../b",
        "/~a/'b'(c)*",
    ] {
        let answer = behind.send(&format!("GET PATH{path} HTTP/1.1\r\nAUTH\r\n\r\n")).await;
        assert_eq!(outcome(&answer), (200, 1), "{path}");
        let got = behind.upstream.take().remove(0);
        assert!(got.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{got}");
    }
}

#[tokio::test]
async fn w15_t24_chunks_are_written_anew_and_trailers_dropped() {
    let behind = Behind::start("").await;
    let head = "POST PATH/x HTTP/1.1\r\nAUTH\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = "3;a=b\r\nabc\r\n02\r\nde\r\n0\r\nAuthorization: evil\r\nContent-Length: 9\r\nkeydesk-account: 1\r\n\r\n";
    let next = "GET PATH/next HTTP/1.1\r\nAUTH\r\n\r\n";
    let answer = behind.send(&format!("{head}{chunks}{next}")).await;
    assert_eq!(outcome(&answer), (200, 2), "{answer}");
    let got = behind.upstream.take();
    assert!(!got[0].contains("evil") && !got[0].contains("keydesk-account: 1\r"), "{}", got[0]);
    assert!(got[0].contains("transfer-encoding: chunked\r\n") && got[0].ends_with("0\r\n\r\n"));
    assert!(got[1].starts_with("GET /next "));
    for chunks in [
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n",
        "3;\na\r\nabc\r\n0\r\n\r\n",
    ] {
        let answer = behind.send(&format!("{head}{chunks}{next}")).await;
        assert_eq!(outcome(&answer), (400, 1), "{chunks:?}: {answer}");
        let got = behind.upstream.take();
        assert!(
            got.iter().all(|request| !request.contains("/next") && !request.ends_with("0\r\n\r\n")),
            "{got:?}"
        );
    }
}

#[tokio::test]
async fn t25_http_1_0_is_answered_and_closed() {
    let behind = Behind::start("").await;
    for connection in ["", "Connection: keep-alive\r\n"] {
        let one = format!("GET PATH/x HTTP/1.0\r\nAUTH\r\n{connection}\r\n");
        let answer = behind.send(&format!("{one}{one}")).await;
        assert_eq!(outcome(&answer), (200, 1), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn t26_no_bytes_pass_before_an_upgrade_is_agreed() {
    let behind = Behind::start("").await;
    for upgrade in ["h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "TLS/1.0", "websocket"] {
        let head = format!(
            "GET PATH/x HTTP/1.1\r\nAUTH\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\n\r\n"
        );
        // The upstream does not switch, so what follows is the next request and judged as such.
        let answer =
            behind.send(&format!("{head}GET /385403/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(outcome(&answer), (200, 2), "{answer}");
        assert!(answer.contains("HTTP/1.1 401"), "{answer}");
        let got = behind.upstream.take();
        assert_eq!(got.len(), 1, "{got:?}");
        assert!(!got[0].contains("h2c") && !got[0].to_lowercase().contains("http2-settings"));
    }
    behind.upstream.answers(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n");
    let answer = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert_eq!(outcome(&answer), (502, 1), "nobody asked for it: {answer}");
}

#[tokio::test]
async fn t28_t36_nobody_but_us_says_who_calls_and_from_where() {
    let behind = Behind::start("").await;
    let mut lines = String::new();
    for name in ["Account", "Token", "Subject", "Scopes"] {
        for separator in ["-", "_", ".", "!", "~", "--"] {
            let _ = write!(lines, "KeyDesk{separator}{name}: evil\r\n");
        }
    }
    for name in [
        "X-Forwarded-Uri",
        "X-Forwarded-Method",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X_Forwarded_For",
        "X.Forwarded.For",
        "Forwarded",
        "X-Real-IP",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method-Override",
        "X_Method_Override",
        "X-Request-Id",
        "Signature-Input",
    ] {
        let _ = write!(lines, "{name}: evil\r\n{name}: evil2\r\n");
    }
    let answer = behind.send(&format!("GET PATH/x HTTP/1.1\r\nAUTH\r\n{lines}\r\n")).await;
    assert_eq!(outcome(&answer), (200, 1), "{answer}");
    let got = behind.upstream.take().remove(0);
    assert!(!got.contains("evil"), "{got}");
    for ours in [
        "keydesk-account",
        "keydesk-token",
        "keydesk-subject",
        "keydesk-scopes",
        "x-forwarded-for",
        "forwarded",
        "x-request-id",
    ] {
        assert_eq!(got.matches(&format!("\r\n{ours}: ")).count(), 1, "{ours}: {got}");
    }
}

#[tokio::test]
async fn t30_an_upstream_cannot_split_its_answer() {
    let behind = Behind::start("").await;
    for answer in [
        "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "rubbish\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
    ] {
        behind.upstream.answers(answer.as_bytes());
        let got = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
        assert_eq!(outcome(&got), (502, 1), "{answer:?}: {got}");
    }
    // Both lengths: chunks win, the length is not told, and the connection is not used again.
    behind.upstream.answers(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    let got = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert!(got.contains("transfer-encoding: chunked") && !got.contains("content-length"), "{got}");
}

#[tokio::test]
async fn t27_an_answer_that_breaks_off_is_seen_to_break_off() {
    let behind = Behind::start("").await;
    behind.upstream.answers(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    let two = "GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\nGET PATH/y HTTP/1.1\r\nAUTH\r\n\r\n";
    let got = behind.send(two).await;
    assert_eq!(outcome(&got), (200, 1), "what follows half an answer would be read as its rest");
    behind.upstream.answers(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel");
    let got = behind.send(two).await;
    assert!(outcome(&got) == (200, 1) && !got.contains("0\r\n\r\n"), "{got}");
    // Whoever answers until it closes is passed on in chunks, so that the end is seen.
    behind.upstream.answers(b"HTTP/1.0 200 OK\r\n\r\nall of it");
    let got = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert!(got.contains("9\r\nall of it\r\n") && got.ends_with("0\r\n\r\n"), "{got}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let behind = Behind::start("").await;
    let mut all = String::new();
    for number in 0..20 {
        let _ = write!(all, "POST PATH/n{number} HTTP/1.1\r\nAUTH\r\nContent-Length: 2\r\n\r\nhi");
    }
    assert_eq!(outcome(&behind.send(&all).await), (200, 20));
    let got = behind.upstream.take();
    let paths: Vec<_> =
        got.iter().map(|request| request.split(' ').nth(1).expect("a path")).collect();
    assert_eq!(paths, (0..20).map(|number| format!("/n{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let behind = Behind::start("").await;
    for (method, answer, has) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "content-length: 5"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content"),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\netag: \"a\"\r\n\r\n",
            "content-length: 7",
        ),
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "content-length: 0"),
    ] {
        behind.upstream.answers(answer.as_bytes());
        let request = format!(
            "{method} PATH/x HTTP/1.1\r\nAUTH\r\n\r\nGET PATH/y HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let got = behind.send(&request).await;
        assert!(
            got.contains(has) && outcome(&got).1 == 2 && got.contains("HTTP/1.1 401"),
            "{method} {answer:?}: {got}"
        );
    }
}

#[tokio::test]
async fn t35_t40_redirects_and_compressed_answers_pass_untouched() {
    let behind = Behind::start("").await;
    behind.upstream.answers(
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
    );
    let got = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert!(got.starts_with("HTTP/1.1 302") && got.contains("location: http://169.254.169.254/"));
    assert_eq!(behind.upstream.take().len(), 1, "nobody followed it");
    behind.upstream.answers(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08",
    );
    let got = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert!(got.contains("content-encoding: gzip") && got.contains("content-length: 3"), "{got}");
}

#[tokio::test]
async fn a_client_that_speaks_slowly_but_surely_is_served() {
    let behind = Behind::start("").await;
    let request = behind.fill("POST PATH/x HTTP/1.1\r\nAUTH\r\nContent-Length: 4\r\n\r\nabcd");
    let (first, rest) = request.as_bytes().split_at(20);
    let (second, third) = rest.split_at(rest.len() - 2);
    let answer = converse(&behind.keydesk.gateway, &[first, second, third]).await;
    assert_eq!(outcome(&answer), (200, 1));
    assert!(behind.upstream.take().remove(0).ends_with("\r\n\r\nabcd"));
}
