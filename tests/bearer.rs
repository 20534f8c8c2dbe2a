//! B1 to B8 and T01 to T09: how a token may be presented, and what is said when it may not.

use crate::support::raw::{Behind, outcome};
use crate::support::{call, use_token};
use std::collections::HashSet;

fn challenge(answer: &str) -> &str {
    answer.lines().find(|line| line.starts_with("www-authenticate: ")).unwrap_or_default()
}

#[tokio::test]
async fn b1_b2_t41_the_challenge_tells_an_error_only_where_a_token_was_tried() {
    let behind = Behind::start("").await;
    for (authorization, status, error) in [
        ("", 401, None),
        ("Authorization: Basic YTpi\r\n", 401, None),
        ("Authorization: Bearer\r\n", 400, Some("invalid_request")),
        ("Authorization: Bearer a b\r\n", 400, Some("invalid_request")),
        ("Authorization: Bearer kd_u_x\r\n", 401, Some("invalid_token")),
    ] {
        let answer =
            behind.send(&format!("GET PATH/x HTTP/1.1\r\nHost: a\r\n{authorization}\r\n")).await;
        assert_eq!(outcome(&answer), (status, 1), "{answer}");
        let message = challenge(&answer);
        match error {
            None => assert_eq!(message, "www-authenticate: Bearer realm=\"keydesk\""),
            Some(error) if authorization != "Authorization: Bearer a b\r\n" => {
                assert!(message.contains(&format!("error=\"{error}\"")), "{answer}");
            }
            Some(_) => {}
        }
        assert!(answer.contains("cache-control: no-store"), "T41: {answer}");
    }
}

#[tokio::test]
async fn b3_t04_the_scheme_s_case_and_further_spaces_do_not_matter() {
    let behind = Behind::start("").await;
    let token = &behind.token;
    for value in [
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("Bearer    {token}"),
        format!("Bearer {token}  "),
    ] {
        let answer = behind
            .send(&format!("GET PATH/x HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\n\r\n"))
            .await;
        assert_eq!(outcome(&answer), (200, 1), "{answer}");
    }
    for value in [
        format!("Bearer\t{token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}, Bearer {token}"),
    ] {
        let answer = behind
            .send(&format!("GET PATH/x HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\n\r\n"))
            .await;
        assert_eq!(outcome(&answer), (400, 1), "{answer}");
    }
}

#[tokio::test]
async fn b4_t03_a_token_elsewhere_opens_nothing_and_is_not_passed_on_or_logged() {
    let mut behind = Behind::start("").await;
    let token = behind.token.clone();
    for (request, status) in [
        (format!("GET PATH/x?access_token={token} HTTP/1.1\r\nHost: a\r\n\r\n"), 400),
        (format!("GET PATH/x?a=b&access%5ftoken={token} HTTP/1.1\r\nAUTH\r\n\r\n"), 400),
        (format!("GET PATH/x HTTP/1.1\r\nHost: a\r\nCookie: access_token={token}\r\n\r\n"), 401),
        (format!("GET PATH/x HTTP/1.1\r\nHost: a\r\nX-Api-Key: {token}\r\n\r\n"), 401),
        (
            format!(
                "POST PATH/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\naccess_token={token}",
                13 + token.len()
            ),
            401,
        ),
        (format!("GET PATH/{token} HTTP/1.1\r\nHost: a\r\n\r\n"), 401),
    ] {
        let answer = behind.send(&request).await;
        assert_eq!(outcome(&answer), (status, 1), "{request}: {answer}");
        assert!(!answer.contains(&token), "B8");
    }
    assert!(behind.upstream.requests().is_empty());
    behind.keydesk.stop();
    assert!(!behind.keydesk.printed().contains(&token));
}

#[tokio::test]
async fn b5_t05_two_authorization_lines_are_refused_even_if_the_same() {
    let behind = Behind::start("").await;
    let line = format!("Authorization: Bearer {}\r\n", behind.token);
    for lines in [
        format!("{line}{line}"),
        format!("{line}Authorization: Basic x\r\n"),
        format!("Authorization:\r\n{line}"),
    ] {
        let answer = behind.send(&format!("GET PATH/x HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).await;
        assert_eq!(outcome(&answer), (400, 1), "{answer}");
    }
    assert!(behind.upstream.requests().is_empty());
}

#[tokio::test]
async fn b6_our_token_stays_here_and_the_upstream_gets_its_own_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credential");
    std::fs::write(&file, "Basic dXBzdHJlYW06c2VjcmV0\n").expect("writes");
    let upstream = crate::support::raw::RawUpstream::start().await;
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\"]\ncredential_file = \"{}\"\n",
        upstream.url,
        file.display()
    );
    let options = crate::support::Options { config, ..Default::default() };
    let mut keydesk = crate::support::Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    assert_eq!(use_token(&ann.endpoint_url().await, &ann.bearer_token().await).await.0, 200);
    let got = upstream.take().remove(0);
    assert_eq!(got.matches("uthorization").count(), 1, "{got}");
    assert!(got.contains("\r\nauthorization: Basic dXBzdHJlYW06c2VjcmV0\r\n"), "{got}");
    keydesk.stop();
    assert!(!keydesk.printed().contains("dXBzdHJlYW06"), "a credential is not logged");
}

#[tokio::test]
async fn b7_t08_tokens_that_never_were_are_all_answered_alike() {
    use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
    let behind = Behind::start("").await;
    let entropy = Entropy::seeded(99);
    let mut bodies = HashSet::new();
    for _ in 0..200 {
        let guess = PlainToken::generate(&Prefix::default(), Kind::User, &entropy);
        let answer = call(
            &format!("{}{}/x", behind.keydesk.gateway, behind.path),
            Some(&format!("Bearer {}", guess.expose())),
        )
        .await;
        assert_eq!(answer.status(), 401);
        let mut problem: serde_json::Value = answer.json().await.expect("a problem");
        problem["request_id"] = "".into();
        bodies.insert(problem.to_string());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn b8_nothing_that_was_sent_is_echoed() {
    let behind = Behind::start("").await;
    for value in [
        "Bearer canary-canary",
        "Bearer kd_u_canary",
        "canary",
        "Basic canary",
        "Bearer canary canary",
        "Bearer Bearer canary",
    ] {
        let answer = behind.send(&format!("GET PATH/canary HTTP/1.1\r\nHost: canary\r\nAuthorization: {value}\r\nX: canary\r\n\r\n")).await;
        assert!(!answer.contains("canary"), "{answer}");
    }
}

#[tokio::test]
async fn t01_t02_a_token_opens_its_own_account_in_whatever_order_it_is_tried() {
    let behind = Behind::start("").await;
    let own = &behind.path;
    let other = if own == "/385403" { "/385404" } else { "/385403" };
    let mut answers = HashSet::new();
    for round in 0..50 {
        let (path, status) = if round % 3 == 0 { (own.as_str(), 200) } else { (other, 401) };
        let answer = behind
            .send(&format!("GET {path}/x HTTP/1.1\r\nAUTH\r\nConnection: close\r\n\r\n"))
            .await;
        assert_eq!(outcome(&answer), (status, 1), "{round}");
        if status == 401 {
            let without_ids =
                answer.lines().filter(|line| !line.contains("req_") && !line.starts_with("date"));
            answers.insert(without_ids.collect::<Vec<_>>().join("\n"));
        }
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(behind.upstream.take().len(), 17);
}
