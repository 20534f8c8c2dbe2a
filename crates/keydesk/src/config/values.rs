//! Validation of configuration values, with errors that describe a valid value.

use super::file::{FileEndpoints, FileLimits, FileMail, Located, Source};
use anyhow::{Context, bail};
use ipnet::IpNet;
use keydesk_control::{MailError, SmtpSettings};
use keydesk_gateway::{Forms, Limits, MOST_FIELDS};
use keydesk_model::TrustedProxies;
use keydesk_token::Prefix;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    ops::RangeInclusive,
    time::Duration,
};
use toml::Spanned;

/// The addresses of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(Vec<Address>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub addr: SocketAddr,
    /// Whether the address comes from a wildcard or name, so that a machine that lacks its address family can skip it.
    pub may_be_missing: bool,
}

impl Addresses {
    /// Returns the announced address.
    pub fn first(&self) -> SocketAddr {
        self.0[0].addr
    }

    pub fn iter(&self) -> impl Iterator<Item = &Address> {
        self.0.iter()
    }

    pub fn are_loopback(&self) -> bool {
        self.0.iter().all(|address| address.addr.ip().is_loopback())
    }

    /// Returns the first address that both contain, ignoring ports that the system chooses.
    pub fn shared_with(&self, other: &Self) -> Option<SocketAddr> {
        let addrs = self.0.iter().map(|address| address.addr);
        addrs.filter(|addr| addr.port() != 0).find(|addr| other.0.iter().any(|o| o.addr == *addr))
    }
}

const ADDRESS: &str =
    "an address and port such as 127.0.0.1:8080, [::1]:8080, localhost:8080 or :8080";

/// Parses the addresses of a listener. `from` comes from the command line or a variable, separated by commas; `value`
/// comes from the file.
pub fn addresses(
    source: &Source,
    key: &str,
    from: Option<Located>,
    value: Option<&Spanned<toml::Value>>,
    default: &str,
) -> anyhow::Result<Addresses> {
    let given = match (from, value) {
        (Some(given), _) => vec![given],
        (None, None) => vec![Located { text: default.to_owned(), place: key.to_owned() }],
        (None, Some(value)) => {
            let place = source.place(key, value.span().start);
            let given = |text: &toml::Value| {
                let text = text.as_str().unwrap_or(text.type_str()).to_owned();
                Located { text, place: place.clone() }
            };
            match value.get_ref() {
                toml::Value::Array(all) => all.iter().map(given).collect(),
                one => vec![given(one)],
            }
        }
    };
    let mut all: Vec<Address> = Vec::new();
    for given in given {
        for text in given.text.split(',').map(str::trim) {
            let found = address(text).ok_or_else(|| given.wrong(ADDRESS))?;
            all.extend(
                found.into_iter().filter(|address| !all.contains(address)).collect::<Vec<_>>(),
            );
        }
    }
    if all.is_empty() {
        bail!("{key}: name at least one address");
    }
    Ok(Addresses(all))
}

/// Parses one entry; a name or `:8080` can produce several addresses.
fn address(text: &str) -> Option<Vec<Address>> {
    if let Ok(addr) = text.parse() {
        return Some(vec![Address { addr, may_be_missing: false }]);
    }
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let of = |addr: IpAddr| Address { addr: (addr, port).into(), may_be_missing: addr.is_ipv6() };
    let (v4, v6): (IpAddr, IpAddr) = match host {
        "" | "*" => (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()),
        "localhost" => (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()),
        name => {
            let found: Vec<_> =
                (name, port).to_socket_addrs().ok()?.map(|addr| of(addr.ip())).collect();
            return (!found.is_empty()).then_some(found);
        }
    };
    Some(vec![of(v4), of(v6)])
}

pub fn token_prefix(source: &Source, value: Option<&Spanned<String>>) -> anyhow::Result<Prefix> {
    let Some(value) = value else { return Ok(Prefix::default()) };
    let wanted = "2 to 16 lower-case letters and digits, a letter first, such as kd";
    source.given("token_prefix", value).parse(wanted)
}

/// Parses a URL such as `https://console.example.com`: scheme, host, and port only.
pub fn public_url(given: &Located) -> anyhow::Result<String> {
    let wanted = "a URL of scheme, host and port only, such as https://console.example.com";
    let uri: http::Uri = given.parse(wanted)?;
    let is_plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.path() == "/"
        && uri.query().is_none();
    let authority =
        uri.authority().filter(|authority| is_plain && !authority.as_str().contains('@'));
    let authority = authority.ok_or_else(|| given.wrong(wanted))?;
    let (scheme, authority) =
        (uri.scheme_str().unwrap_or("http"), authority.as_str().to_ascii_lowercase());
    // RFC 9110 section 4.2.3: browsers omit the default port.
    let standard = if scheme == "https" { ":443" } else { ":80" };
    let bare = authority.strip_suffix(standard).unwrap_or(&authority);
    Ok(format!("{scheme}://{bare}"))
}

pub fn upstream_url(given: &Located) -> anyhow::Result<http::Uri> {
    let wanted = "a URL such as http://127.0.0.1:3000 or https://api.internal/base";
    let uri: http::Uri = given.parse(wanted)?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if is_http && has_host && uri.query().is_none() { Ok(uri) } else { Err(given.wrong(wanted)) }
}

pub fn networks(
    source: &Source,
    key: &str,
    values: &[Spanned<String>],
) -> anyhow::Result<TrustedProxies> {
    network_list(source, key, values).map(TrustedProxies::new)
}

pub fn network_list(
    source: &Source,
    key: &str,
    values: &[Spanned<String>],
) -> anyhow::Result<Vec<IpNet>> {
    let read = |value: &Spanned<String>| {
        let given = source.given(key, value);
        let address = given.text.parse::<std::net::IpAddr>().map(IpNet::from);
        address.or_else(|_| given.parse("an address or network such as 10.0.0.0/8"))
    };
    values.iter().map(read).collect()
}

pub fn forms(source: &Source, file: &FileEndpoints) -> anyhow::Result<Forms> {
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

pub fn reserved_prefix(source: &Source, value: Option<&Spanned<String>>) -> anyhow::Result<String> {
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

pub fn limits(source: &Source, file: &FileLimits) -> anyhow::Result<Limits> {
    let default = Limits::default();
    let number = |key: &str, value: Option<&Spanned<u64>>, least: u64, most: u64, default: u64| {
        number(source, &format!("limits.{key}"), value, least..=most, default)
    };
    let small = |key: &str, value: Option<&Spanned<u64>>, least: u64, default: u32| {
        let number = number(key, value, least, 1 << 20, u64::from(default))?;
        anyhow::Ok(u32::try_from(number).unwrap_or(u32::MAX))
    };
    let seconds = |key: &str, value: Option<&Spanned<u64>>, default: Duration| {
        number(key, value, 1, 86_400, default.as_secs()).map(Duration::from_secs)
    };
    macro_rules! read {
        ($read:ident, $field:ident = $key:ident $(, $least:literal)?) => {
            $read(stringify!($key), file.$key.as_ref(), $($least,)? default.$field)?
        };
    }
    let max_body_bytes = file.max_body_bytes.as_ref();
    Ok(Limits {
        max_body_bytes: number(
            "max_body_bytes",
            max_body_bytes,
            1,
            u64::MAX,
            default.max_body_bytes,
        )?,
        max_header_bytes: read!(small, max_header_bytes = max_header_bytes, 8_192),
        max_headers: max_headers(source, file, default.max_headers)?,
        max_connections: read!(small, max_connections = max_connections, 1),
        max_connections_per_ip: read!(small, max_connections_per_ip = max_connections_per_ip, 1),
        min_body_bytes_per_second: read!(
            small,
            min_body_bytes_per_second = min_body_bytes_per_second,
            0
        ),
        header_timeout: read!(seconds, header_timeout = header_timeout_seconds),
        idle_timeout: read!(seconds, idle_timeout = idle_timeout_seconds),
        keep_alive_timeout: read!(seconds, keep_alive_timeout = keep_alive_timeout_seconds),
        stream_idle_timeout: read!(seconds, stream_idle_timeout = stream_idle_timeout_seconds),
        allows_half_close: file.half_close.unwrap_or(default.allows_half_close),
        connect_timeout: read!(seconds, connect_timeout = connect_timeout_seconds),
        response_timeout: read!(seconds, response_timeout = response_timeout_seconds),
        upstream_idle_timeout: read!(
            seconds,
            upstream_idle_timeout = upstream_idle_timeout_seconds
        ),
        drain_timeout: read!(seconds, drain_timeout = drain_timeout_seconds),
    })
}

fn max_headers(source: &Source, file: &FileLimits, default: u32) -> anyhow::Result<u32> {
    let (key, value) = ("limits.max_headers", file.max_headers.as_ref());
    let fields = number(source, key, value, 1..=MOST_FIELDS as u64, u64::from(default))?;
    Ok(u32::try_from(fields).unwrap_or(default))
}

pub(super) fn number(
    source: &Source,
    key: &str,
    value: Option<&Spanned<u64>>,
    allowed: RangeInclusive<u64>,
    default: u64,
) -> anyhow::Result<u64> {
    let Some(value) = value else { return Ok(default) };
    let number = *value.get_ref();
    if allowed.contains(&number) {
        return Ok(number);
    }
    let (place, least, most) =
        (source.place(key, value.span().start), allowed.start(), allowed.end());
    bail!("{place}: {number} is not between {least} and {most}")
}

pub fn smtp(source: &Source, mail: FileMail) -> anyhow::Result<SmtpSettings> {
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
    if mail.user.is_some() && password.is_none() {
        bail!("{}: mail.user needs mail.password_file", server.place);
    }
    let from = source.given("mail.from", &mail.from);
    let settings = SmtpSettings {
        server: server.text.clone(),
        user: mail.user,
        password,
        from: from.text.clone(),
    };
    match settings.check() {
        Ok(()) => Ok(settings),
        Err(MailError::From) => {
            Err(from.wrong("an address such as \"Acme API <api@acme.example>\""))
        }
        Err(MailError::Server) => Err(server.wrong("a URL such as smtps://mail.example.com:465")),
        Err(error @ MailError::Tls(_)) => bail!("{}: {error}", server.place),
    }
}

pub fn shutdown_delay(source: &Source, file: &FileLimits) -> anyhow::Result<Duration> {
    let value = file.shutdown_delay_seconds.as_ref();
    let seconds = number(source, "limits.shutdown_delay_seconds", value, 0..=3_600, 0)?;
    Ok(Duration::from_secs(seconds))
}
