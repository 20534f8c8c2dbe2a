//! What the process asks of the system before it does anything else.

use rustix::{
    fs::Mode,
    process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask,
    },
};

/// Whatever this process makes, in whichever folder, only its owner can read.
pub fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Systemd and shells give a process 1,024 descriptors; each connection needs one, and so do the database and the
/// upstreams.
pub fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Keeps what is in memory out of core dumps and away from other processes' debuggers. Best effort: a system that does not allow it is not one to reject to run on.
pub fn keep_secrets_out_of_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
