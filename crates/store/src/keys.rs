//! Key checks: a known text sealed under each master key that this database was written with.

use crate::{Read, StoreError, Write};
use sqlx::Row;

const FIND: &str = "SELECT sealed FROM key_check WHERE key_id = $1";
const ANY: &str = "SELECT count(*) FROM key_check";
const ADD: &str = "INSERT INTO key_check (key_id, sealed, created_at) VALUES ($1, $2, $3)";

impl Read {
    pub async fn find_key_check(&mut self, key_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(FIND).bind(key_id).fetch_optional(self.connection()).await?;
        Ok(row.map(|row| row.try_get("sealed")).transpose()?)
    }

    pub async fn has_key_check(&mut self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar::<_, i64>(ANY).fetch_one(self.connection()).await? > 0)
    }
}

impl Write {
    pub async fn add_key_check(&mut self, key_id: &str, sealed: &[u8]) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        sqlx::query(ADD).bind(key_id).bind(sealed).bind(now).execute(self.connection()).await?;
        Ok(())
    }
}
