//! Runs every case of `tests/cases`. The expected texts come from Go: in `tests/oracle/gotemplate`,
//! `go run . ../../../crates/belay-gotemplate/tests/cases/*.txt` records them anew.

#![expect(clippy::unwrap_used, reason = "a broken case file should fail the test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use belay_gotemplate::{
    Clock, Functions, List, Map, MissingKey, Moment, Options, RandomSource, TemplateSet, Value, from_json,
    sprig,
};

struct Case {
    name: String,
    template: String,
    missing_key: MissingKey,
    expected: String,
    is_error: bool,
}

fn read_cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read(path).unwrap();
    let text = format!("\n{}", String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(&text)));
    let mut cases = Vec::new();
    for section in text.split("\n=== ").skip(1) {
        let (header, body) = section.split_once('\n').unwrap();
        let (template, expected, is_error) = match body.split_once("\n--- output\n") {
            Some((template, expected)) => (template, expected, false),
            None => {
                let (template, expected) = body.split_once("\n--- error\n").expect(header);
                (template, expected, true)
            }
        };
        let missing_key = match header.split_once("missingkey=").map(|(_, option)| option) {
            Some("zero") => MissingKey::Zero,
            Some("error") => MissingKey::Error,
            _ => MissingKey::Default,
        };
        cases.push(Case {
            name: header.to_owned(),
            template: template.to_owned(),
            missing_key,
            expected: expected.to_owned(),
            is_error,
        });
    }
    cases
}

fn data() -> Value {
    let json = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data.json"));
    let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
    let data = from_json(&json);
    let map = data.as_map().unwrap();
    map.insert("int", Value::Int(10));
    map.insert("int64", Value::Int64(64));
    map.insert("strings", Value::List(List::strings(["b", "c", "a"])));
    map.insert("bytes", Value::Bytes(b"hi\xff"[..].into()));
    let labels = Map::of(belay_gotemplate::Element::String);
    labels.insert("app", "web");
    map.insert("labels", labels);
    data
}

/// No case shows the time or a random number.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment { seconds: 1_700_000_000, nanoseconds: 0, offset: 0 }
    }
}

impl RandomSource for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        for chunk in buffer.chunks_mut(8) {
            let number = CALLS.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 32)).to_le_bytes()[..chunk.len()]);
        }
    }
}

fn render(case: &Case, functions: &Arc<Functions>) -> (String, bool) {
    let mut set = TemplateSet::new("root", functions.clone());
    if let Err(error) = set.parse("case", &case.template) {
        return (error.to_string(), true);
    }
    let options = Options {
        missing_key: case.missing_key,
        clock: Some(Arc::new(Fixed)),
        random: Some(Arc::new(Fixed)),
        ..Options::default()
    };
    match set.execute_bytes("case", data(), &options) {
        Ok(output) => (String::from_utf8_lossy(&output).into_owned(), false),
        Err(error) => (error.to_string(), true),
    }
}

#[test]
fn every_case_answers_as_go_does() {
    let functions = Arc::new(sprig());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failures = Vec::new();
    let (mut count, mut errors) = (0, 0);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt")) {
        for case in read_cases(path) {
            count += 1;
            errors += usize::from(case.is_error);
            let (answer, is_error) = render(&case, &functions);
            if answer != case.expected || is_error != case.is_error {
                let file = path.file_name().unwrap().to_string_lossy();
                failures.push(format!(
                    "{file}: {}\n  template: {}\n  want: {:?}\n  got:  {:?}",
                    case.name, case.template, case.expected, answer
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= 400 && errors >= 80, "{count} cases, {errors} errors");
}
