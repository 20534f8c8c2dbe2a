//! The settings of endpoints other than the API: forward authentication, token introspection, and self-service.

use super::{
    file::{File, FileEnvoy, Source},
    operation::read_secret,
    values,
};
use anyhow::bail;
use keydesk_gateway::{IntrospectionClient, SelfService};
use keydesk_model::TrustedProxies;
use std::{net::SocketAddr, time::Duration};

#[derive(Clone, Debug)]
pub struct Integrations {
    pub self_service: SelfService,
    pub introspection: Vec<IntrospectionClient>,
    pub fronts: Option<TrustedProxies>,
    pub front_cache: Duration,
    pub rejects_method_override: bool,
    #[cfg_attr(not(feature = "envoy"), expect(dead_code, reason = "read where Envoy is served"))]
    pub envoy: Option<Envoy>,
}

/// The listener for Envoy and the trusted instances.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "envoy"), expect(dead_code, reason = "read where Envoy is served"))]
pub struct Envoy {
    pub listen: SocketAddr,
    pub trusted: TrustedProxies,
}

/// Reads the settings. `lease` is the maximum time for which a proxy may cache a response.
pub fn integrations(source: &Source, file: &File, lease: Duration) -> anyhow::Result<Integrations> {
    let service = &file.self_service;
    let rotate_path = service.rotate_path.as_ref().map(|path| {
        let given = source.given("self_service.rotate_path", path);
        let is_path = given.text.starts_with('/') && given.text.len() > 1;
        let is_clean =
            given.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
        if is_path && is_clean && !given.text.contains("//") {
            Ok(given.text)
        } else {
            Err(given.wrong("a path below the endpoint, such as /api/v1/rotateToken"))
        }
    });
    let mut introspection: Vec<IntrospectionClient> = Vec::new();
    for client in &file.introspection {
        let id = source.given("introspection.client_id", &client.client_id);
        if id.text.is_empty() || introspection.iter().any(|known| known.id == id.text) {
            return Err(id.wrong("a name that no other client has"));
        }
        let secret = read_secret("introspection.client_secret_file", &client.client_secret_file)?;
        if secret.len() < 24 {
            bail!(
                "{}: its secret is too short; use 24 characters or more, for example from “openssl rand -hex 24”",
                id.place
            );
        }
        introspection.push(IntrospectionClient::new(id.text, &secret));
    }
    let front = &file.forward_auth;
    let trusted = values::networks(source, "forward_auth.trusted_proxies", &front.trusted_proxies)?;
    let cached = front.cache_seconds.as_ref().map_or(0, |seconds| *seconds.get_ref());
    if Duration::from_secs(cached) > lease {
        bail!(
            "{}: forward_auth.cache_seconds: {cached} is longer than a lease ({} s): a revoked token would go on working for longer than receipts say",
            source.path.display(),
            lease.as_secs()
        );
    }
    Ok(Integrations {
        self_service: SelfService {
            // A thief could lock out the owner with it, so the operator must enable it.
            rotate: service.rotate.unwrap_or(rotate_path.is_some()),
            revoke: service.revoke.unwrap_or(true),
            rotate_path: rotate_path.transpose()?,
            app: None,
        },
        introspection,
        fronts: (!trusted.is_empty()).then_some(trusted),
        front_cache: Duration::from_secs(cached),
        rejects_method_override: rejects_method_override(source, file)?,
        envoy: file.envoy.as_ref().map(|envoy| read_envoy(source, envoy)).transpose()?,
    })
}

fn rejects_method_override(source: &Source, file: &File) -> anyhow::Result<bool> {
    let Some(value) = &file.method_override else { return Ok(false) };
    let given = source.given("method_override", value);
    match given.text.as_str() {
        "pass" => Ok(false),
        "reject" => Ok(true),
        _ => Err(given.wrong("pass or reject")),
    }
}

fn read_envoy(source: &Source, file: &FileEnvoy) -> anyhow::Result<Envoy> {
    let given = source.given("envoy.listen", &file.listen);
    let listen = given.parse("an address and port such as 127.0.0.1:9001")?;
    if cfg!(not(feature = "envoy")) {
        bail!("{}: this keydesk was built without it; build with --features envoy", given.place);
    }
    let trusted = values::networks(source, "envoy.trusted_proxies", &file.trusted_proxies)?;
    if trusted.is_empty() {
        bail!(
            "{}: name the Envoys that may ask as envoy.trusted_proxies = [\"their address\"]",
            given.place
        );
    }
    Ok(Envoy { listen, trusted })
}
