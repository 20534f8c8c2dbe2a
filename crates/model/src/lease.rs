//! How long a node may accept tokens without word from the database, and when nobody accepts an ended
//! one any more. Pure: `tests/lease` of this crate checks these very functions exhaustively.
//!
//! A gateway's lease counts from the moment before it asked, on its own clock, and only if it has
//! applied all that the answer named. So within the lease it knows every change that was committed
//! before it asked. A console that has committed a change at `c` therefore knows, without hearing from
//! a gateway, that its lease ends before `c` plus the lease's length.
//!
//! Where the database is away, consoles may vouch that they have committed nothing newer. They can
//! only speak for themselves, so all that a gateway knows of must; and a console that a gateway may not
//! know of (it joined later) waits for the longest that such a gateway may go on: its maximum age.

use crate::{Moment, NodeId};
use std::{collections::BTreeMap, time::Duration};

/// What a gateway does when its lease is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisconnectPolicy {
    /// It answers 503 until it hears from the database, or from all consoles.
    FailClosed,
    /// It goes on with what it knows, up to its maximum age.
    FailOpen,
}

impl DisconnectPolicy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailClosed => "fail_closed",
            Self::FailOpen => "fail_open",
        }
    }
}

impl std::str::FromStr for DisconnectPolicy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::FailClosed, Self::FailOpen].into_iter().find(|mode| mode.as_str() == text).ok_or(())
    }
}

/// What a node is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseConfig {
    pub lease: Duration,
    /// The longest that it serves after its last contact with the database, whatever it is told.
    pub max_staleness: Duration,
    pub on_disconnect: DisconnectPolicy,
    /// Whether it asks consoles when the database is away.
    pub asks_peers: bool,
}

impl LeaseConfig {
    /// How long to wait for the end of another machine's lease: its clock may run slower.
    pub fn lease_with_slack(self) -> Duration {
        with_slack(self.lease)
    }
}

/// Two machines' clocks run at slightly different rates: whoever waits for another's lease waits a
/// twentieth longer.
pub const SLACK: u32 = 20;

fn with_slack(span: Duration) -> Duration {
    span + span / SLACK
}

/// A gateway's own lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    terms: LeaseConfig,
    /// When the last question was sent that the database has answered.
    contact: Option<Moment>,
    /// Until when by the database's word, and by the consoles'.
    granted: Option<Moment>,
    vouched: Option<Moment>,
    /// The newest node's number that it has seen: up to there it knows all consoles.
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

    /// All nodes up to number `newest` are known now. What was vouched for before, others may have
    /// contradicted: a console that finds itself known counts on being asked.
    pub fn knows(&mut self, newest: i64) {
        if newest > self.known {
            self.known = newest;
            self.vouched = None;
        }
    }

    /// The database has answered that its feed stands at `head`. Counts only if all of that is
    /// applied; tells whether it did.
    pub fn renewed(&mut self, sent_at: Moment, head: i64, applied: i64) -> bool {
        if applied < head {
            return false;
        }
        self.contact = self.contact.max(Some(sent_at));
        self.granted = self.granted.max(Some(sent_at.plus(self.terms.lease)));
        true
    }

    /// Every console up to number `known` has answered that it has committed nothing newer.
    pub fn vouched_for(&mut self, sent_at: Moment, known: i64) {
        let may_ask = self.terms.asks_peers && known == self.known;
        let Some(contact) = self.contact.filter(|_| may_ask) else { return };
        let end = sent_at.plus(self.terms.lease).min(contact.plus(self.terms.max_staleness));
        self.vouched = self.vouched.max(Some(end));
    }

    /// The first moment at which it no longer accepts tokens. None: it does not at all.
    pub fn ends_at(&self) -> Option<Moment> {
        let last = match self.terms.on_disconnect {
            DisconnectPolicy::FailClosed => None,
            DisconnectPolicy::FailOpen => {
                self.contact.map(|contact| contact.plus(self.terms.max_staleness))
            }
        };
        self.granted.max(self.vouched).max(last)
    }

    /// Whether what it serves by was confirmed within the lease, rather than by its maximum age.
    pub fn is_confirmed(&self, now: Moment) -> bool {
        self.granted.max(self.vouched).is_some_and(|until| now < until)
    }

    /// Gives the lease up: a node that leaves.
    pub fn end(&mut self) {
        (self.contact, self.granted, self.vouched) = (None, None, None);
    }
}

/// A node as its row in the database shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeRow {
    pub id: NodeId,
    pub name: String,
    pub is_gateway: bool,
    pub is_console: bool,
    /// Its number among the nodes, in the order in which they joined.
    pub joined: i64,
    /// The newest such number that it has seen.
    pub known: i64,
    /// Goes up with every renewal.
    pub renewals: i64,
    /// How far it has come in the feed, with what has ended on its disk.
    pub applied: i64,
    pub epoch: String,
    pub terms: LeaseConfig,
}

impl NodeRow {
    /// How long after its last renewal it may still accept tokens, whoever vouched for it.
    pub fn longest(&self) -> Duration {
        let LeaseConfig { lease, max_staleness, on_disconnect, asks_peers } = self.terms;
        let goes_on = on_disconnect == DisconnectPolicy::FailOpen || asks_peers;
        with_slack(if goes_on { lease.max(max_staleness) } else { lease })
    }
}

/// A row and since when it says so, on the clock of whoever looks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct UsageEvent {
    row: NodeRow,
    /// When these renewals were first seen: it asked for the last of them before that.
    since: Moment,
}

/// What a console knows of all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Membership {
    /// The console itself, and the number that it joined with.
    own: (NodeId, i64),
    sightings: BTreeMap<NodeId, UsageEvent>,
    /// When this console last vouched, and for whom.
    vouched: BTreeMap<NodeId, Moment>,
}

/// What can be said of a node that should reject what has ended in a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeAck {
    /// It has applied the change.
    Confirmed,
    /// It has not said so; it rejects by itself from this moment on, and not before.
    RefusesFrom(Moment),
}

impl Membership {
    /// The roster of the console `own`, which joined as number `joined`.
    pub fn of(own: NodeId, joined: i64) -> Self {
        Self { own: (own, joined), sightings: BTreeMap::new(), vouched: BTreeMap::new() }
    }

    /// The console had to join anew: who knew it by its old number may not ask it.
    pub fn rejoined(&mut self, joined: i64) {
        self.own.1 = joined;
    }

    /// Takes over what the rows said, in an answer that had arrived at `seen_at`.
    pub fn see(&mut self, seen_at: Moment, rows: Vec<NodeRow>) {
        let mut before = std::mem::take(&mut self.sightings);
        for row in rows {
            let known = before.remove(&row.id);
            // Who joins anew begins to count anew.
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

    /// Whether this console says to a node that stands at `head` that it has committed nothing newer.
    /// `own_head` is the newest number that it has committed or seen.
    pub fn confirm(&mut self, node: NodeId, head: i64, own_head: i64, now: Moment) -> bool {
        let may = head >= own_head;
        if may {
            self.vouched.insert(node, now);
        }
        may
    }

    /// What is known of a node, as seen after a commit of change `seq` of `epoch` that was
    /// acknowledged at `committed_at`. None: it has left, or never was.
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
        // Whatever it asked the database before the commit, or heard from this console.
        let last_heard = self.vouched.get(&node).map_or(*since, |vouched| (*vouched).max(*since));
        let by_lease = committed_at.min(last_heard).plus(lease);
        // Nor does anyone who loads the list now, should this console have been taken out of it.
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

    /// Nodes that have said nothing for so long that they accept nothing any more, whoever vouched:
    /// their rows may go. Each as it was seen.
    pub fn gone(&self, now: Moment) -> Vec<NodeRow> {
        let is_gone = |seen: &&UsageEvent| seen.since.plus(seen.row.longest()) <= now;
        self.sightings.values().filter(is_gone).map(|sighting| sighting.row.clone()).collect()
    }

    /// How long ago a node was last heard of.
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

    /// It counts its renewals from nought again, and may by chance have come as far as before.
    #[test]
    fn who_joins_anew_is_seen_anew() {
        let (own, before, anew) = (node(1, 1, 0), node(2, 2, 3), node(2, 4, 3));
        let mut membership = Membership::of(own.id, 1);
        membership.see(at(10), vec![own.clone(), before]);
        membership.see(at(90), vec![own, anew.clone()]);
        assert_eq!(rejects_from(&membership, &anew, at(91)), Moment::from_micros(95_250_000));
        assert!(membership.gone(at(95)).iter().all(|gone| gone.id != anew.id));
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
