//! P, SE and H of the security list, as far as they show from outside.

use crate::support::{Keydesk, NEW_PASSWORD, Options, PASSWORD, User, client, use_token};

const ANN: &str = "ann@acme.example";

#[tokio::test]
async fn se2_the_cookie_is_plain_on_loopback_and_strict_on_https() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let page = User::visiting(&keydesk.console).log_in(ANN, PASSWORD).await;
    let cookie = page.header("set-cookie");
    assert!(
        cookie.starts_with(&format!("{}=", keydesk.cookie_name()))
            && cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000"),
        "{cookie}"
    );
    let config =
        "public_console_url = \"https://console.example\"\ntrusted_proxies = [\"127.0.0.1\"]\n"
            .to_owned();
    let address = keydesk.console.clone();
    let keydesk = keydesk.restart(&Options {
        config,
        console: Some(address.replace("http://", "")),
        ..Options::default()
    });
    let client = crate::support::client()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let form = [("email", ANN), ("password", PASSWORD)];
    let log_in = |proto: Option<&str>, host: &str| {
        let request = client.post(format!("{address}/login")).header("host", host).form(&form);
        match proto {
            Some(proto) => request.header("x-forwarded-proto", proto),
            None => request,
        }
        .send()
    };
    let response = log_in(Some("https"), "console.example").await.expect("answers");
    let cookie = response.headers()["set-cookie"].to_str().expect("ASCII");
    assert!(cookie.starts_with("__Host-keydesk=") && cookie.contains("; Secure;"), "{cookie}");
    assert!(
        response.headers()["strict-transport-security"]
            .to_str()
            .expect("ASCII")
            .contains("max-age=63072000")
    );
    for proto in [None, Some("http")] {
        let response = log_in(proto, "console.example").await.expect("answers");
        assert_eq!(response.status(), 403);
        assert!(response.text().await.expect("a body").contains("X-Forwarded-Proto: https"));
    }
    assert_eq!(
        log_in(Some("https"), "evil.example").await.expect("answers").status(),
        421,
        "one canonical host"
    );
    drop(keydesk);
}

#[tokio::test]
async fn a_name_that_somebody_points_at_loopback_is_not_served() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let get = |host: String| {
        crate::support::client()
            .build()
            .expect("a client")
            .get(format!("{}/login", keydesk.console))
            .header("host", host)
            .send()
    };
    let port = keydesk.console.rsplit(':').next().expect("a port").to_owned();
    assert_eq!(get(format!("rebinding.example:{port}")).await.expect("answers").status(), 421);
    assert_eq!(get(format!("localhost:{port}")).await.expect("answers").status(), 200);
}

#[tokio::test]
async fn se1_a_session_gets_a_new_secret_at_log_in_and_after_a_password_change() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let secret = |page: &crate::support::Page| {
        page.header("set-cookie").split([';', '=']).nth(1).expect("a cookie").to_owned()
    };
    let ann = User::visiting(&keydesk.console);
    let first = secret(&ann.log_in(ANN, PASSWORD).await);
    let second = secret(
        &ann.post(
            "/profile/password",
            &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD)],
        )
        .await,
    );
    assert_ne!(first, second);
    let with = |secret: String| {
        let client = crate::support::client()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        client
            .get(format!("{}/sessions", keydesk.console))
            .header("cookie", format!("{}={secret}", keydesk.cookie_name()))
            .send()
    };
    assert_eq!(with(first).await.expect("answers").status(), 303, "the previous one is revoked");
    assert_eq!(with(second).await.expect("answers").status(), 200);
}

#[tokio::test]
async fn se8_a_bearer_token_opens_no_page_and_a_cookie_no_api() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let page = User::visiting(&keydesk.console).log_in(ANN, PASSWORD).await;
    let cookie = page.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let secret = cookie.split('=').nth(1).expect("a value");
    let client = crate::support::client().build().expect("a client");
    let with_cookie =
        client.get(format!("{endpoint}/api/v1/contacts")).header("cookie", &cookie).send();
    assert_eq!(with_cookie.await.expect("answers").status(), 401);
    assert_eq!(use_token(&endpoint, secret).await.0, 401);
    let with_token = client
        .get(format!("{}/tokens", keydesk.console))
        .header("cookie", format!("{}={token}", keydesk.cookie_name()))
        .send();
    assert_eq!(with_token.await.expect("answers").url().path(), "/login");
}

/// The bound of the queue, and the response when it is full, are tested beside the code: how
/// many it takes to fill one depends on the machine.
#[tokio::test]
async fn t79_many_log_ins_at_once_are_answered_and_the_gateway_goes_on() {
    // From many places, as no address has that many tries.
    let config = "trusted_proxies = [\"127.0.0.1\"]\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let client = client().build().expect("a client");
    let attempts = (0..200).map(|number| {
        let request = client.post(format!("{}/login", keydesk.console));
        let request = request.header("x-forwarded-for", format!("203.0.113.{number}"));
        let email = format!("p{number}@acme.example");
        let request = request.form(&[("email", email.as_str()), ("password", "a wrong password")]);
        tokio::spawn(async move { request.send().await.expect("answers") })
    });
    let attempts: Vec<_> = attempts.collect();
    assert_eq!(use_token(&endpoint, &token).await.0, 200);
    for attempt in attempts {
        let answer = attempt.await.expect("ends");
        let expected = [(403, true), (503, true)];
        let message = answer.headers().contains_key("retry-after");
        assert!(expected.contains(&(answer.status().as_u16(), message)), "{answer:?}");
    }
}
