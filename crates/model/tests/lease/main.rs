//! The lease protocol, checked exhaustively: gateways and consoles that run the very code of
//! `src/lease.rs`, over a network that loses and delays, on clocks that drift, with nodes that pause, join
//! late and are taken out of the list. Never does a gateway accept what a receipt called ended.

mod acts;
mod world;

use keydesk_model::DisconnectPolicy;
use world::{Mutation, World};

fn world(gateways: usize, consoles: usize, steps: u64) -> World {
    let (on_disconnect, asks_peers, flaw) = (DisconnectPolicy::FailClosed, false, Mutation::None);
    World {
        gateways,
        consoles,
        gateway_writes: false,
        leaves: false,
        restores: false,
        steps,
        max_staleness: 3,
        questions: (2, 1),
        looks: 3,
        committer: 0,
        drifts: true,
        on_disconnect,
        asks_peers,
        flaw,
    }
}

#[test]
fn two_gateways_that_reject_alone() {
    World { questions: (1, 0), looks: 2, ..world(2, 1, 3) }.check();
}

#[test]
fn three_gateways_that_reject_alone() {
    World { questions: (1, 0), looks: 1, drifts: false, ..world(3, 1, 3) }.check();
}

#[test]
fn one_gateway_that_asks_consoles_of_which_one_joins_late() {
    let late = World { asks_peers: true, looks: 1, committer: 1, ..world(1, 2, 4) };
    World { questions: (2, 1), drifts: false, ..late }.check();
}

#[test]
fn one_gateway_that_asks_consoles_of_which_the_first_commits() {
    World { asks_peers: true, looks: 1, questions: (1, 1), ..world(1, 2, 3) }.check();
}

#[test]
fn two_gateways_that_serve_alone() {
    World {
        on_disconnect: DisconnectPolicy::FailOpen,
        questions: (1, 0),
        looks: 2,
        ..world(2, 1, 4)
    }
    .check();
}

/// A restoration is one more change: a gateway that has not applied the end before it doesn't accept by its lease alone.
#[test]
fn n9_a_restoration_makes_no_gateway_accept_what_it_has_not_applied() {
    World { restores: true, questions: (2, 0), looks: 2, ..world(1, 1, 4) }.check();
    World { restores: true, questions: (1, 0), looks: 1, drifts: false, ..world(2, 1, 3) }.check();
}

/// Two gateways, of which the first commits; they ask each other, and consoles.
fn gateways_that_ask(consoles: usize) -> World {
    let asks = World { asks_peers: true, gateway_writes: true, ..world(2, consoles, 3) };
    World {
        committer: consoles,
        questions: (0, 1),
        looks: 1,
        max_staleness: 4,
        drifts: false,
        ..asks
    }
}

#[test]
fn two_gateways_that_ask_of_which_one_commits_and_a_console() {
    gateways_that_ask(1).check();
}

#[test]
fn two_gateways_that_ask_each_other_of_which_one_commits() {
    World { questions: (1, 1), ..gateways_that_ask(0) }.check();
}

#[test]
fn a_gateway_that_leaves_and_joins_again_while_another_one_commits() {
    World { leaves: true, ..gateways_that_ask(0) }.check();
}

#[test]
fn a_gateway_that_leaves_and_joins_again_and_a_console_that_leaves() {
    let leaves = World { leaves: true, asks_peers: true, committer: 1, ..world(1, 2, 3) };
    World { questions: (1, 1), looks: 1, drifts: false, ..leaves }.check();
}

#[test]
fn a_gateway_that_serves_alone_leaves_and_joins_again() {
    let on_disconnect = DisconnectPolicy::FailOpen;
    World { leaves: true, on_disconnect, questions: (2, 0), looks: 2, ..world(1, 1, 4) }.check();
}

#[test]
fn every_flaw_is_noticed() {
    let restores = World { restores: true, questions: (2, 0), looks: 2, ..world(1, 1, 4) };
    World { flaw: Mutation::CountsUnapplied, ..restores }.check();
    for flaw in [
        Mutation::CountsFromTheAnswer,
        Mutation::CountsUnapplied,
        Mutation::TrustsSilence,
        Mutation::WaitsWithoutSlack,
    ] {
        World { flaw, ..world(1, 1, 4) }.check();
    }
    World { flaw: Mutation::VouchesForAnyone, asks_peers: true, ..world(1, 1, 4) }.check();
    // Found in clusters: a gateway's own revocation was complete while another one served on.
    World { flaw: Mutation::AsksConsolesOnly, ..gateways_that_ask(1) }.check();
    World { flaw: Mutation::CountsAnEmptyList, ..gateways_that_ask(0) }.check();
    // And a process on a copied folder took its origin out of the list.
    World { flaw: Mutation::RemovesTheCopied, ..world(1, 1, 3) }.check();
    World { flaw: Mutation::ReadsBeforeItWrites, looks: 2, ..world(1, 1, 4) }.check();
    World { flaw: Mutation::KeepsItsLeaseWhenItLeaves, leaves: true, ..world(1, 1, 3) }.check();
    for flaw in [Mutation::ThinksItIsKnown, Mutation::KeepsWhatOthersVouched] {
        World { flaw, asks_peers: true, looks: 2, committer: 1, ..world(1, 2, 4) }.check();
    }
}
