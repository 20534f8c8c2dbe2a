//! What the gateway is told by the configuration, with its documented defaults.

use crate::{
    cors::CorsSettings,
    endpoints::{IntrospectionClient, TokenService},
    signature::SigningKey,
    target::Spellings,
    wire::Kind,
};
use http::{HeaderName, HeaderValue, Uri};
use keydesk_listen::ClientTimeout;
use keydesk_model::TrustedProxies;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients reach the gateway, without a trailing slash.
    pub public_url: String,
    /// Whether the operator has configured it. Otherwise a response names the gateway as the client did.
    pub has_own_name: bool,
    /// Where people reach the console: named in rejections.
    pub console_url: String,
    /// Whom a caller may ask when the API fails: an address or a URL, in 5xx answers.
    pub provider_contact: Option<String>,
    /// The origins of the console's pages: the only ones that CORS admits.
    pub console_origins: Vec<String>,
    /// The APIs behind the gateway. One of them has the prefix `/`.
    pub upstreams: Vec<UpstreamSettings>,
    pub forms: Forms,
    /// The first path segment that Keydesk answers itself, `keydesk` unless configured.
    pub reserved_prefix: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
    /// Signs the identity headers, so that an upstream can tell what came through the gateway.
    pub signing_key: Option<SigningKey>,
    pub self_service: SelfService,
    /// Who may introspect.
    pub introspection: Vec<IntrospectionClient>,
    /// The proxies that may ask whether a request may pass. None: nobody may.
    pub fronts: Option<TrustedProxies>,
    /// How long they may keep an answer: at most a lease.
    pub front_cache: Duration,
    /// Whether the parameter `_method` is rejected, in queries and in forms.
    pub rejects_method_override: bool,
    pub token_places: TokenPlaces,
    /// Which web pages of other origins may call.
    pub cors: CorsSettings,
    /// Whether a client's own `X-Request-Id` is kept.
    pub keeps_request_ids: bool,
    /// A path that says without a token whether this gateway may be sent requests.
    pub health_check_path: Option<String>,
}

/// Where a request may carry its token other than in `Authorization: Bearer`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenPlaces {
    /// `X-Api-Key`
    pub api_key: bool,
    /// The user of `Authorization: Basic` (RFC 7617).
    pub basic: bool,
    /// For a browser's WebSocket, which can set no header: a subprotocol, `keydesk.bearer.` and the token.
    pub websocket: bool,
}

impl Settings {
    /// The defaults of everything that is configured.
    pub fn in_front_of(
        upstreams: Vec<UpstreamSettings>,
        public_url: impl Into<String>,
        console_url: impl Into<String>,
    ) -> Self {
        Self {
            public_url: public_url.into(),
            has_own_name: false,
            console_url: console_url.into(),
            provider_contact: None,
            console_origins: Vec::new(),
            upstreams,
            forms: Forms::default(),
            reserved_prefix: "keydesk".to_owned(),
            trusted_proxies: TrustedProxies::default(),
            limits: Limits::default(),
            signing_key: None,
            self_service: SelfService::default(),
            introspection: Vec::new(),
            fronts: None,
            front_cache: Duration::ZERO,
            rejects_method_override: false,
            token_places: TokenPlaces::default(),
            cors: CorsSettings::default(),
            keeps_request_ids: false,
            health_check_path: None,
        }
    }
}

/// What a token may do to itself.
#[derive(Clone, Debug, Default)]
pub struct SelfService {
    pub rotate: bool,
    pub revoke: bool,
    /// The path below the endpoint that rotates, too, for clients that know another system.
    pub rotate_path: Option<String>,
    /// Who has the database.
    pub app: Option<TokenService>,
}

/// An API, and how to reach it.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Requests whose path is this or lies below it, by whole segments: `/billing`.
    pub prefix: String,
    /// Interchangeable servers: scheme, host, port, and a path to put in front, the same for all.
    pub servers: Vec<Uri>,
    pub credential: Option<Credential>,
    /// Certificate authorities in PEM that are trusted instead of the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// A path that answers 2xx while a server is well. None: only failing requests tell.
    pub health_check_path: Option<String>,
    pub host: UpstreamHost,
    /// What its servers read in one way, though other servers do not.
    pub keeps: Spellings,
    pub times: UpstreamTimes,
    /// Whether requests name Keydesk in `Via` (RFC 9110 section 7.6.3).
    /// Whether the prefix is left out of what the upstream gets.
    pub strips_prefix: bool,
    pub sends_via: bool,
}

/// The `Host` that an upstream gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UpstreamHost {
    /// That of the server's URL.
    #[default]
    Own,
    /// As the client sent it.
    Clients,
    Named(String),
}

/// What an upstream has instead of the gateway's own limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpstreamTimes {
    pub connect: Option<Duration>,
    pub response: Option<Duration>,
    pub stream_idle: Option<Duration>,
}

impl UpstreamSettings {
    /// One server for everything.
    pub fn single(server: Uri) -> Self {
        Self {
            prefix: "/".to_owned(),
            servers: vec![server],
            credential: None,
            ca_pem: None,
            health_check_path: None,
            host: UpstreamHost::default(),
            keeps: Spellings::default(),
            times: UpstreamTimes::default(),
            strips_prefix: false,
            sends_via: true,
        }
    }
}

/// What the gateway authenticates itself with to an upstream.
#[derive(Clone)]
pub struct Credential {
    pub(crate) header: HeaderName,
    pub(crate) value: HeaderValue,
}

impl Credential {
    /// None: a header of this name frames the request or says who calls, or is the client's own.
    pub fn new(header: HeaderName, value: HeaderValue) -> Option<Self> {
        let kind = Kind::of(header.as_str());
        matches!(kind, Kind::Plain | Kind::Authorization | Kind::ApiKey)
            .then_some(Self { header, value })
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({}: redacted)", self.header)
    }
}

/// Which endpoint URLs are served.
#[derive(Clone, Copy, Debug)]
pub struct Forms {
    /// `/{account number}/…`
    pub path: bool,
    /// No account in the path: the token alone says it.
    pub token: bool,
}

impl Default for Forms {
    fn default() -> Self {
        Self { path: true, token: true }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest request body; larger ones are rejected with 413.
    pub max_body_bytes: u64,
    /// The largest request head; larger ones are rejected with 431.
    pub max_header_bytes: u32,
    /// How many fields a request's head may have.
    pub max_headers: u32,
    /// How many connections are served at once; further ones wait to be accepted.
    pub max_connections: u32,
    /// How many of them one address (IPv6: one /64) may hold; further ones are closed.
    pub max_connections_per_ip: u32,
    /// How long a client may take from connecting to the end of its first request's head, and from
    /// the first byte of a later head to its end.
    pub header_timeout: Duration,
    /// How long a connection may be idle between requests.
    pub keep_alive_timeout: Duration,
    /// How long a client is waited for in the middle of a body.
    pub idle_timeout: Duration,
    /// How many bytes of a body a client must send or take in each second that is spent waiting
    /// for it, ten seconds of grace aside. It is never waited for longer than `idle_timeout`.
    pub min_body_bytes_per_second: u32,
    /// How long connecting to an upstream may take.
    pub connect_timeout: Duration,
    /// How long nothing may move: no part of the request body, and no response after it.
    pub response_timeout: Duration,
    /// How long an upstream may be silent in the middle of a response.
    pub stream_idle_timeout: Duration,
    /// Whether a client that has closed its sending half still gets its response.
    pub allows_half_close: bool,
    /// How long an unused connection to an upstream is kept.
    pub upstream_idle_timeout: Duration,
    /// How long requests in flight may take to finish when the gateway shuts down.
    pub drain_timeout: Duration,
}

impl Limits {
    /// How long a client is waited for.
    pub(crate) fn patience(&self) -> ClientTimeout {
        ClientTimeout::new(self.min_body_bytes_per_second, self.idle_timeout)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 100 * 1024 * 1024,
            max_header_bytes: 32 * 1024,
            max_headers: 200,
            max_connections: 10_000,
            max_connections_per_ip: 2_000,
            header_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            idle_timeout: Duration::from_mins(1),
            min_body_bytes_per_second: 240,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_mins(2),
            stream_idle_timeout: Duration::from_mins(10),
            allows_half_close: true,
            upstream_idle_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
