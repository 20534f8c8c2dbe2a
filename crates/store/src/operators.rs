//! Operators: people who administer the whole instance.

use crate::{
    Read, StoreError, Write, row,
    sql::{Row, query},
};
use keydesk_model::{Email, PersonId, Timestamp};

#[derive(Clone, Debug)]
pub struct Operator {
    pub person: PersonId,
    pub name: String,
    pub email: Email,
    pub since: Timestamp,
}

const IS: &str = "SELECT count(*) AS number FROM operator WHERE person_id = $1";
const COUNT: &str = "SELECT count(*) AS number FROM operator";
const LIST: &str = "SELECT person_id, name, email, operator.created_at FROM operator \
    JOIN person ON person.id = operator.person_id ORDER BY operator.created_at, person_id";
const ADD: &str =
    "INSERT INTO operator (person_id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM operator WHERE person_id = $1";

fn operator(row: &Row) -> Result<Operator, StoreError> {
    Ok(Operator {
        person: row::parsed(row, "person_id")?,
        name: row::text(row, "name")?,
        email: row::parsed(row, "email")?,
        since: row::instant(row, "created_at")?,
    })
}

impl Read {
    pub async fn is_operator(&mut self, person: PersonId) -> Result<bool, StoreError> {
        Ok(query(IS).bind(person).one(self).await?.get::<i64>("number")? == 1)
    }

    pub async fn count_operators(&mut self) -> Result<i64, StoreError> {
        query(COUNT).one(self).await?.get("number")
    }

    pub async fn list_operators(&mut self) -> Result<Vec<Operator>, StoreError> {
        query(LIST).all(self).await?.iter().map(operator).collect()
    }
}

impl Write {
    /// [`StoreError::Conflict`]: they are one already.
    pub async fn add_operator(&mut self, person: PersonId) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD).bind(person).bind(now).insert(self).await
    }

    /// Tells whether they were one.
    pub async fn remove_operator(&mut self, person: PersonId) -> Result<bool, StoreError> {
        Ok(query(REMOVE).bind(person).execute(self).await? == 1)
    }
}
