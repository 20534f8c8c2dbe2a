//! The pages about programs: management keys, webhooks, canary tokens, revoked tokens, and leaks.

use super::{Browser, Screen, pages::inspect};
use crate::support::{Keydesk, client, eventually};

/// The pages about programs: their keys, their webhooks, canary tokens, and a token that is revoked and restored.
pub(super) async fn programs(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    keys(keydesk, browser, screen).await;
    webhooks(keydesk, browser, screen).await;
    canaries(keydesk, browser, screen).await;
    restoration(keydesk, browser, screen).await;
    leaks(keydesk, browser, screen).await;
}

/// The page for reports of leaked tokens, and the form for the replacement of one.
async fn leaks(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    let page = format!("{}/report-leak", keydesk.console);
    browser.go(&page).await;
    inspect(browser, "report-leak", screen).await;
    browser.fill("secret", "API_TOKEN=kd_a_3fQ9").await;
    browser.fill("url", "https://github.com/acme/website/blob/main/.env").await;
    browser.click("main form button.primary").await;
    browser.find("#secret-error").await;
    inspect(browser, "report-leak-error", screen).await;
    browser.fill("secret", &"0".repeat(64)).await;
    browser.click("main form button.primary").await;
    browser.find("main [role=status]").await;
    inspect(browser, "report-leak-sent", screen).await;
    browser.go(&format!("{}/tokens", keydesk.console)).await;
    let open = "const path = document.querySelector('a[href$=\"/revoke\"]').pathname;
        location.href = '/tokens/new?successor_of=' + path.split('/')[2]";
    browser.run(open).await;
    browser.find("[name=successor_of]").await;
    inspect(browser, "token-replacement", screen).await;
}

/// A token that is revoked, and the page from which it is restored.
async fn restoration(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    let at = |path: &str| format!("{}{path}", keydesk.console);
    browser.go(&at("/tokens")).await;
    browser.click("a[href$=\"/revoke\"]").await;
    browser.find("form[action$=\"/revoke\"]").await;
    browser.click("form[action$=\"/revoke\"] button.danger-primary").await;
    browser.find("a[href$=\"/restore\"]").await;
    inspect(browser, "tokens-restorable", screen).await;
    browser.click("a[href$=\"/restore\"]").await;
    browser.find("form[action$=\"/restore\"]").await;
    inspect(browser, "token-restore", screen).await;
    browser.click("form[action$=\"/restore\"] button").await;
    browser.find(".notice").await;
    inspect(browser, "token-restored", screen).await;
}

/// The pages of management keys, and the one that confirms the login of a command line.
async fn keys(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    browser.go(&format!("{}/keys/new", keydesk.console)).await;
    inspect(browser, "key-new", screen).await;
    browser.fill("name", "Terraform").await;
    browser.click("[name=scope][value='tokens:write']").await;
    browser.click("main form button.primary").await;
    browser.find("#new-key").await;
    inspect(browser, "key-shown-once", screen).await;
    browser.go(&format!("{}/keys", keydesk.console)).await;
    inspect(browser, "keys", screen).await;
    browser.click("a[href$=\"/rotate\"]").await;
    browser.find("input[name=grace_period]").await;
    inspect(browser, "key-rotate", screen).await;
    browser.go(&format!("{}/device", keydesk.console)).await;
    inspect(browser, "device", screen).await;
    let url = format!("{}/oauth/device_authorization", keydesk.console);
    let form = [("client_id", "keydesk-cli"), ("scope", "tokens:read")];
    let asked = client().build().expect("a client").post(url).form(&form).send().await;
    let asked: serde_json::Value = asked.expect("answers").json().await.expect("JSON");
    browser.go(asked["verification_uri_complete"].as_str().expect("a URL")).await;
    browser.find("#user-code").await;
    inspect(browser, "device-confirm", screen).await;
}

/// The pages of webhooks, from the first one to a delivery that failed.
async fn webhooks(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    let at = |path: &str| format!("{}{path}", keydesk.console);
    browser.go(&at("/webhooks/new")).await;
    inspect(browser, "webhook-new", screen).await;
    browser.fill("name", "CI 7").await;
    browser.fill("url", "https://localhost/keydesk").await;
    browser.click("[name=events][value=\"token.*\"]").await;
    browser.click("[name=events][value=\"member.*\"]").await;
    browser.click("main form button.primary").await;
    browser.find("#webhook-secret").await;
    inspect(browser, "webhook-shown-once", screen).await;
    browser.click("main .actions a.btn").await;
    browser.find("form[action$=\"/test\"]").await;
    browser.click("form[action$=\"/test\"] button").await;
    browser.find(".notice").await;
    // The attempt fails, because the host has no public address.
    eventually("an attempt", || async {
        browser.run("location.reload()").await;
        browser.find("#public-key").await;
        browser.source().await.contains("class=\"num\">1</td>")
    })
    .await;
    inspect(browser, "webhook", screen).await;
    browser.click("td a[href*=\"/deliveries/\"]").await;
    browser.find("form[action$=\"/redeliver\"]").await;
    inspect(browser, "webhook-delivery", screen).await;
    browser.go(&at("/webhooks")).await;
    inspect(browser, "webhooks", screen).await;
    browser.click("td a[href^=\"/webhooks/\"]").await;
    browser.find("a[href$=\"/remove\"]").await;
    browser.click("a[href$=\"/remove\"]").await;
    browser.find("form[action$=\"/remove\"]").await;
    inspect(browser, "webhook-remove", screen).await;
}

/// The page of canary tokens, and the bait.
async fn canaries(keydesk: &Keydesk, browser: &Browser, screen: Screen) {
    browser.go(&format!("{}/canaries", keydesk.console)).await;
    browser.fill("name", "CI 8").await;
    browser.click("main form button.primary").await;
    browser.find("#canary-bait-token").await;
    inspect(browser, "canary-shown-once", screen).await;
    browser.click("main .actions a.btn").await;
    browser.find("form[action$=\"/remove\"]").await;
    inspect(browser, "canaries", screen).await;
}
