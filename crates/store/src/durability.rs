//! What becomes of an acknowledged commit, and whether the server keeps what it acknowledges. Both can change
//! while it runs, so every write looks again.

use crate::{
    StoreError,
    sql::{Runs, SqlRow, query},
};

/// What becomes of a commit when the server is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// One machine has it on its disk.
    Single,
    /// A standby will have it soon: what was acknowledged last can be lost with the primary.
    Asynchronous,
    /// A standby has it before it is acknowledged.
    Synchronous,
}

impl Durability {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Asynchronous => "asynchronous",
            Self::Synchronous => "synchronous",
        }
    }
}

/// A standby says how far it has replayed; a client that only collects the log (`pg_receivewal`, a base
/// backup) cannot take over, whatever it is called in `synchronous_standby_names`. A user without
/// `pg_read_all_stats` sees that there are some, and not what they are: then nothing is promised.
const REPLICATION: &str = "SELECT count(*) FILTER (WHERE replay_lsn IS NOT NULL OR state IS NULL) AS standbys, \
    count(*) FILTER (WHERE replay_lsn IS NOT NULL AND state = 'streaming' AND sync_state IN ('sync', 'quorum')) \
    AS synchronous FROM pg_stat_replication";

/// At this moment. A commit is as durable as the weaker of before and after it.
pub(crate) async fn durability_of(runs: &mut impl Runs) -> Result<Durability, StoreError> {
    let row = query(REPLICATION).one(runs).await?;
    Ok(match (row.get::<i64>("standbys")?, row.get::<i64>("synchronous")?) {
        (0, _) => Durability::Single,
        (_, 0) => Durability::Asynchronous,
        _ => Durability::Synchronous,
    })
}

/// A server without these forgets what it has acknowledged. `synchronous_commit` is not among them: each write
/// sets its own.
const NEEDED: [&str; 2] = ["fsync", "full_page_writes"];

/// From a row with a column for each of [`NEEDED`].
pub(crate) fn keeps_commits(row: &SqlRow) -> Result<(), StoreError> {
    for setting in NEEDED {
        let value: String = row.get(setting)?;
        if value != "on" {
            return Err(StoreError::LosesWrites { setting, value });
        }
    }
    Ok(())
}
