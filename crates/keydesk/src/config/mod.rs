//! The configuration: flags override the environment, which overrides the file, which overrides the defaults. Errors
//! name the key, its line, and a valid value.

mod cluster;
mod environment;
mod explain;
mod file;
mod integrations;
mod keys;
mod limits;
mod operation;
mod options;
mod requests;
mod secret_scanning;
mod values;

pub use cluster::{Cluster, Role, place_named};
#[cfg(feature = "envoy")]
pub use integrations::Envoy;
pub use integrations::Integrations;
pub use keys::{reference, schema};
pub use operation::{Acme, Observe, Tls, UpstreamDocument};
pub use options::Options;
pub use requests::Requests;
pub use values::Addresses;

use anyhow::bail;
use file::{File, Located, read_file};
use keydesk_control::{
    AuditDestination, ManagementKeyRules, Plans, RequestLogRules, RuleSource, SecretScanning,
    SmtpSettings, UsersRules,
};
use keydesk_gateway::{Forms, Limits, SigningKey, UpstreamSettings};
use keydesk_model::{ExpiryPolicy, TrustedProxies};
use keydesk_outbound::Outbound;
use keydesk_store::DatabaseUrl;
use keydesk_token::Prefix;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use toml::Spanned;

#[derive(Debug)]
pub struct Config {
    pub data: PathBuf,
    pub console: Addresses,
    pub gateway: Addresses,
    /// The public URL of the console. `None` derives it from the bound address.
    pub public_console_url: Option<String>,
    pub public_gateway_url: Option<String>,
    pub upstream: Option<http::Uri>,
    pub openapi: Option<String>,
    /// The documents of `upstreams`, in the same order.
    pub documents: Vec<UpstreamDocument>,
    pub token_prefix: Prefix,
    pub trusted_proxies: TrustedProxies,
    pub forms: Forms,
    pub reserved_prefix: String,
    pub limits: Limits,
    pub mail: Option<SmtpSettings>,
    /// The client for requests to other servers, with the operator's own CA certificates.
    pub outbound: Outbound,
    pub audit: Vec<AuditDestination>,
    /// The upstreams from `[[upstreams]]`.
    pub upstreams: Vec<UpstreamSettings>,
    pub signing_key: Option<SigningKey>,
    pub tls: Option<Tls>,
    pub observe: Observe,
    pub role: Role,
    pub store: DatabaseUrl,
    pub cluster: Cluster,
    pub rules: RuleSource,
    pub integrations: Integrations,
    pub plans: Plans,
    pub expiry: ExpiryPolicy,
    pub management_keys: ManagementKeyRules,
    pub request_log: RequestLogRules,
    pub secret_scanning: SecretScanning,
    pub users: UsersRules,
    pub requests: Requests,
    /// The time for which the node keeps serving after a signal to stop, while it reports that it is not ready.
    pub shutdown_delay: Duration,
}

const CONSOLE: &str = "127.0.0.1:8080";
const GATEWAY: &str = "127.0.0.1:8081";

/// Returns the given configuration file, or the one in the current directory.
fn config_file(options: &Options) -> Option<PathBuf> {
    let here = PathBuf::from("keydesk.toml");
    options.config.clone().or_else(|| here.is_file().then_some(here))
}

/// Adds the values below a value by their names.
fn flatten(name: &str, value: &toml::Value, settings: &mut BTreeMap<String, String>) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(key, value)| flatten(&below(key), value, settings));
        }
        toml::Value::Array(values) if values.iter().any(toml::Value::is_table) => {
            let numbered = values.iter().enumerate();
            numbered.for_each(|(at, value)| flatten(&below(&at.to_string()), value, settings));
        }
        value => drop(settings.insert(name.to_owned(), value.to_string())),
    }
}

impl Config {
    /// Returns the configuration file, if there is one.
    pub fn file(options: &Options) -> Option<PathBuf> {
        config_file(options)
    }

    /// Returns the settings of the file and the environment by name, such as `limits.max_headers`, as they are written.
    pub fn settings(options: &Options) -> anyhow::Result<BTreeMap<String, String>> {
        let (source, _) = read_file(config_file(options).as_deref())?;
        let mut settings = BTreeMap::new();
        flatten("", &toml::Value::Table(source.text.parse()?), &mut settings);
        Ok(settings)
    }

    pub fn read(options: &Options) -> anyhow::Result<Self> {
        let (source, file) = read_file(config_file(options).as_deref())?;
        let pick = |flag: &Option<String>, key: &str, value: &Option<Spanned<String>>| {
            from_flag(flag.as_ref(), key)
                .or_else(|| value.as_ref().map(|value| source.given(key, value)))
        };
        let console_url =
            pick(&options.public_console_url, "public_console_url", &file.public_console_url);
        let gateway_url =
            pick(&options.public_gateway_url, "public_gateway_url", &file.public_gateway_url);
        let listen = |flag: &Option<String>, key: &str, value, default| {
            values::addresses(&source, key, from_flag(flag.as_ref(), key), value, default)
        };
        let upstream = pick(&options.upstream, "upstream", &file.upstream);
        let data = options.data.clone().or(file.data.clone());
        let data = data.unwrap_or_else(|| PathBuf::from("keydesk-data"));
        let store = pick(&options.database_url, "database_url", &file.database_url);
        let role = cluster::role(pick(&options.role, "role", &file.role))?;
        let cluster = cluster::cluster(&source, &file.cluster)?;
        let upstreams = operation::upstreams(&source, &file.upstreams)?;
        let config = Self {
            rules: limits::rules(&source, &file)?,
            plans: limits::plans(&source, &file)?,
            users: users(&file),
            expiry: limits::expiry(&source, &file.expiry)?,
            management_keys: limits::management_keys(&source, &file.management_keys)?,
            request_log: limits::request_log(&source, &file.request_log)?,
            secret_scanning: secret_scanning::secret_scanning(&source, &file.secret_scanning)?,
            store: cluster::place(store.as_ref(), file.database_password.as_ref(), &data)?,
            integrations: integrations::integrations(&source, &file, cluster.terms.lease)?,
            cluster,
            role,
            data,
            console: listen(&options.console, "console", file.console.as_ref(), CONSOLE)?,
            gateway: listen(&options.gateway, "gateway", file.gateway.as_ref(), GATEWAY)?,
            requests: requests::requests(&source, &file)?,
            shutdown_delay: values::shutdown_delay(&source, &file.limits)?,
            public_console_url: console_url.as_ref().map(values::public_url).transpose()?,
            public_gateway_url: gateway_url.as_ref().map(values::public_url).transpose()?,
            upstream: upstream.as_ref().map(values::upstream_url).transpose()?,
            openapi: pick(&options.openapi, "openapi", &file.openapi).map(|given| given.text),
            token_prefix: values::token_prefix(&source, file.token_prefix.as_ref())?,
            trusted_proxies: values::networks(&source, "trusted_proxies", &file.trusted_proxies)?,
            forms: values::forms(&source, &file.endpoints)?,
            reserved_prefix: values::reserved_prefix(&source, file.reserved_prefix.as_ref())?,
            limits: values::limits(&source, &file.limits)?,
            outbound: operation::outbound(&source, file.authority.as_deref(), &file.outbound)?,
            mail: file.mail.map(|mail| values::smtp(&source, mail)).transpose()?,
            documents: operation::documents(&file.upstreams, &upstreams),
            upstreams,
            signing_key: operation::signing_key(file.signature.as_ref())?,
            tls: operation::tls(&source, file.tls)?,
            audit: operation::audit(&source, &file.audit)?,
            observe: operation::observe(&source, file.observe)?,
        };
        config.check_upstreams()?;
        config.check_transport()?;
        Ok(config)
    }

    /// Returns whether only this machine can connect: both listeners are on loopback, no public URL indicates
    /// otherwise, and no proxy is trusted.
    pub fn is_local(&self) -> bool {
        let urls = [&self.public_console_url, &self.public_gateway_url];
        self.console.are_loopback()
            && self.gateway.are_loopback()
            && self.trusted_proxies.is_empty()
            && urls.into_iter().flatten().all(|url| names_loopback(url))
    }

    fn is_https(&self) -> bool {
        self.tls.is_some()
            || self.public_console_url.as_deref().is_some_and(|url| url.starts_with("https:"))
    }

    /// Checks the upstreams. `upstream` is short for an upstream with the prefix `/`.
    fn check_upstreams(&self) -> anyhow::Result<()> {
        let has_rest = self.upstreams.iter().any(|upstream| upstream.prefix == "/");
        if has_rest && self.upstream.is_some() {
            bail!(
                "upstream and the upstreams with prefix = \"/\" are for the same paths; keep one"
            );
        }
        Ok(())
    }

    /// Rejects plain HTTP except on loopback, because passwords would be sent unencrypted.
    fn check_transport(&self) -> anyhow::Result<()> {
        if let Some(both) = self.console.shared_with(&self.gateway) {
            bail!("console and gateway are both {both}; give each a port of its own");
        }
        if !self.is_https() && !self.console.are_loopback() {
            bail!(
                "console = {}: other machines can reach this address, and passwords would travel in clear. Configure [tls], \
                 or put an https proxy in front and set public_console_url = \"https://…\" and trusted_proxies = [\"its \
                 address\"], or listen on 127.0.0.1",
                self.console.first()
            );
        }
        let public = self.public_console_url.as_deref();
        if let Some(url) = public.filter(|url| !self.is_https() && !names_loopback(url)) {
            bail!(
                "public_console_url = {url}: passwords would travel in clear. Put an https proxy in front, and set \
                 its https URL here and trusted_proxies = [\"its address\"]"
            );
        }
        if self.is_https() && self.trusted_proxies.is_empty() && self.tls.is_none() {
            bail!(
                "public_console_url is https, so something in front of the console must speak TLS: name it in the \
                 configuration file as trusted_proxies = [\"127.0.0.1\"], and let it send X-Forwarded-Proto: https"
            );
        }
        Ok(())
    }
}

fn users(file: &File) -> UsersRules {
    UsersRules {
        sign_up: file.sign_up.unwrap_or(false),
        require_two_factor: file.require_two_factor.unwrap_or(false),
    }
}

fn names_loopback(url: &str) -> bool {
    let host = url
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned))
        .unwrap_or_default();
    let addr = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || addr.is_ok_and(|addr| addr.is_loopback())
}

fn from_flag(flag: Option<&String>, key: &str) -> Option<Located> {
    let place = format!("--{} (or KEYDESK_{})", key.replace('_', "-"), key.to_uppercase());
    flag.map(|text| Located { text: text.clone(), place })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keydesk.toml");
        std::fs::write(&path, text).expect("writes");
        let options = Options { config: Some(path), ..Options::default() };
        Config::read(&options)
            .map_err(|error| format!("{error:#}").replace(&*folder.path().to_string_lossy(), ""))
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = read("").expect("reads");
        assert_eq!(config.console.first().to_string(), "127.0.0.1:8080");
        assert_eq!(config.data, PathBuf::from("keydesk-data"));
        assert!(config.forms.path && config.forms.token && config.is_local());
    }

    #[test]
    fn a_bad_value_is_named_with_its_line_and_what_would_be_right() {
        for (text, message) in [
            (
                "\nconsole = \"8080\"",
                "/keydesk.toml:2: console: “8080” is not an address and port such as 127.0.0.1:8080, [::1]:8080, localhost:8080 or :8080",
            ),
            (
                "upstream = \"localhost:3000\"",
                "/keydesk.toml:1: upstream: “localhost:3000” is not a URL such as http://127.0.0.1:3000 or https://api.internal/base",
            ),
            (
                "# x\n\ntrusted_proxies = [\n\"10.0.0.0/8\",\n\"ten\"]",
                "/keydesk.toml:5: trusted_proxies: “ten” is not an address or network such as 10.0.0.0/8",
            ),
            (
                "public_console_url = \"https://a.example/x\"",
                "/keydesk.toml:1: public_console_url: “https://a.example/x” is not a URL of scheme, host and port only, such as https://console.example.com",
            ),
            (
                "[endpoints]\npath = false\ntoken = false",
                "/keydesk.toml:2: endpoints: switch on path or token, or nothing can be called",
            ),
            (
                "[limits]\nmax_body_bytes = \"big\"",
                "/keydesk.toml:2: limits.max_body_bytes: invalid type: string \"big\", expected a whole number",
            ),
            (
                "[[plan]]\nname = \"free\"\nrate_limit = \"10\"",
                "/keydesk.toml:3: plan.rate_limit: “10” is not right: a rate is written 10/s, 100/10s, 600/m or 5000/h: requests, and the time in which they may be made",
            ),
            (
                "[limits]\nresponse_timeout_seconds = 0",
                "/keydesk.toml:2: limits.response_timeout_seconds: 0 is not between 1 and 86400",
            ),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_bad_limit_is_named_with_its_line_and_what_would_be_right() {
        for (text, message) in [
            (
                "[expiry]\nmax_lifetime_days = 30\ndefault = \"90d\"",
                "/keydesk.toml:3: expiry.default: “90d” is not within what expiry.max_lifetime_days and expiry.required allow",
            ),
            (
                "default_plan = \"free\"",
                "/keydesk.toml:1: default_plan: “free” is not the name of a [[plan]]",
            ),
            (
                "[[plan]]\nname = \"free\"\nmode = \"on\"",
                "/keydesk.toml:3: plan.mode: “on” is not observe (rejects nothing) or enforce",
            ),
            (
                "[[operation]]\nmethod = \"get\"\npath = \"/a\"",
                "/keydesk.toml:2: operation.method: “get” is not a method in capitals, such as GET, or * for all",
            ),
            (
                "[[operation]]\nmethod = \"GET\"\npath = \"/a//b\"",
                "/keydesk.toml:3: operation.path: “/a//b” is not a path of the API: a path has no empty or dot segments, “?”, “#”, “\\” or “%”",
            ),
            (
                "[[operation]]\nmethod = \"GET\"\npath = \"/a/{x}\"\n[[operation]]\nmethod = \"GET\"\npath = \"/a/{y}\"",
                "/keydesk.toml: operation: two rules are for GET /a/{x} and GET /a/{y}, which no request can tell apart",
            ),
            (
                "[[operation]]\nmethod = \"GET\"\npath = \"/a\"\nscopes = [\"Read\"]",
                "/keydesk.toml:4: operation.scopes: “Read” is not a scope such as contacts:read, contacts:* or *",
            ),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_listener_may_have_several_addresses() {
        let addresses = |text: &str| {
            let config = read(&format!("gateway = {text}")).expect("reads");
            config.gateway.iter().map(|one| one.addr.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(addresses("\":8081\""), "0.0.0.0:8081 [::]:8081");
        assert_eq!(addresses("\"localhost:8081\""), "127.0.0.1:8081 [::1]:8081");
        assert_eq!(addresses("[\"10.0.0.1:80\", \"[fd00::1]:80\"]"), "10.0.0.1:80 [fd00::1]:80");
        let error = read("gateway = []").expect_err("rejected");
        assert_eq!(error, "gateway: name at least one address");
        let error = read("gateway = [\"127.0.0.1:8080\"]").expect_err("rejected");
        assert!(error.contains("console and gateway are both 127.0.0.1:8080"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_rejected_with_its_line() {
        let error = read("data = \"x\"\nupstraem = \"http://a\"").expect_err("rejected");
        assert!(
            error.starts_with(
                "/keydesk.toml:2: there is no key “upstraem” here; did you mean “upstream”?"
            ),
            "{error}"
        );
    }

    #[test]
    fn whoever_is_behind_a_proxy_is_not_local() {
        for config in [
            "public_console_url = \"https://a.example\"\ntrusted_proxies = [\"127.0.0.1\"]",
            "public_gateway_url = \"https://a.example\"",
            "trusted_proxies = [\"127.0.0.1\"]",
            "gateway = \"0.0.0.0:8081\"",
        ] {
            assert!(!read(config).expect("reads").is_local(), "{config}");
        }
        assert!(read("public_console_url = \"http://localhost:8080\"").expect("reads").is_local());
    }

    #[test]
    fn plain_http_is_for_loopback() {
        let error = read("console = \"0.0.0.0:8080\"").expect_err("rejected");
        assert!(
            error.contains("https proxy in front") && error.contains("trusted_proxies"),
            "{error}"
        );
        let error = read("public_console_url = \"https://a.example\"").expect_err("rejected");
        assert!(error.contains("trusted_proxies"), "{error}");
        let error = read("public_console_url = \"http://console.example\"").expect_err("rejected");
        assert!(error.contains("passwords would travel in clear"), "{error}");
        let https = "console = \"0.0.0.0:8080\"\npublic_console_url = \"https://A.example/\"\ntrusted_proxies = [\"10.0.0.1\"]";
        assert_eq!(
            read(https).expect("reads").public_console_url.as_deref(),
            Some("https://a.example")
        );
    }
}
