//! `cargo xtask differential --kustomizations`: random kustomizations built by the original's library and by Belay.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use belay_filetree::{MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, HelmOptions, build};
use serde_json::{Value, json};

use crate::kustomize_trees::{MISTAKE, Tree, chart_features, chart_tree, features, tree};

/// What is compared.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The library of the original, built from `tests/oracle/kustomize`.
    #[arg(long, required_unless_present = "kustomize")]
    oracle: Option<PathBuf>,
    /// The original instead, for trees with charts: they need files and Helm.
    #[arg(long, conflicts_with = "oracle")]
    kustomize: Option<PathBuf>,
    /// Helm, for the original.
    #[arg(long, default_value = "helm")]
    helm: PathBuf,
    /// How many trees.
    #[arg(long = "count", default_value_t = 10_000)]
    cases: u64,
    /// The seed of the first; each next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the cases with the original's answers here, one a line.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Writes the files of every tree that differs below this folder, by its seed.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// The library does not know the version of the command it is part of, which `managedByLabel` prints.
const UNVERSIONED: &str = "kustomize-(devel)";
const VERSIONED: &str = "kustomize-v5.8.2";

/// Builds every tree with both and reports what differs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut original = Original::of(arguments)?;
    let (features, tree): (_, fn(u64) -> Tree) = match &original {
        Original::Library { .. } => (features(), tree),
        Original::Command { .. } => (chart_features(), chart_tree),
    };
    let mut shown: BTreeMap<&str, usize> = features.into_iter().map(|feature| (feature, 0)).collect();
    let (mut different, mut failing) = (0, 0);
    let mut recorded = String::new();
    for seed in arguments.seed..arguments.seed + arguments.cases {
        let tree = tree(seed);
        let (expected, reason) = match original.answer(&tree)? {
            Ok(text) => (Some(text), None),
            Err(reason) => (None, Some(reason)),
        };
        failing += u64::from(expected.is_none());
        // A mistake shows in what fails, everything else in what builds.
        let of_this_tree: BTreeSet<&str> = tree.features.iter().copied().collect();
        for feature in of_this_tree {
            if expected.is_some() != (feature == MISTAKE) {
                *shown.entry(feature).or_default() += 1;
            }
        }
        let found = built(&tree, &original)?;
        if found.as_ref().ok() != expected.as_ref() {
            different += 1;
            report(seed, reason.as_deref(), expected.as_deref().unwrap_or_default(), &found);
            if let Some(folder) = &arguments.write {
                write(&tree, &folder.join(seed.to_string()))?;
            }
        }
        if arguments.record.is_some() {
            recorded.push_str(&format!(
                "{}\n",
                json!({"files": tree.files, "folder": tree.folder, "text": expected})
            ));
        }
    }
    if let Some(file) = &arguments.record {
        fs::write(file, recorded)?;
    }
    for (feature, count) in &shown {
        crate::print(&format!("{feature:<40}{count:>8}"));
    }
    crate::print(&format!("{} trees, {failing} of them invalid, {different} differ", arguments.cases));
    if different > 0 {
        bail!("{different} trees differ");
    }
    check_spread(arguments.cases, failing, &shown)
}

/// What Belay is compared with.
enum Original {
    Library { questions: ChildStdin, answers: Lines<BufReader<ChildStdout>> },
    Command { kustomize: PathBuf, helm: PathBuf, folder: PathBuf },
}

impl Original {
    fn of(arguments: &Arguments) -> Result<Original> {
        if let Some(kustomize) = &arguments.kustomize {
            let folder = std::env::temp_dir().join(format!("belay-differential-{}", std::process::id()));
            let (kustomize, helm) = (kustomize.clone(), arguments.helm.clone());
            return Ok(Original::Command { kustomize, helm, folder });
        }
        let oracle = arguments.oracle.as_deref().context("give either --oracle or --kustomize")?;
        let mut oracle = Command::new(oracle)
            .arg("-builds")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("running {}", oracle.display()))?;
        let questions = oracle.stdin.take().context("the oracle takes no questions")?;
        let answers = BufReader::new(oracle.stdout.take().context("the oracle gives no answers")?).lines();
        Ok(Original::Library { questions, answers })
    }

    /// What it makes of a tree, or why it fails.
    fn answer(&mut self, tree: &Tree) -> Result<Result<String, String>> {
        match self {
            Original::Library { questions, answers } => {
                let question = json!({"files": tree.files, "folder": tree.folder});
                writeln!(questions, "{question}")?;
                let answer: Value = serde_json::from_str(&answers.next().context("the oracle ended")??)?;
                Ok(match answer.get("error") {
                    Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
                    None => Ok(answer["text"].as_str().unwrap_or_default().replace(UNVERSIONED, VERSIONED)),
                })
            }
            Original::Command { kustomize, helm, folder } => {
                // An earlier tree must leave nothing.
                let _ = fs::remove_dir_all(&*folder);
                write(tree, folder)?;
                let output = Command::new(&*kustomize)
                    .arg("build")
                    .arg(folder.join(&tree.folder))
                    .args(["--enable-helm", "--helm-command"])
                    .arg(&*helm)
                    .output()
                    .with_context(|| format!("running {}", kustomize.display()))?;
                let _ = fs::remove_dir_all(&*folder);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
            }
        }
    }
}

/// Fewer trees than this say nothing about how often a feature comes.
const TELLING: u64 = 1000;

/// A run proves little where most trees fail, or where a feature hardly occurs in one that builds.
fn check_spread(cases: u64, failing: u64, shown: &BTreeMap<&str, usize>) -> Result<()> {
    if cases < TELLING {
        return Ok(());
    }
    let share = failing * 100 / cases;
    if !(20..=35).contains(&share) {
        bail!("{share} % of the trees are invalid: 20 to 35 % should be");
    }
    let least = cases as usize / 250;
    let rare: Vec<&str> =
        shown.iter().filter(|(_, count)| **count < least).map(|(feature, _)| *feature).collect();
    if !rare.is_empty() {
        bail!("fewer than {least} trees that build show {}", rare.join(", "));
    }
    Ok(())
}

fn write(tree: &Tree, folder: &Path) -> Result<()> {
    for (path, text) in &tree.files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}

fn built(tree: &Tree, original: &Original) -> Result<Result<String, String>> {
    let files = MemoryTree::of(tree.files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let folder = TreePath::parse(&tree.folder)?;
    let charts = matches!(original, Original::Command { .. });
    let helm = charts.then(HelmOptions::default);
    let built = build(&files, &folder, &BuildOptions { helm, ..BuildOptions::default() });
    Ok(built.map(|built| built.to_yaml()).map_err(|error| error.chain()))
}

/// Says where the two part.
fn report(seed: u64, error: Option<&str>, expected: &str, found: &Result<String, String>) {
    let reason = match (error, found) {
        (Some(error), Ok(_)) => format!("only the original fails: {error}"),
        (None, Err(error)) => format!("only belay fails: {error}"),
        (_, Err(error)) => error.clone(),
        (None, Ok(found)) => {
            let lines = expected.lines().zip(found.lines()).enumerate();
            let first = lines.into_iter().find(|(_, (one, other))| one != other);
            first.map_or_else(
                || "one is longer".to_owned(),
                |(at, (one, other))| format!("line {}: {one:?}, not {other:?}", at + 1),
            )
        }
    };
    crate::print(&format!("seed {seed}: {reason}"));
}
