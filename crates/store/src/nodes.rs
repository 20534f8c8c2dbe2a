//! Nodes: the processes that serve from this database, their positions in the feed, and their leases.

use crate::{
    Read, Store, StoreError, Write, row,
    sql::{Query, Runs, SqlRow, query},
};
use keydesk_model::{LeaseConfig, NodeId, NodeRow, Timestamp};
use std::time::Duration;

/// A process that joins the list of nodes.
#[derive(Clone, Debug)]
pub struct NewNode {
    pub id: NodeId,
    pub name: String,
    pub is_gateway: bool,
    pub is_console: bool,
    pub terms: LeaseConfig,
    /// The URL at which other nodes can ask it, or empty if they can't.
    pub peer_url: String,
    /// The IDs of the master keys that it holds.
    pub keys: Vec<String>,
}

/// The proof that a row belongs to a process. If two processes have the secret because one is a memory copy of the
/// other, the second to renew is detected: the row has been renewed more often than it has asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Holder {
    pub secret: String,
    /// The number of renewals that it has asked for.
    pub attempts: i64,
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Holder({} attempts)", self.attempts)
    }
}

/// The response of the database to a renewal.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The number of the newest change.
    pub head: i64,
    pub epoch: String,
    /// The newest node's number.
    pub newest_node: i64,
    /// The master key under which new secrets are sealed.
    pub key_id: String,
    /// The time of a database that is not on this machine.
    pub now: Option<Timestamp>,
}

/// The result of a renewal.
#[derive(Clone, Debug)]
pub enum Renewed {
    Yes(Renewal),
    /// The node is no longer in the list and must join again.
    Gone,
    /// Another process, a copy of this one, has its place.
    Taken,
}

/// The data that a node sends with a renewal.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The number and the feed of the last applied change.
    pub applied: (i64, &'a str),
    /// The newest node's number that it has seen.
    pub known: i64,
    /// The IDs of the master keys that it holds.
    pub keys: &'a [String],
}

/// A gateway that was removed from the list because it was silent.
#[derive(Clone, Debug)]
pub struct IsolatedGateway {
    pub id: NodeId,
    pub name: String,
    /// Its number in the list.
    pub joined: i64,
    pub seen_at: Timestamp,
}

/// A node's row with the data that only users and consoles need.
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

/// Functions through which a gateway's database user, which can't write to the list, changes its own row with its
/// holder.
const JOIN_SHARED: &str =
    "SELECT keydesk_join_node($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS joined";
const RENEW_SHARED: &str = "SELECT keydesk_renew_node($1, $2, $3, $4, $5, $6, $7) AS outcome";
const LEAVE_SHARED: &str = "SELECT keydesk_leave_node($1, $2)";

/// Removes a node that has not renewed since it was seen like this.
const REMOVE: &str =
    "DELETE FROM node WHERE id = $1 AND joined = $2 AND renewals = $3 AND seen_at + $4 <= $5";

const ISOLATED: &str = "INSERT INTO isolated_gateway (id, name, joined, seen_at) \
    SELECT id, name, joined, seen_at FROM node WHERE id = $1 AND joined = $2 AND renewals = $3 AND seen_at + $4 <= $5 \
    AND role <> 'console' ON CONFLICT DO NOTHING";
const LIST_ISOLATED: &str =
    "SELECT id, name, joined, seen_at FROM isolated_gateway ORDER BY seen_at, id LIMIT 100";
const FORGET_ISOLATED: &str = "DELETE FROM isolated_gateway WHERE id = $1 AND joined = $2";

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
    /// Returns the database's time, which is `own`, this machine's time, if the database is a file.
    pub async fn now(&self, own: Timestamp) -> Result<Timestamp, StoreError> {
        if !self.is_shared() {
            return Ok(own);
        }
        row::instant(&query(NOW).one(&mut self.read().await?).await?, "now")
    }

    /// Takes a place in the list and returns its number. The process may serve only after this. Returns
    /// [`StoreError::Conflict`] if another process has its place.
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

    /// Writes a node's position, and then reads the database's position, so that a node that commits afterwards sees
    /// the first. (One combined statement would read at a moment before its write is visible, and a node that commits
    /// in between would count the lease from the previous renewal.)
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

    /// Reads the database's position without writing, which is enough if the database is a file of this machine.
    pub async fn look(&self) -> Result<Renewal, StoreError> {
        let mut read = self.read().await?;
        let look = query(if self.is_shared() { LOOK_SHARED } else { LOOK });
        renewal(&look.one(&mut read).await.inspect_err(|error| self.note(error))?)
    }

    /// Wakes those that wait for confirmations.
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

    /// Removes a node that no longer accepts anything.
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

    /// Removes a process that has died on this machine and used a file of it.
    pub async fn remove_dead(&self, id: NodeId) -> Result<(), StoreError> {
        let mut aside = self.aside().await?;
        query(LEAVE_DEAD).bind(id).execute(&mut aside).await?;
        query(NEXT).one(&mut aside).await?;
        aside.finish().await
    }

    /// Removes a node that has not renewed since it was seen like this and no longer accepts anything by the database's
    /// clock. A gateway is then among the isolated ones.
    pub async fn remove_gone(&self, seen: &NodeRow, now: Timestamp) -> Result<bool, StoreError> {
        let now = self.now(now).await?;
        let mut aside = self.aside().await?;
        let silent_for = (seen.longest(), now);
        as_seen(ISOLATED, seen, silent_for).execute(&mut aside).await?;
        let is_removed = remove(&mut aside, seen, silent_for).await?;
        aside.finish().await?;
        Ok(is_removed)
    }
}

impl Read {
    /// Returns gateways that were removed because they were silent and are not in the audit log yet.
    pub async fn list_isolated_gateways(&mut self) -> Result<Vec<IsolatedGateway>, StoreError> {
        let rows = query(LIST_ISOLATED).all(self).await?;
        let isolated = |row: &SqlRow| {
            Ok(IsolatedGateway {
                id: row::parsed(row, "id")?,
                name: row::text(row, "name")?,
                joined: row.get("joined")?,
                seen_at: row::instant(row, "seen_at")?,
            })
        };
        rows.iter().map(isolated).collect()
    }
}

impl Write {
    /// Returns `false` if another node has recorded it.
    pub async fn forget_isolated_gateway(
        &mut self,
        gateway: &IsolatedGateway,
    ) -> Result<bool, StoreError> {
        let forget = query(FORGET_ISOLATED).bind(gateway.id).bind(gateway.joined);
        Ok(forget.execute(self).await? == 1)
    }

    /// Removes a node that has been silent for longer than its lease, by the database's clock. The operator has made
    /// sure that it isn't running, since it could otherwise accept tokens for longer.
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
    if as_seen(REMOVE, seen, (silent_for, now)).execute(runs).await? == 0 {
        return Ok(false);
    }
    query(NEXT).one(runs).await?;
    Ok(true)
}

/// A statement about a node that has not renewed since it was seen like this.
fn as_seen(
    statement: &'static str,
    seen: &NodeRow,
    (silent_for, now): (Duration, Timestamp),
) -> Query {
    let silent_for = i64::try_from(silent_for.as_micros()).unwrap_or(i64::MAX / 2);
    let asked = query(statement).bind(seen.id).bind(seen.joined).bind(seen.renewals);
    asked.bind(silent_for).bind(now)
}
