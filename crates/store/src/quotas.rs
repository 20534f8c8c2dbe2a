//! The requests of an account in this month, counted by all gateways together.

use crate::{
    Read, Sent, Store, StoreError, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountNumber, Month, QuotaUse, Timestamp};
use std::time::Duration;

/// The largest assumed difference between the clocks of machines.
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
    /// Returns an account's requests in a month.
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
    /// Adds the counts of this gateway in one transaction, and only once even if they are sent again.
    pub async fn add_quota_use(
        &self,
        month: Month,
        counted: &[QuotaUse],
        sent: Sent<'_>,
    ) -> Result<(), StoreError> {
        if counted.is_empty() {
            return Ok(());
        }
        // The order is fixed because others add at the same time.
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

    /// Returns the totals of all gateways for the accounts that have changed after `since`, or for all accounts if that
    /// is the epoch.
    pub async fn list_quota_use(
        &self,
        month: Month,
        since: Timestamp,
    ) -> Result<Vec<QuotaUse>, StoreError> {
        let asked = query(CHANGED).bind(month.number()).bind(since.minus(SLACK));
        asked.all(&mut self.read().await?).await?.iter().map(quota_use).collect()
    }

    /// Deletes the months before `month`.
    pub async fn forget_old_quota_use(&self, month: Month) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(month.number())).await.map(|_| ())
    }
}
