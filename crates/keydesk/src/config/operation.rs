//! The operational settings: upstreams, signatures, TLS, and observability.

use super::{
    file::{
        FileAcme, FileAudit, FileObserve, FileOutbound, FileSignature, FileTls, FileUpstream,
        Located, Source,
    },
    values,
};
use anyhow::{Context, anyhow, bail};
use http::{HeaderName, HeaderValue, Uri};
use keydesk_control::AuditDestination;
use keydesk_gateway::{
    Credential, SigningKey, Spellings, UpstreamHost, UpstreamSettings, UpstreamTimes,
};
use keydesk_outbound::{CustomerServers, ForwardProxy, Outbound};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::Spanned;
use zeroize::Zeroizing;

/// The source of certificates.
#[derive(Clone, Debug)]
pub enum Tls {
    /// PEM files, reloaded when they change.
    Files { certificate: PathBuf, key: PathBuf },
    /// Certificates by ACME (RFC 8555).
    Acme(Acme),
}

#[derive(Clone, Debug)]
pub struct Acme {
    pub domains: Vec<String>,
    pub contact: Option<String>,
    pub directory: String,
    /// The CA certificates in PEM with which the certificate of the ACME directory is verified.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default)]
pub struct Observe {
    pub status: Option<SocketAddr>,
    /// A file, or `-` for standard output.
    pub access_log: Option<String>,
    /// The base URL of an OTLP/HTTP receiver.
    pub otlp: Option<Uri>,
    pub trace_ratio: f64,
    /// The path of the health check on the gateway's own port, which requires no token.
    pub health_check_path: Option<String>,
}

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Reads a secret from its file, without the trailing line break.
pub(super) fn read_secret(key: &str, path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{key} {} cannot be read", path.display()))?;
    Ok(Zeroizing::new(Zeroizing::new(text).trim_end().to_owned()))
}

/// The location of an upstream's OpenAPI document.
#[derive(Clone, Debug)]
pub struct UpstreamDocument {
    /// The configured file or URL, if any.
    pub place: Option<String>,
    pub server: Uri,
    pub prefix: String,
    /// The prefix of its paths at the gateway.
    pub front: String,
}

pub fn documents(files: &[FileUpstream], upstreams: &[UpstreamSettings]) -> Vec<UpstreamDocument> {
    let document = |(file, upstream): (&FileUpstream, &UpstreamSettings)| {
        let front = upstream.prefix.trim_end_matches('/');
        Some(UpstreamDocument {
            place: file.openapi.as_ref().map(|place| place.get_ref().clone()),
            server: upstream.servers.first()?.clone(),
            prefix: upstream.prefix.clone(),
            front: if upstream.strips_prefix { front } else { "" }.to_owned(),
        })
    };
    files.iter().zip(upstreams).filter_map(document).collect()
}

pub fn upstreams(source: &Source, files: &[FileUpstream]) -> anyhow::Result<Vec<UpstreamSettings>> {
    let mut upstreams: Vec<UpstreamSettings> = Vec::new();
    for file in files {
        let upstream = upstream(source, file)?;
        if upstreams.iter().any(|known| known.prefix == upstream.prefix) {
            let twice = source.given("upstreams.prefix", &file.prefix);
            bail!("{}: “{}” is there twice", twice.place, twice.text);
        }
        upstreams.push(upstream);
    }
    Ok(upstreams)
}

fn upstream(source: &Source, file: &FileUpstream) -> anyhow::Result<UpstreamSettings> {
    let prefix = source.given("upstreams.prefix", &file.prefix);
    let is_path = prefix.text.starts_with('/')
        && prefix.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b))
        && !prefix.text.contains("//")
        && !prefix.text.split('/').any(|segment| matches!(segment, "." | ".."));
    if !is_path {
        return Err(prefix.wrong("a path such as /billing, or / for everything else"));
    }
    let servers: anyhow::Result<Vec<Uri>> = file
        .urls
        .iter()
        .map(|url| super::values::upstream_url(&source.given("upstreams.urls", url)))
        .collect();
    let servers = servers?;
    let Some(first) = servers.first() else { bail!("{}: it has no urls", prefix.place) };
    let is_unlike = |uri: &&Uri| uri.scheme() != first.scheme() || uri.path() != first.path();
    if let Some(unlike) = servers.iter().find(is_unlike) {
        bail!(
            "{}: {unlike} and {first} must have the same scheme and path, as any of them may get a request",
            prefix.place
        );
    }
    Ok(UpstreamSettings {
        prefix: prefix.text.clone(),
        servers,
        credential: credential(source, file)?,
        ca_pem: file
            .ca_file
            .as_deref()
            .map(|path| read_pem("upstreams.ca_file", path))
            .transpose()?,
        health_check_path: health_check_path(
            source,
            "upstreams.health_check_path",
            file.health_check_path.as_ref(),
        )?,
        host: host(source, file.host.as_ref())?,
        keeps: kept_spellings(source, file)?,
        times: times(source, file)?,
        strips_prefix: file.strip_prefix.unwrap_or(false),
        sends_via: file.via.unwrap_or(true),
    })
}

fn host(source: &Source, value: Option<&Spanned<String>>) -> anyhow::Result<UpstreamHost> {
    let Some(value) = value else { return Ok(UpstreamHost::default()) };
    let given = source.given("upstreams.host", value);
    match given.text.as_str() {
        "upstream" => Ok(UpstreamHost::Own),
        "client" => Ok(UpstreamHost::Clients),
        name if name.parse::<http::uri::Authority>().is_ok() && !name.contains('@') => {
            Ok(UpstreamHost::Named(name.to_owned()))
        }
        _ => Err(given.wrong("upstream, client, or a host such as api.example.com")),
    }
}

fn kept_spellings(source: &Source, file: &FileUpstream) -> anyhow::Result<Spellings> {
    let values = [&file.encoded_slash, &file.empty_segments, &file.double_encoding, &file.non_utf8];
    let mut kept = Spellings::default();
    for ((key, spelling), value) in Spellings::ALL.into_iter().zip(values) {
        let Some(value) = value else { continue };
        let given = source.given(&format!("upstreams.{key}"), value);
        match given.text.as_str() {
            "keep" => kept = kept.with(spelling),
            "reject" => {}
            _ => return Err(given.wrong("reject or keep")),
        }
    }
    Ok(kept)
}

fn times(source: &Source, file: &FileUpstream) -> anyhow::Result<UpstreamTimes> {
    let seconds = |key: &str, value: &Option<Spanned<u64>>| {
        let given = value.as_ref();
        let key = format!("upstreams.{key}");
        let seconds = given.map(|_| super::values::number(source, &key, given, 1..=86_400, 0));
        anyhow::Ok(seconds.transpose()?.map(Duration::from_secs))
    };
    Ok(UpstreamTimes {
        connect: seconds("connect_timeout_seconds", &file.connect_timeout_seconds)?,
        response: seconds("response_timeout_seconds", &file.response_timeout_seconds)?,
        stream_idle: seconds("stream_idle_timeout_seconds", &file.stream_idle_timeout_seconds)?,
    })
}

fn credential(source: &Source, file: &FileUpstream) -> anyhow::Result<Option<Credential>> {
    let Some(path) = &file.credential_file else {
        return match &file.credential_header {
            Some(name) => {
                let given = source.given("upstreams.credential_header", name);
                bail!("{}: name the file that holds its value as credential_file", given.place)
            }
            None => Ok(None),
        };
    };
    let header = match &file.credential_header {
        Some(name) => source
            .given("upstreams.credential_header", name)
            .parse("the name of a header, such as Authorization or X-Api-Key")?,
        None => HeaderName::from_static("authorization"),
    };
    let place = source.place("upstreams.credential_file", path.span().start);
    let path = path.get_ref();
    let text = read_secret(&place, path)?;
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        anyhow!("{place}: {} holds what no header may hold, such as a line break", path.display())
    })?;
    value.set_sensitive(true);
    let name = header.clone();
    Credential::new(header, value)
        .map(Some)
        .with_context(|| format!("upstreams.credential_header: {name} is not for a credential"))
}

fn health_check_path(
    source: &Source,
    key: &str,
    path: Option<&Spanned<String>>,
) -> anyhow::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let given = source.given(key, path);
    let is_part = |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#');
    let is_path = given.text.starts_with('/') && given.text.bytes().all(is_part);
    if is_path { Ok(Some(given.text)) } else { Err(given.wrong("a path such as /healthz")) }
}

fn read_pem(key: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{key} {} cannot be read", path.display()))
}

pub fn outbound(
    source: &Source,
    ca_file: Option<&Path>,
    file: &FileOutbound,
) -> anyhow::Result<Outbound> {
    let pem = ca_file.map(|path| read_pem("ca_file", path)).transpose()?;
    let key = "outbound.allowed_networks";
    let allowed_networks = values::network_list(source, key, &file.allowed_networks)?;
    let mut servers = CustomerServers { allowed_networks, ..CustomerServers::default() };
    if let Some(ports) = &file.ports {
        let read = |port: &Spanned<toml::Value>| {
            let text = port.get_ref().to_string();
            let place = source.place("outbound.ports", port.span().start);
            Located { text: text.trim_matches('"').to_owned(), place }.parse("a port such as 443")
        };
        servers.ports = ports.iter().map(read).collect::<anyhow::Result<_>>()?;
    }
    let proxy = file.proxy.as_ref().map(|url| {
        let place = source.given("outbound.proxy", url).place;
        ForwardProxy::new(url.get_ref()).map_err(|error| anyhow!("{place}: it {error}"))
    });
    Ok(Outbound::new(pem.as_deref())?.for_customers(servers, proxy.transpose()?))
}

pub fn signing_key(file: Option<&FileSignature>) -> anyhow::Result<Option<SigningKey>> {
    let Some(FileSignature { key_file }) = file else { return Ok(None) };
    let text = read_secret("signature.key_file", key_file)?;
    let key = SigningKey::new(text.as_bytes());
    key.map(Some).with_context(|| format!("signature.key_file {}", key_file.display()))
}

pub fn tls(source: &Source, file: Option<FileTls>) -> anyhow::Result<Option<Tls>> {
    match file {
        None => Ok(None),
        Some(FileTls { certificate: Some(certificate), key: Some(key), acme: None }) => {
            Ok(Some(Tls::Files { certificate, key }))
        }
        Some(FileTls { certificate: None, key: None, acme: Some(acme) }) => {
            self::acme(source, acme).map(|acme| Some(Tls::Acme(acme)))
        }
        Some(_) => bail!("tls: give certificate and key, both PEM files, or else acme"),
    }
}

fn acme(source: &Source, file: FileAcme) -> anyhow::Result<Acme> {
    let mut domains = Vec::new();
    for domain in &file.domains {
        let given = source.given("tls.acme.domains", domain);
        let is_name = given.text.contains('.')
            && given.text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        if !is_name {
            return Err(given.wrong("a host name such as api.example.com"));
        }
        domains.push(given.text);
    }
    if domains.is_empty() {
        bail!("tls.acme: name the hosts that the certificate is for as domains");
    }
    let directory = match &file.directory {
        Some(url) => {
            let given = source.given("tls.acme.directory", url);
            if !given.text.starts_with("https://") {
                return Err(given.wrong("an https URL"));
            }
            given.text
        }
        None => LETS_ENCRYPT.to_owned(),
    };
    Ok(Acme { domains, contact: file.contact, directory, ca_file: file.ca_file })
}

/// Returns where the audit log is forwarded to.
pub fn audit(source: &Source, file: &FileAudit) -> anyhow::Result<Vec<AuditDestination>> {
    let syslog = file.syslog.as_ref().map(|value| {
        let wanted = "a URL such as tls://logs.example.com:6514, or tcp:// with a loopback address";
        source.given("audit.syslog", value).parse(wanted).map(AuditDestination::Syslog)
    });
    let path = file.file.clone().map(AuditDestination::File);
    Ok(path.into_iter().chain(syslog.transpose()?).collect())
}

pub fn observe(source: &Source, file: FileObserve) -> anyhow::Result<Observe> {
    let status = file.status.as_ref().map(|value| {
        source.given("observe.status", value).parse("an address and port such as 127.0.0.1:9090")
    });
    let otlp = file.otlp.as_ref().map(|value| {
        let given = source.given("observe.otlp", value);
        let wanted = "the base URL of an OTLP/HTTP receiver, such as http://127.0.0.1:4318";
        let uri: Uri = given.parse(wanted)?;
        if uri.scheme_str() == Some("http") && uri.authority().is_some() {
            Ok(uri)
        } else {
            Err(given.wrong(wanted))
        }
    });
    let trace_ratio = match &file.trace_ratio {
        None => 0.01,
        Some(value) if (0.0..=1.0).contains(value.get_ref()) => *value.get_ref(),
        Some(value) => bail!(
            "{}:{}: observe.trace_ratio: {} is not between 0 and 1",
            source.path.display(),
            source.line(value.span().start),
            value.get_ref()
        ),
    };
    Ok(Observe {
        status: status.transpose()?,
        access_log: file.access_log,
        health_check_path: health_check_path(
            source,
            "observe.health_check_path",
            file.health_check_path.as_ref(),
        )?,
        otlp: otlp.transpose()?,
        trace_ratio,
    })
}
