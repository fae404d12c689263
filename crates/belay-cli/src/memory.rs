//! A ceiling for the memory of the commands that render what somebody else wrote: a template that calls itself ends in
//! an error of ours before the machine has to end it.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a look is apart from the next. Memory fills at a few gigabytes a second at most.
const PAUSE: Duration = Duration::from_millis(10);

/// How much memory a command may take.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct MemoryArguments {
    /// End with an error when more memory is taken, in MiB; 0 for no ceiling.
    #[arg(long, global = true, env = "BELAY_MAX_MEMORY", value_name = "MIB", default_value = "4096")]
    max_memory: u64,
}

/// Looks at the memory until it is dropped.
pub(crate) struct Ceiling {
    watching: Option<(Sender<()>, JoinHandle<()>)>,
}

impl MemoryArguments {
    /// Watches over what is being done. Where the system does not tell how much memory a process takes, nothing is
    /// watched.
    pub(crate) fn watch(self, doing: &str) -> Ceiling {
        if self.max_memory == 0 || memory_taken().is_none() {
            return Ceiling { watching: None };
        }
        let (finished, is_finished) = mpsc::channel::<()>();
        let (most, doing) = (self.max_memory, doing.to_owned());
        let watch = move || {
            while is_finished.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                if memory_taken().is_some_and(|taken| taken > most) {
                    give_up(most, &doing);
                }
            }
        };
        let thread = thread::Builder::new().name("memory".to_owned()).spawn(watch);
        Ceiling { watching: thread.ok().map(|thread| (finished, thread)) }
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        if let Some((finished, thread)) = self.watching.take() {
            drop(finished);
            // It only looks, and has nothing to tell.
            let _ = thread.join();
        }
    }
}

/// What was rendered by now is not worth printing, and cannot be freed from here: the process ends.
#[expect(clippy::print_stderr, reason = "what takes the memory cannot return an error any more")]
fn give_up(most: u64, doing: &str) -> ! {
    eprintln!("error: {doing} takes more than {most} MiB of memory");
    eprintln!("hint: something may include itself without end; --max-memory MIB allows more");
    process::exit(1)
}

/// The memory of this process in MiB, swapped out or not.
fn memory_taken() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some((kibibytes("VmRSS:")? + kibibytes("VmSwap:").unwrap_or_default()) >> 10)
}
