//! What anyone can do about a leaked secret, without a login: report it, and ask for its state.

use crate::{
    leaks::{alerts, digest, states},
    world::Console,
};
use axum::http::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn f13_anyone_can_report_and_learns_nothing() {
    let console = Console::start().await;
    let (ann, anyone) = (console.owner(), console.anonymous());
    let (a, b) = (ann.create_token("a", "never").await, ann.create_token("b", "never").await);
    let unknown = keydesk_token::PlainToken::generate(
        &"kd".parse().expect("a prefix"),
        keydesk_token::Kind::Account,
        &keydesk_token::Entropy::seeded(77),
    );
    let url = "javascript:alert(1)";
    let report =
        async |secret: &str| anyone.post("/report-leak", &[("secret", secret), ("url", url)]).await;
    let (of_unknown, of_token) =
        (report(unknown.expose()).await, report(&format!("TOKEN={a}\n")).await);
    assert_eq!((of_unknown.status, of_token.status), (200, 200));
    assert_eq!(of_unknown.text, of_token.text);
    assert_eq!(report(&digest(&b).to_uppercase()).await.text, of_token.text);
    assert_eq!(states(&console, &[&a, &b]).await, ["revoked", "revoked"]);
    // The place is not verified, so no email passes it on.
    let mail = alerts(&ann).await;
    assert!(
        mail[0].contains("unverified; see the audit log") && !mail[0].contains("javascript"),
        "{mail:?}"
    );

    let wrong = report("no token at all").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.readable().contains("This contains no complete token of this service."));
    assert!(
        wrong.text.contains("value=\"javascript:alert(1)\"")
            && !wrong.text.contains("no token at all")
    );
    let cross = anyone.post_from("https://evil.example", "/report-leak").await;
    assert_eq!(cross.status, 403, "{}", cross.text);
    let mut limited = 0;
    for _ in 0..40 {
        limited += usize::from(report(unknown.expose()).await.status == 429);
    }
    assert!((10..=16).contains(&limited), "{limited}");
}

#[tokio::test]
async fn f13_a_check_takes_digests_and_nothing_else() {
    let console = Console::start().await;
    let anyone = console.anonymous();
    let check = async |body: String, kind: &'static str| {
        let headers = [("content-type", kind)];
        anyone.send_plain(Method::POST, "/secret-scanning/check", body, &headers).await
    };
    let many = json!({ "digests": vec!["0".repeat(64); 501] }).to_string();
    for (body, status, place) in [
        (many, 422, "/digests"),
        (r#"{"digests":["kd_a_x"]}"#.to_owned(), 422, "/digests/0"),
        (r#"{"digests":"x"}"#.to_owned(), 422, "/digests"),
        (r#"{"tokens":[]}"#.to_owned(), 422, "/tokens"),
        ("[]".to_owned(), 422, ""),
        ("x".to_owned(), 400, ""),
    ] {
        let page = check(body, "application/json").await;
        assert_eq!(page.status, status, "{}", page.text);
        assert_eq!(page.header("content-type"), "application/problem+json");
        assert!(page.text.contains(&format!("\"{place}\"")) || place.is_empty(), "{}", page.text);
    }
    assert_eq!(check("{}".to_owned(), "text/plain").await.status, 415);
    let none = check(r#"{"digests":[]}"#.to_owned(), "application/json").await;
    assert_eq!((none.status, none.text.as_str()), (200, r#"{"secrets":[]}"#));
}

/// The sender of a report or a check may disconnect at any time: what was begun is completed, with its emails.
#[tokio::test]
async fn f13_who_disconnects_suppresses_no_alarm() {
    let console = Console::start().await;
    let (ann, anyone) = (console.owner(), console.anonymous());
    for round in 0..12_usize {
        let token = ann.create_token(&format!("token {round}"), "never").await;
        let name = format!("bait {round}");
        let bait = ann.post("/canaries", &[("name", &name)]).await.value("canary-bait-token");
        let form = [("secret", token.as_str())];
        give_up(anyone.post("/report-leak", &form), round).await;
        let body = json!({ "digests": [digest(&bait)] }).to_string();
        let headers = [("content-type", "application/json")];
        let check = anyone.send_plain(Method::POST, "/secret-scanning/check", body, &headers);
        give_up(check, round).await;
        console.pass(Duration::from_mins(1));
        let revoked = states(&console, &[&token]).await == ["revoked"];
        let what = format!("“token {round}”");
        let mut is_told = !revoked;
        for _ in 0..1_000 {
            is_told = is_told || alerts(&ann).await.iter().any(|mail| mail.contains(&what));
            if is_told {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(is_told, "round {round}");
    }
}

/// Drops a request after it was polled a number of times.
async fn give_up<T>(request: impl Future<Output = T>, polls: usize) {
    let mut request = Box::pin(request);
    for _ in 0..=polls {
        if futures_util::poll!(&mut request).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
