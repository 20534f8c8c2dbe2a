//! F4: how long tokens may live, and who is reminded of their end.

use crate::{
    limits::token_with,
    support::{Keydesk, Options, PASSWORD, User, eventually},
};

async fn start(config: &str) -> (Keydesk, User) {
    let config = format!("{config}[observe]\nstatus = \"127.0.0.1:0\"\n");
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    (keydesk, ann)
}

async fn make(user: &User, name: &str, expires: &str) -> u16 {
    user.post("/tokens", &[("name", name), ("expires", expires), ("scope", "*")]).await.status
}

#[tokio::test]
async fn f4_the_operators_and_the_accounts_policy_hold_for_new_tokens() {
    let policy = "[expiry]\nmax_lifetime_days = 180\ndefault = \"90d\"\nmode = \"enforce\"\n";
    let (_keydesk, ann) = start(policy).await;
    let form = ann.get("/tokens/new").await.text;
    assert!(form.contains("value=\"90d\" checked") && form.contains("at most 180 days"), "{form}");
    assert_eq!(make(&ann, "forever", "never").await, 422);
    assert_eq!(make(&ann, "a year", "365d").await, 422);
    assert_eq!(make(&ann, "in time", "180d").await, 200);
    let page =
        ann.post("/limits/expiry", &[("max_lifetime_days", "30"), ("mode", "enforce")]).await;
    assert_eq!(page.location.as_deref(), Some("/limits?done=lifetime_saved"));
    assert_eq!(make(&ann, "too long now", "90d").await, 422);
    assert_eq!(make(&ann, "short", "30d").await, 200);
    let wrong = ann.post("/limits/expiry", &[("max_lifetime_days", "0")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("from 1 to 36500"), "{}", wrong.text);
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    assert_eq!(bob.post("/limits/expiry", &[("max_lifetime_days", "")]).await.status, 403);
}

/// Observed, the operator's policy refuses nothing; the account's own does.
#[tokio::test]
async fn n7_an_expiry_policy_is_observed_first() {
    let (_keydesk, ann) = start("[expiry]\nmax_lifetime_days = 30\nrequired = true\n").await;
    assert_eq!(make(&ann, "forever", "never").await, 200);
    let form = ann.get("/tokens/new").await.text;
    let offers = ["value=\"never\"", "value=\"90d\" checked", "value=\"365d\""];
    assert!(offers.iter().all(|part| form.contains(part)), "what is only observed narrows nothing");
    ann.post("/limits/expiry", &[("max_lifetime_days", "90"), ("mode", "observe")]).await;
    assert_eq!(make(&ann, "a year", "365d").await, 200);
    assert_eq!(make(&ann, "in time", "30d").await, 200);
    let page = ann.get("/limits").await.text;
    let over = page.split("exceed the maximum lifetime</h2>").nth(1).expect("they are listed");
    let over = over.split("</section>").next().expect("ends");
    assert!(over.contains(">forever<") && over.contains(">a year<"), "{over}");
    assert!(!over.contains(">in time<"), "{over}");
    ann.post("/limits/expiry", &[("max_lifetime_days", "90"), ("mode", "enforce")]).await;
    assert_eq!(make(&ann, "forever again", "never").await, 422);
    assert_eq!(make(&ann, "a quarter", "90d").await, 200);
}

/// Once for each reminder, to the maker while they belong to the account, and to who administers it.
#[tokio::test]
async fn f4_users_who_are_still_there_are_reminded_once() {
    let (keydesk, ann) = start("").await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let eve = ann.invite("eve@acme.example", "developer", PASSWORD).await;
    eve.post("/tokens", &[("name", "Eves"), ("expires", "5d"), ("scope", "*")]).await;
    let id = ann.member_id("eve").await;
    ann.post(&format!("/members/{id}/remove"), &[]).await;
    bob.post("/tokens", &[("name", "Bobs"), ("expires", "5d"), ("scope", "*")]).await;
    token_with(&ann, "Anns", &["*"]).await;
    bob.post("/tokens", &[("name", "Of a month"), ("expires", "30d"), ("scope", "*")]).await;
    // Five days that are left of more are told of; of a token that was made for a month, its first day is not.
    keydesk.sql("UPDATE token SET created_at = created_at - 40 * 86400000000 WHERE name IN ('Bobs', 'Eves')").await;
    // The next look is a minute away: a restart looks at once.
    let keydesk = keydesk.restart(&Options {
        config: "[observe]\nstatus = \"127.0.0.1:0\"\n".to_owned(),
        has_account: true,
        ..Options::default()
    });
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    eventually("the reminders are there", async || {
        ann.get("/mail").await.text.matches("expires soon").count() >= 3
    })
    .await;
    let mail = ann.get("/mail").await.text;
    let to = |address: &str, name: &str| {
        mail.split("<article")
            .filter(|m| m.contains(address) && m.contains(&format!("&#34;{name}&#34;")))
            .count()
    };
    assert_eq!((to("ann@", "Bobs"), to("bob@", "Bobs")), (1, 1), "{mail}");
    assert_eq!((to("ann@", "Eves"), to("eve@", "Eves"), to("ann@", "Anns")), (1, 0, 0), "{mail}");
    assert!(!mail.contains("Of a month"), "{mail}");
    eventually("the metric says so", async || {
        let metrics = keydesk.status("/metrics").await.1;
        metrics.contains("keydesk_tokens_expiring{days=\"7\"} 2")
            && metrics.contains("keydesk_tokens_expiring{days=\"1\"} 0")
    })
    .await;
    let again = keydesk.restart(&Options { has_account: true, ..Options::default() });
    let ann = User::logged_in(&again.console, "ann@acme.example", PASSWORD).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(!ann.get("/mail").await.text.contains("expires soon"), "each is sent once");
}
