//! The linter's findings on the charts of `cases/`, as `helm lint chart` prints them (`lint/`).

#[expect(dead_code, reason = "each test uses its part")]
mod command_line;

use std::fs;
use std::path::Path;

use belay_filetree::{MemoryTree, TreePath};
use belay_helm::{LintOptions, Severity, lint};

/// The deepest case is a template that includes itself a thousand times.
const STACK: usize = 256 << 20;

#[test]
fn every_chart_gets_helms_findings() {
    let check = std::thread::Builder::new().stack_size(STACK).spawn(check_all).expect("a thread");
    let failures = check.join().expect("no panic");
    assert!(failures.is_empty(), "{} charts differ:\n{}", failures.len(), failures.join("\n"));
}

fn check_all() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder.join("lint")).expect("the findings are there") {
        let file = entry.expect("an entry").path();
        let case = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let expected = fs::read_to_string(&file).expect("a text");
        let actual = lint_text(&folder.join("cases").join(&case));
        count += 1;
        if actual != expected {
            failures.push(format!("=== {case}\n--- helm\n{expected}\n--- belay\n{actual}"));
        }
    }
    assert!(count >= 60, "only {count} charts were found");
    failures
}

/// What `helm lint chart` prints.
fn lint_text(case: &Path) -> String {
    let mut tree = MemoryTree::new();
    let path = TreePath::parse("chart").expect("a path");
    command_line::add(&case.join("chart"), &path, &mut tree).expect("the chart is there");
    let options =
        LintOptions { namespace: "default".to_owned(), place: "chart".to_owned(), ..LintOptions::default() };
    let findings = lint(&tree, &path, &options);
    let lines: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    let summary = if failed { "" } else { "1 chart(s) linted, 0 chart(s) failed\n" };
    format!("==> Linting chart\n{lines}\n{summary}")
}
