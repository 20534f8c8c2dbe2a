//! The same raw bytes to Keydesk, nginx, HAProxy and Caddy, each in front of a recorder of its own:
//! what we forward, nobody may frame differently.

use crate::support::{
    eventually, free_port,
    raw::{Behind, RawUpstream, converse},
};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Another proxy in front of its own recorder; ended when dropped.
struct Other {
    name: &'static str,
    addr: String,
    upstream: RawUpstream,
    child: Child,
    _folder: TempDir,
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// With the benchmark's configuration.
async fn start(name: &'static str, program: &str, template: &str, args: &[&str]) -> Other {
    let (upstream, folder, port) =
        (RawUpstream::start().await, tempfile::tempdir().expect("a folder"), free_port());
    let server = upstream.url.trim_start_matches("http://").to_owned();
    let values = [
        ("@SERVER@", "location / { proxy_pass http://api; }"),
        ("@MAP@", ""),
        ("@TLS@", ""),
        ("@LISTEN@", ""),
        ("@CHECK@", ""),
        ("@BIND@", ""),
        ("@DIR@", &folder.path().display().to_string()),
        ("@PORT@", &port.to_string()),
        ("@UPSTREAM@", &server),
    ];
    let config =
        values.iter().fold(template.to_owned(), |text, (key, value)| text.replace(key, value));
    let path = folder.path().join("config");
    std::fs::write(&path, config).expect("writes");
    let child = Command::new(program)
        .args(args)
        .arg(&path)
        .env("HOME", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let addr = format!("127.0.0.1:{port}");
    let other = Other { name, addr, upstream, child, _folder: folder };
    let is_there = async || tokio::net::TcpStream::connect(&other.addr).await.is_ok();
    eventually(name, is_there).await;
    other
}

/// Whole requests of one vector as (path, body), in the order in which they arrived.
fn of_vector(requests: &[String], number: usize) -> Vec<(String, String)> {
    let mark = format!("/v{number}-");
    requests
        .iter()
        .filter(|request| request.contains(&mark))
        .filter_map(|r| read(r, &mark))
        .collect()
}

fn read(request: &str, mark: &str) -> Option<(String, String)> {
    let (head, body) = request.split_once("\r\n\r\n")?;
    let target = head.split(' ').nth(1)?;
    let path = target[target.find(mark)?..].to_owned();
    let lower = head.to_lowercase();
    if lower.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n").then(|| (path, dechunked(body)));
    }
    let length =
        lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    let whole = body.len() >= length.unwrap_or(0);
    whole.then(|| (path, body.to_owned()))
}

fn dechunked(mut body: &str) -> String {
    let mut data = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
            .unwrap_or(0);
        if size == 0 || rest.len() < size + 2 {
            break;
        }
        data.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    data
}

/// Ways to say where a body ends, most of them wrong.
const FRAMINGS: [&str; 22] = [
    "",
    "Content-Length: 5",
    "Content-Length: 05",
    "Content-Length: +5",
    "Content-Length: 5\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5, 5",
    "Content-Length: 0x5",
    "Content-Length : 5",
    "Content-Length:5",
    "Content-Length: 5 ",
    "Content_Length: 5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: Chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: xchunked",
    "Transfer_Encoding: chunked",
    "X: y\r\n Transfer-Encoding: chunked",
];

/// What follows the head.
const BODIES: [&str; 9] = [
    "",
    "hello",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "05\r\nhello\r\n0\r\n\r\n",
    "5\nhello\n0\n\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "0\r\n\r\n",
];

fn vectors(behind: &Behind) -> Vec<String> {
    let mut vectors = Vec::new();
    for version in ["1.1", "1.0"] {
        for framing in FRAMINGS {
            for body in BODIES {
                let number = vectors.len();
                let framing =
                    if framing.is_empty() { String::new() } else { format!("{framing}\r\n") };
                let next = format!(
                    "GET PATH/v{number}-next HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n"
                );
                let first = format!(
                    "POST PATH/v{number}-first HTTP/{version}\r\nAUTH\r\n{framing}\r\n{body}{next}"
                );
                vectors.push(behind.fill(&first));
            }
        }
    }
    for line in [
        "GET PATH/vN-a HTTP/1.1\nAUTH\r\n\r\n",
        "GET  PATH/vN-a HTTP/1.1\r\nAUTH\r\n\r\n",
        "\r\n\r\nGET PATH/vN-a HTTP/1.1\r\nAUTH\r\n\r\n",
        "GET PATH/vN-a HTTP/1.1\r\nAUTH\r\nA: b\rC: d\r\n\r\n",
        "GET PATH/vN-a?x#y HTTP/1.1\r\nAUTH\r\n\r\n",
        "GET http://aPATH/vN-a HTTP/1.1\r\nAUTH\r\n\r\n",
    ] {
        let number = vectors.len();
        vectors.push(behind.fill(&line.replace("vN-", &format!("v{number}-"))));
    }
    vectors
}

async fn send_all(addr: String, vectors: Vec<String>) {
    for part in vectors.chunks(16) {
        let sending = part.iter().map(|vector| {
            let addr = addr.clone();
            async move { converse(&addr, &[vector.as_bytes()]).await }
        });
        futures_util::future::join_all(sending).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t22_nobody_frames_differently_what_we_forward() {
    let behind = Behind::start("").await;
    let others = [
        start("nginx", "/usr/sbin/nginx", include_str!("../bench/configs/nginx.conf"), &["-c"])
            .await,
        start(
            "haproxy",
            "/usr/sbin/haproxy",
            include_str!("../bench/configs/haproxy.cfg"),
            &["-db", "-f"],
        )
        .await,
        start(
            "caddy",
            "caddy",
            include_str!("../bench/configs/Caddyfile"),
            &["run", "--adapter", "caddyfile", "--config"],
        )
        .await,
    ];
    let vectors = vectors(&behind);
    let mut sending = vec![tokio::spawn(send_all(behind.keydesk.gateway.clone(), vectors.clone()))];
    for other in &others {
        sending.push(tokio::spawn(send_all(other.addr.clone(), vectors.clone())));
    }
    for sent in sending {
        sent.await.expect("ends");
    }
    let ours = behind.upstream.take();
    let mut forwarded = 0;
    for other in &others {
        let theirs = other.upstream.take();
        assert!(theirs.len() > 10, "{} forwards something", other.name);
        for (number, vector) in vectors.iter().enumerate() {
            let (ours, theirs) = (of_vector(&ours, number), of_vector(&theirs, number));
            forwarded += ours.len();
            for (our, their) in ours.iter().zip(&theirs) {
                assert_eq!(our, their, "{} reads {vector:?} otherwise", other.name);
            }
        }
    }
    assert!(forwarded > 100, "we forward what is plain: {forwarded}");
}
