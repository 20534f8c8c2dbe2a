//! The configuration file as written, with the location of each value.

use super::{
    environment::{MARK, overlay, unknown},
    explain::explain,
};
use crate::process_environment;
use anyhow::{Context, anyhow};
use serde::Deserialize;
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub data: Option<PathBuf>,
    /// One address or several.
    pub console: Option<Spanned<toml::Value>>,
    pub gateway: Option<Spanned<toml::Value>>,
    pub public_console_url: Option<Spanned<String>>,
    pub public_gateway_url: Option<Spanned<String>>,
    pub upstream: Option<Spanned<String>>,
    pub openapi: Option<Spanned<String>>,
    pub token_prefix: Option<Spanned<String>>,
    pub trusted_proxies: Vec<Spanned<String>>,
    pub reserved_prefix: Option<Spanned<String>>,
    pub endpoints: FileEndpoints,
    pub limits: FileLimits,
    pub mail: Option<FileMail>,
    /// The operator's own CA certificates, for single sign-on, mail, and OpenAPI documents.
    #[serde(rename = "ca_file")]
    pub authority: Option<PathBuf>,
    pub upstreams: Vec<FileUpstream>,
    pub signature: Option<FileSignature>,
    pub tls: Option<FileTls>,
    pub observe: FileObserve,
    pub audit: FileAudit,
    pub role: Option<Spanned<String>>,
    pub database_url: Option<Spanned<String>>,
    #[serde(rename = "database_password_file")]
    pub database_password: Option<PathBuf>,
    pub cluster: FileCluster,
    pub operation: Vec<FileOperation>,
    pub unlisted_operations: Option<Spanned<String>>,
    pub paths: Option<Spanned<String>>,
    pub method_override: Option<Spanned<String>>,
    pub plan: Vec<FilePlan>,
    pub default_plan: Option<Spanned<String>>,
    pub expiry: FileExpiry,
    pub management_keys: FileManagementKeys,
    pub request_log: FileRequestLog,
    pub outbound: FileOutbound,
    pub secret_scanning: FileSecretScanning,
    pub sign_up: Option<bool>,
    pub require_two_factor: Option<bool>,
    pub self_service: FileSelfService,
    pub introspection: Vec<FileIntrospection>,
    pub forward_auth: FileForwardAuth,
    pub envoy: Option<FileEnvoy>,
    pub keep_request_id: Option<bool>,
    pub provider_contact: Option<Spanned<String>>,
    pub cors: Option<FileCors>,
    pub token_locations: FileTokenLocations,
}

/// The CORS policy: which origins may send requests.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileCors {
    pub origins: Vec<Spanned<String>>,
    pub methods: Vec<Spanned<String>>,
    pub headers: Vec<Spanned<String>>,
    pub exposed_headers: Vec<Spanned<String>>,
    pub max_age_seconds: Option<Spanned<u64>>,
    pub accounts: Option<bool>,
}

/// Additional locations of a token in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileTokenLocations {
    pub x_api_key: Option<bool>,
    pub basic: Option<bool>,
    pub websocket_protocol: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileManagementKeys {
    pub max_lifetime_days: Option<Spanned<u64>>,
}

/// What the request log keeps.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileRequestLog {
    pub per_account: Option<Spanned<u64>>,
    pub retention_days: Option<Spanned<u64>>,
}

/// Which servers named by customers, such as webhooks, can be reached, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileOutbound {
    /// Numbers, or texts from the environment.
    pub ports: Option<Vec<Spanned<toml::Value>>>,
    pub allowed_networks: Vec<Spanned<String>>,
    pub proxy: Option<Spanned<String>>,
}

/// The services that report leaked secrets.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSecretScanning {
    pub github: Option<bool>,
    pub github_keys_url: Option<Spanned<String>>,
    pub github_token_file: Option<PathBuf>,
    pub gitlab_keys_url: Option<Spanned<String>>,
    pub gitlab_revocation_token_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileExpiry {
    pub max_lifetime_days: Option<Spanned<u64>>,
    pub required: Option<bool>,
    pub default: Option<Spanned<String>>,
    pub mode: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSelfService {
    pub rotate: Option<bool>,
    pub revoke: Option<bool>,
    pub rotate_path: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileIntrospection {
    pub client_id: Spanned<String>,
    pub client_secret_file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEnvoy {
    pub listen: Spanned<String>,
    pub trusted_proxies: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileForwardAuth {
    pub trusted_proxies: Vec<Spanned<String>>,
    pub cache_seconds: Option<Spanned<u64>>,
}

/// An operation of the API and the scopes that permit it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOperation {
    pub method: Spanned<String>,
    pub path: Spanned<String>,
    #[serde(default)]
    pub scopes: Vec<Spanned<String>>,
    pub rate_limit: Option<Spanned<String>>,
}

/// The limits of accounts with this plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePlan {
    pub name: Spanned<String>,
    pub rate_limit: Option<Spanned<String>>,
    pub token_rate_limit: Option<Spanned<String>>,
    pub monthly_quota: Option<Spanned<u64>>,
    pub mode: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileCluster {
    pub name: Option<String>,
    pub lease_seconds: Option<Spanned<u64>>,
    pub on_disconnect: Option<Spanned<String>>,
    pub max_staleness_seconds: Option<Spanned<u64>>,
    pub confirm_timeout_seconds: Option<Spanned<u64>>,
    pub peer: Option<Spanned<String>>,
    pub peer_url: Option<Spanned<String>>,
    pub peer_key_file: Option<PathBuf>,
}

/// An API with a path prefix, or one that requires more settings than a URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileUpstream {
    pub prefix: Spanned<String>,
    pub urls: Vec<Spanned<String>>,
    pub credential_header: Option<Spanned<String>>,
    pub credential_file: Option<Spanned<PathBuf>>,
    pub ca_file: Option<PathBuf>,
    pub health_check_path: Option<Spanned<String>>,
    pub host: Option<Spanned<String>>,
    pub encoded_slash: Option<Spanned<String>>,
    pub empty_segments: Option<Spanned<String>>,
    pub double_encoding: Option<Spanned<String>>,
    pub non_utf8: Option<Spanned<String>>,
    pub via: Option<bool>,
    pub strip_prefix: Option<bool>,
    pub openapi: Option<Spanned<String>>,
    pub connect_timeout_seconds: Option<Spanned<u64>>,
    pub response_timeout_seconds: Option<Spanned<u64>>,
    pub stream_idle_timeout_seconds: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSignature {
    pub key_file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTls {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub acme: Option<FileAcme>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileAcme {
    pub domains: Vec<Spanned<String>>,
    pub contact: Option<String>,
    pub directory: Option<Spanned<String>>,
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileObserve {
    pub status: Option<Spanned<String>>,
    pub access_log: Option<String>,
    pub otlp: Option<Spanned<String>>,
    pub trace_ratio: Option<Spanned<f64>>,
    pub health_check_path: Option<Spanned<String>>,
}

/// Where the audit log is forwarded to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileAudit {
    pub file: Option<PathBuf>,
    pub syslog: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileEndpoints {
    pub path: Option<Spanned<bool>>,
    pub token: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileLimits {
    pub max_body_bytes: Option<Spanned<u64>>,
    pub max_header_bytes: Option<Spanned<u64>>,
    pub max_headers: Option<Spanned<u64>>,
    pub max_connections: Option<Spanned<u64>>,
    pub max_connections_per_ip: Option<Spanned<u64>>,
    pub min_body_bytes_per_second: Option<Spanned<u64>>,
    pub upstream_idle_timeout_seconds: Option<Spanned<u64>>,
    pub header_timeout_seconds: Option<Spanned<u64>>,
    pub idle_timeout_seconds: Option<Spanned<u64>>,
    pub keep_alive_timeout_seconds: Option<Spanned<u64>>,
    pub stream_idle_timeout_seconds: Option<Spanned<u64>>,
    pub shutdown_delay_seconds: Option<Spanned<u64>>,
    pub half_close: Option<bool>,
    pub connect_timeout_seconds: Option<Spanned<u64>>,
    pub response_timeout_seconds: Option<Spanned<u64>>,
    pub drain_timeout_seconds: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMail {
    pub server: Spanned<String>,
    pub from: Spanned<String>,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
}

/// The text of a configuration file, for finding the line of a value.
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// A value and its location, for error messages.
pub struct Located {
    pub text: String,
    pub place: String,
}

impl Located {
    pub fn parse<T: FromStr>(&self, wanted: &str) -> anyhow::Result<T> {
        self.text.parse().map_err(|_| self.wrong(wanted))
    }

    pub fn parse_as<T>(
        &self,
        read: impl FnOnce(&str) -> Option<T>,
        wanted: &str,
    ) -> anyhow::Result<T> {
        read(&self.text).ok_or_else(|| self.wrong(wanted))
    }

    pub fn wrong(&self, wanted: impl Display) -> anyhow::Error {
        anyhow!("{}: “{}” is not {wanted}", self.place, self.text)
    }
}

impl Source {
    pub fn line(&self, offset: usize) -> usize {
        self.text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
    }

    pub fn given(&self, key: &str, value: &Spanned<String>) -> Located {
        let place = self.place(key, value.span().start);
        Located { text: value.get_ref().clone(), place }
    }

    /// Returns the location of a value: a line of the file or an environment variable.
    pub fn place(&self, key: &str, offset: usize) -> String {
        let rest = self.text.get(offset..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        match line.split_once(MARK) {
            Some((_, variable)) => variable.to_owned(),
            None => format!("{}:{}: {key}", self.path.display(), self.line(offset)),
        }
    }
}

/// Reads the file, if there is one, and applies the environment variables.
pub fn read_file(path: Option<&Path>) -> anyhow::Result<(Source, File)> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("the configuration file {} cannot be read", path.display()))?,
        None => String::new(),
    };
    let text = overlay(&text, &|name| process_environment::variable(name))?;
    for name in unknown(process_environment::variables()) {
        tracing::warn!(name, "no key of the configuration has this variable; is it misspelled?");
    }
    let path = path.map_or_else(PathBuf::new, Path::to_owned);
    let source = Source { path, text };
    let file = toml::from_str(&source.text).map_err(|error| anyhow!(explain(&source, &error)))?;
    Ok((source, file))
}
