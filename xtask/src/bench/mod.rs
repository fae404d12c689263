//! Measurements that are too long for a test. Each prints a table; `benches/` keeps the figures.

mod applications;
mod kustomize;
mod kustomize_trees;

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Many Applications at once on the embedded API: time, memory and CPU.
    Applications(applications::Arguments),
    /// Kustomizations built by kustomize and by Belay.
    Kustomize(kustomize::Arguments),
    /// Charts rendered by Helm and by Belay.
    Helm(crate::corpus_charts::speed::Arguments),
}

/// Measures; `root` is the checkout.
pub(crate) fn run(root: &std::path::Path, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Applications(arguments) => applications::run(arguments),
        Command::Kustomize(arguments) => kustomize::run(arguments),
        Command::Helm(arguments) => crate::corpus_charts::speed::run(root, arguments),
    }
}
