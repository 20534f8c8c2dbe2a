//! Undoing a revocation: everywhere at once, through crashes, cut-off gateways, and databases that go back in time.

use crate::{
    management_api::create_key,
    support::{
        Keydesk, Options, User, call, client, cluster::Cluster, eventually, proxy::Mode, use_token,
    },
};
use serde_json::{Value, json};
use std::time::Duration;

/// Sends a request to the management API, with any consequences.
async fn send(console: &str, key: &str, (method, path): (&str, &str), body: Value) -> (u16, Value) {
    let method = method.parse().expect("a method");
    let url = format!("{console}/api/v1{path}");
    let request = client().build().expect("a client").request(method, url).bearer_auth(key);
    let request = request.header("if-match", "*");
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = request.send().await.expect("answers");
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn post(console: &str, key: &str, path: &str) -> Value {
    let (status, body) = send(console, key, ("POST", path), Value::Null).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn newest(ann: &User) -> String {
    ann.get("/tokens").await.text.split("/tokens/tok_").nth(1).expect("a token")[..32].to_owned()
}

/// Restore after 1, 10, and 100 rejected requests on three nodes: accepted everywhere within the receipt's word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_a_restored_token_is_accepted_by_every_gateway_that_the_receipt_names() {
    let cluster = Cluster::start(3, "").await;
    let console = cluster.nodes[0].console.clone();
    let key = create_key(&cluster.ann, "/keys", &["tokens:write", "usage:read"]).await;
    for refused in [1, 10, 100] {
        let secret = cluster.token_everywhere(&format!("token {refused}")).await;
        let id = format!("tok_{}", newest(&cluster.ann).await);
        let revoked = post(&console, &key, &format!("/tokens/{id}/revocations")).await;
        assert_eq!(revoked["receipt"]["complete"], true, "{revoked}");
        assert_eq!(revoked["token"]["restorable"], true, "{revoked}");
        for request in 0..refused {
            let said = cluster.try_token(request % 3, &secret).await;
            assert_eq!(said, (401, "token_revoked".to_owned()));
        }
        let restored = post(&console, &key, &format!("/tokens/{id}/restorations")).await;
        assert_eq!(restored["receipt"]["complete"], true, "{restored}");
        assert_eq!(restored["token"]["state"], "active");
        for node in 0..3 {
            assert_eq!(cluster.try_token(node, &secret).await.0, 200, "node {node}");
        }
        let (status, again) =
            send(&console, &key, ("POST", &format!("/tokens/{id}/restorations")), Value::Null)
                .await;
        assert_eq!((status, &again["code"]), (409, &json!("not_restorable")), "{again}");
    }
    let page = cluster.ann.get("/receipts").await.text;
    assert!(page.contains("Token restored"), "{page}");
}

/// A gateway that is cut off rejects meanwhile, and accepts when it is back. One that crashes knows what it
/// knew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_a_gateway_that_misses_the_restoration_rejects_until_it_has_it() {
    let mut cluster = Cluster::start(3, "").await;
    let console = cluster.nodes[0].console.clone();
    let key = create_key(&cluster.ann, "/keys", &["tokens:write"]).await;
    let secret = cluster.token_everywhere("CRM").await;
    let id = format!("tok_{}", newest(&cluster.ann).await);
    post(&console, &key, &format!("/tokens/{id}/revocations")).await;
    cluster.break_link(2, Mode::Cut);
    let restored = post(&console, &key, &format!("/tokens/{id}/restorations")).await;
    // The receipt is incomplete, or the silent gateway was taken out of the list, because it serves nothing any more.
    assert!(restored["receipt"]["number"].is_i64(), "{restored}");
    assert_eq!(cluster.try_token(0, &secret).await.0, 200);
    assert_ne!(cluster.try_token(2, &secret).await.0, 200, "it has not heard of it");
    cluster.break_link(2, Mode::Pass);
    cluster.until(2, &secret, 200, Duration::from_mins(1)).await;
    let options = &cluster.options[1];
    cluster.nodes[1].kill_and_restart(options);
    cluster.until(1, &secret, 200, Duration::from_mins(1)).await;
    // What was seen of the revocation doesn't come back.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for node in 0..3 {
        assert_eq!(cluster.try_token(node, &secret).await.0, 200, "node {node}");
    }
}

/// A database that was restored from a backup loses neither a revocation nor, on nodes that have seen it, more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_a_backup_from_before_a_revocation_revives_nothing() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let secret = ann.create_token("CRM", "never").await;
    let endpoint = ann.endpoint_url().await.trim_start_matches(&keydesk.gateway).to_owned();
    let id = newest(&ann).await;
    let file = keydesk.data().join("backup.sqlite");
    assert!(keydesk.command(&["backup", &file.to_string_lossy()]).status.success());
    ann.post(&format!("/tokens/tok_{id}/revoke"), &[]).await;
    let at = |keydesk: &Keydesk| format!("{}{endpoint}", keydesk.gateway);
    assert_eq!(use_token(&at(&keydesk), &secret).await.0, 401);
    keydesk.stop();
    let restored = keydesk.command(&["restore", &file.to_string_lossy()]);
    assert!(restored.status.success(), "{restored:?}");
    let keydesk = keydesk.restart(&Options { has_account: true, ..Options::default() });
    let outcome = use_token(&at(&keydesk), &secret).await;
    assert_eq!(outcome, (401, "token_revoked".to_owned()));
}

/// The clients that were rejected turn green one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_the_page_shows_which_clients_work_again() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let secret = ann.create_token("CRM", "never").await;
    let url = format!("{}/api/v1/contacts", ann.endpoint_url().await);
    let id = newest(&ann).await;
    let request = async |agent: &str| {
        let request = client().user_agent(agent).build().expect("a client").get(&url);
        request.bearer_auth(&secret).send().await.expect("answers").status().as_u16()
    };
    ann.post(&format!("/tokens/tok_{id}/revoke"), &[]).await;
    for agent in ["importer/1", "exporter/2", "importer/1"] {
        assert_eq!(request(agent).await, 401);
    }
    let page = format!("/tokens/tok_{id}/restore");
    eventually("both are listed", || async {
        let text = ann.get(&page).await.text;
        text.contains("importer") && text.contains("exporter") && text.contains("0 of 2")
    })
    .await;
    let restored = ann.post(&page, &[]).await;
    assert!(restored.location.expect("leads on").contains("done=token_restored"));
    assert_eq!(request("importer/1").await, 200);
    eventually("one works again", || async { ann.get(&page).await.text.contains("1 of 2") }).await;
    assert_eq!(request("exporter/2").await, 200);
    eventually("both work again", || async { ann.get(&page).await.text.contains("2 of 2") }).await;
    let mail = ann.get("/mail").await.text;
    assert!(mail.contains("was revoked") && mail.contains("was restored"), "{mail}");
    assert_eq!(call(&url, None).await.status().as_u16(), 401);
}

/// A thief with a revoked token can invent client names, but neither fills the database with them nor hides a client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_invented_clients_of_a_revoked_token_hide_no_real_one() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["tokens:write", "usage:read"]).await;
    let secret = ann.create_token("CRM", "never").await;
    let id = format!("tok_{}", newest(&ann).await);
    post(&keydesk.console, &key, &format!("/tokens/{id}/revocations")).await;
    let url = format!("{}/api/v1/contacts", ann.endpoint_url().await);
    let program = client().build().expect("a client");
    let call_as = async |agent: &str| {
        let request = program.get(&url).bearer_auth(&secret).header("user-agent", agent);
        assert_eq!(request.send().await.expect("answers").status(), 401);
    };
    let real = "SELECT coalesce(sum(requests), 0) FROM operation_use WHERE client LIKE 'crm-real%'";
    let all = "SELECT count(*) FROM operation_use WHERE violation = 'revoked'";
    for expected in [1, 2] {
        call_as("crm-real/1").await;
        eventually("it is recorded", async || keydesk.count(real).await == expected).await;
        for number in 0..400 {
            call_as(&format!("invented-{expected}-{number}/1")).await;
        }
        // Until a report has arrived, a gateway merges what it can't keep apart.
        eventually("the others are", async || keydesk.count(all).await >= 200).await;
    }
    eventually("it is counted on", async || {
        call_as("crm-real/1").await;
        keydesk.count(real).await > 2
    })
    .await;
    assert!(keydesk.count(all).await < 220);
    let path = format!("/tokens/{id}/rejected-clients");
    let (_, list) = send(&keydesk.console, &key, ("GET", &path), Value::Null).await;
    assert!(list["clients"][0]["client"].to_string().contains("crm-real"), "{list}");
}
