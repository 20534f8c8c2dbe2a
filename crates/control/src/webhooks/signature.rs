//! The secrets and signatures of webhooks (Standard Webhooks 1.0.0): `v1` is an HMAC with the endpoint's own secret, `v1a`
//! an Ed25519 signature that everyone can verify with the published key.

use crate::{AppState, receipts::published_keys, refusal::Refusal};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use keydesk_model::{Timestamp, WebhookId};
use keydesk_store::{StoreError, Webhook, Write};
use keydesk_token::Entropy;
use serde_json::Value;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// The number of bytes of a secret. The specification allows 24 to 64.
const LENGTH: usize = 32;

/// The secret of an endpoint, which its receiver verifies deliveries with.
#[derive(Clone)]
pub(crate) struct WebhookSecret(Zeroizing<Vec<u8>>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// Returns the context to which an endpoint's secrets are sealed.
pub(crate) fn belongs_to(webhook: WebhookId) -> String {
    format!("webhook|{webhook}")
}

impl WebhookSecret {
    pub fn generate(entropy: &Entropy) -> Self {
        Self(Zeroizing::new(entropy.bytes::<LENGTH>().to_vec()))
    }

    /// Returns the secret as receivers enter it, only for the page and the response that show it.
    pub fn expose(&self) -> String {
        format!("whsec_{}", BASE64.encode(&*self.0))
    }

    pub async fn seal(
        &self,
        app: &AppState,
        write: &mut Write,
        webhook: WebhookId,
    ) -> Result<Vec<u8>, StoreError> {
        let belongs_to = belongs_to(webhook);
        app.keyring.seal_secret(write, &self.0, &belongs_to, &app.entropy).await
    }

    fn sign(&self, text: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is a key");
        mac.update(text);
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

/// Returns the public key that verifies `v1a` signatures, as receivers enter it.
pub(crate) fn public_key(app: &AppState) -> Option<String> {
    let (_, key) = app.keyring.webhook_public_key().ok()?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(key).ok()?;
    Some(format!("whpk_{}", BASE64.encode(bytes)))
}

/// Returns the key that verifies `v1a` signatures, as a JWK set.
pub(super) fn published(app: &AppState) -> Result<Value, Refusal> {
    let (id, key) = app.keyring.webhook_public_key().map_err(Refusal::broken)?;
    Ok(published_keys([(id.as_str(), key.as_str())].into_iter()))
}

/// Returns the signatures of an attempt, separated by a space: with the current secret, with the previous one while it
/// signs, and with the instance's key. Returns `None` if the secret can't be opened.
pub(super) fn signatures(
    app: &AppState,
    webhook: &Webhook,
    now: Timestamp,
    (id, body): (&str, &str),
) -> Option<String> {
    let signed = format!("{id}.{}.{body}", now.as_millis() / 1000);
    let belongs_to = belongs_to(webhook.id);
    let open = |sealed: &[u8]| {
        let opened = app.keyring.open_secret(sealed, &belongs_to).ok()?;
        Some(WebhookSecret(opened))
    };
    let mut signatures = vec![open(&webhook.sealed)?.sign(signed.as_bytes())];
    let previous = webhook.previous.as_ref().filter(|(_, until)| *until > now);
    signatures.extend(
        previous.and_then(|(sealed, _)| open(sealed)).map(|secret| secret.sign(signed.as_bytes())),
    );
    if let Ok(signature) = app.keyring.sign_webhook(signed.as_bytes()) {
        signatures.push(format!("v1a,{}", BASE64.encode(signature)));
    }
    Some(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn a_signature_is_that_of_the_reference_libraries() {
        let bytes = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let secret = WebhookSecret(Zeroizing::new(bytes));
        let text = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        assert_eq!(secret.sign(text), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
