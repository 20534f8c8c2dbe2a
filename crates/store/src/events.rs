//! The audit log as the log of events that leave Keydesk: the entries in their order, with their numbers and digests, and
//! how far each reader is.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, NodeId, Timestamp};

/// An entry of the audit log with everything that its digest covers.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    /// The number in the log of the instance.
    pub seq: i64,
    /// The number in the log of the account, without gaps.
    pub number: i64,
    pub at: Timestamp,
    pub event: String,
    pub actor: String,
    pub user: Option<String>,
    pub member: Option<String>,
    pub management_key: Option<String>,
    pub account: Option<AccountId>,
    pub target: String,
    /// The details as JSON text.
    pub detail: String,
    pub client_ip: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: String,
    /// The digest over this entry and all previous entries of the account.
    pub chain: String,
}

macro_rules! select_events {
    ($condition:literal) => {
        concat!(
            "SELECT seq, number, at, event, actor, user_id, member_id, management_key_id, account_id, target, detail, \
             client_ip, user_agent, request_id, chain FROM audit WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_events!("seq = $1");
const LATER: &str = select_events!("seq > $1 ORDER BY seq LIMIT $2");
const LATER_OF: &str =
    select_events!("coalesce(account_id, '') = $1 AND number > $2 ORDER BY number LIMIT $3");
const LAST: &str = "SELECT audit_seq FROM head WHERE one = 1";
const POSITION: &str = "SELECT seq FROM reader WHERE name = $1";
const SET_POSITION: &str = "INSERT INTO reader (name, seq) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, holder = NULL, held_until = NULL \
    WHERE reader.seq <= excluded.seq";

const CLAIM: &str = "INSERT INTO reader (name, seq, holder, held_until) VALUES ($1, 0, $2, $3) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until \
    WHERE reader.holder IS NULL OR reader.holder = excluded.holder OR reader.held_until <= $4 RETURNING seq";

fn event(row: &SqlRow) -> Result<LoggedEvent, StoreError> {
    Ok(LoggedEvent {
        seq: row.get("seq")?,
        number: row.get("number")?,
        at: row::instant(row, "at")?,
        event: row::text(row, "event")?,
        actor: row::text(row, "actor")?,
        user: row.get("user_id")?,
        member: row.get("member_id")?,
        management_key: row.get("management_key_id")?,
        account: row::parsed_opt(row, "account_id")?,
        target: row::text(row, "target")?,
        detail: row::text(row, "detail")?,
        client_ip: row.get("client_ip")?,
        user_agent: row.get("user_agent")?,
        request_id: row::text(row, "request_id")?,
        chain: row::text(row, "chain")?,
    })
}

impl Read {
    pub async fn find_event(&mut self, seq: i64) -> Result<Option<LoggedEvent>, StoreError> {
        query(FIND).bind(seq).optional(self).await?.as_ref().map(event).transpose()
    }

    /// Returns the entries of all accounts and of the instance after a number, oldest first.
    pub async fn list_events(
        &mut self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        query(LATER).bind(after).bind(limit).all(self).await?.iter().map(event).collect()
    }

    /// Returns the entries of an account after a number, oldest first.
    pub async fn list_events_of(
        &mut self,
        account: AccountId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        let asked = query(LATER_OF).bind(account).bind(after).bind(limit);
        asked.all(self).await?.iter().map(event).collect()
    }

    /// Returns the number of the newest entry.
    pub async fn last_event(&mut self) -> Result<i64, StoreError> {
        query(LAST).one(self).await?.get("audit_seq")
    }

    /// Returns the number of the last entry that a reader has passed on, or `None` before its first.
    pub async fn reader_position(&mut self, reader: &str) -> Result<Option<i64>, StoreError> {
        query(POSITION).bind(reader).optional(self).await?.map(|row| row.get("seq")).transpose()
    }
}

impl Write {
    /// Stores the position of a reader, which never goes back, and ends a claim.
    pub async fn set_reader_position(&mut self, reader: &str, seq: i64) -> Result<(), StoreError> {
        query(SET_POSITION).bind(reader).bind(seq).execute(self).await.map(|_| ())
    }

    /// Claims a reader for a node, and returns its position. Returns `None` while another node has claimed it.
    pub async fn claim_reader(
        &mut self,
        reader: &str,
        node: NodeId,
        until: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let now = self.now();
        let claim = query(CLAIM).bind(reader).bind(node).bind(until).bind(now);
        claim.optional(self).await?.map(|row| row.get("seq")).transpose()
    }
}
