//! What clients saw, in the order in which it happened, and whether a token that is either live or
//! ended could have behaved like that (linearizability; Herlihy and Wing 1990).

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};
use std::sync::{Arc, Mutex};

/// A token: live until it is revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Token {
    is_ended: bool,
}

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

/// Filled by many clients at once; each is a thread of its own.
#[derive(Clone)]
pub struct History(Arc<Mutex<LinearizabilityTester<usize, Token>>>);

impl Default for History {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LinearizabilityTester::new(Token::default()))))
    }
}

impl History {
    pub fn begins(&self, client: usize, op: Op) {
        let mut history = self.0.lock().expect("not poisoned");
        history.on_invoke(client, op).expect("a client does one thing at a time");
    }

    /// None: it cannot be known what became of it (503), so that either may have been.
    pub fn ends(&self, client: usize, outcome: Outcome) {
        let mut history = self.0.lock().expect("not poisoned");
        history.on_return(client, outcome).expect("it had begun");
    }

    pub fn is_linearizable(&self) -> bool {
        self.0.lock().expect("not poisoned").is_consistent()
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
