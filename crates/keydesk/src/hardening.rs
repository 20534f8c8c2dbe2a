//! Keeps what is in memory out of core dumps and away from other processes' debuggers.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Best effort: a system that does not allow it is not one to refuse to run on.
pub fn keep_secrets_out_of_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
