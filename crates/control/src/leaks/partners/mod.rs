//! Reports from GitHub and GitLab: verifies the signature of each report and revokes the reported secrets.

pub(crate) mod api;
pub(crate) mod keys;
pub(crate) mod slots;

use super::{read_location, report_leak};
use crate::{AppState, KeySource, refusal::Refusal};
use futures_util::{StreamExt as _, stream};
use keydesk_model::{LeakReporter, Origin, audit::LeakReport};
use keydesk_token::{PlainToken, TokenHash, find_tokens};
use keys::NoKey;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use std::collections::HashMap;

/// The number of reported secrets that are looked up and revoked concurrently.
const AT_ONCE: usize = 8;
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
    let with = (&app.outbound, app.now());
    let found = app.partner_keys.find((reporter, source), signed.key_id, with).await;
    let key = found.map_err(|error| match error {
        NoKey::Unknown => NotVerified::UnknownKey,
        NoKey::Unavailable => NotVerified::KeysUnavailable,
    })?;
    let signature = decode(signed.signature).ok_or(NotVerified::WrongSignature)?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
    key.verify(signed.body, &signature).map_err(|_| NotVerified::WrongSignature)
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(base64.trim()).ok()
}

/// A secret that a service found.
#[derive(Debug, Deserialize)]
pub(super) struct ReportedSecret {
    pub token: String,
    /// The name of the pattern that it matches, which the response repeats.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
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
pub(super) async fn revoke_all(
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
    let tasks = stream::iter(reports).map(|(hash, report)| async move {
        let known = report_leak(app, TokenHash::from_bytes(hash), report, origin).await;
        known.map(|is_known| (hash, is_known))
    });
    let results: Vec<_> = tasks.buffer_unordered(AT_ONCE).collect().await;
    let known = results.into_iter().collect::<Result<HashMap<_, _>, Refusal>>()?;
    let is_known = |secret: &ReportedSecret| {
        secret.hash().is_some_and(|hash| known.get(hash.as_bytes()).copied().unwrap_or(false))
    };
    Ok(secrets.iter().map(is_known).collect())
}
