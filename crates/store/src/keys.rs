//! Key checks: a known text sealed under each master key that this database was written with, and the ID of the current
//! key.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{AccountId, MemberId, TokenId};
use keydesk_token::TokenHash;

#[derive(Clone, Debug)]
pub struct NewKeyCheck {
    pub key_id: String,
    pub sealed: Vec<u8>,
    /// The public key for receipts, in base64url.
    pub public_key: String,
}

#[derive(Clone, Debug)]
pub struct KeyCheck {
    pub key_id: String,
    pub sealed: Vec<u8>,
    pub public_key: String,
    /// The pepper of a key that is no longer current, sealed under the current one.
    pub pepper: Option<Vec<u8>>,
}

/// A display copy, its place, and its seal.
#[derive(Clone)]
pub struct EncryptedCopy {
    pub hash: TokenHash,
    pub account: AccountId,
    pub member: MemberId,
    pub token: TokenId,
    pub version: i64,
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for EncryptedCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EncryptedCopy({}, version {})", self.token, self.version)
    }
}

const CURRENT: &str = "SELECT key_id FROM head WHERE one = 1";
const SET_CURRENT: &str = "UPDATE head SET key_id = $1 WHERE one = 1";
const ANY: &str = "SELECT count(*) AS number FROM key_check";
const LIST: &str =
    "SELECT key_id, sealed, public_key, pepper FROM key_check ORDER BY created_at, key_id";
const ADD: &str =
    "INSERT INTO key_check (key_id, sealed, created_at, public_key) VALUES ($1, $2, $3, $4)";
const SET_PUBLIC: &str = "UPDATE key_check SET public_key = $1 WHERE key_id = $2";
const SET_PEPPER: &str = "UPDATE key_check SET pepper = $1 WHERE key_id = $2";
/// The ID of the key follows the first byte.
const UNDER_OTHERS: &str = "SELECT secret.hash, secret.token_id, secret.version, secret.encrypted_copy, token.account_id, \
    token.member_id FROM secret JOIN token ON token.id = secret.token_id \
    WHERE encrypted_copy IS NOT NULL AND substr(encrypted_copy, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str = "SELECT count(*) AS number FROM secret \
    WHERE encrypted_copy IS NOT NULL AND substr(encrypted_copy, 2, 8) <> $1";
const RESEAL: &str =
    "UPDATE secret SET encrypted_copy = $1 WHERE hash = $2 AND encrypted_copy = $3";

impl Read {
    /// Returns the ID of the current key, or an empty string if there is none.
    pub async fn current_key_id(&mut self) -> Result<String, StoreError> {
        row::text(&query(CURRENT).one(self).await?, "key_id")
    }

    pub async fn has_key_check(&mut self) -> Result<bool, StoreError> {
        Ok(query(ANY).one(self).await?.get::<i64>("number")? > 0)
    }

    /// Returns every key that was ever used, oldest first.
    pub async fn list_key_checks(&mut self) -> Result<Vec<KeyCheck>, StoreError> {
        let rows = query(LIST).all(self).await?;
        rows.iter()
            .map(|row| {
                Ok(KeyCheck {
                    key_id: row::text(row, "key_id")?,
                    sealed: row.get("sealed")?,
                    public_key: row::text(row, "public_key")?,
                    pepper: row.get("pepper")?,
                })
            })
            .collect()
    }

    /// Returns the display copies that are sealed under another key, at most `limit`.
    pub async fn list_display_copies_under_others(
        &mut self,
        key_id: &[u8],
        limit: u32,
    ) -> Result<Vec<EncryptedCopy>, StoreError> {
        let rows = query(UNDER_OTHERS).bind(key_id).bind(limit).all(self).await?;
        rows.iter()
            .map(|row| {
                Ok(EncryptedCopy {
                    hash: TokenHash::from_bytes(row::digest(row, "hash")?),
                    account: row::parsed(row, "account_id")?,
                    member: row::parsed(row, "member_id")?,
                    token: row::parsed(row, "token_id")?,
                    version: row.get("version")?,
                    sealed: row.get("encrypted_copy")?,
                })
            })
            .collect()
    }

    pub async fn count_display_copies_under_others(
        &mut self,
        key_id: &[u8],
    ) -> Result<i64, StoreError> {
        query(COUNT_UNDER_OTHERS).bind(key_id).one(self).await?.get("number")
    }
}

impl Write {
    pub async fn add_key_check(&mut self, new: &NewKeyCheck) -> Result<(), StoreError> {
        let add = query(ADD).bind(&new.key_id).bind(new.sealed.as_slice()).bind(self.now());
        add.bind(&new.public_key).execute(self).await.map(|_| ())
    }

    pub async fn set_current_key_id(&mut self, key_id: &str) -> Result<(), StoreError> {
        query(SET_CURRENT).bind(key_id).execute(self).await.map(|_| ())
    }

    pub async fn set_public_key(&mut self, key_id: &str, public: &str) -> Result<(), StoreError> {
        query(SET_PUBLIC).bind(public).bind(key_id).execute(self).await.map(|_| ())
    }

    pub async fn set_sealed_pepper(
        &mut self,
        key_id: &str,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        query(SET_PEPPER).bind(sealed).bind(key_id).execute(self).await.map(|_| ())
    }

    /// Replaces the display copy that was read. Returns `false` if it was replaced meanwhile.
    pub async fn reencrypt(
        &mut self,
        copy: &EncryptedCopy,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        let hash = copy.hash.as_bytes().as_slice();
        let reencrypt = query(RESEAL).bind(sealed).bind(hash).bind(copy.sealed.as_slice());
        Ok(reencrypt.execute(self).await? == 1)
    }
}
