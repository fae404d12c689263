//! `cargo xtask corpus --charts`: every chart below a folder, rendered by Helm and by us, and what differs.
//!
//! Helm renders each twice: what it prints differently is masked and counted. Charts that Helm refuses are counted
//! apart; our error has to say the same.

pub(crate) mod collect;
pub(crate) mod compare;
pub(crate) mod speed;
pub(crate) mod worker;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::print;
use collect::Chart;
use compare::{Comparison, compare};
use worker::{Answer, Worker};

/// What to compare, and with what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with charts, at any depth. Dependencies that are missing are copied into their `charts/`.
    #[arg(long)]
    charts: PathBuf,
    /// Helm, as `tests/oracle/helm/cmd/answer` builds it.
    #[arg(long)]
    helm: PathBuf,
    /// Ours: the example `answer` of belay-helm.
    #[arg(long)]
    belay: PathBuf,
    /// Only charts whose path contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Processes on each side.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

/// One `helm template`.
struct Case {
    name: String,
    folder: PathBuf,
    arguments: Vec<String>,
    missing: Vec<String>,
}

enum Outcome {
    Compared(Comparison),
    /// Both refuse; whether in the same words.
    Refused {
        same: bool,
        helm: String,
        belay: String,
    },
    /// One renders, the other does not.
    Torn {
        helm: Option<String>,
        belay: Option<String>,
    },
}

/// Renders and compares everything, and prints the table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = arguments.charts.canonicalize().context("finding the charts")?;
    let mut cases: Vec<Case> =
        collect::collect(&root)?.iter().flat_map(|chart| cases_of(chart, &root)).collect();
    cases.retain(|case| case.name.contains(&arguments.only));
    let answers = root.join(".answers");
    fs::create_dir_all(&answers)?;
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| -> Result<()> {
        let work = || -> Result<()> {
            let mut helm = Worker::new(&arguments.helm);
            let mut belay = Worker::new(&arguments.belay);
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = look_at(case, &mut helm, &mut belay, &answers)?;
                outcomes.lock().expect("no thread panics with the lock").push((case, outcome));
            }
            Ok(())
        };
        let threads: Vec<_> = (0..arguments.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a worker thread does not panic"))
    })?;
    let mut outcomes = outcomes.into_inner().expect("no thread panics with the lock");
    outcomes.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    report(&outcomes);
    Ok(())
}

fn cases_of(chart: &Chart, root: &Path) -> Vec<Case> {
    let name = chart.folder.strip_prefix(root).unwrap_or(&chart.folder).display().to_string();
    let case = |name: String, values: Option<&PathBuf>| {
        let mut arguments: Vec<String> =
            ["template", "release-name", ".", "--namespace", "default"].map(str::to_owned).to_vec();
        if let Some(values) = values {
            arguments.extend(["-f".to_owned(), values.display().to_string()]);
        }
        Case { name, folder: chart.folder.clone(), arguments, missing: chart.missing.clone() }
    };
    let mut cases = vec![case(name.clone(), None)];
    for values in &chart.values {
        let file = values.file_name().unwrap_or_default().to_string_lossy();
        cases.push(case(format!("{name} ci/{file}"), Some(values)));
    }
    cases
}

fn look_at(case: &Case, helm: &mut Worker, belay: &mut Worker, answers: &Path) -> Result<Outcome> {
    let mut twice = ask_helm(helm, case, answers)?;
    let ours = belay.ask(&case.folder, &case.arguments)?;
    let outcome = judge(&twice, &ours);
    match outcome {
        Outcome::Compared(Comparison { difference: Some(_), .. }) => {
            // The two may have been printed within one second: a chart that prints the time differs now.
            twice[1] = helm.ask(&case.folder, &case.arguments)?;
            Ok(judge(&twice, &ours))
        }
        outcome => Ok(outcome),
    }
}

/// Helm's two answers, kept for the next run: the charts do not change.
fn ask_helm(helm: &mut Worker, case: &Case, answers: &Path) -> Result<[Answer; 2]> {
    let mut hasher = DefaultHasher::new();
    (&case.folder, &case.arguments).hash(&mut hasher);
    let file = answers.join(format!("{:016x}.json", hasher.finish()));
    if let Ok(text) = fs::read_to_string(&file)
        && let Ok(Value::Array(kept)) = serde_json::from_str(&text)
        && let [one, other] = kept.as_slice()
    {
        return Ok([Answer::from_json(one), Answer::from_json(other)]);
    }
    let twice = [helm.ask(&case.folder, &case.arguments)?, helm.ask(&case.folder, &case.arguments)?];
    fs::write(file, Value::from(vec![twice[0].to_json(), twice[1].to_json()]).to_string())?;
    Ok(twice)
}

fn judge(helm: &[Answer; 2], belay: &Answer) -> Outcome {
    match (&helm[0].error, &belay.error) {
        (None, None) => Outcome::Compared(compare(&helm[0].output, &helm[1].output, &belay.output)),
        (Some(helm), Some(belay)) => {
            Outcome::Refused { same: helm == belay, helm: helm.clone(), belay: belay.clone() }
        }
        (helm, belay) => Outcome::Torn { helm: helm.clone(), belay: belay.clone() },
    }
}

fn report(outcomes: &[(&Case, Outcome)]) {
    let mut total = Comparison::default();
    let (mut rendered, mut masked, mut refused, mut same_words, mut torn) = (0, 0, 0, 0, 0);
    let mut charts = std::collections::BTreeSet::new();
    for (case, outcome) in outcomes {
        match outcome {
            Outcome::Compared(comparison) => {
                rendered += 1;
                charts.insert(&case.folder);
                masked += usize::from(comparison.masked_lines > 0);
                total.add(comparison);
                if let Some(difference) = &comparison.difference {
                    print(&format!("DIFFERS {}\n    {difference}", case.name));
                }
            }
            Outcome::Refused { same, helm, belay } => {
                refused += 1;
                same_words += usize::from(*same);
                if !same {
                    print(&format!(
                        "WORDS   {}\n      helm  {}\n      belay {}",
                        case.name,
                        short(helm),
                        short(belay)
                    ));
                }
            }
            Outcome::Torn { helm, belay } => {
                torn += 1;
                let (helm, belay) =
                    (helm.as_deref().unwrap_or("renders"), belay.as_deref().unwrap_or("renders"));
                print(&format!(
                    "TORN    {}\n      helm  {}\n      belay {}",
                    case.name,
                    short(helm),
                    short(belay)
                ));
            }
        }
    }
    let missing = outcomes.iter().filter(|(case, _)| !case.missing.is_empty()).count();
    print(&format!("charts rendered by both      {:>8}", charts.len()));
    print(&format!("renders compared             {rendered:>8}"));
    print(&format!("objects equal                {:>8} of {}", total.equal_objects, total.objects));
    print(&format!("objects equal to the byte    {:>8} of {}", total.equal_texts, total.objects));
    print(&format!("bytes equal                  {:>11.4} %", percent(total.equal_bytes, total.bytes)));
    print(&format!("lines masked                 {:>8} in {masked} renders", total.masked_lines));
    print(&format!("refused by Helm and by us    {refused:>8}, {same_words} in the same words"));
    print(&format!("refused by one only          {torn:>8}"));
    print(&format!("renders with a dependency that is not to be had {missing}"));
}

fn short(text: &str) -> String {
    text.chars().take(600).collect::<String>().replace('\n', "\n            ")
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}
