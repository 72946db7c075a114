//! The memory that holds the values: what was done to keep it out of files, as the system itself confirms it.
//!
//! On Linux the process is made undumpable, which also holds for dumps that are piped to a program, and which a command
//! that we start does not inherit: the application that it starts keeps its own core dumps.

use crate::secret::{Locking, lock_from_now_on, locking};
use std::fmt;

/// Which protection was got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    dumps_off: bool,
}

/// Turns core dumps of this process off, and locks the buffers of secrets; call it before a secret is read.
pub fn protect() -> Protection {
    lock_from_now_on();
    Protection { dumps_off: turn_dumps_off() }
}

#[cfg(target_os = "linux")]
fn turn_dumps_off() -> bool {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
    let set = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    set.is_ok() && dumpable_behavior() == Ok(DumpableBehavior::NotDumpable)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn turn_dumps_off() -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let set = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    set.is_ok() && getrlimit(Resource::Core).current == Some(0)
}

#[cfg(not(unix))]
fn turn_dumps_off() -> bool {
    false
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.dumps_off {
            "core dumps of unleak were off (read back from the system)"
        } else {
            "core dumps of unleak could not be turned off"
        })?;
        f.write_str(match locking() {
            Locking::All => "; the buffers of its secrets were locked, so that they are not swapped; hibernation, and what passes through files, pipes, HTTP and JSON on the way, is not covered by that",
            Locking::Some => "; the system refused to lock some buffers of its secrets (`ulimit -l`), so that swap may hold values",
            Locking::Off => "; its memory was not locked, so that swap and hibernation may hold the values",
        })
    }
}
