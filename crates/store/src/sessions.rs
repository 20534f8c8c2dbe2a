//! Sessions: a user's login in one browser. The cookie's value is stored as SHA-256 only.

use crate::{
    Read, Store, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, SessionId, Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub account: Option<AccountId>,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    /// The time when the user last authenticated in this session.
    pub authenticated_at: Timestamp,
    pub client_ip: String,
    pub user_agent: String,
    /// Whether a console link opened it: it is limited to its account.
    pub is_linked: bool,
    /// The page that the console links back to.
    pub return_url: Option<String>,
}

#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: SessionId,
    pub hash: [u8; 32],
    pub user: UserId,
    pub account: Option<AccountId>,
    pub client_ip: String,
    pub user_agent: String,
}

const FIND: &str = "SELECT id, user_id, account_id, created_at, seen_at, authenticated_at, client_ip, \
    user_agent, is_linked, return_url FROM session WHERE hash = $1 AND ended_at IS NULL AND seen_at > $2 AND created_at > $3";
const LIST: &str = "SELECT id, user_id, account_id, created_at, seen_at, authenticated_at, client_ip, \
    user_agent, is_linked, return_url FROM session WHERE user_id = $1 AND ended_at IS NULL AND seen_at > $2 AND created_at > $3 \
    ORDER BY seen_at DESC, id";
const ADD: &str = "INSERT INTO session (id, hash, user_id, account_id, created_at, seen_at, \
    authenticated_at, client_ip, user_agent) VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7)";
const TOUCH: &str =
    "UPDATE session SET seen_at = $1, client_ip = $2 WHERE id = $3 AND seen_at < $1";
const RENEW: &str = "UPDATE session SET hash = $1, authenticated_at = $2, seen_at = $2 \
    WHERE id = $3 AND ended_at IS NULL";
const SET_ACCOUNT: &str = "UPDATE session SET account_id = $1 WHERE id = $2";
const END: &str =
    "UPDATE session SET ended_at = $1 WHERE id = $2 AND user_id = $3 AND ended_at IS NULL";
const IS_OPEN: &str = "SELECT count(*) AS number FROM session WHERE id = $1 AND ended_at IS NULL";
const END_BY_HASH: &str =
    "UPDATE session SET ended_at = $1 WHERE hash = $2 AND ended_at IS NULL RETURNING id, user_id";
const END_IN_ACCOUNT: &str = "UPDATE session SET ended_at = $1 \
    WHERE user_id = $2 AND (account_id = $3 OR account_id IS NULL) AND ended_at IS NULL";
const END_BEYOND: &str = "UPDATE session SET ended_at = $1 WHERE user_id = $2 AND ended_at IS NULL \
    AND id NOT IN (SELECT id FROM session WHERE user_id = $2 AND ended_at IS NULL ORDER BY seen_at DESC, id LIMIT $3)";
const END_ALL: &str = "UPDATE session SET ended_at = $1 WHERE user_id = $2 AND ended_at IS NULL";
const END_OTHERS: &str =
    "UPDATE session SET ended_at = $1 WHERE user_id = $2 AND id <> $3 AND ended_at IS NULL";

fn session(row: &SqlRow) -> Result<Session, StoreError> {
    Ok(Session {
        id: row::parsed(row, "id")?,
        user: row::parsed(row, "user_id")?,
        account: row::parsed_opt(row, "account_id")?,
        created_at: row::instant(row, "created_at")?,
        seen_at: row::instant(row, "seen_at")?,
        authenticated_at: row::instant(row, "authenticated_at")?,
        client_ip: row::text(row, "client_ip")?,
        user_agent: row::text(row, "user_agent")?,
        is_linked: row.get::<i64>("is_linked")? != 0,
        return_url: row.get("return_url")?,
    })
}

impl Read {
    /// Returns a session that has not ended, is not idle since `seen_after`, and is not older than `created_after`.
    pub async fn find_session(
        &mut self,
        hash: [u8; 32],
        seen_after: Timestamp,
        created_after: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let asked =
            query(FIND).bind(hash).bind(seen_after.as_micros()).bind(created_after.as_micros());
        asked.optional(self).await?.as_ref().map(session).transpose()
    }

    pub async fn is_session_open(&mut self, id: SessionId) -> Result<bool, StoreError> {
        let open: i64 = query(IS_OPEN).bind(id).one(self).await?.get("number")?;
        Ok(open == 1)
    }

    pub async fn list_sessions(
        &mut self,
        user: UserId,
        seen_after: Timestamp,
        created_after: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let asked =
            query(LIST).bind(user).bind(seen_after.as_micros()).bind(created_after.as_micros());
        asked.all(self).await?.iter().map(session).collect()
    }
}

impl Store {
    /// Records that a session was seen, which isn't audited as a change.
    pub async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        client_ip: &str,
    ) -> Result<(), StoreError> {
        let touch = query(TOUCH).bind(now.as_micros()).bind(client_ip).bind(id);
        self.run_aside(touch).await.map(|_| ())
    }
}

impl Write {
    pub async fn add_session(&mut self, new: &NewSession) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD)
            .bind(new.id)
            .bind(new.hash)
            .bind(new.user)
            .bind(new.account)
            .bind(now)
            .bind(&new.client_ip)
            .bind(&new.user_agent)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Gives a session a new secret after its user has authenticated again, which invalidates the old one. Returns
    /// whether the session still existed.
    pub async fn renew_session(
        &mut self,
        id: SessionId,
        hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        let now = self.now().as_micros();
        let asked = query(RENEW).bind(hash).bind(now).bind(id);
        Ok(asked.execute(self).await? == 1)
    }

    pub async fn set_session_account(
        &mut self,
        id: SessionId,
        account: AccountId,
    ) -> Result<(), StoreError> {
        let asked = query(SET_ACCOUNT).bind(account).bind(id);
        asked.execute(self).await?;
        Ok(())
    }

    /// Ends one session of this user. Returns whether there was one.
    pub async fn end_session(&mut self, user: UserId, id: SessionId) -> Result<bool, StoreError> {
        let now = self.now().as_micros();
        let asked = query(END).bind(now).bind(id).bind(user);
        Ok(asked.execute(self).await? == 1)
    }

    /// Ends the session of a cookie. Returns the session and its user, if there was one.
    pub async fn end_session_by_hash(
        &mut self,
        hash: [u8; 32],
    ) -> Result<Option<(SessionId, UserId)>, StoreError> {
        let now = self.now().as_micros();
        let asked = query(END_BY_HASH).bind(now).bind(hash);
        let row = asked.optional(self).await?;
        row.map(|row| Ok((row::parsed(&row, "id")?, row::parsed(&row, "user_id")?))).transpose()
    }

    /// Ends this user's sessions that are in one account, or in none and could therefore enter it. Returns their
    /// number.
    pub async fn end_sessions_in(
        &mut self,
        user: UserId,
        account: AccountId,
    ) -> Result<u64, StoreError> {
        let now = self.now().as_micros();
        let asked = query(END_IN_ACCOUNT).bind(now).bind(user).bind(account);
        asked.execute(self).await
    }

    /// Ends this user's sessions except for the `most` that were seen last.
    pub async fn end_sessions_beyond(&mut self, user: UserId, most: u32) -> Result<(), StoreError> {
        let now = self.now();
        query(END_BEYOND).bind(now).bind(user).bind(most).execute(self).await.map(|_| ())
    }

    /// Ends every session of this user except for `except`. Returns their number.
    pub async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        let now = self.now().as_micros();
        let ended = match except {
            None => query(END_ALL).bind(now).bind(user),
            Some(kept) => query(END_OTHERS).bind(now).bind(user).bind(kept),
        };
        ended.execute(self).await
    }
}
