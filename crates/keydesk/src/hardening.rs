//! Process settings that are applied before anything else.

use rustix::{
    fs::Mode,
    process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask,
    },
};

/// Makes all files that this process creates readable only by their owner.
pub fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Raises the limit of file descriptors. systemd and shells grant 1,024, but each connection needs one, as do the
/// database and the upstreams.
pub fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Disables core dumps and access by debuggers of other processes. Best effort, because Keydesk must also run on
/// systems that don't support it.
pub fn keep_secrets_out_of_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
