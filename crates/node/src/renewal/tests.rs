//! Joining again after a removal from the list.

use crate::{Member, NodeSettings, member::new_holder, system};
use keydesk_model::{
    CanaryUse, Change, DisconnectPolicy, EndedRequests, Feed, LeaseConfig, Moment, Month, QuotaUse,
    Snapshot, Table, Usage,
};
use keydesk_store::{DatabaseUrl, Progress, Store};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// A table of a node that serves nothing.
struct Nothing;

impl Feed for Nothing {
    fn load(&self, snapshot: Snapshot<'_>) {
        snapshot.secrets.for_each(drop);
    }

    fn apply(&self, _: i64, _: Change) {}
}

impl Table for Nothing {
    fn serve_until(&self, _: Option<Moment>) {}

    fn may_serve(&self) -> bool {
        true
    }

    fn seq(&self) -> i64 {
        0
    }

    fn take_usage(&self, _: bool) -> Vec<Usage> {
        Vec::new()
    }

    fn take_ended(&self) -> EndedRequests {
        EndedRequests::default()
    }

    fn take_canary_uses(&self) -> Vec<CanaryUse> {
        Vec::new()
    }

    fn has_quotas(&self) -> bool {
        false
    }

    fn take_counted(&self) -> HashMap<Month, Vec<QuotaUse>> {
        HashMap::new()
    }

    fn note_quota_use(&self, _: Month, _: &[QuotaUse]) {}
}

/// A node that the others have removed from the list.
async fn removed(folder: &std::path::Path) -> (Arc<Member>, Store, Progress) {
    let store = Store::open(&DatabaseUrl::Sqlite(folder.join("keydesk.db"))).await.expect("opens");
    let settings = NodeSettings {
        journal: folder.join("journal"),
        locks: folder.to_owned(),
        name: "one".to_owned(),
        is_gateway: false,
        is_console: true,
        terms: LeaseConfig {
            lease: Duration::from_secs(5),
            max_staleness: Duration::from_secs(5),
            on_disconnect: DisconnectPolicy::FailClosed,
            asks_peers: false,
        },
        confirm: Duration::ZERO,
        peers: None,
    };
    let table = Arc::new(Nothing) as Arc<dyn Table>;
    let member = Member::join(settings, &store, &table, None).await.expect("joins");
    let progress = member.catch_up().await.expect("catches up");
    store.remove_dead(member.new.id).await.expect("removes");
    (member, store, progress)
}

async fn has_given_up(member: &Member) -> bool {
    let taken = member.taken.notified();
    tokio::time::timeout(Duration::ZERO, taken).await.is_ok()
}

#[tokio::test]
async fn a_node_whose_response_was_lost_knows_its_own_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let (member, store, mut progress) = removed(folder.path()).await;
    // It asked to join again; the database did it, and the response did not arrive.
    let holder = new_holder(&system::entropy());
    member.state(|state| (state.holder, state.is_rejoining) = (holder.clone(), true));
    let joined = store.join(&member.new, &holder, member.clock.now()).await.expect("joins");
    // It asks once more, and then renews.
    member.join_again().await.expect("asks");
    for _ in 0..2 {
        member.renew(&mut progress).await.expect("renews");
    }
    assert!(!has_given_up(&member).await);
    let nodes = store.list_nodes().await.expect("reads");
    assert_eq!((nodes.len(), nodes[0].row.joined, nodes[0].row.renewals), (1, joined, 2));
    assert!(member.state(|state| !state.is_rejoining && state.renewed_at.is_some()));
}

#[tokio::test]
async fn a_node_whose_place_another_process_has_gives_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (member, store, mut progress) = removed(folder.path()).await;
    let other = new_holder(&system::entropy());
    store.join(&member.new, &other, member.clock.now()).await.expect("joins");
    member.renew(&mut progress).await.expect("renews");
    assert!(has_given_up(&member).await);
}
