//! T14, T15, T53: two acts at the same moment.

use crate::support::{
    Keydesk, Options, PASSWORD, Page, is_let_through, postgres::Postgres, use_token,
};

#[tokio::test]
async fn t15_of_two_rotations_at_once_exactly_one_wins() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    for round in 1..=10 {
        let version = round.to_string();
        let form = [("version", version.as_str())];
        let (one, two) =
            tokio::join!(ann.post("/api-docs/rotate", &form), ann.post("/api-docs/rotate", &form));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409]);
    }
    assert!(is_let_through(&use_token(&endpoint, &ann.bearer_token().await).await));
}

#[tokio::test]
async fn t14_after_the_answer_no_use_is_let_through() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    for _ in 0..20 {
        let old = ann.bearer_token().await;
        let (uses, stop) = (
            tokio::spawn(hammer(endpoint.clone(), old.clone())),
            ann.post("/api-docs/rotate", &[]),
        );
        assert_eq!(stop.await.status, 303);
        assert_eq!(use_token(&endpoint, &old).await, (401, "token_rotated".to_owned()));
        let outcomes = uses.await.expect("ends");
        let first_refusal =
            outcomes.iter().position(|let_through| !let_through).unwrap_or(outcomes.len());
        assert!(
            outcomes[first_refusal..].iter().all(|let_through| !let_through),
            "once refused, always refused"
        );
    }
}

async fn hammer(endpoint: String, token: String) -> Vec<bool> {
    let mut outcomes = Vec::new();
    for _ in 0..15 {
        outcomes.push(is_let_through(&use_token(&endpoint, &token).await));
    }
    outcomes
}

async fn owners_demote_each_other(config: String) {
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "owner", PASSWORD).await;
    let ids = [ann.member_id("Ann Chen").await, ann.member_id("bob").await];
    let role = |member: usize| format!("/members/{}/role", ids[member]);
    for round in 0..8 {
        let (of_bob, of_ann) = (role(1), role(0));
        let viewer = [("role", "viewer")];
        let (one, two) = tokio::join!(ann.post(&of_bob, &viewer), bob.post(&of_ann, &viewer));
        let done = |page: &Page| page.status == 303;
        assert!(done(&one) != done(&two), "round {round}: {} and {}", one.status, two.status);
        let (owner, other) = if done(&one) { (&ann, 1) } else { (&bob, 0) };
        assert_eq!(owner.post(&role(other), &[("role", "owner")]).await.status, 303);
    }
}

#[tokio::test]
async fn t53_of_two_owners_who_demote_each_other_one_stays_on_sqlite() {
    owners_demote_each_other(String::new()).await;
}

#[tokio::test]
async fn t53_of_two_owners_who_demote_each_other_one_stays_on_postgresql() {
    let server = Postgres::shared();
    let store = server.url(&server.new_database());
    owners_demote_each_other(format!("database_url = \"{store}\"\n")).await;
}
