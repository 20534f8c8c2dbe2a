//! What needs a script, and what does not.

use super::{Browser, WIDE_LIGHT};
use crate::support::{Keydesk, PASSWORD, eventually};
use serde_json::json;
use thirtyfour::prelude::*;

#[tokio::test]
async fn s11_the_reference_calls_the_real_gateway_with_the_reader_s_token() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.go(&format!("{}/login?next=/api-docs/swagger", keydesk.console)).await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs/swagger").await;
    let shown = async |css: &str| browser.driver.find(By::Css(css)).await.is_ok();
    eventually("the operations are listed", async || {
        shown("#operations-Contacts-list_contacts").await
    })
    .await;
    browser.click("#operations-Contacts-list_contacts .opblock-summary-control").await;
    eventually("it can be tried", async || {
        shown("#operations-Contacts-list_contacts .try-out__btn").await
    })
    .await;
    browser.click("#operations-Contacts-list_contacts .try-out__btn").await;
    browser.click("#operations-Contacts-list_contacts .execute").await;
    eventually("the gateway answers", async || {
        shown(".live-responses-table tbody .response-col_status").await
    })
    .await;
    assert!(browser.text(".live-responses-table tbody .response-col_status").await.contains("200"));
    assert!(browser.text(".live-responses-table").await.contains("contacts"));
    let stored = browser.run("return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])").await;
    assert!(
        !stored.as_str().expect("text").contains("kd_u_"),
        "no token in the browser's storage or address"
    );
    let lines = browser.console_lines().await;
    assert!(lines.is_empty(), "{lines:?}");
    assert!(!keydesk.printed().contains("violation of the content security policy"));
    browser.close().await;
}

#[tokio::test]
async fn s11_an_operation_is_tried_on_its_page() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let browser = Browser::open(WIDE_LIGHT).await;
    let path = "/api-docs/reference/post-api-v1-contacts";
    browser.go(&format!("{}/login?next={path}", keydesk.console)).await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at(path).await;
    browser.click("form[data-request] button.primary").await;
    let status = async || browser.text("[data-answer-status]").await;
    eventually("the API answers", async || status().await.starts_with("201")).await;
    assert!(browser.text("[data-answer-body]").await.contains("id"));
    assert!(browser.text("[data-history]").await.contains("POST"));
    browser.click("[data-copy-request]").await;
    let curl = browser.text("#curl").await;
    assert!(
        curl.contains("-X POST") && curl.contains("$TOKEN") && !curl.contains("kd_u_"),
        "{curl}"
    );
    // A rejection is explained.
    browser.run("document.querySelector('[name=token]').value = 'nonsense'").await;
    browser.click("form[data-request] button.primary").await;
    eventually("the gateway explains", async || {
        browser.text("[data-answer-problem]").await.contains("truncated, mistyped")
    })
    .await;
    let stored = browser.run("return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])").await;
    let stored = stored.as_str().expect("text").to_owned();
    assert!(
        stored.contains("POST") && !stored.contains("kd_u_") && !stored.contains("nonsense"),
        "{stored}"
    );
    assert!(!keydesk.printed().contains("violation of the content security policy"));
    browser.close().await;
}

#[tokio::test]
async fn without_a_script_everything_but_copying_works() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let token = ann.bearer_token().await;
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    browser.go(&format!("{}/login", keydesk.console)).await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
    let field = browser.find("#bearer-token").await;
    assert!(!field.is_displayed().await.expect("known"));
    browser.click("label.toggle").await;
    assert!(field.is_displayed().await.expect("known"));
    assert_eq!(field.attr("value").await.expect("known").as_deref(), Some(token.as_str()));
    browser.click("label[for=tab-python]").await;
    assert!(browser.find(".snippet-python").await.is_displayed().await.expect("known"));
    let copy = browser.find("[data-copy=bearer-token]").await;
    assert!(!copy.is_displayed().await.expect("known"), "what needs a script is not offered");
    browser.go(&format!("{}/tokens/new", keydesk.console)).await;
    browser.fill("name", "No script").await;
    browser.click("[data-all]").await;
    browser.click("main form button.primary").await;
    assert!(browser.text("#new-token").await.starts_with("kd_a_"));
    browser.close().await;
}

#[tokio::test]
async fn a_new_password_is_told_how_it_does_while_it_is_typed() {
    let keydesk = Keydesk::start();
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.go(keydesk.setup_link.as_deref().expect("a link")).await;
    let hint = async || browser.text("#password-hint").await;
    assert!(hint().await.contains("Use at least 15 characters"));
    for (typed, message) in [
        ("aaaa", "11 more characters"),
        ("aaaaaaaaaa", "1 more character."),
        ("aa", "Long enough, but it repeats the same few characters, which is one of"),
        ("correct horse", "Long enough. When you submit it, we’ll check that it isn’t a commonly"),
    ] {
        browser.fill("password", typed).await;
        assert!(hint().await.contains(message), "{typed}: {}", hint().await);
    }
    browser.close().await;
}

#[tokio::test]
async fn instants_are_told_in_the_readers_zone_beside_utc() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await.create_token("old importer", "never").await;
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.cdp("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Kolkata" })).await;
    browser.go(&format!("{}/login?next=/sessions", keydesk.console)).await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/sessions").await;
    let title = browser.run("return document.querySelector('time').title").await;
    let title = title.as_str().expect("text");
    assert!(title.contains("GMT+5:30") && title.contains("UTC)"), "{title}");
    // A day is the reader's: in the night of the 31st, UTC, it is the 1st in India.
    keydesk.sql("UPDATE token SET created_at = 1761935400000000").await;
    browser.go(&format!("{}/tokens", keydesk.console)).await;
    browser.click("main td a").await;
    browser.find("aside time[data-form]").await;
    let made = "return document.querySelector('aside time[data-form]').textContent";
    let made = browser.run(made).await;
    assert_eq!(made, "Nov 1, 2025");
    browser.close().await;
}
