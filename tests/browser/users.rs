//! The ways in of people, in a real browser: single sign-on, and back in without the device.

use super::{Browser, WIDE_LIGHT, passkeys::log_in, passkeys::log_out};
use crate::{
    sso::{House, claims},
    support::{
        Keydesk, PASSWORD,
        authenticator::{Authenticator, set_up_authenticator},
    },
};

/// From the log-in page to the provider and back, under the console's own content security policy.
#[tokio::test]
async fn f9_single_sso_leads_to_the_provider_and_back_to_api_docs() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    house.provider.knows(&claims("cleo@acme.example", &["admins"]));
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.go(&format!("{}/login?next=/members", house.keydesk.console)).await;
    browser.click("a[href^=\"/login/sso\"]").await;
    browser.fill("email", "cleo@acme.example").await;
    browser.click("main button").await;
    browser.click("#depart").await;
    browser.arrives_at("/members").await;
    assert_eq!(browser.text(".menu-name").await, "Cleo");
    browser.go(&format!("{}/api-docs", house.keydesk.console)).await;
    assert!(!browser.copy("bearer-token").await.is_empty());
    assert!(!house.keydesk.printed().contains("violation of the content security policy"));
    browser.close().await;
}

/// The device is lost: a recovery code lets in, another takes the old device's place away, and a new
/// one is set up. The old one opens nothing any more, and neither does a code that was used.
#[tokio::test]
async fn f9_who_has_lost_the_device_comes_back_by_recovery_codes() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (lost, codes) = set_up_authenticator(&ann).await;
    let at = |path: &str| format!("{}{path}", keydesk.console);
    let browser = Browser::open(WIDE_LIGHT).await;
    let give = async |code: &str| {
        log_in(&browser, &keydesk.console, "ann@acme.example", PASSWORD).await;
        browser.find("[name=half]").await;
        browser.fill("code", code).await;
        browser.click("main button").await;
    };
    give(&codes[0]).await;
    browser.arrives_at("/api-docs").await;
    browser.go(&at("/two-factor")).await;
    let remove = browser.find("form[action$=\"/remove\"] [name=code]").await;
    remove.send_keys(&codes[1]).await.expect("takes text");
    browser.click("form[action$=\"/remove\"] button").await;
    browser.click("form[action$=\"/begin\"] button").await;
    browser.find(".qr svg").await;
    let found = Authenticator::scan(&browser.source().await);
    browser.fill("code", &found.code(0)).await;
    browser.click("form[action$=\"/confirm\"] button").await;
    browser.find("#codes").await;
    log_out(&browser).await;
    for dead in [lost.code(1), codes[0].clone(), codes[2].clone()] {
        give(&dead).await;
        browser.find(".error").await;
    }
    give(&found.code(1)).await;
    browser.arrives_at("/api-docs").await;
    browser.close().await;
}
