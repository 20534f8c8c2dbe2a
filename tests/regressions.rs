//! Defects that were there once, so that they do not come back.

use crate::support::{
    Keydesk, NEW_PASSWORD, Options, PASSWORD, User, call, is_let_through, use_token,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn database(keydesk: &Keydesk) -> sqlx::SqlitePool {
    let url = format!("sqlite://{}", keydesk.data().join("keydesk.sqlite").display());
    sqlx::SqlitePool::connect(&url).await.expect("opens")
}

/// Makes every session's password too old for what shows or makes tokens.
async fn age_sessions(keydesk: &Keydesk) {
    let aged = sqlx::query("UPDATE session SET authenticated_at = 0")
        .execute(&database(keydesk).await)
        .await;
    assert!(aged.expect("writes").rows_affected() > 0);
}

async fn session_cookie(console: &str, email: &str) -> String {
    let page = User::visiting(console).log_in(email, PASSWORD).await;
    page.header("set-cookie").split(';').next().expect("a cookie").to_owned()
}

/// A form whose head is sent now and whose body later.
struct HeldForm {
    stream: TcpStream,
    body: &'static str,
}

impl HeldForm {
    async fn begin(console: &str, path: &str, cookie: &str, body: &'static str) -> Self {
        let host = console.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("connects");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("sends");
        tokio::time::sleep(Duration::from_millis(200)).await;
        Self { stream, body }
    }

    async fn finish(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.expect("sends");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("answers");
        answer
    }
}

/// Rejected, or led to the login.
fn is_sent_away(answer: &str) -> bool {
    let leads_to_login = answer.lines().any(|line| line.starts_with("location: /login"));
    answer.starts_with("HTTP/1.1 4") || (answer.starts_with("HTTP/1.1 303") && leads_to_login)
}

#[tokio::test]
async fn t12_t16_who_is_removed_while_a_form_arrives_gets_nothing_by_it() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let (endpoint, old) = (bob.endpoint_url().await, bob.bearer_token().await);
    let cookie = session_cookie(&keydesk.console, "bob@acme.example").await;
    let create = HeldForm::begin(&keydesk.console, "/tokens", &cookie, "name=late&scope=*").await;
    let rotate = HeldForm::begin(&keydesk.console, "/api-docs/rotate", &cookie, "x=1").await;
    let id = ann.member_id("bob").await;
    assert_eq!(ann.post(&format!("/members/{id}/remove"), &[]).await.status, 303);
    for form in [create, rotate] {
        let answer = form.finish().await;
        assert!(is_sent_away(&answer), "{answer}");
    }
    assert!(!ann.get("/tokens").await.text.contains("late"));
    assert_eq!(use_token(&endpoint, &old).await, (401, "member_removed".to_owned()));
    let open = "SELECT count(*) FROM secret JOIN token ON token.id = token_id WHERE name LIKE '%bob%' AND ended_at IS NULL";
    let open: i64 =
        sqlx::query_scalar(open).fetch_one(&database(&keydesk).await).await.expect("reads");
    assert_eq!(open, 0, "no bearer token of a removed member is open");
}

#[tokio::test]
async fn t12_a_form_that_arrives_after_its_account_was_closed_changes_nothing() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let number = ann.endpoint_url().await;
    let number = number.rsplit('/').next().expect("a number");
    let args = ["operator", "create", "--email", "otto@vendor.example", "--password-stdin"];
    assert!(keydesk.run(&args, PASSWORD).status.success());
    let otto = User::logged_in(&keydesk.console, "otto@vendor.example", PASSWORD).await;
    let cookie = session_cookie(&keydesk.console, "ann@acme.example").await;
    let body = "name=late&scope=*";
    let create = HeldForm::begin(&keydesk.console, "/tokens", &cookie, body).await;
    let form = [("name", "Acme"), ("confirm", "Acme")];
    let closed = otto.post(&format!("/operator/accounts/{number}/close"), &form).await;
    assert_eq!(closed.status, 303, "{}", closed.text);
    let answer = create.finish().await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let late = "SELECT count(*) FROM token WHERE name = 'late'";
    let late: i64 =
        sqlx::query_scalar(late).fetch_one(&database(&keydesk).await).await.expect("reads");
    assert_eq!(late, 0);
}

/// Own acts, too: whoever logs out everywhere has nothing changed by what was on its way.
#[tokio::test]
async fn t46_who_is_logged_out_while_a_form_arrives_changes_nothing_of_their_own() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let cookie = session_cookie(&keydesk.console, "ann@acme.example").await;
    let stolen = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    stolen.post("/two-factor/begin", &[]).await;
    let mut held = Vec::new();
    for (path, body) in [
        ("/two-factor/begin", "x=1"),
        ("/two-factor/confirm", "code=123456"),
        ("/profile/email", "email=eve@evil.example"),
        ("/profile/language", "language=es"),
        (
            "/profile/password",
            "current_password=canary+vjeo+ktmw+haqbn+plum&new_password=canary+fjord+umbrella+quartz+nine",
        ),
        ("/passkeys", "code=x&name=n&answer=x"),
        ("/help/feedback", "question=find&answered=yes"),
    ] {
        held.push((path, HeldForm::begin(&keydesk.console, path, &cookie, body).await));
    }
    let out = ann.post("/sessions/log-out-all", &[]).await;
    assert_eq!(out.status, 303, "{}", out.text);
    for (path, form) in held {
        let answer = form.finish().await;
        assert!(is_sent_away(&answer), "{path}: {answer}");
    }
    let again = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    assert!(!again.get("/mail").await.text.contains("eve@evil.example"));
    assert!(again.get("/profile").await.text.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn t52_a_demotion_counts_for_a_form_that_is_on_its_way() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.invite("adam@acme.example", "administrator", PASSWORD).await;
    let cookie = session_cookie(&keydesk.console, "adam@acme.example").await;
    let body = "email=late@acme.example&role=administrator";
    let form = HeldForm::begin(&keydesk.console, "/members/invitations", &cookie, body).await;
    let id = ann.member_id("adam").await;
    ann.post(&format!("/members/{id}/role"), &[("role", "viewer")]).await;
    assert!(form.finish().await.starts_with("HTTP/1.1 403"));
    assert!(!ann.get("/members").await.text.contains("late@acme.example"));
}

#[tokio::test]
async fn the_mailbox_exists_only_where_nobody_else_can_come() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    assert_eq!(ann.get("/mail").await.status, 200);
    let config =
        "public_console_url = \"https://console.example\"\ntrusted_proxies = [\"127.0.0.1\"]\n"
            .to_owned();
    let keydesk = {
        let console = Some(keydesk.console.replace("http://", ""));
        keydesk.restart(&Options { config, console, ..Options::default() })
    };
    // The announced URL is the public one; the listener is where it was.
    let client = crate::support::client().build().expect("a client");
    let listener = keydesk.listener.clone();
    let through_proxy = |path: &str| {
        let request = client.get(format!("http://{listener}{path}"));
        request.header("host", "console.example").header("x-forwarded-proto", "https").send()
    };
    assert_eq!(through_proxy("/mail").await.expect("answers").status(), 404);
    let page =
        through_proxy("/forgot-password").await.expect("answers").text().await.expect("a body");
    assert!(page.contains("can’t send email yet"));
}

#[tokio::test]
async fn se6_after_two_hours_the_password_is_asked_for_and_nothing_is_lost() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let token = ann.bearer_token().await;
    age_sessions(&keydesk).await;
    let page = ann.get("/api-docs").await;
    assert!(page.find_value("bearer-token").is_none() && !page.text.contains(&token));
    assert!(page.find_value("endpoint-url").is_some());
    let form = [
        ("name", "Kept name"),
        ("scope", "contacts:read"),
        ("scope", "contacts:write"),
        ("expires", "30d"),
    ];
    let asked = ann.post("/tokens", &form).await;
    assert_eq!(asked.status, 403);
    for kept in
        ["name=\"name\" value=\"Kept name\"", "value=\"contacts:read\"", "value=\"contacts:write\""]
    {
        assert!(asked.text.contains(kept), "{kept}");
    }
    let mut confirmed = form.to_vec();
    confirmed.push(("confirm_password", "wrong"));
    assert_eq!(ann.post("/tokens", &confirmed).await.status, 403);
    confirmed.pop();
    confirmed.push(("confirm_password", PASSWORD));
    let made = ann.post("/tokens", &confirmed).await;
    assert!(made.value("new-token").starts_with("kd_a_"));
    assert_eq!(ann.bearer_token().await, token, "the session goes on, and is fresh");
}

/// Who gets in, and as what, is sensitive; taking away is not held up.
#[tokio::test]
async fn se6_inviting_and_giving_roles_ask_for_the_password_and_removing_does_not() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "viewer")]).await;
    let page = ann.get("/members").await.text;
    let start = page.find("inv_").expect("an invitation");
    let resend = format!("/members/invitations/{}/resend", &page[start..start + 36]);
    let vera = ann.member_id("vera").await;
    age_sessions(&keydesk).await;
    let form = [("email", "eve@evil.example"), ("role", "owner")];
    for path in ["/members/invitations", &format!("/members/{vera}/role"), &resend] {
        let page = ann.post(path, &form).await;
        assert!(page.status == 403 && page.text.contains("Confirm it’s you"), "{path}");
    }
    assert!(!ann.get("/mail").await.text.contains("eve@evil.example"));
    assert_eq!(ann.post(&format!("/members/{vera}/remove"), &[]).await.status, 303);
}

#[tokio::test]
async fn a_confirmed_password_and_a_mistake_do_not_log_out() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    age_sessions(&keydesk).await;
    let nowhere = format!("/tokens/tok_{}/rotate", "0".repeat(32));
    assert_eq!(ann.post(&nowhere, &[("confirm_password", PASSWORD)]).await.status, 404);
    assert_eq!(ann.get("/tokens").await.status, 200);
}

#[tokio::test]
async fn t46_logging_in_again_ends_the_session_that_the_browser_had() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let first = session_cookie(&keydesk.console, "ann@acme.example").await;
    let client = crate::support::client()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let form = [("email", "ann@acme.example"), ("password", PASSWORD)];
    let again =
        client.post(format!("{}/login", keydesk.console)).header("cookie", &first).form(&form);
    assert_eq!(again.send().await.expect("answers").status(), 303);
    let with_first = client.get(format!("{}/api-docs", keydesk.console)).header("cookie", &first);
    assert_eq!(with_first.send().await.expect("answers").status(), 303, "Go to login");
}

#[tokio::test]
async fn who_has_left_the_last_account_can_still_log_out() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let id = ann.member_id("bob").await;
    ann.post(&format!("/members/{id}/remove"), &[]).await;
    let bob = User::visiting(&keydesk.console);
    assert_eq!(bob.log_in("bob@acme.example", PASSWORD).await.status, 303);
    let page = bob.get("/api-docs").await;
    assert!(page.status == 403 && page.text.contains("action=\"/logout\""));
    assert_eq!(bob.post("/logout", &[]).await.status, 303);
    assert_eq!(bob.get("/api-docs").await.status, 303, "Go to login");
}

#[tokio::test]
async fn setup_from_a_script_leaves_no_session() {
    let keydesk = Keydesk::start();
    let args = ["setup", "--account", "Acme", "--email", "ann@acme.example", "--password-stdin"];
    assert!(keydesk.run(&args, PASSWORD).status.success());
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM session")
        .fetch_one(&database(&keydesk).await)
        .await
        .expect("reads");
    assert_eq!(count, 0);
}

#[tokio::test]
async fn p4_a_reset_knows_the_account_s_name_too() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.post("/forgot-password", &[("email", "ann@acme.example")]).await;
    let link = ann.link_in_mail("/reset-password/").await;
    let page = ann.post(&link, &[("new_password", "AcmeAcme-Acme-Acme")]).await;
    assert!(page.status == 422 && page.text.contains("acme"), "{}", page.text);
    assert_eq!(ann.post(&link, &[("new_password", NEW_PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn r21_connections_that_say_nothing_are_closed() {
    let config = "[limits]\nheader_timeout_seconds = 1\n".to_owned();
    let keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    for said in [&b""[..], b"PRI * HT", b"GET /385403 HTTP/1.1\r\nHo"] {
        let mut stream = TcpStream::connect(keydesk.gateway.trim_start_matches("http://"))
            .await
            .expect("connects");
        stream.write_all(said).await.expect("sends");
        let closed =
            tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new()))
                .await;
        assert!(closed.is_ok(), "{said:?}");
    }
}

#[tokio::test]
async fn se8_the_session_cookie_stays_at_the_console() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let config = format!("upstream = \"http://{}\"\n", listener.local_addr().expect("an address"));
    let (sender, mut heads) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let _ = sender.send(String::from_utf8_lossy(&head[..read]).into_owned());
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: keydesk=evil\r\nSet-Cookie: own=1\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let request = crate::support::client()
        .build()
        .expect("a client")
        .get(format!("{endpoint}/mark"))
        .bearer_auth(token);
    let response = request.header("cookie", "a=1; keydesk=secret").send().await.expect("answers");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["own=1"]);
    let head = loop {
        let head = heads.recv().await.expect("a request arrives");
        if head.contains("/mark") {
            break head;
        }
    };
    assert!(head.contains("cookie: a=1\r\n") && !head.contains("secret"), "{head}");
}

#[tokio::test]
async fn an_upstream_that_does_not_read_is_not_the_client_s_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = listener.local_addr().expect("an address");
    let config = format!(
        "upstream = \"http://{upstream}\"\nopenapi = \"http://127.0.0.1:1/\"\n[limits]\nresponse_timeout_seconds = 1\n"
    );
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(accepted) = listener.accept().await {
            kept.push(accepted);
        }
    });
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let body = vec![0_u8; 20 * 1024 * 1024];
    let upload = crate::support::client()
        .build()
        .expect("a client")
        .post(format!("{endpoint}/x"))
        .bearer_auth(&token)
        .body(body)
        .send();
    assert_eq!(upload.await.expect("answers").status(), 504);
    let host = keydesk.gateway.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.expect("connects");
    let path = endpoint.trim_start_matches(&keydesk.gateway);
    let head = format!(
        "POST {path}/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).await.expect("sends");
    let mut answer = vec![0; 1024];
    let read = stream.read(&mut answer).await.expect("answers");
    assert!(answer[..read].starts_with(b"HTTP/1.1 408"), "a client that stops sending is");
}

#[tokio::test]
async fn t59_a_token_whose_end_lies_ahead_by_the_clock_has_ended() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (number, old) = (
        ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned(),
        ann.bearer_token().await,
    );
    ann.post("/api-docs/rotate", &[]).await;
    keydesk.stop();
    let ahead = "UPDATE secret SET ended_at = ended_at + 3600000000 WHERE ended_at IS NOT NULL";
    assert_eq!(
        sqlx::query(ahead)
            .execute(&database(&keydesk).await)
            .await
            .expect("writes")
            .rows_affected(),
        1
    );
    let keydesk = keydesk.restart(&Options::default());
    let endpoint = format!("{}/{number}", keydesk.gateway);
    assert!(!is_let_through(&use_token(&endpoint, &old).await));
    assert_eq!(call(&endpoint, None).await.status(), 401);
}
