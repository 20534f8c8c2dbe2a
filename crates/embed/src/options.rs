//! The options of an embedded check, which correspond to those of a gateway in `keydesk.toml`.

use keydesk_gateway::{Forms, Settings};
use keydesk_model::{DisconnectPolicy, LeaseConfig, Plan, TrustedProxies};
use keydesk_node::NodeSettings;
use keydesk_store::{DatabaseUrl, DatabaseUrlError};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The default lease of a gateway.
const LEASE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Options {
    place: DatabaseUrl,
    /// The folder of the revocation journal. It must outlive the process and not be used by another one.
    data: PathBuf,
    /// The node name displayed in the console and in receipts, for example.
    name: String,
    /// The time for which tokens are accepted without the database, which bounds every revocation.
    pub lease: Duration,
    /// The URL of this API for clients, without a trailing slash, which rejections name.
    pub public_url: String,
    /// The URL of the console for users, which rejections name.
    pub console_url: String,
    /// The forms of endpoint URLs, such as with the account number in the path.
    pub forms: Forms,
    /// The proxies whose `X-Forwarded-For` headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// The plans of `keydesk.toml`, which are the only source of plan rate limits and quotas.
    pub plans: Vec<Plan>,
    pub default_plan: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("the store: {0}")]
    DatabaseUrl(#[from] DatabaseUrlError),
}

impl Options {
    /// Returns the default options. `store` is a database URL as in `keydesk.toml`: `postgres://…`, or `sqlite:` and
    /// the path of the database file of a Keydesk on this machine.
    pub fn new(
        store: &str,
        data: impl Into<PathBuf>,
        name: impl Into<String>,
    ) -> Result<Self, OptionsError> {
        Ok(Self {
            place: store.parse()?,
            data: data.into(),
            name: name.into(),
            lease: LEASE,
            public_url: "http://127.0.0.1:8081".to_owned(),
            console_url: "http://127.0.0.1:8080".to_owned(),
            forms: Forms::default(),
            trusted_proxies: TrustedProxies::default(),
            plans: Vec::new(),
            default_plan: None,
        })
    }

    pub(crate) fn place(&self) -> &DatabaseUrl {
        &self.place
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn node(&self) -> NodeSettings {
        let (lease, max_staleness) = (self.lease, self.lease.max(Duration::from_mins(10)));
        NodeSettings {
            journal: self.data.join("revocations.journal"),
            locks: self.place.locks(&self.data),
            name: self.name.clone(),
            is_gateway: true,
            is_console: false,
            terms: LeaseConfig {
                lease,
                max_staleness,
                on_disconnect: DisconnectPolicy::FailClosed,
                asks_peers: false,
            },
            confirm: Duration::ZERO,
            peers: None,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            forms: self.forms,
            reserved_prefix: String::new(),
            trusted_proxies: self.trusted_proxies.clone(),
            ..Settings::in_front_of(Vec::new(), self.public_url.clone(), self.console_url.clone())
        }
    }
}
