//! What is open when a token ends: event streams, downloads, uploads, and tunnels, over HTTP/1.1 and HTTP/2. None
//! continues after its token is revoked, its account suspended, or its limits changed.

use crate::{
    operators::operator,
    support::{Keydesk, Options, PATIENCE, User, client},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State, WebSocketUpgrade, ws::Message},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures_util::{SinkExt, Stream, StreamExt};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

/// How many bytes of uploads the API has received.
type Received = Arc<AtomicUsize>;

/// Continues until the other side closes the connection.
fn endless() -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures_util::stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Ok(Bytes::from_static(b"data: more\n\n")), ()))
    })
}

async fn answer(State(received): State<Received>, request: Request) -> Response {
    match request.uri().path() {
        "/events" => {
            ([("content-type", "text/event-stream")], Body::from_stream(endless())).into_response()
        }
        "/download" => {
            ([("content-length", "1000000000")], Body::from_stream(endless())).into_response()
        }
        "/upload" => {
            let mut body = request.into_body().into_data_stream();
            while let Some(Ok(piece)) = body.next().await {
                received.fetch_add(piece.len(), Ordering::Relaxed);
            }
            "received".into_response()
        }
        "/late" => {
            tokio::time::sleep(PATIENCE * 4).await;
            "late".into_response()
        }
        _ => "ok".into_response(),
    }
}

async fn chat(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket| {
        while let Some(Ok(Message::Text(text))) = socket.recv().await {
            if socket.send(Message::Text(text)).await.is_err() {
                return;
            }
        }
    })
}

struct Open {
    keydesk: Keydesk,
    ann: User,
    endpoint: String,
    token: String,
    received: Received,
}

impl Open {
    async fn start() -> Self {
        let received = Received::default();
        let router = Router::new().route("/chat", get(chat)).fallback(any(answer));
        let router = router.with_state(Arc::clone(&received));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let upstream = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = format!("upstream = \"{upstream}\"\n");
        let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
        let ann = keydesk.with_account().await;
        let (endpoint, token) = (ann.endpoint_url().await, ann.create_token("CRM", "never").await);
        Self { keydesk, ann, endpoint, token, received }
    }

    fn request(&self, http2: bool, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let client = if http2 { client().http2_prior_knowledge() } else { client().http1_only() };
        let client = client.build().expect("a client");
        client.request(method, format!("{}{path}", self.endpoint)).bearer_auth(&self.token)
    }

    async fn get(&self, http2: bool, path: &str) -> reqwest::Response {
        let sent = self.request(http2, reqwest::Method::GET, path).send();
        tokio::time::timeout(PATIENCE, sent).await.expect("in time").expect("answers")
    }

    async fn chat(&self) -> impl Stream<Item = Result<tungstenite::Message, tungstenite::Error>> {
        let url = format!("{}/chat", self.endpoint.replace("http://", "ws://"));
        let mut request = url.as_str().into_client_request().expect("a request");
        let value = format!("Bearer {}", self.token).parse().expect("a value");
        request.headers_mut().insert("authorization", value);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("switches");
        socket.send(tungstenite::Message::text("hello")).await.expect("sends");
        socket.next().await.expect("an answer").expect("arrives");
        socket
    }

    async fn revoke(&self) {
        let path = format!("/tokens/{}/revoke", self.ann.token_id("CRM").await);
        let page = self.ann.post(&path, &[]).await;
        assert_eq!(page.done(), Some("/tokens?done=token_revoked"));
    }
}

/// Reads on until the body is cut; an orderly end would pass half an answer off as a whole one.
async fn is_cut(response: reqwest::Response) {
    let mut body = response.bytes_stream();
    let ended = async {
        loop {
            match body.next().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return,
                None => panic!("the answer ended as if it were whole"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the answer is cut");
}

#[tokio::test]
async fn an_open_answer_is_cut_when_its_token_is_revoked() {
    for http2 in [false, true] {
        let open = Open::start().await;
        let (events, download) =
            (open.get(http2, "/events").await, open.get(http2, "/download").await);
        assert!(events.status().is_success() && download.status().is_success());
        open.revoke().await;
        is_cut(events).await;
        is_cut(download).await;
    }
}

/// A client that reads nothing holds nothing either.
#[tokio::test]
async fn an_answer_that_nobody_reads_is_cut_too() {
    for http2 in [false, true] {
        let open = Open::start().await;
        let events = open.get(http2, "/events").await;
        open.revoke().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        is_cut(events).await;
    }
}

#[tokio::test]
async fn who_waits_for_an_answer_is_told_that_the_token_was_revoked() {
    for http2 in [false, true] {
        let open = Open::start().await;
        let waiting = tokio::spawn(open.request(http2, reqwest::Method::GET, "/late").send());
        tokio::time::sleep(Duration::from_millis(300)).await;
        open.revoke().await;
        let answer = tokio::time::timeout(PATIENCE, waiting).await.expect("in time");
        let answer = answer.expect("runs").expect("answers");
        assert_eq!(answer.status(), 401, "http2: {http2}");
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "token_revoked");
    }
}

#[tokio::test]
async fn an_upload_ends_with_its_token() {
    for http2 in [false, true] {
        let open = Open::start().await;
        let request = open.request(http2, reqwest::Method::POST, "/upload");
        let sending = tokio::spawn(request.body(reqwest::Body::wrap_stream(endless())).send());
        crate::support::eventually("the upload begins", async || {
            open.received.load(Ordering::Relaxed) > 0
        })
        .await;
        open.revoke().await;
        let answer = tokio::time::timeout(PATIENCE, sending).await.expect("it ends").expect("runs");
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 401));
        tokio::time::sleep(Duration::from_millis(500)).await;
        let received = open.received.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(open.received.load(Ordering::Relaxed), received, "nothing more reaches the API");
    }
}

/// The API takes no connection at first. When it does, the token has been revoked.
#[tokio::test]
async fn a_request_that_waits_for_a_connection_is_not_sent_after_its_token_was_revoked() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(0).expect("listens");
    let address = listener.local_addr().expect("an address");
    let config = format!("upstream = \"http://{address}\"\n");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.create_token("CRM", "never").await);
    let received = Received::default();
    let open = Open { keydesk, ann, endpoint, token, received };
    // The queue holds one connection: ours, or the first of Keydesk's.
    let mut filling = tokio::task::JoinSet::new();
    for _ in 0..3 {
        filling.spawn(tokio::net::TcpStream::connect(address));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let waiting = open.request(false, reqwest::Method::POST, "/upload");
    let waiting = tokio::spawn(waiting.body(reqwest::Body::wrap_stream(endless())).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    open.revoke().await;
    let answer = tokio::time::timeout(PATIENCE, waiting).await.expect("it ends").expect("runs");
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 401));
    filling.shutdown().await;
    let accepted = async {
        let mut heads = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut head);
            let _ = tokio::time::timeout(Duration::from_millis(300), read).await;
            heads.push(String::from_utf8_lossy(&head).into_owned());
            assert!(!heads.concat().contains("POST"), "{heads:?}");
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(3), accepted).await.is_err());
}

#[tokio::test]
async fn suspension_ends_what_is_open() {
    let open = Open::start().await;
    let otto = operator(&open.keydesk, "otto@operator.example").await;
    let (events, multiplexed) = (open.get(false, "/events").await, open.get(true, "/events").await);
    let mut socket = open.chat().await;
    let number = open.endpoint.rsplit('/').next().expect("a number");
    let page =
        otto.post(&format!("/operator/accounts/{number}/suspend"), &[("reason", "unpaid")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    is_cut(events).await;
    is_cut(multiplexed).await;
    let ended = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it ends");
    assert!(says_goodbye(ended), "with 1008 or no word at all");
}

/// Limits that are put in force hold for what is open.
#[tokio::test]
async fn an_open_websocket_and_an_open_answer_are_judged_by_new_limits() {
    let open = Open::start().await;
    let events = open.get(false, "/events").await;
    let mut socket = open.chat().await;
    let path = format!("/tokens/{}/limits", open.ann.token_id("CRM").await);
    let form = [("scope", "*"), ("ip_allowlist", "203.0.113.0/24"), ("mode", "enforce")];
    assert_eq!(open.ann.post(&path, &form).await.status, 303);
    is_cut(events).await;
    let ended = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it ends");
    assert!(says_goodbye(ended), "with 1008 or no word at all");
}

/// A WebSocket that is no longer permitted is closed by RFC 6455's policy violation.
fn says_goodbye(last: Option<Result<tungstenite::Message, tungstenite::Error>>) -> bool {
    match last {
        Some(Ok(tungstenite::Message::Close(Some(frame)))) => u16::from(frame.code) == 1008,
        last => last.is_none_or(|message| message.is_err()),
    }
}
