//! The lease protocol, checked exhaustively: gateways and consoles that run the very code of
//! `src/lease.rs`, over a network that loses and delays, on clocks that drift, with nodes that pause, join
//! late and are taken out of the list. Never does a gateway accept what a receipt called ended.

mod world;

use keydesk_model::Isolated;
use world::{Flaw, World};

fn world(gateways: usize, consoles: usize, steps: u64) -> World {
    let (isolated, asks_peers, flaw) = (Isolated::Refuse, false, Flaw::None);
    World {
        gateways,
        consoles,
        steps,
        questions: (2, 1),
        looks: 3,
        committer: 0,
        drifts: true,
        isolated,
        asks_peers,
        flaw,
    }
}

#[test]
fn two_gateways_that_refuse_alone() {
    World { questions: (1, 0), looks: 2, ..world(2, 1, 3) }.check();
}

#[test]
fn three_gateways_that_refuse_alone() {
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
    World { isolated: Isolated::Serve, questions: (1, 0), looks: 2, ..world(2, 1, 4) }.check();
}

#[test]
fn every_flaw_is_noticed() {
    for flaw in [
        Flaw::CountsFromTheAnswer,
        Flaw::CountsUnapplied,
        Flaw::TrustsSilence,
        Flaw::WaitsWithoutSlack,
    ] {
        World { flaw, ..world(1, 1, 4) }.check();
    }
    World { flaw: Flaw::VouchesForAnyone, asks_peers: true, ..world(1, 1, 4) }.check();
    for flaw in [Flaw::ThinksItIsKnown, Flaw::KeepsWhatOthersVouched] {
        World { flaw, asks_peers: true, looks: 2, committer: 1, ..world(1, 2, 4) }.check();
    }
}
