//! What a node does when a database has forgotten that tokens had ended, or accounts were suspended or closed:
//! it rejects them anyway, and here it tells the database.

use keydesk_model::{Actor, Event, Origin, Timestamp};
use keydesk_store::{AuditEntry, Revived, Store, StoreError};

/// Writes back what this node's journal knows and the database does not; how much there was. Another node may
/// have done the same already.
pub(crate) async fn write_back(
    store: &Store,
    now: Timestamp,
    node: &str,
    revived: &Revived,
) -> Result<usize, StoreError> {
    let mut write = store.write(now).await?;
    let (mut endings, mut accounts) = (0, 0);
    for stone in &revived.endings {
        endings += usize::from(write.end_again(stone).await?);
    }
    for standing in &revived.accounts {
        accounts += usize::from(write.stop_again(standing).await?);
    }
    if endings + accounts > 0 {
        let entry = AuditEntry {
            event: Event::TokenReconciled,
            actor: Actor::Node,
            origin: Origin::default(),
            account: None,
            target: node.to_owned(),
            detail: serde_json::json!({ "endings": endings, "accounts": accounts }),
        };
        write.commit(entry).await?;
    }
    Ok(endings + accounts)
}
