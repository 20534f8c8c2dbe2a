//! A real Chromium at the real console: the journey of the help page, every page under axe-core, and
//! what works without a script.

mod journey;
mod origins;
mod pages;
mod passkeys;
mod program_pages;
mod scripts;
mod tabs;
mod users;

use crate::{
    documents::repository,
    support::{eventually, free_port},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use thirtyfour::prelude::*;

/// A chromedriver with one browser. Both end with the test.
struct Browser {
    driver: WebDriver,
    server: String,
    chromedriver: Child,
    /// The pages that were inspected.
    seen: RefCell<BTreeSet<String>>,
    _profile: tempfile::TempDir,
}

#[derive(Clone, Copy)]
struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    scheme: &'static str,
    language: &'static str,
}

impl Screen {
    const fn new(name: &'static str, size: (u32, u32), scheme: &'static str) -> Self {
        Self { name, width: size.0, height: size.1, scheme, language: "en" }
    }
}

const WIDE_LIGHT: Screen = Screen::new("wide-light", (1280, 900), "light");
const NARROW_DARK: Screen = Screen::new("narrow-dark", (390, 844), "dark");
/// As the README shows it.
const README: Screen = Screen::new("readme", (1280, 1080), "light");
const WIDE_DARK: Screen = Screen::new("wide-dark", (1280, 900), "dark");
const NARROW_LIGHT: Screen = Screen::new("narrow-light", (320, 640), "light");
const NARROW_SPANISH: Screen =
    Screen { language: "es", ..Screen::new("narrow-spanish", (320, 640), "dark") };
const WIDEST_PORTUGUESE: Screen =
    Screen { language: "pt", ..Screen::new("widest-portuguese", (1920, 1080), "light") };

impl Browser {
    async fn open(screen: Screen) -> Self {
        // Whatever speaks HTTP here wants to know who does the cryptography.
        drop(crate::support::client());
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
            "--hide-scrollbars",
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
        let browser =
            Self { driver, server, chromedriver, seen: RefCell::default(), _profile: profile };
        browser.show_as(screen).await;
        browser
            .cdp(
                "Browser.grantPermissions",
                json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] }),
            )
            .await;
        browser
    }

    /// Sets the size of the screen, and the colour scheme and language that the user prefers.
    async fn show_as(&self, screen: Screen) {
        let Screen { width, height, scheme, language, .. } = screen;
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let agent = self.run("return navigator.userAgent").await;
        let speaks = json!({ "userAgent": agent, "acceptLanguage": language });
        self.cdp("Emulation.setUserAgentOverride", speaks).await;
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

    async fn source(&self) -> String {
        self.driver.source().await.expect("a page")
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
        let request = crate::support::client()
            .build()
            .expect("a client")
            .post(url)
            .json(&json!({ "type": "browser" }));
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

    /// The whole page, further than the screen shows.
    async fn screenshot(&self, name: &str, screen: Screen) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.cdp("Page.captureScreenshot", whole).await;
        let picture = picture["data"].as_str().and_then(|data| BASE64.decode(data).ok());
        let file = folder.join(format!("{name}-{}.png", screen.name));
        std::fs::write(
            file,
            picture.expect("QR code with the setup key for your authenticator app"),
        )
        .expect("written");
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
