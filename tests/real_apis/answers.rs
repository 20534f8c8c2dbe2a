//! Responses arrive in full, also during large uploads, and report what has happened.

use super::{InFront, Server, client_script, header};
use crate::support::{PATIENCE, free_port, raw::RawUpstream};
use reqwest::Method;
use std::{
    process::Command,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const SIZE: usize = 50 * 1024 * 1024;
const TIMES: usize = 100;

/// How many of the uploads to `url` got a 401.
fn count(program: &str, arguments: &[&str]) -> usize {
    let output = Command::new(program)
        .args(arguments)
        .env("GOCACHE", std::env::temp_dir().join("keydesk-go"))
        .output();
    let output = output.unwrap_or_else(|error| panic!("{program}, which ./test installs: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    printed.parse().unwrap_or_else(|_| panic!("{program}: {printed} {errors}"))
}

/// An early answer to an upload is lost where a connection is closed with unread bytes.
#[tokio::test]
async fn no_client_loses_a_401_to_a_large_upload() {
    let upstream = RawUpstream::start().await;
    let api = InFront::of(&upstream.url, "").await;
    let url = format!("{}/files", api.endpoint);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large").display().to_string();
    std::fs::write(&file, vec![0; SIZE]).expect("writes");
    let uploads = tokio::task::spawn_blocking(move || {
        let (size, times) = (SIZE.to_string(), TIMES.to_string());
        let script = |name: &str| client_script(name).display().to_string();
        let curl = |_| {
            let arguments = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:"];
            let output = Command::new("curl")
                .args(arguments)
                .args(["--data-binary", &format!("@{file}"), &url])
                .output();
            usize::from(output.expect("curl runs").stdout == b"401")
        };
        [
            ("curl", (0..TIMES).map(curl).sum()),
            ("Go", count("go", &["run", &script("upload.go"), &url, &size, &times])),
            ("node", count("node", &[&script("upload.mjs"), &url, &size, &times])),
            ("Java", count("java", &["-Xmx512m", &script("Upload.java"), &url, &size, &times])),
        ]
    });
    for (client, got) in uploads.await.expect("ends") {
        assert_eq!(got, TIMES, "{client} lost {} of {TIMES} answers", TIMES - got);
    }
    assert!(upstream.requests().is_empty());
}

/// A server that does what it was asked, and dies before it says so.
async fn dies_after_executing() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let executed = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
    let count = std::sync::Arc::clone(&executed);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let length = stream.read(&mut request).await.unwrap_or(0);
            if request[..length].starts_with(b"POST") {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }
    });
    (url, executed)
}

#[tokio::test]
async fn a_post_that_may_have_been_carried_out_is_told_so_and_not_sent_again() {
    let (url, executed) = dies_after_executing().await;
    let api = InFront::of(&url, "").await;
    for body in ["", "small"] {
        let answer = api.request(Method::POST, "/orders").body(body).send().await.expect("answers");
        assert_eq!(answer.status(), 502);
        assert_eq!(
            header(&answer, "proxy-status"),
            "keydesk; error=connection_terminated; details=\"upstream_connection_lost\""
        );
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "upstream_connection_lost");
        assert!(problem["detail"].as_str().expect("text").contains("may have been carried out"));
    }
    assert_eq!(executed.load(std::sync::atomic::Ordering::SeqCst), 2, "each once");
    let nowhere = InFront::of(&format!("http://127.0.0.1:{}", free_port()), "").await;
    let answer = nowhere.request(Method::POST, "/orders").send().await.expect("answers");
    let problem: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "upstream_unreachable");
    assert!(problem["detail"].as_str().expect("text").contains("was not sent"));
}

#[tokio::test]
async fn an_upstreams_own_401_can_be_told_from_ours() {
    let server = Server::python("tests/clients/orders_fastapi.py").await;
    let log = tempfile::NamedTempFile::new().expect("a file");
    let config =
        format!("[observe]\nstatus = \"127.0.0.1:0\"\naccess_log = \"{}\"\n", log.path().display());
    let api = InFront::of(&server.url(), &config).await;
    let theirs = api.get("/v1/none-of-yours").await;
    assert_eq!(theirs.status(), 403);
    assert_eq!(header(&theirs, "proxy-status"), "keydesk; received-status=403");
    let ours =
        crate::support::call(&format!("{}/v1/orders/", api.endpoint), Some("Bearer kd_u_x")).await;
    assert_eq!(
        header(&ours, "proxy-status"),
        "keydesk; error=http_request_denied; details=\"malformed_token\""
    );
    assert!(header(&api.get("/v1/orders/").await, "proxy-status").is_empty());
    let metrics = api.keydesk.status("/metrics").await.1;
    assert!(
        metrics.contains("keydesk_upstream_responses_total{upstream=\"/\",status=\"403\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("keydesk_requests_total{outcome=\"malformed_token\"} 1"));
    crate::support::eventually("it is logged", async || {
        let text = std::fs::read_to_string(log.path()).expect("reads");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let responder = |status: u16| {
            lines.iter().find(|line| line["status"] == status).map(|line| line["responder"].clone())
        };
        responder(403) == Some("upstream".into()) && responder(401) == Some("keydesk".into())
    })
    .await;
}

/// A load balancer in front is one address with thousands of connections.
#[tokio::test]
async fn a_balancer_may_hold_more_connections_than_one_client() {
    const CONNECTIONS: usize = 2_500;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let opened = std::sync::Arc::clone(&gate);
    let router = axum::Router::new().fallback(move || {
        let gate = std::sync::Arc::clone(&opened);
        async move {
            drop(gate.acquire().await);
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = "trusted_proxies = [\"127.0.0.1\"]\n[observe]\nstatus = \"127.0.0.1:0\"\n";
    let api = InFront::of(&upstream, config).await;
    for balancer in
        [Balancer::nginx(&api.keydesk.gateway).await, Balancer::haproxy(&api.keydesk.gateway).await]
    {
        let request = format!(
            "GET {}/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            api.prefix(),
            api.token
        );
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut client =
                TcpStream::connect(("127.0.0.1", balancer.port)).await.expect("connects");
            client.write_all(request.as_bytes()).await.expect("writes");
            clients.push(client);
        }
        crate::support::eventually("all are in flight", async || {
            let metrics = api.keydesk.status("/metrics").await.1;
            metrics.contains(&format!("keydesk_requests_in_flight {CONNECTIONS}\n"))
        })
        .await;
        gate.add_permits(tokio::sync::Semaphore::MAX_PERMITS / 8);
        for mut client in clients {
            let mut answer = String::new();
            let read = client.read_to_string(&mut answer);
            tokio::time::timeout(PATIENCE, read).await.expect("in time").expect("reads");
            assert!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", balancer.name);
        }
        gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS / 8);
    }
    let metrics = api.keydesk.status("/metrics").await.1;
    assert!(metrics.contains("keydesk_failures_total{reason=\"too_many_connections_per_ip\"} 0"));
}

struct Balancer {
    name: &'static str,
    port: u16,
    process: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Balancer {
    async fn start(
        name: &'static str,
        program: &str,
        config: impl Fn(u16, &str) -> String,
        arguments: &[&str],
    ) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
        let path = folder.path().join("config").display().to_string();
        std::fs::write(&path, config(port, &folder.path().display().to_string())).expect("writes");
        let process =
            Command::new(program).args(arguments).arg(&path).spawn().expect("./test installs it");
        crate::support::eventually("the balancer listens", async || {
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self { name, port, process, _folder: folder }
    }

    /// As Debian's packages are set up, but for the number of connections, which it leaves at 768.
    async fn nginx(gateway: &str) -> Self {
        Self::start(
            "nginx",
            "/usr/sbin/nginx",
            |port, folder| format!(
                "daemon off; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/log;\nevents {{ worker_connections 8192; }}\n\
                 http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n\
                 uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n\
                 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {gateway}; }} }} }}"
            ),
            &["-e", "/dev/null", "-c"],
        )
        .await
    }

    async fn haproxy(gateway: &str) -> Self {
        let server = gateway.trim_start_matches("http://").to_owned();
        Self::start(
            "haproxy",
            "/usr/sbin/haproxy",
            |port, _| format!(
                "global\n maxconn 8000\ndefaults\n mode http\n timeout connect 5000\n timeout client 50000\n timeout server 50000\n\
                 frontend f\n bind 127.0.0.1:{port}\n maxconn 8000\n default_backend b\nbackend b\n server k {server}\n"
            ),
            &["-db", "-f"],
        )
        .await
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// Of two servers one is away: connecting to it is waited for once, and not on every so many requests.
#[tokio::test]
async fn a_dead_server_of_two_costs_its_time_once() {
    let well = RawUpstream::start().await;
    // Nobody accepts there, and the queue is full: connecting hangs.
    let hole =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    hole.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("binds");
    hole.listen(0).expect("listens");
    let addr = hole.local_addr().expect("an address").as_socket().expect("is one");
    let in_queue: Vec<_> = (0..2)
        .map(|_| std::net::TcpStream::connect_timeout(&addr, Duration::from_millis(300)))
        .collect();
    let config = format!(
        "[observe]\nstatus = \"127.0.0.1:0\"\n[limits]\nconnect_timeout_seconds = 2\n[[upstreams]]\nprefix = \"/\"\nurls = [\"http://{addr}\", \"{}\"]\n",
        well.url
    );
    let api = InFront::with(&config).await;
    let mut waited = 0;
    for _ in 0..40 {
        let start = Instant::now();
        assert_eq!(api.get("/a").await.status(), 200);
        waited += u32::from(start.elapsed() >= Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(waited <= 1, "{waited} requests have waited");
    let metrics = api.keydesk.status("/metrics").await.1;
    assert!(
        metrics.contains("keydesk_upstream_servers{upstream=\"/\",state=\"aside\"} 1"),
        "{metrics}"
    );
    drop((hole, in_queue));
    let listener = TcpListener::bind(addr).await.expect("the port is free");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    crate::support::eventually("it is found again", async || {
        let metrics = api.keydesk.status("/metrics").await.1;
        metrics.contains("keydesk_upstream_servers{upstream=\"/\",state=\"usable\"} 2")
    })
    .await;
}

/// Balancers keep connections for a minute: the balancer must be the first to close.
#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_balancers_keep_theirs() {
    let api = InFront::of(
        &RawUpstream::start().await.url,
        "[limits]\nkeep_alive_timeout_seconds = 2\nidle_timeout_seconds = 1\n",
    )
    .await;
    let addr = api.keydesk.gateway.trim_start_matches("http://");
    let mut client = TcpStream::connect(addr).await.expect("connects");
    let request = format!(
        "GET {}/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        api.prefix(),
        api.token
    );
    client.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = vec![0; 4096];
    assert!(client.read(&mut answer).await.expect("reads") > 0);
    let start = Instant::now();
    assert_eq!(client.read(&mut answer).await.expect("reads"), 0, "it is closed");
    assert!(
        start.elapsed() >= Duration::from_millis(1_900),
        "its own time counts: {:?}",
        start.elapsed()
    );
}

/// A server that never comes back keeps no server of another upstream aside.
#[tokio::test]
async fn each_upstream_finds_its_own_servers_again() {
    let well = RawUpstream::start().await;
    let (never, later) = (free_port(), free_port());
    let config = format!(
        "[observe]\nstatus = \"127.0.0.1:0\"\n\
         [[upstreams]]\nprefix = \"/longer\"\nurls = [\"{0}\", \"http://127.0.0.1:{never}\"]\n\
         [[upstreams]]\nprefix = \"/\"\nurls = [\"{0}\", \"http://127.0.0.1:{later}\"]\n",
        well.url
    );
    let api = InFront::with(&config).await;
    for path in ["/longer/a", "/longer/a", "/a", "/a"] {
        assert_eq!(api.get(path).await.status(), 200);
    }
    let state = async |text: &str| api.keydesk.status("/metrics").await.1.contains(text);
    assert!(state("keydesk_upstream_servers{upstream=\"/\",state=\"aside\"} 1").await);
    let listener = TcpListener::bind(("127.0.0.1", later)).await.expect("the port is free");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    crate::support::eventually("it is found again", async || {
        state("keydesk_upstream_servers{upstream=\"/\",state=\"usable\"} 2").await
    })
    .await;
    assert!(state("keydesk_upstream_servers{upstream=\"/longer\",state=\"aside\"} 1").await);
}
