//! What consoles have seen of the API's OpenAPI document over time, so that its changes can be shown.

use crate::{Read, Store, StoreError, row, sql::query};
use keydesk_model::Timestamp;

/// A version of the document, summarized as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion {
    /// When a console saw it first.
    pub at: Timestamp,
    pub summary: String,
}

const LIST: &str = "SELECT seen_at, summary FROM api_version ORDER BY seen_at";
const NEWEST: &str = "SELECT seen_at, summary FROM api_version ORDER BY seen_at DESC LIMIT 1";
const ADD: &str =
    "INSERT INTO api_version (seen_at, summary) VALUES ($1, $2) ON CONFLICT DO NOTHING";
/// The newest version remains, however old it is.
const FORGET: &str = "DELETE FROM api_version WHERE seen_at < (SELECT max(seen_at) FROM api_version \
    WHERE seen_at <= $1)";
const LIMIT: &str = "DELETE FROM api_version WHERE seen_at NOT IN \
    (SELECT seen_at FROM api_version ORDER BY seen_at DESC LIMIT $1)";
/// The number of versions that are kept.
const MOST: i64 = 50;

fn version(row: &crate::sql::SqlRow) -> Result<ApiVersion, StoreError> {
    Ok(ApiVersion { at: row::instant(row, "seen_at")?, summary: row::text(row, "summary")? })
}

impl Read {
    /// Returns the kept versions, the oldest first.
    pub async fn list_api_versions(&mut self) -> Result<Vec<ApiVersion>, StoreError> {
        query(LIST).all(self).await?.iter().map(version).collect()
    }

    pub async fn find_newest_api_version(&mut self) -> Result<Option<ApiVersion>, StoreError> {
        query(NEWEST).optional(self).await?.as_ref().map(version).transpose()
    }
}

impl Store {
    /// Adds a version, and deletes those that another one had replaced before an instant.
    pub async fn add_api_version(
        &self,
        ApiVersion { at, summary }: &ApiVersion,
        replaced_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.run_aside(query(ADD).bind(*at).bind(summary)).await?;
        self.run_aside(query(FORGET).bind(replaced_before)).await?;
        self.run_aside(query(LIMIT).bind(MOST)).await.map(|_| ())
    }
}
