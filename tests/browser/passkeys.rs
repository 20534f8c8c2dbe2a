//! Passkeys with a virtual authenticator, and the whole way in of a new member.

use super::{Browser, WIDE_LIGHT};
use crate::{
    limits::send,
    support::{
        Keydesk, NEW_PASSWORD, PASSWORD, User,
        authenticator::{Authenticator, set_up_authenticator},
    },
};
use serde_json::json;

/// The console under a name: passkeys belong to names.
fn named(keydesk: &Keydesk) -> String {
    keydesk.console.replace("127.0.0.1", "localhost")
}

async fn plug_in_authenticator(browser: &Browser) {
    browser.cdp("WebAuthn.enable", json!({})).await;
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
    });
    browser.cdp("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
}

pub async fn log_in(browser: &Browser, console: &str, email: &str, password: &str) {
    browser.go(&format!("{console}/login")).await;
    browser.fill("email", email).await;
    browser.fill("password", password).await;
    browser.click("main button").await;
}

pub async fn log_out(browser: &Browser) {
    browser.run("document.querySelector('form[action=\"/logout\"] button').click()").await;
    browser.arrives_at("/login").await;
}

#[tokio::test]
async fn f9_a_passkey_lets_in_by_itself_and_beside_the_password() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let console = named(&keydesk);
    let browser = Browser::open(WIDE_LIGHT).await;
    plug_in_authenticator(&browser).await;
    log_in(&browser, &console, "ann@acme.example", PASSWORD).await;
    browser.arrives_at("/api-docs").await;
    browser.go(&format!("{console}/passkeys")).await;
    browser.fill("name", "This laptop").await;
    browser.click("main form.card button.primary").await;
    browser.find(".codes").await;
    let recovery_code = browser.text(".codes li").await;
    browser.go(&format!("{console}/passkeys")).await;
    assert!(browser.source().await.contains("This laptop"));
    browser.screenshot("passkeys-two", WIDE_LIGHT).await;
    // The same authenticator again is said to be known.
    browser.fill("name", "Again").await;
    browser.click("main form.card button.primary").await;
    super::eventually("it is known", async || {
        browser.source().await.contains("You already have a passkey on this authenticator.")
    })
    .await;
    log_out(&browser).await;

    browser.go(&format!("{console}/login/passkey?next=/tokens")).await;
    browser.click("main button.primary").await;
    browser.arrives_at("/tokens").await;
    let audit = ann.get("/two-factor").await;
    assert_eq!(audit.status, 200);
    log_out(&browser).await;
    // The password alone does not do any more.
    log_in(&browser, &console, "ann@acme.example", PASSWORD).await;
    browser.find("[name=half]").await;
    browser.click("main a[href^=\"/login/passkey\"]").await;
    browser.arrives_at("/login/passkey").await;
    browser.click("main button.primary").await;
    browser.arrives_at("/api-docs").await;
    // A removed passkey lets no one in, and the user gets an email about each change.
    browser.go(&format!("{console}/passkeys")).await;
    // As it is the last, with a recovery code.
    browser.fill("recovery_code", &recovery_code).await;
    browser.click("main form[action$=\"/remove\"] button").await;
    browser.find(".notice").await;
    log_out(&browser).await;
    browser.go(&format!("{console}/login/passkey")).await;
    browser.click("main button.primary").await;
    browser.find("p.error").await;
    assert!(
        browser.text("p.error").await.contains("That passkey isn’t recognized, or it was removed.")
    );
    let mail = ann.get("/mail").await.text;
    assert!(
        mail.contains("A passkey was added") && mail.contains("Two-factor authentication is off")
    );
    assert_eq!(ann.post("/logout", &[]).await.status, 303);
    assert_eq!(ann.log_in("ann@acme.example", PASSWORD).await.status, 303);
    browser.close().await;
}

/// Reached by an address, the console says what to do.
#[tokio::test]
async fn f9_by_an_address_the_page_says_that_passkeys_belong_to_names() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let browser = Browser::open(WIDE_LIGHT).await;
    plug_in_authenticator(&browser).await;
    browser.go(&format!("{}/login/passkey", keydesk.console)).await;
    browser.click("main button.primary").await;
    super::eventually("it is said", async || {
        browser
            .source()
            .await
            .contains("Passkeys require a domain name. Open this console by its domain name,")
    })
    .await;
    browser.close().await;
}

/// Invite, accept, the second factor that the account requires, API Docs; then removal, and the token is dead.
#[tokio::test]
async fn an_invited_member_comes_in_and_when_removed_their_token_is_dead() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    set_up_authenticator(&ann).await;
    let required = ann.post("/members/two-factor", &[("required", "yes")]).await;
    assert_eq!(required.status, 303, "{}", required.text);
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "developer")]).await;
    let link = ann.link_in_mail("/invitation/").await;
    let at = |path: &str| format!("{}{path}", keydesk.console);
    let browser = Browser::open(WIDE_LIGHT).await;
    let link = if link.starts_with("http") { link } else { at(&link) };
    browser.go(&link).await;
    browser.fill("name", "Bob").await;
    browser.fill("password", NEW_PASSWORD).await;
    browser.click("main button").await;
    // The account asks for a second factor: he is led to it before anything else.
    browser.arrives_at("/two-factor").await;
    browser.click("main form button.primary").await;
    browser.find(".qr svg").await;
    let authenticator = Authenticator::scan(&browser.source().await);
    browser.fill("code", &authenticator.code(0)).await;
    browser.click("form[action$=\"/confirm\"] button").await;
    browser.find(".codes").await;
    log_out(&browser).await;
    log_in(&browser, &keydesk.console, "bob@acme.example", NEW_PASSWORD).await;
    browser.find("[name=half]").await;
    browser.fill("code", &authenticator.code(1)).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
    let (endpoint, token) =
        (browser.copy("endpoint-url").await, browser.copy("bearer-token").await);
    let url = format!("{endpoint}/api/v1/contacts");
    assert_eq!(send("GET", &url, &token, "app").await.status, 200);
    let id = ann.member_id("Bob").await;
    ann.post(&format!("/members/{id}/remove"), &[]).await;
    assert_eq!(send("GET", &url, &token, "app").await.code(), "member_removed");
    browser.go(&at("/api-docs")).await;
    assert!(!browser.source().await.contains(&token), "and shown no more");
    let again = User::visiting(&keydesk.console);
    assert_eq!(again.log_in("bob@acme.example", NEW_PASSWORD).await.status, 200, "halfway only");
    browser.close().await;
}
