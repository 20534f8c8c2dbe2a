//! Passkeys, and the challenges that wait for one.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct StoredPasskey {
    /// The ID of the credential, in base64url.
    pub id: String,
    pub user: UserId,
    pub name: String,
    /// The public key and counter, as JSON.
    pub body: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

const LIST: &str = "SELECT id, user_id, name, body, created_at, last_used_at FROM passkey \
    WHERE user_id = $1 ORDER BY created_at, id";
const FIND: &str = "SELECT id, user_id, name, body, created_at, last_used_at FROM passkey \
    WHERE id = $1 AND user_id = $2";
const COUNT: &str = "SELECT count(*) AS number FROM passkey WHERE user_id = $1";
const ADD: &str = "INSERT INTO passkey (id, user_id, name, body, created_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const USED: &str = "UPDATE passkey SET body = $1, last_used_at = $2 WHERE id = $3";
const REMOVE: &str = "DELETE FROM passkey WHERE id = $1 AND user_id = $2";
const REMOVE_ALL: &str = "DELETE FROM passkey WHERE user_id = $1";
const SPEND: &str =
    "INSERT INTO spent_challenge (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";

fn passkey(row: &SqlRow) -> Result<StoredPasskey, StoreError> {
    Ok(StoredPasskey {
        id: row::text(row, "id")?,
        user: row::parsed(row, "user_id")?,
        name: row::text(row, "name")?,
        body: row::text(row, "body")?,
        created_at: row::instant(row, "created_at")?,
        last_used_at: row::instant_opt(row, "last_used_at")?,
    })
}

impl Read {
    pub async fn list_passkeys(&mut self, user: UserId) -> Result<Vec<StoredPasskey>, StoreError> {
        query(LIST).bind(user).all(self).await?.iter().map(passkey).collect()
    }

    pub async fn find_passkey(
        &mut self,
        user: UserId,
        id: &str,
    ) -> Result<Option<StoredPasskey>, StoreError> {
        let found = query(FIND).bind(id).bind(user).optional(self).await?;
        found.as_ref().map(passkey).transpose()
    }

    pub async fn count_passkeys(&mut self, user: UserId) -> Result<i64, StoreError> {
        query(COUNT).bind(user).one(self).await?.get("number")
    }
}

impl Write {
    /// Returns [`StoreError::Conflict`] if this authenticator is already registered.
    pub async fn add_passkey(
        &mut self,
        user: UserId,
        (id, name, body): (&str, &str, &str),
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(ADD).bind(id).bind(user).bind(name).bind(body).bind(now).insert(self).await
    }

    pub async fn note_passkey_use(&mut self, id: &str, body: &str) -> Result<(), StoreError> {
        let now = self.now();
        query(USED).bind(body).bind(now).bind(id).execute(self).await.map(|_| ())
    }

    /// Removes a passkey. Returns whether there was one.
    pub async fn remove_passkey(&mut self, user: UserId, id: &str) -> Result<bool, StoreError> {
        Ok(query(REMOVE).bind(id).bind(user).execute(self).await? == 1)
    }

    /// Removes all passkeys of a user. Returns their number.
    pub async fn remove_passkeys(&mut self, user: UserId) -> Result<u64, StoreError> {
        query(REMOVE_ALL).bind(user).execute(self).await
    }

    /// Records that a challenge was answered. Returns whether it was the first time.
    pub async fn spend_challenge(
        &mut self,
        hash: [u8; 32],
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(query(SPEND).bind(hash).bind(expires_at).execute(self).await? == 1)
    }
}
