//! Upstreams: by path, with credentials, over TLS, set aside when they fail; requests tried again
//! only where that is safe; signatures that others can check.

use crate::support::raw::{Behind, RawUpstream, converse, outcome};
use crate::support::{Keydesk, Options, User, eventually, free_port};
use std::{
    io::Write,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A Keydesk with this configuration; the path and the token of its account.
async fn with(config: &str) -> (Keydesk, User, String, String) {
    let options = Options { config: config.to_owned(), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    let path = ann.endpoint_url().await.trim_start_matches(&keydesk.gateway).to_owned();
    let token = ann.bearer_token().await;
    (keydesk, ann, path, token)
}

async fn get(keydesk: &Keydesk, path: &str, token: &str) -> String {
    send(keydesk, "GET", path, token).await
}

async fn send(keydesk: &Keydesk, method: &str, path: &str, token: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    converse(&keydesk.gateway, &[request.as_bytes()]).await
}

#[tokio::test]
async fn t34_a_request_goes_to_the_longest_prefix_by_whole_segments() {
    let [all, billing, deep] =
        [RawUpstream::start().await, RawUpstream::start().await, RawUpstream::start().await];
    let config = format!(
        "upstream = \"{}\"\n[[upstreams]]\nprefix = \"/billing\"\nurls = [\"{}/base\"]\n[[upstreams]]\nprefix = \"/billing/deep\"\nurls = [\"{}\"]\n",
        all.url, billing.url, deep.url
    );
    let (keydesk, _ann, path, token) = with(&config).await;
    for (asked, upstream, got) in [
        ("/x", &all, "/x"),
        ("/billing", &billing, "/base/billing"),
        ("/billing/x?y", &billing, "/base/billing/x?y"),
        ("/billing-x", &all, "/billing-x"),
        ("/billing/deep/x", &deep, "/billing/deep/x"),
        ("/billing/deeper", &billing, "/base/billing/deeper"),
        // Read as the scope rules read it.
        ("/%62illing/7", &billing, "/base/%62illing/7"),
        ("/billin%67/7", &billing, "/base/billin%67/7"),
        ("/billing;v=1/7", &billing, "/base/billing;v=1/7"),
        ("/billing/%64eep;a/x", &deep, "/billing/%64eep;a/x"),
    ] {
        assert_eq!(
            outcome(&get(&keydesk, &format!("{path}{asked}"), &token).await),
            (200, 1),
            "{asked}"
        );
        let request = upstream.take().remove(0);
        assert!(request.starts_with(&format!("GET {got} HTTP/1.1\r\n")), "{request}");
        assert!(all.take().is_empty() && billing.take().is_empty() && deep.take().is_empty());
    }
}

#[tokio::test]
async fn where_no_prefix_fits_nothing_is_served() {
    let billing = RawUpstream::start().await;
    let config = format!("[[upstreams]]\nprefix = \"/billing\"\nurls = [\"{}\"]\n", billing.url);
    let (keydesk, _ann, path, token) = with(&config).await;
    let answer = get(&keydesk, &format!("{path}/x"), &token).await;
    assert!(outcome(&answer) == (404, 1) && answer.contains("no_route"), "{answer}");
}

/// An upstream that takes requests and closes; counts them.
async fn that_hangs_up() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let count = Arc::<AtomicUsize>::default();
    let seen = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            if read > 0 && !String::from_utf8_lossy(&bytes[..read]).contains("/openapi.json") {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    (url, count)
}

#[tokio::test]
async fn only_what_is_safe_is_tried_again() {
    let (url, count) = that_hangs_up().await;
    let (keydesk, _ann, path, token) = with(&format!("upstream = \"{url}\"\n")).await;
    for (method, times) in [("POST", 1), ("PATCH", 1), ("GET", 3), ("PUT", 3), ("DELETE", 3)] {
        count.store(0, Ordering::Relaxed);
        let answer = send(&keydesk, method, &format!("{path}/x"), &token).await;
        assert_eq!(outcome(&answer), (502, 1), "{method}: {answer}");
        assert_eq!(count.load(Ordering::Relaxed), times, "{method}");
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let behind = Behind::start("").await;
    behind.upstream.answers(b"HTTP/1.1 200 OK\r\ncont");
    let answer = behind.send("GET PATH/x HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert_eq!(outcome(&answer), (502, 1), "{answer}");
    assert_eq!(behind.upstream.take().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_passed_over_and_then_set_aside() {
    let live = RawUpstream::start().await;
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"http://127.0.0.1:{}\", \"{}\"]\n[observe]\nstatus = \"127.0.0.1:0\"\n",
        free_port(),
        live.url
    );
    let (keydesk, _ann, path, token) = with(&config).await;
    for _ in 0..12 {
        assert_eq!(
            outcome(&send(&keydesk, "POST", &format!("{path}/x"), &token).await),
            (200, 1),
            "nothing was sent, so even a POST"
        );
    }
    assert_eq!(live.take().len(), 12);
    let metrics = keydesk.status("/metrics").await.1;
    assert!(
        metrics.contains("keydesk_upstream_servers{upstream=\"/\",state=\"aside\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_server_that_says_it_is_ill_gets_no_requests() {
    let [ill, well] = [RawUpstream::start().await, RawUpstream::start().await];
    ill.answers(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\", \"{}\"]\nhealth_check_path = \"/healthz\"\n[observe]\nstatus = \"127.0.0.1:0\"\n",
        ill.url, well.url
    );
    let (keydesk, _ann, path, token) = with(&config).await;
    let is_aside = async || keydesk.status("/metrics").await.1.contains("state=\"aside\"} 1");
    eventually("the ill one is set aside", is_aside).await;
    ill.take();
    for _ in 0..6 {
        assert_eq!(outcome(&get(&keydesk, &format!("{path}/x"), &token).await), (200, 1));
    }
    assert!(ill.take().iter().all(|request| request.starts_with("GET /healthz ")));
}

/// An upstream that answers every read with 200, over TLS; its port.
async fn that_speaks_tls(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: Vec<u8>,
) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], rustls::pki_types::PrivateKeyDer::Pkcs8(key.into()))
        .expect("fits");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_over_tls(acceptor.clone(), stream));
        }
    });
    port
}

async fn answer_over_tls(acceptor: tokio_rustls::TlsAcceptor, stream: tokio::net::TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut bytes = vec![0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    }
}

#[tokio::test]
async fn e6_an_upstream_s_certificate_is_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path.display().to_string()
    };
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let (right, wrong) =
        (write("right.pem", &made.cert.pem()), write("wrong.pem", &other.cert.pem()));
    let key = made.signing_key.serialize_der();
    let port = that_speaks_tls(made.cert.der().clone(), key).await;
    for (host, ca, status) in
        [("localhost", &right, 200), ("localhost", &wrong, 502), ("127.0.0.1", &right, 502)]
    {
        let config = format!(
            "[[upstreams]]\nprefix = \"/\"\nurls = [\"https://{host}:{port}\"]\nca_file = \"{ca}\"\n"
        );
        let (keydesk, _ann, path, token) = with(&config).await;
        let answer = get(&keydesk, &format!("{path}/x"), &token).await;
        assert_eq!(outcome(&answer), (status, 1), "{host} {ca}: {answer}");
    }
}

/// The program in the guide that is written in a language.
fn program(language: &str) -> String {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/upstreams.md");
    let guide = std::fs::read_to_string(guide).expect("reads");
    let start = guide.split(&format!("```{language}\n")).nth(1).expect("is in the guide");
    start.split("\n```").next().expect("ends").to_owned()
}

#[tokio::test]
async fn a_signature_can_be_checked_in_three_languages_with_the_guide_s_own_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("signing-key");
    std::fs::write(&key, "canary-signing-key-of-more-than-32-bytes\n").expect("writes");
    let behind = Behind::start(&format!("[signature]\nkey_file = \"{}\"\n", key.display())).await;
    behind
        .send("PATCH PATH/a%20b/c?x=1&y=%2F HTTP/1.1\r\nAUTH\r\nSignature: keydesk=:evil:\r\n\r\n")
        .await;
    behind.send("GET PATH HTTP/1.1\r\nAUTH\r\n\r\n").await;
    let requests = behind.upstream.take();
    for (language, interpreter) in [("python", "python3"), ("javascript", "node"), ("php", "php")] {
        let script = folder.path().join(format!("verify.{language}"));
        std::fs::write(&script, program(language)).expect("writes");
        let says = |request: &str| {
            let mut child = Command::new(interpreter)
                .arg(&script)
                .arg(&key)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("{interpreter}: {error}"));
            let _ = child.stdin.take().expect("piped").write_all(request.as_bytes());
            let output = child.wait_with_output().expect("ends");
            format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        };
        for request in &requests {
            assert_eq!(says(request), "valid\n", "{language}: {request}");
            for (from, to) in [
                ("keydesk-scopes: *", "keydesk-scopes: admin:*"),
                ("keydesk-account: ", "keydesk-account: 9"),
                (" HTTP/1.1", "/more HTTP/1.1"),
                ("created=1", "created=2"),
                ("\r\nsignature: ", "\r\nx-signature: "),
                ("\r\nkeydesk-token: ", "\r\nkeydesk-token: x\r\nkeydesk-token: "),
            ] {
                let forged = request.replacen(from, to, 1);
                assert_ne!(&forged, request, "{from}");
                assert!(says(&forged).starts_with("not valid: "), "{language} believes {forged}");
            }
        }
    }
}

/// Each server of an upstream gets its own `Host`, over both protocols, with and without a body.
#[tokio::test]
async fn every_server_of_an_upstream_is_told_its_own_host() {
    let [first, second] = [RawUpstream::start().await, RawUpstream::start().await];
    let by_name = second.url.replace("127.0.0.1", "localhost");
    let config =
        format!("[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\", \"{by_name}\"]\n", first.url);
    let (keydesk, _ann, path, token) = with(&config).await;
    let (mut at_first, mut at_second) = (0, 0);
    for number in 0..12 {
        let client = crate::support::client();
        let client =
            if number % 2 == 0 { client.http1_only() } else { client.http2_prior_knowledge() };
        let client = client.build().expect("a client");
        let request = client.post(format!("{}{path}/x", keydesk.gateway)).bearer_auth(&token);
        let streamed = futures_util::stream::iter([Ok::<_, std::io::Error>("a"), Ok("b")]);
        let request = if number % 3 == 0 {
            request
        } else {
            request.body(reqwest::Body::wrap_stream(streamed))
        };
        assert_eq!(request.send().await.expect("answers").status(), 200);
        for (upstream, url, count) in
            [(&first, &first.url, &mut at_first), (&second, &by_name, &mut at_second)]
        {
            for request in upstream.take() {
                let host = format!("host: {}\r\n", url.trim_start_matches("http://"));
                assert!(
                    request.contains(&host) && request.matches("host: ").count() == 2,
                    "{request}"
                );
                *count += 1;
            }
        }
    }
    assert!(at_first > 0 && at_second > 0, "{at_first} and {at_second}");
}

/// T10: `_method` in a query or a form, where the operator rejects it.
#[tokio::test]
async fn t10_a_parameter_does_not_change_the_method() {
    for (mode, status) in [("pass", 200), ("reject", 400)] {
        let api = RawUpstream::start().await;
        let config = format!("upstream = \"{}\"\nmethod_override = \"{mode}\"\n", api.url);
        let (keydesk, _ann, path, token) = with(&config).await;
        let url = format!("{}{path}/contacts/7", keydesk.gateway);
        for http2 in [false, true] {
            let client = crate::support::client();
            let client = if http2 { client.http2_prior_knowledge() } else { client.http1_only() };
            let client = client.build().expect("a client");
            let post = || client.post(&url).bearer_auth(&token);
            let pieces =
                futures_util::stream::iter([Ok::<_, std::io::Error>("a=b&_me"), Ok("thod=DELETE")]);
            let boundary = "multipart/form-data; boundary=x";
            let part = "--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n";
            let form = "application/x-www-form-urlencoded";
            for request in [
                post().query(&[("_method", "DELETE")]),
                post().form(&[("_method", "DELETE")]),
                post().header("content-type", form).body(reqwest::Body::wrap_stream(pieces)),
                post().header("content-type", boundary).body(part),
            ] {
                let answer = request.send().await.expect("answers");
                assert_eq!(answer.status(), status, "http2: {http2}");
            }
            let harmless = post().form(&[("a", "_method")]).send().await.expect("answers");
            assert_eq!(harmless.status(), 200);
        }
    }
}
