//! Charts rendered by Helm and by us: every folder of `cases/` holds a chart, the arguments of
//! `helm template`, and what Helm printed. `README.md` says how they are recorded.

mod command_line;

use std::fs;
use std::path::Path;

use belay_helm::Capabilities;

use belay_causes::chain;
use command_line::{carry_out, parse};

/// The deepest case is a template that includes itself a thousand times.
const STACK: usize = 256 << 20;

#[test]
fn every_case_gives_what_helm_gives() {
    let check = std::thread::Builder::new().stack_size(STACK).spawn(check_all).expect("a thread");
    let failures = check.join().expect("no panic");
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn check_all() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<_> = fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    assert!(cases.len() >= 60, "only {} cases were found", cases.len());
    let only = std::env::var("CASE").unwrap_or_default();
    cases.retain(|case| case.to_string_lossy().contains(&only));
    cases.iter().filter_map(|case| check(case)).collect()
}

/// What differs, if anything does.
fn check(case: &Path) -> Option<String> {
    let read = |name: &str| fs::read(case.join(name)).ok();
    let (expected, failing) = match (read("expected.yaml"), read("expected-error.txt")) {
        (Some(output), None) => (output, false),
        (None, Some(error)) => (error, true),
        _ => return Some(format!("{}: not recorded", case.display())),
    };
    let arguments = fs::read_to_string(case.join("args.txt")).unwrap_or_default();
    let arguments: Vec<String> = arguments.lines().map(str::to_owned).collect();
    let (actual, failed) = match parse(&arguments).and_then(|request| carry_out(case, request)) {
        Ok(output) => (output, false),
        Err(error) => (format!("Error: {}\n", chain(error.as_ref())).into_bytes(), true),
    };
    let hint = "\n\nUse --debug flag to render out invalid YAML";
    let expected =
        if failing { String::from_utf8_lossy(&expected).replace(hint, "").into_bytes() } else { expected };
    if actual == expected && failed == failing {
        return None;
    }
    let short = |text: &[u8]| String::from_utf8_lossy(text).chars().take(3000).collect::<String>();
    let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(format!("=== {name}\n--- helm\n{}\n--- belay\n{}", short(&expected), short(&actual)))
}

#[test]
fn the_default_capabilities_are_those_of_a_recent_cluster() {
    let capabilities = Capabilities::default();
    assert_eq!(capabilities.kube_version.version, "v1.37.0");
    assert!(capabilities.api_versions.iter().any(|version| version == "apps/v1"));
}
