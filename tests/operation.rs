//! What operators rely on: TLS whose certificate changes, restarts that nobody notices, metrics,
//! health, logs and traces.

use crate::support::raw::{Behind, RawUpstream, outcome};
use crate::support::{Keydesk, Options, PASSWORD, User, eventually};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

struct Tls {
    folder: tempfile::TempDir,
}

impl Tls {
    fn new() -> Self {
        let tls = Self { folder: tempfile::tempdir().expect("a folder") };
        tls.renew();
        tls
    }

    /// A new certificate in the same files; tells it as PEM.
    fn renew(&self) -> String {
        let made = rcgen::generate_simple_self_signed(vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
        ])
        .expect("made");
        std::fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).expect("writes");
        std::fs::write(self.path("cert.pem"), made.cert.pem()).expect("writes");
        made.cert.pem()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn config(&self) -> String {
        format!(
            "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
            self.path("cert.pem"),
            self.path("key.pem")
        )
    }

    fn certificate(&self) -> String {
        std::fs::read_to_string(self.path("cert.pem")).expect("reads")
    }
}

/// A client that trusts this certificate and nothing else.
fn client(certificate: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("PEM");
    crate::support::client()
        .tls_certs_only([certificate])
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

#[tokio::test]
async fn tls_is_spoken_on_both_listeners_and_a_new_certificate_is_taken_up() {
    let tls = Tls::new();
    let upstream = RawUpstream::start().await;
    let config = format!("upstream = \"{}\"\n{}", upstream.url, tls.config());
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    assert!(keydesk.console.starts_with("https://") && keydesk.gateway.starts_with("https://"));
    let old = client(&tls.certificate());
    let link = keydesk.setup_link.clone().expect("no account yet");
    let form = [
        ("account", "Acme"),
        ("name", "Ann"),
        ("email", "ann@acme.example"),
        ("password", PASSWORD),
    ];
    let opened = old.post(&link).form(&form).send().await.expect("answers");
    assert_eq!(opened.status(), 303);
    let cookie = opened.headers()["set-cookie"].to_str().expect("ASCII").to_owned();
    assert!(cookie.starts_with("__Host-keydesk=") && cookie.contains("; Secure"), "{cookie}");
    let page = old.get(format!("{}/api-docs", keydesk.console)).send().await.expect("answers");
    let page = page.text().await.expect("a page");
    let value = |id: &str| User::value_in(&page, id).expect("on the page");
    let (endpoint, token) = (value("endpoint-url"), value("bearer-token"));
    assert!(endpoint.starts_with("https://"), "{endpoint}");
    let call = async |client: &reqwest::Client| {
        client.get(format!("{endpoint}/x")).bearer_auth(&token).send().await
    };
    let answer = call(&old).await.expect("answers");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    assert!(upstream.take().remove(0).contains("x-forwarded-proto: https"));
    let http1 = crate::support::client()
        .http1_only()
        .tls_certs_only(
            [reqwest::Certificate::from_pem(tls.certificate().as_bytes()).expect("PEM")],
        )
        .build()
        .expect("a client");
    assert_eq!(call(&http1).await.expect("answers").version(), reqwest::Version::HTTP_11);
    let new = client(&tls.renew());
    eventually("the new certificate is shown", async || call(&new).await.is_ok()).await;
    assert_eq!(call(&old).await.expect("its connection stays").status(), 200);
    // What is no certificate changes nothing.
    std::fs::write(tls.path("cert.pem"), "rubbish").expect("writes");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(call(&new).await.expect("answers").status(), 200);
    keydesk.stop();
}

#[tokio::test]
async fn plain_http_on_a_tls_port_and_tls_on_a_plain_one_are_told_apart() {
    let behind = Behind::start("").await;
    let answer = behind.send_bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    assert!(outcome(&answer) == (400, 1) && answer.contains("tls_on_plain_port"), "{answer}");
    let tls = Tls::new();
    let config = format!("{}[observe]\nstatus = \"127.0.0.1:0\"\n", tls.config());
    let keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let address = keydesk.gateway.trim_start_matches("https://").to_owned();
    crate::support::raw::converse(&address, &[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]).await;
    let refused = "keydesk_connections_rejected_total{reason=\"tls\"} 1";
    eventually("it is counted", async || keydesk.status("/metrics").await.1.contains(refused))
        .await;
}

/// A Keydesk on a socket that the test keeps open, as systemd does.
fn on_socket(listener: &TcpListener, folder: &std::path::Path, upstream: &str) -> (Child, String) {
    let inherited: std::os::fd::OwnedFd = listener.try_clone().expect("clones").into();
    let mut child = Command::new("/bin/sh")
        .args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_keydesk"))
        .args(["--console", "127.0.0.1:0", "--log", "error", "--upstream", upstream])
        .current_dir(folder)
        .stdin(Stdio::from(inherited))
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let console = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.trim().strip_prefix("Console").map(|url| url.trim().to_owned()))
        .expect("it announces itself");
    let started = lines.by_ref().map_while(Result::ok).any(|line| line.trim().starts_with("Data"));
    assert!(started);
    std::thread::spawn(move || lines.for_each(drop));
    (child, console)
}

#[derive(Default)]
struct Tally {
    good: AtomicUsize,
    failed: Mutex<Vec<String>>,
    done: AtomicBool,
}

/// Sends request after request; a connection may be closed between two, never within one.
async fn keep_calling(addr: std::net::SocketAddr, request: String, tally: Arc<Tally>) {
    while !tally.done.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(addr).await else {
            tally.failed.lock().expect("not poisoned").push("no connection".to_owned());
            continue;
        };
        while !tally.done.load(Ordering::Relaxed) {
            let answer = exchange(&mut stream, &request).await;
            match answer {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
                    tally.good.fetch_add(1, Ordering::Relaxed);
                    if answer.contains("connection: close") {
                        break;
                    }
                }
                other => {
                    tally.failed.lock().expect("not poisoned").push(format!("{other:?}"));
                    break;
                }
            }
        }
    }
}

async fn exchange(stream: &mut TcpStream, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut more = [0; 1024];
    while !answer.ends_with(b"\r\n\r\nok") {
        let count = stream.read(&mut more).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&more[..count]);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Twenty restarts while eight clients call without a pause: none of 100,000 requests may fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_over_twenty_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = RawUpstream::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let opened = crate::support::run_in(
        folder.path(),
        &["setup", "--account", "Acme", "--email", "ann@acme.example", "--password-stdin"],
        PASSWORD,
    );
    assert!(opened.status.success());
    let (mut running, console) = on_socket(&listener, folder.path(), &upstream.url);
    let ann = User::logged_in(&console, "ann@acme.example", PASSWORD).await;
    let endpoint = ann.endpoint_url().await;
    let path = &endpoint[endpoint.rfind('/').expect("a path")..];
    let request = format!(
        "GET {path}/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        ann.bearer_token().await
    );
    let tally = Arc::<Tally>::default();
    let clients: Vec<_> = (0..8)
        .map(|_| tokio::spawn(keep_calling(addr, request.clone(), Arc::clone(&tally))))
        .collect();
    for restart in 0..20 {
        let target = (restart + 1) * 5_000;
        while tally.good.load(Ordering::Relaxed) < target {
            tokio::time::sleep(Duration::from_millis(20)).await;
            upstream.take();
            let failed = tally.failed.lock().expect("not poisoned").clone();
            assert!(failed.is_empty(), "before restart {restart}: {failed:?}");
        }
        let (next, _) = on_socket(&listener, folder.path(), &upstream.url);
        let mut old = std::mem::replace(&mut running, next);
        let _ = Command::new("kill").arg(old.id().to_string()).status();
        tokio::task::spawn_blocking(move || old.wait()).await.expect("ends").expect("ends");
    }
    tally.done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("ends");
    }
    let failed = tally.failed.lock().expect("not poisoned").clone();
    let good = tally.good.load(Ordering::Relaxed);
    let _ = running.kill();
    let _ = running.wait();
    assert!(failed.is_empty() && good >= 100_000, "{good} good, failed: {failed:?}");
}

#[tokio::test]
async fn f15_health_metrics_and_log_are_told_on_a_listener_of_their_own() {
    let log = tempfile::tempdir().expect("a folder");
    let file = log.path().join("access.log");
    let behind = Behind::start(&format!(
        "[observe]\nstatus = \"127.0.0.1:0\"\naccess_log = \"{}\"\n",
        file.display()
    ))
    .await;
    assert_eq!(behind.keydesk.status("/livez").await, (200, "alive\n".to_owned()));
    assert_eq!(behind.keydesk.status("/readyz").await, (200, "ready\n".to_owned()));
    for request in [
        "GET PATH/x?secret=canary HTTP/1.1\r\nAUTH\r\n\r\n",
        "GET PATH/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET PATH/a/../b HTTP/1.1\r\nAUTH\r\n\r\n",
        "rubbish\r\n\r\n",
    ] {
        behind.send(request).await;
    }
    let (status, metrics) = behind.keydesk.status("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "keydesk_requests_total{outcome=\"served\"} 1",
        "keydesk_requests_total{outcome=\"missing_token\"} 1",
        "keydesk_requests_total{outcome=\"ambiguous_path\"} 1",
        "keydesk_requests_total{outcome=\"malformed_request\"} 1",
        "keydesk_responses_total{class=\"2xx\"} 1",
        "keydesk_request_duration_seconds_count 4",
        "keydesk_upstream_connections_opened_total{upstream=\"/\"} 1",
        "keydesk_ready 1",
        "keydesk_tokens 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // T71: labels are codes and configured prefixes, never what a client sends.
    assert!(
        !metrics.contains("canary")
            && !metrics.contains(&behind.path)
            && !metrics.contains("kd_u_")
    );
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    eventually("the log is written", async || lines().lines().count() == 4).await;
    let records: Vec<Value> =
        lines().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (&records[0]["status"], &records[0]["path"], &records[0]["upstream"]),
        (&200.into(), &"/x".into(), &"/".into())
    );
    assert_eq!(records[0]["account"].as_str(), Some(&behind.path[1..]));
    assert!(records[0]["token"].as_str().is_some_and(|id| id.starts_with("tok_")));
    assert_eq!(
        (&records[1]["code"], &records[3]["code"]),
        (&"missing_token".into(), &"malformed_request".into())
    );
    let text = lines();
    assert!(!text.contains("canary") && !text.contains(&behind.token), "{text}");
    // Moved away, the file is opened anew.
    std::fs::rename(&file, log.path().join("access.log.1")).expect("renames");
    tokio::time::sleep(Duration::from_millis(800)).await;
    behind.send("GET PATH/after HTTP/1.1\r\nAUTH\r\n\r\n").await;
    eventually("the new file is written", async || lines().contains("/after")).await;
}

#[tokio::test]
async fn f15_a_trace_is_passed_on_and_its_span_exported() {
    let collector = RawUpstream::start().await;
    collector.answers(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let behind =
        Behind::start(&format!("[observe]\notlp = \"{}\"\ntrace_ratio = 0.0\n", collector.url))
            .await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    behind.send(&format!("GET PATH/x?canary=1 HTTP/1.1\r\nAUTH\r\nTraceparent: {parent}\r\nTracestate: a=b\r\n\r\n")).await;
    behind.send("GET PATH/not-sampled HTTP/1.1\r\nAUTH\r\n\r\n").await;
    let got = behind.upstream.take();
    let passed = got[0]
        .split("traceparent: ")
        .nth(1)
        .expect("is passed on")
        .split("\r\n")
        .next()
        .expect("ends")
        .to_owned();
    assert!(
        passed.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")
            && passed.ends_with("-01")
            && passed != parent,
        "{passed}"
    );
    assert!(got[0].contains("Tracestate: a=b") && got[1].contains("traceparent: 00-"));
    eventually("the span is exported", async || !collector.requests().is_empty()).await;
    let exported = collector.take().remove(0);
    assert!(exported.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{exported}");
    let body: Value =
        serde_json::from_str(exported.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    let spans =
        body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone();
    assert_eq!(spans.len(), 1, "{body}");
    assert_eq!(spans[0]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(spans[0]["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(spans[0]["spanId"].as_str(), passed.split('-').nth(2));
    assert!(!exported.contains("canary") && !exported.contains(&behind.token));
}

#[tokio::test]
async fn without_tracing_the_caller_s_trace_passes_as_it_is() {
    let behind = Behind::start("").await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    behind.send(&format!("GET PATH/x HTTP/1.1\r\nAUTH\r\ntraceparent: {parent}\r\n\r\n")).await;
    assert!(behind.upstream.take().remove(0).contains(&format!("\r\ntraceparent: {parent}\r\n")));
}

#[tokio::test]
async fn what_is_configured_wrong_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("short"), "short").expect("writes");
    for (config, says) in [
        (
            "[[upstreams]]\nprefix = \"billing\"\nurls = [\"http://a\"]",
            "is not a path such as /billing",
        ),
        ("[[upstreams]]\nprefix = \"/b\"\nurls = []", "it has no urls"),
        (
            "[[upstreams]]\nprefix = \"/b\"\nurls = [\"http://a/x\", \"http://b/y\"]",
            "must have the same scheme and path",
        ),
        (
            "[[upstreams]]\nprefix = \"/b\"\nurls = [\"http://a\"]\ncredential_header = \"X\"",
            "name the file that holds its value",
        ),
        (
            "upstream = \"http://a\"\n[[upstreams]]\nprefix = \"/\"\nurls = [\"http://b\"]",
            "keep one",
        ),
        ("[signature]\nkey_file = \"short\"", "at least 32 bytes"),
        ("[signature]\nkey_file = \"none\"", "none cannot be read"),
        ("[tls]\ncertificate = \"cert.pem\"", "give certificate and key"),
        ("[tls]\ncertificate = \"none\"\nkey = \"none\"", "tls.certificate none cannot be read"),
        ("[observe]\nstatus = \"9090\"", "is not an address and port"),
        ("[observe]\ntrace_ratio = 2.0", "is not between 0 and 1"),
        ("[observe]\naccess_log = \"no/such/folder/log\"", "cannot be written to"),
    ] {
        std::fs::write(folder.path().join("keydesk.toml"), config).expect("writes");
        let args =
            ["--config", "keydesk.toml", "--console", "127.0.0.1:0", "--gateway", "127.0.0.1:0"];
        let output = crate::support::run_in(folder.path(), &args, "");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(says), "{config}: {message}");
    }
}

#[tokio::test]
async fn a_certificate_is_had_by_acme_and_kept() {
    let server = crate::support::acme::AcmeServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, &server.authority).expect("writes");
    let upstream = RawUpstream::start().await;
    let port = crate::support::free_port();
    server.looks_at(&format!("127.0.0.1:{port}"));
    let config = format!(
        "upstream = \"{}\"\npublic_gateway_url = \"https://api.test.example\"\n[tls.acme]\ndomains = [\"api.test.example\"]\ncontact = \"mailto:ops@test.example\"\ndirectory = \"{}\"\nca_file = \"{}\"\n",
        upstream.url,
        server.directory,
        authority.display()
    );
    let options =
        Options { config, gateway: Some(format!("127.0.0.1:{port}")), ..Options::default() };
    let keydesk = Keydesk::start_with(&options);
    eventually("the certificate is signed", async || server.issued() == 1).await;
    let client = crate::support::client()
        .tls_certs_only([reqwest::Certificate::from_pem(server.authority.as_bytes()).expect("PEM")])
        .resolve("api.test.example", std::net::SocketAddr::from(([127, 0, 0, 1], port)))
        .build()
        .expect("a client");
    let url = format!("https://api.test.example:{port}/385403/x");
    eventually("it is shown", async || {
        client.get(&url).send().await.is_ok_and(|answer| answer.status() == 401)
    })
    .await;
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(keydesk.data().join("acme/key.pem")).expect("is kept").permissions(),
    );
    assert_eq!(mode & 0o077, 0, "its key is for its owner's eyes");
    // After a restart the kept one is shown, and no other is asked for.
    let _keydesk = keydesk.restart(&options);
    eventually("it is shown again", async || {
        client.get(&url).send().await.is_ok_and(|answer| answer.status() == 401)
    })
    .await;
    assert_eq!(server.issued(), 1);
}

/// `/status` lists the background work of the process, and when each job ran.
#[tokio::test]
async fn status_lists_background_jobs_and_their_last_runs() {
    let config = "[observe]\nstatus = \"127.0.0.1:0\"\n".to_owned();
    let keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let jobs = async || -> serde_json::Value {
        let status = keydesk.status("/status").await.1;
        serde_json::from_str::<serde_json::Value>(&status).expect("JSON")["background"].take()
    };
    eventually("each job has run", async || {
        let ran =
            |job: &serde_json::Value| job["last_run_at"].is_string() && job["error"].is_null();
        jobs().await.as_array().is_some_and(|jobs| jobs.len() >= 6 && jobs.iter().all(ran))
    })
    .await;
    let jobs = jobs().await;
    let names = jobs.as_array().expect("a list").iter().map(|job| job["name"].to_string());
    let names = names.collect::<String>();
    assert!(names.contains("webhooks") && names.contains("canary_alarms"), "{jobs}");
    // Without a mail server there is no mail to retry.
    assert!(!names.contains("mail"), "{jobs}");
}
