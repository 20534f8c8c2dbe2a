//! Signing and verifying receipts as JWS (RFC 7515) with Ed25519 (RFC 8037). The public keys are published as a JWK set
//! (RFC 7517).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use keydesk_model::Receipt;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

/// The type in the header, so that a receipt is not mistaken for another kind of token.
const TYPE: &str = "keydesk-receipt+jws";

pub(crate) struct Signer {
    key_id: String,
    pair: Ed25519KeyPair,
}

#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error("it is not a receipt: three parts of base64url, joined by dots, of type {TYPE}")]
    Malformed,
    #[error("it was signed with the key {0}, which is not among those given")]
    UnknownKey(String),
    #[error("its signature is wrong: it was changed, or signed by someone else")]
    Forged,
    #[error("the keys are not a JWK set as Keydesk publishes it")]
    Keys,
}

impl Signer {
    pub fn new(key_id: &str, seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        Self { key_id: key_id.to_owned(), pair }
    }

    pub fn public_key(&self) -> String {
        BASE64.encode(self.pair.public_key())
    }

    pub fn sign(&self, claims: &[u8]) -> String {
        let header = json!({ "alg": "EdDSA", "kid": self.key_id, "typ": TYPE }).to_string();
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

impl Signer {
    /// Signs this text alone, which must state its own purpose.
    pub fn sign_raw(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(text).as_ref().to_vec()
    }
}

/// Returns the JWK set of these keys, given as `(id, public key in base64url)`.
pub fn published_keys<'a>(keys: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let keys = keys.map(|(id, x)| json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id, "x": x }));
    json!({ "keys": keys.collect::<Vec<_>>() })
}

/// Returns a receipt after verifying its signature with the keys of a JWK set.
pub fn verify_receipt(jws: &str, keys: &Value) -> Result<Receipt, ReceiptError> {
    let jws = jws.trim();
    let (signed, signature) = jws.rsplit_once('.').ok_or(ReceiptError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(ReceiptError::Malformed)?;
    let decode = |part: &str| BASE64.decode(part).map_err(|_| ReceiptError::Malformed);
    let header: Value =
        serde_json::from_slice(&decode(header)?).map_err(|_| ReceiptError::Malformed)?;
    if header["typ"] != TYPE || header["alg"] != "EdDSA" {
        return Err(ReceiptError::Malformed);
    }
    let id = header["kid"].as_str().unwrap_or_default();
    let keys = keys["keys"].as_array().ok_or(ReceiptError::Keys)?;
    let key = keys.iter().find(|key| key["kid"] == id && key["crv"] == "Ed25519");
    let key = key.ok_or_else(|| ReceiptError::UnknownKey(id.chars().take(64).collect()))?;
    let key = key["x"].as_str().and_then(|x| BASE64.decode(x).ok()).ok_or(ReceiptError::Keys)?;
    UnparsedPublicKey::new(&ED25519, key)
        .verify(signed.as_bytes(), &decode(signature)?)
        .map_err(|_| ReceiptError::Forged)?;
    serde_json::from_slice(&decode(claims)?).map_err(|_| ReceiptError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(signer: &Signer) -> Value {
        published_keys([("k1", signer.public_key().as_str())].into_iter())
    }

    #[test]
    fn no_letter_of_a_receipt_can_be_changed() {
        let signer = Signer::new("k1", &[5; 32]);
        let claims = json!({
            "version": 1, "seq": 3, "epoch": "e", "event": "token.revoked", "target": "tok", "account": null,
            "committed_at": "2026-11-25T00:00:00Z", "complete": true, "effective_at": "2026-11-25T00:00:00Z",
            "durability": "single", "confirmed": [], "unconfirmed": []
        });
        let jws = signer.sign(claims.to_string().as_bytes());
        assert_eq!(verify_receipt(&jws, &keys(&signer)).expect("verifies").seq, 3);
        for at in 0..jws.len() {
            let mut changed = jws.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(verify_receipt(&changed, &keys(&signer)).is_err(), "letter {at}");
        }
        let other = Signer::new("k1", &[6; 32]);
        assert!(matches!(verify_receipt(&jws, &keys(&other)), Err(ReceiptError::Forged)));
        let none = published_keys(std::iter::empty());
        assert!(matches!(verify_receipt(&jws, &none), Err(ReceiptError::UnknownKey(_))));
    }
}
