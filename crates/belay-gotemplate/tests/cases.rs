//! Runs every case of `tests/cases`. The expected texts come from Go: in `tests/oracle/gotemplate`,
//! `go run . ../../../crates/belay-gotemplate/tests/cases/*.txt` records them anew.

#![expect(clippy::unwrap_used, reason = "a broken case file should fail the test")]

#[path = "generator/render.rs"]
mod render;

use std::path::Path;
use std::sync::Arc;

use belay_gotemplate::{Budget, sprig};
use render::render;

struct Case {
    name: String,
    template: String,
    missing_key: String,
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
        let missing_key = header.split_once("missingkey=").map_or("default", |(_, option)| option).to_owned();
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
            let (answer, is_error) =
                match render(&case.template, &case.missing_key, &functions, Budget::default()) {
                    Ok(output) => (String::from_utf8_lossy(&output).into_owned(), false),
                    Err(text) => (text, true),
                };
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
