//! `cargo xtask bench W1`: many apps on a real API server, by Belay, by Flux's controllers, and by nobody:
//! the floor is the requests that any engine must send.
//!
//! Legs run one after the other, each on a fresh etcd and API server. A leg's costs are appended to a file,
//! and those that are there already under the same label are not run again.

mod flood;
mod later;
mod leg;
mod repair;
mod requests;
mod storm;
mod stormy;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::rivals::flux::{Flux, Settings};
use leg::{Cost, Engine, Leg};

/// Which engines, how many apps.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The binary that is measured.
    #[arg(long, default_value = "target/release/belay")]
    pub(crate) belay: PathBuf,
    /// Also the rival: `flux`, or `flux-tuned`.
    #[arg(long)]
    rival: Option<String>,
    /// How many apps.
    #[arg(long, default_value_t = 1000)]
    pub(crate) apps: usize,
    /// How many legs of each engine.
    #[arg(long, default_value_t = 1)]
    pairs: usize,
    /// How long a leg may take to reach its state, and one change to show, in seconds.
    #[arg(long, default_value_t = 1800)]
    patience: u64,
    /// How many changes are made: by W3 200, by W6 50, by W7 500, unless it is said.
    #[arg(long)]
    repeats: Option<usize>,
    /// How many commits W9 makes in a second, while a thousand pushes tell of them.
    #[arg(long, default_value_t = 10)]
    pub(crate) commits: u32,
    /// How long W9's storm lasts, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) storm: u64,
    /// How long W3 waits when a change has shown, in milliseconds: the other apps follow the commit meanwhile.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) pause: u64,
    /// How many objects that are nobody's W6 adds.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) foreign: usize,
    /// How long idleness is watched, in minutes.
    #[arg(long, default_value_t = 10)]
    pub(crate) minutes: u64,
    /// Where servers and logs are.
    #[arg(long, default_value = "build/bench")]
    dir: PathBuf,
    /// The file that results are appended to.
    #[arg(long, default_value = "build/bench/results.jsonl")]
    results: PathBuf,
    /// What this run is called; one of the same name goes on where it was interrupted.
    #[arg(long, default_value = "run")]
    label: String,
}

/// What is measured; everything but W1 begins where W1 ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Install the apps at once.
    W1,
    /// A commit that changes nothing.
    W2,
    /// One line changes.
    W3,
    /// The engine starts anew.
    W6,
    /// Somebody changes objects by hand.
    W7,
    /// A storm of pushes.
    W9,
    /// Nothing to do.
    W12,
    /// All apps go at once, and come back.
    F33,
}

/// W3 once more, beside W9's pushes.
const W3_IN_STORM: &str = "W3 in W9's storm";

impl Workload {
    fn name(self) -> &'static str {
        match self {
            Workload::W1 => "W1",
            Workload::W2 => "W2",
            Workload::W3 => "W3",
            Workload::W6 => "W6",
            Workload::W7 => "W7",
            Workload::W9 => "W9",
            Workload::W12 => "W12",
            Workload::F33 => "F33",
        }
    }

    /// Why Flux is no rival, where it does not do what is measured.
    fn without_rival(self) -> Option<&'static str> {
        match self {
            Workload::W7 => Some("Flux's controllers see an edit when their interval is over"),
            Workload::W9 => Some("Flux takes pushes by a controller that is not run here"),
            _ => None,
        }
    }
}

impl Arguments {
    /// How many changes a workload makes.
    fn repeats(&self, workload: Workload) -> usize {
        self.repeats.unwrap_or(match workload {
            Workload::W3 => 200,
            Workload::W7 => 500,
            _ => 50,
        })
    }
}

/// Runs the legs and prints the table.
pub(crate) fn run(root: &Path, arguments: &Arguments, workload: Workload) -> Result<()> {
    let rival = match arguments.rival.as_deref() {
        None => None,
        Some("flux") => Some(Engine::Flux(Settings::Shipped)),
        Some("flux-tuned") => Some(Engine::Flux(Settings::Tuned)),
        Some(other) => anyhow::bail!("{other:?} is no rival here: `flux` or `flux-tuned`"),
    };
    let rival = match workload.without_rival() {
        Some(reason) if rival.is_some() => {
            crate::print(&format!("no rival: {reason}"));
            None
        }
        _ => rival,
    };
    if rival.is_some() {
        Flux::build()?;
        crate::print(&Flux::versions());
    }
    let mut rows: Vec<(Engine, Vec<(String, Cost)>)> = Vec::new();
    for pair in 0..arguments.pairs {
        // Rival, Belay, and next time the other way round.
        let mut engines: Vec<Engine> = rival.into_iter().chain([Engine::Belay]).collect();
        if pair % 2 == 1 {
            engines.reverse();
        }
        engines.insert(0, Engine::Floor);
        for engine in engines {
            let costs = recorded_leg(root, arguments, workload, engine, pair)?;
            rows.push((engine, costs));
        }
    }
    // The floor has no part in some.
    let most = rows.iter().map(|(_, costs)| costs).max_by_key(|costs| costs.len());
    for (phase, _) in most.into_iter().flatten() {
        print_table(arguments, phase, &rows)?;
    }
    Ok(())
}

/// A leg, from the file of results if it is there.
fn recorded_leg(
    root: &Path,
    arguments: &Arguments,
    workload: Workload,
    engine: Engine,
    pair: usize,
) -> Result<Vec<(String, Cost)>> {
    let mut key = json!({"label": arguments.label, "workload": workload.name(), "engine": engine.word(),
        "apps": arguments.apps, "pair": pair});
    if workload == Workload::W6 {
        key["foreign"] = json!(arguments.foreign);
    }
    if let Some(known) = known(&arguments.results, &key)? {
        return Ok(known);
    }
    crate::report(&format!("{}, {}, {} apps", workload.name(), engine.word(), arguments.apps));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let costs = runtime.block_on(run_leg(root, arguments, workload, engine))?;
    let told: Vec<Value> =
        costs.iter().map(|(name, cost)| json!({"phase": name, "cost": cost.to_json()})).collect();
    if let Some(folder) = arguments.results.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(&arguments.results)?;
    writeln!(file, "{}", json!({"key": key, "costs": told}))?;
    Ok(costs)
}

fn known(results: &Path, key: &Value) -> Result<Option<Vec<(String, Cost)>>> {
    let Ok(text) = fs::read_to_string(results) else { return Ok(None) };
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        if line["key"] == *key {
            let costs = line["costs"].as_array().into_iter().flatten().map(|cost| {
                (cost["phase"].as_str().unwrap_or_default().to_owned(), Cost::from_json(&cost["cost"]))
            });
            return Ok(Some(costs.collect()));
        }
    }
    Ok(None)
}

async fn run_leg(
    root: &Path,
    arguments: &Arguments,
    workload: Workload,
    engine: Engine,
) -> Result<Vec<(String, Cost)>> {
    let mut leg = Leg::start(root, arguments, engine).await?;
    let mut costs = vec![("W1".to_owned(), leg.install().await?)];
    costs.extend(leg.then(workload).await?);
    leg.end()?;
    Ok(costs)
}

fn print_table(arguments: &Arguments, phase: &str, rows: &[(Engine, Vec<(String, Cost)>)]) -> Result<()> {
    let of_phase: Vec<(Engine, &Cost)> = rows
        .iter()
        .filter_map(|(engine, costs)| {
            costs.iter().find(|(name, _)| name == phase).map(|(_, cost)| (*engine, cost))
        })
        .collect();
    crate::print(&format!("\n{phase}, {} apps\n", arguments.apps));
    crate::print(
        "| who | wall | half at | CPU of engine | API server | etcd | peak memory | at the end | requests an app | by verb |",
    );
    crate::print("|---|---|---|---|---|---|---|---|---|---|");
    for (engine, cost) in &of_phase {
        crate::print(&format!(
            "| {} | {:.1} s | {:.1} s | {:.1} s | {:.1} s | {:.1} s | {} MB | {} MB | {:.2} | {} |",
            engine.word(),
            cost.wall,
            cost.half,
            cost.engine_cpu,
            cost.server_cpu,
            cost.etcd_cpu,
            cost.peak_megabytes,
            cost.megabytes,
            cost.requests.total() as f64 / arguments.apps as f64,
            cost.requests
        ));
    }
    for (engine, cost) in of_phase.iter().filter(|(_, cost)| !cost.latencies.is_empty()) {
        crate::print(&format!("{}: {}", engine.word(), percentiles(&cost.latencies)));
    }
    for (engine, cost) in &of_phase {
        for (name, figure) in &cost.findings {
            crate::print(&format!("{}: {name}: {figure}", engine.word()));
        }
    }
    print_ratios(&of_phase);
    let digests: Vec<u64> = of_phase.iter().map(|(_, cost)| cost.digest).collect();
    ensure!(digests.windows(2).all(|pair| pair[0] == pair[1]), "void: the end states differ");
    Ok(())
}

fn percentiles(latencies: &[f64]) -> String {
    let at = |percent: usize| percentile(latencies, percent) * 1000.0;
    format!(
        "{} changes, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        latencies.len(),
        at(50),
        at(99),
        at(100)
    )
}

/// The value that so many of a hundred do not exceed; 0 of none.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

/// What is read off a leg's cost.
type Figure = fn(&Cost) -> f64;

/// The middle one, or between the two in the middle. Nothing of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// The rival and the floor beside Belay, as medians.
fn print_ratios(rows: &[(Engine, &Cost)]) {
    let median_of = |wanted: &dyn Fn(Engine) -> bool, value: &dyn Fn(&Cost) -> f64| {
        median(rows.iter().filter(|(engine, _)| wanted(*engine)).map(|(_, cost)| value(cost)).collect())
    };
    let is_rival = |engine: Engine| matches!(engine, Engine::Flux(_));
    let figures: [(&str, Figure); 4] = [
        ("wall time", |cost| cost.wall),
        ("CPU of the engine", |cost| cost.engine_cpu),
        ("CPU of the API server", |cost| cost.server_cpu),
        ("requests", |cost| cost.requests.total() as f64),
    ];
    for (name, value) in figures {
        let Some(ours) = median_of(&|engine| engine == Engine::Belay, &value) else { continue };
        if let Some(theirs) = median_of(&is_rival, &value).filter(|_| ours > 0.0) {
            crate::print(&format!("{name}: rival / Belay {:.1}", theirs / ours));
        }
        if let Some(floor) = median_of(&|engine| engine == Engine::Floor, &value).filter(|floor| *floor > 0.0)
        {
            crate::print(&format!("{name}: Belay / floor {:.2}", ours / floor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_two_is_between_them() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn percentiles_are_values_that_so_many_do_not_exceed() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let at = |percent| percentile(&values, percent);
        assert_eq!([at(0), at(50), at(99), at(100)], [1.0, 100.0, 198.0, 200.0]);
        assert_eq!((percentile(&[], 50), percentile(&[7.0], 99)), (0.0, 7.0));
    }
}
