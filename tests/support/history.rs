//! What clients saw, in the order in which it happened, and whether a token that is either live or revoked could have
//! behaved like that (linearizability; Herlihy and Wing 1990).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Use,
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Accepted,
    Refused,
    Revoked,
}

/// An operation, with the order of its beginning and its end among all beginnings and ends.
#[derive(Clone, Copy, Debug)]
struct Done {
    outcome: Outcome,
    began: usize,
    ended: usize,
}

#[derive(Debug, Default)]
struct Seen {
    /// The number of beginnings and ends so far.
    now: usize,
    in_flight: HashMap<usize, (Op, usize)>,
    done: Vec<Done>,
}

/// Filled by many clients at once; each does one thing at a time.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Seen>>);

impl History {
    pub fn begins(&self, client: usize, op: Op) {
        let mut seen = self.0.lock().expect("not poisoned");
        seen.now += 1;
        let at = seen.now;
        let before = seen.in_flight.insert(client, (op, at));
        assert!(before.is_none(), "a client does one thing at a time");
    }

    /// What doesn't end may have happened or not: it cannot be known what became of it (503).
    pub fn ends(&self, client: usize, outcome: Outcome) {
        let mut seen = self.0.lock().expect("not poisoned");
        seen.now += 1;
        let ended = seen.now;
        let (_, began) = seen.in_flight.remove(&client).expect("it had begun");
        seen.done.push(Done { outcome, began, ended });
    }

    /// A token is revoked at one instant. Each accepted use began before it, and each rejected one ended after it. So an
    /// order exists exactly if the last such beginning is before the first such end.
    pub fn is_linearizable(&self) -> bool {
        let seen = self.0.lock().expect("not poisoned");
        let of = |outcome: Outcome| seen.done.iter().filter(move |done| done.outcome == outcome);
        let in_flight = seen.in_flight.values().find(|(op, _)| *op == Op::Revoke);
        let revocation = of(Outcome::Revoked)
            .map(|done| (done.began, done.ended))
            .chain(in_flight.map(|(_, began)| (*began, usize::MAX)))
            .next();
        let Some((began, ended)) = revocation else { return of(Outcome::Refused).next().is_none() };
        let after = of(Outcome::Accepted).map(|done| done.began).fold(began, usize::max);
        let before = of(Outcome::Refused).map(|done| done.ended).fold(ended, usize::min);
        after < before
    }
}

#[test]
fn a_use_that_is_let_through_after_the_revocation_is_noticed() {
    let history = History::default();
    history.begins(0, Op::Revoke);
    history.begins(1, Op::Use);
    history.ends(1, Outcome::Accepted);
    history.ends(0, Outcome::Revoked);
    assert!(history.is_linearizable(), "at the same time, either may come first");
    history.begins(1, Op::Use);
    history.ends(1, Outcome::Accepted);
    assert!(!history.is_linearizable());
}

/// The check agrees with a library that tries all orders, which takes too long for more than a few operations.
#[cfg(test)]
mod beside_a_library {
    use super::{History, Op, Outcome};
    use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

    /// A token: live until it is revoked.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
    struct Token {
        is_ended: bool,
    }

    impl SequentialSpec for Token {
        type Op = Op;
        type Ret = Outcome;

        fn invoke(&mut self, op: &Op) -> Outcome {
            match (op, self.is_ended) {
                (Op::Revoke, _) => {
                    self.is_ended = true;
                    Outcome::Revoked
                }
                (Op::Use, false) => Outcome::Accepted,
                (Op::Use, true) => Outcome::Refused,
            }
        }
    }

    fn one_of(is_revocation: bool) -> Op {
        if is_revocation { Op::Revoke } else { Op::Use }
    }

    #[test]
    fn both_judge_alike() {
        let mut number = 7u64;
        let mut below = |most: u64| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from((number >> 33) % most).expect("small")
        };
        let mut verdicts = [0, 0];
        for _ in 0..5_000 {
            let (ours, mut theirs) =
                (History::default(), LinearizabilityTester::new(Token::default()));
            let (mut busy, mut has_revoked) = ([None; 4], false);
            for _ in 0..12 {
                let client = below(4);
                match busy[client].take() {
                    None => {
                        let op = one_of(!has_revoked && below(4) == 0);
                        has_revoked |= op == Op::Revoke;
                        ours.begins(client, op);
                        theirs.on_invoke(client, op).expect("one thing at a time");
                        busy[client] = Some(op);
                    }
                    Some(op) => {
                        let outcome = match (op, below(2)) {
                            (Op::Revoke, _) => Outcome::Revoked,
                            (Op::Use, 0) => Outcome::Accepted,
                            (Op::Use, _) => Outcome::Refused,
                        };
                        ours.ends(client, outcome);
                        theirs.on_return(client, outcome).expect("it had begun");
                    }
                }
            }
            assert_eq!(ours.is_linearizable(), theirs.is_consistent(), "{ours:?}");
            verdicts[usize::from(ours.is_linearizable())] += 1;
        }
        assert!(verdicts.iter().all(|count| *count > 500), "both verdicts occur: {verdicts:?}");
    }
}
