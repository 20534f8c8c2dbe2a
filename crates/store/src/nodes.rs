//! Nodes: the processes that serve from this database, how far each has come, and until when each
//! may go on by itself.

use crate::{
    Store, StoreError, row,
    sql::{Row, query},
};
use keydesk_model::{NodeId, NodeRow, Terms, Timestamp};
use std::time::Duration;

/// A process that wants to serve.
#[derive(Clone, Debug)]
pub struct NewNode {
    pub id: NodeId,
    pub name: String,
    pub is_gateway: bool,
    pub is_console: bool,
    pub terms: Terms,
    /// Where other nodes ask it; empty where they cannot.
    pub peer_url: String,
    /// The ids of the master keys that it holds.
    pub keys: Vec<String>,
}

/// What the database answers to a renewal.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The newest change, and in which feed.
    pub head: i64,
    pub epoch: String,
    /// The newest node's number.
    pub newest_node: i64,
    /// The master key that new secrets are sealed under.
    pub key_id: String,
}

/// A node's row with what only people and consoles want to know.
#[derive(Clone, Debug)]
pub struct Node {
    pub row: NodeRow,
    pub release: String,
    pub peer_url: String,
    pub keys: Vec<String>,
    pub seen_at: Timestamp,
}

const NEXT: &str = "UPDATE head SET node_seq = node_seq + 1 WHERE one = 1 RETURNING node_seq";
const JOIN: &str = "INSERT INTO node (id, name, role, release, joined, known, renewals, applied, epoch, lease_ms, \
    max_age_ms, isolated, asks_peers, peer_url, keys, seen_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '', $7, $8, $9, $10, $11, $12, $13)";
const RENEW: &str = "UPDATE node SET renewals = renewals + 1, applied = $2, epoch = $3, known = $4, keys = $5, \
    seen_at = $6 WHERE id = $1 RETURNING (SELECT seq FROM head) AS head, (SELECT epoch FROM head) AS head_epoch, \
    (SELECT node_seq FROM head) AS node_seq, (SELECT key_id FROM head) AS key_id";
const LOOK: &str =
    "SELECT seq AS head, epoch AS head_epoch, node_seq, key_id FROM head WHERE one = 1";
const LIST: &str = "SELECT id, name, role, release, joined, known, renewals, applied, epoch, lease_ms, max_age_ms, \
    isolated, asks_peers, peer_url, keys, seen_at FROM node ORDER BY joined";
const LEAVE: &str = "DELETE FROM node WHERE id = $1";
const REMOVE: &str = "DELETE FROM node WHERE id = $1 AND joined = $2 AND renewals = $3";
const SAY_SO: &str = "SELECT pg_notify('keydesk_confirmed', '')";

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn renewal(row: &Row) -> Result<Renewal, StoreError> {
    Ok(Renewal {
        head: row.get("head")?,
        epoch: row::text(row, "head_epoch")?,
        newest_node: row.get("node_seq")?,
        key_id: row::text(row, "key_id")?,
    })
}

fn node(row: &Row) -> Result<Node, StoreError> {
    let span = |column| {
        let millis = u64::try_from(row::number(row, column)?);
        millis.map(Duration::from_millis).map_err(|_| StoreError::Unreadable { column })
    };
    let role: &str = row.get("role")?;
    Ok(Node {
        row: NodeRow {
            id: row::parsed(row, "id")?,
            name: row::text(row, "name")?,
            is_gateway: role != "console",
            is_console: role != "gateway",
            joined: row.get("joined")?,
            known: row.get("known")?,
            renewals: row.get("renewals")?,
            applied: row.get("applied")?,
            epoch: row::text(row, "epoch")?,
            terms: Terms {
                lease: span("lease_ms")?,
                max_age: span("max_age_ms")?,
                isolated: row::parsed(row, "isolated")?,
                asks_peers: row.get::<&str>("asks_peers")? == "yes",
            },
        },
        release: row::text(row, "release")?,
        peer_url: row::text(row, "peer_url")?,
        keys: row.get::<&str>("keys")?.split_whitespace().map(str::to_owned).collect(),
        seen_at: row::instant(row, "seen_at")?,
    })
}

impl Store {
    /// Takes a place in the list; returns its number. Only then may it serve.
    pub async fn join(&self, new: &NewNode, now: Timestamp) -> Result<i64, StoreError> {
        let mut aside = self.aside().await?;
        let joined: i64 = query(NEXT).one(&mut aside).await?.get("node_seq")?;
        let role = match (new.is_console, new.is_gateway) {
            (true, true) => "all",
            (true, false) => "console",
            (false, _) => "gateway",
        };
        query(JOIN)
            .bind(new.id)
            .bind(&new.name)
            .bind(role)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(joined)
            .bind(joined)
            .bind(millis(new.terms.lease))
            .bind(millis(new.terms.max_age))
            .bind(new.terms.isolated.as_str())
            .bind(if new.terms.asks_peers { "yes" } else { "no" })
            .bind(&new.peer_url)
            .bind(new.keys.join(" "))
            .bind(now)
            .execute(&mut aside)
            .await?;
        aside.finish().await?;
        Ok(joined)
    }

    /// Says how far a node has come, and asks how far the database is. None: it stands in the list no
    /// more, and must join anew.
    pub async fn renew(
        &self,
        id: NodeId,
        applied: (i64, &str),
        known: i64,
        keys: &[String],
        now: Timestamp,
    ) -> Result<Option<Renewal>, StoreError> {
        let mut aside = self.aside().await?;
        let renew = query(RENEW).bind(id).bind(applied.0).bind(applied.1).bind(known);
        let renew = renew.bind(keys.join(" ")).bind(now);
        let renewed = renew.optional(&mut aside).await.inspect_err(|error| self.note(error))?;
        let renewed = renewed.as_ref().map(renewal).transpose()?;
        aside.finish().await?;
        Ok(renewed)
    }

    /// Asks how far the database is and says nothing: enough where it is a file of this machine.
    pub async fn look(&self) -> Result<Renewal, StoreError> {
        let mut read = self.read().await?;
        renewal(&query(LOOK).one(&mut read).await?)
    }

    /// Wakes whoever waits for confirmations.
    pub async fn say_confirmed(&self) -> Result<(), StoreError> {
        if self.is_shared() {
            self.run_aside(query(SAY_SO)).await?;
        }
        Ok(())
    }

    pub async fn list_nodes(&self) -> Result<Vec<Node>, StoreError> {
        let mut read = self.read().await?;
        let rows = query(LIST).all(&mut read).await.inspect_err(|error| self.note(error))?;
        rows.iter().map(node).collect()
    }

    /// A node that accepts nothing any more leaves.
    pub async fn leave(&self, id: NodeId) -> Result<(), StoreError> {
        self.run_aside(query(LEAVE).bind(id)).await.map(|_| ())
    }

    /// Takes a node out that has not renewed since it was seen like this.
    pub async fn remove_node(&self, seen: &NodeRow) -> Result<bool, StoreError> {
        let remove = query(REMOVE).bind(seen.id).bind(seen.joined).bind(seen.renewals);
        Ok(self.run_aside(remove).await? == 1)
    }
}
