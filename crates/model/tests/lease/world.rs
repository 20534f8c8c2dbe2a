//! The world of the check: its state, what can happen in it, and what must never.

use keydesk_model::{
    DisconnectPolicy, Lease, LeaseConfig, Membership, Moment, NodeId, NodeRow, Timestamp,
};
use keydesk_token::Entropy;
use stateright::{Checker, Model, Property};
use std::time::Duration;

/// Micro-ticks: one step of the world's clock. A slow clock loses a twentieth, as [`SLACK`] allows.
pub const STEP: u64 = 20;
const SLOW: u64 = 19;
const LEASE: Duration = Duration::from_micros(2 * STEP);

/// What is left out on purpose, to see that the check notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// The lease counts from the moment that the answer arrived.
    CountsFromTheAnswer,
    /// A renewal counts although the gateway has not applied what it names.
    CountsUnapplied,
    /// The console does not wait for those that say nothing.
    TrustsSilence,
    /// The console waits for a lease by its own clock, without slack.
    WaitsWithoutSlack,
    /// Consoles vouch for whoever asks.
    VouchesForAnyone,
    /// A gateway keeps what the consoles vouched that it knew before.
    KeepsWhatOthersVouched,
    /// A console that has joined late takes itself for known.
    ThinksItIsKnown,
    /// Only consoles are asked, though gateways commit, too.
    AsksConsolesOnly,
    /// The same, and where there is no console, nobody has contradicted.
    CountsAnEmptyList,
    /// A process that starts on a copy of a gateway's folder takes the gateway for dead.
    RemovesTheCopied,
    /// A renewal is answered as of a moment at which others cannot see it yet.
    ReadsBeforeItWrites,
    /// A gateway that has left keeps the lease that it had.
    KeepsItsLeaseWhenItLeaves,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct World {
    pub gateways: usize,
    /// The first is known to all from the start; the second joins later.
    pub consoles: usize,
    /// Whether the first gateway commits, as consoles do: it comes after them among the writers.
    pub gateway_writes: bool,
    /// Whether each gateway that does not commit may leave once, and join again; and a console that does not commit, for good.
    pub leaves: bool,
    pub steps: u64,
    /// The maximum age, in steps; a lease has two.
    pub max_staleness: u64,
    /// How often each gateway asks the database, and the consoles.
    pub questions: (u8, u8),
    /// How often each console looks at the list.
    pub looks: u8,
    /// Whether the writer can undo what it has ended.
    pub restores: bool,
    /// Which writer ends a token; another may look once, and take silent nodes out of the list.
    pub committer: usize,
    /// Whether a gateway's clock may be slow.
    pub drifts: bool,
    pub on_disconnect: DisconnectPolicy,
    pub asks_peers: bool,
    pub flaw: Mutation,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub now: u64,
    pub head: i64,
    pub newest_node: i64,
    pub rows: Vec<NodeRow>,
    pub gateways: Vec<Gateway>,
    pub writers: Vec<Writer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway {
    pub id: NodeId,
    pub joined: i64,
    pub clock: u64,
    pub applied: i64,
    /// What it tells the database of the nodes that it knows.
    pub says_known: i64,
    pub lease: Lease,
    pub renewal: Option<Renewal>,
    pub vouching: Option<Vouching>,
    pub left: (u8, u8),
    /// The other writers, as the list had them when it was read last.
    pub others: Vec<usize>,
    pub may_leave: bool,
    /// It is not in the list by its own will, and accepts nothing.
    pub is_away: bool,
}

/// A question to the database on its way, or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Renewal {
    pub sent_at: u64,
    pub applied: i64,
    pub known: i64,
    pub is_written: bool,
    /// What the database said: its head and the newest node's number.
    pub answer: Option<(i64, i64)>,
}

/// A question to all consoles that the gateway knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vouching {
    pub sent_at: u64,
    pub head: i64,
    pub known: i64,
    pub missing: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    pub id: NodeId,
    /// The gateway that it is, if it is one.
    pub gateway: Option<usize>,
    pub joined: Option<i64>,
    pub has_left: bool,
    pub own_head: i64,
    pub membership: Membership,
    /// Its change and when it was acknowledged.
    pub committed: Option<(i64, u64)>,
    /// Those that were in the list when it first looked after the commit.
    pub awaited: Option<Vec<NodeId>>,
    pub complete: bool,
    /// The number of the change that undid its own.
    pub restored: Option<i64>,
    pub looks: u8,
    pub looked_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Time goes on; the gateways of this mask have slow clocks.
    Step(u32),
    Ask(usize),
    /// The database writes what a renewal says, where others see it from now on.
    Reach(usize),
    /// It reads what the renewal is answered.
    Read(usize),
    Hear(usize),
    JoinAgain(usize),
    Apply(usize),
    AskPeers(usize),
    PeerAnswers(usize, usize),
    Join(usize),
    Commit(usize),
    Look(usize),
    Complete(usize),
    /// The writer undoes what it has ended.
    Restore(usize),
    Remove(usize),
    /// A gateway leaves the list in good order.
    Leave(usize),
    /// So does a console.
    LeaveForGood(usize),
    /// A process starts on a copy of a gateway's folder.
    CopyStarts(usize),
}

fn id(number: u64) -> NodeId {
    NodeId::generate(Timestamp::from_micros(0), &Entropy::seeded(number))
}

impl World {
    fn terms(&self) -> LeaseConfig {
        LeaseConfig {
            lease: LEASE,
            max_staleness: Duration::from_micros(self.max_staleness * STEP),
            on_disconnect: self.on_disconnect,
            asks_peers: self.asks_peers,
        }
    }

    pub fn row(&self, id: NodeId, joined: i64, is_gateway: bool) -> NodeRow {
        NodeRow {
            id,
            name: String::new(),
            is_gateway,
            is_console: !is_gateway,
            joined,
            known: joined,
            renewals: 0,
            applied: 0,
            epoch: String::new(),
            terms: self.terms(),
        }
    }

    pub fn check(self) {
        let flaw = self.flaw;
        let checker = self.checker().threads(2).spawn_dfs().join();
        println!("{flaw:?}: {} states", checker.unique_state_count());
        let violation = checker.discovery("no acceptance after complete");
        if flaw == Mutation::None {
            assert!(violation.is_none(), "{:#?}", violation.map(stateright::Path::into_actions));
            checker.assert_any_discovery("a receipt completes");
        } else {
            assert!(
                violation.is_some(),
                "{flaw:?} goes unnoticed in {} states",
                checker.state_count()
            );
        }
    }

    fn gateway_actions(&self, state: &State, acts: &mut Vec<Act>) {
        for (at, gateway) in state.gateways.iter().enumerate() {
            // A question or an answer that is never heard of again was lost.
            match &gateway.renewal {
                Some(Renewal { is_written: true, answer: Some(_), .. }) => acts.push(Act::Hear(at)),
                Some(Renewal { is_written, answer, .. }) => {
                    if !is_written {
                        acts.push(Act::Reach(at));
                    }
                    let reads_early = self.flaw == Mutation::ReadsBeforeItWrites;
                    if answer.is_none() && (*is_written || reads_early) {
                        acts.push(Act::Read(at));
                    }
                }
                None => {}
            }
            if gateway.left.0 > 0 && !gateway.is_away {
                acts.push(Act::Ask(at));
            }
            if gateway.may_leave && self.leaves {
                acts.push(Act::Leave(at));
            }
            if gateway.may_leave && self.flaw == Mutation::RemovesTheCopied {
                acts.push(Act::CopyStarts(at));
            }
            let is_listed = state.rows.iter().any(|row| row.id == gateway.id);
            if !is_listed && gateway.renewal.is_none() && gateway.lease.ends_at().is_none() {
                acts.push(Act::JoinAgain(at));
            }
            if gateway.applied < state.head {
                acts.push(Act::Apply(at));
            }
            if self.asks_peers && gateway.left.1 > 0 && !gateway.is_away {
                acts.push(Act::AskPeers(at));
            }
            if let Some(asked) = &gateway.vouching {
                let lives = |at: &usize| {
                    let writer = &state.writers[*at];
                    !writer.has_left && writer.gateway.is_none_or(|at| !state.gateways[at].is_away)
                };
                let missing = asked.missing.iter().copied().filter(lives);
                acts.extend(missing.map(|writer| Act::PeerAnswers(at, writer)));
            }
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        let first = (self.consoles > 0).then(|| self.row(id(100), 1, false));
        let mut rows: Vec<_> = first.into_iter().collect();
        let gateways = (0..self.gateways).map(|at| {
            let id = id(at as u64);
            let joined = 2 + i64::try_from(at).expect("small");
            rows.push(self.row(id, joined, true));
            let mut lease = Lease::new(self.terms());
            lease.knows(joined);
            lease.renewed(Moment::from_micros(0), 0, 0);
            let says_known = joined;
            Gateway {
                id,
                joined,
                clock: 0,
                applied: 0,
                says_known,
                lease,
                renewal: None,
                vouching: None,
                left: self.questions,
                others: Vec::new(),
                may_leave: !(self.gateway_writes && at == 0),
                is_away: false,
            }
        });
        let gateways: Vec<_> = gateways.collect();
        let newest_node = i64::try_from(self.gateways + 1).expect("small");
        let console = |at: usize| {
            let (id, joined) = (id(100 + at as u64), (at == 0).then_some(1));
            let membership = Membership::of(id, joined.unwrap_or(0));
            Writer {
                id,
                gateway: None,
                joined,
                has_left: false,
                own_head: 0,
                membership,
                committed: None,
                awaited: None,
                complete: false,
                restored: None,
                looks: if at == self.committer { self.looks } else { 1 },
                looked_at: None,
            }
        };
        let mut writers: Vec<_> = (0..self.consoles).map(console).collect();
        if self.gateway_writes {
            let (id, joined) = (gateways[0].id, Some(gateways[0].joined));
            let membership = Membership::of(id, gateways[0].joined);
            let gateway = Some(0);
            writers.push(Writer { id, gateway, joined, membership, ..console(self.consoles) });
        }
        let mut state = State { now: 0, head: 0, newest_node, rows, gateways, writers };
        for at in 0..self.gateways {
            state.gateways[at].others = self.others(&state, at);
        }
        vec![state]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if state.now < self.steps * STEP {
            // One clock that may be slow is enough: they do not know of each other.
            acts.extend((0..=u32::from(self.drifts)).map(Act::Step));
        }
        self.gateway_actions(state, acts);
        for (at, console) in state.writers.iter().enumerate() {
            let is_away = |at: usize| state.gateways[at].is_away;
            if console.has_left || console.gateway.is_some_and(is_away) {
                continue;
            }
            if self.leaves && at != self.committer && console.gateway.is_none() {
                acts.extend(console.joined.map(|_| Act::LeaveForGood(at)));
            }
            match (console.joined, console.committed) {
                (None, _) => acts.push(Act::Join(at)),
                (Some(_), None) if at == self.committer => acts.push(Act::Commit(at)),
                _ => {}
            }
            if console.joined.is_some() {
                if console.looks > 0 && console.looked_at != Some(state.now) {
                    acts.push(Act::Look(at));
                }
                if !console.complete && self.may_complete(console, state.now) {
                    acts.push(Act::Complete(at));
                }
                if self.restores && console.committed.is_some() && console.restored.is_none() {
                    acts.push(Act::Restore(at));
                }
                if !console.membership.gone(Moment::from_micros(state.now)).is_empty() {
                    acts.push(Act::Remove(at));
                }
            }
        }
    }

    fn next_state(&self, before: &State, act: Act) -> Option<State> {
        let mut state = before.clone();
        match act {
            Act::Step(slow) => {
                state.now += STEP;
                for (at, gateway) in state.gateways.iter_mut().enumerate() {
                    gateway.clock += if slow >> at & 1 == 1 { SLOW } else { STEP };
                }
            }
            Act::PeerAnswers(gateway, console) => self.confirm(&mut state, gateway, console),
            Act::Join(_)
            | Act::Commit(_)
            | Act::Look(_)
            | Act::Complete(_)
            | Act::Restore(_)
            | Act::Remove(_)
            | Act::LeaveForGood(_) => {
                self.console_acts(&mut state, act);
            }
            _ => self.gateway_acts(&mut state, act)?,
        }
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no acceptance after complete", |_, state: &State| {
                let called_ended = state.writers.iter().filter(|console| console.complete);
                let newest =
                    called_ended.filter_map(|console| console.committed).map(|(seq, _)| seq);
                let Some(newest) = newest.max() else { return true };
                state.gateways.iter().all(|gateway| {
                    let now = Moment::from_micros(gateway.clock);
                    // It has applied the end, and perhaps the restoration behind it.
                    gateway.applied >= newest
                        || gateway.lease.ends_at().is_none_or(|end| end <= now)
                })
            }),
            Property::sometimes("a receipt completes", |_, state: &State| {
                state.writers.iter().any(|console| console.complete)
            }),
        ]
    }
}
