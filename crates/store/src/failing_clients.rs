//! What members decided about failing clients, and when each client was last accepted with a token.

use crate::{Read, Store, StoreError, Write, row, sql::query};
use keydesk_model::{AccountId, FailingClientState, Timestamp, TokenId};
use std::collections::HashMap;

/// A decision about a failing client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailingClientDecision {
    pub state: FailingClientState,
    /// The time of the decision.
    pub at: Timestamp,
    /// The end of a muted state.
    pub until: Option<Timestamp>,
    /// The last email about it to the token's creator.
    pub notified_at: Option<Timestamp>,
}

const LIST: &str =
    "SELECT id, state, at, until, notified_at FROM failing_client WHERE account_id = $1";
const SET: &str = "INSERT INTO failing_client (account_id, id, state, at, until, notified_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, id) DO UPDATE SET state = excluded.state, \
    at = excluded.at, until = excluded.until, notified_at = excluded.notified_at";
const FORGET: &str = "DELETE FROM failing_client WHERE at < $1 AND (until IS NULL OR until < $1)";
const LAST_ACCEPTED: &str = "SELECT token_id, client, max(last_accepted_at) AS at FROM integration \
    JOIN token ON token.id = integration.token_id \
    WHERE token.account_id = $1 AND last_accepted_at > $2 GROUP BY token_id, client";

impl Read {
    /// Returns the decisions about failing clients, by ID.
    pub async fn list_failing_client_decisions(
        &mut self,
        account: AccountId,
    ) -> Result<HashMap<String, FailingClientDecision>, StoreError> {
        let rows = query(LIST).bind(account).all(self).await?;
        let decision = |row| {
            let decision = FailingClientDecision {
                state: row::parsed(row, "state")?,
                at: row::instant(row, "at")?,
                until: row::instant_opt(row, "until")?,
                notified_at: row::instant_opt(row, "notified_at")?,
            };
            Ok((row::text(row, "id")?, decision))
        };
        rows.iter().map(decision).collect()
    }

    /// Returns when a request of each client with each token of an account was last accepted, if that was after `since`.
    pub async fn list_last_accepted(
        &mut self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<HashMap<(TokenId, String), Timestamp>, StoreError> {
        let rows = query(LAST_ACCEPTED).bind(account).bind(since).all(self).await?;
        let used = |row| {
            let key = (row::parsed(row, "token_id")?, row::text(row, "client")?);
            Ok((key, row::instant(row, "at")?))
        };
        rows.iter().map(used).collect()
    }
}

impl Write {
    pub async fn decide_about_failing_client(
        &mut self,
        account: AccountId,
        id: &str,
        decision: &FailingClientDecision,
    ) -> Result<(), StoreError> {
        let FailingClientDecision { state, at, until, notified_at } = *decision;
        let set = query(SET).bind(account).bind(id).bind(state.as_str()).bind(at);
        let set = set.bind(until.map(Timestamp::as_micros));
        set.bind(notified_at.map(Timestamp::as_micros)).execute(self).await.map(|_| ())
    }
}

impl Store {
    /// Deletes decisions that were made, or have ended, before an instant.
    pub async fn forget_failing_client_decisions(
        &self,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(before)).await.map(|_| ())
    }
}
