//! The operation rules in force.

use keydesk_model::{LiveRules, Mode, RuleTable};
use std::sync::Arc;

/// The operation rules, and whether they are enforced.
#[derive(Debug, Default)]
pub(crate) struct LiveRuleTable {
    pub table: RuleTable,
    pub mode: Mode,
    /// The name under which requests without a rule are recorded.
    pub unlisted: Arc<str>,
}

impl LiveRuleTable {
    pub fn new(live: &LiveRules) -> Self {
        Self { table: RuleTable::new(&live.rules), mode: live.mode, unlisted: "no rule".into() }
    }
}
