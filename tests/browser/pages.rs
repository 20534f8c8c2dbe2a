//! Every page and state under axe-core, and none wider than its screen.

use super::{
    Browser, NARROW_LIGHT, NARROW_SPANISH, README, Screen, WIDE_DARK, WIDEST_PORTUGUESE,
    program_pages::programs,
};
use crate::{
    documents::repository,
    support::{Keydesk, Options, PASSWORD, User, authenticator::Authenticator, eventually},
};
use std::collections::BTreeSet;

/// Every page, in every state that a first day brings, with nothing serious for axe-core and
/// nothing wider than the screen.
async fn inspect_every_page(screen: Screen) {
    let plan = "sign_up = true\ndefault_plan = \"free\"\n[[plan]]\nname = \"free\"\nrate_limit = \"100/10s\"\nmonthly_quota = 10\n[cors]\naccounts = true\n";
    let options = Options { config: plan.to_owned(), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let first = keydesk.setup_link.clone().expect("a link");
    let browser = Browser::open(screen).await;
    browser.go(&first).await;
    inspect(&browser, "setup", screen).await;
    let (invitation, member) = live_a_first_day(&mut keydesk).await;
    visitor_pages(&keydesk, &browser, &invitation, screen).await;
    member_pages(&keydesk, &browser, &member, screen).await;
    operator_pages(&keydesk, &browser, screen).await;
    factor_pages(&keydesk, &browser, screen).await;
    let lines = browser.console_lines().await;
    let unexpected: Vec<_> = lines
        .iter()
        .filter(|line| !["403", "404", "409", "422"].iter().any(|code| line.contains(code)))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert!(!keydesk.printed().contains("violation of the content security policy"));
    let pictures = repository().join("docs/screenshots").join(screen.name);
    if [WIDE_DARK, NARROW_LIGHT].map(|screen| screen.name).contains(&screen.name) {
        let pictures = std::fs::read_dir(pictures).expect("made by docs/screenshots/make");
        let name =
            |picture: std::fs::DirEntry| picture.path().file_stem()?.to_str().map(str::to_owned);
        let names: BTreeSet<_> =
            pictures.filter_map(|picture| name(picture.expect("readable"))).collect();
        assert_eq!(names, *browser.seen.borrow(), "docs/screenshots/make takes them again");
    }
    browser.close().await;
}

/// An account with members, an invitation, tokens live and ended, and programs that call. Returns
/// the invitation's link and a member's id.
async fn live_a_first_day(keydesk: &mut Keydesk) -> (String, String) {
    let ann = keydesk.with_account().await;
    ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "developer")]).await;
    let invitation = ann.link_in_mail("/invitation/").await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let token = ann.create_token("CRM sync", "5d").await;
    let limits = format!("/tokens/{}/limits", ann.token_id("CRM sync").await);
    let observed =
        [("scope", "messages:read"), ("ip_allowlist", "10.0.0.0/8"), ("mode", "observe")];
    ann.post(&limits, &observed).await;
    eventually("the operations' rules are known", async || {
        ann.get("/tokens/new").await.text.contains("contacts:read")
    })
    .await;
    let revoked = ann.create_token("over soon", "never").await;
    let over = ann.token_id("over soon").await;
    ann.post(&format!("/tokens/{over}/revoke"), &[]).await;
    assert_eq!(crate::support::use_token(&endpoint, &revoked).await.0, 401);
    let is_logged = async || ann.get("/requests").await.text.contains("token_revoked");
    eventually("the rejected request is logged", is_logged).await;
    ann.create_token("old importer", "never").await;
    for (token, agent) in [(&bearer, "python-requests/2.31.0"), (&token, "okhttp/4.9")] {
        let client = crate::support::client().user_agent(agent).build().expect("a client");
        let call = client.get(format!("{endpoint}/api/v1/contacts")).bearer_auth(token).send();
        assert_eq!(call.await.expect("answers").status(), 200);
    }
    eventually("usage is reported", async || ann.get("/tokens").await.text.contains("okhttp"))
        .await;
    keydesk.sql(A_DAY).await;
    let has_a_day = async || ann.get("/usage?group=client").await.text.contains("exporter");
    eventually("the day is added up", has_a_day).await;
    let importer = ann.token_id("old importer").await;
    let later = [("grace_period", "24h"), ("revoke_after_idle", "1h")];
    ann.post(&format!("/tokens/{importer}/rotate"), &later).await;
    let member = ann.member_id("vera").await;
    let sso = [
        ("issuer", "https://login.acme.example"),
        ("client_id", "keydesk"),
        ("client_secret", "sign-on-canary-51"),
        ("domain", "acme.example"),
        ("default_role", "developer"),
    ];
    assert_eq!(ann.post("/sso", &sso).await.status, 200, "saved, and the provider is not there");
    ann.post("/profile/email", &[("email", "ann@new.example")]).await;
    (invitation, member)
}

/// A day of requests with each token.
const A_DAY: &str = "WITH RECURSIVE hour (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM hour WHERE n < 23), \
    used AS (SELECT token.id, n, 20 + (n * 37 + length(token.name) * 11) % 60 AS good, n % 5 * 3 AS bad FROM token, hour), \
    tally AS (SELECT id, n, json_array(good + bad, bad, 0, json_array(good, 0, bad, 0), json_array(9, good, 12, bad)) \
      AS both, json_array(good, 0, 0, json_array(good, 0, 0, 0), json_array(9, good)) AS good, \
      json_array(bad, bad, 0, json_array(0, 0, bad, 0), json_array(12, bad)) AS bad FROM used) \
    INSERT INTO period_use SELECT id, 'hour', (unixepoch() / 3600 - n) * 3600000000, 'a day', json_object('a', json(both), \
      'o', json_object('GET /contacts', json(good), 'GET /messages', json(bad)), \
      'c', json_object('okhttp', json(good), 'exporter', json(bad)), 'n', json_object('192.0.2.0/24', json(both)), \
      's', json_object('200', json(good), '403', json(bad))), 100, 9, 0, unixepoch() * 1000000 FROM tally";

async fn visitor_pages(keydesk: &Keydesk, browser: &Browser, invitation: &str, screen: Screen) {
    for (name, page) in [
        ("login", "/login"),
        ("forgot-password", "/forgot-password"),
        ("mail", "/mail"),
        ("sign-up", "/sign-up"),
        ("login-sign-on", "/login/sso"),
        ("invitation", invitation),
        ("not-found", "/nowhere"),
        ("login-passkey", "/login/passkey"),
        ("link-over", "/reset-password/nothing"),
        ("errors", "/errors"),
        ("error", "/errors/missing_token"),
    ] {
        browser
            .go(&if page.starts_with("http") {
                page.to_owned()
            } else {
                format!("{}{page}", keydesk.console)
            })
            .await;
        inspect(browser, name, screen).await;
    }
    let at = |path: &str| format!("{}{path}", keydesk.console);
    let visitor = User::visiting(&keydesk.console);
    visitor.post("/sign-up", &[("account", "Gamma"), ("email", "gus@gamma.example")]).await;
    browser.go(&visitor.link_in_mail("/sign-up/").await).await;
    inspect(browser, "sign-up-finish", screen).await;
    browser.go(&at("/sign-up")).await;
    browser.fill("account", "Delta").await;
    browser.fill("email", "dora@delta.example").await;
    browser.click("main form button").await;
    browser.find("a[href=\"/mail\"]").await;
    inspect(browser, "sign-up-sent", screen).await;
    browser.go(&at("/forgot-password")).await;
    browser.fill("email", "vera@acme.example").await;
    browser.click("main form button").await;
    browser.find("a[href=\"/mail\"]").await;
    inspect(browser, "forgot-password-sent", screen).await;
    browser.go(&visitor.link_in_mail("/reset-password/").await).await;
    inspect(browser, "reset-password", screen).await;
    browser.go(&at("/login")).await;
    browser.fill("email", "vera@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
    inspect(browser, "api-docs-viewer", screen).await;
    browser.run("document.querySelector('form[action=\"/logout\"] button').click()").await;
    browser.arrives_at("/login").await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", "wrong").await;
    browser.click("main button").await;
    browser.find(".error").await;
    inspect(browser, "login-rejected", screen).await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
}

/// Pages of a member that need no click.
const PAGES: [(&str, &str); 27] = [
    ("api-docs", "/api-docs"),
    ("api-docs-rotate", "/api-docs/rotate"),
    ("api-docs-move", "/api-docs/move"),
    ("tokens", "/tokens"),
    ("token-new", "/tokens/new"),
    ("violations", "/tokens/violations"),
    ("usage", "/usage"),
    ("usage-week-by-client", "/usage?range=7d&group=client"),
    ("requests", "/requests"),
    ("requests-failed", "/requests?outcome=failed"),
    ("failing-clients", "/failing-clients"),
    ("alerts", "/alerts"),
    ("account-limits", "/limits"),
    ("members", "/members"),
    ("security", "/members/security"),
    ("api-changes", "/api-docs/changes"),
    ("operation", "/api-docs/reference/get-api-v1-contacts-id"),
    ("member-leave", "/members/leave"),
    ("sessions", "/sessions"),
    ("log-out-all", "/sessions/log-out-all"),
    ("confirm", "/confirm"),
    ("profile", "/profile"),
    ("help", "/help"),
    ("receipts", "/receipts"),
    ("sign-on", "/sso"),
    ("audit", "/audit"),
    ("audit-nothing", "/audit?text=nothing+fits"),
];

async fn member_pages(keydesk: &Keydesk, browser: &Browser, member: &str, screen: Screen) {
    let removal = ("member-remove", &*format!("/members/{member}/remove"));
    for (name, page) in PAGES.into_iter().chain([removal]) {
        browser.go(&format!("{}{page}", keydesk.console)).await;
        inspect(browser, name, screen).await;
    }
    browser.go(&format!("{}/requests?outcome=failed", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("a[href^=\"/errors/\"]").await;
    inspect(browser, "request", screen).await;
    browser.go(&format!("{}/failing-clients", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("form[action$=\"/resolve\"]").await;
    inspect(browser, "failing-client", screen).await;
    browser.go(&format!("{}/tokens", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("aside .facts").await;
    inspect(browser, "token", screen).await;
    browser.go(&format!("{}/receipts", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("#jws").await;
    inspect(browser, "receipt", screen).await;
    browser.go(&format!("{}/tokens", keydesk.console)).await;
    browser.click("a[href$=\"/rotate\"]").await;
    browser.find("input[name=grace_period]").await;
    inspect(browser, "token-rotate", screen).await;
    browser.go(&format!("{}/tokens", keydesk.console)).await;
    browser.click("a[href$=\"/revoke\"]").await;
    browser.find("form[action$=\"/revoke\"]").await;
    inspect(browser, "token-revoke", screen).await;
    browser.go(&format!("{}/passkeys", keydesk.console)).await;
    inspect(browser, "passkeys", screen).await;
    browser.go(&format!("{}/tokens/new", keydesk.console)).await;
    browser.run("document.querySelector('[name=name]').required = false").await;
    browser.click("main form button.primary").await;
    browser.find("#name-error").await;
    inspect(browser, "token-new-invalid", screen).await;
    browser.go(&format!("{}/tokens/violations", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("#new-limits").await;
    inspect(browser, "token-limits", screen).await;
    browser.go(&format!("{}/tokens/new", keydesk.console)).await;
    browser.fill("name", "Importer").await;
    browser.click("[data-all]").await;
    browser.click("main form button.primary").await;
    browser.find("#new-token").await;
    inspect(browser, "token-shown-once", screen).await;
    programs(keydesk, browser, screen).await;
    form_not_sent(keydesk, browser, screen).await;
    browser.show_as(README).await;
    browser.go(&format!("{}/api-docs", keydesk.console)).await;
    browser.screenshot("api-docs", README).await;
    browser.show_as(screen).await;
}

/// A form of a page that was opened in another account.
async fn form_not_sent(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    browser.go(&format!("{}/members", keydesk.console)).await;
    let elsewhere = "const field = document.querySelector('main form [name=page_for]');
        field.value = field.value.replace(/acc_.{8}/, 'acc_00000000')";
    browser.run(elsewhere).await;
    browser.fill("email", "new@acme.example").await;
    browser.click("main form button.primary").await;
    browser.find("h1").await;
    inspect(browser, "form-not-sent", screen).await;
}

async fn operator_pages(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    browser.go(&format!("{}/operator", keydesk.console)).await;
    browser.fill("name", "Beta Ltd").await;
    browser.fill("owner", "bea@beta.example").await;
    browser.click("main form button.primary").await;
    browser.find("a[href$=\"/suspend\"]").await;
    inspect(browser, "operator-account", screen).await;
    browser.click("a[href$=\"/close\"]").await;
    browser.find("form[action$=\"/close\"]").await;
    inspect(browser, "operator-close", screen).await;
    browser.click("main form a").await;
    browser.click("a[href$=\"/suspend\"]").await;
    browser.find("form[action$=\"/suspend\"]").await;
    inspect(browser, "operator-suspend", screen).await;
    browser.click("form[action$=\"/suspend\"] button").await;
    browser.find("form[action$=\"/restore\"]").await;
    inspect(browser, "operator-account-suspended", screen).await;
    for (name, page) in [
        ("operator", "/operator"),
        ("operator-audit", "/operator/audit"),
        ("operator-usage", "/operator/usage"),
        ("operator-plans", "/operator/plans"),
        ("operator-operations", "/operator/operations"),
        ("operator-operators", "/operator/operators"),
        ("operator-gateways", "/operator/gateways"),
    ] {
        browser.go(&format!("{}{page}", keydesk.console)).await;
        inspect(browser, name, screen).await;
    }
    browser.go(&format!("{}/operator", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("form[action$=\"/sso/approve\"]").await;
    inspect(browser, "operator-account-sign-on", screen).await;
}

/// From setting a second factor up to logging in with it.
async fn factor_pages(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    let at = |path: &str| format!("{}{path}", keydesk.console);
    browser.go(&at("/two-factor")).await;
    inspect(browser, "second-factor", screen).await;
    browser.click("main form button.primary").await;
    browser.find(".qr svg").await;
    inspect(browser, "second-factor-begun", screen).await;
    let authenticator = Authenticator::scan(&browser.source().await);
    browser.fill("code", &authenticator.code(0)).await;
    browser.click("form[action$=\"/confirm\"] button").await;
    browser.find(".codes").await;
    inspect(browser, "recovery-codes", screen).await;
    browser.go(&at("/two-factor")).await;
    inspect(browser, "second-factor-on", screen).await;
    browser.go(&at("/mail")).await;
    browser.click("a[href*=\"/email-change/\"]").await;
    browser.find("button[value=stop]").await;
    inspect(browser, "email-change", screen).await;
    browser.go(&at("/sessions")).await;
    browser.run("document.querySelector('form[action=\"/logout\"] button').click()").await;
    browser.arrives_at("/login").await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.find("[name=half]").await;
    inspect(browser, "login-second-factor", screen).await;
    browser.fill("code", &authenticator.code(1)).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
}

/// Tokens that are cut off, and masked ones that break in the middle.
const BROKEN_TOKENS: &str = "const broken = [];
    const seen = (element) => element.checkVisibility() && element.getClientRects().length > 0;
    for (const whole of document.querySelectorAll('#new-token')) {
        const cut = whole.scrollWidth > whole.clientWidth || whole.scrollHeight > whole.clientHeight;
        if (seen(whole) && cut) broken.push('cut: ' + whole.textContent);
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode()); ) {
        for (const found of text.data.matchAll(/\\w+_[uam]_•+\\w+/g)) {
            if (!seen(text.parentElement)) continue;
            const range = document.createRange();
            range.setStart(text, found.index);
            range.setEnd(text, found.index + found[0].length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1) broken.push('broken: ' + found[0]);
        }
    }
    return broken";

pub(super) async fn inspect(browser: &Browser, name: &str, screen: Screen) {
    let found = browser.axe().await;
    assert!(found.is_empty(), "{name} on {}: {found:#?}", screen.name);
    let overflow = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
    assert!(
        overflow.as_i64().is_some_and(|pixels| pixels <= 0),
        "{name} on {} is {overflow} px too wide",
        screen.name
    );
    let broken = browser.run(BROKEN_TOKENS).await;
    assert_eq!(broken, serde_json::json!([]), "{name} on {}", screen.name);
    let language = browser.run("return document.documentElement.lang").await;
    assert_eq!(language, screen.language, "{name}");
    if screen.language != "en" {
        // But for mails, which somebody who reads English has caused, and values as the log keeps them.
        let text = browser.run("const body = document.body.cloneNode(true); body.querySelectorAll('.mail, .audit .small, [lang=en]').forEach((stored) => stored.remove()); return body.textContent").await;
        let text = text.as_str().expect("text");
        for english in only_english(screen.language) {
            assert!(!text.contains(&english), "{name} in {language} says “{english}”");
        }
    }
    browser.screenshot(name, screen).await;
    browser.seen.borrow_mut().insert(name.to_owned());
}

/// What the console says in English and otherwise in another language: whole texts without a value, of
/// some length.
fn only_english(language: &str) -> Vec<String> {
    let read = |language: &str| {
        let folder = repository().join("crates/control/messages").join(language);
        let files = std::fs::read_dir(folder).expect("a folder");
        let texts =
            files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"));
        texts.collect::<String>()
    };
    let (english, other) = (read("en"), read(language));
    let said = english.lines().filter(|line| !other.contains(*line));
    let said = said.filter_map(|line| line.split_once(" = ")).map(|(_, text)| text);
    let whole = said.filter(|text| text.len() > 9 && !text.contains(['{', '<', '%']));
    let whole: Vec<_> = whole.map(str::to_owned).collect();
    assert!(whole.len() > 400, "{}", whole.len());
    whole
}

#[tokio::test]
async fn every_page_is_accessible_wide_and_dark() {
    inspect_every_page(WIDE_DARK).await;
}

#[tokio::test]
async fn every_page_is_accessible_narrow_and_light() {
    inspect_every_page(NARROW_LIGHT).await;
}

#[tokio::test]
async fn every_page_is_accessible_narrow_in_spanish() {
    inspect_every_page(NARROW_SPANISH).await;
}

#[tokio::test]
async fn every_page_is_accessible_on_a_large_screen_in_portuguese() {
    inspect_every_page(WIDEST_PORTUGUESE).await;
}
