//! What can happen in the world, and what it changes: the code under test does the deciding.

use crate::world::{Act, Gateway, Mutation, Renewal, STEP, State, Vouching, World, Writer};
use keydesk_model::{Membership, Moment, NodeAck, NodeRow};

impl World {
    /// Those whom a gateway asks when the database is away, as the list has them now.
    pub fn others(&self, state: &State, gateway: usize) -> Vec<usize> {
        let asks = |writer: &Writer| match self.flaw {
            Mutation::AsksConsolesOnly | Mutation::CountsAnEmptyList => writer.gateway.is_none(),
            _ => writer.gateway != Some(gateway),
        };
        let is_listed = |writer: &Writer| state.rows.iter().any(|row| row.id == writer.id);
        let all = state.writers.iter().enumerate();
        all.filter(|(_, writer)| asks(writer) && is_listed(writer)).map(|(at, _)| at).collect()
    }

    pub fn confirm(&self, state: &mut State, gateway: usize, console: usize) {
        let at = state.now;
        let from = &mut state.gateways[gateway];
        let Some(asked) = &mut from.vouching else { return };
        let answering = &mut state.writers[console];
        let own_head = if self.flaw == Mutation::VouchesForAnyone { 0 } else { answering.own_head };
        let now = Moment::from_micros(at);
        if !answering.membership.confirm(from.id, asked.head, own_head, now) {
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

    pub fn receive(&self, gateway: &mut Gateway, others: Vec<usize>) {
        let Some(Renewal { sent_at, answer: Some((head, newest)), .. }) = gateway.renewal.take()
        else {
            return;
        };
        let sent_at =
            if self.flaw == Mutation::CountsFromTheAnswer { gateway.clock } else { sent_at };
        let head = if self.flaw == Mutation::CountsUnapplied { 0 } else { head };
        gateway.lease.renewed(Moment::from_micros(sent_at), head, gateway.applied);
        if newest > gateway.lease.known() {
            gateway.others = others;
        }
        if self.flaw == Mutation::KeepsWhatOthersVouched {
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
    pub fn may_complete(&self, console: &Writer, now: u64) -> bool {
        let (Some((seq, at)), Some(awaited)) = (console.committed, &console.awaited) else {
            return false;
        };
        awaited.iter().filter(|node| **node != console.id).all(|node| {
            match console.membership.ack_of(*node, seq, "", Moment::from_micros(at)) {
                None | Some(NodeAck::Confirmed) => true,
                Some(NodeAck::RefusesFrom(_)) if self.flaw == Mutation::TrustsSilence => true,
                Some(NodeAck::RefusesFrom(from)) => {
                    let slack =
                        if self.flaw == Mutation::WaitsWithoutSlack { STEP / 10 } else { 0 };
                    from.as_micros() <= now + slack
                }
            }
        })
    }

    pub fn gateway_acts(&self, state: &mut State, act: Act) -> Option<()> {
        match act {
            Act::Ask(at) => {
                let gateway = &mut state.gateways[at];
                let (sent_at, applied, known) =
                    (gateway.clock, gateway.applied, gateway.says_known);
                gateway.left.0 -= 1;
                gateway.renewal =
                    Some(Renewal { sent_at, applied, known, is_written: false, answer: None });
            }
            Act::Reach(at) => {
                let gateway = &mut state.gateways[at];
                let renewal = gateway.renewal.as_mut()?;
                let joined = gateway.joined;
                let is_it = |row: &&mut NodeRow| row.id == gateway.id && row.joined == joined;
                let Some(row) = state.rows.iter_mut().find(is_it) else {
                    // Taken out of the list: it gives its lease up, and could join anew.
                    gateway.renewal = None;
                    gateway.vouching = None;
                    gateway.lease.end();
                    return Some(());
                };
                row.renewals += 1;
                row.applied = row.applied.max(renewal.applied);
                row.known = row.known.max(renewal.known);
                renewal.is_written = true;
            }
            Act::Read(at) => {
                let answer = Some((state.head, state.newest_node));
                state.gateways[at].renewal.as_mut()?.answer = answer;
            }
            Act::Hear(at) => {
                let others = self.others(state, at);
                self.receive(&mut state.gateways[at], others);
            }
            Act::Apply(at) => state.gateways[at].applied = state.head,
            Act::AskPeers(at) => {
                let gateway = &mut state.gateways[at];
                let (sent_at, head) = (gateway.clock, gateway.applied);
                let (known, missing) = (gateway.lease.known(), gateway.others.clone());
                gateway.left.1 -= 1;
                if missing.is_empty() {
                    // Nobody has answered.
                    if self.flaw == Mutation::CountsAnEmptyList {
                        gateway.lease.vouched_for(Moment::from_micros(sent_at), known);
                    }
                    return Some(());
                }
                gateway.vouching = Some(Vouching { sent_at, head, known, missing });
            }
            _ => self.place_acts(state, act),
        }
        Some(())
    }

    /// What changes the list of nodes, and who stands in it.
    fn place_acts(&self, state: &mut State, act: Act) {
        match act {
            Act::JoinAgain(at) => {
                state.newest_node += 1;
                let joined = state.newest_node;
                let row = self.row(state.gateways[at].id, joined, true);
                state.rows.push(row);
                let others = self.others(state, at);
                let gateway = &mut state.gateways[at];
                (gateway.joined, gateway.says_known, gateway.is_away) = (joined, joined, false);
                gateway.lease.knows(joined);
                gateway.others = others;
                let own = state.writers.iter_mut().find(|writer| writer.gateway == Some(at));
                if let Some(writer) = own {
                    writer.joined = Some(joined);
                    writer.membership.rejoined(joined);
                }
            }
            Act::Leave(at) => {
                let gateway = &mut state.gateways[at];
                (gateway.may_leave, gateway.is_away) = (false, true);
                (gateway.renewal, gateway.vouching) = (None, None);
                if self.flaw != Mutation::KeepsItsLeaseWhenItLeaves {
                    gateway.lease.end();
                }
                let id = gateway.id;
                state.rows.retain(|row| row.id != id);
                state.newest_node += 1;
            }
            Act::CopyStarts(at) => {
                state.gateways[at].may_leave = false;
                let id = state.gateways[at].id;
                state.rows.retain(|row| row.id != id);
            }
            _ => unreachable!("a console's act"),
        }
    }

    pub fn console_acts(&self, state: &mut State, act: Act) {
        match act {
            Act::Join(at) => {
                state.newest_node += 1;
                let (joined, head) = (state.newest_node, state.head);
                let console = &mut state.writers[at];
                console.joined = Some(joined);
                console.own_head = head;
                let thinks = if self.flaw == Mutation::ThinksItIsKnown { 1 } else { joined };
                console.membership = Membership::of(console.id, thinks);
                let mut row = self.row(console.id, thinks, false);
                row.known = joined;
                state.rows.push(row);
            }
            Act::Commit(at) => {
                state.head += 1;
                let console = &mut state.writers[at];
                console.own_head = state.head;
                console.committed = Some((state.head, state.now));
                console.looked_at = None;
                // Its own gateway has taken the change over before the commit returns.
                if let Some(gateway) = console.gateway {
                    state.gateways[gateway].applied = state.head;
                }
            }
            Act::Look(at) => {
                let console = &mut state.writers[at];
                console.looks -= 1;
                console.looked_at = Some(state.now);
                console.membership.see(Moment::from_micros(state.now), state.rows.clone());
                if console.committed.is_some() && console.awaited.is_none() {
                    let gateways = state.rows.iter().filter(|row| row.is_gateway);
                    console.awaited = Some(gateways.map(|row| row.id).collect());
                }
            }
            Act::Complete(at) => state.writers[at].complete = true,
            Act::Restore(at) => {
                state.head += 1;
                let (head, console) = (state.head, &mut state.writers[at]);
                (console.own_head, console.restored) = (head, Some(head));
                if let Some(gateway) = console.gateway {
                    state.gateways[gateway].applied = head;
                }
            }
            Act::Remove(at) => {
                for gone in state.writers[at].membership.gone(Moment::from_micros(state.now)) {
                    let as_seen = |row: &NodeRow| {
                        (row.id, row.joined, row.renewals) == (gone.id, gone.joined, gone.renewals)
                    };
                    state.rows.retain(|row| !gone.is_gateway || !as_seen(row));
                }
            }
            Act::LeaveForGood(at) => {
                let console = &mut state.writers[at];
                console.has_left = true;
                let id = console.id;
                state.rows.retain(|row| row.id != id);
                state.newest_node += 1;
            }
            _ => unreachable!("a gateway's act"),
        }
    }
}
