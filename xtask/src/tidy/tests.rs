//! Each rule, broken in a small house of its own.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{check, note};

#[test]
fn the_workspace_is_tidy() {
    assert_eq!(check(&crate::repository()).unwrap(), Vec::<String>::new());
}

/// A house in order: one pure crate, one that is not, a scenario, a mutation and a recorded file.
struct House(TempDir);

const MANIFEST: &str = "lints.workspace = true\n[dependencies]\nserde = \"1\"\n";

impl House {
    fn new() -> House {
        let house = House(TempDir::new().unwrap());
        house.write("Cargo.lock", "[[package]]\nname = \"serde\"\n[[package]]\nname = \"tokio\"\n");
        for name in ["crates/belay-diff", "crates/belay-source", "xtask"] {
            house.write(&format!("{name}/Cargo.toml"), MANIFEST);
            house.write(&format!("{name}/src/lib.rs"), "mod differences;\n");
        }
        house.write("tests/scenarios/sync-of-one.yaml", "");
        house.write("COMPATIBILITY.md", "| works (`sync-of-one`), with `a-b-c` |\n");
        house.write("docs/bad-inputs.md", "`x-y`\n| R1 | `sync-of-one`, `one_is_one` |\n");
        house.write("xtask/tests/one.rs", "#[test]\nfn one_is_one() {}\n");
        house.write(
            "tests/mutations.toml",
            "[[mutation]]\nloses = \"x\"\nfile = \"xtask/src/lib.rs\"\nreplace = \"differences\"\nwith = \"y\"\ntest = []\n",
        );
        house.write("recorder.go", "one");
        house.write("crates/belay-diff/data/facts.json", "{}");
        house.write(
            "tests/generated.toml",
            "[[generated]]\nfile = \"crates/belay-diff/data/facts.json\"\ncommand = \"go run .\"\nfrom = [\"recorder.go\"]\nsum = \"none yet\"\n",
        );
        note(house.0.path()).unwrap();
        assert_eq!(check(house.0.path()).unwrap(), Vec::<String>::new());
        house
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The only fault there is.
    fn fault(&self) -> String {
        let faults = check(self.0.path()).unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.into_iter().next().unwrap()
    }
}

fn fault_after(path: &str, text: &str) -> String {
    let house = House::new();
    house.write(path, text);
    house.fault()
}

#[test]
fn an_arrow_that_goes_up_is_found() {
    let manifest = format!("{MANIFEST}belay-source = {{}}\n");
    let fault = fault_after("crates/belay-diff/Cargo.toml", &manifest);
    assert!(fault.contains("belay-diff (group 2) depends on belay-source (group 3)"), "{fault}");
}

#[test]
fn a_crate_without_the_lints_is_found() {
    for (name, path) in [("belay-source", "crates/belay-source"), ("xtask", "xtask")] {
        let fault = fault_after(&format!("{path}/Cargo.toml"), "[dependencies]\n");
        assert_eq!(fault, format!("{name}: does not inherit the workspace's lints"));
    }
}

#[test]
fn a_crate_of_no_group_is_found() {
    let fault = fault_after("crates/belay-new/Cargo.toml", MANIFEST);
    assert!(fault.starts_with("belay-new: stands in no group"), "{fault}");
}

#[test]
fn a_pure_crate_with_a_runtime_is_found() {
    let fault = fault_after("crates/belay-diff/Cargo.toml", &format!("{MANIFEST}tokio = \"1\"\n"));
    assert!(fault.starts_with("belay-diff: depends on tokio;"), "{fault}");
    let house = House::new();
    house.write("crates/belay-source/Cargo.toml", &format!("{MANIFEST}tokio = \"1\"\n"));
    assert_eq!(check(house.0.path()).unwrap(), Vec::<String>::new(), "this one may");
}

#[test]
fn a_runtime_far_below_a_pure_crate_is_found() {
    let lock = "[[package]]\nname = \"serde\"\ndependencies = [\"tokio\"]\n[[package]]\nname = \"tokio\"\n";
    let fault = fault_after("Cargo.lock", lock);
    assert!(fault.starts_with("belay-diff: depends on serde → tokio;"), "{fault}");
}

#[test]
fn a_pure_crate_that_reads_files_is_found() {
    let fault = fault_after("crates/belay-diff/src/deep/er.rs", "\nuse std::{fs, io};\n");
    assert_eq!(fault, "crates/belay-diff/src/deep/er.rs:2: std::fs in a pure crate");
    let house = House::new();
    house.write("crates/belay-diff/tests/cases.rs", "use std::fs;\n");
    house.write("crates/belay-source/src/lib.rs", "use std::fs;\n");
    assert_eq!(check(house.0.path()).unwrap(), Vec::<String>::new(), "these may");
}

#[test]
fn a_drawer_is_found() {
    for (path, text, place) in [
        ("crates/belay-source/src/util.rs", "", "crates/belay-source/src/util.rs"),
        ("crates/belay-source/src/common/one.rs", "", "crates/belay-source/src/common/one.rs"),
        ("crates/belay-source/tests/helpers/mod.rs", "", "crates/belay-source/tests/helpers/mod.rs"),
        ("crates/belay-source/src/lib.rs", "\nmod util { }", "crates/belay-source/src/lib.rs:2: module util"),
        ("xtask/src/lib.rs", "mod differences { pub mod misc; }", "xtask/src/lib.rs:1: module misc"),
        (
            "xtask/src/other.rs",
            "#[cfg(test)]\nmod test_helpers {}",
            "xtask/src/other.rs:2: module test_helpers",
        ),
    ] {
        let fault = fault_after(path, text);
        assert_eq!(fault, format!("{place}: the name says nothing about what it holds"));
    }
    let house = House::new();
    house.write("crates/belay-misc/Cargo.toml", MANIFEST);
    assert!(check(house.0.path()).unwrap().iter().any(|fault| fault.contains("the name says nothing")));
}

#[test]
fn a_recorded_file_that_is_not_current_is_found() {
    for (path, text) in [("crates/belay-diff/data/facts.json", "{\"by\": \"hand\"}"), ("recorder.go", "two")]
    {
        let fault = fault_after(path, text);
        assert!(
            fault.starts_with("crates/belay-diff/data/facts.json: it, or what it is made from"),
            "{fault}"
        );
        assert!(fault.contains("run `go run .`"), "{fault}");
    }
    let house = House::new();
    house.write("recorder.go", "two");
    note(house.0.path()).unwrap();
    assert_eq!(check(house.0.path()).unwrap(), Vec::<String>::new(), "recorded and noted");
    fs::remove_file(house.0.path().join("recorder.go")).unwrap();
    assert!(house.fault().contains("recorder.go"));
}

#[test]
fn recorded_data_that_nobody_knows_of_is_found() {
    let fault = fault_after("crates/belay-source/data/more.json", "{}");
    assert_eq!(fault, "crates/belay-source/data/more.json: tests/generated.toml does not say what makes it");
}

#[test]
fn a_scenario_that_is_named_and_not_there_is_found() {
    let fault = fault_after("COMPATIBILITY.md", "\n| works (`sync-of-one`, `sync-of-two`) |\n");
    assert_eq!(fault, "COMPATIBILITY.md:2: there is no scenario or test sync-of-two");
}

#[test]
fn a_test_of_bad_input_that_is_named_and_not_there_is_found() {
    let fault = fault_after("docs/bad-inputs.md", "| R1 | `one_is_one`, `two_is_two` |\n");
    assert_eq!(fault, "docs/bad-inputs.md:1: there is no scenario or test two_is_two");
    let fault = fault_after("xtask/tests/one.rs", "// fn one_is_one()\n");
    assert_eq!(fault, "docs/bad-inputs.md:2: there is no scenario or test one_is_one");
}

#[test]
fn a_mutation_without_its_text_is_found() {
    let fault = fault_after("xtask/src/lib.rs", "mod others;\n");
    assert!(fault.contains("its text is in xtask/src/lib.rs 0 times"), "{fault}");
}
