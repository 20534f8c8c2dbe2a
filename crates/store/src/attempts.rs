//! Login attempts and known browsers, which slow down guessing without slowing down the user.

use crate::{
    Read, Store, StoreError, Write, row,
    sql::{Runs, query},
};
use keydesk_model::{AttemptKind, Attempts, Email, Timestamp, UserId};
use std::time::Duration;

const FIND: &str = "SELECT failures, last_at, used_until FROM attempt WHERE kind = $1 AND key = $2";
const SET: &str = "INSERT INTO attempt (kind, key, failures, last_at, used_until) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (kind, key) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, \
    used_until = excluded.used_until";
const CLEAR: &str = "DELETE FROM attempt WHERE kind = 'email' AND key = $1";
const CLEAR_FACTOR: &str = "DELETE FROM attempt WHERE kind = 'factor' AND key = $1";
/// Deletes old attempts. Those of second factors stay. Those of addresses are deleted whether or not a user has the
/// address, because the response would otherwise reveal it.
const FORGET: &str = "DELETE FROM attempt WHERE kind IN ('email', 'device') AND last_at < $1 \
    OR kind NOT IN ('email', 'device', 'factor') AND last_at < $2";
const IS_KNOWN: &str = "SELECT count(*) AS number FROM device WHERE hash = $1 AND user_id = $2";
const IS_ANYBODYS: &str = "SELECT count(*) AS number FROM device WHERE hash = $1";
const COUNT_DEVICES: &str = "SELECT count(*) AS number FROM device WHERE user_id = $1";
const ADD_DEVICE: &str = "INSERT INTO device (hash, user_id, created_at, user_agent) \
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const FORGET_DEVICES: &str = "DELETE FROM device WHERE user_id = $1";

/// The times for which consecutive failures and rates are kept.
const FAILURES_KEPT: Duration = Duration::from_hours(30 * 24);
const RATES_KEPT: Duration = Duration::from_hours(24);

impl Read {
    pub async fn is_device_known(
        &mut self,
        hash: [u8; 32],
        user: UserId,
    ) -> Result<bool, StoreError> {
        let found = query(IS_KNOWN).bind(hash).bind(user).one(self).await?;
        Ok(found.get::<i64>("number")? > 0)
    }

    /// Returns whether any user has logged in from this browser.
    pub async fn is_device_of_anybody(&mut self, hash: [u8; 32]) -> Result<bool, StoreError> {
        let found = query(IS_ANYBODYS).bind(hash).one(self).await?;
        Ok(found.get::<i64>("number")? > 0)
    }

    pub async fn count_devices(&mut self, user: UserId) -> Result<i64, StoreError> {
        query(COUNT_DEVICES).bind(user).one(self).await?.get("number")
    }
}

impl Write {
    /// Returns the attempts for these keys, which no other transaction can change before this one ends.
    pub async fn find_attempts(
        &mut self,
        kind: AttemptKind,
        key: &str,
    ) -> Result<Attempts, StoreError> {
        self.lock_attempts(kind, key).await?;
        let found = query(FIND).bind(kind.as_str()).bind(key).optional(self).await?;
        let Some(row) = found else { return Ok(Attempts::NONE) };
        Ok(Attempts {
            failures: row.get("failures")?,
            last_at: row::instant(&row, "last_at")?,
            used_until: row.get("used_until")?,
        })
    }

    /// Locks the attempts of a key. SQLite needs no lock because it has one writer at a time.
    async fn lock_attempts(&mut self, kind: AttemptKind, key: &str) -> Result<(), StoreError> {
        if let crate::sql::Connection::Postgres(_) = self.connection() {
            let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            query(lock).bind(format!("{} {key}", kind.as_str())).one(self).await?;
        }
        Ok(())
    }

    pub async fn set_attempts(
        &mut self,
        kind: AttemptKind,
        key: &str,
        attempts: Attempts,
    ) -> Result<(), StoreError> {
        let Attempts { failures, last_at, used_until } = attempts;
        let set = query(SET).bind(kind.as_str()).bind(key).bind(failures).bind(last_at);
        set.bind(used_until).execute(self).await.map(|_| ())
    }

    /// Clears the attempts after a password change, since earlier guesses are useless.
    pub async fn clear_attempts(&mut self, email: &Email) -> Result<(), StoreError> {
        query(CLEAR).bind(email.canonical()).execute(self).await.map(|_| ())
    }

    /// Clears the attempts after the second factor was changed or removed.
    pub async fn clear_factor_attempts(&mut self, user: UserId) -> Result<(), StoreError> {
        query(CLEAR_FACTOR).bind(user).execute(self).await.map(|_| ())
    }

    pub async fn add_device(
        &mut self,
        hash: [u8; 32],
        user: UserId,
        user_agent: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD_DEVICE).bind(hash).bind(user).bind(now).bind(user_agent);
        add.execute(self).await.map(|_| ())
    }

    pub async fn forget_devices(&mut self, user: UserId) -> Result<(), StoreError> {
        query(FORGET_DEVICES).bind(user).execute(self).await.map(|_| ())
    }
}

/// Deletes expired links and pending logins.
const FORGET_EXPIRED: [&str; 4] = [
    "DELETE FROM sign_up WHERE expires_at < $1",
    "DELETE FROM email_change WHERE expires_at < $1",
    "DELETE FROM pending_login WHERE expires_at < $1",
    "DELETE FROM spent_challenge WHERE expires_at < $1",
];

impl Store {
    pub async fn forget_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        for forget in FORGET_EXPIRED {
            self.run_aside(query(forget).bind(now)).await?;
        }
        Ok(())
    }

    pub async fn forget_old_attempts(&self, now: Timestamp) -> Result<(), StoreError> {
        let forget = query(FORGET).bind(now.minus(FAILURES_KEPT)).bind(now.minus(RATES_KEPT));
        self.run_aside(forget).await.map(|_| ())
    }
}
