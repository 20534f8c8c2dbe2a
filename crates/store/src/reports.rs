//! Reports of what gateways have counted. The answer to a commit may be lost, so each is numbered by whoever
//! makes it, and one that comes again counts nothing.

use crate::{
    Store, StoreError,
    sql::{Runs, query},
};
use keydesk_model::{NodeId, Timestamp};
use std::time::Duration;

const NOTE: &str = "INSERT INTO report (reporter, kind, number, at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (reporter, kind) DO UPDATE SET number = excluded.number, at = excluded.at \
    WHERE report.number < excluded.number";
const FORGET: &str = "DELETE FROM report WHERE at < $1";
/// Nobody sends a report again after so long.
const KEPT: Duration = Duration::from_hours(24 * 31);

/// Who sends a report, of what kind, and which it is: the same each time that it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    pub by: NodeId,
    pub kind: &'a str,
    pub number: i64,
    pub now: Timestamp,
}

impl Sent<'_> {
    /// Within the transaction that counts it.
    pub(crate) async fn is_new(&self, runs: &mut impl Runs) -> Result<bool, StoreError> {
        let note = query(NOTE).bind(self.by).bind(self.kind).bind(self.number).bind(self.now);
        Ok(note.execute(runs).await? == 1)
    }
}

impl Store {
    pub async fn forget_old_reports(&self, now: Timestamp) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(now.minus(KEPT))).await.map(|_| ())
    }
}
