//! Work on documents that nest as deep as the originals of the commands read them.

use std::thread;

use belay_goyaml::{ParseOptions, with_depth};

/// Ample for [`ParseOptions::DEPTH_CEILING`] levels.
const STACK_BYTES: usize = 512 << 20;

/// Does the work on a thread with the stack for it. `what` names the work in errors.
///
/// # Errors
/// No thread can be had, or the work ended in a panic.
pub(crate) fn in_depth<T: Send>(what: &str, work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = deep.spawn_scoped(scope, || with_depth(ParseOptions::DEPTH_CEILING, work))?;
        thread.join().map_err(|_| anyhow::anyhow!("{what} ended in a panic"))
    })
}
