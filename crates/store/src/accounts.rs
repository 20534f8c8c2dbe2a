//! Accounts: customers of the API.

use crate::{Read, StoreError, Write, row};
use keydesk_model::{AccountId, AccountName, AccountNumber, PersonId};
use sqlx::{Row, sqlite::SqliteRow};

#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub number: AccountNumber,
    pub name: String,
}

const COUNT: &str = "SELECT count(*) FROM account";
const ADD: &str = "INSERT INTO account (id, number, name, created_at) VALUES ($1, $2, $3, $4)";
const FIND: &str = "SELECT id, number, name FROM account WHERE id = $1";
const OF_PERSON: &str = "SELECT account.id, number, name FROM account \
    JOIN member ON member.account_id = account.id \
    WHERE member.person_id = $1 AND member.removed_at IS NULL ORDER BY name, number";

fn account(row: &SqliteRow) -> Result<Account, StoreError> {
    let number: u32 = row.try_get("number")?;
    Ok(Account {
        id: row::parsed(row, "id")?,
        number: number
            .try_into()
            .map_err(|_| StoreError::Unreadable { column: "account.number" })?,
        name: row::text(row, "name")?,
    })
}

impl Read {
    pub async fn count_accounts(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(COUNT).fetch_one(self.connection()).await?)
    }

    pub async fn find_account(&mut self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query(FIND).bind(id.to_string()).fetch_optional(self.connection()).await?;
        row.as_ref().map(account).transpose()
    }

    /// The accounts that a person belongs to now, by name.
    pub async fn list_accounts_of(&mut self, person: PersonId) -> Result<Vec<Account>, StoreError> {
        let rows =
            sqlx::query(OF_PERSON).bind(person.to_string()).fetch_all(self.connection()).await?;
        rows.iter().map(account).collect()
    }
}

impl Write {
    /// [`StoreError::Conflict`]: the number is taken.
    pub async fn add_account(
        &mut self,
        id: AccountId,
        number: AccountNumber,
        name: &AccountName,
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        sqlx::query(ADD)
            .bind(id.to_string())
            .bind(u32::from(number))
            .bind(name.as_str())
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
