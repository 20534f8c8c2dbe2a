//! The durability of an acknowledged commit, and whether the server keeps what it acknowledges. Both can change while
//! the server runs, so every write checks them again.

use crate::{
    StoreError,
    sql::{Runs, SqlRow, query},
};

/// The durability of a commit if the server is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// One machine has it on its disk.
    Single,
    /// A standby will receive it soon: the last acknowledged commits can be lost with the primary.
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

/// Counts the standbys. A standby reports its replay position; a client that only collects the log (`pg_receivewal`, a
/// base backup) can't take over, even if it is listed in `synchronous_standby_names`. A user without
/// `pg_read_all_stats` sees only that there are some: then nothing is promised.
const REPLICATION: &str = "SELECT count(*) FILTER (WHERE replay_lsn IS NOT NULL OR state IS NULL) AS standbys, \
    count(*) FILTER (WHERE replay_lsn IS NOT NULL AND state = 'streaming' AND sync_state IN ('sync', 'quorum')) \
    AS synchronous FROM pg_stat_replication";

/// Returns the current durability. A commit is as durable as the weaker of before and after it.
pub(crate) async fn durability_of(runs: &mut impl Runs) -> Result<Durability, StoreError> {
    let row = query(REPLICATION).one(runs).await?;
    Ok(match (row.get::<i64>("standbys")?, row.get::<i64>("synchronous")?) {
        (0, _) => Durability::Single,
        (_, 0) => Durability::Asynchronous,
        _ => Durability::Synchronous,
    })
}

/// The settings without which a server forgets what it has acknowledged. `synchronous_commit` isn't one of them,
/// because each write sets its own.
const NEEDED: [&str; 2] = ["fsync", "full_page_writes"];

/// Checks a row that has a column for each of [`NEEDED`].
pub(crate) fn keeps_commits(row: &SqlRow) -> Result<(), StoreError> {
    for setting in NEEDED {
        let value: String = row.get(setting)?;
        if value != "on" {
            return Err(StoreError::LosesWrites { setting, value });
        }
    }
    Ok(())
}
