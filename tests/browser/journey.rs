//! The journey of the help page, wide and narrow, light and dark.

use super::{Browser, NARROW_DARK, Screen, WIDE_LIGHT};
use crate::support::{Keydesk, NEW_PASSWORD, PASSWORD, eventually, is_let_through, use_token};

/// First start, both values copied, a call; a changed password, the old token refused, the new one
/// good; a new token, seen once, that survives.
async fn journey(screen: Screen) {
    let keydesk = Keydesk::start();
    let browser = Browser::open(screen).await;
    browser.go(keydesk.setup_link.as_deref().expect("a link")).await;
    browser.fill("account", "Acme").await;
    browser.fill("name", "Ann Chen").await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
    assert!(
        browser
            .text(".notice")
            .await
            .contains("Your account is ready. Copy both values and make your first request.")
    );

    // Log in anew, as on the second day.
    browser.click(".menu summary").await;
    browser.click("form[action='/logout'] button").await;
    browser.arrives_at("/login").await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
    browser.go(&format!("{}/help", keydesk.console)).await;
    browser.click("nav a[href='/api-docs']").await;
    browser.arrives_at("/api-docs").await;

    let (endpoint, old) = copies_both_and_calls(&keydesk, &browser, screen).await;
    let new = changes_the_password(&keydesk, &browser, &endpoint, &old).await;
    let token = creates_a_token(&browser, &endpoint).await;
    browser.go(&format!("{}/sessions/log-out-all", keydesk.console)).await;
    browser.click("main form button").await;
    browser.arrives_at("/login").await;
    assert_eq!(use_token(&endpoint, &new).await, (401, "logged_out_of_all_sessions".to_owned()));
    assert!(is_let_through(&use_token(&endpoint, &token).await), "the API token survives");
    let lines = browser.console_lines().await;
    assert!(lines.is_empty(), "{lines:?}");
    assert!(!keydesk.printed().contains("violation of the content security policy"));
    browser.close().await;
}

async fn copies_both_and_calls(
    keydesk: &Keydesk,
    browser: &Browser,
    screen: Screen,
) -> (String, String) {
    let (endpoint, old) = (browser.copy("endpoint-url").await, browser.copy("bearer-token").await);
    assert!(endpoint.starts_with(&keydesk.gateway) && !endpoint.ends_with('/'));
    assert!(old.starts_with("kd_u_") && old.len() == 43);
    let snippet = browser.copy("code-curl").await;
    assert!(
        snippet.contains(&endpoint) && snippet.contains(&format!("Bearer {old}\"")),
        "the snippet is ready to run"
    );
    assert!(!browser.text("main").await.contains(&old), "masked until asked for");
    browser.click("label.toggle").await;
    assert!(browser.find("#bearer-token").await.is_displayed().await.expect("known"));
    browser.click("label.toggle").await;
    assert!(is_let_through(&use_token(&endpoint, &old).await));
    browser.click("[data-try]").await;
    eventually("the first call says how it went", async || {
        browser.text("#try-result").await.contains("Works from this browser: 200")
    })
    .await;
    browser.screenshot("api-docs", screen).await;
    (endpoint, old)
}

async fn changes_the_password(
    keydesk: &Keydesk,
    browser: &Browser,
    endpoint: &str,
    old: &str,
) -> String {
    browser.go(&format!("{}/profile", keydesk.console)).await;
    browser.fill("current_password", PASSWORD).await;
    browser.fill("new_password", NEW_PASSWORD).await;
    browser.click("form[action='/profile/password'] button").await;
    browser.arrives_at("/api-docs").await;
    assert!(browser.text(".notice").await.contains("Password changed"));
    assert_eq!(use_token(endpoint, old).await, (401, "password_changed".to_owned()));
    let new = browser.copy("bearer-token").await;
    assert!(is_let_through(&use_token(endpoint, &new).await));
    new
}

async fn creates_a_token(browser: &Browser, endpoint: &str) -> String {
    browser.click("a[href='/tokens/new']").await;
    browser.arrives_at("/tokens/new").await;
    browser.fill("name", "CRM sync").await;
    browser.click("[data-select-all]").await;
    browser.click("main form button.primary").await;
    let token = browser.copy("new-token").await;
    assert!(token.starts_with("kd_a_") && is_let_through(&use_token(endpoint, &token).await));
    browser.click("a[href='/tokens?done=token_saved']").await;
    browser.find(".notice").await;
    browser.driver.back().await.expect("goes back");
    let page = browser.driver.source().await.expect("source");
    assert!(!page.contains(&token), "T17: not shown again by the back button");
    token
}

#[tokio::test]
async fn the_journey_on_a_wide_and_light_screen() {
    journey(WIDE_LIGHT).await;
}

#[tokio::test]
async fn the_journey_on_a_narrow_and_dark_screen() {
    journey(NARROW_DARK).await;
}
