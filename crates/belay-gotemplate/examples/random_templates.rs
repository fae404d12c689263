//! Random templates, compared with Go's answers or changed until something breaks. The oracle is built
//! from `tests/oracle/gotemplate`:
//!
//! ```text
//! cargo run --release -p belay-gotemplate --example random_templates -- compare --oracle PATH --cases 10000 --seed 1
//! cargo run --release -p belay-gotemplate --example random_templates -- fuzz --minutes 20 --seed 1
//! ```
//!
//! `--record FILE` also writes the compared cases with Go's answers, a JSON object a line.

#![expect(clippy::print_stdout, reason = "it talks to a terminal")]

#[path = "../tests/generator/mod.rs"]
mod generator;
#[path = "../tests/generator/render.rs"]
mod render;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belay_gotemplate::{Budget, sprig};
use generator::{Features, Numbers};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let position = arguments.iter().position(|argument| argument == name)?;
        arguments.get(position + 1).cloned()
    };
    let seed: u64 = option("--seed").map_or(Ok(1), |text| text.parse())?;
    match arguments.first().map(String::as_str) {
        Some("compare") => {
            let cases = option("--cases").map_or(Ok(1000), |text| text.parse())?;
            let oracle = option("--oracle").ok_or("--oracle is missing")?;
            compare(&oracle, cases, seed, option("--record"))
        }
        Some("fuzz") => fuzz(option("--minutes").map_or(Ok(1), |text| text.parse())?, seed),
        _ => Err("the command is `compare` or `fuzz`".into()),
    }
}

fn fuzz(minutes: u64, seed: u64) -> Outcome<bool> {
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut numbers = Numbers::new(seed);
    let texts = texts()?;
    let functions = Arc::new(sprig());
    let mut count = 0_u64;
    while Instant::now() < end {
        generator::fuzz(&mut numbers, &texts, &functions);
        count += 1;
    }
    println!("{count} templates, no failure");
    Ok(true)
}

/// The templates of all cases.
fn texts() -> Outcome<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => texts.extend(text.split("\n=== ").filter_map(|section| {
                let (_, body) = section.split_once('\n')?;
                Some(body.split("\n--- ").next()?.to_owned())
            })),
            Some("jsonl") => {
                for line in text.lines() {
                    let case: Value = serde_json::from_str(line)?;
                    texts.extend(case["template"].as_str().map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    Ok(texts)
}

fn compare(oracle: &str, cases: usize, seed: u64, record: Option<String>) -> Outcome<bool> {
    let mut record = record.map(std::fs::File::create).transpose()?;
    let functions = Arc::new(sprig());
    let mut features = Features::default();
    let mut differences = 0;
    let mut errors = 0;
    let mut go = Oracle::start(oracle)?;
    for number in 0..cases {
        let case = generator::case(seed.wrapping_mul(1_000_003).wrapping_add(number as u64), &mut features);
        let want = go.answer(&case.template, case.missing_key)?;
        let got = render::render(&case.template, case.missing_key, &functions, Budget::default());
        features.count(match &want {
            Ok(_) => "output",
            Err(text) if text.contains("executing") => "execution error",
            Err(_) => "parse error",
        });
        errors += usize::from(want.is_err());
        if let (Some(file), Some(line)) = (&mut record, recorded(&case, &want)) {
            writeln!(file, "{line}")?;
        }
        if got.as_deref() != want.as_deref() && !is_known(&want, &got) {
            differences += 1;
            println!("=== {number} missingkey={}\n{}", case.missing_key, case.template);
            println!("--- want {}\n--- got  {}", shown(&want), shown(&got));
        }
    }
    let rare = features.rare(cases);
    for line in &rare {
        println!("rare: {line}");
    }
    println!(
        "{cases} cases, {errors} of them errors, {differences} differences, {} rare features",
        rare.len()
    );
    Ok(differences == 0 && rare.is_empty() && errors * 5 >= cases)
}

/// Differences we leave: Go lets `slice` reach into what a list has room for behind its end, and writes
/// bytes that are no text as an escape in JSON.
fn is_known(want: &Result<Vec<u8>, String>, got: &Result<Vec<u8>, String>) -> bool {
    let reaches = got.as_ref().is_err_and(|text| text.ends_with("slice index out of bounds"));
    let escapes = want.as_ref().is_ok_and(|output| String::from_utf8_lossy(output).contains("ufffd"));
    reaches || escapes
}

fn shown(answer: &Result<Vec<u8>, String>) -> String {
    match answer {
        Ok(output) => format!("output {:?}", String::from_utf8_lossy(output)),
        Err(text) => format!("error {text:?}"),
    }
}

/// A line of the recorded cases; nothing for output that is no text.
fn recorded(case: &generator::Case, answer: &Result<Vec<u8>, String>) -> Option<Value> {
    let (key, text) = match answer {
        Ok(output) => ("output", String::from_utf8(output.clone()).ok()?),
        Err(text) => ("error", text.clone()),
    };
    Some(json!({ "template": case.template, "missingkey": case.missing_key, key: text }))
}

/// The Go program that answers.
struct Oracle {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Oracle {
    fn start(path: &str) -> Outcome<Self> {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data.json");
        let mut command = Command::new(path);
        command.arg("-answer").arg(data).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("the oracle has no output")?);
        Ok(Self { child, answers })
    }

    fn answer(&mut self, template: &str, missing_key: &str) -> Outcome<Result<Vec<u8>, String>> {
        let input = self.child.stdin.as_mut().ok_or("the oracle has no input")?;
        writeln!(input, "{}", json!({ "template": template, "missingkey": missing_key }))?;
        input.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("the oracle ended at {template:?}").into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        let bytes = STANDARD.decode(answer["output"].as_str().unwrap_or_default())?;
        Ok(if answer["error"] == true {
            Err(String::from_utf8_lossy(&bytes).into_owned())
        } else {
            Ok(bytes)
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
