//! A user at the console: a cookie jar, forms, and an eye for what stands on a page.

use reqwest::{
    Client,
    header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue},
    redirect::Policy,
};
use std::time::Duration;

pub struct User {
    client: Client,
    console: String,
}

/// What came back, redirects not followed.
pub struct Page {
    pub status: u16,
    pub location: Option<String>,
    pub headers: HeaderMap,
    pub text: String,
}

impl User {
    pub fn visiting(console: &str) -> Self {
        Self::visiting_in("en", console)
    }

    /// In a browser that asks for these languages.
    pub fn visiting_in(languages: &'static str, console: &str) -> Self {
        let wishes = HeaderValue::from_static(languages);
        let client = super::client()
            .default_headers(HeaderMap::from_iter([(ACCEPT_LANGUAGE, wishes)]))
            .cookie_store(true)
            .redirect(Policy::none())
            .timeout(super::PATIENCE)
            .user_agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .build()
            .expect("a client");
        Self { client, console: console.to_owned() }
    }

    pub async fn logged_in(console: &str, email: &str, password: &str) -> Self {
        let user = Self::visiting(console);
        let mut page = user.log_in(email, password).await;
        // A database that others keep busy asks for another try.
        for _ in 0..20 {
            if page.status != 503 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            page = user.log_in(email, password).await;
        }
        assert_eq!(
            (page.status, page.location.as_deref()),
            (303, Some("/api-docs")),
            "{}",
            page.text
        );
        user
    }

    /// Opens an account of their own, where that is allowed.
    pub async fn signed_up(console: &str, account: &str, email: &str, name: &str) -> Self {
        let user = Self::visiting(console);
        user.post("/sign-up", &[("account", account), ("email", email)]).await;
        let link = user.link_in_mail("/sign-up/").await;
        let opened = user.post(&link, &[("name", name), ("password", super::PASSWORD)]).await;
        assert_eq!(opened.location.as_deref(), Some("/api-docs?done=account_opened"));
        user
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Page {
        self.post("/login", &[("email", email), ("password", password)]).await
    }

    /// The value of the field with this id on a page.
    pub fn value_in(page: &str, id: &str) -> Option<String> {
        let tag = &page[page.find(&format!("id=\"{id}\""))?..];
        let (attributes, content) = tag.split_once('>')?;
        match attributes.split("value=\"").nth(1) {
            Some(value) => value.split('"').next().map(str::to_owned),
            None => content.split('<').next().map(str::to_owned),
        }
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.console) }
    }

    pub async fn get(&self, path: &str) -> Page {
        Page::of(self.client.get(self.url(path)).send().await.expect("the console answers")).await
    }

    /// Sends a form, and confirms it if it would make clients stop working.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let page = self.post_once(path, form).await;
        let Some(clients) = Self::shown_in(&page.text) else { return page };
        let confirmed: Vec<_> = form.iter().copied().chain([("shown", &*clients)]).collect();
        self.post_once(path, &confirmed).await
    }

    async fn post_once(&self, path: &str, form: &[(&str, &str)]) -> Page {
        Page::of(
            self.client.post(self.url(path)).form(form).send().await.expect("the console answers"),
        )
        .await
    }

    /// The clients on a page that asks whether they may stop working.
    fn shown_in(page: &str) -> Option<String> {
        let value = page.split("name=\"shown\" value=\"").nth(1)?.split('"').next()?;
        Some(value.replace("&#34;", "\""))
    }

    /// Waits where someone has changed too much in a short time.
    pub async fn post_patiently(&self, path: &str, form: &[(&str, &str)]) -> Page {
        loop {
            let page = self.post(path, form).await;
            if page.status != 429 {
                return page;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// None: the console went away while it was asked.
    pub async fn try_post(&self, path: &str, form: &[(&str, &str)]) -> Option<Page> {
        let response = self.client.post(self.url(path)).form(form).send().await.ok()?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.ok()?;
        Some(Page { status, location: None, headers, text })
    }

    /// As a page of `origin` would post, in a browser that says so.
    pub async fn post_from(&self, origin: &str, path: &str) -> Page {
        let request = self
            .client
            .post(self.url(path))
            .header("origin", origin)
            .header("sec-fetch-site", "cross-site");
        Page::of(request.send().await.expect("the console answers")).await
    }

    pub async fn endpoint_url(&self) -> String {
        self.get("/api-docs").await.value("endpoint-url")
    }

    pub async fn bearer_token(&self) -> String {
        self.get("/api-docs").await.value("bearer-token")
    }

    /// Creates an API token that may do everything.
    pub async fn create_token(&self, name: &str, expires: &str) -> String {
        let form = [("name", name), ("expires", expires), ("scope", "*")];
        let page = self.post_patiently("/tokens", &form).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.value("new-token")
    }

    /// The newest mail's link to `path`.
    pub async fn link_in_mail(&self, path: &str) -> String {
        let mail = self.get("/mail").await.text;
        let start = mail.find(&format!("{}{path}", self.console)).expect("the mail holds the link");
        mail[start..].split('"').next().expect("the link ends").to_owned()
    }

    /// Invites an address and accepts as that user.
    pub async fn invite(&self, email: &str, role: &str, password: &str) -> User {
        let page = self.post("/members/invitations", &[("email", email), ("role", role)]).await;
        assert_eq!(page.location.as_deref(), Some("/members?done=invited"), "{}", page.text);
        let link = self.link_in_mail("/invitation/").await;
        let user = User::visiting(&self.console);
        let page = user.post(&link, &[("password", password)]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        user
    }

    /// The id of a live API token, as the Tokens page links to it.
    pub async fn token_id(&self, name: &str) -> String {
        let page = self.get("/tokens").await.text;
        let row = page.split("<tr>").find(|row| row.contains(&format!("<b>{name}</b>")));
        let row = row.expect("the token is listed");
        let start = row.find("tok_").expect("the row names the token");
        row[start..start + 36].to_owned()
    }

    /// The id of a member, as the Members page links to it.
    pub async fn member_id(&self, name: &str) -> String {
        let page = self.get("/members").await.text;
        let row = page
            .split("<tr>")
            .find(|row| row.contains(&format!("<b>{name}</b>")))
            .expect("the member is listed");
        let start = row.find("mem_").expect("the row names the member");
        row[start..start + 36].to_owned()
    }
}

impl Page {
    async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let location =
            headers.get("location").map(|value| value.to_str().expect("ASCII").to_owned());
        let text = response.text().await.expect("a body");
        assert!(!text.contains("{$"), "a message without one of its values: {text}");
        Self { status, location, headers, text }
    }

    /// Where it leads, without the receipt of what was done; there must be a complete one.
    pub fn done(&self) -> Option<&str> {
        let (done, receipt) = self.location.as_deref()?.split_once("&receipt=")?;
        receipt.parse::<i64>().is_ok().then_some(done)
    }

    /// The value of the field with this id.
    pub fn value(&self, id: &str) -> String {
        self.find_value(id)
            .unwrap_or_else(|| panic!("no #{id} on the page ({}): {}", self.status, self.text))
    }

    pub fn find_value(&self, id: &str) -> Option<String> {
        User::value_in(&self.text, id)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}
