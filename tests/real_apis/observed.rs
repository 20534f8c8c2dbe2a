//! What an operator sees when something breaks: each reason in the log, the access log, and the metrics.

use super::InFront;
use crate::support::{Options, eventually, raw::Behind};
use serde_json::Value;
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn observed(log: &Path) -> String {
    format!("[observe]\nstatus = \"127.0.0.1:0\"\naccess_log = \"{}\"\n", log.display())
}

fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).expect("reads");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

const GET: &str = "GET PATH/a HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn every_failure_has_its_reason_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let limits = "[limits]\nstream_idle_timeout_seconds = 1\nresponse_timeout_seconds = 1\nmax_body_bytes = 1000\nheader_timeout_seconds = 1\n";
    let behind = Behind::start(&format!("{limits}{}", observed(&log))).await;
    let addr = behind.keydesk.gateway.trim_start_matches("http://").to_owned();
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(600));
    let large = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(100_000));
    let too_many = format!("GET PATH/a HTTP/1.1\r\nAUTH\r\n{}\r\n", "A: b\r\n".repeat(300));
    let too_large = format!("GET PATH/a HTTP/1.1\r\nAUTH\r\nA: {}\r\n\r\n", "b".repeat(40_000));
    for (answer, request, status, reason) in [
        ("", GET, 502, "connection_lost"),
        ("nonsense\r\n\r\n", GET, 502, "response_malformed"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", GET, 502, "response_invalid_framing"),
        (&many, GET, 502, "response_too_many_headers"),
        (&large, GET, 502, "response_headers_too_large"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", GET, 200, "response_incomplete"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            GET,
            200,
            "response_invalid_chunk",
        ),
        ("ok", &too_many, 431, "too_many_headers"),
        ("ok", &too_large, 431, "headers_too_large"),
        ("ok", "GET / HTTP/9\r\n\r\n", 400, "malformed_request"),
        ("ok", "GET / HTT", 408, "header_timeout"),
        ("ok", "\x16\x03\x01\x02\x00\x01\x00\x01\u{0}", 400, "tls_on_plain_port"),
        (
            "ok",
            "POST PATH/a HTTP/1.1\r\nAUTH\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n",
            413,
            "body_too_large",
        ),
    ] {
        behind.upstream.answers(answer.as_bytes());
        let request = behind.fill(request);
        crate::support::raw::converse_until_closed(&addr, request.as_bytes()).await;
        has_reason(&behind.keydesk, &log, status, reason).await;
    }
}

/// In the access log, the metrics, and at the level of the log that is the default.
async fn has_reason(keydesk: &crate::support::Keydesk, log: &Path, status: u16, reason: &str) {
    eventually(&format!("{reason} is recorded"), async || {
        let is_logged =
            lines(log).iter().any(|line| line["reason"] == reason && line["status"] == status);
        let metrics = keydesk.status("/metrics").await.1;
        is_logged && metrics.contains(&format!("keydesk_failures_total{{reason=\"{reason}\"}} 1"))
    })
    .await;
    let printed = keydesk.printed();
    let line = printed.lines().find(|line| line.contains(&format!("reason=\"{reason}\"")));
    let line = line.unwrap_or_else(|| panic!("{reason} is not in the log"));
    assert!(line.contains(" INFO ") || line.contains(" WARN "), "{line}");
}

#[tokio::test]
async fn failures_that_take_a_server_of_their_own_have_reasons_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let nowhere = format!("http://127.0.0.1:{}", crate::support::free_port());
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tls = format!("https://{}", plain.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(plain, axum::Router::new()).await });
    let sleeping = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let asleep = format!("http://{}", sleeping.local_addr().expect("an address"));
    let config = format!(
        "[limits]\nresponse_timeout_seconds = 1\n[[upstreams]]\nprefix = \"/\"\nurls = [\"{nowhere}\"]\n\
         [[upstreams]]\nprefix = \"/tls\"\nurls = [\"{tls}\"]\n[[upstreams]]\nprefix = \"/asleep\"\nurls = [\"{asleep}\"]\n\
         [[upstreams]]\nprefix = \"/unknown\"\nurls = [\"http://no-such-host.invalid\"]\n{}",
        observed(&log)
    );
    let api = InFront::with(&config).await;
    for (path, status, reason) in [
        ("/a", 502, "connection_refused"),
        ("/tls", 502, "tls_error"),
        ("/asleep", 504, "response_timeout"),
        ("/unknown", 502, "dns_error"),
    ] {
        assert_eq!(api.get(path).await.status(), status);
        has_reason(&api.keydesk, &log, status, reason).await;
    }
}

#[tokio::test]
async fn the_access_log_tells_sizes_times_and_who_with_whom() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let behind = Behind::start(&observed(&log)).await;
    let token = behind.token.clone();
    let request = format!(
        "POST PATH/a HTTP/1.1\r\nAUTH\r\nUser-Agent: okhttp/4.9 {token}\r\nContent-Length: 5\r\n\r\nhello"
    );
    behind.send(&request).await;
    eventually("it is logged", async || !lines(&log).is_empty()).await;
    let line = lines(&log).remove(0);
    assert_eq!(line["bytes_received"], 5);
    assert_eq!(line["bytes_sent"], 2);
    assert_eq!(line["protocol"], "HTTP/1.1");
    assert_eq!(line["user_agent"], "okhttp/4.9 [token]");
    assert_eq!(line["upstream_server"], behind.upstream.url.trim_start_matches("http://"));
    assert_eq!(line["responder"], "upstream");
    assert_eq!((&line["code"], &line["reason"]), (&Value::Null, &Value::Null));
    let (total, upstream) = (line["duration_us"].as_u64(), line["upstream_duration_us"].as_u64());
    assert!(total >= upstream && upstream.is_some_and(|micros| micros > 0), "{line}");
}

/// A full disk costs lines, which are counted, and never half a line.
#[tokio::test]
async fn a_full_disk_counts_the_lines_that_it_costs() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("makes");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&disk)
        .status();
    assert!(mounted.expect("mount runs").success(), "a small file system can be mounted");
    let unmount = Unmount(disk.clone());
    let log = disk.join("access.log");
    let behind = Behind::start(&observed(&log)).await;
    let path = "x".repeat(900);
    for _ in 0..200 {
        behind
            .send_bytes(
                behind
                    .fill(&format!("GET PATH/{path} HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n"))
                    .as_bytes(),
            )
            .await;
        if lost(&behind).await > 0 {
            break;
        }
    }
    assert!(lost(&behind).await > 0);
    let text = std::fs::read_to_string(&log).expect("reads");
    assert!(text.ends_with('\n'), "no half line");
    let whole = lines(&log).len();
    std::fs::write(&log, "").expect("is emptied");
    behind.send("GET PATH/again HTTP/1.1\r\nAUTH\r\n\r\n").await;
    eventually("it is written again", async || {
        lines(&log).iter().any(|line| line["path"] == "/again")
    })
    .await;
    assert!(whole > 0);
    drop(behind);
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn lost(behind: &Behind) -> u64 {
    let metrics = behind.keydesk.status("/metrics").await.1;
    let line =
        metrics.lines().find_map(|line| line.strip_prefix("keydesk_access_log_lines_lost_total "));
    line.expect("is counted").parse().expect("a number")
}

#[tokio::test]
async fn sighup_and_sigusr1_open_the_log_again_and_end_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let behind = Behind::start(&observed(&log)).await;
    for signal in ["HUP", "USR1"] {
        std::fs::rename(&log, folder.path().join(signal)).expect("is moved away");
        behind.keydesk.signal(signal);
        eventually("there is a new file", async || log.exists()).await;
        behind.send("GET PATH/a HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n").await;
        eventually("it is written to", async || !lines(&log).is_empty()).await;
    }
    let plain = Behind::start("").await;
    plain.keydesk.signal("HUP");
    plain.keydesk.signal("USR1");
    assert!(
        plain.send("GET PATH/a HTTP/1.1\r\nAUTH\r\n\r\n").await.starts_with("HTTP/1.1 200 "),
        "it lives on"
    );
}

#[tokio::test]
async fn metrics_tell_upstreams_statuses_long_times_and_the_process() {
    let api = InFront::with("[observe]\nstatus = \"127.0.0.1:0\"\n").await;
    api.get("/api/v1/contacts").await;
    let metrics = api.keydesk.status("/metrics").await.1;
    for sample in [
        "keydesk_upstream_responses_total{upstream=\"/\",status=\"200\"} 1",
        "keydesk_upstream_response_seconds_bucket{upstream=\"/\",le=\"300\"} 1",
        "keydesk_upstream_response_seconds_count{upstream=\"/\"} 1",
        "keydesk_request_duration_seconds_bucket{le=\"300\"} 1",
        "keydesk_requests_in_flight 0",
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_max_fds ",
        "process_start_time_seconds ",
    ] {
        assert!(metrics.contains(sample), "{sample} is missing: {metrics}");
    }
}

/// A response that the drain cuts off is in the log, as one that a client has left.
#[tokio::test]
async fn what_a_stopping_gateway_cuts_off_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", upstream.local_addr().expect("an address"));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = upstream.accept().await.expect("accepts");
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_mins(1)).await;
                drop(stream);
            });
        }
    });
    let config = format!("[limits]\ndrain_timeout_seconds = 1\n{}", observed(&log));
    let mut api = InFront::of(&url, &config).await;
    let request = format!(
        "GET {}/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        api.prefix(),
        api.token
    );
    let mut client = TcpStream::connect(api.keydesk.gateway.trim_start_matches("http://"))
        .await
        .expect("connects");
    client.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = vec![0; 4096];
    assert!(client.read(&mut answer).await.expect("reads") > 0);
    tokio::task::spawn_blocking(move || api.keydesk.stop()).await.expect("stops");
    let line = lines(&log).remove(0);
    assert_eq!(
        (&line["status"], &line["reason"], &line["bytes_sent"]),
        (&200.into(), &"shutdown".into(), &4.into())
    );
}

#[tokio::test]
async fn every_reason_stands_in_the_guide() {
    let guide =
        std::fs::read_to_string(crate::documents::repository().join("docs/guide/operation.md"))
            .expect("reads");
    let keydesk = crate::support::Keydesk::start_with(&Options {
        config: "[observe]\nstatus = \"127.0.0.1:0\"\n".to_owned(),
        ..Options::default()
    });
    let metrics = keydesk.status("/metrics").await.1;
    let reasons =
        metrics.lines().filter_map(|line| line.strip_prefix("keydesk_failures_total{reason=\""));
    let mut count = 0;
    for reason in reasons.filter_map(|rest| rest.split('"').next()) {
        assert!(
            guide.contains(&format!("| `{reason}` |")),
            "{reason} is not in docs/guide/operation.md"
        );
        count += 1;
    }
    assert!(count > 20);
}
