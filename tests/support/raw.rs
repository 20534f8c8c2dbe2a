//! Bytes, exactly as they are sent and as they arrive: a client and a recording upstream without an
//! HTTP library between.

use super::{Keydesk, Options};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An upstream that keeps the bytes of each request and answers 200 `ok`.
#[derive(Clone, Default)]
pub struct RawUpstream {
    requests: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
    pub url: String,
}

impl RawUpstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let upstream = Self { url, ..Self::default() };
        let shared = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().record(stream));
            }
        });
        upstream
    }

    /// From now on every request gets these bytes, and the connection is closed.
    pub fn answers(&self, bytes: &[u8]) {
        *self.answer.lock().expect("not poisoned") = Some(bytes.to_vec());
    }

    async fn record(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        loop {
            let Some(length) = whole_request(&bytes) else {
                let mut more = vec![0; 16 * 1024];
                match stream.read(&mut more).await {
                    Ok(count) if count > 0 => bytes.extend_from_slice(&more[..count]),
                    // What is left over is a request that never ended; it counts too.
                    _ => return self.keep(&bytes),
                }
                continue;
            };
            self.keep(&bytes[..length]);
            bytes.drain(..length);
            let answer = self.answer.lock().expect("not poisoned").clone();
            let usual = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            let _ = stream.write_all(answer.as_deref().unwrap_or(usual)).await;
            if answer.is_some() {
                return;
            }
        }
    }

    fn keep(&self, request: &[u8]) {
        let text = String::from_utf8_lossy(request).into_owned();
        // The console asks for the API's document; callers do not.
        if !text.is_empty() && !text.contains("/openapi.json") {
            self.requests.lock().expect("not poisoned").push(text);
        }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }

    /// What has arrived since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().expect("not poisoned"))
    }
}

/// The length of the request at the front, by a reading of its own: our framing must be so plain
/// that this is enough.
fn whole_request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    if field("transfer-encoding:").is_some() {
        let end = bytes[head..].windows(5).position(|window| window == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    let body = field("content-length:").map_or(0, |length| length.parse().unwrap_or(0));
    (bytes.len() >= head + body).then_some(head + body)
}

/// A Keydesk in front of a recording upstream, with an account and its owner's token.
pub struct Behind {
    pub keydesk: Keydesk,
    pub upstream: RawUpstream,
    /// `/385403`
    pub path: String,
    pub token: String,
}

impl Behind {
    pub async fn start(config: &str) -> Self {
        let upstream = RawUpstream::start().await;
        let config = format!("upstream = \"{}\"\n{config}", upstream.url);
        let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
        let ann = keydesk.with_account().await;
        let endpoint = ann.endpoint_url().await;
        let path = endpoint.trim_start_matches(&keydesk.gateway).to_owned();
        let token = ann.bearer_token().await;
        Self { keydesk, upstream, path, token }
    }

    /// Puts account, Host and token in the places of `PATH` and `AUTH`, and tells the answers.
    pub async fn send(&self, request: &str) -> String {
        self.send_bytes(self.fill(request).as_bytes()).await
    }

    pub fn fill(&self, request: &str) -> String {
        let auth = format!("Host: a\r\nAuthorization: Bearer {}", self.token);
        request.replace("PATH", &self.path).replace("AUTH", &auth)
    }

    pub async fn send_bytes(&self, bytes: &[u8]) -> String {
        converse(&self.keydesk.gateway, &[bytes]).await
    }
}

/// Everything that a raw connection answers until it closes or falls silent.
pub async fn converse(address: &str, parts: &[&[u8]]) -> String {
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // A connection that was rejected early may be closed already.
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    loop {
        let mut more = vec![0; 16 * 1024];
        match tokio::time::timeout(Duration::from_millis(400), stream.read(&mut more)).await {
            Ok(Ok(count)) if count > 0 => answer.extend_from_slice(&more[..count]),
            _ => return String::from_utf8_lossy(&answer).into_owned(),
        }
    }
}

/// The status of the first answer, and how many answers there are.
pub fn outcome(answer: &str) -> (u16, usize) {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    (status.map_or(0, |status| status.parse().unwrap_or(0)), answer.matches("HTTP/1.1 ").count())
}

/// Sends one request and reads until the other side closes.
pub async fn converse_until_closed(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(request).await.expect("writes");
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(super::PATIENCE, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
