//! Reports of leaked secrets.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};

/// Who reported a leaked secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakReporter {
    /// GitHub's secret scanning, by its signature.
    Github,
    /// GitLab's secret detection, by its signature or the token that the operator gave it.
    Gitlab,
    /// Anyone who has the secret or its digest, on the console's page for reports.
    ReportForm,
    /// Anyone who checked the digest, such as `keydesk scan`.
    Scan,
}

text_form!(LeakReporter, () = (), {
    Github = "github",
    Gitlab = "gitlab",
    ReportForm = "report_form",
    Scan = "scan",
});

impl LeakReporter {
    /// Returns whether the reporter has proved who they are, so that a place they name can be passed on.
    pub fn is_authenticated(self) -> bool {
        matches!(self, Self::Github | Self::Gitlab)
    }
}
