//! A real Chromium at the real console: the journey of the help page, wide and narrow, light and
//! dark; every page under axe-core; and what works without a script.

use crate::{
    documents::repository,
    support::{Keydesk, NEW_PASSWORD, PASSWORD, eventually, free_port, is_let_through, use_token},
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use thirtyfour::prelude::*;

/// A chromedriver with one browser. Both end with the test.
struct Browser {
    driver: WebDriver,
    server: String,
    chromedriver: Child,
    _profile: tempfile::TempDir,
}

#[derive(Clone, Copy)]
struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    scheme: &'static str,
}

const WIDE_LIGHT: Screen = Screen { name: "wide-light", width: 1280, height: 900, scheme: "light" };
const NARROW_DARK: Screen = Screen { name: "narrow-dark", width: 390, height: 844, scheme: "dark" };
const WIDE_DARK: Screen = Screen { name: "wide-dark", width: 1280, height: 900, scheme: "dark" };
const NARROW_LIGHT: Screen =
    Screen { name: "narrow-light", width: 320, height: 640, scheme: "light" };

impl Browser {
    async fn open(screen: Screen) -> Self {
        let port = free_port();
        let chromedriver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed; ./test installs it");
        let server = format!("http://127.0.0.1:{port}");
        eventually("chromedriver listens", async || {
            reqwest::get(format!("{server}/status")).await.is_ok()
        })
        .await;
        let profile = tempfile::tempdir().expect("a folder");
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            capabilities.add_arg(argument).expect("an argument");
        }
        capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" })).expect("a capability");
        let driver = WebDriver::new(&server, capabilities).await.expect("Chromium starts");
        let browser = Self { driver, server, chromedriver, _profile: profile };
        browser
            .cdp("Emulation.setDeviceMetricsOverride", json!({
                "width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": false
            }))
            .await;
        let features = json!([{ "name": "prefers-color-scheme", "value": screen.scheme }]);
        browser.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        browser
            .cdp(
                "Browser.grantPermissions",
                json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] }),
            )
            .await;
        browser
    }

    async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.expect("Chromium knows the command")
    }

    async fn go(&self, url: &str) {
        self.driver.goto(url).await.expect("the page loads");
    }

    async fn find(&self, css: &str) -> WebElement {
        let found = self.driver.query(By::Css(css)).first().await;
        found.unwrap_or_else(|error| panic!("no {css}: {error}"))
    }

    async fn fill(&self, name: &str, text: &str) {
        self.find(&format!("[name={name}]")).await.send_keys(text).await.expect("takes text");
    }

    async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element.scroll_into_view().await.expect("scrolls");
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.expect("text")
    }

    async fn path(&self) -> String {
        self.driver.current_url().await.expect("a URL").path().to_owned()
    }

    /// Waits for the page that a click leads to.
    async fn arrives_at(&self, path: &str) {
        eventually(path, async || self.path().await == path).await;
    }

    /// Clicks the copy button for an element and reads the clipboard back.
    async fn copy(&self, id: &str) -> String {
        self.click(&format!("[data-copy={id}]")).await;
        self.run_async("const done = arguments[0]; setTimeout(() => navigator.clipboard.readText().then(done, (e) => done('' + e)), 50);")
            .await
            .as_str()
            .expect("text")
            .to_owned()
    }

    async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.expect("the script runs").json().clone()
    }

    async fn run_async(&self, script: &str) -> Value {
        self.driver.execute_async(script, Vec::new()).await.expect("the script runs").json().clone()
    }

    /// The errors and warnings in the browser's console since the last time.
    async fn console_lines(&self) -> Vec<String> {
        let url = format!("{}/session/{}/se/log", self.server, self.driver.session_id());
        let request = reqwest::Client::new().post(url).json(&json!({ "type": "browser" }));
        let answer: Value = request.send().await.expect("answers").json().await.expect("JSON");
        let lines = answer["value"].as_array().cloned().unwrap_or_default();
        let counts = lines
            .iter()
            .filter(|line| ["SEVERE", "WARNING"].map(Value::from).contains(&line["level"]));
        counts.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Serious and critical findings of axe-core on the page.
    async fn axe(&self) -> Vec<String> {
        let axe = std::fs::read_to_string(repository().join("tests/vendor/axe.min.js"))
            .expect("vendored");
        self.driver.execute(&axe, Vec::new()).await.expect("axe loads");
        let found = self
            .run_async("const done = arguments[0]; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => done(r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.target + ' ' + n.failureSummary).join(' | '))));")
            .await;
        found.as_array().expect("a list").iter().map(ToString::to_string).collect()
    }

    async fn screenshot(&self, name: &str, screen: Screen) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        self.driver
            .screenshot(&folder.join(format!("{name}-{}.png", screen.name)))
            .await
            .expect("a picture");
    }

    async fn close(mut self) {
        let _ = self.driver.clone().quit().await;
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
    }
}

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
    assert!(browser.text(".notice").await.contains("Your account is open"));

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

    browser.go(&format!("{}/profile", keydesk.console)).await;
    browser.fill("current_password", PASSWORD).await;
    browser.fill("new_password", NEW_PASSWORD).await;
    browser.click("form[action='/profile/password'] button").await;
    browser.arrives_at("/api-docs").await;
    assert!(browser.text(".notice").await.contains("Password changed"));
    assert_eq!(use_token(&endpoint, &old).await, (401, "password_changed".to_owned()));
    let new = browser.copy("bearer-token").await;
    assert!(is_let_through(&use_token(&endpoint, &new).await));

    browser.click("a[href='/tokens/new']").await;
    browser.arrives_at("/tokens/new").await;
    browser.fill("name", "CRM sync").await;
    browser.click("[data-select-all]").await;
    browser.click("main form button.primary").await;
    let token = browser.copy("new-token").await;
    assert!(token.starts_with("kd_a_") && is_let_through(&use_token(&endpoint, &token).await));
    browser.click("a[href='/tokens?done=stored']").await;
    browser.find(".notice").await;
    browser.driver.back().await.expect("goes back");
    let page = browser.driver.source().await.expect("source");
    assert!(!page.contains(&token), "T17: not shown again by the back button");
    browser.go(&format!("{}/sessions/log-out-everywhere", keydesk.console)).await;
    browser.click("main form button").await;
    browser.arrives_at("/login").await;
    assert_eq!(use_token(&endpoint, &new).await, (401, "logged_out_everywhere".to_owned()));
    assert!(is_let_through(&use_token(&endpoint, &token).await), "the API token survives");

    let lines: Vec<String> = browser.console_lines().await;
    assert!(lines.is_empty(), "{lines:?}");
    assert!(!keydesk.printed().contains("violation of the content security policy"));
    browser.close().await;
}

#[tokio::test]
async fn the_journey_on_a_wide_and_light_screen() {
    journey(WIDE_LIGHT).await;
}

#[tokio::test]
async fn the_journey_on_a_narrow_and_dark_screen() {
    journey(NARROW_DARK).await;
}

/// Every page, in every state that a first day brings, with nothing serious for axe-core and
/// nothing wider than the screen.
async fn inspect_every_page(screen: Screen) {
    let mut keydesk = Keydesk::start();
    let first = keydesk.setup_link.clone().expect("a link");
    let browser = Browser::open(screen).await;
    browser.go(&first).await;
    inspect(&browser, "setup", screen).await;
    let ann = keydesk.with_account().await;
    ann.invite("vera@acme.example", "viewer", PASSWORD).await;
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "developer")]).await;
    let invitation = ann.link_in_mail("/invitation/").await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let token = ann.create_token("CRM sync", "5d").await;
    ann.create_token("old importer", "never").await;
    for token in [&bearer, &token] {
        use_token(&endpoint, token).await;
    }
    let tokens = ann.get("/tokens").await.text;
    let newest = tokens
        .split("href=\"")
        .find(|rest| rest.ends_with("/rotate") || rest.contains("/rotate\""))
        .expect("a link");
    let path = newest.split("/rotate").next().expect("a path").to_owned();
    ann.post(&format!("{path}/revoke"), &[]).await;
    let member = ann.member_id("vera").await;
    for (name, page) in [
        ("login", "/login"),
        ("forgot-password", "/forgot-password"),
        ("mail", "/mail"),
        ("invitation", &invitation),
        ("not-found", "/nowhere"),
    ] {
        browser
            .go(&if page.starts_with("http") {
                page.to_owned()
            } else {
                format!("{}{page}", keydesk.console)
            })
            .await;
        inspect(&browser, name, screen).await;
    }
    browser.go(&format!("{}/login", keydesk.console)).await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", "wrong").await;
    browser.click("main button").await;
    browser.find(".error").await;
    inspect(&browser, "login-refused", screen).await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs").await;
    for (name, page) in [
        ("api-docs", "/api-docs"),
        ("api-docs-rotate", "/api-docs/rotate"),
        ("tokens", "/tokens"),
        ("token-new", "/tokens/new"),
        ("members", "/members"),
        ("member-remove", &format!("/members/{member}/remove")),
        ("sessions", "/sessions"),
        ("log-out-everywhere", "/sessions/log-out-everywhere"),
        ("confirm", "/confirm"),
        ("profile", "/profile"),
        ("help", "/help"),
    ] {
        browser.go(&format!("{}{page}", keydesk.console)).await;
        inspect(&browser, name, screen).await;
    }
    browser.go(&format!("{}/tokens/new", keydesk.console)).await;
    browser.fill("name", "Importer").await;
    browser.click("[data-all]").await;
    browser.click("main form button.primary").await;
    browser.find("#new-token").await;
    inspect(&browser, "token-shown-once", screen).await;
    let lines = browser.console_lines().await;
    let unexpected: Vec<_> =
        lines.iter().filter(|line| !line.contains("404") && !line.contains("403")).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert!(!keydesk.printed().contains("violation of the content security policy"));
    browser.close().await;
}

async fn inspect(browser: &Browser, name: &str, screen: Screen) {
    let found = browser.axe().await;
    assert!(found.is_empty(), "{name} on {}: {found:#?}", screen.name);
    let overflow = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
    assert!(
        overflow.as_i64().is_some_and(|pixels| pixels <= 0),
        "{name} on {} is {overflow} px too wide",
        screen.name
    );
    browser.screenshot(name, screen).await;
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
async fn s11_the_reference_calls_the_real_gateway_with_the_reader_s_token() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let browser = Browser::open(WIDE_LIGHT).await;
    browser.go(&format!("{}/login?next=/api-docs/reference", keydesk.console)).await;
    browser.fill("email", "ann@acme.example").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    browser.arrives_at("/api-docs/reference").await;
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
    assert!(browser.find("#new-token").await.attr("value").await.expect("known").is_some());
    browser.close().await;
}
