//! Lists of an account's API tokens, newest first.

use super::{Token, token};
use crate::{Cursor, Page, PageSearch, Read, StoreError, sql::query};
use keydesk_model::{AccountId, Timestamp};

/// Which tokens a list contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFilter {
    Active,
    /// Revoked or expired.
    Inactive,
}

const PAGE: &str = select_tokens!(
    "token.account_id = $1 AND token.token_owner = 'account' \
     AND ($2 = 0 OR (token.created_at, token.id) < ($2, $3)) \
     AND ($4 = '' OR lower(token.name) LIKE $4 ESCAPE '!' OR token.name LIKE $5 ESCAPE '!' \
       OR secret.masked LIKE $5 ESCAPE '!') \
     AND (CASE WHEN secret.ended_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > $6) \
       THEN 1 ELSE 0 END) = $7 \
     ORDER BY token.created_at DESC, token.id DESC LIMIT $8"
);

const HELD: &str = select_tokens!(
    "token.account_id = $1 AND token.held_at IS NOT NULL AND (token.held_until IS NULL OR token.held_until > $2) \
     AND (token.expires_at IS NULL OR token.expires_at > $2) \
     AND secret.ended_at IS NOT NULL ORDER BY token.held_at DESC, token.id DESC LIMIT 200"
);

impl Read {
    /// Returns the tokens of an account that can be restored, those that were revoked last first.
    pub async fn list_restorable_tokens(
        &mut self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Token>, StoreError> {
        query(HELD).bind(account).bind(now).all(self).await?.iter().map(token).collect()
    }

    pub async fn list_api_tokens(
        &mut self,
        account: AccountId,
        (filter, now): (TokenFilter, Timestamp),
        search: &PageSearch,
    ) -> Result<Page<Token>, StoreError> {
        let asked = search.bind(query(PAGE).bind(account)).bind(now.as_micros());
        let asked = asked.bind(i64::from(filter == TokenFilter::Active)).bind(search.rows());
        let tokens: Vec<_> = asked.all(self).await?.iter().map(token).collect::<Result<_, _>>()?;
        let position = |token: &Token| Cursor { at: token.created_at, id: token.id.to_string() };
        Ok(search.page(tokens, position))
    }

    /// Returns all active API tokens of an account, whose number is limited.
    pub async fn list_active_api_tokens(
        &mut self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Token>, StoreError> {
        let all = PageSearch { text: String::new(), after: None, limit: u32::MAX >> 1 };
        Ok(self.list_api_tokens(account, (TokenFilter::Active, now), &all).await?.items)
    }
}
