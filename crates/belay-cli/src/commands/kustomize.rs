//! `belay kustomize`

mod build;
mod edit;
mod remotes;
mod tree;

use crate::memory::MemoryArguments;

/// No manifest or generated file comes near; what does was not meant to be read.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Build and edit kustomizations as `kustomize` does.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// No effect: errors are always told in full.
    #[arg(long, global = true)]
    stack_trace: bool,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(subcommand)]
    command: Command,
}

/// The commands of kustomize.
#[derive(clap::Subcommand)]
enum Command {
    Build(Box<build::Arguments>),
    Edit(edit::Arguments),
    Tree(tree::Arguments),
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let never = match &arguments.command {
        Command::Build(build) => build::run(build, arguments.memory)?,
        Command::Edit(edit) => return edit::run(edit),
        Command::Tree(tree) => tree::run(tree, arguments.memory)?,
    };
    match never {}
}
