//! Seals on the changes that consoles put into the feed: a gateway's database user that could forge a token's row
//! doesn't have the key to seal it.

use crate::{Read, StoreError, row, sql::query};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::signature::{ED25519, UnparsedPublicKey};
use std::collections::HashMap;

/// A sealer with the key of this process's console.
pub trait Sealer: Send + Sync {
    /// Returns the key's ID and its signature of this text.
    fn seal(&self, text: &[u8]) -> Option<(String, Vec<u8>)>;
}

const PUBLIC_KEYS: &str = "SELECT key_id, public_key FROM key_check WHERE public_key <> ''";

/// Returns the text to seal: a digest of the feed up to here, so that no record fits in another place.
fn sealed_text(chain: &str) -> String {
    format!("keydesk change 1|{chain}")
}

/// Returns the value of the column, or an empty one if this process has no key.
pub(crate) fn seal(sealer: Option<&dyn Sealer>, chain: &str) -> String {
    let signed = sealer.and_then(|keys| keys.seal(sealed_text(chain).as_bytes()));
    signed.map(|(key, signature)| format!("{key}:{}", BASE64.encode(signature))).unwrap_or_default()
}

/// The public keys of consoles, as the database has them.
#[derive(Debug, Default)]
pub(crate) struct PublicKeys(HashMap<String, Vec<u8>>);

impl PublicKeys {
    pub async fn read(read: &mut Read) -> Result<Self, StoreError> {
        let rows = query(PUBLIC_KEYS).all(read).await?;
        let keys = rows.iter().map(|row| {
            let key = BASE64.decode(row::text(row, "public_key")?);
            let key = key.map_err(|_| StoreError::Unreadable { column: "key_check.public_key" })?;
            Ok((row::text(row, "key_id")?, key))
        });
        Ok(Self(keys.collect::<Result<_, StoreError>>()?))
    }

    /// Returns whether a console has sealed the feed up to here. If no console has a key yet, there are no tokens
    /// either.
    pub async fn confirm(
        &mut self,
        read: &mut Read,
        chain: &str,
        seal: &str,
    ) -> Result<bool, StoreError> {
        let (id, signature) = seal.split_once(':').unwrap_or_default();
        if !self.0.contains_key(id) {
            // There may be a new key.
            *self = Self::read(read).await?;
        }
        let Some(key) = self.0.get(id) else { return Ok(self.0.is_empty()) };
        let Ok(signature) = BASE64.decode(signature) else { return Ok(false) };
        let key = UnparsedPublicKey::new(&ED25519, key);
        Ok(key.verify(sealed_text(chain).as_bytes(), &signature).is_ok())
    }
}
