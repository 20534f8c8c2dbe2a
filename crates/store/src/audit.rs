//! The audit log: one entry for every change, written in the change's own transaction.

use crate::{
    AuditEntry, Read, StoreError, Write,
    audit_chain::ChainInput,
    page::patterns,
    row,
    sql::{Query, SqlRow, query},
};
use keydesk_model::{AccountId, Actor, Event, Timestamp, TokenId};

#[derive(Clone, Debug)]
pub struct AuditRow {
    pub seq: i64,
    pub at: Timestamp,
    pub event: String,
    pub target: String,
    pub detail: String,
}

/// A receipt in the audit log.
#[derive(Clone, Debug)]
pub struct StoredReceipt {
    /// The number of its entry.
    pub seq: i64,
    pub jws: String,
    /// The name of the token, member, or user that it concerns, if known.
    pub target_name: Option<String>,
}

/// An entry in search results.
#[derive(Clone, Debug)]
pub struct AuditLine {
    pub seq: i64,
    pub at: Timestamp,
    pub event: String,
    /// `user`, `management_key`, `operator`, `token`, `node` or `visitor`.
    pub actor: String,
    pub management_key: Option<String>,
    /// The name of the management key.
    pub management_key_name: Option<String>,
    /// The name of a user, if it is still known.
    pub actor_name: Option<String>,
    pub actor_email: Option<String>,
    pub target: String,
    /// The name of the token, member, user, or management key that it concerns, as it is now.
    pub target_name: Option<String>,
    pub detail: String,
    pub client_ip: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: String,
}

/// A search for audit entries, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditSearch {
    /// `None` for entries that concern no account.
    pub account: Option<AccountId>,
    /// An action, or the part before its dot, or empty for all.
    pub event: String,
    /// Text to find anywhere in an entry, or empty for all.
    pub text: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only entries before this number.
    pub before: Option<i64>,
    pub limit: u32,
}

const NEXT: &str = "UPDATE head SET audit_seq = audit_seq + 1 WHERE one = 1 RETURNING audit_seq";
const ADD: &str = "INSERT INTO audit (seq, at, event, actor, user_id, member_id, management_key_id, account_id, \
    target, detail, client_ip, user_agent, request_id, number, chain) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
macro_rules! select_lines {
    ($condition:literal) => {
        concat!(
            "SELECT seq, at, event, actor, users.name AS actor_name, users.email AS actor_email, \
             management_key_id, management_key.name AS management_key_name, \
             coalesce(CASE WHEN token.member_id IS NULL THEN token.name END, of_bearer.name, of_member.name, of_user.name, \
             own_key.name) AS target_name, \
             target, detail, client_ip, user_agent, request_id FROM audit \
             LEFT JOIN users ON users.id = audit.user_id \
             LEFT JOIN management_key ON management_key.id = audit.management_key_id \
             LEFT JOIN token ON token.id = audit.target LEFT JOIN member AS bearer ON bearer.id = token.member_id \
             LEFT JOIN users AS of_bearer ON of_bearer.id = bearer.user_id \
             LEFT JOIN member ON member.id = audit.target \
             LEFT JOIN users AS of_member ON of_member.id = member.user_id \
             LEFT JOIN users AS of_user ON of_user.id = audit.target \
             LEFT JOIN management_key AS own_key ON own_key.id = audit.target WHERE ",
            $condition
        )
    };
}

const SEARCH: &str = select_lines!(
    "coalesce(audit.account_id, '') = $1 AND seq < $2 AND at >= $3 AND at < $4 \
     AND ($5 = '' OR event = $5 OR event LIKE $6 ESCAPE '!') \
     AND ($7 = '' OR lower(event || ' ' || target || ' ' || detail || ' ' || coalesce(client_ip, '') || ' ' || \
       coalesce(user_agent, '') || ' ' || request_id || ' ' || coalesce(users.name, '') || ' ' || \
       coalesce(users.email, '')) LIKE $7 ESCAPE '!') \
     ORDER BY seq DESC LIMIT $8"
);
const OF_TARGET: &str =
    select_lines!("audit.account_id = $1 AND audit.target = $2 ORDER BY seq DESC LIMIT $3");
/// The changes that can explain why usage changes.
const MARKED: &str = select_lines!(
    "audit.account_id = $1 AND audit.at >= $2 AND audit.at < $3 AND audit.event IN ('token.created', 'token.rotated', \
     'token.revoked', 'token.paused', 'token.restored', 'token.revoked_permanently', 'token.expired', 'token.leaked', \
     'token.limited', 'token.previous_secrets_revoked', 'account.limited', 'account.plan_changed', \
     'account.suspended', 'account.restored') \
     AND ($4 = '' OR audit.target = $4 OR audit.event LIKE 'account.%') ORDER BY seq DESC LIMIT $5"
);
/// The alerts.
const ALERTS: &str = select_lines!(
    "audit.account_id = $1 AND audit.event IN ('token.error_spike', 'token.silent', 'token.previous_secret_used', \
     'token.unfamiliar_use', 'quota.threshold') ORDER BY seq DESC LIMIT $2"
);
const LATER: &str =
    "SELECT seq, at, event, target, detail FROM audit WHERE seq > $1 ORDER BY seq LIMIT 1000";

/// Selects receipts with the name of the token, member, or user that they concern.
macro_rules! select_receipts {
    ($condition:literal) => {
        concat!(
            "SELECT seq, event, detail, coalesce(token.name, of_member.name, of_user.name) AS target_name FROM audit \
             LEFT JOIN token ON token.id = audit.target LEFT JOIN member ON member.id = audit.target \
             LEFT JOIN users AS of_member ON of_member.id = member.user_id \
             LEFT JOIN users AS of_user ON of_user.id = audit.target \
             WHERE audit.account_id = $1 AND audit.event = 'receipt.issued' AND ",
            $condition
        )
    };
}

const RECEIPTS: &str = select_receipts!(
    "audit.seq < $2 AND ($3 = '' \
       OR lower(coalesce(token.name, of_member.name, of_user.name, '')) LIKE $3 ESCAPE '!' \
       OR coalesce(token.name, of_member.name, of_user.name, '') LIKE $4 ESCAPE '!') \
     ORDER BY audit.seq DESC LIMIT $5"
);
const RECEIPT_OF: &str =
    select_receipts!("audit.target = $2 AND audit.seq > $3 ORDER BY audit.seq LIMIT 1");
const RECEIPT: &str = select_receipts!("audit.seq = $2");

fn entry(row: &SqlRow) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        seq: row.get("seq")?,
        at: row::instant(row, "at")?,
        event: row::text(row, "event")?,
        target: row::text(row, "target")?,
        detail: row::text(row, "detail")?,
    })
}

fn receipt(row: &SqlRow) -> Result<StoredReceipt, StoreError> {
    let (event, detail) = (row::text(row, "event")?, row::text(row, "detail")?);
    let Some(Event::ReceiptIssued { jws }) = Event::read(&event, &detail) else {
        return Err(StoreError::Unreadable { column: "detail" });
    };
    Ok(StoredReceipt { seq: row.get("seq")?, jws, target_name: row.get("target_name")? })
}

fn line(row: &SqlRow) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        seq: row.get("seq")?,
        at: row::instant(row, "at")?,
        event: row::text(row, "event")?,
        actor: row::text(row, "actor")?,
        management_key: row.get("management_key_id")?,
        management_key_name: row.get("management_key_name")?,
        actor_name: row.get("actor_name")?,
        actor_email: row.get("actor_email")?,
        target_name: row.get("target_name")?,
        target: row::text(row, "target")?,
        detail: row::text(row, "detail")?,
        client_ip: row.get("client_ip")?,
        user_agent: row.get("user_agent")?,
        request_id: row::text(row, "request_id")?,
    })
}

/// The rotations of a token by itself.
const ROTATED_ITSELF: &str = "SELECT count(*) AS number FROM audit WHERE account_id = $1 AND event = 'token.rotated' \
    AND target = $2 AND actor = 'token' AND at >= $3";

impl Read {
    /// Returns whether a token has rotated itself since an instant.
    pub async fn has_rotated_itself(
        &mut self,
        (account, token): (AccountId, TokenId),
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let asked = query(ROTATED_ITSELF).bind(account).bind(token).bind(since);
        Ok(asked.one(self).await?.get::<i64>("number")? > 0)
    }

    /// Returns the newest matching entries, at most `limit`.
    pub async fn search_audit(
        &mut self,
        search: &AuditSearch,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let [text, _] = patterns(&search.text);
        let asked = query(SEARCH)
            .bind(search.account.map(|id| id.to_string()).unwrap_or_default())
            .bind(search.before.unwrap_or(i64::MAX))
            .bind(search.since.map_or(i64::MIN, Timestamp::as_micros))
            .bind(search.until.map_or(i64::MAX, Timestamp::as_micros))
            .bind(&search.event)
            .bind(format!("{}.%", row::escape_like(&search.event)))
            .bind(text)
            .bind(search.limit);
        asked.all(self).await?.iter().map(line).collect()
    }

    /// Returns the newest entries about an object of the account.
    pub async fn list_audit_of(
        &mut self,
        account: AccountId,
        target: &str,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let asked = query(OF_TARGET).bind(account).bind(target).bind(limit);
        asked.all(self).await?.iter().map(line).collect()
    }

    /// Returns the newest changes that can explain why the usage of an account, or of one of its tokens, changes.
    pub async fn list_marked_changes(
        &mut self,
        account: AccountId,
        token: Option<TokenId>,
        (since, until): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let token = token.map(|token| token.to_string()).unwrap_or_default();
        let asked = query(MARKED).bind(account).bind(since).bind(until).bind(token).bind(limit);
        asked.all(self).await?.iter().map(line).collect()
    }

    /// Returns the newest alerts of an account.
    pub async fn list_alerts(
        &mut self,
        account: AccountId,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        query(ALERTS).bind(account).bind(limit).all(self).await?.iter().map(line).collect()
    }

    /// Returns the account's receipts before entry number `before`, newest first, at most `limit`. With a text, only
    /// those for tokens, members, or users whose name contains it.
    pub async fn list_receipts(
        &mut self,
        account: AccountId,
        (text, before): (&str, Option<i64>),
        limit: u32,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        let [lowercase, entered] = patterns(text);
        let asked = query(RECEIPTS).bind(account).bind(before.unwrap_or(i64::MAX));
        let asked = asked.bind(lowercase).bind(entered).bind(limit);
        asked.all(self).await?.iter().map(receipt).collect()
    }

    pub async fn find_receipt(
        &mut self,
        account: AccountId,
        seq: i64,
    ) -> Result<Option<StoredReceipt>, StoreError> {
        let found = query(RECEIPT).bind(account).bind(seq).optional(self).await?;
        found.as_ref().map(receipt).transpose()
    }

    /// Returns the receipt of a change, which follows the change's own entry.
    pub async fn find_receipt_of(
        &mut self,
        account: AccountId,
        target: &str,
        after: i64,
    ) -> Result<Option<StoredReceipt>, StoreError> {
        let asked = query(RECEIPT_OF).bind(account).bind(target).bind(after);
        asked.optional(self).await?.as_ref().map(receipt).transpose()
    }

    /// Returns the entries after number `after`, oldest first, at most 1,000.
    pub async fn list_audit(&mut self, after: i64) -> Result<Vec<AuditRow>, StoreError> {
        let rows = query(LATER).bind(after).all(self).await?;
        rows.iter().map(entry).collect()
    }
}

impl Write {
    /// Writes an entry in addition to the one that the transaction is committed with. Returns its number.
    pub async fn audit(&mut self, entry: &AuditEntry) -> Result<i64, StoreError> {
        let now = self.now().as_micros();
        let (actor, user, member, key) = match &entry.actor {
            Actor::User { user, member } => ("user", Some(*user), *member, None),
            Actor::ManagementKey { key, user, member } => {
                ("management_key", Some(*user), *member, Some(*key))
            }
            Actor::Operator { user } => ("operator", *user, None, None),
            Actor::Token => ("token", None, None, None),
            Actor::Node => ("node", None, None, None),
            Actor::AnonymousUser => ("visitor", None, None, None),
        };
        let seq: i64 = query(NEXT).one(self).await?.get("audit_seq")?;
        let (user, member) = (user.map(|id| id.to_string()), member.map(|id| id.to_string()));
        let key = key.map(|id| id.to_string());
        let (account, detail) =
            (entry.account.map(|id| id.to_string()), entry.event.detail().to_string());
        let client_ip = entry.origin.client_ip.map(|addr| addr.to_string());
        let texts = [
            Some(entry.event.name()),
            Some(actor),
            user.as_deref(),
            member.as_deref(),
            key.as_deref(),
            account.as_deref(),
            Some(&entry.target),
            Some(&detail),
            client_ip.as_deref(),
            entry.origin.user_agent.as_deref(),
            Some(&entry.origin.request_id),
        ];
        let links = ChainInput { seq, at: now, texts };
        let (number, chain) =
            self.extend_chain(account.as_deref().unwrap_or_default(), &links).await?;
        let add = texts.into_iter().fold(query(ADD).bind(seq).bind(now), Query::bind);
        add.bind(number).bind(chain).execute(self).await?;
        Ok(seq)
    }
}
