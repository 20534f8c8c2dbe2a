//! Listen addresses, names, the certificate, and whether the public URLs lead here.

use super::Finding;
use crate::{
    config::{Config, Tls},
    serving,
};
use http::{Request, StatusCode, Uri, header};
use keydesk_outbound::{Bounds, Reach};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{net::SocketAddr, path::Path, time::Duration};
use tokio::net::TcpListener;
use x509_parser::prelude::{FromDer, X509Certificate};

pub const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), bytes: 1 << 20 };
/// The remaining lifetime from which a certificate should have been renewed.
const SOON: i64 = 14 * 24 * 60 * 60;
/// The difference of clocks from which receipts and one-time codes become unreliable.
const WRONG_CLOCK: i64 = 5;

pub async fn check_ports(config: &Config) -> Vec<Finding> {
    if serving::is_running(config) {
        return vec![Finding::ok("ports", "Keydesk is running with this data folder")];
    }
    let mut findings = Vec::new();
    let gateway = config.role.has_gateway().then_some(("gateway", &config.gateway));
    let console = config.role.has_console().then_some(("console", &config.console));
    for (name, addresses) in gateway.into_iter().chain(console) {
        for address in addresses.iter() {
            findings.push(port(name, address.addr).await);
        }
    }
    findings
}

async fn port(name: &str, addr: SocketAddr) -> Finding {
    match TcpListener::bind(addr).await {
        Ok(_) => Finding::ok("ports", format!("the {name} can listen on {addr}")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Finding::error(
            "ports",
            format!("this user can’t listen on {addr}"),
            "Let systemd open the socket (keydesk.socket), or use a port from 1024 on.",
        ),
        Err(error) => Finding::error(
            "ports",
            format!("the {name} can’t listen on {addr}: {error}"),
            format!(
                "Stop the process that uses it (see “ss -ltnp”), or set another address as {name}."
            ),
        ),
    }
}

/// Returns the public URLs that are configured.
fn public_urls(config: &Config) -> impl Iterator<Item = (&'static str, Uri)> {
    let urls = [
        ("public_console_url", &config.public_console_url),
        ("public_gateway_url", &config.public_gateway_url),
    ];
    urls.into_iter().filter_map(|(key, url)| Some((key, url.as_deref()?.parse::<Uri>().ok()?)))
}

fn host(url: &Uri) -> String {
    url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

pub async fn check_names(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, url) in public_urls(config) {
        let name = host(&url);
        let found = tokio::time::timeout(BOUNDS.timeout, tokio::net::lookup_host((&*name, 443)));
        findings.push(match found.await {
            Ok(Ok(addresses)) => {
                let addresses: Vec<_> = addresses.map(|addr| addr.ip().to_string()).collect();
                Finding::ok("names", format!("{name} is {}", addresses.join(", ")))
            }
            Ok(Err(error)) => Finding::error(
                "names",
                format!("{name} can’t be resolved: {error}"),
                format!("Create a DNS record for {name}, or correct {key}."),
            ),
            Err(_) => Finding::error(
                "names",
                format!("the DNS server doesn’t answer for {name}"),
                "Check /etc/resolv.conf.",
            ),
        });
    }
    findings
}

pub fn check_certificate(config: &Config) -> Vec<Finding> {
    let now = keydesk_node::system::clock().now().as_micros().div_euclid(1_000_000);
    match &config.tls {
        None => Vec::new(),
        Some(Tls::Acme(acme)) => {
            let file = config.data.join("acme").join("certificate.pem");
            if file.exists() {
                certificate(config, &file, now)
            } else {
                let domains = acme.domains.join(", ");
                vec![Finding::ok("certificate", format!("{domains}: ordered when Keydesk starts"))]
            }
        }
        Some(Tls::Files { certificate: file, key }) => match crate::tls::read(file, key) {
            Ok(_) => certificate(config, file, now),
            Err(error) => vec![Finding::error(
                "certificate",
                format!("{error:#}"),
                "Name the PEM files of a certificate and of its key under [tls].",
            )],
        },
    }
}

fn certificate(config: &Config, file: &Path, now: i64) -> Vec<Finding> {
    let shown = file.display();
    let Ok(der) = CertificateDer::from_pem_file(file) else { return Vec::new() };
    let Ok((_, read)) = X509Certificate::from_der(&der) else { return Vec::new() };
    let mut findings = Vec::new();
    let (begins, ends) =
        (read.validity().not_before.timestamp(), read.validity().not_after.timestamp());
    if now < begins || now >= ends {
        let text = format!(
            "{shown} is valid from {} to {}",
            read.validity().not_before,
            read.validity().not_after
        );
        findings.push(Finding::error(
            "certificate",
            text,
            "Renew it, and check this machine’s clock.",
        ));
    } else if ends - now < SOON {
        let text = format!("{shown} expires on {}", read.validity().not_after);
        findings.push(Finding::warning("certificate", text, "Renew it."));
    }
    for (key, url) in public_urls(config) {
        let name = host(&url);
        if !covers(&read, &name) {
            findings.push(Finding::error(
                "certificate",
                format!("{shown} isn’t for {name}"),
                format!("Use a certificate for {name}, or correct {key}."),
            ));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "certificate",
            format!("{shown} until {}", read.validity().not_after),
        ));
    }
    findings
}

/// Returns whether a certificate is for a host, by its name, a wildcard for its domain, or its address.
fn covers(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let address = host.parse::<std::net::IpAddr>().ok();
    names.into_iter().any(|name| match name {
        x509_parser::extensions::GeneralName::DNSName(name) => is_for(name, host),
        x509_parser::extensions::GeneralName::IPAddress(bytes) => match address {
            Some(std::net::IpAddr::V4(address)) => address.octets() == *bytes,
            Some(std::net::IpAddr::V6(address)) => address.octets() == *bytes,
            None => false,
        },
        _ => false,
    })
}

fn is_for(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => {
            host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain))
        }
        None => name.eq_ignore_ascii_case(host),
    }
}

/// Sends a request to each public URL, as a user or client does. Needs a running Keydesk.
pub async fn check_public_urls(config: &Config) -> Vec<Finding> {
    if !serving::is_running(config) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (key, url) in public_urls(config) {
        let is_console = key == "public_console_url";
        let path = if is_console {
            "/login".to_owned()
        } else {
            format!("/{}/whoami", config.reserved_prefix)
        };
        let asked = format!("{}{path}", url.to_string().trim_end_matches('/'));
        let expected = if is_console { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        let Ok(request) = Request::get(&asked).body(Vec::new()) else { continue };
        match config.outbound.send(request, BOUNDS, Reach::Anywhere).await {
            Ok(answer) if answer.status() == expected => {
                findings.push(Finding::ok("public URLs", format!("{url} leads here")));
                findings.extend(clock(answer.headers(), &asked));
            }
            Ok(answer) => findings.push(Finding::error(
                "public URLs",
                format!("{asked} returns {}, not {expected}", answer.status()),
                format!("Check the proxy in front, and {key}: the path, the port, and X-Forwarded-Proto."),
            )),
            Err(error) => findings.push(Finding::warning(
                "public URLs",
                format!("{asked} can’t be reached from this machine: {error}"),
                "Check DNS, the firewall, and the proxy; some networks don’t let a machine reach its own public address.",
            )),
        }
    }
    findings
}

/// Compares this machine's clock with that of a server.
pub fn clock(headers: &http::HeaderMap, server: &str) -> Option<Finding> {
    let theirs = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(theirs).ok()?.timestamp().as_second();
    let ours = keydesk_node::system::clock().now().as_micros().div_euclid(1_000_000);
    let behind = theirs - ours;
    (behind.abs() > WRONG_CLOCK).then(|| {
        Finding::error(
            "clock",
            format!("this machine’s clock and that of {server} differ by {} s", behind.abs()),
            "Synchronize the clock with NTP (“timedatectl set-ntp true”).",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_for_one_label() {
        for (name, host, expected) in [
            ("api.example.com", "API.example.com", true),
            ("*.example.com", "api.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
        ] {
            assert_eq!(is_for(name, host), expected, "{name} {host}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_named() {
        let date = |text: &str| {
            http::HeaderMap::from_iter([(header::DATE, text.parse().expect("a value"))])
        };
        let far = date("Tue, 01 Dec 2015 08:00:00 GMT");
        assert!(clock(&far, "x").expect("a finding").text.contains("differ by"));
        assert!(clock(&date("no date"), "x").is_none());
    }
}
