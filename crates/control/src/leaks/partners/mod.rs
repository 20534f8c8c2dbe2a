//! Reports of GitHub and GitLab: which request is really theirs, by the signature over its body, and what each of the
//! reported secrets was.

pub(crate) mod api;

use super::{read_location, report_leak};
use crate::{
    AppState, KeySource,
    refusal::{Code, Refusal},
};
use futures_util::{StreamExt as _, stream};
use http::{Request, header};
use keydesk_model::{LeakReporter, Origin, Timestamp, audit::LeakReport};
use keydesk_outbound::{Bounds, Reach};
use keydesk_token::{PlainToken, TokenHash, find_tokens};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};
use tokio::sync::Mutex;

/// The time for which published keys are used without asking again.
const FRESH: Duration = Duration::from_hours(24);
/// The time between two requests for keys, so that invented key IDs don't cause one each.
const PAUSE: Duration = Duration::from_mins(1);
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), bytes: 256 * 1024 };
/// The number of reported secrets that are looked up and revoked concurrently.
const AT_ONCE: usize = 8;
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

/// What a service sends to prove that a report is its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub key_id: &'a str,
    /// In base64.
    pub signature: &'a str,
    pub body: &'a [u8],
}

/// Why a report is not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotVerified {
    #[error("the signature doesn't match the body")]
    WrongSignature,
    #[error("the service has published no key with this ID")]
    UnknownKey,
    #[error("the published keys can't be read now")]
    KeysUnavailable,
}

/// Checks that a report is signed with a key of the service.
pub(super) async fn verify(
    app: &AppState,
    (reporter, source): (LeakReporter, &KeySource),
    signed: Signed<'_>,
) -> Result<(), NotVerified> {
    let published = match reporter {
        LeakReporter::Gitlab => &app.partner_keys.gitlab,
        _ => &app.partner_keys.github,
    };
    let key = find_key(app, (published, source), signed.key_id).await?;
    let signature = decode(signed.signature).ok_or(NotVerified::WrongSignature)?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
    key.verify(signed.body, &signature).map_err(|_| NotVerified::WrongSignature)
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(base64.trim()).ok()
}

/// Returns the key with an ID. Concurrent reports wait for one request to the service.
async fn find_key(
    app: &AppState,
    (published, source): (&Mutex<Published>, &KeySource),
    id: &str,
) -> Result<Vec<u8>, NotVerified> {
    let mut published = published.lock().await;
    let now = app.now();
    let is_fresh = published.fetched_at.is_some_and(|at| now.since(at) < FRESH);
    if let Some(key) = published.keys.get(id).filter(|_| is_fresh) {
        return Ok(key.clone());
    }
    let has_just_tried = published.tried_at.is_some_and(|at| now.since(at) < PAUSE);
    if !has_just_tried {
        published.tried_at = Some(now);
        match fetch(app, source).await {
            Ok(keys) => {
                published.keys = keys;
                published.fetched_at = Some(now);
                return published.keys.get(id).cloned().ok_or(NotVerified::UnknownKey);
            }
            Err(error) => {
                tracing::warn!(%error, url = source.url, "the keys of secret scanning can't be read");
            }
        }
    }
    // An older copy does until a new one can be read. A key that is not in it may be new.
    published.keys.get(id).cloned().ok_or(NotVerified::KeysUnavailable)
}

async fn fetch(app: &AppState, source: &KeySource) -> Result<HashMap<String, Vec<u8>>, String> {
    let mut request = Request::get(&source.url)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("Keydesk/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = &source.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
    let sent = app.outbound.send(request, BOUNDS, Reach::Anywhere).await;
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

/// A secret that a service found.
#[derive(Debug, Deserialize)]
pub(super) struct ReportedSecret {
    pub token: String,
    /// The name of the pattern that it matches, which the response repeats.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Where it was found; may be empty.
    #[serde(default, alias = "location")]
    pub url: Option<String>,
}

impl ReportedSecret {
    /// Returns the digest of the token, if it is one: the checksum excludes other text.
    pub fn hash(&self) -> Option<TokenHash> {
        let place = find_tokens(self.token.as_bytes()).next()?;
        PlainToken::hash_presented_bytes(&self.token.as_bytes()[place]).ok()
    }
}

/// Revokes the reported secrets that work. Returns for each whether it is, or was, one of this instance.
///
/// # Errors
///
/// If any of them couldn't be revoked. The service can send the same report again.
pub(super) async fn take(
    app: &AppState,
    secrets: &[ReportedSecret],
    reporter: LeakReporter,
    origin: &Origin,
) -> Result<Vec<bool>, Refusal> {
    let mut reports: HashMap<[u8; 32], LeakReport> = HashMap::new();
    for secret in secrets {
        if let Some(hash) = secret.hash() {
            let location = secret.url.as_deref().and_then(read_location);
            reports.entry(*hash.as_bytes()).or_insert(LeakReport { reporter, location });
        }
    }
    // Each runs on its own: the service may disconnect, and the revocations are made anyway.
    let tasks = stream::iter(reports).map(|(hash, report)| {
        let (app, origin) = (app.clone(), origin.clone());
        let report = async move {
            let known = report_leak(&app, &TokenHash::from_bytes(hash), &report, &origin).await;
            known.map(|is_known| (hash, is_known))
        };
        async move { tokio::spawn(report).await.unwrap_or_else(|_| Err(Code::Broken.into())) }
    });
    let results: Vec<_> = tasks.buffer_unordered(AT_ONCE).collect().await;
    let known = results.into_iter().collect::<Result<HashMap<_, _>, Refusal>>()?;
    let is_known = |secret: &ReportedSecret| {
        secret.hash().is_some_and(|hash| known.get(hash.as_bytes()).copied().unwrap_or(false))
    };
    Ok(secrets.iter().map(is_known).collect())
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
