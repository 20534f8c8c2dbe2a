//! Integrations: the clients that sent requests with a token, with IP address, time of the last accepted request, and count.

use crate::{
    Read, Sent, Store, StoreError, operation_use, row,
    sql::{SqlRow, composed, groups, query},
};
use keydesk_model::{AccountId, Timestamp, TokenId, Usage, Violation};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub struct Integration {
    pub client: String,
    pub client_ip: String,
    pub first_used_at: Timestamp,
    pub last_accepted_at: Timestamp,
    pub requests: i64,
}

/// The numbers of rows in one statement, because each statement costs a round trip to the database's thread. Few sizes
/// keep the number of prepared statements low.
const SIZES: [usize; 3] = [64, 8, 1];

/// Returns the statement for `count` rows of six values each.
fn record(count: usize) -> String {
    let row = |at: usize| {
        let first = at * 6 + 1;
        let [token, client, from, last, accepted, requests] =
            [0, 1, 2, 3, 4, 5].map(|column| first + column);
        format!(
            "(CAST(${token} AS TEXT), CAST(${client} AS TEXT), CAST(${from} AS TEXT), CAST(${last} AS BIGINT), \
             CAST(${accepted} AS BIGINT), CAST(${requests} AS BIGINT))"
        )
    };
    let rows = (0..count).map(row).collect::<Vec<_>>().join(", ");
    format!(
        "WITH given (token_id, client, client_ip, last_used_at, last_accepted_at, requests) AS (VALUES {rows}) \
         INSERT INTO integration (token_id, client, client_ip, first_used_at, last_used_at, last_accepted_at, requests) \
         SELECT token_id, client, client_ip, last_used_at, last_used_at, last_accepted_at, requests FROM given \
         WHERE EXISTS (SELECT 1 FROM token WHERE id = given.token_id) \
         ON CONFLICT (token_id, client, client_ip) DO UPDATE SET \
         last_used_at = CASE WHEN excluded.last_used_at > integration.last_used_at \
           THEN excluded.last_used_at ELSE integration.last_used_at END, \
         last_accepted_at = CASE WHEN excluded.last_accepted_at > coalesce(integration.last_accepted_at, 0) \
           THEN excluded.last_accepted_at ELSE integration.last_accepted_at END, \
         requests = integration.requests + excluded.requests"
    )
}

/// The maximum number of clients and IP addresses kept per token, newest first.
const MOST: u32 = 1_000;
/// The number of rows of one token above which a report counts as a flood.
const FLOOD: usize = 16;
const FORGET: &str = "DELETE FROM integration WHERE token_id = $1 AND last_used_at < \
    (SELECT last_used_at FROM integration WHERE token_id = $1 ORDER BY last_used_at DESC LIMIT 1 OFFSET $2)";
const CROWDED: &str = "SELECT token_id FROM integration GROUP BY token_id HAVING count(*) > $1";

const LIST: &str = "SELECT client, client_ip, first_used_at, last_accepted_at, requests FROM integration \
    WHERE token_id = $1 AND last_accepted_at > $2 ORDER BY last_accepted_at DESC LIMIT 1000";

const LIST_OF_ACCOUNT: &str = "SELECT client, client_ip, min(first_used_at) AS first_used_at, \
    max(last_accepted_at) AS last_accepted_at, CAST(sum(requests) AS BIGINT) AS requests FROM integration \
    JOIN token ON token.id = integration.token_id \
    WHERE token.account_id = $1 AND integration.last_accepted_at > $2 \
    AND (token.expires_at IS NULL OR token.expires_at > $3) AND integration.last_accepted_at >= \
      (SELECT min(issued_at) FROM secret WHERE secret.token_id = token.id AND ended_at IS NULL) \
    GROUP BY client, client_ip ORDER BY max(last_accepted_at) DESC, client, client_ip LIMIT 1000";

const OPEN_SINCE: &str =
    "SELECT min(issued_at) AS since FROM secret WHERE token_id = $1 AND ended_at IS NULL";

const ADDRESSES: &str = "SELECT DISTINCT client_ip FROM integration \
    WHERE token_id = $1 AND last_accepted_at > $2 ORDER BY client_ip LIMIT 500";

const ADDRESSES_OF_ACCOUNT: &str = "SELECT DISTINCT client_ip FROM integration \
    JOIN token ON token.id = integration.token_id \
    WHERE token.account_id = $1 AND integration.last_accepted_at > $2 ORDER BY client_ip LIMIT 500";

fn integration(row: &SqlRow) -> Result<Integration, StoreError> {
    Ok(Integration {
        client: row::text(row, "client")?,
        client_ip: row::text(row, "client_ip")?,
        first_used_at: row::instant(row, "first_used_at")?,
        last_accepted_at: row::instant(row, "last_accepted_at")?,
        requests: row.get("requests")?,
    })
}

impl Read {
    /// Returns the IP addresses from which an account's tokens were used after `since`, at most 500.
    pub async fn list_addresses_of_account(
        &mut self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let asked = query(ADDRESSES_OF_ACCOUNT).bind(account).bind(since.as_micros());
        asked.all(self).await?.iter().map(|row| row::text(row, "client_ip")).collect()
    }

    /// Returns the IP addresses from which a token was used after `since`, at most 500.
    pub async fn list_addresses_of(
        &mut self,
        token: TokenId,
        since: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let rows = query(ADDRESSES).bind(token).bind(since.as_micros()).all(self).await?;
        rows.iter().map(|row| row::text(row, "client_ip")).collect()
    }

    /// Returns the clients that used a token after `since`, newest first, at most 1,000.
    pub async fn list_integrations(
        &mut self,
        token: TokenId,
        since: Timestamp,
    ) -> Result<Vec<Integration>, StoreError> {
        let asked = query(LIST).bind(token).bind(since.as_micros());
        asked.all(self).await?.iter().map(integration).collect()
    }

    /// Returns the clients that used any token of an account after `since` and that is active `now`, newest first, at
    /// most 1,000.
    pub async fn list_integrations_of(
        &mut self,
        account: AccountId,
        (since, now): (Timestamp, Timestamp),
    ) -> Result<Vec<Integration>, StoreError> {
        let asked = query(LIST_OF_ACCOUNT).bind(account).bind(since.as_micros());
        let asked = asked.bind(now.as_micros());
        asked.all(self).await?.iter().map(integration).collect()
    }
}

impl Read {
    /// Returns the time since which this token has a secret that is still accepted. A client last seen before used a
    /// secret that has ended. Returns `None` if all secrets have ended.
    pub async fn find_open_since(
        &mut self,
        token: TokenId,
    ) -> Result<Option<Timestamp>, StoreError> {
        row::instant_opt(&query(OPEN_SINCE).bind(token).one(self).await?, "since")
    }
}

impl Store {
    /// Adds the usage of a gateway in one transaction, and only once even if it is sent again. Usage of unknown tokens
    /// is ignored.
    pub async fn record_usage(&self, seen: &[Usage], sent: Sent<'_>) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let mut aside = self.aside().await?;
        if !sent.is_new(&mut aside).await? {
            return Ok(());
        }
        operation_use::add(&mut aside, seen).await?;
        let seen = added_up(seen);
        for group in groups(&seen, &SIZES) {
            let mut record = composed(record(group.len()));
            for (usage, accepted) in group {
                record = record
                    .bind(usage.token.to_string())
                    .bind(usage.client.clone())
                    .bind(usage.client_ip.clone())
                    .bind(usage.last_used_at.as_micros())
                    .bind(accepted.map(Timestamp::as_micros))
                    .bind(usage.requests);
            }
            record.execute(&mut aside).await?;
        }
        for of_token in seen.chunk_by(|(one, _), (next, _)| one.token == next.token) {
            if of_token.len() > FLOOD {
                query(FORGET)
                    .bind(of_token[0].0.token)
                    .bind(i64::from(MOST - 1))
                    .execute(&mut aside)
                    .await?;
            }
        }
        aside.finish().await
    }

    /// Deletes all but the newest clients and addresses of each token.
    pub async fn forget_crowded_use(&self) -> Result<(), StoreError> {
        let crowded = query(CROWDED).bind(i64::from(MOST)).all(&mut self.read().await?).await?;
        for row in &crowded {
            let token: TokenId = row::parsed(row, "token_id")?;
            self.run_aside(query(FORGET).bind(token).bind(i64::from(MOST - 1))).await?;
        }
        Ok(())
    }
}

/// Merges usage into one row for each client, address, and token, because a statement may touch a row only once. Returns
/// each with the time of the last accepted request, if there was one.
fn added_up(seen: &[Usage]) -> Vec<(Usage, Option<Timestamp>)> {
    let mut rows: BTreeMap<_, (Usage, Option<Timestamp>)> = BTreeMap::new();
    let is_use = |usage: &&Usage| !usage.called.violations.contains(Violation::Revoked);
    for usage in seen.iter().filter(is_use) {
        let key = (usage.token, usage.client.as_str(), usage.client_ip.as_str());
        let begin = || (Usage { requests: 0, ..usage.clone() }, None);
        let (row, accepted) = rows.entry(key).or_insert_with(begin);
        row.requests += usage.requests;
        row.last_used_at = row.last_used_at.max(usage.last_used_at);
        let is_accepted = !usage.called.was_rejected;
        *accepted = (*accepted).max(is_accepted.then_some(usage.last_used_at));
    }
    rows.into_values().collect()
}
