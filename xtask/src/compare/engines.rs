//! The same scenario files with an original at work and with Belay, each on a real API server of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::differences::{Difference, Failed, Outcome, Reasons, compare};
use crate::apiserver::{self, RealServer};
use crate::fleet::Family;
use crate::process::Process;
use crate::rivals::argocd::{self, ArgoCd};
use crate::rivals::flux::{Flux, Settings};

/// Which scenarios, with which binaries.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Belay's binary.
    #[arg(long, default_value = "target/debug/belay")]
    belay: PathBuf,
    /// The scenarios' runner.
    #[arg(long, default_value = "target/debug/belay-scenarios")]
    runner: PathBuf,
    /// Only scenarios whose file name holds one of these texts.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How many run at a time.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Where states and logs go, and differences.txt.
    #[arg(long, default_value = "build/compare")]
    dir: PathBuf,
    /// Run nobody: compare what earlier runs of both left.
    #[arg(long)]
    compare_only: bool,
    /// Run only Belay, and compare with what an earlier run of the original left.
    #[arg(long)]
    again: bool,
}

/// How the files of a family's scenarios begin.
fn prefixes(family: Family) -> &'static [&'static str] {
    match family {
        Family::Flux => &["flux-", "git-flux-"],
        Family::ArgoCd => &[
            "app-",
            "sync-",
            "project-",
            "tracking-",
            "sources-",
            "settings-",
            "cluster-",
            "health-",
            "git-app-",
        ],
    }
}

/// Runs both and prints what differs.
pub(super) fn run(root: &Path, arguments: &Arguments, family: Family) -> Result<()> {
    let dir = std::path::absolute(arguments.dir.join(family.word()))?;
    let original = dir.join("original");
    let belay = dir.join("belay");
    if !arguments.again && !arguments.compare_only {
        run_engine(root, arguments, family, &original, Engine::Original)?;
    }
    if !arguments.compare_only {
        run_engine(root, arguments, family, &belay, Engine::Belay)?;
    }
    let reasons = Reasons::read(&root.join(format!("tests/differences/{}.toml", family.word())))?;
    let outcome = compare(&original.join("states"), &belay.join("states"), &reasons)?;
    fs::write(dir.join("differences.txt"), details(&outcome))?;
    crate::print(&summary(family, &outcome));
    crate::print(&format!("every difference: {}", dir.join("differences.txt").display()));
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Original,
    Belay,
}

/// One pass over the scenarios; states and logs lie in the folder afterwards.
fn run_engine(root: &Path, arguments: &Arguments, family: Family, dir: &Path, engine: Engine) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    let server = apiserver::start(root, &dir.join("apiserver"), true)?;
    install(arguments, &server, family, dir)?;
    let mut processes = match (engine, family) {
        (Engine::Belay, _) => vec![start_belay(&arguments.belay, &server.kubeconfig, dir)?],
        (Engine::Original, Family::Flux) => {
            let flux = Flux::build()?;
            flux.start(&server.kubeconfig, dir, &dir.join("memory"), Settings::Shipped)?
        }
        (Engine::Original, Family::ArgoCd) => {
            ArgoCd::build(root, None)?.start(&server.kubeconfig, dir, &dir.join("memory"))?
        }
    };
    // Controllers list what they watch before they begin.
    std::thread::sleep(Duration::from_secs(5));
    check(&mut processes, dir)?;
    let said = run_scenarios(root, arguments, family, &server, dir)?;
    crate::report(said.trim_end().lines().last().unwrap_or_default());
    check(&mut processes, dir)?;
    processes.into_iter().try_for_each(Process::stop)
}

/// All are still at work.
fn check(processes: &mut [Process], dir: &Path) -> Result<()> {
    processes
        .iter_mut()
        .try_for_each(|process| process.check().with_context(|| format!("see the logs in {}", dir.display())))
}

/// The definitions, which are the originals' field by field.
fn install(arguments: &Arguments, server: &RealServer, family: Family, dir: &Path) -> Result<()> {
    let definitions = Command::new(&arguments.belay)
        .arg("crds")
        .output()
        .with_context(|| arguments.belay.display().to_string())?;
    apply(arguments, server, dir, "definitions.yaml", &definitions.stdout)?;
    server.wait_for_definitions()?;
    match family {
        Family::Flux => Ok(()),
        Family::ArgoCd => apply(arguments, server, dir, "settings.yaml", argocd::SETTINGS.as_bytes()),
    }
}

/// Writes a file of objects and applies them.
fn apply(arguments: &Arguments, server: &RealServer, dir: &Path, name: &str, content: &[u8]) -> Result<()> {
    let file = dir.join(name);
    fs::write(&file, content)?;
    let status = Command::new(&arguments.runner)
        .arg("--kubeconfig")
        .arg(&server.kubeconfig)
        .arg("--repositories")
        .arg(dir.join("repositories"))
        .arg("--apply")
        .arg(file)
        .status()
        .with_context(|| arguments.runner.display().to_string())?;
    ensure!(status.success(), "{name} cannot be applied");
    Ok(())
}

/// Belay beside the cluster.
pub(crate) fn start_belay(binary: &Path, kubeconfig: &Path, dir: &Path) -> Result<Process> {
    start_belay_with(binary, kubeconfig, dir, &[])
}

/// The same with more arguments.
pub(crate) fn start_belay_with(
    binary: &Path,
    kubeconfig: &Path,
    dir: &Path,
    arguments: &[String],
) -> Result<Process> {
    let mut command = Command::new(binary);
    command.arg("run").arg("--kubeconfig").arg(kubeconfig).arg("--data-dir").arg(dir.join("data"));
    Process::start("belay", dir, command.args(arguments))
}

/// Runs the scenarios as the original's, whoever is at work; gives what the runner said.
fn run_scenarios(
    root: &Path,
    arguments: &Arguments,
    family: Family,
    server: &RealServer,
    dir: &Path,
) -> Result<String> {
    let output = Command::new(&arguments.runner)
        .arg("--kubeconfig")
        .arg(&server.kubeconfig)
        // What only Belay was built to show is tried with the original too: how it ends is a difference.
        .args(["--engine", family.word(), "--with", "controller-manager,kubectl,belay"])
        .arg("--kubectl")
        .arg(server.binaries.join("kubectl"))
        .arg("--repositories")
        .arg(dir.join("repositories"))
        .arg("--states")
        .arg(dir.join("states"))
        .args(["--jobs", &arguments.jobs.to_string()])
        .args(scenarios(root, arguments, family)?)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    fs::write(dir.join("scenarios.log"), &said)?;
    Ok(said)
}

/// The files of the family, of those that are wanted.
fn scenarios(root: &Path, arguments: &Arguments, family: Family) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("tests/scenarios"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = prefixes(family).iter().any(|prefix| name.starts_with(prefix));
        let is_wanted =
            arguments.only.is_empty() || arguments.only.iter().any(|text| name.contains(text.as_str()));
        if is_ours && name.ends_with(".yaml") && is_wanted {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn summary(family: Family, outcome: &Outcome) -> String {
    let mut text = format!(
        "{}: {} scenarios hold for both, {} do not, {} of them for known reasons; {} fields and Events are alike, {} differ for known reasons, {} in {} other ways\n",
        family.word(),
        outcome.passed.len(),
        outcome.failed.len(),
        outcome.failed.values().filter(|failed| failed.reason.is_some()).count(),
        outcome.equal,
        outcome.explained.values().sum::<usize>(),
        outcome.differences.values().map(std::collections::BTreeSet::len).sum::<usize>(),
        outcome.differences.len(),
    );
    for (reason, count) in &outcome.explained {
        text.push_str(&format!("{count:>6}  {reason}\n"));
    }
    for (name, Failed { ends: [original, belay], reason }) in &outcome.failed {
        let told = |failure: &Option<String>| match failure {
            None => "holds".to_owned(),
            Some(failure) => failure.lines().next().unwrap_or_default().to_owned(),
        };
        text.push_str(&format!("\n{name}\n  original: {}\n  Belay: {}\n", told(original), told(belay)));
        text.extend(reason.iter().map(|reason| format!("  because {reason}\n")));
    }
    text
}

fn details(outcome: &Outcome) -> String {
    let mut text = String::new();
    for (Difference { place, original, belay }, scenarios) in &outcome.differences {
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
        let names: Vec<&str> = scenarios.iter().map(String::as_str).collect();
        text.push_str(&format!(
            "{place}\n  original: {}\n  Belay:    {}\n  in {}: {}\n",
            told(original),
            told(belay),
            names.len(),
            names.join(" ")
        ));
    }
    text
}
