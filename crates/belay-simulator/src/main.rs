//! The long run: many seeds, one seed again, or a crash after every write of the reference run.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Instant;

use belay_simulator::{Failure, Report, Summary, crashes, reference_run, seed, seeds};
use clap::Parser;

/// Simulate a world in trouble, and see both families' controllers through it.
#[derive(Parser)]
#[command(name = "cargo xtask simulate")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One seed, with a log (RUST_LOG says of what).
    #[arg(long)]
    seed: Option<u64>,
    /// Tell of that seed as JSON.
    #[arg(long, requires = "seed")]
    json: bool,
    /// The reference run, with a crash after each of its writes.
    #[arg(long)]
    crashes: bool,
    /// The reference run, with a crash after this write.
    #[arg(long)]
    crash_after: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_one = arguments.seed.is_some() || arguments.crash_after.is_some();
    let usual = if is_one { "info,belay_simulator=debug" } else { "belay_simulator=error" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(false).without_time().init();
    let begun = Instant::now();
    let is_good = match (&arguments.seed, &arguments.crash_after) {
        (Some(number), _) if arguments.json => return print_json(&seed(*number)),
        (Some(number), _) => tell(seed(*number).map(|report| counts(&report))),
        (_, Some(count)) => tell(against_whole(*count)),
        _ if arguments.crashes => summarise(&crashes(None)),
        _ => {
            let summary = seeds(arguments.from..arguments.from + arguments.seeds, aside);
            let lacking = summary.lacking();
            lacking.iter().for_each(|line| print(&format!("too seldom: {line}")));
            summarise(&summary) && lacking.is_empty()
        }
    };
    print(&format!("{:.1} s", begun.elapsed().as_secs_f64()));
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A seed's run in a process of its own. Within one, tokio's order of waking and what is made once depend on the runs
/// before it, and a seed would not be the same run when somebody looks at it alone.
fn aside(number: u64) -> Result<Report, Failure> {
    let failed = |fault: String| Failure { faults: vec![fault] };
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    let output = command.args(["--json", "--seed", &number.to_string()]).env("RUST_LOG", "off").output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())))
}

fn print_json(result: &Result<Report, Failure>) -> ExitCode {
    match serde_json::to_string(result) {
        Ok(text) => print(&text),
        Err(_) => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

/// A crashed reference run beside a whole one.
fn against_whole(count: u64) -> Result<BTreeMap<String, u64>, Failure> {
    let (_, whole) = reference_run(None)?;
    let (report, end) = reference_run(Some(count))?;
    let faults = whole.differences(&end);
    if faults.is_empty() { Ok(counts(&report)) } else { Err(Failure { faults }) }
}

fn counts(report: &Report) -> BTreeMap<String, u64> {
    print(&format!("trace {}", report.trace));
    report.counts.clone()
}

fn tell(result: Result<BTreeMap<String, u64>, Failure>) -> bool {
    match &result {
        Ok(counts) => counts.iter().for_each(|(name, count)| print(&format!("{count:6} {name}"))),
        Err(failure) => print(&failure.to_string()),
    }
    result.is_ok()
}

fn summarise(summary: &Summary) -> bool {
    for (name, count) in &summary.counts {
        print(&format!("{:6} times in {:5} runs: {name}", count.times, count.runs));
    }
    summary.failures.iter().for_each(|failure| print(failure));
    print(&format!(
        "{} runs, {} failed, {} writes, settled within {} s at most",
        summary.runs,
        summary.failures.len(),
        summary.writes,
        summary.longest.as_secs()
    ));
    summary.failures.is_empty()
}

#[expect(clippy::print_stdout, reason = "it talks to a terminal")]
fn print(line: &str) {
    println!("{line}");
}
