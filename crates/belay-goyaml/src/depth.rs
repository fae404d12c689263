//! How deep texts may be nested.
//!
//! The depth is a property of the thread: every level of a text takes some of its stack, in this
//! crate and in whatever walks, prints and drops the values later. Who starts a thread knows its
//! stack; the functions that read, in many crates, do not.

use std::cell::Cell;

use crate::node::ParseOptions;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(ParseOptions::USUAL_DEPTH) };
}

/// Runs `work` with another default of [`ParseOptions::max_depth`] on this thread, which needs the
/// stack for it: up to [`ParseOptions::DEPTH_CEILING`], 512 MiB are ample. Threads that `work` starts
/// have the usual depth.
pub fn with_depth<T>(depth: usize, work: impl FnOnce() -> T) -> T {
    let _restored = Restored { before: DEPTH.replace(depth) };
    work()
}

/// Depth that is allowed on this thread if nothing else is said.
pub fn depth_of_thread() -> usize {
    DEPTH.get()
}

/// Goes back to the depth from before, however the work ends.
struct Restored {
    before: usize,
}

impl Drop for Restored {
    fn drop(&mut self) {
        DEPTH.set(self.before);
    }
}
