//! How much an account has called this month, counted by all gateways together.

use crate::{
    Read, Sent, Store, StoreError, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountNumber, Month, QuotaUse, Timestamp};
use std::time::Duration;

/// Clocks of machines differ by less than this.
const SLACK: Duration = Duration::from_mins(1);

const ADD: &str = "INSERT INTO quota_use (account_number, month, requests, changed_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (account_number, month) DO UPDATE SET requests = quota_use.requests + excluded.requests, \
    changed_at = excluded.changed_at";
const CHANGED: &str =
    "SELECT account_number, requests FROM quota_use WHERE month = $1 AND changed_at >= $2";
const FIND: &str =
    "SELECT account_number, requests FROM quota_use WHERE month = $1 AND account_number = $2";
const FORGET: &str = "DELETE FROM quota_use WHERE month < $1";

fn quota_use(row: &SqlRow) -> Result<QuotaUse, StoreError> {
    Ok(QuotaUse {
        account: row::account_number(row, "account_number")?,
        requests: row.get("requests")?,
    })
}

impl Read {
    /// An account's calls in a month.
    pub async fn count_requests(
        &mut self,
        account: AccountNumber,
        month: Month,
    ) -> Result<i64, StoreError> {
        let asked = query(FIND).bind(month.number()).bind(u32::from(account));
        let found = asked.optional(self).await?;
        found
            .as_ref()
            .map(quota_use)
            .transpose()
            .map(|found| found.map_or(0, |found| found.requests))
    }
}

impl Store {
    /// Adds what this gateway has counted. All or nothing, and once, however often it is sent.
    pub async fn add_quota_use(
        &self,
        month: Month,
        counted: &[QuotaUse],
        sent: Sent<'_>,
    ) -> Result<(), StoreError> {
        if counted.is_empty() {
            return Ok(());
        }
        // In one order, as others add at the same time.
        let mut counted = counted.to_vec();
        counted.sort_by_key(|counted| counted.account);
        let mut aside = self.aside().await?;
        if sent.is_new(&mut aside).await? {
            for counted in counted {
                let add = query(ADD).bind(u32::from(counted.account)).bind(month.number());
                add.bind(counted.requests).bind(sent.now).execute(&mut aside).await?;
            }
        }
        aside.finish().await
    }

    /// What all gateways together have counted of the accounts that have changed after `since`, all of them
    /// where that is the beginning of time.
    pub async fn list_quota_use(
        &self,
        month: Month,
        since: Timestamp,
    ) -> Result<Vec<QuotaUse>, StoreError> {
        let asked = query(CHANGED).bind(month.number()).bind(since.minus(SLACK));
        asked.all(&mut self.read().await?).await?.iter().map(quota_use).collect()
    }

    /// Drops the months before `month`.
    pub async fn forget_old_quota_use(&self, month: Month) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(month.number())).await.map(|_| ())
    }
}
