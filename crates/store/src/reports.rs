//! Reports of counts by gateways. The response to a commit can be lost, so the sender numbers each report, and a
//! repeated one counts nothing.

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
/// The time after which no report is sent again.
const KEPT: Duration = Duration::from_hours(24 * 31);

/// The sender, kind, and number of a report, which are the same each time it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    pub by: NodeId,
    pub kind: &'a str,
    pub number: i64,
    pub now: Timestamp,
}

impl Sent<'_> {
    /// Returns whether the report is new, within the transaction that counts it.
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
