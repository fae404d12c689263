//! Proves the proofs: breaks one named behaviour after the other in a copy of the repository, and sees
//! that the tests which hold it fail. The list is `tests/mutations.toml`.
//!
//! The copy is the last commit, in `build/mutate/copy`; nobody's work is touched, whenever this is interrupted, and
//! the next run begins with a new copy.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use crate::{print, report};

#[cfg(test)]
mod tests;

/// Which mutations, and where the copy is compiled.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Only those whose sentence or file contains one of these texts.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Print them, and break nothing.
    #[arg(long)]
    list: bool,
    /// A target folder to use, by default `build/mutate/target`.
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

/// How a mutation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Caught,
    Survives,
    /// What does not compile was not tried.
    DoesNotCompile,
    /// Tests that fail anyway prove nothing.
    FailsWithoutIt,
}

impl Outcome {
    fn words(self) -> &'static str {
        match self {
            Outcome::Caught => "caught",
            Outcome::Survives => "SURVIVES",
            Outcome::DoesNotCompile => "DOES NOT COMPILE",
            Outcome::FailsWithoutIt => "ITS TESTS FAIL WITHOUT IT",
        }
    }
}

/// Breaks each behaviour in turn. One that no test catches is an error.
pub(crate) fn run(repository: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let chosen: Vec<Mutation> = read(repository)?
        .into_iter()
        .filter(|mutation| arguments.only.is_empty() || arguments.only.iter().any(|part| mutation.has(part)))
        .collect();
    ensure!(!chosen.is_empty(), "no mutation is called like that");
    if arguments.list {
        for mutation in &chosen {
            print(&format!(
                "{}\n    {}: cargo test {}",
                mutation.loses,
                mutation.file,
                mutation.test.join(" ")
            ));
        }
        return Ok(());
    }
    let folder = repository.join("build/mutate");
    let copy = Copy {
        folder: folder.join("copy"),
        target: arguments.target_dir.clone().unwrap_or_else(|| folder.join("target")),
    };
    copy.make(repository)?;
    let missed = try_all(&copy, &chosen)?;
    ensure!(missed.is_empty(), "not proven:\n  {}", missed.join("\n  "));
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

impl Mutation {
    fn has(&self, part: &str) -> bool {
        self.loses.contains(part) || self.file.contains(part)
    }
}

/// Gives those that are not caught, with the reason.
fn try_all(copy: &Copy, mutations: &[Mutation]) -> anyhow::Result<Vec<String>> {
    let mut missed = Vec::new();
    let mut without = Vec::<(&[String], bool)>::new();
    for mutation in mutations {
        let start = Instant::now();
        let known = without.iter().find(|(test, _)| *test == mutation.test).map(|(_, passes)| *passes);
        let passes = known.map_or_else(|| copy.cargo_test(&mutation.test, false), Ok)?;
        if known.is_none() {
            without.push((&mutation.test, passes));
        }
        let outcome = if passes {
            copy.with(mutation).with_context(|| mutation.loses.clone())?
        } else {
            Outcome::FailsWithoutIt
        };
        let line = format!("{}: {}", outcome.words(), mutation.loses);
        report(&format!("{line} ({} s)", start.elapsed().as_secs()));
        if outcome != Outcome::Caught {
            missed.push(format!("{line} ({}: cargo test {})", mutation.file, mutation.test.join(" ")));
        }
    }
    Ok(missed)
}

/// The last commit once more, to be broken.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make(&self, repository: &Path) -> anyhow::Result<()> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        }
        let mut git = Command::new("git");
        git.args(["clone", "--quiet", "--shared"]).arg(repository).arg(&self.folder);
        ensure!(git.status().context("git cannot be started")?.success(), "the repository cannot be copied");
        Ok(())
    }

    /// What the tests say of a mutation. The copy is whole again afterwards.
    fn with(&self, mutation: &Mutation) -> anyhow::Result<Outcome> {
        let path = self.folder.join(&mutation.file);
        let original = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        if original.matches(&mutation.replace).count() != 1 {
            bail!("its text is not there exactly once; the copy is of the last commit");
        }
        std::fs::write(&path, original.replacen(&mutation.replace, &mutation.with, 1))?;
        let outcome = self.outcome(&mutation.test);
        std::fs::write(&path, original)?;
        outcome
    }

    fn outcome(&self, test: &[String]) -> anyhow::Result<Outcome> {
        if !self.cargo_test(test, true)? {
            return Ok(Outcome::DoesNotCompile);
        }
        Ok(if self.cargo_test(test, false)? { Outcome::Survives } else { Outcome::Caught })
    }

    fn cargo_test(&self, test: &[String], only_compile: bool) -> anyhow::Result<bool> {
        let mut command = Command::new("cargo");
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.target);
        command.args(["test", "--locked", "--quiet", "--profile", "demo"]);
        if only_compile {
            command.arg("--no-run");
        }
        command.args(test).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command.status().context("cargo cannot be started")?.success())
    }
}
