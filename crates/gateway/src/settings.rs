//! The gateway's settings from the configuration, with the documented defaults.

use crate::{self_service::TokenService, signature::SigningKey, spellings::Spellings, wire::Kind};
use http::{HeaderName, HeaderValue, Uri};
use keydesk_listen::ClientTimeout;
use keydesk_model::{CorsPolicy, TrustedProxies};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;

#[derive(Clone, Debug)]
pub struct Settings {
    /// The URL at which clients reach the gateway, without a trailing slash.
    pub public_url: String,
    /// Whether the operator has configured it. Otherwise, a response names the gateway by the host that the client
    /// used.
    pub has_own_name: bool,
    /// The URL at which users reach the console, for rejections.
    pub console_url: String,
    /// The API provider's contact, an address or a URL, for 5xx responses.
    pub provider_contact: Option<String>,
    /// The origins of the console's pages: the only ones that CORS admits.
    pub console_origins: Vec<String>,
    /// The APIs behind the gateway. One of them has the prefix `/`.
    pub upstreams: Vec<UpstreamSettings>,
    pub forms: Forms,
    /// The first path segment that Keydesk answers itself, `keydesk` unless configured.
    pub reserved_prefix: String,
    /// The proxies that are trusted to send `X-Forwarded-For`.
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
    /// Signs the identity headers, so that an upstream can tell what came through the gateway.
    pub signing_key: Option<SigningKey>,
    pub self_service: SelfService,
    /// The clients that can introspect tokens.
    pub introspection: Vec<IntrospectionClient>,
    /// The proxies that can use forward authentication, or `None` if it is disabled.
    pub fronts: Option<TrustedProxies>,
    /// The time that they can cache a response, at most a lease.
    pub front_cache: Duration,
    /// Whether the parameter `_method` is rejected, in queries and in forms.
    pub rejects_method_override: bool,
    pub token_places: TokenPlaces,
    /// The web pages of other origins that can send requests.
    pub cors: CorsSettings,
    /// Whether a client's own `X-Request-Id` is kept.
    pub keeps_request_ids: bool,
    /// A path that reports, without a token, whether to send requests to this gateway.
    pub health_check_path: Option<String>,
}

/// The places other than `Authorization: Bearer` in which a request can carry its token.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenPlaces {
    /// The header `X-Api-Key`.
    pub api_key: bool,
    /// The user name of `Authorization: Basic` (RFC 7617).
    pub basic: bool,
    /// A subprotocol of `keydesk.bearer.` and the token, for a browser's WebSocket, which cannot set headers.
    pub websocket: bool,
}

impl Settings {
    /// Returns the defaults of all settings.
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

/// The self-service settings of tokens.
#[derive(Clone, Debug, Default)]
pub struct SelfService {
    pub rotate: bool,
    pub revoke: bool,
    /// A second path below the endpoint URL that rotates, for clients of another system.
    pub rotate_path: Option<String>,
    /// The service that has access to the database.
    pub app: Option<TokenService>,
}

/// An API and the settings to reach it.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// The path prefix of its requests, by whole segments: `/billing`.
    pub prefix: String,
    /// Interchangeable servers: scheme, host, port, and a path to put in front, the same for all.
    pub servers: Vec<Uri>,
    pub credential: Option<Credential>,
    /// Certificate authorities in PEM that are trusted instead of the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// A path that responds with 2xx while a server is healthy. If `None`, only failing requests reveal its state.
    pub health_check_path: Option<String>,
    pub host: UpstreamHost,
    /// The spellings that its servers read in one way, though other servers do not.
    pub keeps: Spellings,
    pub times: UpstreamTimes,
    /// Whether the prefix is removed from the upstream's path.
    pub strips_prefix: bool,
    /// Whether requests name Keydesk in `Via` (RFC 9110 section 7.6.3).
    pub sends_via: bool,
}

/// The `Host` that an upstream receives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UpstreamHost {
    /// The host of the server's URL.
    #[default]
    Own,
    /// The host that the client sent.
    Clients,
    Named(String),
}

/// An upstream's limits that replace the gateway's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpstreamTimes {
    pub connect: Option<Duration>,
    pub response: Option<Duration>,
    pub stream_idle: Option<Duration>,
}

impl UpstreamSettings {
    /// Returns the settings of a single server for all requests.
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

/// The header with which the gateway authenticates itself to an upstream.
#[derive(Clone)]
pub struct Credential {
    pub(crate) header: HeaderName,
    pub(crate) value: HeaderValue,
}

impl Credential {
    /// Returns `None` for a header that frames the request, identifies the caller, or belongs to the client.
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

/// The forms of endpoint URLs that are served.
#[derive(Clone, Copy, Debug)]
pub struct Forms {
    /// The path form: `/{account number}/…`.
    pub path: bool,
    /// The token form: no account in the path, because the token determines it.
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
    /// The maximum number of fields in a request's head.
    pub max_headers: u32,
    /// The maximum number of concurrent connections; further ones wait to be accepted.
    pub max_connections: u32,
    /// The maximum number of connections per address (IPv6: per /64); further ones are closed.
    pub max_connections_per_ip: u32,
    /// The maximum time from connecting to the end of a client's first request head, and from the first byte of a later
    /// head to its end.
    pub header_timeout: Duration,
    /// The maximum idle time of a connection between requests.
    pub keep_alive_timeout: Duration,
    /// The maximum time to wait for a client in the middle of a body.
    pub idle_timeout: Duration,
    /// The minimum number of body bytes that a client must send or read in each second spent waiting for it, after the
    /// first ten seconds. The wait never exceeds `idle_timeout`.
    pub min_body_bytes_per_second: u32,
    /// The maximum time to connect to an upstream.
    pub connect_timeout: Duration,
    /// The maximum time without progress: no part of the request body, and no response after it.
    pub response_timeout: Duration,
    /// The maximum time without data from an upstream in the middle of a response.
    pub stream_idle_timeout: Duration,
    /// Whether a client that has closed its sending half still gets its response.
    pub allows_half_close: bool,
    /// The time that an unused connection to an upstream is kept.
    pub upstream_idle_timeout: Duration,
    /// The maximum time for requests in flight to finish when the gateway shuts down.
    pub drain_timeout: Duration,
}

impl Limits {
    /// Returns the timeouts for waiting for a client.
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

/// The configuration of CORS for pages of other origins.
#[derive(Clone, Debug, Default)]
pub struct CorsSettings {
    /// The policy for every account without one of its own.
    pub policy: Option<Arc<CorsPolicy>>,
    /// Whether accounts can have a policy.
    pub is_for_accounts: bool,
}

/// A client that can introspect tokens, with the digest of its secret.
#[derive(Clone, Debug)]
pub struct IntrospectionClient {
    pub id: String,
    secret: [u8; 32],
}

impl IntrospectionClient {
    pub fn new(id: String, secret: &str) -> Self {
        Self { id, secret: Sha256::digest(secret).into() }
    }

    /// Compares in constant time.
    pub(crate) fn is(&self, id: &str, secret: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(secret).into();
        self.id == id && bool::from(self.secret.ct_eq(&digest))
    }
}
