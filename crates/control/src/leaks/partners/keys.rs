//! The keys with which GitHub and GitLab sign their reports, as they published them last.

use crate::KeySource;
use http::{Request, header};
use keydesk_model::{LeakReporter, Timestamp};
use keydesk_outbound::{Bounds, Outbound, Reach};
use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};
use tokio::sync::Mutex;

/// The time for which published keys are used without asking again.
const FRESH: Duration = Duration::from_hours(24);
/// The time between two requests for keys, so that invented key IDs don't cause one each.
const PAUSE: Duration = Duration::from_mins(1);
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), bytes: 256 * 1024 };
/// A P-256 public key is this header and the point (RFC 5480).
const P256_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The keys of the services, as they published them last.
#[derive(Debug, Default)]
pub(crate) struct PartnerKeys {
    github: Mutex<Published>,
    gitlab: Mutex<Published>,
}

#[derive(Debug, Default)]
struct Published {
    /// The points of the keys, by their IDs.
    keys: HashMap<String, Vec<u8>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct PublishedKeys {
    public_keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    key_identifier: String,
    key: String,
}

/// Why a key isn't found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The service has published no key with this ID.
    Unknown,
    /// The published keys can't be read now.
    Unavailable,
}

impl PartnerKeys {
    /// Returns the key of a service with an ID. Concurrent reports wait for one request to the service.
    pub(super) async fn find(
        &self,
        (reporter, source): (LeakReporter, &KeySource),
        id: &str,
        (outbound, now): (&Outbound, Timestamp),
    ) -> Result<Vec<u8>, NoKey> {
        let published = match reporter {
            LeakReporter::Gitlab => &self.gitlab,
            _ => &self.github,
        };
        let mut published = published.lock().await;
        let is_fresh = published.fetched_at.is_some_and(|at| now.since(at) < FRESH);
        if let Some(key) = published.keys.get(id).filter(|_| is_fresh) {
            return Ok(key.clone());
        }
        let has_just_tried = published.tried_at.is_some_and(|at| now.since(at) < PAUSE);
        if !has_just_tried {
            published.tried_at = Some(now);
            match fetch(outbound, source).await {
                Ok(keys) => {
                    published.keys = keys;
                    published.fetched_at = Some(now);
                    return published.keys.get(id).cloned().ok_or(NoKey::Unknown);
                }
                Err(error) => {
                    tracing::warn!(%error, url = source.url, "the keys of secret scanning can't be read");
                }
            }
        }
        // An older copy does until a new one can be read. A key that is not in it may be new.
        published.keys.get(id).cloned().ok_or(NoKey::Unavailable)
    }
}

async fn fetch(
    outbound: &Outbound,
    source: &KeySource,
) -> Result<HashMap<String, Vec<u8>>, String> {
    let mut request = Request::get(&source.url)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("Keydesk/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = &source.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
    let sent = outbound.send(request, BOUNDS, Reach::Anywhere).await;
    let response = sent.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("it responded with {}", response.status()));
    }
    let read: PublishedKeys =
        serde_json::from_slice(response.body()).map_err(|error| error.to_string())?;
    let keys = read.public_keys.into_iter();
    Ok(keys.filter_map(|key| Some((key.key_identifier, point_of(&key.key)?))).collect())
}

/// Returns the point of a P-256 public key in PEM form.
fn point_of(pem: &str) -> Option<Vec<u8>> {
    let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    key.as_ref().strip_prefix(&P256_HEADER).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_on_p256_are_read() {
        let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq\nkCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==\n-----END PUBLIC KEY-----\n";
        assert_eq!(point_of(pem).map(|point| point.len()), Some(65));
        assert_eq!(point_of(&pem.replace("MFkwEwYH", "MFkwEwYG")), None);
        assert_eq!(point_of("no PEM"), None);
    }
}
