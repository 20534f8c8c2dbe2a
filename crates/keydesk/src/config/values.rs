//! What each value must be like; what is wrong is told with what would be right.

use super::file::{FileEndpoints, FileLimits, FileMail, Given, Source};
use anyhow::{Context, bail};
use ipnet::IpNet;
use keydesk_control::SmtpSettings;
use keydesk_gateway::{Forms, Limits};
use keydesk_model::TrustedProxies;
use keydesk_token::Prefix;
use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};
use toml::Spanned;

pub fn address(given: Option<Given>, default: &str) -> anyhow::Result<SocketAddr> {
    match given {
        Some(given) => given.parse("an address and port such as 127.0.0.1:8080"),
        None => Ok(default.parse().expect("the default is an address")),
    }
}

pub fn token_prefix(source: &Source, value: Option<&Spanned<String>>) -> anyhow::Result<Prefix> {
    let Some(value) = value else { return Ok(Prefix::default()) };
    let wanted = "2 to 16 lower-case letters and digits, a letter first, such as kd";
    source.given("token_prefix", value).parse(wanted)
}

/// `https://console.example.com`: scheme, host and port, nothing behind them.
pub fn public_url(given: &Given) -> anyhow::Result<String> {
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

pub fn upstream_url(given: &Given) -> anyhow::Result<http::Uri> {
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
    let read = |value: &Spanned<String>| {
        let given = source.given(key, value);
        let address = given.text.parse::<std::net::IpAddr>().map(IpNet::from);
        address.or_else(|_| given.parse("an address or network such as 10.0.0.0/8"))
    };
    values.iter().map(read).collect::<anyhow::Result<_>>().map(TrustedProxies::new)
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
        max_connections: read!(small, max_connections = max_connections, 1),
        max_connections_per_address: read!(
            small,
            max_connections_per_address = max_connections_per_address,
            1
        ),
        min_body_bytes_per_second: read!(
            small,
            min_body_bytes_per_second = min_body_bytes_per_second,
            1
        ),
        header_timeout: read!(seconds, header_timeout = header_timeout_seconds),
        idle_timeout: read!(seconds, idle_timeout = idle_timeout_seconds),
        connect_timeout: read!(seconds, connect_timeout = connect_timeout_seconds),
        response_timeout: read!(seconds, response_timeout = response_timeout_seconds),
        upstream_idle_timeout: read!(
            seconds,
            upstream_idle_timeout = upstream_idle_timeout_seconds
        ),
        drain_timeout: read!(seconds, drain_timeout = drain_timeout_seconds),
    })
}

pub(super) fn number(
    source: &Source,
    key: &str,
    value: Option<&Spanned<u64>>,
    allowed: RangeInclusive<u64>,
    default: u64,
) -> anyhow::Result<u64> {
    let Some(value) = value else { return Ok(default) };
    let (number, line) = (*value.get_ref(), source.line(value.span().start));
    if allowed.contains(&number) {
        return Ok(number);
    }
    let (path, least, most) = (source.path.display(), allowed.start(), allowed.end());
    bail!("{path}:{line}: {key}: {number} is not between {least} and {most}")
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
    Ok(SmtpSettings {
        server: server.text,
        user: mail.user,
        password,
        from: mail.from.into_inner(),
    })
}
