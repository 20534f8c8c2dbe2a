//! What an embedded check must be told: the same that `keydesk.toml` tells a gateway.

use keydesk_gateway::{Forms, Settings};
use keydesk_model::{DisconnectPolicy, LeaseConfig, Plan, TrustedProxies};
use keydesk_node::NodeSettings;
use keydesk_store::{DatabaseUrl, DatabaseUrlError};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// As long as gateways go on by default without word from the database.
const LEASE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Options {
    place: DatabaseUrl,
    /// A folder that outlives the process and is no other process's: the journal of what has ended.
    data: PathBuf,
    /// What the console calls this client, in receipts for example.
    name: String,
    /// How long tokens are accepted without word from the database; the bound of every revocation.
    pub lease: Duration,
    /// Where clients reach this API, without a trailing slash: named in rejections.
    pub public_url: String,
    /// Where people reach the console: named in rejections.
    pub console_url: String,
    /// Whether the account's number stands in the path.
    pub forms: Forms,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// The plans of `keydesk.toml`; rates and quotas come from nowhere else.
    pub plans: Vec<Plan>,
    pub default_plan: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("the store: {0}")]
    DatabaseUrl(#[from] DatabaseUrlError),
}

impl Options {
    /// `store` is what `store` is in `keydesk.toml`: `postgres://…`, or `sqlite:` and the path of the database
    /// file of a Keydesk on this machine.
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
