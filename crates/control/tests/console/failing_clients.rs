//! Clients whose requests are rejected: who they are, what helps, and what members decide about them.

use crate::{
    api::Program,
    world::{Console, User},
};
use keydesk_model::{
    CountedRejection, CountedRequests, EndedRequests, NodeId, PeriodUse, Role, TimeBucket,
    Timestamp, TokenId, UsedToken,
};
use keydesk_store::UsageReport;
use std::{net::IpAddr, time::Duration};

/// What a gateway reports about one client.
pub struct Rejected<'a> {
    pub token: &'a str,
    pub code: &'a str,
    pub client: &'a str,
    pub operation: &'a str,
    pub requests: u64,
}

impl Console {
    /// Reports rejected requests as a gateway does, as many as there were in this hour.
    pub async fn rejects(&self, rejected: &Rejected<'_>) {
        let now = self.app.now();
        let token = rejected.token.parse::<TokenId>().ok();
        let used = token.map_or(UsedToken::None(self.number), UsedToken::Token);
        let mut body = PeriodUse::default();
        body.count(&CountedRequests {
            count: rejected.requests,
            operation: rejected.operation,
            client: rejected.client,
            network: IpAddr::from([192, 0, 2, 7]).into(),
            status: 403,
            were_rejected: true,
            rejection: Some(CountedRejection {
                token,
                code: rejected.code,
                first_at: now,
                last_at: now,
                last_request: "req_0123456789abcdef00000001",
            }),
            would_be_rejected: false,
            time: TimeBucket::of(Duration::from_millis(1)),
        });
        let by = NodeId::generate(Timestamp::from_micros(0), &self.app.entropy);
        let reporter = format!("{} {}", rejected.client, rejected.code);
        let report = UsageReport {
            by,
            reporter: &reporter,
            uses: vec![((used, now.start_of_hour()), &body)],
            ended: &EndedRequests::default(),
            complete_until: now,
            now,
        };
        self.app.store.record_ended(&report).await.expect("stores");
    }
}

async fn token(ann: &User, name: &str, scope: &str) -> String {
    let form = [("name", name), ("expires", "never"), ("scope", scope)];
    assert_eq!(ann.post("/tokens", &form).await.status, 200);
    ann.id_in("/tokens", "tok_", name).await
}

/// The ID of the failing client in a list of these.
async fn id_of(ann: &User, client: &str) -> String {
    ann.id_in("/failing-clients?state=all", "fcl_", client).await
}

#[tokio::test]
async fn n4_a_failing_client_is_listed_with_what_helps() {
    let console = Console::start().await;
    let ann = console.owner();
    let crm = token(&ann, "CRM", "contacts:read").await;
    let old = token(&ann, "Old", "*").await;
    ann.post(&format!("/tokens/{old}/revoke"), &[]).await;
    let gone = token(&ann, "Gone", "*").await;
    ann.post(&format!("/tokens/{gone}/revoke"), &[("how", "permanently")]).await;
    for (token, code, client, operation) in [
        (&*crm, "insufficient_scope", "importer", "DELETE /contacts/{id}"),
        (&crm, "ip_not_allowed", "laptop", "GET /contacts"),
        (&crm, "rate_limited", "loop", "GET /contacts"),
        (&old, "token_revoked", "n8n", "GET /contacts"),
        (&gone, "token_revoked", "zapier", "GET /contacts"),
        ("", "missing_token", "curl", "GET /contacts"),
    ] {
        console.rejects(&Rejected { token, code, client, operation, requests: 3 }).await;
    }
    let list = ann.get("/failing-clients").await.readable();
    assert!(list.contains("importer") && list.contains("Open (6)"), "{list}");
    assert!(!list.contains("curl"), "what anyone can send is not shown: {list}");
    for (client, links) in [
        ("importer", vec![format!("/tokens/{crm}/limits?add_scope=*#new-limits")]),
        ("laptop", vec!["/limits".to_owned()]),
        ("loop", vec!["/limits".to_owned()]),
        ("n8n", vec![format!("/tokens/{old}/restore"), format!("/tokens/new?successor_of={old}")]),
        ("zapier", vec![format!("/tokens/new?successor_of={gone}")]),
        ("Clients without a valid token", vec!["/api-docs".to_owned()]),
    ] {
        let id = id_of(&ann, client).await;
        let page = ann.get(&format!("/failing-clients/{id}")).await;
        for link in links {
            assert!(page.text.contains(&format!("href=\"{link}\"")), "{client}: {link}");
        }
        assert!(page.text.contains("req_0123456789abcdef00000001"), "{client}");
    }
    let viewer = console.joined("vera@acme.example", Role::Viewer).await;
    assert_eq!(viewer.get("/failing-clients").await.status, 403);
    // The form is filled in with what was missing, and nothing has changed yet.
    let form = ann.get(&format!("/tokens/{crm}/limits?add_scope=contacts:write")).await;
    assert!(form.text.contains("contacts:read") && form.text.contains("contacts:write"));
}

#[tokio::test]
async fn n4_a_resolved_client_reopens_by_itself() {
    let console = Console::start().await;
    let ann = console.owner();
    let crm = token(&ann, "CRM", "contacts:read").await;
    let failing = |requests| Rejected {
        token: &crm,
        code: "insufficient_scope",
        client: "importer",
        operation: "DELETE /contacts/{id}",
        requests,
    };
    console.rejects(&failing(3)).await;
    let id = id_of(&ann, "importer").await;
    let page = format!("/failing-clients/{id}");
    let is_open = async || ann.get("/failing-clients").await.text.contains(&id);
    assert!(is_open().await);
    assert_eq!(ann.post(&format!("{page}/resolve"), &[]).await.status, 303);
    assert!(!is_open().await);
    console.pass(Duration::from_mins(1));
    console.rejects(&failing(4)).await;
    assert!(is_open().await, "with its next request");
    assert_eq!(ann.post(&format!("{page}/mute"), &[("days", "7")]).await.status, 303);
    assert!(!is_open().await);
    console.pass(Duration::from_hours(6 * 24));
    console.rejects(&failing(1)).await;
    assert!(!is_open().await, "it is muted");
    console.pass(Duration::from_hours(25));
    assert!(is_open().await, "no longer");
    assert_eq!(ann.post(&format!("{page}/mute"), &[("days", "91")]).await.status, 422);
    let audit = ann.get("/audit?event=failing_client").await.readable();
    assert!(audit.contains("Failing client resolved") && audit.contains("muted"), "{audit}");
}

#[tokio::test]
async fn n4_creator_and_administrators_are_notified_once_a_day() {
    let console = Console::start().await;
    let ann = console.owner();
    let dora = console.joined("dora@acme.example", Role::Developer).await;
    let crm = token(&dora, "CRM", "contacts:read").await;
    let failing = Rejected {
        token: &crm,
        code: "insufficient_scope",
        client: "importer",
        operation: "",
        requests: 3,
    };
    console.rejects(&failing).await;
    console.rejects(&Rejected { token: "", code: "missing_token", ..failing }).await;
    let id = id_of(&ann, "importer").await;
    let report = format!("/failing-clients/{id}/report");
    assert_eq!(ann.post(&report, &[]).await.status, 303);
    let mail = ann.get("/mail").await.readable();
    let subject = "Requests with “CRM” are rejected";
    assert_eq!(mail.matches(subject).count(), 2, "to Dora and to Ann: {mail}");
    assert!(mail.contains(&format!("/failing-clients/{id}")), "{mail}");
    let again = ann.post(&report, &[]).await;
    assert!(again.status == 409 && again.text.contains("within the last 24 hours"));
    let nobody = id_of(&ann, "Clients without a valid token").await;
    let nobody = ann.post(&format!("/failing-clients/{nobody}/report"), &[]).await;
    assert_eq!(nobody.status, 409);
}

#[tokio::test]
async fn n4_the_api_says_the_same() {
    let console = Console::start().await;
    let ann = console.owner();
    let crm = token(&ann, "CRM", "contacts:read").await;
    console
        .rejects(&Rejected {
            token: &crm,
            code: "insufficient_scope",
            client: "importer",
            operation: "DELETE /contacts/{id}",
            requests: 3,
        })
        .await;
    let program = Program::of(&ann, &["usage:read", "tokens:write"]).await;
    let list = program.get("/failing-clients").await.body;
    let one = &list["items"][0];
    assert_eq!((&one["requests"], &one["client"]), (&3.into(), &"importer".into()), "{one}");
    assert_eq!((&one["token_name"], &one["state"]), (&"CRM".into(), &"open".into()));
    let hours = one["hours"].as_array().expect("hours");
    assert_eq!((hours.len(), &hours[167]), (168, &3.into()));
    let path = format!("/failing-clients/{}", one["id"].as_str().expect("an ID"));
    let decide =
        async |body| program.send(("PUT", &format!("{path}/state")), Some(body), &[]).await;
    let muted = decide(serde_json::json!({ "state": "muted", "days": 2 })).await;
    assert_eq!((muted.status, &muted.body["state"]), (200, &"muted".into()));
    let refused = decide(serde_json::json!({ "state": "muted", "days": 0 })).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_mute_time"));
    let sent = program.send(("POST", &format!("{path}/reports")), None, &[]).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    assert!(program.get(&path).await.body["notified_at"].is_string());
}
