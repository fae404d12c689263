//! Runs scenarios against any cluster: steps and expectations, in the order a person would read.
//!
//! The runner speaks only the Kubernetes API and Git, never Belay's own interfaces, so that the
//! same files run against the embedded API, a real one, and, where an expectation is not marked
//! as Belay's, against the originals.

mod run;
mod scenario;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// Run scenarios against the cluster of a kubeconfig.
#[derive(Parser)]
struct Arguments {
    /// The cluster.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Who works in it: Belay, or nobody (then only scenarios of the API itself run).
    #[arg(long, value_enum, default_value = "none")]
    engine: Engine,
    /// A folder for the scenarios' bare repositories.
    #[arg(long, default_value = "build/repositories")]
    repositories: PathBuf,
    /// A file of objects, such as definitions, to apply first.
    #[arg(long)]
    apply: Option<PathBuf>,
    /// Only scenarios whose file name holds this text.
    #[arg(long, default_value = "")]
    only: String,
    /// Files, or folders of files.
    scenarios: Vec<PathBuf>,
}

/// Who keeps the cluster equal to Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Belay.
    Belay,
    /// Nobody.
    None,
}

#[tokio::main]
async fn main() -> ExitCode {
    match all(Arguments::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs every file; gives how many failed.
async fn all(arguments: Arguments) -> anyhow::Result<usize> {
    let client = belay_cluster::connect(Some(&arguments.kubeconfig)).await?;
    let runner = run::Runner::new(client, arguments.repositories);
    if let Some(file) = &arguments.apply {
        runner.apply_file(file).await?;
        if arguments.scenarios.is_empty() {
            return Ok(0);
        }
    }
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files(&arguments.scenarios)? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !name.contains(&arguments.only) {
            continue;
        }
        let scenario = scenario::read(&file)?;
        if scenario.engine == "belay" && arguments.engine == Engine::None {
            skipped += 1;
            continue;
        }
        let start = tokio::time::Instant::now();
        match runner.run(&name, &scenario).await {
            Ok(()) => {
                passed += 1;
                say(&format!("ok      {name} ({:.1} s)", start.elapsed().as_secs_f32()));
            }
            Err(error) => {
                failed += 1;
                say(&format!("FAILED  {name}: {error:#}"));
            }
        }
    }
    anyhow::ensure!(passed + failed > 0, "no scenario was run");
    say(&format!("\n{passed} passed, {failed} failed, {skipped} skipped"));
    Ok(failed)
}

fn files(places: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            for entry in std::fs::read_dir(place)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "yaml") {
                    files.push(path);
                }
            }
        } else {
            files.push(place.clone());
        }
    }
    files.sort();
    Ok(files)
}

#[expect(clippy::print_stdout, reason = "the runner's report is for a terminal")]
fn say(line: &str) {
    println!("{line}");
}
