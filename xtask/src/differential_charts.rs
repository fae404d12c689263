//! `cargo xtask differential --charts`: random charts rendered by Helm and by us.
//!
//! A seed makes a case: a chart with subcharts, values, templates, flags, about a quarter of them wrong somewhere. Both
//! answer; a difference is made small and kept as a folder that can become a recorded case.

mod chart;
mod template;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::corpus_charts::worker::{Answer, Worker};
use crate::print;
use crate::random::Random;
use chart::Case;

/// How many cases, from which seed, with what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many charts.
    #[arg(long = "count", default_value_t = 1000)]
    cases: u64,
    /// The first seed; a case is told by its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Helm, as `tests/oracle/helm/cmd/answer` builds it.
    #[arg(long)]
    helm: PathBuf,
    /// Ours: the example `answer` of belay-helm.
    #[arg(long)]
    belay: PathBuf,
    /// A folder to work in; cases that differ stay in it.
    #[arg(long)]
    work: PathBuf,
    /// Processes on each side.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Keep the cases with Helm's answers in this file: gzip-compressed JSON lines, for a test without Helm.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Stop after so many differences.
    #[arg(long, default_value_t = 20)]
    differences: usize,
}

#[derive(Default)]
struct Totals {
    rendered: usize,
    refused: usize,
    unstable: usize,
    different: Vec<u64>,
    features: BTreeMap<&'static str, usize>,
    /// Why Helm refused.
    causes: BTreeMap<String, usize>,
    /// The cases with Helm's answers, by seed.
    recorded: BTreeMap<u64, Value>,
}

/// Makes and compares the cases, and prints what was found.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let totals = Mutex::new(Totals::default());
    let next = AtomicU64::new(arguments.seed);
    let work = |job: usize| -> Result<()> {
        let folder = arguments.work.join(format!("job-{job}"));
        let mut pair =
            Pair { helm: Worker::new(&arguments.helm), belay: Worker::new(&arguments.belay), folder };
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let enough = totals.lock().expect("no panic").different.len() >= arguments.differences;
            if seed >= arguments.seed + arguments.cases || enough {
                return Ok(());
            }
            look_at(seed, &mut pair, arguments, &totals)?;
        }
    };
    std::thread::scope(|scope| -> Result<()> {
        let work = &work;
        let threads: Vec<_> = (0..arguments.jobs.max(1)).map(|job| scope.spawn(move || work(job))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a worker thread does not panic"))
    })?;
    let totals = totals.into_inner().expect("no thread panics with the lock");
    report(&totals);
    if let Some(file) = &arguments.record {
        record(&totals, file)?;
    }
    ensure!(totals.different.is_empty(), "{} charts differ", totals.different.len());
    // Fewer cases say nothing of what the generator makes.
    if totals.rendered + totals.refused >= ENOUGH { check_spread(&totals) } else { Ok(()) }
}

/// Cases that tell whether the generator does what it should.
const ENOUGH: usize = 300;
/// What must be in many of the cases.
const FREQUENT: [&str; 38] = [
    "--api-versions",
    "--include-crds",
    "--is-upgrade",
    "--kube-version",
    "--no-hooks",
    "--set",
    "--set-file",
    "--set-json",
    "--set-literal",
    "--set-string",
    "--show-only",
    "--skip-schema-validation",
    "--skip-tests",
    ".helmignore",
    "NOTES.txt",
    "alias",
    "broken template",
    "condition",
    "crds",
    "damaged",
    "files",
    "globals",
    "globals in a values file",
    "hook",
    "import-values",
    "library",
    "object under a condition",
    "requirements.yaml",
    "schema",
    "several documents in a file",
    "subchart",
    "tags",
    "toJson",
    "toToml",
    "toYaml",
    "toYamlPretty",
    "values file",
    "values file for a subchart",
];

/// Whether nothing that is to be compared hardly occurred, and Helm refused neither too little nor too much.
fn check_spread(totals: &Totals) -> Result<()> {
    let cases = totals.rendered + totals.refused;
    let count = |feature: &str| totals.features.get(feature).copied().unwrap_or_default();
    let rare = |feature: &&str| count(feature) * 100 < cases;
    let rare: Vec<&str> = FREQUENT.into_iter().filter(rare).collect();
    ensure!(rare.is_empty(), "hardly occurred: {}", rare.join(", "));
    let functions = template::functions();
    let missing: Vec<&str> =
        functions.filter(|function| cases >= 10 * ENOUGH && count(function) * 500 < cases).collect();
    ensure!(missing.is_empty(), "functions that hardly occurred: {}", missing.join(", "));
    let percent = totals.refused * 100 / cases;
    ensure!((15..=30).contains(&percent), "Helm refused {percent} % of the cases");
    Ok(())
}

fn record(totals: &Totals, file: &Path) -> Result<()> {
    let out = fs::File::create(file).with_context(|| format!("writing {}", file.display()))?;
    let mut out = GzEncoder::new(out, Compression::best());
    for question in totals.recorded.values() {
        writeln!(out, "{question}")?;
    }
    out.finish()?;
    Ok(())
}

/// How often Helm is asked again where it answers otherwise.
const ASKED_AGAIN: usize = 20;

fn look_at(seed: u64, pair: &mut Pair, arguments: &Arguments, totals: &Mutex<Totals>) -> Result<()> {
    let mut random = Random::of(seed);
    let case = chart::case(&mut random);
    let (helm, belay) = pair.ask(&case)?;
    // One answer of Go's maps' order may be far the rarer.
    let mut is_unstable = false;
    for _ in 0..if helm == belay { 0 } else { ASKED_AGAIN } {
        is_unstable = is_unstable || pair.ask(&case)?.0 != helm;
    }
    {
        let mut totals = totals.lock().expect("no thread panics with the lock");
        for (feature, count) in random.features {
            *totals.features.entry(feature).or_default() += count;
        }
        totals.rendered += usize::from(helm.error.is_none());
        if let Some(error) = &helm.error {
            totals.refused += 1;
            *totals.causes.entry(cause(error)).or_default() += 1;
        }
        if arguments.record.is_some() && !is_unstable {
            let question = json!({ "seed": seed, "files": case.files, "args": case.arguments, "answer": helm.to_json() });
            totals.recorded.insert(seed, question);
        }
        if is_unstable {
            totals.unstable += 1;
        } else if helm != belay {
            totals.different.push(seed);
        }
    }
    if helm == belay || is_unstable {
        return Ok(());
    }
    let small = minimise(case, pair)?;
    keep(seed, &small, pair, &arguments.work)
}

/// Both sides, and the folder that a case is put into.
struct Pair {
    helm: Worker,
    belay: Worker,
    folder: PathBuf,
}

impl Pair {
    fn ask(&mut self, case: &Case) -> Result<(Answer, Answer)> {
        write(case, &self.folder)?;
        let helm = self.helm.ask(&self.folder, &case.arguments)?;
        let belay = self.belay.ask(&self.folder, &case.arguments)?;
        // What was printed before an error is of no use to anyone.
        Ok((outcome(helm, &self.folder), outcome(belay, &self.folder)))
    }

    fn differ(&mut self, case: &Case) -> Result<bool> {
        let (helm, belay) = self.ask(case)?;
        Ok(helm != belay)
    }
}

/// The output, or the error with paths from the case's folder.
fn outcome(answer: Answer, folder: &Path) -> Answer {
    let below = format!("{}/", folder.display());
    match answer.error {
        Some(error) => Answer { output: String::new(), error: Some(comparable(&error.replace(&below, ""))) },
        None => answer,
    }
}

/// Helm lists what is wrong with values in the order of a Go map, and says of a wrong schema more than we do.
fn comparable(error: &str) -> String {
    if !error.contains("the schema(s)") {
        return error.to_owned();
    }
    let of_schema = |line: &str| line.split(" is not valid against metaschema:").next().map(str::to_owned);
    let in_order = |line: String| {
        let mut parts: Vec<&str> = line.split("'").collect();
        parts.sort_unstable();
        if line.contains("additional properties") { parts.join("'") } else { line }
    };
    let lines = error.lines().take_while(|line| !line.contains("not valid against"));
    let mut lines: Vec<String> = lines.map(|line| in_order(line.to_owned())).collect();
    lines.sort();
    lines.extend(error.lines().find(|line| line.contains("not valid against")).and_then(of_schema));
    lines.join("\n")
}

/// The last part of an error, for a count.
fn cause(error: &str) -> String {
    let last = error.rsplit(": ").next().unwrap_or(error);
    last.lines().next().unwrap_or_default().chars().take(60).collect()
}

fn write(case: &Case, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    for (name, text) in &case.files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Takes away files, arguments and lines for as long as the two still differ.
fn minimise(mut case: Case, pair: &mut Pair) -> Result<Case> {
    for place in (0..case.files.len()).rev() {
        if case.files[place].0 == "chart/Chart.yaml" {
            continue;
        }
        let mut smaller = case.clone();
        smaller.files.remove(place);
        if pair.differ(&smaller)? {
            case = smaller;
        }
    }
    let mut place = 2;
    while place < case.arguments.len() {
        let flag = &case.arguments[place];
        let has_value = flag.starts_with("--set")
            || ["-f", "--namespace", "--kube-version", "--api-versions", "--show-only"]
                .contains(&flag.as_str());
        let mut smaller = case.clone();
        smaller.arguments.drain(place..place + 1 + usize::from(has_value));
        if flag.starts_with('-') && pair.differ(&smaller)? {
            case = smaller;
        } else {
            place += 1 + usize::from(has_value);
        }
    }
    for file in 0..case.files.len() {
        let mut line = case.files[file].1.lines().count();
        while line > 0 {
            line -= 1;
            let mut smaller = case.clone();
            let kept = smaller.files[file].1.lines().enumerate().filter(|(number, _)| *number != line);
            smaller.files[file].1 = kept.map(|(_, text)| format!("{text}\n")).collect();
            if pair.differ(&smaller)? {
                case = smaller;
            }
        }
    }
    Ok(case)
}

/// Leaves the case in a folder of its own, with both answers.
fn keep(seed: u64, case: &Case, pair: &mut Pair, work: &Path) -> Result<()> {
    let (helm, belay) = pair.ask(case)?;
    let folder = work.join(format!("seed-{seed}"));
    write(case, &folder)?;
    fs::write(folder.join("args.txt"), case.arguments[1..].join("\n") + "\n")?;
    fs::write(folder.join("helm.txt"), shown(&helm))?;
    fs::write(folder.join("belay.txt"), shown(&belay))?;
    print(&format!("seed {seed}: {}", folder.display()));
    Ok(())
}

fn shown(answer: &Answer) -> String {
    answer.error.as_ref().map_or_else(|| answer.output.clone(), |error| format!("Error: {error}\n"))
}

fn report(totals: &Totals) {
    for (feature, count) in &totals.features {
        print(&format!("{count:>8} {feature}"));
    }
    let mut causes: Vec<(&String, &usize)> = totals.causes.iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (cause, count) in causes.into_iter().take(25) {
        print(&format!("{count:>8} refused: {cause}"));
    }
    let cases = totals.rendered + totals.refused;
    print(&format!("{cases} cases: {} rendered, {} refused by Helm", totals.rendered, totals.refused));
    print(&format!("{} differ: {:?}", totals.different.len(), totals.different));
    print(&format!("{} where Helm does not answer the same twice", totals.unstable));
}
