//! What the console is told by the configuration.

use keydesk_model::{AccountNumber, ExpiryPolicy, Plan, TrustedProxies};
use keydesk_token::Prefix;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the console, without a trailing slash. With `https:` cookies are
    /// `Secure`, and requests must come through a trusted proxy that says so.
    pub console_url: String,
    /// Other origins of the same console, such as `http://localhost:8080` on loopback.
    pub console_aliases: Vec<String>,
    /// Where the console listens, as a proxy in front may name it: `127.0.0.1:8080`.
    pub console_addrs: Vec<String>,
    /// Where clients reach the gateway, without a trailing slash.
    pub gateway_url: String,
    /// Whether the account stands in the endpoint URL.
    pub account_in_path: bool,
    pub reserved_prefix: String,
    pub trusted_proxies: TrustedProxies,
    pub token_prefix: Prefix,
    /// Whether both listeners are on loopback, so that `/mail` may exist.
    pub is_local: bool,
    pub users: UsersRules,
    pub plans: Plans,
    /// Whether accounts may say themselves which web pages call with their tokens.
    pub has_account_cors: bool,
    /// How long new API tokens may live, whatever an account says beside it.
    pub expiry: ExpiryPolicy,
}

/// What the operator says of people.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsersRules {
    /// Whether anybody may open an account of their own.
    pub sign_up: bool,
    /// Whether everybody must have a second factor, operators too.
    pub require_two_factor: bool,
}

/// The operator's plans, and the name of the one for accounts that have none of their own.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    pub all: Vec<Plan>,
    pub default: Option<String>,
}

impl Plans {
    /// The plan of an account that names it; a name that is not known counts as none.
    pub fn of(&self, name: &str) -> Option<&Plan> {
        let find = |name: &str| self.all.iter().find(|plan| plan.name == name);
        find(name).or_else(|| self.default.as_deref().and_then(find))
    }
}

impl Settings {
    pub fn is_https(&self) -> bool {
        self.console_url.starts_with("https:")
    }

    /// The account's endpoint URL, without a trailing slash.
    pub fn endpoint_url(&self, number: AccountNumber) -> String {
        if self.account_in_path {
            format!("{}/{number}", self.gateway_url)
        } else {
            self.gateway_url.clone()
        }
    }

    /// Every origin under which the console's pages may be loaded.
    pub fn console_origins(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.console_url.as_str())
            .chain(self.console_aliases.iter().map(String::as_str))
    }
}
