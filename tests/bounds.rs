//! What strangers, sessions, and members can write, and how much of it.

use crate::{
    limits::send,
    support::{Keydesk, Options, User, client, raw},
};

async fn start(config: &str) -> (Keydesk, User) {
    let options = Options { config: config.to_owned(), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    (keydesk, ann)
}

#[tokio::test]
async fn a_stranger_fills_no_audit_log() {
    let (keydesk, _ann) = start("sign_up = true\n").await;
    let stranger = User::visiting(&keydesk.console);
    for number in 0..60 {
        let email = format!("nobody{number}@acme.example");
        stranger.post("/forgot-password", &[("email", &email)]).await;
        stranger.post("/forgot-password", &[("email", "no address")]).await;
        stranger.post("/sign-up", &[("account", "Beta"), ("email", &email)]).await;
    }
    let written = "SELECT count(*) FROM audit WHERE event IN ('user.password_reset_requested', 'account.sign_up_requested')";
    let written = keydesk.count(written).await;
    // What an address may ask for in an hour, and one entry that it asked for more.
    assert_eq!(written, 31);
    let remembered = keydesk.count("SELECT count(*) FROM attempt").await;
    assert!(remembered <= 33, "{remembered}");
}

/// A site with a /48 of IPv6 has 65,536 networks.
#[tokio::test]
async fn t75_a_site_with_many_networks_fills_no_audit_log() {
    let (keydesk, _ann) = start("trusted_proxies = [\"127.0.0.1\"]\n").await;
    let stranger = client().build().expect("a client");
    for number in 0..400 {
        let form = stranger.post(format!("{}/forgot-password", keydesk.console));
        let form = form.header("x-forwarded-for", format!("2001:db8:0:{number:x}::1"));
        let form = form.header("origin", &keydesk.console).form(&[("email", "ann@acme.example")]);
        form.send().await.expect("answers");
    }
    let written = "SELECT count(*) FROM audit WHERE event = 'user.password_reset_requested'";
    assert!(keydesk.count(written).await <= 301);
}

#[tokio::test]
async fn a_stranger_fills_no_log_with_csp_reports() {
    let (keydesk, _ann) = start("").await;
    for _ in 0..200 {
        let sent =
            client().build().expect("a client").post(format!("{}/csp-reports", keydesk.console));
        assert_eq!(sent.body("{}").send().await.expect("answers").status(), 204);
    }
    let logged = keydesk.printed().matches("a browser reports a violation").count();
    assert_eq!(logged, 60);
}

#[tokio::test]
async fn a_token_has_only_so_many_scopes() {
    let (_keydesk, ann) = start("").await;
    let scopes: Vec<_> = (0..101).map(|number| format!("s{number}:read")).collect();
    let mut form = vec![("name", "CRM"), ("expires", "never")];
    form.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
    let page = ann.post("/tokens", &form).await;
    assert!(page.status == 422 && page.text.contains("at most 100 scopes"), "{}", page.text);
    form.pop();
    assert_eq!(ann.post("/tokens", &form).await.status, 200);
    let path = format!("/tokens/{}/limits", ann.token_id("CRM").await);
    let mut form: Vec<_> = scopes.iter().map(|scope| ("scope", scope.as_str())).collect();
    form.push(("mode", "enforce"));
    let page = ann.post(&path, &form).await;
    assert!(page.status == 422 && page.text.contains("at most 100 scopes"), "{}", page.text);
}

#[tokio::test]
async fn a_token_rotates_itself_only_where_that_is_switched_on_and_its_users_are_told() {
    let (keydesk, ann) = start("").await;
    let token = ann.create_token("CRM", "never").await;
    let endpoint = ann.endpoint_url().await;
    let answer = send("POST", &format!("{endpoint}/keydesk/rotate"), &token, "app").await;
    assert_eq!((answer.status, answer.code()), (404, "unknown_endpoint"));
    drop(keydesk);
    let (_keydesk, ann) = start("[self_service]\nrotate = true\n").await;
    let mut token = ann.create_token("CRM", "never").await;
    let rotate = format!("{}/keydesk/rotate", ann.endpoint_url().await);
    for _ in 0..60 {
        let answer = send("POST", &rotate, &token, "app").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["token"].as_str().expect("a token").clone_into(&mut token);
    }
    let answer = send("POST", &rotate, &token, "app").await;
    assert_eq!((answer.status, answer.code()), (429, "rate_limited"));
    assert!(
        answer.body["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("rotate itself 60 times"))
    );
    let mail = ann.get("/mail").await.text;
    assert!(mail.contains("was rotated by a client") && mail.contains("127.0.0.1"), "{mail}");
}

/// Who look alike would be taken for each other.
#[tokio::test]
async fn t54_nobody_is_invited_or_named_with_letters_that_do_not_show() {
    let (_keydesk, ann) = start("").await;
    for hidden in ["\u{202e}", "\u{200b}", "\u{ad}", "\u{2063}", "\u{ff20}"] {
        let email = format!("be{hidden}a@acme.example");
        let page =
            ann.post("/members/invitations", &[("email", &email), ("role", "developer")]).await;
        assert_eq!(page.status, 422, "{hidden:?}");
    }
    for hidden in ["\u{202e}", "\u{200b}", "\u{ad}", "\u{2063}"] {
        let name = format!("C{hidden}RM");
        let page = ann
            .post("/tokens", &[("name", name.as_str()), ("expires", "never"), ("scope", "*")])
            .await;
        assert_eq!(page.status, 422, "{hidden:?}");
    }
}

/// RFC 9112 section 3.2.2: the target of an absolute form says the host.
#[tokio::test]
async fn t33_the_console_answers_for_no_other_host() {
    let (keydesk, _ann) = start("").await;
    let host = keydesk.console.trim_start_matches("http://");
    for (target, named, status) in [
        (format!("http://{host}/login"), host, "200"),
        ("http://evil.example/login".to_owned(), host, "421"),
        (format!("http://{host}/login"), "evil.example", "421"),
        ("/login".to_owned(), "evil.example", "421"),
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n");
        let answer = raw::converse_until_closed(host, request.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{target} {named}");
    }
}
