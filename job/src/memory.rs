//! The memory of the process, in which credentials are: no core dump of it is written, and no other process of the same user may look into it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Closes the memory. Failing in this fails nothing: the limits of the container still hold.
pub fn close() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let closed = setrlimit(Resource::Core, none).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = closed {
        tracing::warn!(%error, "a core dump of this process could be written");
    }
}
