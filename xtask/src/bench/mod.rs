//! Measurements that are too long for a test. Each prints a table; `benches/` keeps the figures.

mod applications;
mod kustomize;
mod kustomize_trees;
mod plot;
mod workloads;

use workloads::Workload;

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Many Applications at once on the embedded API: time, memory and CPU.
    Applications(applications::Arguments),
    /// Install many Kustomizations at once on a real API server.
    #[command(name = "W1")]
    Install(workloads::Arguments),
    /// Then a commit that changes nothing.
    #[command(name = "W2")]
    Nothing(workloads::Arguments),
    /// Then one line of one app, again and again.
    #[command(name = "W3")]
    Line(workloads::Arguments),
    /// Then a restart beside many objects that are nobody's.
    #[command(name = "W6")]
    Start(workloads::Arguments),
    /// Then edits by hand, which are undone.
    #[command(name = "W7")]
    Repair(workloads::Arguments),
    /// Then a thousand pushes a second.
    #[command(name = "W9")]
    Storm(workloads::Arguments),
    /// Then nothing to do at all.
    #[command(name = "W12")]
    Idle(workloads::Arguments),
    /// Then all apps go at once, and come back.
    #[command(name = "F33")]
    Flood(workloads::Arguments),
    /// What W1 takes as apps become more, from the results of earlier runs.
    Plot(plot::Arguments),
    /// Kustomizations built by kustomize and by Belay.
    Kustomize(kustomize::Arguments),
    /// Charts rendered by Helm and by Belay.
    Helm(crate::corpus_charts::speed::Arguments),
}

/// Measures; `root` is the checkout.
pub(crate) fn run(root: &std::path::Path, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Applications(arguments) => applications::run(arguments),
        Command::Install(arguments) => workloads::run(root, arguments, Workload::W1),
        Command::Nothing(arguments) => workloads::run(root, arguments, Workload::W2),
        Command::Line(arguments) => workloads::run(root, arguments, Workload::W3),
        Command::Start(arguments) => workloads::run(root, arguments, Workload::W6),
        Command::Repair(arguments) => workloads::run(root, arguments, Workload::W7),
        Command::Storm(arguments) => workloads::run(root, arguments, Workload::W9),
        Command::Flood(arguments) => workloads::run(root, arguments, Workload::F33),
        Command::Plot(arguments) => plot::run(arguments),
        Command::Idle(arguments) => workloads::run(root, arguments, Workload::W12),
        Command::Kustomize(arguments) => kustomize::run(arguments),
        Command::Helm(arguments) => crate::corpus_charts::speed::run(root, arguments),
    }
}
