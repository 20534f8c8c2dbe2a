//! T43 to T45: guessing passwords is slow, wherever it is tried, and never locks the owner out.

use crate::world::{ANN, Console, NEW_PASSWORD, PASSWORD};
use std::time::Duration;

const WRONG: &str = "wrong wrong wrong";

async fn try_in(console: &Console, email: &str, password: &str) -> (u16, String) {
    let page = console.anonymous().log_in(email, password).await;
    (page.status, page.text)
}

async fn set_failures(console: &Console, failures: i64) {
    let set = format!("UPDATE attempt SET failures = {failures}, last_at = 0, used_until = 0");
    console.sql(&set).await;
}

#[tokio::test]
async fn t43_tries_wait_longer_and_longer_and_the_right_password_ends_it() {
    let console = Console::start().await;
    for email in [ANN, "nobody@acme.example"] {
        for _ in 0..5 {
            assert_eq!(try_in(&console, email, WRONG).await.0, 403, "{email}");
        }
        // In every spelling of the same address; the right password is not even looked at.
        for spelt in [email.to_owned(), email.to_uppercase(), format!("  {email} ")] {
            let (status, text) = try_in(&console, &spelt, PASSWORD).await;
            assert_eq!(status, 429, "{spelt}");
            assert!(text.contains("Try again in 1 second"), "{text}");
        }
        console.pass(Duration::from_secs(1));
        assert_eq!(try_in(&console, email, WRONG).await.0, 403);
        assert!(try_in(&console, email, WRONG).await.1.contains("2 seconds"), "twice as long");
    }
    console.pass(Duration::from_secs(2));
    assert_eq!(try_in(&console, ANN, PASSWORD).await.0, 303);
    for _ in 0..5 {
        assert_eq!(try_in(&console, ANN, WRONG).await.0, 403, "counted from the start again");
    }
}

/// Many at once are no way round.
#[tokio::test]
async fn t43_tries_at_the_same_time_are_counted_each() {
    let console = Console::start().await;
    let tries = (0..40).map(|_| try_in(&console, ANN, WRONG));
    let answers = futures_util::future::join_all(tries).await;
    let looked_at = answers.iter().filter(|(status, _)| *status == 403).count();
    assert_eq!(looked_at, 5);
    assert!(answers.iter().all(|(status, _)| matches!(status, 403 | 429)));
}

/// One address tries many people.
#[tokio::test]
async fn t43_spraying_from_one_address_is_held() {
    let console = Console::start().await;
    let mut statuses = Vec::new();
    for number in 0..32 {
        statuses.push(try_in(&console, &format!("p{number}@acme.example"), WRONG).await.0);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 30, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
}

/// P7: a hundred, and only a reset by mail helps, or a browser that is known.
#[tokio::test]
async fn p7_t45_a_locked_password_is_open_to_its_owner() {
    let console = Console::start().await;
    let ann = console.owner();
    try_in(&console, ANN, WRONG).await;
    set_failures(&console, 100).await;
    let (status, text) = try_in(&console, ANN, PASSWORD).await;
    assert!(
        status == 429 && text.contains("This login is locked after 100 failed attempts"),
        "{text}"
    );
    // The owner's own browser has a count of its own.
    ann.post("/logout", &[]).await;
    assert_eq!(ann.log_in(ANN, PASSWORD).await.status, 303);
    // A stranger has not, whatever cookie they send for someone else.
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    bob.post("/logout", &[]).await;
    assert_eq!(bob.log_in(ANN, PASSWORD).await.status, 429, "Bob's browser is not Ann's");
    // And by mail.
    let visitor = console.anonymous();
    visitor.post("/forgot-password", &[("email", ANN)]).await;
    let link = visitor.link_in_mail("/reset-password/").await;
    assert_eq!(visitor.post(&link, &[("new_password", NEW_PASSWORD)]).await.status, 303);
    assert_eq!(try_in(&console, ANN, NEW_PASSWORD).await.0, 303);
}

/// P10: the same wherever a password is asked for.
#[tokio::test]
async fn p10_every_path_that_takes_a_password_is_held() {
    let console = Console::start().await;
    let ann = console.owner();
    let change = [("current_password", WRONG), ("new_password", NEW_PASSWORD)];
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(ann.post("/profile/password", &change).await.status);
        statuses.push(ann.post("/confirm", &[("confirm_password", WRONG)]).await.status);
    }
    assert_eq!(statuses[..5], [422, 403, 422, 403, 422]);
    assert!(ann.post("/profile/password", &change).await.text.contains("Too many failed attempts"));
    assert!(
        ann.post("/confirm", &[("confirm_password", PASSWORD)]).await.text.contains("Too many")
    );
    // Her password is not locked for that elsewhere.
    assert_eq!(try_in(&console, ANN, PASSWORD).await.0, 303);
    // An invitation for somebody who is known here takes their password.
    console.add_operator("otto@vendor.example").await;
    ann.post("/members/invitations", &[("email", "otto@vendor.example"), ("role", "viewer")]).await;
    let visitor = console.anonymous();
    let link = visitor.link_in_mail("/invitation/").await;
    let mut held = 0;
    for _ in 0..7 {
        let page = visitor.post(&link, &[("password", WRONG)]).await;
        held += usize::from(page.text.contains("Too many failed attempts"));
    }
    assert!(held >= 1);
}

/// P14: a log-in from a browser that was not used before is told by mail, and only then.
#[tokio::test]
async fn p14_a_new_browser_is_told_of_once() {
    let console = Console::start().await;
    let ann = console.owner();
    let message = async || {
        ann.get("/mail").await.text.matches("New login from an unrecognized browser").count()
    };
    ann.post("/logout", &[]).await;
    ann.log_in(ANN, PASSWORD).await;
    assert_eq!(message().await, 0, "it is the browser that the account was opened with");
    let other = console.logged_in(ANN).await;
    assert_eq!(message().await, 1);
    other.post("/logout", &[]).await;
    other.log_in(ANN, PASSWORD).await;
    assert_eq!(message().await, 1);
}

/// A reset link is good for one; asking on and on sends no flood of mail.
#[tokio::test]
async fn t55_reset_links_are_sent_a_few_times_an_hour() {
    let console = Console::start().await;
    let ann = console.owner();
    let visitor = console.anonymous();
    for _ in 0..9 {
        let page = visitor.post("/forgot-password", &[("email", ANN)]).await;
        assert_eq!(page.status, 200, "who looks on cannot tell");
    }
    assert_eq!(ann.get("/mail").await.text.matches("Reset your password").count(), 5);
}

/// Accepting an invitation is a log-in too, for whoever is known here already.
#[tokio::test]
async fn p14_an_invitation_accepted_in_a_new_browser_is_told_of() {
    let console = Console::start().await;
    let ann = console.owner();
    console.add_operator("otto@vendor.example").await;
    console.logged_in("otto@vendor.example").await;
    ann.post("/members/invitations", &[("email", "otto@vendor.example"), ("role", "viewer")]).await;
    let otto = console.anonymous();
    let link = otto.link_in_mail("/invitation/").await;
    assert_eq!(otto.post(&link, &[("password", PASSWORD)]).await.status, 303);
    let mail = ann.get("/mail").await.text;
    let newest = mail.split("<article").nth(1).expect("a mail");
    assert!(
        newest.contains("New login from an unrecognized browser") && newest.contains("otto@vendor")
    );
    // Whoever chooses a password with it knows where they are.
    ann.invite("bob@acme.example", "viewer", PASSWORD).await;
    let mail = ann.get("/mail").await.text;
    assert_eq!(mail.matches("New login from an unrecognized browser").count(), 1);
}

/// In whichever session, and whatever secret it has.
#[tokio::test]
async fn a_user_makes_only_so_many_changes() {
    let console = Console::start().await;
    let (ann, elsewhere) = (console.owner(), console.logged_in(ANN).await);
    assert_eq!(ann.post("/confirm", &[("confirm_password", PASSWORD)]).await.status, 303);
    let mut changes = 0;
    let refused = loop {
        let ann = if changes % 2 == 0 { &ann } else { &elsewhere };
        let page = ann.post("/profile/language", &[("language", "es")]).await;
        if page.status == 429 {
            break page;
        }
        assert_eq!(page.status, 303, "{}", page.text);
        changes += 1;
        assert!(changes <= 300, "as many as in a minute");
    };
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert_eq!(ann.get("/profile").await.status, 200, "reading still works");
}
