//! Two tabs of one Chromium: one switches the account, the other sends a form.

use super::{Browser, WIDE_LIGHT, passkeys::log_in};
use crate::support::{Keydesk, Options, PASSWORD, User, eventually};

#[tokio::test]
async fn a_form_acts_on_the_account_that_its_page_showed() {
    let options = Options { config: "sign_up = true".to_owned(), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    let bea = User::signed_up(&keydesk.console, "Bikes", "bea@bikes.example", "Bea").await;
    bea.post("/members/invitations", &[("email", "ann@acme.example"), ("role", "administrator")])
        .await;
    let link = ann.link_in_mail("/invitation/").await;
    assert_eq!(ann.post(&link, &[("password", PASSWORD)]).await.status, 303);
    let browser = Browser::open(WIDE_LIGHT).await;
    log_in(&browser, &keydesk.console, "ann@acme.example", PASSWORD).await;
    browser.arrives_at("/api-docs").await;
    let first = browser.driver.window().await.expect("a tab");
    browser.go(&format!("{}/tokens/new", keydesk.console)).await;
    let here = browser.text(".menu-account").await;
    browser.fill("name", "of the first tab").await;
    // The second tab goes to the other account.
    let second = browser.driver.new_tab().await.expect("a tab");
    browser.driver.switch_to_window(second).await.expect("switches");
    browser.go(&format!("{}/api-docs", keydesk.console)).await;
    let switch = "[...document.querySelectorAll('form[action=\"/accounts/switch\"] button')]
        .find((button) => !button.hasAttribute('aria-current')).click()";
    browser.run(switch).await;
    // The same page, of the other account.
    eventually("the account has switched", async || {
        let shown = "return document.querySelector('.menu-account')?.textContent ?? ''";
        let shown = browser.run(shown).await;
        shown.as_str().is_some_and(|shown| !shown.is_empty() && shown != here)
    })
    .await;
    // The first tab's form does nothing there, and says so.
    browser.driver.switch_to_window(first).await.expect("switches");
    browser.click("[data-all]").await;
    browser.click("main form button.primary").await;
    browser.find("[name=switch_account]").await;
    let message = browser.text(".lead").await;
    assert!(message.contains(&here) && message.contains("wasn’t submitted"), "{message}");
    // One button switches back and sends what was typed.
    browser.click("main form button.primary").await;
    browser.find("#new-token").await;
    assert_eq!(browser.text(".menu-account").await, here);
    browser.go(&format!("{}/tokens", keydesk.console)).await;
    assert!(browser.source().await.contains("of the first tab"));
    browser.close().await;
}
