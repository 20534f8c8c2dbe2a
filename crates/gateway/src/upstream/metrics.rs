//! What is counted for each upstream.

use crate::observe::SharedCounter;

/// The counts of one upstream.
#[derive(Debug, Default)]
pub(crate) struct UpstreamMetrics {
    pub opened: SharedCounter,
    pub reused: SharedCounter,
    pub retries: SharedCounter,
    pub failures: SharedCounter,
}
