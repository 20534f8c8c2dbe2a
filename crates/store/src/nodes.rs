//! Nodes: the processes that serve from this database, how far each has come, and until when each
//! may go on by itself.

use crate::{
    Store, StoreError, Write, row,
    sql::{Query, Runs, SqlRow, query},
};
use keydesk_model::{LeaseConfig, NodeId, NodeRow, Timestamp};
use std::time::Duration;

/// A process that wants to serve.
#[derive(Clone, Debug)]
pub struct NewNode {
    pub id: NodeId,
    pub name: String,
    pub is_gateway: bool,
    pub is_console: bool,
    pub terms: LeaseConfig,
    /// Where other nodes ask it; empty where they cannot.
    pub peer_url: String,
    /// The ids of the master keys that it holds.
    pub keys: Vec<String>,
}

/// Shows that a process is the one that a row belongs to. Of two that know the secret, as one is a copy of the
/// other's memory, the one that renews second is found out: the row has been renewed more often than it asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Holder {
    pub secret: String,
    /// How often it has asked to renew.
    pub attempts: i64,
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Holder({} attempts)", self.attempts)
    }
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
    /// By the clock of a database that is not on this machine.
    pub now: Option<Timestamp>,
}

/// What became of a renewal.
#[derive(Clone, Debug)]
pub enum Renewed {
    Yes(Renewal),
    /// It stands in the list no more, and must join anew.
    Gone,
    /// Another process has its place: a copy of it.
    Taken,
}

/// What a node says with a renewal.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// How far it has come, and in which feed.
    pub applied: (i64, &'a str),
    /// The newest node's number that it has seen.
    pub known: i64,
    /// The ids of the master keys that it holds.
    pub keys: &'a [String],
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

const NEXT: &str =
    "UPDATE head SET node_seq = node_seq + 1 WHERE one = 1 RETURNING node_seq AS joined";
const JOIN: &str = "INSERT INTO node (id, name, role, release, joined, known, renewals, applied, epoch, lease_ms, \
    max_staleness_ms, on_disconnect, asks_peers, peer_url, keys, holder, seen_at) \
    VALUES ($1, $2, $3, $4, $12, $12, 0, 0, '', $5, $6, $7, $8, $9, $10, $11, $13) ON CONFLICT DO NOTHING";
const RENEW: &str = "UPDATE node SET renewals = renewals + 1, applied = $4, epoch = $5, known = $6, keys = $7, \
    seen_at = $8 WHERE id = $1 AND holder = $2 AND renewals <= $3";
const IS_THERE: &str = "SELECT id FROM node WHERE id = $1";
macro_rules! look {
    ($now:literal) => {
        concat!(
            "SELECT seq AS head, epoch AS head_epoch, node_seq, key_id, ",
            $now,
            " AS now FROM head WHERE one = 1"
        )
    };
}

const LOOK: &str = look!("CAST(NULL AS BIGINT)");
const LOOK_SHARED: &str = look!("keydesk_now()");
const LIST: &str = "SELECT id, name, role, release, joined, known, renewals, applied, epoch, lease_ms, max_staleness_ms, \
    on_disconnect, asks_peers, peer_url, keys, seen_at FROM node ORDER BY joined";
const LEAVE: &str = "DELETE FROM node WHERE id = $1 AND holder = $2";
const NOW: &str = "SELECT keydesk_now() AS now";
const LEAVE_DEAD: &str = "DELETE FROM node WHERE id = $1";
const SAY_SO: &str = "SELECT pg_notify('keydesk_confirmed', '')";

/// A gateway's database user may not write to the list: these functions do, for the process that knows the holder.
const JOIN_SHARED: &str =
    "SELECT keydesk_join_node($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS joined";
const RENEW_SHARED: &str = "SELECT keydesk_renew_node($1, $2, $3, $4, $5, $6, $7) AS outcome";
const LEAVE_SHARED: &str = "SELECT keydesk_leave_node($1, $2)";

/// Silent for so long since it was seen like this.
const REMOVE: &str =
    "DELETE FROM node WHERE id = $1 AND joined = $2 AND renewals = $3 AND seen_at + $4 <= $5";

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn renewal(row: &SqlRow) -> Result<Renewal, StoreError> {
    Ok(Renewal {
        head: row.get("head")?,
        epoch: row::text(row, "head_epoch")?,
        newest_node: row.get("node_seq")?,
        key_id: row::text(row, "key_id")?,
        now: row::instant_opt(row, "now")?,
    })
}

fn node(row: &SqlRow) -> Result<Node, StoreError> {
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
            terms: LeaseConfig {
                lease: span("lease_ms")?,
                max_staleness: span("max_staleness_ms")?,
                on_disconnect: row::parsed(row, "on_disconnect")?,
                asks_peers: row.get::<&str>("asks_peers")? == "yes",
            },
        },
        release: row::text(row, "release")?,
        peer_url: row::text(row, "peer_url")?,
        keys: row.get::<&str>("keys")?.split_whitespace().map(str::to_owned).collect(),
        seen_at: row::instant(row, "seen_at")?,
    })
}

impl NewNode {
    fn role(&self) -> &'static str {
        match (self.is_console, self.is_gateway) {
            (true, true) => "all",
            (true, false) => "console",
            (false, _) => "gateway",
        }
    }

    fn bind(&self, join: Query, holder: &Holder) -> Query {
        join.bind(self.id)
            .bind(&self.name)
            .bind(self.role())
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(millis(self.terms.lease))
            .bind(millis(self.terms.max_staleness))
            .bind(self.terms.on_disconnect.as_str())
            .bind(if self.terms.asks_peers { "yes" } else { "no" })
            .bind(&self.peer_url)
            .bind(self.keys.join(" "))
            .bind(&holder.secret)
    }
}

impl Store {
    /// The database's time; a file's is this machine's, which is `own`.
    pub async fn now(&self, own: Timestamp) -> Result<Timestamp, StoreError> {
        if !self.is_shared() {
            return Ok(own);
        }
        row::instant(&query(NOW).one(&mut self.read().await?).await?, "now")
    }

    /// Takes a place in the list; returns its number. Only then may it serve. [`StoreError::Conflict`]: another
    /// process has its place.
    pub async fn join(
        &self,
        new: &NewNode,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut aside = self.aside().await?;
        let joined: i64 = if self.is_shared() {
            new.bind(query(JOIN_SHARED), holder).one(&mut aside).await?.get("joined")?
        } else {
            let joined: i64 = query(NEXT).one(&mut aside).await?.get("joined")?;
            new.bind(query(JOIN), holder).bind(joined).bind(now).insert(&mut aside).await?;
            joined
        };
        aside.finish().await?;
        Ok(joined)
    }

    /// Says how far a node has come, and then asks how far the database is: a node that commits after that sees what
    /// was said. (Asked in one, the answer would be of a moment before it can be seen, and a node that commits in
    /// between would count the lease from the renewal before.)
    pub async fn renew(
        &self,
        id: NodeId,
        holder: &Holder,
        report: Report<'_>,
        now: Timestamp,
    ) -> Result<Renewed, StoreError> {
        let mut aside = self.aside().await?;
        let bind = |renew: Query| {
            let renew = renew.bind(id).bind(&holder.secret).bind(holder.attempts);
            let renew = renew.bind(report.applied.0).bind(report.applied.1);
            renew.bind(report.known).bind(report.keys.join(" "))
        };
        if self.is_shared() {
            let row = bind(query(RENEW_SHARED)).one(&mut aside).await;
            let row = row.inspect_err(|error| self.note(error))?;
            aside.finish().await?;
            return Ok(match row.get::<&str>("outcome")? {
                "renewed" => Renewed::Yes(self.look().await?),
                "taken" => Renewed::Taken,
                _ => Renewed::Gone,
            });
        }
        let renewed = if bind(query(RENEW)).bind(now).execute(&mut aside).await? == 1 {
            Renewed::Yes(renewal(&query(LOOK).one(&mut aside).await?)?)
        } else if query(IS_THERE).bind(id).optional(&mut aside).await?.is_some() {
            Renewed::Taken
        } else {
            Renewed::Gone
        };
        aside.finish().await?;
        Ok(renewed)
    }

    /// Asks how far the database is and says nothing: enough where it is a file of this machine.
    pub async fn look(&self) -> Result<Renewal, StoreError> {
        let mut read = self.read().await?;
        let look = query(if self.is_shared() { LOOK_SHARED } else { LOOK });
        renewal(&look.one(&mut read).await.inspect_err(|error| self.note(error))?)
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
    pub async fn leave(&self, id: NodeId, holder: &Holder) -> Result<(), StoreError> {
        let bind = |leave: Query| leave.bind(id).bind(&holder.secret);
        let mut aside = self.aside().await?;
        if self.is_shared() {
            bind(query(LEAVE_SHARED)).one(&mut aside).await?;
        } else {
            bind(query(LEAVE)).execute(&mut aside).await?;
            query(NEXT).one(&mut aside).await?;
        }
        aside.finish().await
    }

    /// Takes a process out that has died on this machine, where it used a file of this machine.
    pub async fn remove_dead(&self, id: NodeId) -> Result<(), StoreError> {
        let mut aside = self.aside().await?;
        query(LEAVE_DEAD).bind(id).execute(&mut aside).await?;
        query(NEXT).one(&mut aside).await?;
        aside.finish().await
    }

    /// Takes a node out that has not renewed since it was seen like this, and accepts nothing any more by the
    /// database's clock.
    pub async fn remove_gone(&self, seen: &NodeRow, now: Timestamp) -> Result<bool, StoreError> {
        let now = self.now(now).await?;
        let mut aside = self.aside().await?;
        let is_removed = remove(&mut aside, seen, (seen.longest(), now)).await?;
        aside.finish().await?;
        Ok(is_removed)
    }
}

impl Write {
    /// Takes a node out that has been silent for longer than its lease, by the database's clock. Someone has made
    /// sure that it does not run: it could accept tokens for longer.
    pub async fn remove_node(&mut self, seen: &NodeRow) -> Result<bool, StoreError> {
        let (lease, now) = (seen.terms.lease_with_slack(), self.database_now());
        remove(self, seen, (lease, now)).await
    }
}

async fn remove(
    runs: &mut impl Runs,
    seen: &NodeRow,
    (silent_for, now): (Duration, Timestamp),
) -> Result<bool, StoreError> {
    let silent_for = i64::try_from(silent_for.as_micros()).unwrap_or(i64::MAX / 2);
    let remove = query(REMOVE).bind(seen.id).bind(seen.joined).bind(seen.renewals);
    if remove.bind(silent_for).bind(now).execute(runs).await? == 0 {
        return Ok(false);
    }
    query(NEXT).one(runs).await?;
    Ok(true)
}
