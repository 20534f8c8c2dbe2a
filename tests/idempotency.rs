//! Requests with an `Idempotency-Key` under fire: many at the same time, on several consoles, and through crashes.

use crate::{
    management_api::create_key,
    support::{Keydesk, Options, client, cluster::Cluster},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, io::Write, net::TcpStream, time::Duration};

/// Creates a token, and returns the status and the body. A busy console asks to repeat the request.
async fn create(console: &str, key: &str, (name, repeat): (&str, &str)) -> (u16, Value) {
    loop {
        let (status, body) = try_to_create(console, key, (name, repeat)).await;
        if status != 503 {
            return (status, body);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn try_to_create(console: &str, key: &str, (name, repeat): (&str, &str)) -> (u16, Value) {
    let response = client()
        .build()
        .expect("a client")
        .post(format!("{console}/api/v1/tokens"))
        .bearer_auth(key)
        .header("idempotency-key", repeat)
        .json(&json!({ "name": name, "scopes": ["*"] }))
        .send()
        .await
        .expect("answers");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

async fn named(console: &str, key: &str, name: &str) -> usize {
    let url = format!("{console}/api/v1/tokens?text={name}");
    let response = client().build().expect("a client").get(url).bearer_auth(key).send().await;
    let page: Value = response.expect("answers").json().await.expect("JSON");
    page["items"].as_array().expect("items").len()
}

/// Fifty at the same time, on these consoles, create one token, and one of them shows its secret.
async fn fire(consoles: &[&str], key: &str) {
    let sent = (0..50).map(|number| {
        let console = consoles[number % consoles.len()].to_owned();
        let key = key.to_owned();
        tokio::spawn(async move { create(&console, &key, ("parallel", "parallel-1")).await })
    });
    let (mut tokens, mut secrets) = (BTreeSet::new(), 0);
    for sent in sent.collect::<Vec<_>>() {
        let (status, body) = sent.await.expect("runs");
        assert_eq!(status, 201, "{body}");
        tokens.insert(body["token"]["id"].as_str().expect("an ID").to_owned());
        secrets += usize::from(body["secret"].is_string());
    }
    assert_eq!((tokens.len(), secrets), (1, 1), "{tokens:?}");
    assert_eq!(named(consoles[0], key, "parallel").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_fifty_parallel_requests_create_one_token_on_sqlite() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["tokens:write"]).await;
    fire(&[&keydesk.console], &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_fifty_parallel_requests_create_one_token_on_postgresql() {
    let cluster = Cluster::start(2, "").await;
    let key = create_key(&cluster.ann, "/keys", &["tokens:write"]).await;
    let consoles: Vec<_> = cluster.nodes.iter().map(|node| node.console.as_str()).collect();
    fire(&consoles, &key).await;
}

/// Whatever the moment of a crash, a repetition ends with one token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_a_crash_between_commit_and_response_creates_no_second_token() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["tokens:write"]).await;
    let mut repeated = 0;
    for number in 0..8_u64 {
        let (name, repeat) = (format!("crash-{number}"), format!("crash-key-{number}"));
        let body = json!({ "name": name, "scopes": ["*"] }).to_string();
        let address = keydesk.console.strip_prefix("http://").expect("plain HTTP").to_owned();
        let mut connection = TcpStream::connect(&address).expect("connects");
        write!(
            connection,
            "POST /api/v1/tokens HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\nidempotency-key: {repeat}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sends");
        // The response is not read. Some crashes come before the commit, some after it.
        tokio::time::sleep(Duration::from_millis(number * 3)).await;
        keydesk.kill_and_restart(&Options { has_account: true, ..Options::default() });
        let (status, first) = create(&keydesk.console, &key, (&name, &repeat)).await;
        assert_eq!(status, 201, "{first}");
        let (_, second) = create(&keydesk.console, &key, (&name, &repeat)).await;
        assert_eq!(first["token"]["id"], second["token"]["id"]);
        assert!(second["secret"].is_null(), "{second}");
        assert_eq!(named(&keydesk.console, &key, &name).await, 1);
        repeated += usize::from(first["secret"].is_null());
    }
    eprintln!("{repeated} of 8 had been carried out before the crash");
}
