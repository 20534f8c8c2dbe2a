//! A console in process: the real router over a SQLite file, a clock that the test sets, and seeded randomness.

#[path = "readable.rs"]
mod readable;

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, header},
};
use http_body_util::BodyExt as _;
use keydesk_control::{
    AppServices, AppState, Keyring, Mailer, ManagementKeyRules, MasterKey, OpenApiSource, Plans,
    RequestLogRules, SecretScanning, Settings, UsersRules, create_operator, router,
};
use keydesk_model::{AccountNumber, Clock, ExpiryPolicy, Month, Role, Timestamp, TrustedProxies};
use keydesk_node::Nodes;
use keydesk_outbound::Outbound;
use keydesk_store::{AccountSearch, DatabaseUrl, Sealer, Store};
use keydesk_token::{Entropy, Prefix};
use readable::readable;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Long and easy to find: no page may show it.
pub const PASSWORD: &str = "canary vjeo ktmw haqbn plum";
pub const NEW_PASSWORD: &str = "canary fjord umbrella quartz nine";
pub const ANN: &str = "ann@acme.example";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const HOST: &str = "127.0.0.1:8080";
/// 2026-11-25T09:00:00Z.
const START: i64 = 1_795_597_200_000_000;

pub struct Console {
    pub app: AppState,
    pub number: AccountNumber,
    ann: User,
    clock: Arc<AtomicI64>,
    router: Router,
    folder: TempDir,
}

/// The callers that a use case or a page distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    Member(Role),
    /// An operator without an account.
    Operator,
}

impl Caller {
    pub const ALL: [Self; 6] = [
        Self::Anonymous,
        Self::Member(Role::Viewer),
        Self::Member(Role::Developer),
        Self::Member(Role::Administrator),
        Self::Member(Role::Owner),
        Self::Operator,
    ];
}

fn settings() -> Settings {
    Settings {
        console_url: format!("http://{HOST}"),
        console_aliases: Vec::new(),
        console_addrs: vec![HOST.to_owned()],
        gateway_url: "https://api.example.com".to_owned(),
        account_in_path: true,
        reserved_prefix: "keydesk".to_owned(),
        trusted_proxies: TrustedProxies::default(),
        token_prefix: Prefix::default(),
        is_local: true,
        users: UsersRules::default(),
        plans: Plans::default(),
        has_account_cors: true,
        expiry: ExpiryPolicy::default(),
        management_keys: ManagementKeyRules::default(),
        request_log: RequestLogRules::default(),
        provider_contact: Some("support@acme.example".to_owned()),
        secret_scanning: SecretScanning::default(),
    }
}

impl Console {
    /// With the account Acme, whose owner Ann is also an operator.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = DatabaseUrl::Sqlite(folder.path().join("keydesk.db"));
        let store = Store::open(&place).await.expect("a database");
        let clock = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&clock);
        let now = Clock::new(move || Timestamp::from_micros(read.load(Ordering::Relaxed)));
        let entropy = Entropy::seeded(1);
        let keyring = Arc::new(Keyring::new(|| Some(vec![MasterKey::new([7; 32])])));
        keyring.check(&store, now.now(), &entropy).await.expect("a new key");
        store.seal_with(Arc::clone(&keyring) as Arc<dyn Sealer>);
        let document = folder.path().join("openapi.json");
        std::fs::write(&document, include_str!("../../../sample/src/openapi.json"))
            .expect("a document");
        let outbound = Outbound::new(None).expect("no authority of our own");
        let mut settings = settings();
        change(&mut settings);
        let base = AppServices { store, keyring, nodes: Arc::new(Nodes::alone()), outbound };
        let openapi = OpenApiSource::file(document);
        let mailer = Mailer::Mailbox(Arc::default());
        let app = AppState::new(settings, base, mailer, openapi, now, entropy);
        let setup = app.offer_setup().await.expect("reads").expect("no account yet");
        let router = router(app.clone());
        let ann = User::in_browser(router.clone(), "en");
        let form =
            [("account", "Acme"), ("name", "Ann Chen"), ("email", ANN), ("password", PASSWORD)];
        let page = ann.post(&setup, &form).await;
        assert_eq!(page.status, 303, "{}", page.text);
        let mut read = app.store.read().await.expect("reads");
        let search = AccountSearch { text: String::new(), after: None, limit: 1 };
        let accounts =
            read.search_accounts(&search, (app.now(), Month::of(app.now()))).await.expect("reads");
        let number = accounts[0].account.number;
        drop(read);
        Self { app, number, ann, clock, router, folder }
    }

    pub fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).expect("a short time");
        self.clock.fetch_add(micros, Ordering::Relaxed);
    }

    /// Everything in the files of the database.
    pub fn stored(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).expect("a folder");
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            std::fs::read(entry.expect("an entry").path()).expect("a file")
        };
        files.flat_map(read).collect()
    }

    pub async fn sql(&self, statement: &str) {
        let options = SqliteConnectOptions::new().filename(self.folder.path().join("keydesk.db"));
        let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.expect("writes");
    }

    pub fn anonymous(&self) -> User {
        self.anonymous_in("en")
    }

    /// In a browser that asks for these languages.
    pub fn anonymous_in(&self, languages: &'static str) -> User {
        User::in_browser(self.router.clone(), languages)
    }

    pub async fn logged_in(&self, email: &str) -> User {
        let user = self.anonymous();
        let page = user.log_in(email, PASSWORD).await;
        assert_eq!(page.status, 303, "{}", page.text);
        user
    }

    /// Ann, in the browser in which she has set up Keydesk.
    pub fn owner(&self) -> User {
        let cookies = self.ann.cookies.lock().expect("not poisoned").clone();
        User { cookies: Mutex::new(cookies), ..User::in_browser(self.router.clone(), "en") }
    }

    /// Opens an account of their own, where that is allowed.
    pub async fn signed_up(&self, account: &str, email: &str, name: &str) -> User {
        let user = self.anonymous();
        user.post("/sign-up", &[("account", account), ("email", email)]).await;
        let link = user.link_in_mail("/sign-up/").await;
        let opened = user.post(&link, &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(opened.location.as_deref(), Some("/api-docs?done=account_opened"));
        user
    }

    pub async fn add_operator(&self, email: &str) {
        create_operator(&self.app, email, "", Some(PASSWORD)).await.expect("an operator");
    }

    pub async fn joined(&self, email: &str, role: Role) -> User {
        self.owner().invite(email, role.as_str(), PASSWORD).await
    }

    /// A user who is this caller. Ann is the owner; the others join for this.
    pub async fn as_caller(&self, caller: Caller) -> User {
        match caller {
            Caller::Anonymous => self.anonymous(),
            Caller::Member(Role::Owner) => self.owner(),
            Caller::Member(role) => {
                self.joined(&format!("{}@acme.example", role.as_str()), role).await
            }
            Caller::Operator => {
                let email = "olga@keydesk.example";
                self.add_operator(email).await;
                self.logged_in(email).await
            }
        }
    }
}

/// A browser: its cookies and its language.
pub struct User {
    router: Router,
    cookies: Mutex<BTreeMap<String, String>>,
    languages: &'static str,
}

/// A response, redirects not followed.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub location: Option<String>,
    pub headers: HeaderMap,
    pub text: String,
}

impl User {
    fn in_browser(router: Router, languages: &'static str) -> Self {
        Self { router, cookies: Mutex::default(), languages }
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Page {
        self.post("/login", &[("email", email), ("password", password)]).await
    }

    /// Invites an address and accepts as that user.
    pub async fn invite(&self, email: &str, role: &str, password: &str) -> Self {
        let page = self.post("/members/invitations", &[("email", email), ("role", role)]).await;
        assert_eq!(page.location.as_deref(), Some("/members?done=invited"), "{}", page.text);
        let user = Self::in_browser(self.router.clone(), "en");
        let link = user.link_in_mail("/invitation/").await;
        let page = user.post(&link, &[("password", password)]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        user
    }

    pub async fn bearer_token(&self) -> String {
        self.get("/api-docs").await.value("bearer-token")
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, String::new(), &[]).await
    }

    /// As a page of `origin` would post, in a browser that says so.
    pub async fn post_from(&self, origin: &str, path: &str) -> Page {
        let headers = [("origin", origin), ("sec-fetch-site", "cross-site"), FORM];
        self.send(Method::POST, path, String::new(), &headers).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        self.send(Method::POST, path, body.finish(), &[FORM]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        self.send(Method::GET, path, String::new(), headers).await
    }

    /// Sends a request with these headers, as a program does, and with the cookies of the browser.
    pub async fn send_plain(
        &self,
        method: Method,
        path: &str,
        body: String,
        headers: &[(&str, &str)],
    ) -> Page {
        self.send(method, path, body, headers).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: String,
        headers: &[(&str, &str)],
    ) -> Page {
        let path = path.strip_prefix(&format!("http://{HOST}")).unwrap_or(path);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
        let request = headers
            .iter()
            .fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        let request = request
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::ACCEPT_LANGUAGE, self.languages)
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
            .header(header::COOKIE, self.cookie_header())
            .extension(ConnectInfo(peer))
            .body(Body::from(body))
            .expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("ASCII"));
        }
        let body = body.collect().await.expect("a body").to_bytes();
        let location = parts.headers.get(header::LOCATION);
        Page {
            status: parts.status.as_u16(),
            location: location.map(|value| value.to_str().expect("ASCII").to_owned()),
            text: String::from_utf8_lossy(&body).into_owned(),
            headers: parts.headers,
        }
    }

    pub fn cookie_header(&self) -> String {
        let held = self.cookies.lock().expect("not poisoned");
        let pairs: Vec<_> = held.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').expect("a cookie has a name");
        let mut held = self.cookies.lock().expect("not poisoned");
        if attributes.contains("Max-Age=0") {
            held.remove(name);
        } else {
            held.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The newest mail's link to `path`.
    pub async fn link_in_mail(&self, path: &str) -> String {
        let mail = self.get("/mail").await.text;
        let start = mail.find(&format!("http://{HOST}{path}")).expect("the mail has the link");
        mail[start..].split('"').next().expect("the link ends").to_owned()
    }

    /// Creates an API token with every scope, and returns its secret.
    pub async fn create_token(&self, name: &str, expires: &str) -> String {
        let form = [("name", name), ("expires", expires), ("scope", "*")];
        let page = self.post("/tokens", &form).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.value("new-token")
    }

    /// Creates a webhook for all events, and returns its ID.
    pub async fn create_webhook(&self, name: &str) -> String {
        let form = [("name", name), ("url", "https://hooks.example.com/"), ("events", "*")];
        assert_eq!(self.post("/webhooks", &form).await.status, 200);
        self.id_in("/webhooks", "whk_", name).await
    }

    /// Creates a canary token, and returns its ID.
    pub async fn create_canary(&self, name: &str) -> String {
        assert_eq!(self.post("/canaries", &[("name", name)]).await.status, 200);
        self.id_in("/canaries", "can_", name).await
    }

    pub async fn token_id(&self, name: &str) -> String {
        self.id_in("/tokens", "tok_", &format!("<b>{name}</b>")).await
    }

    pub async fn member_id(&self, name: &str) -> String {
        self.id_in("/members", "mem_", &format!("<b>{name}</b>")).await
    }

    /// The first ID of this kind in the row of a page that contains `text`.
    pub async fn id_in(&self, page: &str, kind: &str, text: &str) -> String {
        let page = self.get(page).await.text;
        let row =
            page.split("<tr").find(|row| row.contains(text) && row.contains(kind)).expect("a row");
        let start = row.find(kind).expect("an ID");
        row[start..start + 36].to_owned()
    }
}

impl Page {
    /// The value of the element with this ID.
    pub fn value(&self, id: &str) -> String {
        self.find_value(id).unwrap_or_else(|| panic!("no #{id} on the page: {}", self.text))
    }

    pub fn find_value(&self, id: &str) -> Option<String> {
        let (attributes, content) =
            self.text.split(&format!("id=\"{id}\"")).nth(1)?.split_once('>')?;
        match attributes.split("value=\"").nth(1) {
            Some(value) => value.split('"').next().map(str::to_owned),
            None => content.split('<').next().map(str::to_owned),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The main content as a person reads it.
    pub fn readable(&self) -> String {
        readable(&self.text)
    }
}
