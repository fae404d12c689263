//! Compares random templates with Go's answers. The oracle is built from `tests/oracle/gotemplate`:
//!
//! ```text
//! cargo run --release -p belay-gotemplate --example differential -- ORACLE --cases 10000 --seed 1
//! ```
//!
//! `--record FILE` also writes the cases with Go's answers, a JSON object a line.

#![expect(clippy::print_stdout, reason = "it talks to a terminal")]

#[path = "../tests/generator/mod.rs"]
mod generator;
#[path = "../tests/generator/render.rs"]
mod render;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belay_gotemplate::{Budget, sprig};
use generator::Features;
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
        arguments.get(position + 1)
    };
    let oracle = arguments.first().ok_or("the path of the oracle is missing")?;
    let cases: usize = option("--cases").map_or(Ok(1000), |text| text.parse())?;
    let seed: u64 = option("--seed").map_or(Ok(1), |text| text.parse())?;
    let mut record = option("--record").map(std::fs::File::create).transpose()?;
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
        if got.as_deref() != want.as_deref() {
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
