//! The same acts through the console, the management API, and the command line: the same outcome, the same text, and the
//! same audit entry.

use crate::{
    management_api::create_key,
    remote::Machine,
    support::{Keydesk, PASSWORD, User, client},
};
use serde_json::{Value, json};

const NOWHERE: &str = "tok_00000000000070008000000000000000";

/// An act: the form that the console sends, the request of the API, and the command line. `{first}` and the like are
/// objects, which have other IDs in each Keydesk.
struct Act {
    form: (&'static str, &'static [(&'static str, &'static str)]),
    request: (&'static str, &'static str, Option<Value>),
    command: &'static [&'static str],
}

fn act(
    form: (&'static str, &'static [(&'static str, &'static str)]),
    request: (&'static str, &'static str, Option<Value>),
    command: &'static [&'static str],
) -> Act {
    Act { form, request, command }
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn token_acts() -> Vec<Act> {
    vec![
        act(
            ("/tokens", &[("name", "CI"), ("expires", "never"), ("scope", "*")]),
            ("POST", "/tokens", Some(json!({ "name": "CI", "scopes": ["*"] }))),
            &["tokens", "create", "CI", "--scope", "*"],
        ),
        act(
            ("/tokens/{first}/name", &[("name", "Production")]),
            ("PATCH", "/tokens/{first}", Some(json!({ "name": "Production" }))),
            &["tokens", "rename", "{first}", "Production"],
        ),
        act(
            ("/tokens/{first}/name", &[("name", "")]),
            ("PATCH", "/tokens/{first}", Some(json!({ "name": "" }))),
            &["tokens", "rename", "{first}", ""],
        ),
        act(
            ("/tokens/{nowhere}/name", &[("name", "x")]),
            ("PATCH", "/tokens/{nowhere}", Some(json!({ "name": "x" }))),
            &["tokens", "rename", "{nowhere}", "x"],
        ),
        act(
            (
                "/tokens/{first}/limits",
                &[("scope", "*"), ("ip_allowlist", "192.0.2.0/24"), ("mode", "observe")],
            ),
            (
                "PUT",
                "/tokens/{first}/limits",
                Some(
                    json!({ "scopes": ["*"], "ip_allowlist": ["192.0.2.0/24"], "mode": "observe" }),
                ),
            ),
            &[
                "tokens",
                "limits",
                "{first}",
                "--scope",
                "*",
                "--allow-ip",
                "192.0.2.0/24",
                "--observe",
            ],
        ),
        act(
            ("/tokens/{first}/rotate", &[("grace_period", "1h")]),
            ("POST", "/tokens/{first}/rotations", Some(json!({ "grace_period": "1h" }))),
            &["tokens", "rotate", "{first}", "--grace-period", "1h"],
        ),
        act(
            ("/tokens/{first}/revoke-previous", &[]),
            ("POST", "/tokens/{first}/previous-secrets/revocations", None),
            &["tokens", "revoke-previous", "{first}", "--yes", "--if-match", "*"],
        ),
        act(
            ("/tokens/{first}/revoke-previous", &[]),
            ("POST", "/tokens/{first}/previous-secrets/revocations", None),
            &["tokens", "revoke-previous", "{first}", "--yes", "--if-match", "*"],
        ),
        act(
            ("/tokens/{second}/revoke", &[]),
            ("POST", "/tokens/{second}/revocations", None),
            &["tokens", "revoke", "{second}", "--yes", "--if-match", "*"],
        ),
        act(
            ("/tokens/{second}/rotate", &[("grace_period", "1h")]),
            ("POST", "/tokens/{second}/rotations", Some(json!({ "grace_period": "1h" }))),
            &["tokens", "rotate", "{second}", "--grace-period", "1h"],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn account_acts() -> Vec<Act> {
    vec![
        act(
            ("/members/invitations", &[("email", "zoe@example.com"), ("role", "viewer")]),
            ("POST", "/invitations", Some(json!({ "email": "zoe@example.com", "role": "viewer" }))),
            &["invitations", "create", "zoe@example.com", "--role", "viewer"],
        ),
        act(
            ("/members/invitations", &[("email", "vera@acme.example"), ("role", "viewer")]),
            (
                "POST",
                "/invitations",
                Some(json!({ "email": "vera@acme.example", "role": "viewer" })),
            ),
            &["invitations", "create", "vera@acme.example", "--role", "viewer"],
        ),
        act(
            ("/members/{vera}/role", &[("role", "developer")]),
            ("PATCH", "/members/{vera}", Some(json!({ "role": "developer" }))),
            &["members", "role", "{vera}", "developer"],
        ),
        act(
            ("/members/{vera}/log-out", &[]),
            ("POST", "/members/{vera}/logouts", None),
            &["members", "logout", "{vera}", "--yes", "--if-match", "*"],
        ),
        act(
            ("/members/{vera}/remove", &[]),
            ("DELETE", "/members/{vera}", None),
            &["members", "remove", "{vera}", "--yes", "--if-match", "*"],
        ),
        act(
            ("/members/{vera}/remove", &[]),
            ("DELETE", "/members/{vera}", None),
            &["members", "remove", "{vera}", "--yes", "--if-match", "*"],
        ),
        act(
            ("/members/account-name", &[("name", "Acme Ltd")]),
            ("PATCH", "/account", Some(json!({ "name": "Acme Ltd" }))),
            &["api", "PATCH", "/account", "--body", r#"{"name": "Acme Ltd"}"#],
        ),
        act(
            ("/limits", &[("ip_allowlist", "198.51.100.7"), ("mode", "observe")]),
            (
                "PATCH",
                "/account/limits",
                Some(json!({ "observed_ip_allowlist": ["198.51.100.7"] })),
            ),
            &[
                "api",
                "PATCH",
                "/account/limits",
                "--body",
                r#"{"observed_ip_allowlist": ["198.51.100.7"]}"#,
            ],
        ),
        act(
            (
                "/limits/expiry",
                &[("max_lifetime_days", "90"), ("required", "yes"), ("mode", "enforce")],
            ),
            (
                "PATCH",
                "/account/limits",
                Some(
                    json!({ "max_lifetime_days": 90, "requires_expiry": true, "expiry_mode": "enforce" }),
                ),
            ),
            &[
                "api",
                "PATCH",
                "/account/limits",
                "--body",
                r#"{"max_lifetime_days": 90, "requires_expiry": true, "expiry_mode": "enforce"}"#,
            ],
        ),
        act(
            ("/tokens", &[("name", "Old"), ("expires", "never"), ("scope", "*")]),
            ("POST", "/tokens", Some(json!({ "name": "Old", "scopes": ["*"] }))),
            &["tokens", "create", "Old", "--scope", "*"],
        ),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Console,
    Api,
    CommandLine,
}

/// A Keydesk that is used through one door, with the same objects as the others.
struct World {
    keydesk: Keydesk,
    ann: User,
    key: String,
    machine: Machine,
    objects: Vec<(&'static str, String)>,
}

impl World {
    async fn new() -> Self {
        let mut keydesk = Keydesk::start();
        let ann = keydesk.with_account().await;
        for name in ["first", "second"] {
            ann.create_token(name, "never").await;
        }
        ann.invite("vera@acme.example", "viewer", PASSWORD).await;
        let scopes = ["tokens:write", "members:write", "limits:write", "audit:read"];
        let key = create_key(&ann, "/keys", &scopes).await;
        let machine = Machine::with_key(&keydesk, &key);
        let members = machine.json(&["members", "list", "--text", "vera"]);
        let objects = vec![
            ("{first}", ann.token_id("first").await),
            ("{second}", ann.token_id("second").await),
            ("{vera}", members[0]["id"].as_str().expect("an ID").to_owned()),
            ("{nowhere}", NOWHERE.to_owned()),
        ];
        Self { keydesk, ann, key, machine, objects }
    }

    fn filled(&self, text: &str) -> String {
        self.objects.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    /// The text of the refusal, or `None` if the act was carried out.
    async fn perform(&self, door: Door, act: &Act) -> Option<String> {
        match door {
            Door::Console => {
                let page = self.ann.post(&self.filled(act.form.0), act.form.1).await;
                (page.status >= 400).then_some(page.text)
            }
            Door::Api => {
                let (method, path, body) = &act.request;
                let url = format!("{}/api/v1{}", self.keydesk.console, self.filled(path));
                let method = method.parse().expect("a method");
                let request = client().build().expect("a client").request(method, url);
                let request = request.bearer_auth(&self.key);
                // Of the destructive ones, this is what the console's button says.
                let request = match body {
                    Some(body) => request.json(body),
                    None => request.header("if-match", "*"),
                };
                let response = request.send().await.expect("answers");
                let failed = response.status().as_u16() >= 400;
                let body: Value = response.json().await.unwrap_or_default();
                failed.then(|| body["detail"].as_str().expect("a detail").to_owned())
            }
            Door::CommandLine => {
                let args: Vec<_> = act.command.iter().map(|arg| self.filled(arg)).collect();
                let output = self.machine.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                (!output.status.success()).then_some(error)
            }
        }
    }

    /// The events of the audit log with their details, oldest first, without what differs from one Keydesk to the next.
    fn audit(&self) -> Vec<(String, Value)> {
        let text = self.machine.prints(&["audit", "export"]);
        let mut events: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .map(|entry| {
                (entry["event"].as_str().expect("an event").to_owned(), masked(&entry["detail"]))
            })
            .collect();
        events.reverse();
        events
    }
}

/// The details without instants and IDs.
fn masked(detail: &Value) -> Value {
    match detail {
        Value::String(text) if text.len() == 36 && text.contains("_0") => "ID".into(),
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "at".into(),
        Value::Array(values) => values.iter().map(masked).collect(),
        Value::Object(object) => {
            // A receipt names its node and its instants.
            let fields = object.iter().filter(|(name, _)| *name != "jws");
            fields.map(|(name, value)| (name.clone(), masked(value))).collect()
        }
        other => other.clone(),
    }
}

async fn compare(acts: Vec<Act>) {
    let worlds = [World::new().await, World::new().await, World::new().await];
    let doors = [Door::Console, Door::Api, Door::CommandLine];
    for act in &acts {
        let name = act.command.join(" ");
        let mut outcomes = Vec::new();
        let mut entries = Vec::new();
        for (door, world) in doors.into_iter().zip(&worlds) {
            let before = world.audit().len();
            outcomes.push(world.perform(door, act).await);
            entries.push(world.audit().split_off(before));
        }
        let [page, detail, error] = &outcomes[..] else { unreachable!("three doors") };
        match detail {
            None => assert!(page.is_none() && error.is_none(), "{name}: {page:?} {error:?}"),
            Some(detail) => {
                let page = page.as_deref().unwrap_or_else(|| panic!("{name}: {detail}"));
                let error = error.as_deref().unwrap_or_else(|| panic!("{name}: {detail}"));
                let readable = page.replace("&#39;", "'").replace("&#34;", "\"");
                // What isn't there is a page for people, and an object for programs.
                let is_missing = readable.contains("Page not found");
                let is_same = readable.contains(detail.as_str());
                assert!(is_same || is_missing && error.contains("not_found"), "{name}: {detail}");
                assert!(error.contains(detail.as_str()), "{name}: {detail}\n{error}");
            }
        }
        assert!(detail.is_some() || !entries[0].is_empty(), "{name} is in the audit log");
        assert_eq!(entries[0], entries[1], "{name}: the console and the API");
        assert_eq!(entries[1], entries[2], "{name}: the API and the command line");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_managed_alike_through_all_doors() {
    compare(token_acts()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_managed_alike_through_all_doors() {
    compare(account_acts()).await;
}
