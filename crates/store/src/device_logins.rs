//! Logins of devices (RFC 8628): a device shows a code, and a user confirms it in the console. The device code becomes
//! the secret of a management key, so only its SHA-256 is stored.

use crate::{Read, Store, StoreError, Write, row, sql::query};
use keydesk_model::{KeyScopes, ManagementKeyId, Timestamp};

/// A login that a device asked for.
#[derive(Clone, Debug)]
pub struct DeviceLogin {
    pub hash: [u8; 32],
    /// The masked device code.
    pub masked: String,
    /// The scopes that the device asked for; empty for all that the user can grant.
    pub scopes: KeyScopes,
    pub client_ip: Option<String>,
    pub client: Option<String>,
    pub expires_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    /// The key, if a user confirmed the login.
    pub key: Option<ManagementKeyId>,
}

/// Selects logins: both queries read the same columns, and only the condition differs.
macro_rules! select_logins {
    ($condition:literal) => {
        concat!(
            "SELECT hash, masked, scopes, client_ip, client, expires_at, answered_at, key_id FROM device_login WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_logins!("hash = $1");
const FIND_BY_USER_CODE: &str = select_logins!("user_code_hash = $1");
const ADD: &str = "INSERT INTO device_login (hash, user_code_hash, masked, scopes, client_ip, client, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const ANSWER: &str = "UPDATE device_login SET answered_at = $1, key_id = $2 \
    WHERE hash = $3 AND answered_at IS NULL AND expires_at > $1";
const FORGET: &str = "DELETE FROM device_login WHERE expires_at < $1";

fn login(row: &crate::sql::SqlRow) -> Result<DeviceLogin, StoreError> {
    Ok(DeviceLogin {
        hash: row::digest(row, "hash")?,
        masked: row::text(row, "masked")?,
        scopes: row::parsed(row, "scopes")?,
        client_ip: row.get("client_ip")?,
        client: row.get("client")?,
        expires_at: row::instant(row, "expires_at")?,
        answered_at: row::instant_opt(row, "answered_at")?,
        key: row::parsed_opt(row, "key_id")?,
    })
}

impl Read {
    pub async fn find_device_login(
        &mut self,
        hash: [u8; 32],
    ) -> Result<Option<DeviceLogin>, StoreError> {
        query(FIND).bind(hash).optional(self).await?.as_ref().map(login).transpose()
    }

    pub async fn find_device_login_by_user_code(
        &mut self,
        hash: [u8; 32],
    ) -> Result<Option<DeviceLogin>, StoreError> {
        query(FIND_BY_USER_CODE).bind(hash).optional(self).await?.as_ref().map(login).transpose()
    }
}

impl Write {
    /// Records the answer of a user, with the key if they confirmed the login. Returns whether it was still open.
    pub async fn answer_device_login(
        &mut self,
        hash: [u8; 32],
        key: Option<ManagementKeyId>,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        Ok(query(ANSWER).bind(now).bind(key).bind(hash).execute(self).await? == 1)
    }
}

impl Store {
    /// Adds a login, and forgets those that have expired.
    pub async fn add_device_login(
        &self,
        login: &DeviceLogin,
        user_code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write(now).await?;
        query(FORGET).bind(now).execute(&mut write).await?;
        let add = query(ADD).bind(login.hash).bind(user_code_hash).bind(&login.masked);
        let add = add.bind(login.scopes.to_string()).bind(login.client_ip.clone());
        add.bind(login.client.clone()).bind(login.expires_at).insert(&mut write).await?;
        write.keep().await
    }
}
