//! Clients that nobody here wrote, with a token that no longer works: the console names each, its answer leads out, and the
//! downloads of API Docs open in them.

use crate::{
    integrations::clients,
    management_api::create_key,
    support::{Keydesk, User, client, eventually},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// Runs a program with the endpoint URL and the token in its environment, and returns what it printed.
fn run(command: &mut Command, (endpoint, token): (&str, &str)) -> String {
    let command = command.env("ENDPOINT", endpoint).env("TOKEN", token);
    let output = command.output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said + &*String::from_utf8_lossy(&output.stderr)
}

fn python(script: &str) -> Command {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", clients().join("python")).args(["-c", script]);
    python
}

fn node(script: &str) -> Command {
    let mut node = Command::new("node");
    node.current_dir(clients()).args(["--input-type=module", "-e", script]);
    node
}

fn tool(name: &str) -> Command {
    Command::new(clients().join("node_modules/.bin").join(name))
}

/// A collection as a user of Bruno keeps it: a folder of text files.
fn bruno(folder: &Path) -> Command {
    let about = json!({"version": "1", "name": "contacts", "type": "collection"});
    fs::write(folder.join("bruno.json"), about.to_string()).expect("writes");
    let request = "meta {\n  name: contacts\n  type: http\n  seq: 1\n}\n\n\
        get {\n  url: {{process.env.ENDPOINT}}/api/v1/contacts\n  body: none\n  auth: bearer\n}\n\n\
        auth:bearer {\n  token: {{process.env.TOKEN}}\n}\n";
    fs::write(folder.join("contacts.bru"), request).expect("writes");
    let mut bruno = tool("bru");
    bruno.current_dir(folder).args(["run", "contacts.bru"]);
    bruno
}

/// A collection for Postman and Newman with one request.
fn newman(folder: &Path) -> Command {
    let collection = json!({
        "info": {"name": "contacts", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [{"name": "contacts", "request": {
            "method": "GET", "url": "{{endpoint}}/api/v1/contacts",
            "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
        }}],
    });
    let file = folder.join("collection.json");
    fs::write(&file, collection.to_string()).expect("writes");
    let mut shell = Command::new("sh");
    let script = r#""$0" run "$1" --env-var "endpoint=$ENDPOINT" --env-var "token=$TOKEN""#;
    shell.args(["-c", script]).arg(clients().join("node_modules/.bin/newman")).arg(file);
    shell
}

const REQUESTS: &str = "import os, requests\n\
    print(requests.get(os.environ['ENDPOINT'] + '/api/v1/contacts', \
    headers={'Authorization': 'Bearer ' + os.environ['TOKEN']}).json()['code'])";
const HTTPX: &str = "import os, httpx\n\
    print(httpx.get(os.environ['ENDPOINT'] + '/api/v1/contacts', \
    headers={'Authorization': 'Bearer ' + os.environ['TOKEN']}).json()['code'])";
const FETCH: &str = "const answer = await fetch(process.env.ENDPOINT + '/api/v1/contacts', \
    { headers: { Authorization: `Bearer ${process.env.TOKEN}` } }); console.log((await answer.json()).code)";
const AXIOS: &str = "import axios from 'axios'; await axios.get(process.env.ENDPOINT + '/api/v1/contacts', \
    { headers: { Authorization: `Bearer ${process.env.TOKEN}` } }).catch(error => console.log(error.response.data.code))";

async fn items(keydesk: &Keydesk, key: &str, path: &str) -> Vec<Value> {
    let url = format!("{}/api/v1{path}", keydesk.console);
    let request = client().build().expect("a client").get(url).bearer_auth(key);
    let found: Value = request.send().await.expect("answers").json().await.expect("JSON");
    found["items"].as_array().unwrap_or_else(|| panic!("{found}")).clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_real_clients_with_a_dead_token_are_named_with_the_cause() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["usage:read"]).await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.create_token("CRM", "never").await;
    let id = ann.token_id("CRM").await;
    ann.post(&format!("/tokens/{id}/revoke"), &[]).await;
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let curl = r#"curl -sS -H "Authorization: Bearer $TOKEN" "$ENDPOINT/api/v1/contacts""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", curl]);
    let mut said = Vec::new();
    for mut command in [
        shell,
        python(REQUESTS),
        python(HTTPX),
        node(FETCH),
        node(AXIOS),
        newman(folders[0].path()),
        bruno(folders[1].path()),
    ] {
        said.push(run(&mut command, (&endpoint, &token)));
    }
    // The answer alone says why, wherever a client shows it.
    for text in &said[..5] {
        assert!(text.contains("token_revoked"), "{text}");
    }
    assert!(said[5..].iter().all(|text| text.contains("401")), "{said:?}");
    let expected = [
        "curl",
        "python-requests",
        "python-httpx",
        "node",
        "axios",
        "PostmanRuntime",
        "bruno-runtime",
    ];
    let expected: BTreeSet<_> = expected.into_iter().map(str::to_owned).collect();
    let named = async || -> BTreeSet<String> {
        let found = items(&keydesk, &key, "/failing-clients").await;
        let of_token =
            found.iter().filter(|one| one["code"] == "token_revoked" && one["token"] == *id);
        of_token.map(|one| one["client"].as_str().expect("a name").to_owned()).collect()
    };
    let total = "SELECT count(*) FROM request_log WHERE code = 'token_revoked'";
    eventually("the gateway reports", async || keydesk.count(total).await == 7).await;
    assert_eq!(named().await, expected, "{said:?}");
    the_page_leads_out(&keydesk, &ann, (&key, &id)).await;
}

async fn the_page_leads_out(keydesk: &Keydesk, ann: &User, (key, token): (&str, &str)) {
    for one in items(keydesk, key, "/failing-clients").await {
        let page =
            ann.get(&format!("/failing-clients/{}", one["id"].as_str().expect("an ID"))).await;
        assert!(page.text.contains("token_revoked"), "{}", page.text);
        assert!(page.text.contains(&format!("/tokens/{token}/restore")), "{}", page.text);
    }
    assert_eq!(ann.post(&format!("/tokens/{token}/restore"), &[]).await.status, 303);
}

/// A valid token in the wrong place: its account finds the client, and what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_valid_token_at_the_wrong_url_or_in_the_query_is_found_by_its_account() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let key = create_key(&ann, "/keys", &["usage:read"]).await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.create_token("CRM", "never").await;
    let id = ann.token_id("CRM").await;
    let (base, number) = endpoint.rsplit_once('/').expect("a number");
    let other = if number == "111111" { "222222" } else { "111111" };
    let elsewhere = format!("{base}/{other}/api/v1/contacts");
    let http = client().build().expect("a client");
    let wrong = http.get(elsewhere).bearer_auth(&token).header("user-agent", "crm-sync/2.1");
    assert_eq!(wrong.send().await.expect("answers").status(), 401);
    let exposed = http.get(format!("{endpoint}/api/v1/contacts?access_token={token}"));
    let exposed = exposed.header("user-agent", "sheet/1.0").send().await.expect("answers");
    assert_eq!(exposed.status(), 400);
    let found = async || items(&keydesk, &key, "/failing-clients").await;
    eventually("both are grouped", async || found().await.len() == 2).await;
    for group in found().await {
        assert_eq!(group["token"], *id, "{group}");
    }
    // A user agent as a log has it leads to the requests.
    let page = ann.get("/requests?text=crm-sync/2.1").await.text;
    assert!(page.contains("/api/v1/contacts") && !page.contains(&token), "{page}");
    let request = page.split("href=\"/requests/req_").nth(1).expect("a request");
    let request = request.split('"').next().expect("an ID");
    let page = ann.get(&format!("/requests/req_{request}")).await.text;
    assert!(page.contains("Correct the URL"), "{page}");
    let page = ann.get("/failing-clients?text=sheet/1.0").await.text;
    let group = page.split("href=\"/failing-clients/fcl_").nth(1).expect("a group");
    let group = group.split('"').next().expect("an ID");
    let page = ann.get(&format!("/failing-clients/fcl_{group}")).await.text;
    assert!(page.contains(&format!("/tokens/{id}/rotate")), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_the_collection_opens_in_newman_and_its_requests_work() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let token = ann.create_token("Newman", "never").await;
    let collection = ann.get("/api-docs/collection.json").await;
    assert_eq!(collection.status, 200);
    assert!(!collection.text.contains("kd_u_") && !collection.text.contains("kd_a_"));
    let folder = tempfile::tempdir().expect("a folder");
    let (file, report) = (folder.path().join("api.json"), folder.path().join("report.json"));
    fs::write(&file, &collection.text).expect("writes");
    let mut shell = Command::new("sh");
    let script =
        r#""$0" run "$1" --env-var "token=$TOKEN" --reporters json --reporter-json-export "$2""#;
    shell
        .args(["-c", script])
        .arg(clients().join("node_modules/.bin/newman"))
        .arg(&file)
        .arg(&report);
    let said = run(&mut shell, ("", &token));
    let report = fs::read_to_string(&report).unwrap_or_else(|_| panic!("{said}"));
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let executions = report["run"]["executions"].as_array().expect("executions");
    assert!(!executions.is_empty(), "{report}");
    for one in executions {
        let (name, status) = (&one["item"]["name"], &one["response"]["code"]);
        let status = status.as_u64().unwrap_or_else(|| panic!("{name} was not sent: {one}"));
        // Placeholders of parameters can be unknown to the API; the endpoint and the token are right in each.
        assert!(![401, 403].contains(&status) && status < 500, "{name}: {status}");
    }
    let gets = executions.iter().filter(|one| one["response"]["code"] == 200).count();
    assert!(gets > 0, "{executions:?}");
}
