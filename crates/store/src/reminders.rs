//! Tokens that expire soon, and the reminders that were sent.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{AccountId, Email, Language, Timestamp, TokenId};

/// A live API token that expires soon.
#[derive(Clone, Debug)]
pub struct Expiring {
    pub token: TokenId,
    pub name: String,
    pub account: AccountId,
    pub account_name: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

const EXPIRING: &str = "SELECT token.id, token.name, token.account_id, account.name AS account_name, token.created_at, token.expires_at, \
    (SELECT max(last_used_at) FROM integration WHERE integration.token_id = token.id) AS last_used_at \
    FROM token JOIN account ON account.id = token.account_id \
    WHERE token.token_owner = 'account' AND token.expires_at > $1 AND token.expires_at <= $2 AND EXISTS \
    (SELECT 1 FROM secret WHERE secret.token_id = token.id AND secret.ended_at IS NULL) \
    ORDER BY token.expires_at, token.id LIMIT 1000";
/// Selects the creator, or whose bearer token it is, while they are a member, and everyone who administers the account.
const TO_TELL: &str = "SELECT DISTINCT users.email, users.language FROM member JOIN users ON users.id = member.user_id \
    WHERE member.account_id = $1 AND member.removed_at IS NULL AND (member.role IN ('owner', 'administrator') \
    OR member.id = (SELECT coalesce(member_id, created_by) FROM token WHERE token.id = $2)) ORDER BY users.email";
const NOTE: &str = "INSERT INTO reminder (token_id, expires_at, days, sent_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT DO NOTHING";

impl Read {
    /// Returns live API tokens that expire after `now` and not later than `until`, the next first, at most 1,000.
    pub async fn list_expiring_tokens(
        &mut self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Expiring>, StoreError> {
        let rows = query(EXPIRING).bind(now).bind(until).all(self).await?;
        rows.iter()
            .map(|row| {
                Ok(Expiring {
                    token: row::parsed(row, "id")?,
                    name: row::text(row, "name")?,
                    account: row::parsed(row, "account_id")?,
                    account_name: row::text(row, "account_name")?,
                    created_at: row::instant(row, "created_at")?,
                    expires_at: row::instant(row, "expires_at")?,
                    last_used_at: row::instant_opt(row, "last_used_at")?,
                })
            })
            .collect()
    }

    /// Returns the recipients of a token's reminder and their chosen language.
    pub async fn list_whom_to_tell(
        &mut self,
        account: AccountId,
        token: TokenId,
    ) -> Result<Vec<(Email, Option<Language>)>, StoreError> {
        let rows = query(TO_TELL).bind(account).bind(token).all(self).await?;
        rows.iter()
            .map(|row| Ok((row::parsed(row, "email")?, row::parsed_opt(row, "language")?)))
            .collect()
    }
}

impl Write {
    /// Records a reminder. Returns `false` if it was recorded before.
    pub async fn note_reminder(
        &mut self,
        token: TokenId,
        expires_at: Timestamp,
        days: i64,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let note = query(NOTE).bind(token).bind(expires_at).bind(days).bind(now);
        Ok(note.execute(self).await? == 1)
    }
}
