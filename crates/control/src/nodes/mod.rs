//! Node administration for operators: listing nodes with the time until which each can accept tokens, and removing
//! nodes that will not return.

use keydesk_model::{Actor, Event, NodeRow, Origin, Timestamp, audit::Rfc3339};
use keydesk_store::{AuditEntry, Node, Store, StoreError};

/// A node, and the time until which it accepts tokens if it never connects again.
#[derive(Clone, Debug)]
pub struct ListedNode {
    pub node: Node,
    /// The end of the lease from the database's last response.
    pub lease_ends_at: Timestamp,
    /// The end of the time in which it can serve without the database, by itself or by peer confirmation, if permitted.
    pub accepts_until: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("there is no node “{0}”; “keydesk node list” shows them")]
    Unknown(String),
    #[error("several nodes have the name “{0}”; give the id of the one to remove")]
    Ambiguous(String),
    #[error(
        "the node has a lease until {0} and may be running. Stop it; if it is gone, wait until then"
    )]
    MayLive(Timestamp),
    #[error(
        "if the node still runs, it can accept tokens until {0} without the database. Make sure that it does not run, then add --destroyed"
    )]
    MayGoOn(Timestamp),
    #[error("the node renewed its lease a moment ago: it is running")]
    Renewed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns all nodes in the order in which they joined, and the database's time.
pub async fn list_nodes(
    store: &Store,
    now: Timestamp,
) -> Result<(Vec<ListedNode>, Timestamp), StoreError> {
    let now = store.now(now).await?;
    let listed = store.list_nodes().await?.into_iter().map(|node| ListedNode {
        lease_ends_at: node.seen_at.plus(node.row.terms.lease_with_slack()),
        accepts_until: node.seen_at.plus(node.row.longest()),
        node,
    });
    Ok((listed.collect(), now))
}

/// Removes a node, found by its ID or name. Its lease must have ended; if it could serve by itself beyond that,
/// `is_destroyed` states that the operator has made sure that it does not.
pub async fn remove_node(
    store: &Store,
    now: Timestamp,
    which: &str,
    is_destroyed: bool,
) -> Result<NodeRow, NodeError> {
    let (nodes, database_now) = list_nodes(store, now).await?;
    let is_it = |listed: &&ListedNode| {
        let row = &listed.node.row;
        row.name == which || row.id.to_string() == which
    };
    let found: Vec<_> = nodes.iter().filter(is_it).collect();
    let listed = match found[..] {
        [] => return Err(NodeError::Unknown(which.to_owned())),
        [one] => one,
        _ => return Err(NodeError::Ambiguous(which.to_owned())),
    };
    if listed.lease_ends_at > database_now {
        return Err(NodeError::MayLive(listed.lease_ends_at));
    }
    if listed.accepts_until > database_now && !is_destroyed {
        return Err(NodeError::MayGoOn(listed.accepts_until));
    }
    let row = listed.node.row.clone();
    let mut write = store.write(now).await?;
    if !write.remove_node(&row).await? {
        return Err(NodeError::Renewed);
    }
    let entry = AuditEntry {
        event: Event::NodeRemoved {
            name: row.name.clone(),
            could_accept_until: Rfc3339(listed.accepts_until),
            is_destroyed,
        },
        actor: Actor::Operator { user: None },
        origin: Origin::default(),
        account: None,
        target: row.id.to_string(),
    };
    write.commit(entry).await?;
    Ok(row)
}
