//! The configuration of the console.

use keydesk_model::{AccountNumber, ExpiryPolicy, Plan, TrustedProxies};
use keydesk_token::Prefix;
use std::fmt;
use zeroize::Zeroizing;

/// The path of the management API under the URL of the console.
pub(crate) const API_PATH: &str = "/api/v1";

#[derive(Clone, Debug)]
pub struct Settings {
    /// The URL of the console, without a trailing slash. With `https:`, cookies are `Secure`, and requests must arrive
    /// over TLS or through a trusted proxy that reports HTTPS.
    pub console_url: String,
    /// Other origins of the same console, such as `http://localhost:8080` on loopback.
    pub console_aliases: Vec<String>,
    /// The addresses on which the console listens, as a proxy may name them: `127.0.0.1:8080`.
    pub console_addrs: Vec<String>,
    /// The URL of the gateway for clients, without a trailing slash.
    pub gateway_url: String,
    /// Whether the endpoint URL contains the account number.
    pub account_in_path: bool,
    pub reserved_prefix: String,
    pub trusted_proxies: TrustedProxies,
    pub token_prefix: Prefix,
    /// Whether both listeners are on loopback, so that `/mail` may exist.
    pub is_local: bool,
    pub users: UsersRules,
    pub plans: Plans,
    /// Whether accounts can set the web origins that send requests with their tokens.
    pub has_account_cors: bool,
    /// The expiration policy for new API tokens, in addition to an account's own.
    pub expiry: ExpiryPolicy,
    pub management_keys: ManagementKeyRules,
    pub request_log: RequestLogRules,
    pub secret_scanning: SecretScanning,
    /// The email address or URL of the API provider, for what only they can change.
    pub provider_contact: Option<String>,
}

/// The services that report leaked secrets, as far as the operator has registered with them.
#[derive(Clone, Debug, Default)]
pub struct SecretScanning {
    pub github: Option<KeySource>,
    pub gitlab: Option<KeySource>,
    /// The token with which a self-managed GitLab revokes leaked tokens.
    pub gitlab_revocation: Option<PartnerToken>,
}

/// Where a service publishes the keys of its signatures.
#[derive(Clone, Debug)]
pub struct KeySource {
    pub url: String,
    /// The token for the requests to it, which raises the service's rate limit.
    pub token: Option<PartnerToken>,
}

/// A token that another service issued, or that the operator shares with it.
#[derive(Clone)]
pub struct PartnerToken(Zeroizing<String>);

impl PartnerToken {
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PartnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartnerToken(redacted)")
    }
}

/// The operator's rules for management keys.
#[derive(Clone, Copy, Debug)]
pub struct ManagementKeyRules {
    pub max_lifetime_days: u16,
}

impl Default for ManagementKeyRules {
    fn default() -> Self {
        Self { max_lifetime_days: 365 }
    }
}

/// What the request log keeps.
#[derive(Clone, Copy, Debug)]
pub struct RequestLogRules {
    /// The number of requests of each outcome. With 0, there is no log.
    pub per_account: u32,
    pub retention_days: u16,
}

impl Default for RequestLogRules {
    fn default() -> Self {
        Self { per_account: 1_000, retention_days: 7 }
    }
}

/// The operator's rules for users.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsersRules {
    /// Whether anyone can sign up and create an account.
    pub sign_up: bool,
    /// Whether all users, including operators, must have a second factor.
    pub require_two_factor: bool,
}

/// The operator's plans and the name of the default plan for accounts without one.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    pub all: Vec<Plan>,
    pub default: Option<String>,
}

impl Plans {
    /// Returns the plan of an account that names it. An unknown name counts as none.
    pub fn of(&self, name: &str) -> Option<&Plan> {
        let find = |name: &str| self.all.iter().find(|plan| plan.name == name);
        find(name).or_else(|| self.default.as_deref().and_then(find))
    }
}

impl Settings {
    pub fn is_https(&self) -> bool {
        self.console_url.starts_with("https:")
    }

    /// Returns the host name of the console.
    pub fn console_host(&self) -> String {
        let url = url::Url::parse(&self.console_url).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost");
        host.trim_matches(['[', ']']).to_owned()
    }

    /// Returns the account's endpoint URL, without a trailing slash.
    pub fn endpoint_url(&self, number: AccountNumber) -> String {
        if self.account_in_path {
            format!("{}/{number}", self.gateway_url)
        } else {
            self.gateway_url.clone()
        }
    }

    /// Returns every origin from which the console's pages can be loaded.
    pub fn console_origins(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.console_url.as_str())
            .chain(self.console_aliases.iter().map(String::as_str))
    }
}
