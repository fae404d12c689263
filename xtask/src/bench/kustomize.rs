//! `cargo xtask bench kustomize`: the same trees built by kustomize and by us, as processes; then by us
//! within one process, beside the least that any build must do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::kustomize_trees::{deployments, overlays};
use crate::print;

/// What is measured, with what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The original's binary.
    #[arg(long)]
    kustomize: PathBuf,
    /// Our binary.
    #[arg(long, default_value = "target/release/belay")]
    belay: PathBuf,
    /// We in one process: the example `measure` of belay-kustomize, built with optimization.
    #[arg(long, default_value = "target/release/examples/measure")]
    measure: PathBuf,
    /// How many pairs at least; the median counts. Small trees are built more often.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Leaves kustomize alone: only what is measured within one process.
    #[arg(long)]
    only_inside: bool,
}

/// A tree, and how many times as fast as kustomize we want to be.
struct Race {
    name: &'static str,
    folder: &'static str,
    target: f64,
}

const RACES: [Race; 5] = [
    Race { name: "1 Deployment", folder: "1", target: 1.0 },
    Race { name: "100 Deployments", folder: "100", target: 5.0 },
    Race { name: "1000 Deployments", folder: "1000", target: 30.0 },
    Race { name: "4000 Deployments", folder: "4000", target: 90.0 },
    Race { name: "20 overlays of 50 Deployments", folder: "overlays", target: 20.0 },
];

/// Pairs are added until a race took this long,
const PATIENCE: Duration = Duration::from_secs(15);
/// or there are this many.
const MOST_ROUNDS: usize = 51;

/// Trees of these sizes show whether the cost grows with the number of objects alone.
const SIZES: [usize; 3] = [1000, 4000, 16_000];

/// Makes the trees, measures, prints the tables.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("belay-bench-kustomize-{}", std::process::id()));
    let result = measure(arguments, &folder);
    // What is left of it is temporary.
    let _ = fs::remove_dir_all(&folder);
    result
}

fn measure(arguments: &Arguments, folder: &Path) -> Result<()> {
    for size in [1, 100].into_iter().chain(SIZES) {
        deployments(&folder.join(size.to_string()), size)?;
    }
    overlays(&folder.join("overlays"), 20, 50)?;
    if !arguments.only_inside {
        for race in &RACES {
            run_race(arguments, &folder.join(race.folder).join("overlay"), race)?;
        }
    }
    inside(arguments, folder)
}

fn run_race(arguments: &Arguments, folder: &Path, race: &Race) -> Result<()> {
    let (original, _) = time(&arguments.kustomize, &["build"], folder, true)?;
    let (ours, _) = time(&arguments.belay, &["kustomize", "build"], folder, true)?;
    ensure!(original == ours, "{}: the outputs differ", race.name);
    let mut pairs = Vec::new();
    let start = Instant::now();
    while pairs.len() < arguments.rounds.max(1) || (start.elapsed() < PATIENCE && pairs.len() < MOST_ROUNDS) {
        let original = warm(&arguments.kustomize, &["build"], folder)?;
        let ours = warm(&arguments.belay, &["kustomize", "build"], folder)?;
        pairs.push((original, ours));
    }
    let ratio = |(original, ours): &(Duration, Duration)| original.as_secs_f64() / ours.as_secs_f64();
    pairs.sort_by(|one, other| ratio(one).total_cmp(&ratio(other)));
    let middle = &pairs[pairs.len() / 2];
    print(&format!(
        "{:<30} kustomize {:>9.1} ms  belay {:>7.1} ms  {:>6.1} × ({:.1} to {:.1}; target {} ×)",
        race.name,
        milliseconds(middle.0),
        milliseconds(middle.1),
        ratio(middle),
        ratio(&pairs[0]),
        ratio(&pairs[pairs.len() - 1]),
        race.target
    ));
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The second of two runs: after a minute of the other program's work the system has given up its files
/// and memory, and bringing them back is not what is measured.
fn warm(program: &Path, command: &[&str], folder: &Path) -> Result<Duration> {
    time(program, command, folder, false)?;
    Ok(time(program, command, folder, false)?.1)
}

/// Runs a build to its end. Its text is kept only where it is compared.
fn time(program: &Path, command: &[&str], folder: &Path, keep: bool) -> Result<(Vec<u8>, Duration)> {
    let output = if keep { Stdio::piped() } else { Stdio::null() };
    let start = Instant::now();
    let done = Command::new(program)
        .args(command)
        .arg(folder)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?
        .wait_with_output()?;
    if !done.status.success() {
        bail!("{} does not build {}", program.display(), folder.display());
    }
    Ok((done.stdout, start.elapsed()))
}

/// What `measure` prints, as a table.
fn inside(arguments: &Arguments, folder: &Path) -> Result<()> {
    let mut command = Command::new(&arguments.measure);
    command.arg(folder);
    for size in SIZES {
        command.args([format!("{size}/overlay"), format!("{size}/base")]);
    }
    let output = command.output().with_context(|| format!("starting {}", arguments.measure.display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    print(
        "within one process: objects, ms a build, µs an object; floor in ms = read + events + write; build to floor",
    );
    for line in String::from_utf8(output.stdout)?.lines() {
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let &[objects, build, read, events, write] = numbers.as_slice() else { bail!("not a row: {line}") };
        let floor = read + events + write;
        print(&format!(
            "{objects:>6}  {:>8.1}  {:>6.2}  {:>7.1} = {:.1} + {:.1} + {:.1}  {:>5.2}",
            build / 1e3,
            build / objects,
            floor / 1e3,
            read / 1e3,
            events / 1e3,
            write / 1e3,
            build / floor
        ));
    }
    Ok(())
}
