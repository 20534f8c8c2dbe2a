//! People: who logs in, and the hash of their password.

use crate::{Read, StoreError, Write, row};
use keydesk_model::{Email, PersonId};
use sqlx::{Row, sqlite::SqliteRow};

#[derive(Clone)]
pub struct Person {
    pub id: PersonId,
    pub email: Email,
    pub name: String,
    pub password_hash: String,
    /// Goes up with every change; a password change names the version that it replaces.
    pub version: i64,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.id)
    }
}

#[derive(Clone)]
pub struct NewPerson {
    pub id: PersonId,
    pub email: Email,
    pub name: String,
    pub password_hash: String,
}

impl std::fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewPerson({})", self.id)
    }
}

const FIND: &str = "SELECT id, email, name, password_hash, version FROM person WHERE id = $1";
const FIND_BY_EMAIL: &str =
    "SELECT id, email, name, password_hash, version FROM person WHERE email_canonical = $1";
const ADD: &str = "INSERT INTO person (id, email, email_canonical, name, password_hash, created_at, version) \
    VALUES ($1, $2, $3, $4, $5, $6, 1)";
const SET_PASSWORD: &str = "UPDATE person SET password_hash = $1, version = version + 1 \
    WHERE id = $2 AND version = $3";

fn person(row: &SqliteRow) -> Result<Person, StoreError> {
    Ok(Person {
        id: row::parsed(row, "id")?,
        email: row::parsed(row, "email")?,
        name: row::text(row, "name")?,
        password_hash: row::text(row, "password_hash")?,
        version: row.try_get("version")?,
    })
}

impl Read {
    pub async fn find_person(&mut self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query(FIND).bind(id.to_string()).fetch_optional(self.connection()).await?;
        row.as_ref().map(person).transpose()
    }

    pub async fn find_person_by_email(
        &mut self,
        email: &Email,
    ) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query(FIND_BY_EMAIL)
            .bind(email.canonical())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(person).transpose()
    }
}

impl Write {
    /// [`StoreError::Conflict`]: someone has this address already.
    pub async fn add_person(&mut self, new: &NewPerson) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        sqlx::query(ADD)
            .bind(new.id.to_string())
            .bind(new.email.as_str())
            .bind(new.email.canonical())
            .bind(&new.name)
            .bind(&new.password_hash)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// [`StoreError::Conflict`]: the person has changed since `version` was read.
    pub async fn set_password(
        &mut self,
        id: PersonId,
        hash: &str,
        version: i64,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(SET_PASSWORD)
            .bind(hash)
            .bind(id.to_string())
            .bind(version)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }
}
