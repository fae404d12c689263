//! Work on documents that nest as deep as the originals of the commands read them.

use std::convert::Infallible;
use std::process;
use std::sync::mpsc;
use std::thread;

use belay_goyaml::{ParseOptions, with_depth};

use crate::failure;
use crate::memory::Ceiling;

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
        thread.join().map_err(|_| panicked(what))
    })
}

/// Does the rest of a command on such a thread, and ends the process from there: this thread, which only watches over
/// the memory, need not be woken for it, and nothing is given back one by one that goes with the process.
///
/// # Errors
/// As [`in_depth`]. What the work returns is reported here.
pub(crate) fn to_the_end(
    what: &str,
    ceiling: &Ceiling,
    work: impl FnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<Infallible> {
    thread::scope(|scope| {
        let (going_on, is_over) = mpsc::channel::<Infallible>();
        let whole = move || -> Infallible {
            let _going_on = going_on;
            let code = match with_depth(ParseOptions::DEPTH_CEILING, work) {
                Ok(()) => 0,
                Err(error) => failure::report(&error),
            };
            process::exit(code.into())
        };
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, whole)?;
        ceiling.watch(&is_over);
        thread.join().map_err(|_| panicked(what))
    })
}

fn panicked(what: &str) -> anyhow::Error {
    anyhow::anyhow!("{what} ended in a panic")
}
