//! One-time links that log a member in, which an operator's own product asks for. Only the SHA-256 of each is stored.

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{AccountId, ManagementKeyId, MemberId, Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct ConsoleLink {
    pub account: AccountId,
    pub member: MemberId,
    pub user: UserId,
    /// The page that it opens.
    pub path: String,
    pub return_url: Option<String>,
    /// The key that asked for it.
    pub key: Option<ManagementKeyId>,
    pub expires_at: Timestamp,
}

const ADD: &str = "INSERT INTO console_link (hash, account_id, member_id, user_id, path, return_url, key_id, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const TAKE: &str = "DELETE FROM console_link WHERE hash = $1 \
    RETURNING account_id, member_id, user_id, path, return_url, key_id, expires_at";
const FORGET: &str = "DELETE FROM console_link WHERE expires_at < $1";
const LINK_SESSION: &str = "UPDATE session SET is_linked = 1, return_url = $1 WHERE hash = $2";
const SET_EXTERNAL_ID: &str = "UPDATE member SET external_id = $1 WHERE id = $2";
const FIND_BY_EXTERNAL_ID: &str =
    "SELECT id FROM member WHERE account_id = $1 AND external_id = $2 AND removed_at IS NULL";

impl Read {
    /// Returns the member whom the operator's own product knows by an ID.
    pub async fn find_member_by_external_id(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<MemberId>, StoreError> {
        let found = query(FIND_BY_EXTERNAL_ID).bind(account).bind(external_id);
        found.optional(self).await?.map(|row| row::parsed(&row, "id")).transpose()
    }
}

impl Write {
    /// Adds a link, and forgets those that have expired.
    pub async fn add_console_link(
        &mut self,
        hash: [u8; 32],
        link: &ConsoleLink,
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(FORGET).bind(now).execute(self).await?;
        let add = query(ADD).bind(hash).bind(link.account).bind(link.member).bind(link.user);
        let add = add.bind(&link.path).bind(link.return_url.clone()).bind(link.key);
        add.bind(link.expires_at).execute(self).await.map(|_| ())
    }

    /// Takes a link, which works once. It may have expired.
    pub async fn take_console_link(
        &mut self,
        hash: [u8; 32],
    ) -> Result<Option<ConsoleLink>, StoreError> {
        let Some(row) = query(TAKE).bind(hash).optional(self).await? else { return Ok(None) };
        Ok(Some(ConsoleLink {
            account: row::parsed(&row, "account_id")?,
            member: row::parsed(&row, "member_id")?,
            user: row::parsed(&row, "user_id")?,
            path: row::text(&row, "path")?,
            return_url: row.get("return_url")?,
            key: row::parsed_opt(&row, "key_id")?,
            expires_at: row::instant(&row, "expires_at")?,
        }))
    }

    /// Limits a session to its account, with the way back.
    pub async fn link_session(
        &mut self,
        hash: [u8; 32],
        return_url: Option<&str>,
    ) -> Result<(), StoreError> {
        let return_url = return_url.map(str::to_owned);
        query(LINK_SESSION).bind(return_url).bind(hash).execute(self).await.map(|_| ())
    }

    pub async fn set_external_id(
        &mut self,
        member: MemberId,
        external_id: &str,
    ) -> Result<(), StoreError> {
        query(SET_EXTERNAL_ID).bind(external_id).bind(member).execute(self).await.map(|_| ())
    }
}
