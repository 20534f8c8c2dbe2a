//! One-time codes: 256 random bits in a link or a cookie, stored only as SHA-256.

use keydesk_model::Timestamp;
use keydesk_token::Entropy;
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Returns a new code as 64 hexadecimal digits, and the digest under which it is stored.
pub(crate) fn generate(entropy: &Entropy) -> (Zeroizing<String>, [u8; 32]) {
    let bytes = Zeroizing::new(entropy.bytes::<32>());
    let text = Zeroizing::new(hex::encode(&bytes[..]));
    let hash = digest(&text);
    (text, hash)
}

pub(crate) fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

/// The code of the setup link, which is kept in memory only, so that a restart generates a new one.
#[derive(Debug)]
pub(crate) struct SetupCode {
    hash: [u8; 32],
    expires_at: Timestamp,
}

impl SetupCode {
    pub fn generate(now: Timestamp, entropy: &Entropy) -> (Self, Zeroizing<String>) {
        let (text, hash) = generate(entropy);
        (Self { hash, expires_at: now.plus(Duration::from_hours(1)) }, text)
    }

    pub fn accepts(&self, code: &str, now: Timestamp) -> bool {
        now < self.expires_at && bool::from(self.hash.ct_eq(&digest(code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_is_good_for_an_hour_and_for_nobody_else_s_code() {
        let now = Timestamp::from_micros(0);
        let (code, text) = SetupCode::generate(now, &Entropy::seeded(1));
        let (_, other) = SetupCode::generate(now, &Entropy::seeded(2));
        let hour = Duration::from_hours(1);
        assert!(code.accepts(&text, now.plus(hour).minus(Duration::from_micros(1))));
        assert!(!code.accepts(&text, now.plus(hour)));
        assert!(!code.accepts(&other, now) && !code.accepts("", now));
    }
}
