//! Random documents and values: answered, compared with Go's answers, or changed until something
//! breaks. The oracle is built from `tests/oracle/goyaml`:
//!
//! ```text
//! cargo run --release -p belay-goyaml --example random_documents -- compare --oracle PATH --cases 10000 --seed 1
//! cargo run --release -p belay-goyaml --example random_documents -- compare --nodes --oracle PATH --cases 20000 --seed 1
//! cargo run --release -p belay-goyaml --example random_documents -- fuzz --minutes 20 --seed 1
//! cargo run -p belay-goyaml --example random_documents -- answer < questions.jsonl
//! cargo run -p belay-goyaml --example random_documents -- ask --cases 100 --seed 1 --nodes
//! ```

#![expect(clippy::print_stdout, reason = "it talks to a terminal")]

#[path = "../tests/generator/answer.rs"]
mod answer;
#[path = "../tests/generator/fuzz.rs"]
mod fuzz;
#[path = "../tests/generator/mod.rs"]
mod generator;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use generator::{Features, Numbers, Question};
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
    let cases = option("--cases").map_or(Ok(1000), |text| text.parse())?;
    let nodes = arguments.iter().any(|argument| argument == "--nodes");
    match arguments.first().map(String::as_str) {
        Some("answer") => answer_lines(),
        Some("compare") => compare(&option("--oracle").ok_or("--oracle is missing")?, cases, seed, nodes),
        Some("ask") => {
            for question in questions(cases, seed, nodes, &mut Features::default()) {
                println!("{}", json!({ "op": question.op, "in": question.text }));
            }
            Ok(true)
        }
        Some("fuzz") => fuzz_for(option("--minutes").map_or(Ok(1), |text| text.parse())?, seed),
        _ => Err("the command is `answer`, `ask`, `compare` or `fuzz`".into()),
    }
}

fn answer_lines() -> Outcome<bool> {
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let field = |name: &str| question[name].as_str().unwrap_or_default();
        println!("{}", shown(&answer::answer(field("op"), field("in"))));
    }
    Ok(true)
}

fn shown(answer: &Result<String, String>) -> Value {
    match answer {
        Ok(text) => json!({ "out": text }),
        Err(error) => json!({ "out": "", "err": error }),
    }
}

/// Questions by number; `nodes` are those about texts that are edited.
fn questions(cases: usize, seed: u64, nodes: bool, features: &mut Features) -> Vec<Question> {
    let first = seed.wrapping_mul(1_000_003);
    let question = |number: usize| {
        let seed = first.wrapping_add(number as u64);
        match nodes {
            true => generator::nodes::question(seed, features),
            false => generator::question(seed, features),
        }
    };
    (0..cases).map(question).collect()
}

fn compare(oracle: &str, cases: usize, seed: u64, nodes: bool) -> Outcome<bool> {
    let mut child = Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("the oracle has no input")?;
    let answers = BufReader::new(child.stdout.take().ok_or("the oracle has no output")?);
    let mut features = Features::default();
    let questions = questions(cases, seed, nodes, &mut features);
    let lines: Vec<String> = questions
        .iter()
        .map(|question| json!({ "op": question.op, "in": question.text }).to_string())
        .collect();
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| writeln!(input, "{line}")));
    let (mut differences, mut errors) = (0, 0);
    for (question, line) in questions.iter().zip(answers.lines()) {
        let line: Value = serde_json::from_str(&line?)?;
        let want = match line["err"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(line["out"].as_str().unwrap_or_default().to_owned()),
        };
        errors += usize::from(want.is_err());
        let got = answer::answer(question.op, &question.text);
        if got != want && !is_known(question, &want, &got) {
            differences += 1;
            println!(
                "{}\n  want {want:?}\n  got  {got:?}",
                json!({ "op": question.op, "in": question.text })
            );
        }
    }
    writer.join().map_err(|_| "the writer failed")??;
    child.wait()?;
    let rare = match nodes {
        true => features.rare_among(generator::nodes::FEATURES, cases),
        false => features.rare(cases),
    };
    rare.iter().for_each(|line| println!("rare: {line}"));
    println!(
        "{cases} cases, {errors} of them errors, {differences} differences, {} rare features",
        rare.len()
    );
    Ok(differences == 0 && rare.is_empty())
}

/// The differences we leave: Go prints a mapping that is a key in its own syntax, writes the bytes of
/// a `!!binary` that are no text as escapes, and finds later that a mapping merges itself. When a byte
/// order mark comes to stand at the start of its buffer, it drops characters; and where a control
/// character follows another error, its buffer decides which of them it reports.
fn is_known(question: &Question, want: &Result<String, String>, got: &Result<String, String>) -> bool {
    let about_keys = |answer: &Result<String, String>| {
        answer.as_ref().is_err_and(|error| {
            error.contains("invalid map key") || error.starts_with("unsupported map key of type")
        })
    };
    let escapes = want.as_ref().is_ok_and(|text| text.contains("\\ufffd"));
    let merges_itself = got.as_ref().is_err_and(|error| error.ends_with("value contains itself"));
    let of_nodes = question.op.starts_with("node-");
    let marks = of_nodes && question.text.contains('\u{FEFF}');
    let control = |answer: &Result<String, String>| {
        answer.as_ref().is_err_and(|error| error == "yaml: control characters are not allowed")
    };
    let buffers = of_nodes && want.is_err() && got.is_err() && (control(want) || control(got));
    marks || buffers || escapes || merges_itself || (about_keys(want) && about_keys(got))
}

fn fuzz_for(minutes: u64, seed: u64) -> Outcome<bool> {
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut numbers = Numbers::new(seed);
    let texts = texts()?;
    let mut count = 0_u64;
    while Instant::now() < end {
        fuzz::fuzz(&mut numbers, &texts);
        count += 1;
    }
    println!("{count} texts, no failure");
    Ok(true)
}

/// The texts of all cases.
fn texts() -> Outcome<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            for line in std::fs::read_to_string(&path)?.lines() {
                let case: Value = serde_json::from_str(line)?;
                texts.extend(case["in"].as_str().map(str::to_owned));
            }
        }
    }
    Ok(texts)
}
