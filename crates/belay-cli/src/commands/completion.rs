//! `belay completion`

use clap::CommandFactory;

use crate::arguments::{Arguments as Typed, Command};

/// Print the completion script of a shell.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which shell.
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut command = Typed::<Command>::command();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "belay", &mut script);
    super::print_bytes(&script)
}
