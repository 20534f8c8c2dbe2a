//! What a node does when a database has forgotten that tokens had ended: it refuses them anyway, and
//! here it tells the database.

use keydesk_model::{Action, Actor, Clock, Origin};
use keydesk_store::{AuditEntry, Store, StoreError, Tombstone};

/// How many endings go into one transaction: others want to write, too.
const AT_ONCE: usize = 500;

/// Writes endings back that this node's journal knows and the database does not; how many there were.
/// Another node may have done the same already.
pub(crate) async fn write_back_endings(
    store: &Store,
    clock: &Clock,
    node: &str,
    endings: &[Tombstone],
) -> Result<usize, StoreError> {
    let mut total = 0;
    for some in endings.chunks(AT_ONCE) {
        let mut write = store.write(clock.now()).await?;
        let mut forgotten = 0;
        for stone in some {
            forgotten += usize::from(write.end_again(stone).await?);
        }
        if forgotten == 0 {
            continue;
        }
        let entry = AuditEntry {
            action: Action::WriteBackEndings,
            actor: Actor::Node,
            origin: Origin::default(),
            account: None,
            target: node.to_owned(),
            detail: serde_json::json!({ "endings": forgotten }),
        };
        write.commit(entry).await?;
        total += forgotten;
    }
    Ok(total)
}
