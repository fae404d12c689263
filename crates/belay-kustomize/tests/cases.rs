//! Walks `tests/cases`: every folder is built and compared with what kustomize v5.8.2 printed.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own files are missing")]
use std::fs;
use std::path::{Path, PathBuf};

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

fn read(folder: &Path, place: &TreePath, tree: &mut MemoryTree) {
    tree.insert(place.clone(), Kind::Directory, "");
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = place.child(&name);
        if name == "expected.yaml" || name == "expected-error.txt" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &path, tree);
        } else {
            tree.insert(path, Kind::File, fs::read(entry.path()).unwrap());
        }
    }
}

/// The text of the build, or the chain of its error.
fn render(case: &Path) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    read(case, &TreePath::root(), &mut tree);
    let folder = if case.join("overlay").is_dir() { "overlay" } else { "" };
    let folder = TreePath::parse(folder).unwrap();
    let built = build(&tree, &folder, &BuildOptions::default());
    built.map(|built| built.to_yaml()).map_err(|error| error.chain() + "\n")
}

#[test]
fn every_case_is_as_recorded() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let expected = fs::read_to_string(case.join("expected.yaml")).ok();
        let expected_error = fs::read_to_string(case.join("expected-error.txt")).ok();
        let same = match (render(case), expected, expected_error) {
            (Ok(text), Some(expected), None) => text == expected,
            (Err(text), None, Some(expected)) => text == expected,
            _ => false,
        };
        if !same {
            wrong.push(name);
        }
    }
    assert!(cases.len() >= 80, "cases are missing");
    assert!(wrong.is_empty(), "{} of {} cases differ: {wrong:?}", wrong.len(), cases.len());
}
