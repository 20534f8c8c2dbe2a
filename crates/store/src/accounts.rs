//! Accounts: customers of the API.

use crate::{
    Read, StoreError, Write, row,
    sql::{Row, query},
};
use keydesk_model::{AccountId, AccountName, AccountNumber, PersonId};

#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub number: AccountNumber,
    pub name: String,
}

const COUNT: &str = "SELECT count(*) AS number FROM account";
const ADD: &str = "INSERT INTO account (id, number, name, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT id, number, name FROM account WHERE id = $1";
const OF_PERSON: &str = "SELECT account.id, number, name FROM account \
    JOIN member ON member.account_id = account.id \
    WHERE member.person_id = $1 AND member.removed_at IS NULL ORDER BY name, number";

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: row::parsed(row, "id")?,
        number: row::account_number(row, "number")?,
        name: row::text(row, "name")?,
    })
}

impl Read {
    pub async fn count_accounts(&mut self) -> Result<i64, StoreError> {
        query(COUNT).one(self).await?.get("number")
    }

    pub async fn find_account(&mut self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row = query(FIND).bind(id).optional(self).await?;
        row.as_ref().map(account).transpose()
    }

    /// The accounts that a person belongs to now, by name.
    pub async fn list_accounts_of(&mut self, person: PersonId) -> Result<Vec<Account>, StoreError> {
        let rows = query(OF_PERSON).bind(person).all(self).await?;
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
        query(ADD).bind(id).bind(u32::from(number)).bind(name.as_str()).bind(now).insert(self).await
    }
}
