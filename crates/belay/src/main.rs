//! Belay: keeps Kubernetes clusters equal to Git. The binary only starts the command line.

use std::process::ExitCode;

/// Called by the loader before anything takes memory, which already the runtime does before `main`.
#[cfg(target_os = "linux")]
#[used]
#[expect(unsafe_code, reason = "a place in the binary that the loader calls what stands in")]
// SAFETY: what stands there is called as such a function, once. It only asks something of the system, and needs nothing
// of the runtime that is not there yet.
#[unsafe(link_section = ".init_array")]
static AT_THE_START: extern "C" fn() = at_the_start;

#[cfg(target_os = "linux")]
extern "C" fn at_the_start() {
    belay_cli::small_pages_at_first();
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    belay_cli::main()
}
