//! The operations that tokens used, by client and day, and violations of limits, kept for a month.

use crate::{
    Read, Store, StoreError, row,
    sql::{Runs, SqlRow, composed, groups, query},
};
use keydesk_model::{AccountId, ScopeSet, Timestamp, TokenId, Usage, Violation};
use std::{collections::BTreeMap, time::Duration};

/// Requests of one client with one token to one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationUse {
    pub token: TokenId,
    pub token_name: String,
    pub scopes: ScopeSet,
    pub client: String,
    pub operation: String,
    pub requests: i64,
    /// The number of these requests that were rejected.
    pub rejected: i64,
    pub last_used_at: Timestamp,
}

/// Requests of one client to one operation, with one or with all tokens of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOperation {
    pub client: String,
    pub operation: String,
    pub requests: i64,
    /// The number of these requests that were rejected.
    pub rejected: i64,
}

impl ClientOperation {
    pub fn accepted(&self) -> i64 {
        self.requests - self.rejected
    }
}

/// Violations of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViolationRow {
    pub token: TokenId,
    pub token_name: String,
    /// `false` for a member's bearer token, which has no limits of its own.
    pub is_api_token: bool,
    pub client: String,
    pub operation: String,
    pub violation: Violation,
    pub requests: i64,
    /// The number of these requests that were rejected; the others were only recorded.
    pub rejected: i64,
    pub last_used_at: Timestamp,
}

/// A client whose requests were rejected because their token was revoked.
#[derive(Clone, Debug)]
pub struct RejectedClientRow {
    pub client: String,
    pub requests: i64,
    pub last_used_at: Timestamp,
}

const DAY: i64 = 86_400_000_000;
/// The time for which usage is kept.
const KEPT: Duration = Duration::from_hours(24 * 31);
/// The number of clients of a revoked token that are recorded on a day, so that a thief can't fill the
/// database. Clients that are recorded are counted on.
const MOST_REJECTED: i64 = 200;
const SIZES: [usize; 3] = [16, 4, 1];

/// Returns the statement for `count` rows of eight values each.
fn record(count: usize) -> String {
    let row = |at: usize| {
        let column = |n: usize| at * 8 + n;
        format!(
            "(CAST(${} AS BIGINT), CAST(${} AS TEXT), CAST(${} AS TEXT), CAST(${} AS TEXT), CAST(${} AS TEXT), \
             CAST(${} AS BIGINT), CAST(${} AS BIGINT), CAST(${} AS BIGINT))",
            column(1),
            column(2),
            column(3),
            column(4),
            column(5),
            column(6),
            column(7),
            column(8)
        )
    };
    let rows = (0..count).map(row).collect::<Vec<_>>().join(", ");
    format!(
        "WITH given (day, token_id, client, operation, violation, requests, rejected, last_used_at) AS (VALUES {rows}) \
         INSERT INTO operation_use (day, token_id, client, operation, violation, requests, rejected, last_used_at) \
         SELECT day, token_id, client, operation, violation, requests, rejected, last_used_at FROM given \
         WHERE EXISTS (SELECT 1 FROM token WHERE id = given.token_id) AND (given.violation <> 'revoked' \
           OR EXISTS (SELECT 1 FROM operation_use AS known WHERE known.token_id = given.token_id AND known.operation = '' \
             AND known.violation = 'revoked' AND known.client = given.client AND known.day = given.day) \
           OR (SELECT count(*) FROM operation_use AS known WHERE known.token_id = given.token_id AND known.operation = '' \
             AND known.violation = 'revoked' AND known.day = given.day) < {MOST_REJECTED}) \
         ON CONFLICT (token_id, operation, violation, client, day) DO UPDATE SET \
         requests = operation_use.requests + excluded.requests, rejected = operation_use.rejected + excluded.rejected, \
         last_used_at = CASE WHEN excluded.last_used_at > operation_use.last_used_at \
           THEN excluded.last_used_at ELSE operation_use.last_used_at END"
    )
}

macro_rules! select_uses {
    ($condition:literal) => {
        concat!(
            "SELECT token.id AS token_id, token.name, token.scopes, client, operation, \
             CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(rejected) AS BIGINT) AS rejected, \
             max(last_used_at) AS last_used_at \
             FROM operation_use JOIN token ON token.id = operation_use.token_id \
             WHERE violation = '' AND operation <> '' AND day >= $1 ",
            $condition,
            " GROUP BY token.id, token.name, token.scopes, client, operation \
             ORDER BY max(last_used_at) DESC, operation, client"
        )
    };
}

const USES: &str = select_uses!("");
const USES_OF_TOKEN: &str = select_uses!("AND token.id = $2");
macro_rules! select_operations {
    ($condition:literal) => {
        concat!(
            "SELECT client, operation, CAST(sum(requests) AS BIGINT) AS requests, \
             CAST(sum(rejected) AS BIGINT) AS rejected FROM operation_use JOIN token ON token.id = operation_use.token_id \
             WHERE violation = '' AND operation <> '' AND day >= $1 AND ",
            $condition,
            " GROUP BY client, operation \
             ORDER BY sum(requests) DESC, client, operation LIMIT 10000"
        )
    };
}

const OPERATIONS_OF_TOKEN: &str = select_operations!("token.id = $2");
const OPERATIONS_OF_ACCOUNT: &str = select_operations!("token.account_id = $2");
const OBJECTED: &str = "SELECT token.id AS token_id, token.name, token_owner, client, operation, violation, \
    CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(rejected) AS BIGINT) AS rejected, \
    max(last_used_at) AS last_used_at FROM operation_use JOIN token ON token.id = operation_use.token_id \
    WHERE violation <> '' AND day >= $1 AND token.account_id = $2 \
    GROUP BY token.id, token.name, token_owner, client, operation, violation \
    ORDER BY max(last_used_at) DESC, operation, client, violation LIMIT 1000";
const REJECTED: &str = "SELECT client, CAST(sum(requests) AS BIGINT) AS requests, max(last_used_at) AS last_used_at \
    FROM operation_use WHERE token_id = $1 AND violation = 'revoked' AND last_used_at > $2 \
    GROUP BY client ORDER BY min(day), sum(requests) DESC, client LIMIT 200";
const FORGET: &str = "DELETE FROM operation_use WHERE day < $1";

fn client_operation(row: &SqlRow) -> Result<ClientOperation, StoreError> {
    Ok(ClientOperation {
        client: row::text(row, "client")?,
        operation: row::text(row, "operation")?,
        requests: row.get("requests")?,
        rejected: row.get("rejected")?,
    })
}

fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY)
}

impl Read {
    /// Returns the usage of every token since that day, newest first.
    pub async fn list_operation_use(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<OperationUse>, StoreError> {
        let rows = query(USES).bind(day_of(since)).all(self).await?;
        rows.iter().map(operation_use).collect()
    }

    pub async fn list_operation_use_of(
        &mut self,
        token: TokenId,
        since: Timestamp,
    ) -> Result<Vec<OperationUse>, StoreError> {
        let rows = query(USES_OF_TOKEN).bind(day_of(since)).bind(token).all(self).await?;
        rows.iter().map(operation_use).collect()
    }

    /// Returns the requests of each client to each operation with a token since that day, the most first, at most 10,000.
    pub async fn list_client_operations(
        &mut self,
        token: TokenId,
        since: Timestamp,
    ) -> Result<Vec<ClientOperation>, StoreError> {
        let rows = query(OPERATIONS_OF_TOKEN).bind(day_of(since)).bind(token).all(self).await?;
        rows.iter().map(client_operation).collect()
    }

    /// Returns the same for all tokens of an account, like [`Self::list_client_operations`].
    pub async fn list_client_operations_of_account(
        &mut self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<ClientOperation>, StoreError> {
        let rows = query(OPERATIONS_OF_ACCOUNT).bind(day_of(since)).bind(account).all(self).await?;
        rows.iter().map(client_operation).collect()
    }

    /// Returns the violations in an account since that day, newest first.
    pub async fn list_violated(
        &mut self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<ViolationRow>, StoreError> {
        let rows = query(OBJECTED).bind(day_of(since)).bind(account).all(self).await?;
        rows.iter()
            .map(|row| {
                Ok(ViolationRow {
                    token: row::parsed(row, "token_id")?,
                    token_name: row::text(row, "name")?,
                    is_api_token: row::text(row, "token_owner")? == "account",
                    client: row::text(row, "client")?,
                    operation: row::text(row, "operation")?,
                    violation: row::parsed(row, "violation")?,
                    requests: row.get("requests")?,
                    rejected: row.get("rejected")?,
                    last_used_at: row::instant(row, "last_used_at")?,
                })
            })
            .collect()
    }

    /// Returns the clients of a token that were rejected after `since` because it was revoked: by the day of the first rejection, then those with the most requests.
    pub async fn list_rejected_clients(
        &mut self,
        token: TokenId,
        since: Timestamp,
    ) -> Result<Vec<RejectedClientRow>, StoreError> {
        let rows = query(REJECTED).bind(token).bind(since).all(self).await?;
        let client = |row: &crate::sql::SqlRow| {
            Ok(RejectedClientRow {
                client: row::text(row, "client")?,
                requests: row.get("requests")?,
                last_used_at: row::instant(row, "last_used_at")?,
            })
        };
        rows.iter().map(client).collect()
    }
}

fn operation_use(row: &crate::sql::SqlRow) -> Result<OperationUse, StoreError> {
    Ok(OperationUse {
        token: row::parsed(row, "token_id")?,
        token_name: row::text(row, "name")?,
        scopes: row::parsed(row, "scopes")?,
        client: row::text(row, "client")?,
        operation: row::text(row, "operation")?,
        requests: row.get("requests")?,
        rejected: row.get("rejected")?,
        last_used_at: row::instant(row, "last_used_at")?,
    })
}

impl Store {
    /// Deletes usage that is older than a month.
    pub async fn forget_old_use(&self, now: Timestamp) -> Result<(), StoreError> {
        let oldest = day_of(now.minus(KEPT));
        self.run_aside(query(FORGET).bind(oldest)).await.map(|_| ())
    }
}

/// Requests, and the number of them that were rejected, by the key of a row.
type Rows<'a> = BTreeMap<(TokenId, &'a str, &'static str, &'a str, i64), (i64, i64, Timestamp)>;

/// Adds the usage of a gateway if it knew the operation or found a violation.
pub(crate) async fn add(runs: &mut impl Runs, seen: &[Usage]) -> Result<(), StoreError> {
    let mut rows: Rows<'_> = BTreeMap::new();
    let says_something =
        |usage: &&Usage| !(usage.called.operation.is_empty() && usage.called.violations.is_empty());
    for usage in seen.iter().filter(says_something) {
        let violations = usage.called.violations.iter().map(Violation::as_str);
        // A revoked token has no use; only its rejections are recorded.
        let is_revoked = usage.called.violations.contains(Violation::Revoked);
        for violation in Some("").filter(|_| !is_revoked).into_iter().chain(violations) {
            let day = day_of(usage.last_used_at);
            let key = (usage.token, &*usage.called.operation, violation, &*usage.client, day);
            let row = rows.entry(key).or_insert((0, 0, usage.last_used_at));
            row.0 += usage.requests;
            row.1 += if usage.called.was_rejected { usage.requests } else { 0 };
            row.2 = row.2.max(usage.last_used_at);
        }
    }
    let rows: Vec<_> = rows.into_iter().collect();
    for group in groups(&rows, &SIZES) {
        let mut record = composed(record(group.len()));
        for ((token, operation, violation, client, day), (requests, rejected, last)) in group {
            record = record
                .bind(*day)
                .bind(token.to_string())
                .bind((*client).to_owned())
                .bind((*operation).to_owned())
                .bind((*violation).to_owned())
                .bind(*requests)
                .bind(*rejected)
                .bind(last.as_micros());
        }
        record.execute(runs).await?;
    }
    Ok(())
}
