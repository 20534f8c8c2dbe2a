//! F9: second factors: on every way in, once each, and a way back that is no way in.

use crate::world::{ANN, Console, NEW_PASSWORD, PASSWORD, User};
use data_encoding::BASE32_NOPAD;
use keydesk_control::{Code, reset_two_factor};
use totp_rs::Builder;

/// An authenticator that has taken over the key of a page.
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    pub fn scan(page: &str) -> Self {
        let typed =
            page.split("class=\"qr\"").nth(1).and_then(|rest| rest.split("class=\"mono\">").nth(1));
        let typed = typed.and_then(|rest| rest.split('<').next()).expect("a key");
        Self(BASE32_NOPAD.decode(typed.replace(' ', "").as_bytes()).expect("base32"))
    }

    /// The code of the step that is `later` than the current one.
    pub fn code(&self, console: &Console, later: i64) -> String {
        let totp = Builder::new().with_secret(self.0.clone()).build().expect("a key");
        let now = console.app.now().as_millis() / 1_000;
        totp.generate(now.saturating_add_signed(30 * later)).to_string()
    }
}

/// Sets one up; the recovery codes.
pub async fn set_up(console: &Console, user: &User) -> (Authenticator, Vec<String>) {
    user.post("/two-factor/begin", &[]).await;
    let page = user.get("/two-factor").await.text;
    assert!(page.contains("<svg") && !page.contains("style="), "{page}");
    let authenticator = Authenticator::scan(&page);
    let wrong = user.post("/two-factor/confirm", &[("code", "000000")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("incorrect"), "{}", wrong.text);
    let shown =
        user.post("/two-factor/confirm", &[("code", &authenticator.code(console, -1))]).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let codes = shown.text.split("<li>").skip(1).filter_map(|rest| rest.split('<').next());
    let codes: Vec<_> = codes.map(|code| code.trim().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (authenticator, codes)
}

/// A log-in by somebody who knows the password, as far as it leads.
async fn half(console: &Console, password: &str) -> (User, String) {
    let user = console.anonymous();
    let page = user.log_in(ANN, password).await;
    assert!(page.status == 200 && page.header("set-cookie").is_empty(), "{}", page.text);
    let half =
        page.text.split("name=\"half\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    (user, half.expect("the second half is asked for").to_owned())
}

async fn finish(user: &User, half: &str, code: &str) -> (u16, String) {
    let page = user.post("/login/two-factor", &[("half", half), ("code", code)]).await;
    (page.status, page.text)
}

#[tokio::test]
async fn f9_the_password_alone_lets_nobody_in_and_a_code_is_good_once() {
    let console = Console::start().await;
    let ann = console.owner();
    let bearer = ann.bearer_token().await;
    let (authenticator, codes) = set_up(&console, &ann).await;
    assert_eq!(ann.bearer_token().await, bearer, "tokens keep working");
    let (user, half_code) = half(&console, PASSWORD).await;
    assert_eq!(user.get("/tokens").await.status, 303, "no session yet");
    assert_eq!(finish(&user, &half_code, "123456").await.0, 403);
    assert_eq!(
        finish(&user, &half_code, &authenticator.code(&console, -1)).await.0,
        403,
        "it was used to set up"
    );
    assert_eq!(
        finish(&user, &half_code, &authenticator.code(&console, 9)).await.0,
        403,
        "of another time"
    );
    let code = authenticator.code(&console, 0);
    let (first, second) = code.split_at(3);
    assert_eq!(finish(&user, &half_code, &format!("{first} {second}")).await.0, 303);
    assert_eq!(user.get("/tokens").await.status, 200);
    assert_eq!(
        finish(&user, &half_code, &authenticator.code(&console, 1)).await.0,
        403,
        "the half is over"
    );
    let (other, half_code) = half(&console, PASSWORD).await;
    assert_eq!(finish(&other, &half_code, &code).await.0, 403, "taken once");
    // The authenticator is lost: each recovery code works once, and the user gets an email.
    assert_eq!(finish(&other, &half_code, &codes[0].to_lowercase().replace('-', " ")).await.0, 303);
    assert!(ann.get("/mail").await.text.contains("You have 9 codes left"));
    let (other, half_code) = half(&console, PASSWORD).await;
    assert_eq!(finish(&other, &half_code, &codes[0]).await.0, 403);
    assert!(ann.get("/two-factor").await.text.contains("9 of 10"));
    let audit = ann.get("/audit?text=second_factor").await.text;
    assert!(audit.contains("Two-factor authentication method added"), "{audit}");
    // Nothing of it is in the database as it is.
    let dump = console.stored();
    for secret in [authenticator.0.as_slice(), codes[1].as_bytes()] {
        assert!(!dump.windows(secret.len()).any(|window| window == secret));
    }
}

/// T56: many at once, one is let in.
#[tokio::test]
async fn t56_one_code_sent_fifty_times_at_once_opens_once() {
    let console = Console::start().await;
    let ann = console.owner();
    let (authenticator, codes) = set_up(&console, &ann).await;
    for code in [authenticator.code(&console, 0), codes[3].clone()] {
        let mut halves = Vec::new();
        for _ in 0..5 {
            halves.push(half(&console, PASSWORD).await);
        }
        let tries = (0..50).map(|at| {
            let (user, half) = &halves[at % halves.len()];
            finish(user, half, &code)
        });
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 303).count(), 1);
        console.sql("DELETE FROM attempt").await;
    }
}

/// P12, P13: codes cannot be guessed on and on, and a new password is no way round.
#[tokio::test]
async fn p13_neither_guessing_nor_a_reset_gets_past_it() {
    let console = Console::start().await;
    let ann = console.owner();
    let (authenticator, codes) = set_up(&console, &ann).await;
    let (user, half_code) = half(&console, PASSWORD).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(finish(&user, &half_code, "123456").await.0);
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
    assert_eq!(
        finish(&user, &half_code, &authenticator.code(&console, 0)).await.0,
        429,
        "not even looked at"
    );
    console.sql("DELETE FROM attempt").await;
    let visitor = console.anonymous();
    visitor.post("/forgot-password", &[("email", ANN)]).await;
    let link = visitor.link_in_mail("/reset-password/").await;
    assert_eq!(visitor.post(&link, &[("new_password", NEW_PASSWORD)]).await.status, 303);
    assert_eq!(
        finish(&user, &half_code, &authenticator.code(&console, 0)).await.0,
        403,
        "from before the reset"
    );
    let (user, half_code) = half(&console, NEW_PASSWORD).await;
    assert_eq!(finish(&user, &half_code, &codes[1]).await.0, 303);
    // It is taken away by who has it, not by who has the browser.
    assert_eq!(user.post("/two-factor/remove", &[("code", "123456")]).await.status, 422);
    assert_eq!(user.post("/two-factor/remove", &[("code", &codes[2])]).await.status, 303);
    assert!(ann.get("/mail").await.status != 500);
    assert_eq!(console.anonymous().log_in(ANN, NEW_PASSWORD).await.status, 303);
}

/// The way back that is no way in: the operator takes it away, the password is still asked for.
#[tokio::test]
async fn f9_who_has_lost_everything_comes_back_by_the_operator() {
    let console = Console::start().await;
    let ann = console.owner();
    set_up(&console, &ann).await;
    let reset = |email: &'static str| reset_two_factor(&console.app, email);
    assert_eq!(reset("nobody@acme.example").await.expect_err("nobody").code(), Code::UnknownUser);
    reset(ANN).await.expect("resets");
    assert_eq!(reset(ANN).await.expect_err("none").code(), Code::NoTwoFactor);
    let user = console.anonymous();
    assert_eq!(user.log_in(ANN, "wrong wrong wrong").await.status, 403);
    assert_eq!(user.log_in(ANN, PASSWORD).await.status, 303);
}

/// Another way in: an invitation for somebody who has a second factor asks for it as well.
#[tokio::test]
async fn p10_an_invitation_is_no_way_round_the_second_factor() {
    let console = Console::start().await;
    let ann = console.owner();
    let (_, codes) = set_up(&console, &ann).await;
    console.add_operator("otto@vendor.example").await;
    let otto = console.logged_in("otto@vendor.example").await;
    otto.post("/operator/accounts", &[("name", "Beta"), ("owner", ANN)]).await;
    let visitor = console.anonymous();
    let link = visitor.link_in_mail("/invitation/").await;
    let without = visitor.post(&link, &[("password", PASSWORD)]).await;
    assert!(without.status == 422 && without.text.contains("two-factor"), "{}", without.text);
    let with = visitor.post(&link, &[("password", PASSWORD), ("code", &codes[0])]).await;
    assert_eq!(with.status, 303, "{}", with.text);
    assert!(visitor.get("/members").await.text.contains("Beta"));
}

/// An account may ask for one: whoever has none gets nothing else to see.
#[tokio::test]
async fn f9_an_account_that_asks_for_it_shows_nothing_before() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let required = [("required", "yes")];
    let refused = ann.post("/members/two-factor", &required).await;
    assert!(
        refused.status == 422 && refused.text.contains("lock yourself out"),
        "{}",
        refused.text
    );
    assert_eq!(bob.post("/members/two-factor", &required).await.status, 403);
    set_up(&console, &ann).await;
    assert_eq!(ann.post("/members/two-factor", &required).await.status, 303);
    for path in ["/api-docs", "/tokens", "/members", "/profile"] {
        assert_eq!(bob.get(path).await.location.as_deref(), Some("/two-factor"), "{path}");
    }
    let act = [("name", "CRM"), ("scope", "*"), ("expires", "never")];
    assert_eq!(bob.post("/tokens", &act).await.status, 403);
    assert!(
        bob.get("/two-factor").await.text.contains("Two-factor authentication is required here.")
    );
    set_up(&console, &bob).await;
    assert_eq!(bob.get("/tokens").await.status, 200);
}

/// P13: an authenticator that is only being set up opens nothing, and the last passkey goes with a code only.
#[tokio::test]
async fn p13_whoever_finds_a_browser_open_gets_no_second_factor_of_their_own() {
    let console = Console::start().await;
    let ann = console.owner();
    console
        .sql(
            "INSERT INTO passkey (id, user_id, name, body, created_at) \
             SELECT 'a-key', id, 'Phone', '{}', 1 FROM users",
        )
        .await;
    ann.post("/two-factor/begin", &[]).await;
    let authenticator = Authenticator::scan(&ann.get("/two-factor").await.text);
    let (user, half_code) = half(&console, PASSWORD).await;
    assert_eq!(finish(&user, &half_code, &authenticator.code(&console, 0)).await.0, 403);
    let code = authenticator.code(&console, 0);
    assert_eq!(ann.post("/two-factor/codes", &[("code", &code)]).await.status, 422);
    for code in ["", "123456", &authenticator.code(&console, 0)] {
        let page = ann.post("/passkeys/a-key/remove", &[("recovery_code", code)]).await;
        assert_eq!(page.status, 422, "{}", page.text);
    }
    assert!(
        ann.get("/passkeys")
            .await
            .text
            .contains("This is your only two-factor authentication method. If you remove it,")
    );
    // Beside another factor it goes as it came.
    let code = authenticator.code(&console, 1);
    assert_eq!(ann.post("/two-factor/confirm", &[("code", &code)]).await.status, 200);
    assert_eq!(ann.post("/passkeys/a-key/remove", &[]).await.status, 303);
    assert_eq!(ann.post("/passkeys/a-key/remove", &[]).await.status, 404);
}

/// T43: guesses at an invitation count with all others, whatever log-ins come between.
#[tokio::test]
async fn t43_guesses_at_an_invitation_are_held_and_a_reset_lifts_the_lock() {
    let console = Console::start().await;
    let ann = console.owner();
    set_up(&console, &ann).await;
    console.add_operator("otto@vendor.example").await;
    let otto = console.logged_in("otto@vendor.example").await;
    otto.post("/operator/accounts", &[("name", "Beta"), ("owner", ANN)]).await;
    let visitor = console.anonymous();
    let link = visitor.link_in_mail("/invitation/").await;
    let guess = [("password", PASSWORD), ("code", "123456")];
    assert_eq!(visitor.post(&link, &guess).await.status, 422);
    // A right password takes back guesses at passwords, not at codes.
    console.sql("UPDATE attempt SET failures = failures + 20 WHERE kind = 'factor'").await;
    half(&console, PASSWORD).await;
    let held = visitor.post(&link, &guess).await.text;
    assert!(held.contains("Too many failed attempts"), "{held}");
    console.sql("UPDATE attempt SET failures = 100 WHERE kind = 'factor'").await;
    assert!(reset_two_factor(&console.app, ANN).await.is_ok());
    set_up(&console, &ann).await;
}

/// An operator of no account looks after what is theirs, as everybody does.
#[tokio::test]
async fn f9_an_operator_without_an_account_has_a_second_factor_too() {
    let console = Console::start().await;
    console.add_operator("otto@vendor.example").await;
    let log_in = async || console.logged_in("otto@vendor.example").await;
    let (otto, other) = (log_in().await, log_in().await);
    for path in ["/profile", "/sessions", "/passkeys", "/two-factor"] {
        let page = otto.get(path).await;
        assert!(page.status == 200 && page.text.contains("Operator"), "{path}: {}", page.text);
    }
    let form = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let changed = otto.post("/profile/password", &form).await;
    assert_eq!(changed.location.as_deref(), Some("/profile?done=password_changed_only"));
    assert_eq!(other.get("/operator").await.status, 303, "Your other sessions will be logged out.");
    let (authenticator, _) = set_up(&console, &otto).await;
    let user = console.anonymous();
    let page = user.log_in("otto@vendor.example", NEW_PASSWORD).await;
    assert!(page.text.contains("/login/two-factor"), "{}", page.text);
    let code = authenticator.code(&console, 0);
    assert_eq!(otto.post("/two-factor/remove", &[("code", &code)]).await.status, 303);
    assert_eq!(otto.post("/sessions/log-out-all", &[]).await.status, 303);
    assert_eq!(otto.get("/operator").await.status, 303);
}

/// The operator may ask for one of everybody, and is asked too.
#[tokio::test]
async fn f9_the_operator_asks_for_a_second_factor_of_everybody() {
    let console = Console::start_with(|settings| settings.users.require_two_factor = true).await;
    let ann = console.owner();
    console.add_operator("otto@vendor.example").await;
    let otto = console.logged_in("otto@vendor.example").await;
    for (user, own) in [(&ann, "/api-docs"), (&otto, "/operator")] {
        assert_eq!(user.get(own).await.location.as_deref(), Some("/two-factor"));
        assert_eq!(user.get("/profile").await.location.as_deref(), Some("/two-factor"));
        set_up(&console, user).await;
        assert_eq!(user.get(own).await.status, 200);
    }
}

/// Somebody who has the password can lock the second factor; the mailbox is the owner's.
#[tokio::test]
async fn t45_a_locked_second_factor_opens_with_a_reset_by_mail() {
    let console = Console::start().await;
    let ann = console.owner();
    let (_authenticator, codes) = set_up(&console, &ann).await;
    let (thief, guess) = half(&console, PASSWORD).await;
    assert_eq!(finish(&thief, &guess, "000000").await.0, 403);
    console.sql("UPDATE attempt SET failures = 100 WHERE kind = 'factor'").await;
    assert_eq!(finish(&thief, &guess, &codes[0]).await.0, 429);
    ann.post("/forgot-password", &[("email", ANN)]).await;
    let link = ann.link_in_mail("/reset-password/").await;
    assert_eq!(ann.post(&link, &[("new_password", NEW_PASSWORD)]).await.status, 303);
    let (ann, half_code) = half(&console, NEW_PASSWORD).await;
    assert_eq!(finish(&ann, &half_code, &codes[0]).await.0, 303);
}
