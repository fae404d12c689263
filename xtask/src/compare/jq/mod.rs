//! `cargo xtask compare jq`: what random jq expressions take out of random values, by gojq and by us.
//!
//! Differences count, in what is left and in what is an expression. What we refuse as not supported yet is counted apart,
//! and what is known to differ is bounded.

mod expressions;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use belay_diff::Jq;
use serde_json::{Value, json};

use self::expressions::{Case, FEATURES};
use crate::apiserver::{cache_folder, fingerprint, go_build};

/// How many cases, and what becomes of them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many expressions.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// The first seed; a case is told by its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the cases with gojq's answers in this file, for a test without it.
    #[arg(long)]
    record: Option<PathBuf>,
}

/// Cases that tell whether the generator does what it should.
const ENOUGH: u64 = 1000;
/// In so many of a hundred cases gojq finds something wrong, at least.
const WRONG: usize = 20;
/// One of so many cases may differ: gojq calls it an error at once to step into a value that is no part of the input, so that a
/// `?` about it takes it back; to us it is one when all is done.
const STEPS_INTO_MADE: usize = 4000;
/// How many differences are printed.
const SHOWN: usize = 20;

#[derive(Default)]
struct Totals {
    equal: usize,
    wrong: usize,
    refused: BTreeMap<String, usize>,
    different: usize,
    features: BTreeMap<&'static str, usize>,
    recorded: Vec<String>,
}

/// Compares, and prints what was found.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let cases: Vec<Case> =
        (arguments.seed..arguments.seed + arguments.count).map(expressions::case).collect();
    let answers = ask(&oracle(root)?, &cases)?;
    ensure!(answers.len() == cases.len(), "{} answers to {} questions", answers.len(), cases.len());
    let mut totals = Totals::default();
    for ((case, answer), seed) in cases.iter().zip(&answers).zip(arguments.seed..) {
        totals.take(seed, case, answer);
    }
    totals.report();
    if let Some(file) = &arguments.record {
        fs::write(file, totals.recorded.join("\n") + "\n")?;
    }
    ensure!(totals.different <= cases.len() / STEPS_INTO_MADE, "{} expressions differ", totals.different);
    if arguments.count >= ENOUGH { totals.check_spread(cases.len()) } else { Ok(()) }
}

/// gojq, built once from the module that pins it.
fn oracle(root: &Path) -> Result<PathBuf> {
    let module = root.join("tests/oracle/jq");
    let folder = cache_folder()?.join(format!("jq-{}", fingerprint(&module)?));
    let binary = folder.join("delete");
    if !binary.is_file() {
        fs::create_dir_all(&folder)?;
        go_build(&module, "./cmd/delete", "", &binary)?;
    }
    Ok(binary)
}

fn ask(oracle: &Path, cases: &[Case]) -> Result<Vec<Value>> {
    let mut process = Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut questions = BufWriter::new(process.stdin.take().context("no input")?);
    let answers = BufReader::new(process.stdout.take().context("no output")?);
    let answers = std::thread::scope(|scope| -> Result<Vec<Value>> {
        let writer = scope.spawn(move || -> Result<()> {
            for case in cases {
                writeln!(questions, "{}", json!({"expression": case.expression, "value": case.value}))?;
            }
            Ok(questions.flush()?)
        });
        let answers = answers.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Result<_>>()?;
        writer.join().map_err(|_panicked| anyhow::anyhow!("the questions were not asked"))??;
        Ok(answers)
    })?;
    ensure!(process.wait()?.success(), "gojq ended early");
    Ok(answers)
}

/// Why an expression is not taken that gojq takes, if that is meant so.
fn refusal(reason: &str) -> Option<String> {
    if reason.contains("error parsing regexp") {
        // gojq finds it when it gets there, and Argo CD's users in the log alone.
        return Some("a regular expression that is none".to_owned());
    }
    if reason.contains("the format") && reason.contains("is not known") {
        return Some("a format that is none".to_owned());
    }
    reason.contains("not supported yet").then(|| reason.to_owned())
}

impl Totals {
    fn take(&mut self, seed: u64, case: &Case, answer: &Value) {
        for feature in &case.features {
            *self.features.entry(feature).or_default() += 1;
        }
        let ours = Jq::parse(&case.expression);
        let expected = answer.get("left");
        self.wrong += usize::from(expected.is_none());
        let is_equal = match (&ours, answer.get("invalid")) {
            (Err(error), None) if let Some(reason) = refusal(&error.reason) => {
                *self.refused.entry(reason).or_default() += 1;
                return;
            }
            (Err(_), invalid) => invalid.is_some(),
            (Ok(_), Some(_)) => false,
            (Ok(jq), None) => {
                let mut left = case.value.clone();
                jq.remove(&mut left);
                // Where an expression fails nothing is taken out.
                left == *expected.unwrap_or(&case.value)
            }
        };
        if is_equal {
            self.equal += 1;
            let line = json!({"expression": case.expression, "value": case.value, "answer": answer});
            self.recorded.push(line.to_string());
            return;
        }
        self.different += 1;
        if self.different <= SHOWN {
            let ours = ours.map(|jq| {
                let mut left = case.value.clone();
                jq.remove(&mut left);
                left.to_string()
            });
            let ours = ours.unwrap_or_else(|error| error.to_string());
            crate::print(&format!(
                "seed {seed}: {}\n  of      {}\n  gojq    {answer}\n  Belay   {ours}",
                case.expression, case.value
            ));
        }
    }

    fn report(&self) {
        let Totals { equal, wrong, different, .. } = self;
        crate::print(&format!("{equal} alike, {different} different, {wrong} of all wrong for gojq"));
        for (reason, count) in &self.refused {
            crate::print(&format!("refused {count} times: {reason}"));
        }
        let features: Vec<String> =
            self.features.iter().map(|(name, count)| format!("{name} {count}")).collect();
        crate::print(&features.join(", "));
    }

    fn check_spread(&self, cases: usize) -> Result<()> {
        if self.wrong * 100 < cases * WRONG {
            bail!("only {} of {cases} cases are wrong", self.wrong);
        }
        let rare = |feature: &&str| self.features.get(*feature).is_none_or(|count| count * 200 < cases);
        let rare: Vec<&str> = FEATURES.iter().filter(|feature| rare(feature)).copied().collect();
        ensure!(rare.is_empty(), "these hardly occurred: {}", rare.join(", "));
        Ok(())
    }
}
