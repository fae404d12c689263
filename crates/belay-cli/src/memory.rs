//! A ceiling for the memory of the commands that render what somebody else wrote: a template that calls itself ends in
//! an error of ours before the machine has to end it.

use std::convert::Infallible;
use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::pages::huge_from_here;

/// How long a look is apart from the next. Memory fills at a few gigabytes a second at most.
const PAUSE: Duration = Duration::from_millis(10);

/// Memory of a task for which huge pages cost more than they save, in MiB.
const SMALL_TASK: u64 = 64;

/// How much memory a command may take.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct MemoryArguments {
    /// End with an error when more memory is taken, in MiB; 0 for no ceiling.
    #[arg(long, global = true, env = "BELAY_MAX_MEMORY", value_name = "MIB", default_value = "4096")]
    max_memory: u64,
}

/// What a command's thread may take until it is lifted; another thread looks.
pub(crate) struct Ceiling {
    /// In MiB.
    most: u64,
    doing: String,
    is_lifted: Mutex<bool>,
}

impl MemoryArguments {
    /// For what is being done.
    pub(crate) fn ceiling(self, doing: &str) -> Ceiling {
        let most = if self.max_memory == 0 { u64::MAX } else { self.max_memory };
        Ceiling { most, doing: doing.to_owned(), is_lifted: Mutex::new(false) }
    }
}

impl Ceiling {
    /// Looks at the memory until the other side of the channel is gone. Where the system does not tell how much memory
    /// a process takes, there is no ceiling.
    pub(crate) fn watch(&self, is_over: &Receiver<Infallible>) {
        while is_over.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            let Some(taken) = memory_taken() else { continue };
            if taken > SMALL_TASK {
                huge_from_here();
            }
            let is_lifted = self.is_lifted();
            if !*is_lifted && taken > self.most {
                give_up(self.most, &self.doing);
            }
        }
    }

    /// For when the answer is there and is about to be told: it is too late to tell something else.
    pub(crate) fn lift(&self) {
        *self.is_lifted() = true;
    }

    fn is_lifted(&self) -> MutexGuard<'_, bool> {
        self.is_lifted.lock().unwrap_or_else(PoisonError::into_inner)
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
