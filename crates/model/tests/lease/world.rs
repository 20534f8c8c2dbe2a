//! The world of the check: its state, what can happen in it, and what must never.

use keydesk_model::{Isolated, Lease, Moment, NodeId, NodeRow, Roster, Terms, Timestamp, Word};
use keydesk_token::Entropy;
use stateright::{Checker, Model, Property};
use std::time::Duration;

/// Micro-ticks: one step of the world's clock. A slow clock loses a twentieth, as [`SLACK`] allows.
const STEP: u64 = 20;
const SLOW: u64 = 19;
const LEASE: Duration = Duration::from_micros(2 * STEP);
const MAX_AGE: Duration = Duration::from_micros(3 * STEP);

/// What is left out on purpose, to see that the check notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
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
}

pub struct World {
    pub gateways: usize,
    /// The first is known to all from the start; the second joins later.
    pub consoles: usize,
    pub steps: u64,
    /// How often each gateway asks the database, and the consoles.
    pub questions: (u8, u8),
    /// How often each console looks at the list.
    pub looks: u8,
    /// Which console ends a token; another may look once, and take silent nodes out of the list.
    pub committer: usize,
    /// Whether a gateway's clock may be slow.
    pub drifts: bool,
    pub isolated: Isolated,
    pub asks_peers: bool,
    pub flaw: Flaw,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    now: u64,
    head: i64,
    newest_node: i64,
    rows: Vec<NodeRow>,
    gateways: Vec<Gateway>,
    consoles: Vec<Console>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Gateway {
    id: NodeId,
    joined: i64,
    clock: u64,
    applied: i64,
    /// What it tells the database of the nodes that it knows.
    says_known: i64,
    lease: Lease,
    renewal: Option<Renewal>,
    vouching: Option<Vouching>,
    left: (u8, u8),
}

/// A question to the database on its way, or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Renewal {
    sent_at: u64,
    applied: i64,
    known: i64,
    /// What the database said: its head and the newest node's number.
    answer: Option<(i64, i64)>,
}

/// A question to all consoles that the gateway knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Vouching {
    sent_at: u64,
    head: i64,
    known: i64,
    missing: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Console {
    id: NodeId,
    joined: Option<i64>,
    own_head: i64,
    roster: Roster,
    /// Its change and when it was acknowledged.
    committed: Option<(i64, u64)>,
    /// Those that were in the list when it first looked after the commit.
    awaited: Option<Vec<NodeId>>,
    complete: bool,
    looks: u8,
    looked_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Time goes on; the gateways of this mask have slow clocks.
    Step(u32),
    Ask(usize),
    Reach(usize),
    Hear(usize),
    JoinAgain(usize),
    Apply(usize),
    AskPeers(usize),
    PeerAnswers(usize, usize),
    Join(usize),
    Commit(usize),
    Look(usize),
    Complete(usize),
    Remove(usize),
}

fn id(number: u64) -> NodeId {
    NodeId::generate(Timestamp::from_micros(0), &Entropy::seeded(number))
}

impl World {
    fn terms(&self) -> Terms {
        Terms {
            lease: LEASE,
            max_age: MAX_AGE,
            isolated: self.isolated,
            asks_peers: self.asks_peers,
        }
    }

    fn row(&self, id: NodeId, joined: i64, is_gateway: bool) -> NodeRow {
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
        if flaw == Flaw::None {
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

    fn vouch(&self, state: &mut State, gateway: usize, console: usize) {
        let at = state.now;
        let from = &mut state.gateways[gateway];
        let Some(asked) = &mut from.vouching else { return };
        let answering = &mut state.consoles[console];
        let own_head = if self.flaw == Flaw::VouchesForAnyone { 0 } else { answering.own_head };
        let now = Moment::from_micros(at);
        if !answering.roster.vouch(from.id, asked.head, own_head, now) {
            from.vouching = None;
            return;
        }
        asked.missing.retain(|missing| *missing != console);
        if asked.missing.is_empty() {
            let sent_at = Moment::from_micros(asked.sent_at);
            from.lease.vouched_for(sent_at, asked.known);
            from.vouching = None;
        }
    }

    fn hear(&self, gateway: &mut Gateway) {
        let Some(Renewal { sent_at, answer: Some((head, newest)), .. }) = gateway.renewal.take()
        else {
            return;
        };
        let sent_at = if self.flaw == Flaw::CountsFromTheAnswer { gateway.clock } else { sent_at };
        let head = if self.flaw == Flaw::CountsUnapplied { 0 } else { head };
        gateway.lease.renewed(Moment::from_micros(sent_at), head, gateway.applied);
        if self.flaw == Flaw::KeepsWhatOthersVouched {
            let kept = gateway.lease.clone();
            gateway.lease.knows(newest);
            if kept.ends_at() > gateway.lease.ends_at() {
                gateway.lease = kept;
            }
            gateway.says_known = newest;
            return;
        }
        gateway.lease.knows(newest);
        gateway.says_known = gateway.lease.known();
    }

    /// Whether the console may say that nobody accepts any more.
    fn may_complete(&self, console: &Console, now: u64) -> bool {
        let (Some((seq, at)), Some(awaited)) = (console.committed, &console.awaited) else {
            return false;
        };
        awaited.iter().all(|node| {
            match console.roster.word_of(*node, seq, "", Moment::from_micros(at)) {
                None | Some(Word::Confirmed) => true,
                Some(Word::RefusesFrom(_)) if self.flaw == Flaw::TrustsSilence => true,
                Some(Word::RefusesFrom(from)) => {
                    let slack = if self.flaw == Flaw::WaitsWithoutSlack { STEP / 10 } else { 0 };
                    from.as_micros() <= now + slack
                }
            }
        })
    }

    fn gateway_acts(&self, state: &mut State, act: Act) -> Option<()> {
        match act {
            Act::Ask(at) => {
                let gateway = &mut state.gateways[at];
                let (sent_at, applied, known) =
                    (gateway.clock, gateway.applied, gateway.says_known);
                gateway.left.0 -= 1;
                gateway.renewal = Some(Renewal { sent_at, applied, known, answer: None });
            }
            Act::Reach(at) => {
                let gateway = &mut state.gateways[at];
                let renewal = gateway.renewal.as_mut()?;
                let Some(row) = state.rows.iter_mut().find(|row| row.id == gateway.id) else {
                    // Taken out of the list: it gives its lease up, and could join anew.
                    gateway.renewal = None;
                    gateway.vouching = None;
                    gateway.lease.end();
                    return Some(());
                };
                row.renewals += 1;
                row.applied = row.applied.max(renewal.applied);
                row.known = row.known.max(renewal.known);
                renewal.answer = Some((state.head, state.newest_node));
            }
            Act::JoinAgain(at) => {
                state.newest_node += 1;
                let gateway = &mut state.gateways[at];
                gateway.joined = state.newest_node;
                gateway.lease.knows(state.newest_node);
                gateway.says_known = state.newest_node;
                let mut row = self.row(gateway.id, state.newest_node, true);
                row.known = state.newest_node;
                state.rows.push(row);
            }
            Act::Hear(at) => self.hear(&mut state.gateways[at]),
            Act::Apply(at) => state.gateways[at].applied = state.head,
            Act::AskPeers(at) => {
                let known = state.gateways[at].lease.known();
                let is_known = |console: &Console| {
                    console.joined.is_some_and(|joined| joined <= known)
                        && state.rows.iter().any(|row| row.id == console.id)
                };
                let all = state.consoles.iter().enumerate();
                let missing =
                    all.filter(|(_, console)| is_known(console)).map(|(at, _)| at).collect();
                let gateway = &mut state.gateways[at];
                let (sent_at, head) = (gateway.clock, gateway.applied);
                gateway.left.1 -= 1;
                gateway.vouching = Some(Vouching { sent_at, head, known, missing });
            }
            _ => unreachable!("a console's act"),
        }
        Some(())
    }

    fn console_acts(&self, state: &mut State, act: Act) {
        match act {
            Act::Join(at) => {
                state.newest_node += 1;
                let (joined, head) = (state.newest_node, state.head);
                let console = &mut state.consoles[at];
                console.joined = Some(joined);
                console.own_head = head;
                let thinks = if self.flaw == Flaw::ThinksItIsKnown { 1 } else { joined };
                console.roster = Roster::of(console.id, thinks);
                let mut row = self.row(console.id, thinks, false);
                row.known = joined;
                state.rows.push(row);
            }
            Act::Commit(at) => {
                state.head += 1;
                let console = &mut state.consoles[at];
                console.own_head = state.head;
                console.committed = Some((state.head, state.now));
                console.looked_at = None;
            }
            Act::Look(at) => {
                let console = &mut state.consoles[at];
                console.looks -= 1;
                console.looked_at = Some(state.now);
                console.roster.see(Moment::from_micros(state.now), state.rows.clone());
                if console.committed.is_some() && console.awaited.is_none() {
                    let gateways = state.rows.iter().filter(|row| row.is_gateway);
                    console.awaited = Some(gateways.map(|row| row.id).collect());
                }
            }
            Act::Complete(at) => state.consoles[at].complete = true,
            Act::Remove(at) => {
                for gone in state.consoles[at].roster.gone(Moment::from_micros(state.now)) {
                    let as_seen = |row: &NodeRow| {
                        (row.id, row.joined, row.renewals) == (gone.id, gone.joined, gone.renewals)
                    };
                    state.rows.retain(|row| !gone.is_gateway || !as_seen(row));
                }
            }
            _ => unreachable!("a gateway's act"),
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        let console_id = id(100);
        let mut rows = vec![self.row(console_id, 1, false)];
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
            }
        });
        let gateways: Vec<_> = gateways.collect();
        let newest_node = i64::try_from(rows.len()).expect("small");
        let console = |at: usize| {
            let (id, joined) = (id(100 + at as u64), (at == 0).then_some(1));
            let roster = Roster::of(id, joined.unwrap_or(0));
            Console {
                id,
                joined,
                own_head: 0,
                roster,
                committed: None,
                awaited: None,
                complete: false,
                looks: if at == self.committer { self.looks } else { 1 },
                looked_at: None,
            }
        };
        let consoles = (0..self.consoles).map(console).collect();
        vec![State { now: 0, head: 0, newest_node, rows, gateways, consoles }]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if state.now < self.steps * STEP {
            // One clock that may be slow is enough: they do not know of each other.
            acts.extend((0..=u32::from(self.drifts)).map(Act::Step));
        }
        for (at, gateway) in state.gateways.iter().enumerate() {
            // A question or an answer that is never heard of again was lost.
            match &gateway.renewal {
                Some(Renewal { answer: None, .. }) => acts.push(Act::Reach(at)),
                Some(_) => acts.push(Act::Hear(at)),
                None => {}
            }
            if gateway.left.0 > 0 {
                acts.push(Act::Ask(at));
            }
            let is_listed = state.rows.iter().any(|row| row.id == gateway.id);
            if !is_listed && gateway.renewal.is_none() && gateway.lease.ends_at().is_none() {
                acts.push(Act::JoinAgain(at));
            }
            if gateway.applied < state.head {
                acts.push(Act::Apply(at));
            }
            if self.asks_peers && gateway.left.1 > 0 {
                acts.push(Act::AskPeers(at));
            }
            if let Some(asked) = &gateway.vouching {
                acts.extend(asked.missing.iter().map(|console| Act::PeerAnswers(at, *console)));
            }
        }
        for (at, console) in state.consoles.iter().enumerate() {
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
                if !console.roster.gone(Moment::from_micros(state.now)).is_empty() {
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
            Act::PeerAnswers(gateway, console) => self.vouch(&mut state, gateway, console),
            Act::Join(_) | Act::Commit(_) | Act::Look(_) | Act::Complete(_) | Act::Remove(_) => {
                self.console_acts(&mut state, act);
            }
            _ => self.gateway_acts(&mut state, act)?,
        }
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no acceptance after complete", |_, state: &State| {
                let called_ended = state.consoles.iter().filter(|console| console.complete);
                let newest =
                    called_ended.filter_map(|console| console.committed).map(|(seq, _)| seq);
                let Some(newest) = newest.max() else { return true };
                state.gateways.iter().all(|gateway| {
                    let now = Moment::from_micros(gateway.clock);
                    gateway.applied >= newest
                        || gateway.lease.ends_at().is_none_or(|end| end <= now)
                })
            }),
            Property::sometimes("a receipt completes", |_, state: &State| {
                state.consoles.iter().any(|console| console.complete)
            }),
        ]
    }
}
