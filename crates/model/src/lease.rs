//! Leases: how long a node may accept tokens without the database, and when no node accepts a revoked token any more.
//! Pure functions: `tests/lease` of this crate checks exactly these exhaustively.
//!
//! A gateway's lease starts at the moment before its request, on its own clock, and only if the gateway has applied
//! all changes that the response named. Within the lease, it therefore knows every change that was committed before
//! the request. A console that has committed a change at `c` therefore knows, without contacting a gateway, that its
//! lease ends before `c` plus the length of the lease.
//!
//! If the database is unavailable, consoles can confirm that they have committed nothing newer. Each console can
//! confirm only for itself, so all consoles that a gateway knows must confirm. A console that a gateway may not know,
//! because it joined later, waits for the longest time that such a gateway may keep serving: its maximum staleness.

use crate::{Moment, NodeId, text_form::text_form};
use std::{collections::BTreeMap, time::Duration};

/// The behavior of a gateway after its lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisconnectPolicy {
    /// The gateway responds with 503 until the database responds or all consoles confirm.
    FailClosed,
    /// The gateway keeps serving from its current state, up to the maximum staleness.
    FailOpen,
}

text_form!(DisconnectPolicy, () = (), {
    FailClosed = "fail_closed",
    FailOpen = "fail_open",
});

/// The lease settings of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseConfig {
    pub lease: Duration,
    /// The longest time that the node serves after its last contact with the database, regardless of confirmations.
    pub max_staleness: Duration,
    pub on_disconnect: DisconnectPolicy,
    /// Whether the node requests peer confirmation if the database is unavailable.
    pub asks_peers: bool,
}

impl LeaseConfig {
    /// Returns the time to wait until another machine's lease has ended, because its clock may run slower.
    pub fn lease_with_slack(self) -> Duration {
        with_slack(self.lease)
    }
}

/// The divisor of the extra wait for another machine's lease: one twentieth longer, because clocks run at slightly
/// different rates.
pub const SLACK: u32 = 20;

fn with_slack(span: Duration) -> Duration {
    span + span / SLACK
}

/// The lease of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    terms: LeaseConfig,
    /// The time when the last request that the database answered was sent.
    contact: Option<Moment>,
    /// The end of the lease as granted by the database, and as confirmed by the consoles.
    granted: Option<Moment>,
    vouched: Option<Moment>,
    /// The newest node number that this node has seen; it knows all consoles up to it.
    known: i64,
}

impl Lease {
    pub fn new(terms: LeaseConfig) -> Self {
        Self { terms, contact: None, granted: None, vouched: None, known: 0 }
    }

    pub fn terms(&self) -> LeaseConfig {
        self.terms
    }

    pub fn known(&self) -> i64 {
        self.known
    }

    /// Records that all nodes up to number `newest` are known. Discards earlier confirmations, because the new nodes
    /// may have committed changes: a console that is known counts on being asked.
    pub fn knows(&mut self, newest: i64) {
        if newest > self.known {
            self.known = newest;
            self.vouched = None;
        }
    }

    /// Records the database's response that its feed is at `head`. Counts only if all changes up to it are applied;
    /// returns whether it did.
    pub fn renewed(&mut self, sent_at: Moment, head: i64, applied: i64) -> bool {
        if applied < head {
            return false;
        }
        self.contact = self.contact.max(Some(sent_at));
        self.granted = self.granted.max(Some(sent_at.plus(self.terms.lease)));
        true
    }

    /// Records that every console up to number `known` has confirmed that it has committed nothing newer.
    pub fn vouched_for(&mut self, sent_at: Moment, known: i64) {
        let may_ask = self.terms.asks_peers && known == self.known;
        let Some(contact) = self.contact.filter(|_| may_ask) else { return };
        let end = sent_at.plus(self.terms.lease).min(contact.plus(self.terms.max_staleness));
        self.vouched = self.vouched.max(Some(end));
    }

    /// Returns the first moment at which tokens are no longer accepted. Returns `None` if none are accepted.
    pub fn ends_at(&self) -> Option<Moment> {
        let last = match self.terms.on_disconnect {
            DisconnectPolicy::FailClosed => None,
            DisconnectPolicy::FailOpen => {
                self.contact.map(|contact| contact.plus(self.terms.max_staleness))
            }
        };
        self.granted.max(self.vouched).max(last)
    }

    /// Returns whether the node serves within a confirmed lease, rather than by its maximum staleness.
    pub fn is_confirmed(&self, now: Moment) -> bool {
        self.granted.max(self.vouched).is_some_and(|until| now < until)
    }

    /// Ends the lease when the node leaves.
    pub fn end(&mut self) {
        (self.contact, self.granted, self.vouched) = (None, None, None);
    }
}

/// A node as described by its row in the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeRow {
    pub id: NodeId,
    pub name: String,
    pub is_gateway: bool,
    pub is_console: bool,
    /// The number of the node, in the order of joining.
    pub joined: i64,
    /// The newest node number that the node has seen.
    pub known: i64,
    /// The number of renewals, which increases with every renewal.
    pub renewals: i64,
    /// The last change that the node has applied, with revocations written to disk.
    pub applied: i64,
    pub epoch: String,
    pub terms: LeaseConfig,
}

impl NodeRow {
    /// Returns the longest time after its last renewal that the node may accept tokens, regardless of confirmations.
    pub fn longest(&self) -> Duration {
        let LeaseConfig { lease, max_staleness, on_disconnect, asks_peers } = self.terms;
        let goes_on = on_disconnect == DisconnectPolicy::FailOpen || asks_peers;
        with_slack(if goes_on { lease.max(max_staleness) } else { lease })
    }
}

/// A node's row and when it was first seen in this state, on the observer's clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct UsageEvent {
    row: NodeRow,
    /// The moment when this renewal count was first seen; the node requested the last renewal before it.
    since: Moment,
}

/// The nodes as known to a console.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Membership {
    /// The console's own ID and the number with which it joined.
    own: (NodeId, i64),
    sightings: BTreeMap<NodeId, UsageEvent>,
    /// The last confirmation by this console for each node.
    vouched: BTreeMap<NodeId, Moment>,
}

/// The acknowledgment of a change by a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeAck {
    /// The node has applied the change.
    Confirmed,
    /// The node hasn't acknowledged the change; it is certain to reject only from this moment on.
    RefusesFrom(Moment),
}

impl Membership {
    /// Returns the membership of the console `own`, which joined with number `joined`.
    pub fn of(own: NodeId, joined: i64) -> Self {
        Self { own: (own, joined), sightings: BTreeMap::new(), vouched: BTreeMap::new() }
    }

    /// Records that the console has joined again. Nodes that know only its old number may not ask it.
    pub fn rejoined(&mut self, joined: i64) {
        self.own.1 = joined;
    }

    /// Applies the rows of a response that arrived at `seen_at`.
    pub fn see(&mut self, seen_at: Moment, rows: Vec<NodeRow>) {
        let mut before = std::mem::take(&mut self.sightings);
        for row in rows {
            let known = before.remove(&row.id);
            // A node that joins again restarts its renewal count.
            let counts = |row: &NodeRow| (row.joined, row.renewals);
            let same = known.filter(|known| counts(&known.row) == counts(&row));
            let since = same.map_or(seen_at, |known| known.since);
            self.sightings.insert(row.id, UsageEvent { row, since });
        }
        let sightings = &self.sightings;
        self.vouched.retain(|node, _| sightings.contains_key(node));
    }

    pub fn rows(&self) -> impl Iterator<Item = &NodeRow> {
        self.sightings.values().map(|sighting| &sighting.row)
    }

    /// Returns whether this console confirms to a node at `head` that it has committed nothing newer. `own_head` is
    /// the newest number that it has committed or seen.
    pub fn confirm(&mut self, node: NodeId, head: i64, own_head: i64, now: Moment) -> bool {
        let may = head >= own_head;
        if may {
            self.vouched.insert(node, now);
        }
        may
    }

    /// Returns the acknowledgment of a node after a commit of change `seq` of `epoch` that was acknowledged at
    /// `committed_at`. Returns `None` if the node has left or never existed.
    pub fn ack_of(
        &self,
        node: NodeId,
        seq: i64,
        epoch: &str,
        committed_at: Moment,
    ) -> Option<NodeAck> {
        let UsageEvent { row, since } = self.sightings.get(&node)?;
        if row.epoch == epoch && row.applied >= seq {
            return Some(NodeAck::Confirmed);
        }
        let LeaseConfig { lease, max_staleness, on_disconnect, asks_peers } = row.terms;
        let lease = with_slack(lease);
        // An upper bound of the node's last renewal and of this console's last confirmation.
        let last_heard = self.vouched.get(&node).map_or(*since, |vouched| (*vouched).max(*since));
        let by_lease = committed_at.min(last_heard).plus(lease);
        // If this console has been removed from the list, nodes that load the list now don't know it either.
        let is_listed = self.sightings.get(&self.own.0).is_some_and(|s| s.row.joined == self.own.1);
        let may_not_know_us = row.known < self.own.1 || !is_listed;
        let goes_on =
            on_disconnect == DisconnectPolicy::FailOpen || (asks_peers && may_not_know_us);
        let end = if goes_on {
            by_lease.max(committed_at.min(*since).plus(with_slack(max_staleness)))
        } else {
            by_lease
        };
        Some(NodeAck::RefusesFrom(end))
    }

    /// Returns the nodes whose last renewal is so old that they accept nothing any more, regardless of confirmations,
    /// as last seen. Their rows can be deleted.
    pub fn gone(&self, now: Moment) -> Vec<NodeRow> {
        let is_gone = |seen: &&UsageEvent| seen.since.plus(seen.row.longest()) <= now;
        self.sightings.values().filter(is_gone).map(|sighting| sighting.row.clone()).collect()
    }

    /// Returns the time since a node's last renewal was seen.
    pub fn silent_for(&self, node: NodeId, now: Moment) -> Option<Duration> {
        self.sightings.get(&node).map(|sighting| now.since(sighting.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use keydesk_token::Entropy;

    const LEASE: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn node(number: u64, joined: i64, renewals: i64) -> NodeRow {
        let on_disconnect = DisconnectPolicy::FailClosed;
        NodeRow {
            id: NodeId::generate(Timestamp::from_micros(0), &Entropy::seeded(number)),
            name: String::new(),
            is_gateway: true,
            is_console: true,
            joined,
            known: joined,
            renewals,
            applied: 0,
            epoch: String::new(),
            terms: LeaseConfig {
                lease: LEASE,
                max_staleness: LEASE * 10,
                on_disconnect,
                asks_peers: false,
            },
        }
    }

    fn rejects_from(membership: &Membership, node: &NodeRow, committed_at: Moment) -> Moment {
        match membership.ack_of(node.id, 1, "", committed_at) {
            Some(NodeAck::RefusesFrom(moment)) => moment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lease_is_over_twentieth_and_all_after_it_was_last_heard_of() {
        let own = node(1, 1, 0);
        let other = node(2, 2, 7);
        let mut membership = Membership::of(own.id, 1);
        membership.see(at(10), vec![own.clone(), other.clone()]);
        membership.see(at(14), vec![own, other.clone()]);
        let late = Moment::from_micros(15_250_000);
        assert_eq!(rejects_from(&membership, &other, at(100)), late, "it was silent since 10 s");
        assert_eq!(rejects_from(&membership, &other, at(9)), Moment::from_micros(14_250_000));
    }

    /// The renewal count restarts at zero and may happen to reach the same number as before.
    #[test]
    fn who_joins_anew_is_seen_anew() {
        let (own, before, rejoined) = (node(1, 1, 0), node(2, 2, 3), node(2, 4, 3));
        let mut membership = Membership::of(own.id, 1);
        membership.see(at(10), vec![own.clone(), before]);
        membership.see(at(90), vec![own, rejoined.clone()]);
        assert_eq!(rejects_from(&membership, &rejoined, at(91)), Moment::from_micros(95_250_000));
        assert!(membership.gone(at(95)).iter().all(|gone| gone.id != rejoined.id));
    }

    #[test]
    fn a_console_that_was_taken_out_of_the_list_counts_on_nobody_asking_it() {
        let (own, mut other) = (node(1, 1, 0), node(2, 2, 3));
        other.terms.asks_peers = true;
        let mut membership = Membership::of(own.id, 1);
        membership.see(at(10), vec![own.clone(), other.clone()]);
        assert_eq!(rejects_from(&membership, &other, at(10)), Moment::from_micros(15_250_000));
        membership.see(at(10), vec![other.clone()]);
        assert_eq!(rejects_from(&membership, &other, at(10)), Moment::from_micros(62_500_000));
        other.known = 0;
        membership.see(at(10), vec![own, other.clone()]);
        assert_eq!(rejects_from(&membership, &other, at(10)), Moment::from_micros(62_500_000));
    }
}
