//! Operators: users who administer the whole instance.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{Email, Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct Operator {
    pub user: UserId,
    pub name: String,
    pub email: Email,
    pub since: Timestamp,
}

const IS: &str = "SELECT count(*) AS number FROM operator WHERE user_id = $1";
const COUNT: &str = "SELECT count(*) AS number FROM operator";
const LIST: &str = "SELECT user_id, name, email, operator.created_at FROM operator \
    JOIN users ON users.id = operator.user_id ORDER BY operator.created_at, user_id";
const ADD: &str =
    "INSERT INTO operator (user_id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM operator WHERE user_id = $1";

fn operator(row: &SqlRow) -> Result<Operator, StoreError> {
    Ok(Operator {
        user: row::parsed(row, "user_id")?,
        name: row::text(row, "name")?,
        email: row::parsed(row, "email")?,
        since: row::instant(row, "created_at")?,
    })
}

impl Read {
    pub async fn is_operator(&mut self, user: UserId) -> Result<bool, StoreError> {
        Ok(query(IS).bind(user).one(self).await?.get::<i64>("number")? == 1)
    }

    pub async fn count_operators(&mut self) -> Result<i64, StoreError> {
        query(COUNT).one(self).await?.get("number")
    }

    pub async fn list_operators(&mut self) -> Result<Vec<Operator>, StoreError> {
        query(LIST).all(self).await?.iter().map(operator).collect()
    }
}

impl Write {
    /// Returns [`StoreError::Conflict`] if the user is already an operator.
    pub async fn add_operator(&mut self, user: UserId) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD).bind(user).bind(now).insert(self).await
    }

    /// Removes an operator. Returns whether the user was one.
    pub async fn remove_operator(&mut self, user: UserId) -> Result<bool, StoreError> {
        Ok(query(REMOVE).bind(user).execute(self).await? == 1)
    }
}
