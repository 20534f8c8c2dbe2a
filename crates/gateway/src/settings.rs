//! What the gateway is told by the configuration, with its documented defaults.

use http::Uri;
use keydesk_model::TrustedProxies;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients reach the gateway, without a trailing slash.
    pub public_url: String,
    /// Where people reach the console: named in refusals.
    pub console_url: String,
    /// The origins of the console's pages: the only ones that CORS admits.
    pub console_origins: Vec<String>,
    /// The API behind the gateway: scheme, host, port and a path to put in front.
    pub upstream: Uri,
    pub forms: Forms,
    /// The first path segment that Keydesk answers itself, `keydesk` unless configured.
    pub reserved_prefix: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
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
        Self { path: true, token: false }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest request body; larger ones are refused with 413.
    pub max_body_bytes: u64,
    /// The largest request head; larger ones are refused with 431.
    pub max_header_bytes: u32,
    /// How many connections are served at once; further ones wait to be accepted.
    pub max_connections: u32,
    /// How long a client may take from connecting to the end of its first request's head.
    pub header_timeout: Duration,
    /// How long a connection may be idle until the end of the next request's head.
    pub idle_timeout: Duration,
    /// How long connecting to the upstream may take.
    pub connect_timeout: Duration,
    /// How long nothing may move: no part of the request body, and no answer after it.
    pub response_timeout: Duration,
    /// How long requests in flight may take to finish when the gateway shuts down.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 100 * 1024 * 1024,
            max_header_bytes: 16 * 1024,
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
