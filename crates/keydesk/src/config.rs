//! The configuration: flags above environment above file above defaults. Whatever is wrong is said
//! with its key, its line, and what would be right.

use crate::cli::Options;
use anyhow::{Context, anyhow, bail};
use ipnet::IpNet;
use keydesk_control::SmtpSettings;
use keydesk_gateway::{Forms, Limits};
use keydesk_model::TrustedProxies;
use keydesk_token::Prefix;
use serde::Deserialize;
use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use toml::Spanned;

#[derive(Debug)]
pub struct Config {
    pub data: PathBuf,
    pub console: SocketAddr,
    pub gateway: SocketAddr,
    /// None: follows from the address that is bound.
    pub public_console_url: Option<String>,
    pub public_gateway_url: Option<String>,
    pub upstream: Option<http::Uri>,
    pub openapi: Option<String>,
    pub token_prefix: Prefix,
    pub trusted_proxies: TrustedProxies,
    pub forms: Forms,
    pub reserved_prefix: String,
    pub limits: Limits,
    pub mail: Option<SmtpSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    data: Option<PathBuf>,
    console: Option<Spanned<String>>,
    gateway: Option<Spanned<String>>,
    public_console_url: Option<Spanned<String>>,
    public_gateway_url: Option<Spanned<String>>,
    upstream: Option<Spanned<String>>,
    openapi: Option<Spanned<String>>,
    token_prefix: Option<Spanned<String>>,
    trusted_proxies: Vec<Spanned<String>>,
    reserved_prefix: Option<Spanned<String>>,
    endpoints: FileEndpoints,
    limits: FileLimits,
    mail: Option<FileMail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileEndpoints {
    path: Option<Spanned<bool>>,
    token: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLimits {
    max_body_bytes: Option<u64>,
    max_header_bytes: Option<u32>,
    header_timeout_seconds: Option<u64>,
    connect_timeout_seconds: Option<u64>,
    response_timeout_seconds: Option<u64>,
    drain_timeout_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMail {
    server: Spanned<String>,
    from: Spanned<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
}

/// A configuration file's text, to tell the line of a value.
struct Source {
    path: PathBuf,
    text: String,
}

/// A value and where it stands, for the message if it is wrong.
struct Given {
    text: String,
    place: String,
}

impl Given {
    fn parse<T: FromStr>(&self, wanted: &str) -> anyhow::Result<T> {
        self.text.parse().map_err(|_| self.wrong(wanted))
    }

    fn wrong(&self, wanted: impl Display) -> anyhow::Error {
        anyhow!("{}: “{}” is not {wanted}", self.place, self.text)
    }
}

impl Source {
    fn line(&self, offset: usize) -> usize {
        self.text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn given(&self, key: &str, value: &Spanned<String>) -> Given {
        let line = self.line(value.span().start);
        Given {
            text: value.get_ref().clone(),
            place: format!("{}:{line}: {key}", self.path.display()),
        }
    }
}

impl Config {
    pub fn read(options: &Options) -> anyhow::Result<Self> {
        let (source, file) = match &options.config {
            Some(path) => read_file(path)?,
            None => (Source { path: PathBuf::new(), text: String::new() }, File::default()),
        };
        let pick =
            |flag: &Option<String>, key: &str, value: &Option<Spanned<String>>| match (flag, value)
            {
                (Some(text), _) => {
                    let place = format!(
                        "--{0} (or KEYDESK_{1})",
                        key.replace('_', "-"),
                        key.to_uppercase()
                    );
                    Some(Given { text: text.clone(), place })
                }
                (None, Some(value)) => Some(source.given(key, value)),
                (None, None) => None,
            };
        let address = |given: Option<Given>, default: &str| match given {
            Some(given) => given.parse("an address and port such as 127.0.0.1:8080"),
            None => Ok(default.parse::<SocketAddr>().expect("the default is an address")),
        };
        let config = Self {
            data: options
                .data
                .clone()
                .or(file.data)
                .unwrap_or_else(|| PathBuf::from("keydesk-data")),
            console: address(pick(&options.console, "console", &file.console), "127.0.0.1:8080")?,
            gateway: address(pick(&options.gateway, "gateway", &file.gateway), "127.0.0.1:8081")?,
            public_console_url: pick(
                &options.public_console_url,
                "public_console_url",
                &file.public_console_url,
            )
            .map(public_url)
            .transpose()?,
            public_gateway_url: pick(
                &options.public_gateway_url,
                "public_gateway_url",
                &file.public_gateway_url,
            )
            .map(public_url)
            .transpose()?,
            upstream: pick(&options.upstream, "upstream", &file.upstream)
                .map(upstream_url)
                .transpose()?,
            openapi: pick(&options.openapi, "openapi", &file.openapi).map(|given| given.text),
            token_prefix: match &file.token_prefix {
                Some(value) => source
                    .given("token_prefix", value)
                    .parse("2 to 16 lower-case letters and digits, a letter first, such as kd")?,
                None => Prefix::default(),
            },
            trusted_proxies: trusted_proxies(&source, &file.trusted_proxies)?,
            forms: forms(&source, &file.endpoints)?,
            reserved_prefix: reserved_prefix(&source, file.reserved_prefix.as_ref())?,
            limits: limits(&file.limits),
            mail: file.mail.map(|mail| smtp(&source, mail)).transpose()?,
        };
        config.check_transport()?;
        Ok(config)
    }

    pub fn is_local(&self) -> bool {
        self.console.ip().is_loopback() && self.gateway.ip().is_loopback()
    }

    fn is_https(&self) -> bool {
        self.public_console_url.as_deref().is_some_and(|url| url.starts_with("https:"))
    }

    /// Plain http is for loopback: elsewhere passwords would travel in clear.
    fn check_transport(&self) -> anyhow::Result<()> {
        if !self.is_https() && !self.console.ip().is_loopback() {
            bail!(
                "console = {}: other machines can reach this address, and passwords would travel in clear. Put an \
                 https proxy in front and set public_console_url = \"https://…\" and trusted_proxies = [\"its \
                 address\"], or listen on 127.0.0.1",
                self.console
            );
        }
        if self.is_https() && self.trusted_proxies.is_empty() {
            bail!(
                "public_console_url is https, so something in front of the console must speak TLS: name it in the \
                 configuration file as trusted_proxies = [\"127.0.0.1\"], and let it send X-Forwarded-Proto: https"
            );
        }
        Ok(())
    }
}

fn read_file(path: &Path) -> anyhow::Result<(Source, File)> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
    let file = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        anyhow!("{}:{line}: {}", path.display(), error.message())
    })?;
    Ok((Source { path: path.to_owned(), text }, file))
}

/// `https://console.example.com`: scheme, host and port, nothing behind them.
fn public_url(given: Given) -> anyhow::Result<String> {
    let wanted = "a URL of scheme, host and port only, such as https://console.example.com";
    let uri: http::Uri = given.parse(wanted)?;
    let is_plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.path() == "/"
        && uri.query().is_none();
    let authority =
        uri.authority().filter(|authority| is_plain && !authority.as_str().contains('@'));
    let authority = authority.ok_or_else(|| given.wrong(wanted))?;
    Ok(format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        authority.as_str().to_ascii_lowercase()
    ))
}

fn upstream_url(given: Given) -> anyhow::Result<http::Uri> {
    let wanted = "a URL such as http://127.0.0.1:3000 or https://api.internal/base";
    let uri: http::Uri = given.parse(wanted)?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if is_http && has_host && uri.query().is_none() { Ok(uri) } else { Err(given.wrong(wanted)) }
}

fn trusted_proxies(source: &Source, values: &[Spanned<String>]) -> anyhow::Result<TrustedProxies> {
    let read = |value: &Spanned<String>| {
        let given = source.given("trusted_proxies", value);
        let address = given.text.parse::<std::net::IpAddr>().map(IpNet::from);
        address.or_else(|_| given.parse("an address or network such as 10.0.0.0/8"))
    };
    values.iter().map(read).collect::<anyhow::Result<_>>().map(TrustedProxies::new)
}

fn forms(source: &Source, file: &FileEndpoints) -> anyhow::Result<Forms> {
    let default = Forms::default();
    let forms = Forms {
        path: file.path.as_ref().map_or(default.path, |path| *path.get_ref()),
        token: file.token.unwrap_or(default.token),
    };
    if !forms.path && !forms.token {
        let line = file.path.as_ref().map_or(1, |path| source.line(path.span().start));
        bail!(
            "{}:{line}: endpoints: switch on path or token, or nothing can be called",
            source.path.display()
        );
    }
    Ok(forms)
}

fn reserved_prefix(source: &Source, value: Option<&Spanned<String>>) -> anyhow::Result<String> {
    let Some(value) = value else { return Ok("keydesk".to_owned()) };
    let given = source.given("reserved_prefix", value);
    let is_segment = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if is_segment(&given.text) {
        Ok(given.text)
    } else {
        Err(given.wrong("one path segment of letters, digits, - and _"))
    }
}

fn limits(file: &FileLimits) -> Limits {
    let default = Limits::default();
    let seconds = |value: Option<u64>, default| value.map_or(default, Duration::from_secs);
    Limits {
        max_body_bytes: file.max_body_bytes.unwrap_or(default.max_body_bytes),
        max_header_bytes: file.max_header_bytes.unwrap_or(default.max_header_bytes),
        header_timeout: seconds(file.header_timeout_seconds, default.header_timeout),
        connect_timeout: seconds(file.connect_timeout_seconds, default.connect_timeout),
        response_timeout: seconds(file.response_timeout_seconds, default.response_timeout),
        drain_timeout: seconds(file.drain_timeout_seconds, default.drain_timeout),
    }
}

fn smtp(source: &Source, mail: FileMail) -> anyhow::Result<SmtpSettings> {
    let server = source.given("mail.server", &mail.server);
    if !server.text.starts_with("smtp://") && !server.text.starts_with("smtps://") {
        return Err(server.wrong("a URL such as smtps://mail.example.com:465"));
    }
    let password = match &mail.password_file {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .with_context(|| format!("mail.password_file {} cannot be read", path.display()))?
                .trim_end()
                .to_owned(),
        ),
        None => None,
    };
    Ok(SmtpSettings {
        server: server.text,
        user: mail.user,
        password,
        from: mail.from.into_inner(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::LogLevel;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keydesk.toml");
        std::fs::write(&path, text).expect("writes");
        let options = Options {
            config: Some(path),
            data: None,
            console: None,
            gateway: None,
            public_console_url: None,
            public_gateway_url: None,
            upstream: None,
            openapi: None,
            log: LogLevel::Info,
        };
        Config::read(&options)
            .map_err(|error| format!("{error:#}").replace(&*folder.path().to_string_lossy(), ""))
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = read("").expect("reads");
        assert_eq!(config.console.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data, PathBuf::from("keydesk-data"));
        assert!(config.forms.path && !config.forms.token && config.is_local());
    }

    #[test]
    fn a_bad_value_is_named_with_its_line_and_what_would_be_right() {
        for (text, message) in [
            (
                "\nconsole = \"8080\"",
                "/keydesk.toml:2: console: “8080” is not an address and port such as 127.0.0.1:8080",
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
                "[endpoints]\npath = false",
                "/keydesk.toml:2: endpoints: switch on path or token, or nothing can be called",
            ),
            (
                "[limits]\nmax_body_bytes = \"big\"",
                "/keydesk.toml:2: invalid type: string \"big\", expected u64",
            ),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(message.to_owned()));
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = read("data = \"x\"\nupstraem = \"http://a\"").expect_err("refused");
        assert!(
            error.starts_with("/keydesk.toml:2: unknown field `upstraem`, expected one of"),
            "{error}"
        );
    }

    #[test]
    fn plain_http_is_for_loopback() {
        let error = read("console = \"0.0.0.0:8080\"").expect_err("refused");
        assert!(
            error.contains("https proxy in front") && error.contains("trusted_proxies"),
            "{error}"
        );
        let error = read("public_console_url = \"https://a.example\"").expect_err("refused");
        assert!(error.contains("trusted_proxies"), "{error}");
        let https = "console = \"0.0.0.0:8080\"\npublic_console_url = \"https://A.example/\"\ntrusted_proxies = [\"10.0.0.1\"]";
        assert_eq!(
            read(https).expect("reads").public_console_url.as_deref(),
            Some("https://a.example")
        );
    }
}
