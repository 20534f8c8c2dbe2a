//! Email addresses that are still unverified: of users who change theirs, and of users who sign up.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{Email, Timestamp, UserId};

/// A request to change a user's email address.
#[derive(Clone, Debug)]
pub struct EmailChange {
    pub user: UserId,
    pub email: Email,
    /// Whether a code belongs to the new address.
    pub is_new_side: bool,
    pub old_confirmed: bool,
    pub new_confirmed: bool,
}

#[derive(Clone, Debug)]
pub struct NewEmailChange {
    pub old_code_hash: [u8; 32],
    pub new_code_hash: [u8; 32],
    pub user: UserId,
    pub email: Email,
    pub expires_at: Timestamp,
}

/// A request to sign up.
#[derive(Clone, Debug)]
pub struct SignUp {
    pub email: Email,
    pub account_name: String,
}

const ADD: &str = "INSERT INTO email_change (old_code_hash, new_code_hash, user_id, email, created_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6)";
const FIND: &str = "SELECT user_id, email, old_confirmed_at, new_confirmed_at, \
    CAST(CASE WHEN new_code_hash = $1 THEN 1 ELSE 0 END AS BIGINT) AS is_new FROM email_change \
    WHERE (old_code_hash = $1 OR new_code_hash = $1) AND closed_at IS NULL AND expires_at > $2";
const CONFIRM_OLD: &str =
    "UPDATE email_change SET old_confirmed_at = $1 WHERE old_code_hash = $2 AND closed_at IS NULL";
const CONFIRM_NEW: &str =
    "UPDATE email_change SET new_confirmed_at = $1 WHERE new_code_hash = $2 AND closed_at IS NULL";
const CLOSE: &str =
    "UPDATE email_change SET closed_at = $1 WHERE user_id = $2 AND closed_at IS NULL";
const SET_EMAIL: &str = "UPDATE users SET email = $1, email_canonical = $2, version = version + 1 \
    WHERE id = $3 AND NOT EXISTS (SELECT 1 FROM users WHERE email_canonical = $2 AND id <> $3)";
const ADD_SIGN_UP: &str = "INSERT INTO sign_up (code_hash, email, account_name, created_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5)";
const FIND_SIGN_UP: &str = "SELECT email, account_name FROM sign_up \
    WHERE code_hash = $1 AND closed_at IS NULL AND expires_at > $2";
const CLOSE_SIGN_UP: &str =
    "UPDATE sign_up SET closed_at = $1 WHERE code_hash = $2 AND closed_at IS NULL";

impl Read {
    /// Returns the change that a code of either address belongs to.
    pub async fn find_email_change(
        &mut self,
        code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<EmailChange>, StoreError> {
        let Some(row) = query(FIND).bind(code_hash).bind(now).optional(self).await? else {
            return Ok(None);
        };
        Ok(Some(EmailChange {
            user: row::parsed(&row, "user_id")?,
            email: row::parsed(&row, "email")?,
            is_new_side: row.get::<i64>("is_new")? == 1,
            old_confirmed: row::instant_opt(&row, "old_confirmed_at")?.is_some(),
            new_confirmed: row::instant_opt(&row, "new_confirmed_at")?.is_some(),
        }))
    }

    pub async fn find_sign_up(
        &mut self,
        code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<SignUp>, StoreError> {
        let Some(row) = query(FIND_SIGN_UP).bind(code_hash).bind(now).optional(self).await? else {
            return Ok(None);
        };
        let account_name = row::text(&row, "account_name")?;
        Ok(Some(SignUp { email: row::parsed(&row, "email")?, account_name }))
    }
}

impl Write {
    /// Adds a change in place of earlier ones of the same user.
    pub async fn add_email_change(&mut self, new: &NewEmailChange) -> Result<(), StoreError> {
        self.close_email_changes(new.user).await?;
        let now = self.now();
        let add = query(ADD).bind(new.old_code_hash).bind(new.new_code_hash).bind(new.user);
        let add = add.bind(new.email.as_str()).bind(now).bind(new.expires_at);
        add.execute(self).await.map(|_| ())
    }

    pub async fn confirm_email_change(
        &mut self,
        code_hash: [u8; 32],
        is_new_side: bool,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let statement = if is_new_side { CONFIRM_NEW } else { CONFIRM_OLD };
        query(statement).bind(now).bind(code_hash).execute(self).await.map(|_| ())
    }

    pub async fn close_email_changes(&mut self, user: UserId) -> Result<(), StoreError> {
        let now = self.now();
        query(CLOSE).bind(now).bind(user).execute(self).await.map(|_| ())
    }

    /// Returns [`StoreError::Conflict`] if another user has this address.
    pub async fn set_email(&mut self, user: UserId, email: &Email) -> Result<(), StoreError> {
        let set = query(SET_EMAIL).bind(email.as_str()).bind(email.canonical()).bind(user);
        if set.execute(self).await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    pub async fn add_sign_up(
        &mut self,
        code_hash: [u8; 32],
        sign_up: &SignUp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD_SIGN_UP).bind(code_hash).bind(sign_up.email.as_str());
        let add = add.bind(&sign_up.account_name).bind(now).bind(expires_at);
        add.execute(self).await.map(|_| ())
    }

    /// Closes a sign-up. Returns whether it was open.
    pub async fn close_sign_up(&mut self, code_hash: [u8; 32]) -> Result<bool, StoreError> {
        let now = self.now();
        Ok(query(CLOSE_SIGN_UP).bind(now).bind(code_hash).execute(self).await? == 1)
    }
}
