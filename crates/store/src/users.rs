//! Users: logins with a password hash.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{Email, Language, UserId};

#[derive(Clone)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub name: String,
    pub password_hash: String,
    /// A version that increases with every change. A password change names the version that it replaces.
    pub version: i64,
    /// The chosen language, or `None` for the language of the browser.
    pub language: Option<Language>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({})", self.id)
    }
}

#[derive(Clone)]
pub struct NewUser {
    pub id: UserId,
    pub email: Email,
    pub name: String,
    pub password_hash: String,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewUser({})", self.id)
    }
}

const FIND: &str =
    "SELECT id, email, name, password_hash, version, language FROM users WHERE id = $1";
const FIND_BY_EMAIL: &str = "SELECT id, email, name, password_hash, version, language FROM users WHERE email_canonical = $1";
const ADD: &str = "INSERT INTO users (id, email, email_canonical, name, password_hash, created_at, version) \
    VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT DO NOTHING";
const RENEW_HASH: &str = "UPDATE users SET password_hash = $1 WHERE id = $2 AND version = $3";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $1, version = version + 1 \
    WHERE id = $2 AND version = $3";

const RENAME: &str = "UPDATE users SET name = $1 WHERE id = $2";
const SET_LANGUAGE: &str = "UPDATE users SET language = $1 WHERE id = $2";

fn user(row: &SqlRow) -> Result<User, StoreError> {
    Ok(User {
        id: row::parsed(row, "id")?,
        email: row::parsed(row, "email")?,
        name: row::text(row, "name")?,
        password_hash: row::text(row, "password_hash")?,
        version: row.get("version")?,
        language: row::parsed_opt(row, "language")?,
    })
}

impl Read {
    pub async fn find_user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = query(FIND).bind(id).optional(self).await?;
        row.as_ref().map(user).transpose()
    }

    pub async fn find_user_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        let row = query(FIND_BY_EMAIL).bind(email.canonical()).optional(self).await?;
        row.as_ref().map(user).transpose()
    }
}

impl Write {
    /// Returns [`StoreError::Conflict`] if another user has this address.
    pub async fn add_user(&mut self, new: &NewUser) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD)
            .bind(new.id)
            .bind(new.email.as_str())
            .bind(new.email.canonical())
            .bind(&new.name)
            .bind(&new.password_hash)
            .bind(now)
            .insert(self)
            .await
    }

    /// Sets a new hash of the same password, unless the user has changed it meanwhile.
    pub async fn renew_password_hash(
        &mut self,
        id: UserId,
        hash: &str,
        version: i64,
    ) -> Result<(), StoreError> {
        query(RENEW_HASH).bind(hash).bind(id).bind(version).execute(self).await.map(|_| ())
    }

    pub async fn rename_user(&mut self, id: UserId, name: &str) -> Result<(), StoreError> {
        query(RENAME).bind(name).bind(id).execute(self).await.map(|_| ())
    }

    pub async fn set_language(
        &mut self,
        id: UserId,
        language: Option<Language>,
    ) -> Result<(), StoreError> {
        let language = language.map(Language::as_str);
        query(SET_LANGUAGE).bind(language).bind(id).execute(self).await.map(|_| ())
    }

    /// Returns [`StoreError::Conflict`] if the user has changed since `version` was read.
    pub async fn set_password(
        &mut self,
        id: UserId,
        hash: &str,
        version: i64,
    ) -> Result<(), StoreError> {
        let done = query(SET_PASSWORD).bind(hash).bind(id).bind(version).execute(self).await?;
        if done == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }
}
