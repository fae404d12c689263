//! `cargo xtask differential --kustomizations`: random kustomizations built by the original's library and by Belay.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use belay_filetree::{MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};
use serde_json::{Value, json};

use crate::kustomize_trees::{Tree, tree};

/// What is compared.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The library of the original, built from `tests/oracle/kustomize`.
    #[arg(long)]
    oracle: PathBuf,
    /// How many trees.
    #[arg(long = "count", default_value_t = 10_000)]
    cases: u64,
    /// The seed of the first; each next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the cases with the original's answers here, one a line.
    #[arg(long)]
    record: Option<PathBuf>,
}

/// Builds every tree with both and reports what differs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut oracle = Command::new(&arguments.oracle)
        .arg("-builds")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("running {}", arguments.oracle.display()))?;
    let mut questions = oracle.stdin.take().context("the oracle takes no questions")?;
    let mut answers = BufReader::new(oracle.stdout.take().context("the oracle gives no answers")?).lines();
    let mut features: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut different, mut failing) = (0, 0);
    let mut recorded = String::new();
    for seed in arguments.seed..arguments.seed + arguments.cases {
        let tree = tree(seed);
        let question = json!({"files": tree.files, "folder": tree.folder});
        writeln!(questions, "{question}")?;
        let answer: Value = serde_json::from_str(&answers.next().context("the oracle ended")??)?;
        let expected = answer.get("error").is_none().then(|| answer["text"].as_str().unwrap_or_default());
        failing += usize::from(expected.is_none());
        for feature in &tree.features {
            *features.entry(feature).or_default() += 1;
        }
        let found = built(&tree)?;
        if found.as_ref().ok().map(String::as_str) != expected {
            different += 1;
            report(seed, &answer, &found);
        }
        if arguments.record.is_some() {
            recorded.push_str(&format!(
                "{}\n",
                json!({"files": tree.files, "folder": tree.folder, "text": expected})
            ));
        }
    }
    if let Some(file) = &arguments.record {
        std::fs::write(file, recorded)?;
    }
    for (feature, count) in features {
        crate::print(&format!("{feature:<24}{count:>8}"));
    }
    crate::print(&format!("{} trees, {failing} of them invalid, {different} differ", arguments.cases));
    if different > 0 {
        bail!("{different} trees differ");
    }
    Ok(())
}

fn built(tree: &Tree) -> Result<Result<String, String>> {
    let files = MemoryTree::of(tree.files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let folder = TreePath::parse(&tree.folder)?;
    let built = build(&files, &folder, &BuildOptions::default());
    Ok(built.map(|built| built.to_yaml()).map_err(|error| error.chain()))
}

/// Says where the two part.
fn report(seed: u64, answer: &Value, found: &Result<String, String>) {
    let expected = answer["text"].as_str().unwrap_or_default();
    let reason = match (answer["error"].as_str(), found) {
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
