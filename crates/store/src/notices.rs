//! What happens without a change, such as the expiration of a token, and is recorded once in the audit log.

use crate::{
    Read, Store, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, FirstUse, Month, Timestamp, TokenId, Violation};

/// The kind of a notice, which determines its subject and its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A token, and the instant at which it expired.
    Expired,
    /// A token, once.
    FirstUsed,
    /// A token, and the instant of an unfamiliar use.
    Unfamiliar,
    /// A token, and the day of the rejected requests.
    Rejected,
    /// A token, and the day of the rejected requests.
    RateLimited,
    /// An account, and the month in which it has reached the threshold.
    Quota50,
    Quota80,
    Quota100,
    /// A token, and the hour of the errors.
    ErrorSpike,
    /// A token, and the last hour with requests.
    Silence,
    /// A token, and the end of its previous secret.
    PreviousSecret,
    /// A canary token that was found and who found it, and the ten minutes since 1970.
    CanaryFound,
}

impl NoticeKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::FirstUsed => "first_used",
            Self::Unfamiliar => "unfamiliar",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate_limited",
            Self::Quota50 => "quota_50",
            Self::Quota80 => "quota_80",
            Self::Quota100 => "quota_100",
            Self::ErrorSpike => "error_spike",
            Self::Silence => "silence",
            Self::PreviousSecret => "previous_secret",
            Self::CanaryFound => "canary_found",
        }
    }
}

/// Something that happened to a token and has no notice yet.
#[derive(Clone, Debug)]
pub struct Happened {
    pub token: TokenId,
    pub account: AccountId,
    pub at: Timestamp,
    /// The number of requests, or 0.
    pub requests: i64,
    /// The client, if there was one.
    pub client: String,
    pub client_ip: String,
}

/// Notices are kept for longer than anything is looked back for, those about a first use as long as the token.
const FORGET: &str = "DELETE FROM notice WHERE at < $1 AND kind <> 'first_used'";
const NOTE: &str =
    "INSERT INTO notice (subject, kind, period, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const NOTED: &str =
    "SELECT count(*) AS number FROM notice WHERE subject = $1 AND kind = $2 AND period >= $3";
const EXPIRED: &str = "SELECT token.id, token.account_id, token.expires_at AS at, CAST(0 AS BIGINT) AS requests, \
    '' AS client, '' AS client_ip FROM token \
    WHERE token.expires_at > $1 AND token.expires_at <= $2 AND token.token_owner = 'account' AND EXISTS \
    (SELECT 1 FROM secret WHERE secret.token_id = token.id AND secret.ended_at IS NULL) AND NOT EXISTS \
    (SELECT 1 FROM notice WHERE subject = token.id AND kind = 'expired' AND period = token.expires_at) \
    ORDER BY token.expires_at, token.id LIMIT 100";
const FIRST_USED: &str = "SELECT token.id, token.account_id, used.first_used_at AS at, used.requests, used.client, \
    used.client_ip FROM integration AS used JOIN token ON token.id = used.token_id \
    WHERE used.first_used_at > $1 AND NOT EXISTS (SELECT 1 FROM integration AS earlier \
      WHERE earlier.token_id = used.token_id AND (earlier.first_used_at, earlier.client, earlier.client_ip) < \
      (used.first_used_at, used.client, used.client_ip)) AND NOT EXISTS \
    (SELECT 1 FROM notice WHERE subject = token.id AND kind = 'first_used') \
    ORDER BY used.first_used_at, token.id LIMIT 100";
/// First uses of API tokens by each client, in accounts that want to know unfamiliar ones.
const FIRST_USES: &str = "SELECT token.id, token.account_id, used.first_used_at AS at, used.requests, used.client, \
    used.client_ip FROM integration AS used JOIN token ON token.id = used.token_id \
    JOIN account ON account.id = token.account_id \
    WHERE used.first_used_at > $1 AND account.unfamiliar_use <> 'off' AND token.token_owner = 'account' AND NOT EXISTS \
    (SELECT 1 FROM notice WHERE subject = token.id AND kind = 'unfamiliar' AND period = used.first_used_at) \
    ORDER BY used.first_used_at, token.id, used.client, used.client_ip LIMIT 1000";
const USES_OF_TOKEN: &str =
    "SELECT client, client_ip, first_used_at FROM integration WHERE token_id = $1";
const VIOLATED: &str = "SELECT token.id, token.account_id, max(last_used_at) AS at, \
    CAST(sum(rejected) AS BIGINT) AS requests, '' AS client, '' AS client_ip \
    FROM operation_use JOIN token ON token.id = operation_use.token_id \
    WHERE day = $1 AND violation <> '' AND violation = $2 AND rejected > 0 AND NOT EXISTS \
    (SELECT 1 FROM notice WHERE subject = token.id AND kind = $3 AND period = $1) \
    GROUP BY token.id, token.account_id ORDER BY token.id LIMIT 100";
const QUOTA_USED: &str = "SELECT account.id, account.plan, quota_use.requests FROM quota_use \
    JOIN account ON account.number = quota_use.account_number WHERE month = $1 AND changed_at >= $2";

fn happened(row: &SqlRow) -> Result<Happened, StoreError> {
    Ok(Happened {
        token: row::parsed(row, "id")?,
        account: row::parsed(row, "account_id")?,
        at: row::instant(row, "at")?,
        requests: row.get("requests")?,
        client: row::text(row, "client")?,
        client_ip: row::text(row, "client_ip")?,
    })
}

impl Read {
    /// Returns API tokens that expired after `since` and have no notice, at most 100.
    pub async fn list_expired_tokens(
        &mut self,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Happened>, StoreError> {
        query(EXPIRED).bind(since).bind(now).all(self).await?.iter().map(happened).collect()
    }

    /// Returns tokens that were used for the first time after `since` and have no notice, at most 100.
    pub async fn list_first_used_tokens(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<Happened>, StoreError> {
        query(FIRST_USED).bind(since).all(self).await?.iter().map(happened).collect()
    }

    /// Returns the first uses of API tokens by each client after `since`, in accounts that want to know unfamiliar ones.
    pub async fn list_first_uses(&mut self, since: Timestamp) -> Result<Vec<Happened>, StoreError> {
        query(FIRST_USES).bind(since).all(self).await?.iter().map(happened).collect()
    }

    /// Returns the first use of a token by each client and from each IP address.
    pub async fn list_first_uses_of(
        &mut self,
        token: TokenId,
    ) -> Result<Vec<FirstUse>, StoreError> {
        let rows = query(USES_OF_TOKEN).bind(token).all(self).await?;
        rows.iter()
            .map(|row| {
                Ok(FirstUse {
                    client: row::text(row, "client")?,
                    client_ip: row::text(row, "client_ip")?,
                    at: row::instant(row, "first_used_at")?,
                })
            })
            .collect()
    }

    /// Returns tokens with rejected requests of a kind on a day (since 1970) that have no notice, at most 100.
    pub async fn list_rejected_tokens(
        &mut self,
        day: i64,
        (violation, kind): (Violation, NoticeKind),
    ) -> Result<Vec<Happened>, StoreError> {
        let asked = query(VIOLATED).bind(day).bind(violation.as_str()).bind(kind.as_str());
        asked.all(self).await?.iter().map(happened).collect()
    }

    /// Returns the accounts whose count of this month has changed since an instant, each with its plan and count.
    pub async fn list_changed_quota_use(
        &mut self,
        month: Month,
        since: Timestamp,
    ) -> Result<Vec<(AccountId, String, i64)>, StoreError> {
        let rows = query(QUOTA_USED).bind(month.number()).bind(since).all(self).await?;
        rows.iter()
            .map(|row| Ok((row::parsed(row, "id")?, row::text(row, "plan")?, row.get("requests")?)))
            .collect()
    }
}

impl Read {
    /// Returns whether something of this kind was noted for a period that is not before `since`.
    pub async fn has_notice_since(
        &mut self,
        subject: &str,
        kind: NoticeKind,
        since: i64,
    ) -> Result<bool, StoreError> {
        let asked = query(NOTED).bind(subject).bind(kind.as_str()).bind(since);
        Ok(asked.one(self).await?.get::<i64>("number")? > 0)
    }
}

impl Write {
    /// Notes that something happened. Returns `false` if it was noted before.
    pub async fn note(
        &mut self,
        subject: &str,
        kind: NoticeKind,
        period: i64,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let note = query(NOTE).bind(subject).bind(kind.as_str()).bind(period).bind(now);
        Ok(note.execute(self).await? == 1)
    }
}

impl Store {
    pub async fn forget_old_notices(&self, before: Timestamp) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(before)).await.map(|_| ())
    }
}
