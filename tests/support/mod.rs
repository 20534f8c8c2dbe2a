//! What every black-box test stands on: a running Keydesk, a user with a browser's cookies, and
//! a program with a token.

pub mod acme;
pub mod authenticator;
pub mod cluster;
pub mod faults;
pub mod history;
pub mod pgbouncer;
pub mod ports;
pub mod postgres;
pub mod proxy;
pub mod raw;
mod running;
mod user;

pub use history::History;
pub use ports::free_port;
pub use running::{Keydesk, Options, run_in};
use std::time::Duration;
pub use user::{Page, User};

/// Long, unlikely and easy to search for: no log, no row and no URL may hold them.
pub const PASSWORD: &str = "canary vjeo ktmw haqbn plum";
pub const NEW_PASSWORD: &str = "canary fjord umbrella quartz nine";

/// How long a test waits for an answer before it fails rather than hang. The console answers within 30 seconds.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// A client that could speak TLS, with the one provider that everything here uses.
pub fn client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// A program's request with whatever `Authorization` it sends.
pub async fn call(url: &str, authorization: Option<&str>) -> reqwest::Response {
    let request = client().build().expect("a client").get(url).timeout(PATIENCE);
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    request.send().await.expect("the gateway answers")
}

/// A program's request with a token: the status and the problem's code, empty where it is let through.
pub async fn use_token(endpoint: &str, token: &str) -> (u16, String) {
    let response =
        call(&format!("{endpoint}/api/v1/contacts"), Some(&format!("Bearer {token}"))).await;
    let status = response.status().as_u16();
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

pub fn is_let_through(outcome: &(u16, String)) -> bool {
    outcome.0 == 200
}

/// Waits until a condition that another task brings about holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..1_200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never came about: {what}");
}
