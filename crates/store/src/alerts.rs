//! What alerts are made of: tokens with many errors, tokens that are no longer used, and who wants to be told.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, AlertSettings, Outcomes, Rhythm, Timestamp, TokenId, Violation};
use std::collections::BTreeMap;

/// A token with many errors.
#[derive(Clone, Copy, Debug)]
pub struct FailingToken {
    pub token: TokenId,
    pub account: AccountId,
    pub now: Outcomes,
}

/// A token that was used in the last week, and not in the last hours.
#[derive(Clone, Debug)]
pub struct QuietToken {
    pub token: TokenId,
    pub account: AccountId,
    pub rhythm: Rhythm,
    pub last_hour: Timestamp,
    /// The number of hours with requests, and of requests in them.
    pub hours: u32,
    pub requests: u64,
}

/// How many requests failed, and for how many the API was the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reliability {
    pub requests: u64,
    /// Those with a status of 400 or higher.
    pub errors: u64,
    /// Those with a status of 500 or higher.
    pub server_errors: u64,
}

/// A previous secret that is still used.
#[derive(Clone, Debug)]
pub struct UsedPreviousSecret {
    pub token: TokenId,
    pub account: AccountId,
    pub valid_until: Timestamp,
    pub last_used_at: Timestamp,
    /// The names of the clients, separated by commas.
    pub clients: Vec<String>,
}

/// Only tokens whose newest secret is not revoked.
const ERRORS: &str = "SELECT token.id, token.account_id, \
    CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(errors) AS BIGINT) AS errors \
    FROM period_use JOIN token ON token.id = period_use.subject \
    WHERE period = 'hour' AND at >= $1 AND reporter <> '' AND (token.expires_at IS NULL OR token.expires_at > $2) \
    AND EXISTS (SELECT 1 FROM secret WHERE secret.token_id = token.id AND secret.ended_at IS NULL) \
    GROUP BY token.id, token.account_id HAVING sum(errors) >= $3 ORDER BY token.id";
const BEFORE: &str = "SELECT CAST(coalesce(sum(requests), 0) AS BIGINT) AS requests, \
    CAST(coalesce(sum(errors), 0) AS BIGINT) AS errors FROM period_use \
    WHERE subject = $1 AND period = 'hour' AND at >= $2 AND at < $3";
/// Tokens with requests on one of the last days, and none in the last hours.
const QUIET: &str = "SELECT token.id, token.account_id, used.at, CAST(sum(used.requests) AS BIGINT) AS requests \
    FROM period_use AS used JOIN token ON token.id = used.subject \
    WHERE used.period = 'hour' AND used.reporter <> '' AND used.at >= $1 \
    AND (token.expires_at IS NULL OR token.expires_at > $2) \
    AND EXISTS (SELECT 1 FROM secret WHERE secret.token_id = token.id AND secret.ended_at IS NULL) \
    AND used.subject IN (SELECT subject FROM period_use WHERE period = 'day' AND at >= $3 \
      EXCEPT SELECT subject FROM period_use WHERE period = 'hour' AND reporter <> '' AND at > $4) \
    GROUP BY token.id, token.account_id, used.at ORDER BY token.id, used.at";
/// Once less than a quarter of the grace period is left.
const PREVIOUS: &str = "SELECT token.id, token.account_id, secret.valid_until, max(used.last_used_at) AS last_used_at, \
    used.client FROM secret JOIN token ON token.id = secret.token_id \
    JOIN operation_use AS used ON used.token_id = token.id \
    WHERE secret.ended_at IS NULL AND secret.valid_until > $1 \
    AND (secret.valid_until - $1) * 4 <= secret.valid_until - secret.rotated_at \
    AND used.violation = $2 AND used.last_used_at > secret.rotated_at AND used.last_used_at > $3 AND NOT EXISTS \
    (SELECT 1 FROM notice WHERE subject = token.id AND kind = 'previous_secret' AND period = secret.valid_until) \
    GROUP BY token.id, token.account_id, secret.valid_until, used.client ORDER BY token.id, used.client LIMIT 1000";
const RELIABILITY: &str = "SELECT CAST(coalesce(sum(requests), 0) AS BIGINT) AS requests, \
    CAST(coalesce(sum(errors), 0) AS BIGINT) AS errors, CAST(coalesce(sum(server_errors), 0) AS BIGINT) AS server_errors \
    FROM period_use WHERE period = 'hour' AND at >= $1 AND reporter <> '' AND subject LIKE 'tok!_%' ESCAPE '!' \
    AND ($2 = '' OR subject IN (SELECT id FROM token WHERE account_id = $2))";
const SETTINGS: &str = "SELECT body FROM alert_settings WHERE subject = $1";
const SET: &str = "INSERT INTO alert_settings (subject, body) VALUES ($1, $2) \
    ON CONFLICT (subject) DO UPDATE SET body = excluded.body";

fn outcomes(row: &SqlRow) -> Result<Outcomes, StoreError> {
    let number = |name| row.get::<i64>(name).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(Outcomes { requests: number("requests")?, errors: number("errors")? })
}

impl Reliability {
    pub(crate) fn read(row: &SqlRow) -> Result<Self, StoreError> {
        let Outcomes { requests, errors } = outcomes(row)?;
        let server_errors = u64::try_from(row.get::<i64>("server_errors")?).unwrap_or_default();
        Ok(Self { requests, errors, server_errors })
    }
}

impl Read {
    /// Returns the active tokens with at least this number of errors in the hours from `since`.
    pub async fn list_failing_tokens(
        &mut self,
        (since, now): (Timestamp, Timestamp),
        least: u32,
    ) -> Result<Vec<FailingToken>, StoreError> {
        let rows = query(ERRORS).bind(since).bind(now).bind(least).all(self).await?;
        let failing = |row: &SqlRow| {
            let (token, account) = (row::parsed(row, "id")?, row::parsed(row, "account_id")?);
            Ok(FailingToken { token, account, now: outcomes(row)? })
        };
        rows.iter().map(failing).collect()
    }

    /// Returns the requests of a token in the hours from `since` to before `until`.
    pub async fn count_outcomes(
        &mut self,
        token: TokenId,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Outcomes, StoreError> {
        let asked = query(BEFORE).bind(token).bind(since).bind(until);
        outcomes(&asked.one(self).await?)
    }

    /// Returns the active tokens that were used after `recently`, and not in the hours after `last`.
    pub async fn list_quiet_tokens(
        &mut self,
        now: Timestamp,
        (recently, last): (Timestamp, Timestamp),
    ) -> Result<Vec<QuietToken>, StoreError> {
        let since = now.minus(Rhythm::KNOWN).start_of_hour();
        let asked = query(QUIET).bind(since).bind(now).bind(recently.start_of_day()).bind(last);
        let mut found: BTreeMap<(TokenId, AccountId), (Vec<Timestamp>, u64)> = BTreeMap::new();
        for row in &asked.all(self).await? {
            let key = (row::parsed(row, "id")?, row::parsed(row, "account_id")?);
            let (hours, requests) = found.entry(key).or_default();
            hours.push(row::instant(row, "at")?);
            *requests += u64::try_from(row.get::<i64>("requests")?).unwrap_or_default();
        }
        let quiet = found.into_iter().filter_map(|((token, account), (hours, requests))| {
            let (last_hour, count) = (*hours.last()?, u32::try_from(hours.len()).ok()?);
            let rhythm = Rhythm::new(hours);
            Some(QuietToken { token, account, rhythm, last_hour, hours: count, requests })
        });
        Ok(quiet.collect())
    }

    /// Returns the previous secrets that were used after `since`, and stop working soon.
    pub async fn list_used_previous_secrets(
        &mut self,
        now: Timestamp,
        since: Timestamp,
    ) -> Result<Vec<UsedPreviousSecret>, StoreError> {
        let asked = query(PREVIOUS).bind(now).bind(Violation::PreviousSecret.as_str()).bind(since);
        let mut found: Vec<UsedPreviousSecret> = Vec::new();
        for row in &asked.all(self).await? {
            let used = UsedPreviousSecret {
                token: row::parsed(row, "id")?,
                account: row::parsed(row, "account_id")?,
                valid_until: row::instant(row, "valid_until")?,
                last_used_at: row::instant(row, "last_used_at")?,
                clients: vec![row::text(row, "client")?],
            };
            match found
                .last_mut()
                .filter(|last| (last.token, last.valid_until) == (used.token, used.valid_until))
            {
                Some(last) => {
                    last.last_used_at = last.last_used_at.max(used.last_used_at);
                    last.clients.extend(used.clients);
                }
                None => found.push(used),
            }
        }
        Ok(found)
    }

    /// Returns the requests in the hours from `since`, of an account or of all.
    pub async fn count_reliability(
        &mut self,
        account: Option<AccountId>,
        since: Timestamp,
    ) -> Result<Reliability, StoreError> {
        let account = account.map(|id| id.to_string()).unwrap_or_default();
        Reliability::read(&query(RELIABILITY).bind(since).bind(account).one(self).await?)
    }

    /// Returns the alerts of an account, or of a token.
    pub async fn find_alert_settings(
        &mut self,
        subject: &str,
    ) -> Result<AlertSettings, StoreError> {
        let row = query(SETTINGS).bind(subject).optional(self).await?;
        let Some(row) = row else { return Ok(AlertSettings::default()) };
        let body: &str = row.get("body")?;
        serde_json::from_str(body).map_err(|_| StoreError::Unreadable { column: "body" })
    }
}

impl Write {
    pub async fn set_alert_settings(
        &mut self,
        subject: &str,
        settings: &AlertSettings,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(settings).expect("it has string keys only");
        query(SET).bind(subject).bind(body).execute(self).await.map(|_| ())
    }
}
