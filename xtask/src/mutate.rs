//! Proves the proofs: breaks one named behaviour after the other in a copy of the repository, and sees
//! that the tests which hold it fail. The list is `tests/mutations.toml`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use crate::{print, report};

/// Which mutations, and where the copy is compiled.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only those whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// A target folder to keep between runs.
    #[arg(long)]
    target_dir: Option<PathBuf>,
}

/// A behaviour, and how it is broken.
struct Mutation {
    /// The behaviour that is lost, as a sentence.
    loses: String,
    /// The file, from the repository's root.
    file: String,
    /// A text that is there once.
    replace: String,
    /// What takes its place.
    with: String,
    /// What `cargo test` is given; these tests must fail.
    test: Vec<String>,
}

/// Breaks each behaviour in turn. An undetected one is an error.
pub(crate) fn run(repository: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let chosen: Vec<Mutation> = read(repository)?
        .into_iter()
        .filter(|mutation| arguments.only.as_ref().is_none_or(|part| mutation.loses.contains(part)))
        .collect();
    ensure!(!chosen.is_empty(), "no mutation is called like that");
    let copy = std::env::temp_dir().join(format!("belay-mutate-{}", std::process::id()));
    let target = arguments.target_dir.clone().unwrap_or_else(|| copy.join("target"));
    let result = copy_of(repository, &copy).and_then(|()| try_all(&copy, &target, &chosen));
    // The copy was ours; if it cannot be removed, the next temporary clean-up does.
    let _ = std::fs::remove_dir_all(&copy);
    let survivors = result?;
    ensure!(survivors.is_empty(), "not caught by any test: {}", survivors.join("; "));
    print(&format!("all {} mutations are caught", chosen.len()));
    Ok(())
}

/// Every mutation's text must be there exactly once, or it proves nothing.
pub(crate) fn check(repository: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for mutation in read(repository)? {
        let path = repository.join(&mutation.file);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let found = text.matches(&mutation.replace).count();
        if found != 1 {
            faults.push(format!(
                "tests/mutations.toml: {:?}: its text is in {} {found} times",
                mutation.loses, mutation.file
            ));
        }
    }
    Ok(faults)
}

fn read(repository: &Path) -> anyhow::Result<Vec<Mutation>> {
    let path = repository.join("tests/mutations.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let table: toml::Table = text.parse().with_context(|| path.display().to_string())?;
    let list = table.get("mutation").and_then(toml::Value::as_array).context("no [[mutation]]")?;
    list.iter().map(|entry| mutation(entry).with_context(|| format!("{entry}"))).collect()
}

fn mutation(entry: &toml::Value) -> anyhow::Result<Mutation> {
    let text = |name: &str| -> anyhow::Result<String> {
        let value = entry.get(name).and_then(toml::Value::as_str);
        Ok(value.with_context(|| format!("{name} is missing"))?.to_owned())
    };
    let test = entry.get("test").and_then(toml::Value::as_array).context("test is missing")?;
    Ok(Mutation {
        loses: text("loses")?,
        file: text("file")?,
        replace: text("replace")?,
        with: text("with")?,
        test: test.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
    })
}

fn copy_of(repository: &Path, copy: &Path) -> anyhow::Result<()> {
    let done = Command::new("git")
        .args(["clone", "--quiet", "--shared"])
        .args([repository, copy])
        .status()
        .context("git cannot be started")?;
    ensure!(done.success(), "the repository cannot be copied");
    Ok(())
}

/// Gives the behaviours that can be broken without a test noticing.
fn try_all(copy: &Path, target: &Path, mutations: &[Mutation]) -> anyhow::Result<Vec<String>> {
    let mut survivors = Vec::new();
    for mutation in mutations {
        let start = Instant::now();
        let caught = is_caught(copy, target, mutation).with_context(|| mutation.loses.clone())?;
        let word = if caught { "caught" } else { "SURVIVES" };
        report(&format!("{word}: {} ({} s)", mutation.loses, start.elapsed().as_secs()));
        if !caught {
            survivors.push(mutation.loses.clone());
        }
    }
    Ok(survivors)
}

fn is_caught(copy: &Path, target: &Path, mutation: &Mutation) -> anyhow::Result<bool> {
    let path = copy.join(&mutation.file);
    let original = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    ensure!(original.matches(&mutation.replace).count() == 1, "its text is not there exactly once");
    std::fs::write(&path, original.replacen(&mutation.replace, &mutation.with, 1))?;
    let compiles = cargo(copy, target, &mutation.test, true)?;
    let passes = compiles && cargo(copy, target, &mutation.test, false)?;
    std::fs::write(&path, original)?;
    if !compiles {
        bail!("the broken behaviour does not compile, so it proves nothing");
    }
    Ok(!passes)
}

fn cargo(copy: &Path, target: &Path, test: &[String], only_compile: bool) -> anyhow::Result<bool> {
    let mut command = Command::new("cargo");
    command.current_dir(copy).env("CARGO_TARGET_DIR", target).args(["test", "--locked", "--quiet"]);
    if only_compile {
        command.arg("--no-run");
    }
    command.args(test).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status().context("cargo cannot be started")?.success())
}
