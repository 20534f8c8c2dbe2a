//! What would stop working (N1): a day is recorded, then each act is done, and the day is sent again. Exactly the clients
//! that were listed before the act are rejected after it.

use crate::{
    limits::{Api, token_with},
    management_api::create_key,
    operators::operator,
    support::{Keydesk, Options, PASSWORD, User, client, eventually},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A client, its IP address, the credential that it uses, and what it requests.
struct Recorded {
    client: &'static str,
    address: &'static str,
    token: String,
    paths: &'static [&'static str],
}

struct World {
    keydesk: Keydesk,
    endpoint: String,
    /// The management keys of an owner and of an operator.
    keys: [String; 2],
    day: Vec<Recorded>,
    _api: Api,
}

type Names = BTreeSet<String>;

fn names(of: &[&str]) -> Names {
    of.iter().map(|name| (*name).to_owned()).collect()
}

const PLANS: &str = "trusted_proxies = [\"127.0.0.1\"]\n\
    [[plan]]\nname = \"tiny\"\nmonthly_quota = 3\nmode = \"enforce\"\n[[plan]]\nname = \"wide\"\nmonthly_quota = 1000000\ntoken_rate_limit = \"1000/s\"\nmode = \"enforce\"\n";

impl World {
    async fn start() -> Self {
        let api = Api::start().await;
        let mut keydesk = Keydesk::start_with(&api.options());
        let ann = keydesk.with_account().await;
        let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await.bearer_token().await;
        let eve = ann.invite("eve@acme.example", "developer", PASSWORD).await.bearer_token().await;
        let config = format!("{}{PLANS}", api.config);
        let keydesk = keydesk.restart(&Options { config, has_account: true, ..Options::default() });
        let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
        eventually("the document is read", async || {
            keydesk.command(&["operations", "list"]).status.success()
        })
        .await;
        assert!(keydesk.command(&["operations", "enforce"]).status.success());
        let otto = operator(&keydesk, "otto@keydesk.example").await;
        let scopes = ["tokens:write", "limits:write", "members:write"];
        let keys = [
            create_key(&ann, "/keys", &scopes).await,
            create_key(&otto, "/operator/keys", &["accounts:write"]).await,
        ];
        let sync = token_with(&ann, "Sync", &["*"]).await;
        let record = |client, address, token: &str, paths| Recorded {
            client,
            address,
            token: token.to_owned(),
            paths,
        };
        let day = vec![
            record("crm", "203.0.113.10", &sync, &["/contacts", "/messages"]),
            record("reporter", "198.51.100.7", &sync, &["/contacts"]),
            record(
                "billing",
                "203.0.113.20",
                &token_with(&ann, "Billing", &["*"]).await,
                &["/contacts"],
            ),
            record("postman", "198.51.100.40", &ann.bearer_token().await, &["/ping"]),
            record("curl", "203.0.113.30", &bob, &["/contacts"]),
            record("httpie", "203.0.113.40", &eve, &["/messages"]),
            record(
                "old-job",
                "203.0.113.50",
                &token_with(&ann, "Old", &["*"]).await,
                &["/contacts"],
            ),
        ];
        let endpoint = ann.endpoint_url().await;
        let world = Self { keydesk, endpoint, keys, day, _api: api };
        assert_eq!(world.rejected().await, names(&[]));
        let old = world.token("Old").await;
        world.api(("POST", &format!("/tokens/{old}/revocations")), Some("*"), Value::Null).await;
        // What was used is known when the gateway has reported it.
        let of_sync = format!("/tokens/{}/consequences?of=revoke", world.token("Sync").await);
        eventually("the day is recorded", async || world.listed(&of_sync).await.0.len() == 2).await;
        world
    }

    async fn api(
        &self,
        (method, path): (&str, &str),
        if_match: Option<&str>,
        body: Value,
    ) -> (Value, String) {
        let key = &self.keys[usize::from(path.starts_with("/accounts/"))];
        let url = format!("{}/api/v1{path}", self.keydesk.console);
        let request = client().build().expect("a client");
        let request = request.request(method.parse().expect("a method"), url).bearer_auth(key);
        let request =
            if_match.into_iter().fold(request, |request, tag| request.header("if-match", tag));
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.expect("answers");
        let (status, etag) = (response.status(), response.headers().get("etag").cloned());
        let text = response.text().await.expect("a text");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        let etag = etag.map(|tag| tag.to_str().expect("ASCII").to_owned()).unwrap_or_default();
        (serde_json::from_str(&text).unwrap_or_default(), etag)
    }

    async fn token(&self, name: &str) -> String {
        let (tokens, _) = self.api(("GET", "/tokens"), None, Value::Null).await;
        let mut items = tokens["items"].as_array().expect("items").iter();
        let found = items.find(|token| token["name"] == name).expect("it is listed");
        found["id"].as_str().expect("an ID").to_owned()
    }

    async fn member(&self, email: &str) -> String {
        let (members, _) = self.api(("GET", "/members"), None, Value::Null).await;
        let mut items = members["items"].as_array().expect("items").iter();
        let found = items.find(|member| member["email"] == email).expect("they are listed");
        found["id"].as_str().expect("an ID").to_owned()
    }

    /// Returns the listed clients, and the ETag that the act requires.
    async fn listed(&self, path: &str) -> (Names, String) {
        let (listed, etag) = self.api(("GET", path), None, Value::Null).await;
        let clients = listed["clients"].as_array().expect("clients").iter();
        let names = clients.map(|client| {
            assert!(client["requests_per_day"].as_i64() > Some(0), "{client}");
            assert!(!client["operations"].as_array().expect("a list").is_empty(), "{client}");
            client["name"].as_str().expect("a name").to_owned()
        });
        (names.collect(), etag)
    }

    /// Sends the requests of the day again, and returns the clients that were rejected.
    async fn rejected(&self) -> Names {
        let mut rejected = Names::new();
        for Recorded { client: name, address, token, paths } in &self.day {
            for path in *paths {
                let request =
                    client().build().expect("a client").get(format!("{}{path}", self.endpoint));
                let request = request.bearer_auth(token).header("x-forwarded-for", *address);
                let response = request.header("user-agent", *name).send().await.expect("answers");
                if !response.status().is_success() {
                    rejected.insert((*name).to_owned());
                }
            }
        }
        rejected
    }

    /// Does what the list is about, and compares it with what happens. `expected` is what a reader of the day would say.
    async fn act(&self, list: &str, act: (&str, &str), body: Value, expected: &[&str]) {
        let before = self.rejected().await;
        let (listed, etag) = self.listed(list).await;
        assert_eq!(listed, names(expected), "{list}");
        self.api(act, Some(&etag), body).await;
        let wanted = &before | &listed;
        eventually("exactly the listed clients are rejected", async || {
            self.rejected().await == wanted
        })
        .await;
    }

    async fn undo(&self, act: (&str, &str), body: Value, still: &[&str]) {
        self.api(act, Some("*"), body).await;
        eventually("it is undone", async || self.rejected().await == names(still)).await;
    }
}

#[tokio::test]
async fn n1_the_clients_that_are_listed_are_the_ones_that_stop_working() {
    let world = World::start().await;
    let sync = world.token("Sync").await;
    let old = ["old-job"];
    let limits = format!("/tokens/{sync}/limits");
    let of = |limits: &str| format!("/tokens/{sync}/consequences?of=limit&{limits}");
    let narrow = json!({"scopes": ["contacts:read"], "mode": "enforce"});
    let full = json!({"scopes": ["*"], "mode": "enforce"});
    world.act(&of("scopes=contacts:read"), ("PUT", &limits), narrow, &["crm"]).await;
    world.undo(("PUT", &limits), full.clone(), &old).await;
    let inside = json!({"scopes": ["*"], "ip_allowlist": ["203.0.113.0/24"], "mode": "enforce"});
    let elsewhere = of("scopes=*&ip_allowlist=203.0.113.0/24");
    world.act(&elsewhere, ("PUT", &limits), inside, &["reporter"]).await;
    world.undo(("PUT", &limits), full, &old).await;

    let revoke = (format!("/tokens/{sync}/revocations"), format!("/tokens/{sync}/restorations"));
    let list = format!("/tokens/{sync}/consequences?of=revoke");
    world.act(&list, ("POST", &revoke.0), Value::Null, &["crm", "reporter"]).await;
    world.undo(("POST", &revoke.1), Value::Null, &old).await;

    let allowlist = json!({"ip_allowlist": ["203.0.113.0/24"]});
    let list = "/account/limits/consequences?ip_allowlist=203.0.113.0/24";
    world.act(list, ("PATCH", "/account/limits"), allowlist, &["reporter", "postman"]).await;
    world.undo(("PATCH", "/account/limits"), json!({"ip_allowlist": []}), &old).await;

    let everyone = ["crm", "reporter", "billing", "postman", "curl", "httpie"];
    let account = format!("/accounts/{}", world.endpoint.rsplit('/').next().expect("a number"));
    let list = format!("{account}/consequences");
    world
        .act(&format!("{list}?plan=wide"), ("PATCH", &account), json!({"plan": "wide"}), &[])
        .await;
    world
        .act(&format!("{list}?plan=tiny"), ("PATCH", &account), json!({"plan": "tiny"}), &everyone)
        .await;
    world.undo(("PATCH", &account), json!({"plan": "wide"}), &old).await;
    let acts = (format!("{account}/suspensions"), format!("{account}/restorations"));
    world.act(&list, ("POST", &acts.0), Value::Null, &everyone).await;
    world.undo(("POST", &acts.1), Value::Null, &old).await;

    let bob = format!("/members/{}", world.member("bob@acme.example").await);
    let list = format!("{bob}/consequences");
    world.act(&list, ("PATCH", &bob), json!({"role": "viewer"}), &["curl"]).await;
    let eve = format!("/members/{}", world.member("eve@acme.example").await);
    world.act(&format!("{eve}/consequences"), ("DELETE", &eve), Value::Null, &["httpie"]).await;
    let list = "/bearer-token/consequences";
    world.act(list, ("POST", "/bearer-token/rotations"), Value::Null, &["postman"]).await;
}
