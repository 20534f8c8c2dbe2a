//! Messages as RFC 9110 and RFC 9112 ask a gateway to pass them on, and servers that insist on it.

use super::{InFront, Server, header};
use crate::support::raw::{Behind, converse_until_closed};
use reqwest::Method;

#[tokio::test]
async fn rfc9110_8_6_an_empty_post_says_that_it_is_empty() {
    let server = Server::python("tests/clients/needs_length.py").await;
    let api = InFront::of(&server.url(), "").await;
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        let response = api.request(method.clone(), "/a").send().await.expect("answers");
        assert_eq!(response.status(), 200, "{method}");
        let request = api.request(method.clone(), "/a").body("hello");
        assert_eq!(request.send().await.expect("answers").status(), 200, "{method}");
        let status = over_http2(&api, method.as_str(), "/a");
        assert!(status.starts_with("HTTP/2 200"), "{method}: {status}");
    }
}

/// What curl prints of a response over HTTP/2.
fn over_http2(api: &InFront, method: &str, path: &str) -> String {
    let mut curl = std::process::Command::new("curl");
    curl.args(["-sS", "--http2-prior-knowledge", "-i", "-X", method]);
    if method == "HEAD" {
        curl.arg("--head");
    }
    curl.args(["-H", &format!("Authorization: Bearer {}", api.token)]);
    let output = curl.arg(format!("{}{path}", api.endpoint)).output().expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn rfc9110_8_6_head_keeps_the_length_in_both_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.txt"), "hello").expect("writes");
    let files = folder.path().display().to_string();
    let arguments = ["-m", "http.server", "PORT", "--bind", "127.0.0.1", "--directory", &files];
    let server = Server::start("python3", &arguments, &[]).await;
    let api = InFront::of(&server.url(), "").await;
    let head = api.request(Method::HEAD, "/a.txt").send().await.expect("answers");
    assert_eq!(header(&head, "content-length"), "5");
    let head = over_http2(&api, "HEAD", "/a.txt");
    assert!(head.contains("content-length: 5"), "{head}");
}

/// A raw answer of the upstream, as the client gets it.
async fn passed_on(behind: &Behind, answer: &str, request: &str) -> String {
    behind.upstream.answers(answer.as_bytes());
    let request = behind.fill(request);
    let addr = behind.keydesk.gateway.trim_start_matches("http://").to_owned();
    converse_until_closed(&addr, request.as_bytes()).await
}

const GET: &str = "GET PATH/a HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn rfc9110_15_2_interim_responses_are_passed_on() {
    let behind = Behind::start("").await;
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n\
        HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let answer = passed_on(&behind, hints, GET).await;
    let starts: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|part| &part[..3]).collect();
    assert_eq!(starts, ["103", "102", "200"], "{answer}");
    let prefix = &behind.path;
    assert!(
        answer.to_lowercase().contains(&format!("link: <{prefix}/style.css>; rel=preload")),
        "{answer}"
    );
    // HTTP/1.0 knows none, and 100 is between us and the upstream.
    let old = "GET PATH/a HTTP/1.0\r\nAUTH\r\n\r\n";
    assert_eq!(passed_on(&behind, hints, old).await.matches("HTTP/1.1 ").count(), 1);
    let ready = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert!(passed_on(&behind, ready, GET).await.starts_with("HTTP/1.1 200 "));
}

/// An early hint is of use only before the response that it is about.
#[tokio::test]
async fn rfc9110_15_2_an_interim_response_does_not_wait_for_the_final_one() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = format!("http://{}", listener.local_addr().expect("an address"));
    let (go_on, may_go_on) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("accepts");
            let mut request = vec![0; 4096];
            let count = stream.read(&mut request).await.expect("reads");
            if request[..count].windows(6).any(|word| word == b"/hints") {
                stream
                    .write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
                    .await
                    .expect("writes");
                let _ = may_go_on.await;
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("writes");
                return;
            }
        }
    });
    let api = InFront::of(&upstream, "").await;
    let addr = api.keydesk.gateway.trim_start_matches("http://");
    let mut client = tokio::net::TcpStream::connect(addr).await.expect("connects");
    let request = format!(
        "GET {}/hints HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        api.prefix(),
        api.token
    );
    client.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = vec![0; 4096];
    let count = client.read(&mut answer).await.expect("reads");
    assert!(answer[..count].starts_with(b"HTTP/1.1 103 Early Hints\r\n"));
    go_on.send(()).expect("is awaited");
    let count = client.read(&mut answer).await.expect("reads");
    assert!(answer[..count].starts_with(b"HTTP/1.1 204 No Content\r\n"));
}

#[tokio::test]
async fn rfc9110_6_6_1_a_response_without_a_date_gets_one_and_no_second() {
    let behind = Behind::start("").await;
    let without = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let answer = passed_on(&behind, without, GET).await.to_lowercase();
    assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{answer}");
    let with =
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok";
    let answer = passed_on(&behind, with, GET).await.to_lowercase();
    assert!(answer.matches("\r\ndate: ").count() == 1 && answer.contains("1994"), "{answer}");
}

#[tokio::test]
async fn rfc9112_5_1_and_6_3_odd_but_clear_responses_are_put_right() {
    let behind = Behind::start("").await;
    for odd in [
        "HTTP/1.1 200 OK\r\nServer : x\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        format!(
            "HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\nok",
            "Set-Cookie: a=b\r\n".repeat(240)
        ),
    ] {
        let answer = passed_on(&behind, &odd, GET).await;
        let lower = answer.to_lowercase();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok"),
            "{odd}: {answer}"
        );
        assert_eq!(lower.matches("\r\ncontent-length: 2\r\n").count(), 1, "{odd}: {answer}");
        assert!(!lower.contains("server :"), "{answer}");
    }
    for broken in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nok".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{}\r\nok", "A: b\r\n".repeat(600)),
    ] {
        let answer = passed_on(&behind, &broken, GET).await;
        assert!(
            answer.starts_with("HTTP/1.1 502 ") && answer.contains("invalid_upstream_response"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn rfc9110_7_6_3_requests_name_the_gateway_unless_an_upstream_must_not_see_it() {
    let behind = Behind::start("").await;
    behind.send("GET PATH/a HTTP/1.1\r\nAUTH\r\nVia: 1.0 fred\r\n\r\n").await;
    let request = behind.upstream.take().join("").to_lowercase();
    assert!(
        request.contains("\r\nvia: 1.0 fred\r\n") && request.contains("\r\nvia: 1.1 keydesk\r\n"),
        "{request}"
    );
    let upstream = crate::support::raw::RawUpstream::start().await;
    let config =
        format!("[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\"]\nvia = false\n", upstream.url);
    let api = InFront::with(&config).await;
    api.get("/a").await;
    assert!(!upstream.take().join("").to_lowercase().contains("via:"));
}

#[tokio::test]
async fn heads_of_32_kib_and_200_fields_are_taken_by_default() {
    let behind = Behind::start("").await;
    let head = |fields: usize, size: usize| {
        let lines: Vec<_> =
            (0..fields).map(|at| format!("X-{at}: {}\r\n", "y".repeat(size))).collect();
        let many = lines.concat();
        format!("GET PATH/a HTTP/1.1\r\nAUTH\r\n{many}\r\n")
    };
    for (fields, size, status, code) in [
        (190, 1, 200, ""),
        (30, 1000, 200, ""),
        (210, 1, 431, "too_many_headers"),
        (40, 1000, 431, "headers_too_large"),
    ] {
        let answer = behind.send(&head(fields, size)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(code),
            "{fields}: {answer}"
        );
    }
    let behind = Behind::start("[limits]\nmax_headers = 250\n").await;
    assert!(behind.send(&head(240, 1)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn rfc9110_8_6_a_length_that_is_none_is_not_passed_on() {
    let behind = Behind::start("").await;
    let head = GET.replace("GET ", "HEAD ");
    for (lines, message) in [
        ("Content-Length: 7", "content-length: 7\r\n"),
        ("Content-Length: 7, 7", "content-length: 7\r\n"),
        ("Content-Length: ", ""),
        ("Content-Length: 99999999999999999999999", ""),
        ("Content-Length: 5, 6", ""),
        ("Content-Length: 5\r\nContent-Length: 7", ""),
    ] {
        let answer =
            passed_on(&behind, &format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n"), &head).await;
        let has = answer.to_lowercase().contains("content-length");
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains(message),
            "{lines}: {answer}"
        );
        assert_eq!(has, !message.is_empty(), "{lines}: {answer}");
    }
}

/// What has begun to be carried out is not sent again, though the method would allow it.
#[tokio::test]
async fn rfc9110_9_2_2_a_request_is_not_repeated_after_an_interim_response() {
    let behind = Behind::start("").await;
    let answer = passed_on(&behind, "HTTP/1.1 103 Early Hints\r\n\r\n", GET).await;
    assert!(answer.contains("HTTP/1.1 502 "), "{answer}");
    assert_eq!(behind.upstream.take().len(), 1);
    passed_on(&behind, "", GET).await;
    assert_eq!(behind.upstream.take().len(), 3, "a GET of which nothing came back is");
}
