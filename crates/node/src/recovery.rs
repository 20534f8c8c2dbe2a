//! Recovery of a database that has forgotten that tokens were revoked, or accounts suspended or closed: the node
//! rejects them anyway, and writes the changes back.

use keydesk_model::{Actor, Event, Origin, Timestamp};
use keydesk_store::{AuditEntry, Revived, Store, StoreError};

/// Writes back the journal entries that the database doesn't have, and returns their number. Another node may already
/// have done the same.
pub(crate) async fn write_back(
    store: &Store,
    now: Timestamp,
    node: &str,
    revived: &Revived,
) -> Result<usize, StoreError> {
    let mut write = store.write(now).await?;
    let (mut revocations, mut accounts) = (0, 0);
    for stone in &revived.endings {
        revocations += usize::from(write.end_again(stone).await?);
    }
    for standing in &revived.accounts {
        accounts += usize::from(write.stop_again(standing).await?);
    }
    if revocations + accounts > 0 {
        let entry = AuditEntry {
            event: Event::TokenReconciled { revocations, accounts },
            actor: Actor::Node,
            origin: Origin::default(),
            account: None,
            target: node.to_owned(),
        };
        write.commit(entry).await?;
    }
    Ok(revocations + accounts)
}
