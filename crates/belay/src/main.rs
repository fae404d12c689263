//! Belay: keeps Kubernetes clusters equal to Git. The binary only starts the command line.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    belay_cli::main()
}
