//! Second factors: keys of one-time codes, recovery codes, and log-ins that wait for one of them.

use crate::{
    Read, StoreError, Write, row,
    sql::{Row, query},
};
use keydesk_model::{AccountId, PersonId, Timestamp};

/// The key of a person's one-time codes, sealed.
#[derive(Clone)]
pub struct Totp {
    pub person: PersonId,
    pub sealed: Vec<u8>,
    /// None: a first code has yet to prove that an authenticator has it.
    pub confirmed_at: Option<Timestamp>,
    /// The newest step whose code was taken: none is taken twice.
    pub last_step: i64,
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Totp({})", self.person)
    }
}

/// Someone who has given the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfLogIn {
    pub person: PersonId,
    /// What the person's version was then.
    pub version: i64,
    /// Where the way in leads; None: to the first account.
    pub account: Option<AccountId>,
}

const FIND: &str =
    "SELECT person_id, sealed, confirmed_at, last_step FROM totp WHERE person_id = $1";
const UNDER_OTHERS: &str = "SELECT person_id, sealed, confirmed_at, last_step FROM totp \
    WHERE substr(sealed, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str =
    "SELECT count(*) AS number FROM totp WHERE substr(sealed, 2, 8) <> $1";
const RESEAL: &str = "UPDATE totp SET sealed = $1 WHERE person_id = $2 AND sealed = $3";
const SET: &str = "INSERT INTO totp (person_id, sealed, created_at, last_step) VALUES ($1, $2, $3, 0) \
    ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at, \
    last_step = 0 WHERE totp.confirmed_at IS NULL";
const CONFIRM: &str =
    "UPDATE totp SET confirmed_at = $1 WHERE person_id = $2 AND confirmed_at IS NULL";
const TAKE_STEP: &str = "UPDATE totp SET last_step = $1 WHERE person_id = $2 AND last_step < $1";
const REMOVE: &str = "DELETE FROM totp WHERE person_id = $1";
const REMOVE_CODES: &str = "DELETE FROM recovery_code WHERE person_id = $1";
const ADD_CODE: &str =
    "INSERT INTO recovery_code (hash, person_id, created_at) VALUES ($1, $2, $3)";
const USE_CODE: &str = "UPDATE recovery_code SET used_at = $1 \
    WHERE hash = $2 AND person_id = $3 AND used_at IS NULL";
const COUNT_CODES: &str =
    "SELECT count(*) AS number FROM recovery_code WHERE person_id = $1 AND used_at IS NULL";
const ADD_HALF: &str = "INSERT INTO half_log_in (hash, person_id, person_version, expires_at, account_id) \
    VALUES ($1, $2, $3, $4, $5)";
const FIND_HALF: &str = "SELECT person_id, person_version, account_id FROM half_log_in \
    WHERE hash = $1 AND expires_at > $2";
const END_HALF: &str = "DELETE FROM half_log_in WHERE hash = $1 OR expires_at <= $2";
const END_HALVES: &str = "DELETE FROM half_log_in WHERE person_id = $1";
const REQUIRE: &str = "UPDATE account SET requires_two_factor = $1 WHERE id = $2";

fn totp(row: &Row) -> Result<Totp, StoreError> {
    Ok(Totp {
        person: row::parsed(row, "person_id")?,
        sealed: row.get("sealed")?,
        confirmed_at: row::instant_opt(row, "confirmed_at")?,
        last_step: row.get("last_step")?,
    })
}

impl Read {
    pub async fn find_totp(&mut self, person: PersonId) -> Result<Option<Totp>, StoreError> {
        query(FIND).bind(person).optional(self).await?.as_ref().map(totp).transpose()
    }

    /// Recovery codes that are not used yet.
    pub async fn count_recovery_codes(&mut self, person: PersonId) -> Result<i64, StoreError> {
        query(COUNT_CODES).bind(person).one(self).await?.get("number")
    }

    pub async fn find_half_log_in(
        &mut self,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<HalfLogIn>, StoreError> {
        let Some(row) = query(FIND_HALF).bind(hash).bind(now).optional(self).await? else {
            return Ok(None);
        };
        let person = row::parsed(&row, "person_id")?;
        let account = row::parsed_opt(&row, "account_id")?;
        Ok(Some(HalfLogIn { person, version: row.get("person_version")?, account }))
    }

    /// Keys that are sealed under another master key, at most `limit`.
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
    /// A key that has yet to be confirmed takes the place of another such one. [`StoreError::Conflict`]:
    /// there is a confirmed one.
    pub async fn set_totp(&mut self, person: PersonId, sealed: &[u8]) -> Result<(), StoreError> {
        let now = self.now();
        let set = query(SET).bind(person).bind(sealed).bind(now);
        if set.execute(self).await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    pub async fn confirm_totp(&mut self, person: PersonId) -> Result<bool, StoreError> {
        let now = self.now();
        Ok(query(CONFIRM).bind(now).bind(person).execute(self).await? == 1)
    }

    /// Takes the code of a step; false where it, or a later one, was taken before.
    pub async fn take_totp_step(
        &mut self,
        person: PersonId,
        step: i64,
    ) -> Result<bool, StoreError> {
        Ok(query(TAKE_STEP).bind(step).bind(person).execute(self).await? == 1)
    }

    /// Tells whether there was one.
    pub async fn remove_totp(&mut self, person: PersonId) -> Result<bool, StoreError> {
        Ok(query(REMOVE).bind(person).execute(self).await? == 1)
    }

    /// In the place of all that there were.
    pub async fn set_recovery_codes(
        &mut self,
        person: PersonId,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(REMOVE_CODES).bind(person).execute(self).await?;
        for hash in hashes {
            query(ADD_CODE).bind(*hash).bind(person).bind(now).execute(self).await?;
        }
        Ok(())
    }

    /// False: there is no such code, or it was used before.
    pub async fn use_recovery_code(
        &mut self,
        person: PersonId,
        hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        let now = self.now();
        Ok(query(USE_CODE).bind(now).bind(hash).bind(person).execute(self).await? == 1)
    }

    pub async fn add_half_log_in(
        &mut self,
        hash: [u8; 32],
        half: HalfLogIn,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let add = query(ADD_HALF).bind(hash).bind(half.person).bind(half.version);
        add.bind(expires_at).bind(half.account).execute(self).await.map(|_| ())
    }

    /// It is over; others whose time is over go with it.
    pub async fn end_half_log_in(&mut self, hash: [u8; 32]) -> Result<(), StoreError> {
        let now = self.now();
        query(END_HALF).bind(hash).bind(now).execute(self).await.map(|_| ())
    }

    pub async fn end_half_log_ins(&mut self, person: PersonId) -> Result<(), StoreError> {
        query(END_HALVES).bind(person).execute(self).await.map(|_| ())
    }

    pub async fn require_two_factor(
        &mut self,
        account: AccountId,
        is_required: bool,
    ) -> Result<(), StoreError> {
        let set = query(REQUIRE).bind(i64::from(is_required)).bind(account);
        set.execute(self).await.map(|_| ())
    }

    /// Puts a key's seal in the place of the one that was read. False: it was replaced meanwhile.
    pub async fn reseal_totp(&mut self, totp: &Totp, sealed: &[u8]) -> Result<bool, StoreError> {
        let reseal = query(RESEAL).bind(sealed).bind(totp.person).bind(totp.sealed.as_slice());
        Ok(reseal.execute(self).await? == 1)
    }
}
