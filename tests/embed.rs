//! The check inside a program of one's own: a node like every gateway.

use crate::{
    limits::{Answer, send, token_with},
    support::{Keydesk, User, call, client, eventually, postgres::Postgres},
};
use axum::{
    Extension, Json, Router, ServiceExt,
    extract::{ConnectInfo, Request},
};
use http::{HeaderMap, Method, Uri};
use keydesk_embed::{Call, Guard, GuardLayer, Options, Pass};
use std::{net::SocketAddr, time::Duration};
use tower::Layer;

/// An API that tells what it sees, guarded. Where it is reached.
async fn guarded(guard: &Guard) -> String {
    let tell = async |Extension(pass): Extension<Pass>, request: Request| {
        let names = request.headers().iter();
        let headers: serde_json::Map<_, _> = names
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").into()))
            .collect();
        let account = pass.account.to_string();
        Json(serde_json::json!({
            "uri": request.uri().to_string(), "headers": headers, "account": account,
        }))
    };
    let router = Router::new().fallback(tell);
    let layer = GuardLayer::new(guard.clone(), |found| {
        found.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    });
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(
        layer.layer(router),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, service).await });
    url
}

async fn on_file(keydesk: &Keydesk, folder: &std::path::Path) -> Guard {
    let store = format!("sqlite:{}", keydesk.data().join("keydesk.sqlite").display());
    let options = Options::new(&store, folder.join("guard"), "own program").expect("options");
    Guard::join(&options).await.expect("joins")
}

/// A request that passes, as a program sees it that keeps its answer open.
fn passed(guard: &Guard, target: &str, token: &str) -> Pass {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().expect("a value"));
    let uri: Uri = target.parse().expect("a target");
    let peer = std::net::IpAddr::from([127, 0, 0, 1]);
    guard.check(&Call { method: &Method::GET, uri: &uri, headers: &headers, peer }).expect("passes")
}

async fn account_of(ann: &User) -> String {
    ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_a_program_checks_tokens_itself_and_a_receipt_waits_for_it() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let folder = tempfile::tempdir().expect("a folder");
    let guard = on_file(&keydesk, folder.path()).await;
    let url = guarded(&guard).await;
    let (account, token) = (account_of(&ann).await, token_with(&ann, "CRM", &["*"]).await);
    let at = |path: &str| format!("{url}/{account}{path}");
    eventually("the token is known", async || {
        send("GET", &at("/contacts"), &token, "app/1").await.status == 200
    })
    .await;

    // What a client says of itself never counts, and the token stays outside.
    let request = client().build().expect("a client").get(at("/contacts/a%20b?x=1"));
    let request = request.bearer_auth(&token).header("keydesk-account", "999999");
    let request = request.header("keydesk_scopes", "*").header("x-http-method-override", "DELETE");
    let request = request.header("cookie", "keydesk=of-the-console; theirs=1");
    let message: serde_json::Value =
        request.send().await.expect("answers").json().await.expect("JSON");
    assert_eq!(
        (&message["uri"], &message["account"]),
        (&"/contacts/a%20b?x=1".into(), &account.clone().into())
    );
    let got = &message["headers"];
    assert_eq!(got["keydesk-account"], account);
    assert_eq!(got["cookie"], "theirs=1", "the console may share the host");
    for absent in ["authorization", "keydesk_scopes", "x-http-method-override"] {
        assert!(got.get(absent).is_none(), "{absent}: {got}");
    }
    assert!(!message.to_string().contains(&token));

    // Refusals are the gateway's own.
    assert_eq!(call(&at("/contacts"), None).await.status(), 401);
    let other = if account == "385403" { "385404" } else { "385403" };
    let elsewhere = send("GET", &format!("{url}/{other}/contacts"), &token, "app/1").await;
    assert_eq!((elsewhere.status, elsewhere.code()), (401, "account_mismatch"));
    let twice = call(&at("/contacts"), Some(&format!("Bearer Bearer {token}"))).await;
    assert!(twice.text().await.expect("a text").contains("duplicate_bearer_scheme"));

    // Its use is seen, as everybody's.
    let tokens = format!("/tokens/{}", ann.token_id("CRM").await);
    eventually("the use is shown", async || {
        ann.get(&format!("{tokens}/revoke")).await.text.contains("app")
    })
    .await;

    let open = passed(&guard, &format!("/{account}/contacts"), &token);
    assert!(guard.still_permits(&open));

    // N2: a receipt names it, and it refuses when the receipt says "complete".
    let page = ann.post(&format!("{tokens}/revoke"), &[]).await;
    assert_eq!(page.done(), Some("/tokens?done=token_revoked"));
    let ended = send("GET", &at("/contacts"), &token, "app/1").await;
    assert_eq!((ended.status, ended.code()), (401, "token_revoked"));
    assert!(page.location.expect("a page").contains("receipt="), "complete");
    assert!(!guard.still_permits(&open), "an answer that is still open is to end");
    guard.leave().await;
    let after = ann.post("/api-docs/rotate", &[]).await;
    assert!(after.location.expect("a page").contains("receipt="), "nobody waits for who has left");
    let gone = send("GET", &at("/contacts"), &token, "app/1").await;
    assert_eq!(gone.status, 503, "who has left accepts nothing");
}

/// Who dies without leaving holds up nobody: on a file of one machine its lock says that it is dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_rates_hold_in_a_program_and_one_that_is_dropped_holds_up_nothing() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", keydesk.data().join("keydesk.sqlite").display());
    let mut options = Options::new(&store, folder.path(), "own program").expect("options");
    options.plans = vec![keydesk_embed::Plan {
        name: "small".to_owned(),
        rate: Some("2/h".parse().expect("a rate")),
        token_rate: None,
        monthly_quota: None,
        mode: "enforce".parse().expect("a mode"),
    }];
    options.default_plan = Some("small".to_owned());
    let guard = Guard::join(&options).await.expect("joins");
    let url = format!("{}/{}/contacts", guarded(&guard).await, account_of(&ann).await);
    let token = ann.bearer_token().await;
    let mut answers: Vec<Answer> = Vec::new();
    for _ in 0..3 {
        answers.push(send("GET", &url, &token, "app/1").await);
    }
    assert_eq!(answers.iter().map(|a| a.status).collect::<Vec<_>>(), [200, 200, 429]);
    assert!(answers[0].header("ratelimit").contains("r=1"));
    assert_eq!(answers[2].code(), "rate_limited");

    let dropped = Options::new(&store, folder.path().join("other"), "dropped").expect("options");
    drop(Guard::join(&dropped).await.expect("joins"));
    let page = ann.post("/api-docs/rotate", &[]).await;
    assert!(page.location.expect("a page").contains("receipt="), "who is dead is not waited for");
}

/// The same on PostgreSQL, where the lease bounds what nobody can say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_a_program_refuses_after_its_lease_without_word_from_the_database() {
    let mut postgres = Postgres::start("");
    let database = postgres.new_database();
    let place = postgres.url(&database);
    let mut keydesk = Keydesk::start_with(&crate::support::Options {
        config: format!("database_url = \"{place}\"\n"),
        ..crate::support::Options::default()
    });
    let ann = keydesk.with_account().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = Options::new(&place, folder.path(), "own program").expect("options");
    options.lease = Duration::from_secs(2);
    let guard = Guard::join(&options).await.expect("joins");
    let url = format!("{}/{}/contacts", guarded(&guard).await, account_of(&ann).await);
    let token = ann.bearer_token().await;
    assert_eq!(send("GET", &url, &token, "app/1").await.status, 200);
    postgres.kill();
    eventually("it refuses", async || {
        let answer = send("GET", &url, &token, "app/1").await;
        (answer.status, answer.code()) == (503, "gateway_disconnected")
    })
    .await;
    assert!(!guard.is_ready());
}
