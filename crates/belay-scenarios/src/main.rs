//! Runs scenarios against any cluster: steps and expectations, in the order a person would read.
//!
//! The runner speaks only the Kubernetes API and Git, never Belay's own interfaces, so that the
//! same files run against the embedded API, a real one, and, where an expectation is not marked
//! as Belay's, against the originals. What a file may hold is in `scenario.rs`.

mod compare;
mod gate;
mod git;
mod objects;
mod program;
mod request;
mod run;
mod scenario;
mod states;
mod variables;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use futures::StreamExt;
use tokio::time::Instant;

use crate::run::{Manners, Places, Programs, Runner};
use crate::scenario::{GIT_FAULTS, Scenario};

/// Run scenarios against the cluster of a kubeconfig.
#[derive(Parser)]
struct Arguments {
    /// The cluster.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Who works in it.
    #[arg(long, value_enum, default_value = "none")]
    engine: Engine,
    /// What else is there: `controller-manager`, `workloads`, `kubectl`, `helm`. Scenarios that require
    /// what is not there are skipped.
    #[arg(long, value_delimiter = ',')]
    with: Vec<String>,
    /// The kubectl to run.
    #[arg(long, default_value = "kubectl")]
    kubectl: PathBuf,
    /// The helm to run.
    #[arg(long, default_value = "helm")]
    helm: PathBuf,
    /// A folder for the scenarios' bare repositories.
    #[arg(long, default_value = "build/repositories")]
    repositories: PathBuf,
    /// The address of a Git server that serves the folder of repositories, such as `belay gitserver`; the runner has one of
    /// its own otherwise. Scenarios whose Git server misbehaves are skipped then.
    #[arg(long)]
    git: Option<String>,
    /// A file of objects, such as definitions, to apply first.
    #[arg(long)]
    apply: Option<PathBuf>,
    /// Only scenarios whose file name holds this text.
    #[arg(long, default_value = "")]
    only: String,
    /// How many scenarios run at a time.
    #[arg(long, default_value_t = 8)]
    jobs: usize,
    /// A folder for how the objects of each scenario ended, to be compared with another run's.
    #[arg(long)]
    states: Option<PathBuf>,
    /// Also print how long each step took.
    #[arg(long)]
    times: bool,
    /// Print what the scenarios require, and run none.
    #[arg(long)]
    list_requirements: bool,
    /// Files, or folders of files.
    scenarios: Vec<PathBuf>,
}

/// Who keeps the cluster equal to Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Belay.
    Belay,
    /// Argo CD.
    Argocd,
    /// Flux.
    Flux,
    /// Nobody: only scenarios of the API itself run.
    None,
}

impl Engine {
    fn offers(self) -> &'static [&'static str] {
        match self {
            Engine::Belay => &["belay", "argocd", "flux"],
            Engine::Argocd => &["argocd"],
            Engine::Flux => &["flux"],
            Engine::None => &[],
        }
    }
}

/// How a scenario went.
enum Outcome {
    Passed,
    Failed(anyhow::Error),
    /// What it requires is not there.
    Skipped,
}

#[tokio::main]
async fn main() -> ExitCode {
    match all(Arguments::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs every file; gives how many failed.
async fn all(arguments: Arguments) -> anyhow::Result<usize> {
    let scenarios = read(&arguments)?;
    if arguments.list_requirements {
        return list_requirements(&scenarios);
    }
    let places = Places {
        kubeconfig: arguments.kubeconfig,
        repositories: arguments.repositories,
        programs: Programs { kubectl: program(arguments.kubectl)?, helm: program(arguments.helm)? },
        states: arguments.states,
        git: arguments.git,
    };
    let manners = Manners { is_belay: arguments.engine == Engine::Belay, tells_times: arguments.times };
    let has_own_git = places.git.is_none();
    let runner = Runner::start(places, manners).await?;
    if let Some(file) = &arguments.apply {
        runner.apply_file(file).await?;
        if scenarios.is_empty() {
            return Ok(0);
        }
    }
    if arguments.engine.offers().contains(&"argocd") {
        runner.wait_for_applications().await?;
    }
    let mut offered: Vec<&str> = arguments.with.iter().map(String::as_str).collect();
    offered.extend(arguments.engine.offers());
    offered.extend(has_own_git.then_some(GIT_FAULTS));
    let (alone, together): (Vec<_>, Vec<_>) = scenarios.iter().partition(|(_, scenario)| scenario.alone);
    let mut outcomes: Vec<_> = futures::stream::iter(together)
        .map(|(name, scenario)| outcome(&runner, name, scenario, &offered))
        .buffer_unordered(arguments.jobs.max(1))
        .collect()
        .await;
    for (name, scenario) in alone {
        outcomes.push(outcome(&runner, name, scenario, &offered).await);
    }
    summary(outcomes)
}

/// A program by name, or by a path that does not depend on the folder it will run in.
fn program(given: PathBuf) -> std::io::Result<PathBuf> {
    if given.components().count() > 1 { std::path::absolute(given) } else { Ok(given) }
}

/// Runs one, if what it requires is there, and tells how it went.
async fn outcome<'a>(
    runner: &Runner,
    name: &'a str,
    scenario: &Scenario,
    offered: &[&str],
) -> (&'a str, Outcome) {
    if let Some(missing) = scenario.requirements().find(|required| !offered.contains(required)) {
        say(&format!("skipped {name}: no {missing} here"));
        return (name, Outcome::Skipped);
    }
    let start = Instant::now();
    match runner.run(name, scenario).await {
        Ok(()) => {
            say(&format!("ok      {name} ({:.1} s)", start.elapsed().as_secs_f32()));
            (name, Outcome::Passed)
        }
        Err(error) => {
            say(&format!("FAILED  {name}"));
            (name, Outcome::Failed(error))
        }
    }
}

fn summary(outcomes: Vec<(&str, Outcome)>) -> anyhow::Result<usize> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, outcome) in &outcomes {
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::Skipped => skipped += 1,
            Outcome::Failed(error) => {
                failed += 1;
                say(&format!("\n{name}: {error:#}"));
            }
        }
    }
    anyhow::ensure!(passed + failed > 0, "no scenario was run");
    say(&format!("\n{passed} passed, {failed} failed, {skipped} skipped"));
    Ok(failed)
}

fn list_requirements(scenarios: &[(String, Scenario)]) -> anyhow::Result<usize> {
    let mut required: Vec<&str> =
        scenarios.iter().flat_map(|(_, scenario)| scenario.requirements()).collect();
    required.sort_unstable();
    required.dedup();
    required.into_iter().for_each(say);
    Ok(0)
}

/// The scenarios of the files, by name. One that cannot be read ends everything: it would
/// silently not be run.
fn read(arguments: &Arguments) -> anyhow::Result<Vec<(String, Scenario)>> {
    let mut scenarios = Vec::new();
    for file in files(&arguments.scenarios)? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(&arguments.only) {
            scenarios.push((name, scenario::read(&file)?));
        }
    }
    Ok(scenarios)
}

fn files(places: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            for entry in std::fs::read_dir(place).with_context(|| place.display().to_string())? {
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

/// Why nothing was run. Who reads the report as a list, as `scripts/test` does, would not show it.
#[expect(clippy::print_stderr, reason = "the runner's complaints are for a terminal")]
fn complain(line: &str) {
    eprintln!("{line}");
}

#[expect(clippy::print_stdout, reason = "the runner's report is for a terminal")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
