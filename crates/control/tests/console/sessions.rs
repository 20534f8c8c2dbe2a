//! Logging in, and the sessions that it opens.

use crate::world::{ANN, Console, PASSWORD};

#[tokio::test]
async fn s1_logging_in_takes_the_right_password_and_tells_no_more() {
    let console = Console::start().await;
    let visitor = console.anonymous();
    let wrong = visitor.log_in(ANN, "not the password at all").await;
    let unknown = visitor.log_in("nobody@acme.example", "not the password at all").await;
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert_eq!(wrong.text.replace(ANN, ""), unknown.text.replace("nobody@acme.example", ""));
    assert_eq!(visitor.get("/api-docs").await.location.as_deref(), Some("/login?next=/api-docs"));
    for spelling in [ANN, "ANN@ACME.example", " ann@acme.example "] {
        assert_eq!(visitor.log_in(spelling, PASSWORD).await.status, 303, "{spelling}");
    }
}

#[tokio::test]
async fn se4_own_sessions_are_seen_and_ended_and_others_are_not() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let second = console.logged_in(ANN).await;
    let page = ann.get("/sessions").await.text;
    assert_eq!(page.matches("Firefox on Linux</b>").count(), 2);
    let ids: Vec<&str> = page.split("/sessions/ses_").skip(1).map(|rest| &rest[..32]).collect();
    for id in &ids {
        assert_eq!(bob.post(&format!("/sessions/ses_{id}/end"), &[]).await.status, 404);
    }
    let this = page.find("This session").expect("marked");
    let other = ids
        .iter()
        .find(|id| page.find(**id).is_some_and(|at| (at < this) == (ids[0] != **id) || at < this))
        .copied();
    let other = other.unwrap_or(ids[1]);
    ann.post(&format!("/sessions/ses_{other}/end"), &[]).await;
    let alive = [ann.get("/sessions").await.status, second.get("/sessions").await.status];
    assert_eq!(alive.iter().filter(|status| **status == 200).count(), 1, "{alive:?}");
}

#[tokio::test]
async fn h5_t50_after_logging_in_nobody_is_sent_to_another_site() {
    let console = Console::start().await;
    for (next, location) in [
        ("//evil.example", "/api-docs"),
        ("/\\evil.example", "/api-docs"),
        ("https://evil.example", "/api-docs"),
        ("/help", "/help"),
    ] {
        let form = [("email", ANN), ("password", PASSWORD), ("next", next)];
        let page = console.anonymous().post("/login", &form).await;
        assert_eq!(page.location.as_deref(), Some(location), "{next}");
    }
}

#[tokio::test]
async fn p5_a_password_is_the_same_however_its_accents_are_composed() {
    let console = Console::start().await;
    let ann = console.owner();
    let composed = "caf\u{e9} fjord umbrella quartz";
    ann.post("/profile/password", &[("current_password", PASSWORD), ("new_password", composed)])
        .await;
    let decomposed = "cafe\u{301} fjord umbrella quartz";
    assert_eq!(console.anonymous().log_in(ANN, decomposed).await.status, 303);
}
