//! The signature of the identity headers (RFC 9421, HMAC-SHA256), with which the upstream can check that a request came
//! through the gateway and was not changed on the way.

use hmac::{Hmac, KeyInit, Mac};
use keydesk_model::Timestamp;
use sha2::Sha256;
use std::fmt;

/// The components that are signed, in this order.
const COVERED: &str = "(\"@method\" \"@path\" \"@query\" \"keydesk-account\" \"keydesk-token\" \
                       \"keydesk-subject\" \"keydesk-scopes\" \"x-request-id\")";

/// The secret shared by gateway and upstream.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

#[derive(Debug, thiserror::Error)]
#[error("a signing key has at least 32 bytes")]
pub struct SigningKeyError;

impl SigningKey {
    pub fn new(key: &[u8]) -> Result<Self, SigningKeyError> {
        if key.len() < 32 {
            return Err(SigningKeyError);
        }
        Hmac::new_from_slice(key).map(Self).map_err(|_| SigningKeyError)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

/// The signed parts of one request.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub method: &'a str,
    /// The path as the upstream receives it, including the prefix.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub account: &'a str,
    pub token: &'a str,
    pub subject: &'a str,
    pub scopes: &'a str,
    pub request_id: &'a str,
}

impl Signed<'_> {
    /// Returns the values of `Signature-Input` and `Signature`.
    pub fn sign(&self, key: &SigningKey, now: Timestamp) -> (String, String) {
        let created = now.as_micros().div_euclid(1_000_000);
        let input = format!("{COVERED};created={created};keyid=\"keydesk\";alg=\"hmac-sha256\"");
        let base = format!(
            "\"@method\": {}\n\"@path\": {}\n\"@query\": ?{}\n\"keydesk-account\": {}\n\
             \"keydesk-token\": {}\n\"keydesk-subject\": {}\n\"keydesk-scopes\": {}\n\
             \"x-request-id\": {}\n\"@signature-params\": {input}",
            self.method,
            self.path,
            self.query.unwrap_or_default(),
            self.account,
            self.token,
            self.subject,
            self.scopes,
            self.request_id,
        );
        let mac = key.0.clone().chain_update(base.as_bytes()).finalize().into_bytes();
        (format!("keydesk={input}"), format!("keydesk=:{}:", base64(&mac)))
    }
}

/// Encodes bytes in base64 (RFC 4648 section 4) with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_the_rfc_s_examples() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn every_part_counts() {
        let key = SigningKey::new(&[7; 32]).expect("long enough");
        let signed = |path, query| Signed {
            method: "GET",
            path,
            query,
            account: "385403",
            token: "tok_1",
            subject: "acc_1",
            scopes: "*",
            request_id: "req_1",
        };
        let now = Timestamp::from_micros(1_795_435_200_000_000);
        let first = signed("/a", None).sign(&key, now);
        assert_eq!(first, signed("/a", None).sign(&key, now));
        assert!(first.0.ends_with(";created=1795435200;keyid=\"keydesk\";alg=\"hmac-sha256\""));
        assert_ne!(first.1, signed("/b", None).sign(&key, now).1);
        assert_ne!(first.1, signed("/a", Some("b")).sign(&key, now).1);
        assert!(SigningKey::new(&[0; 31]).is_err());
    }
}
