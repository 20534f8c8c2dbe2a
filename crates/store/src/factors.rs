//! Second factors: TOTP keys, recovery codes, and logins that wait for one of them.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, Timestamp, UserId};

/// The sealed TOTP key of a user.
#[derive(Clone)]
pub struct Totp {
    pub user: UserId,
    pub sealed: Vec<u8>,
    /// `None` until a first code has proved that an authenticator has the key.
    pub confirmed_at: Option<Timestamp>,
    /// The newest step whose code was accepted. No code is accepted twice.
    pub last_step: i64,
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Totp({})", self.user)
    }
}

/// A login that has passed the password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingLogin {
    pub user: UserId,
    /// The user's version at that time.
    pub version: i64,
    /// The account to open after the login, or `None` for the first account.
    pub account: Option<AccountId>,
}

const FIND: &str = "SELECT user_id, sealed, confirmed_at, last_step FROM totp WHERE user_id = $1";
const UNDER_OTHERS: &str = "SELECT user_id, sealed, confirmed_at, last_step FROM totp \
    WHERE substr(sealed, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str =
    "SELECT count(*) AS number FROM totp WHERE substr(sealed, 2, 8) <> $1";
const RESEAL: &str = "UPDATE totp SET sealed = $1 WHERE user_id = $2 AND sealed = $3";
const SET: &str = "INSERT INTO totp (user_id, sealed, created_at, last_step) VALUES ($1, $2, $3, 0) \
    ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at, \
    last_step = 0 WHERE totp.confirmed_at IS NULL";
const CONFIRM: &str =
    "UPDATE totp SET confirmed_at = $1 WHERE user_id = $2 AND confirmed_at IS NULL";
const TAKE_STEP: &str = "UPDATE totp SET last_step = $1 WHERE user_id = $2 AND last_step < $1";
const REMOVE: &str = "DELETE FROM totp WHERE user_id = $1";
const REMOVE_CODES: &str = "DELETE FROM recovery_code WHERE user_id = $1";
const ADD_CODE: &str = "INSERT INTO recovery_code (hash, user_id, created_at) VALUES ($1, $2, $3)";
const USE_CODE: &str = "UPDATE recovery_code SET used_at = $1 \
    WHERE hash = $2 AND user_id = $3 AND used_at IS NULL";
const COUNT_CODES: &str =
    "SELECT count(*) AS number FROM recovery_code WHERE user_id = $1 AND used_at IS NULL";
const ADD_HALF: &str = "INSERT INTO pending_login (hash, user_id, user_version, expires_at, account_id) \
    VALUES ($1, $2, $3, $4, $5)";
const FIND_HALF: &str = "SELECT user_id, user_version, account_id FROM pending_login \
    WHERE hash = $1 AND expires_at > $2";
const END_HALF: &str = "DELETE FROM pending_login WHERE hash = $1 OR expires_at <= $2";
const END_HALVES: &str = "DELETE FROM pending_login WHERE user_id = $1";
const REQUIRE: &str = "UPDATE account SET requires_two_factor = $1 WHERE id = $2";

fn totp(row: &SqlRow) -> Result<Totp, StoreError> {
    Ok(Totp {
        user: row::parsed(row, "user_id")?,
        sealed: row.get("sealed")?,
        confirmed_at: row::instant_opt(row, "confirmed_at")?,
        last_step: row.get("last_step")?,
    })
}

impl Read {
    pub async fn find_totp(&mut self, user: UserId) -> Result<Option<Totp>, StoreError> {
        query(FIND).bind(user).optional(self).await?.as_ref().map(totp).transpose()
    }

    /// Returns the number of unused recovery codes.
    pub async fn count_recovery_codes(&mut self, user: UserId) -> Result<i64, StoreError> {
        query(COUNT_CODES).bind(user).one(self).await?.get("number")
    }

    pub async fn find_pending_login(
        &mut self,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<PendingLogin>, StoreError> {
        let Some(row) = query(FIND_HALF).bind(hash).bind(now).optional(self).await? else {
            return Ok(None);
        };
        let user = row::parsed(&row, "user_id")?;
        let account = row::parsed_opt(&row, "account_id")?;
        Ok(Some(PendingLogin { user, version: row.get("user_version")?, account }))
    }

    /// Returns the keys that are sealed under another master key, at most `limit`.
    pub async fn list_totps_under_others(
        &mut self,
        key_id: &[u8],
        limit: u32,
    ) -> Result<Vec<Totp>, StoreError> {
        let rows = query(UNDER_OTHERS).bind(key_id).bind(limit).all(self).await?;
        rows.iter().map(totp).collect()
    }

    pub async fn count_totps_under_others(&mut self, key_id: &[u8]) -> Result<i64, StoreError> {
        query(COUNT_UNDER_OTHERS).bind(key_id).one(self).await?.get("number")
    }
}

impl Write {
    /// Sets a key that is still unconfirmed, in place of another unconfirmed one. Returns [`StoreError::Conflict`] if
    /// there is a confirmed one.
    pub async fn set_totp(&mut self, user: UserId, sealed: &[u8]) -> Result<(), StoreError> {
        let now = self.now();
        let set = query(SET).bind(user).bind(sealed).bind(now);
        if set.execute(self).await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    pub async fn confirm_totp(&mut self, user: UserId) -> Result<bool, StoreError> {
        let now = self.now();
        Ok(query(CONFIRM).bind(now).bind(user).execute(self).await? == 1)
    }

    /// Accepts the code of a step. Returns `false` if this step or a later one was accepted before.
    pub async fn take_totp_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError> {
        Ok(query(TAKE_STEP).bind(step).bind(user).execute(self).await? == 1)
    }

    /// Removes the key. Returns whether there was one.
    pub async fn remove_totp(&mut self, user: UserId) -> Result<bool, StoreError> {
        Ok(query(REMOVE).bind(user).execute(self).await? == 1)
    }

    /// Replaces all recovery codes.
    pub async fn set_recovery_codes(
        &mut self,
        user: UserId,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(REMOVE_CODES).bind(user).execute(self).await?;
        for hash in hashes {
            query(ADD_CODE).bind(*hash).bind(user).bind(now).execute(self).await?;
        }
        Ok(())
    }

    /// Uses a recovery code. Returns `false` if there is no such code or it was used before.
    pub async fn use_recovery_code(
        &mut self,
        user: UserId,
        hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        let now = self.now();
        Ok(query(USE_CODE).bind(now).bind(hash).bind(user).execute(self).await? == 1)
    }

    pub async fn add_pending_login(
        &mut self,
        hash: [u8; 32],
        half: PendingLogin,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let add = query(ADD_HALF).bind(hash).bind(half.user).bind(half.version);
        add.bind(expires_at).bind(half.account).execute(self).await.map(|_| ())
    }

    /// Ends a pending login and deletes expired ones.
    pub async fn end_pending_login(&mut self, hash: [u8; 32]) -> Result<(), StoreError> {
        let now = self.now();
        query(END_HALF).bind(hash).bind(now).execute(self).await.map(|_| ())
    }

    pub async fn end_pending_logins(&mut self, user: UserId) -> Result<(), StoreError> {
        query(END_HALVES).bind(user).execute(self).await.map(|_| ())
    }

    pub async fn require_two_factor(
        &mut self,
        account: AccountId,
        is_required: bool,
    ) -> Result<(), StoreError> {
        let set = query(REQUIRE).bind(i64::from(is_required)).bind(account);
        set.execute(self).await.map(|_| ())
    }

    /// Replaces the sealed key that was read. Returns `false` if it was replaced meanwhile.
    pub async fn reencrypt_totp(&mut self, totp: &Totp, sealed: &[u8]) -> Result<bool, StoreError> {
        let reencrypt = query(RESEAL).bind(sealed).bind(totp.user).bind(totp.sealed.as_slice());
        Ok(reencrypt.execute(self).await? == 1)
    }
}
