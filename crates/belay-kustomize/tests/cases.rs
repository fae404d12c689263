//! Walks `tests/cases` and `tests/features`: every folder or file is built and compared with what
//! kustomize v5.8.2 printed.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own files are missing")]
mod case_file;
mod explanations;

use std::fs;
use std::path::{Path, PathBuf};

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};
use case_file::{CaseFile, ERROR, EXPECTED};

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

/// Every case file below a folder.
fn case_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            case_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
}

#[test]
fn every_feature_is_as_recorded() {
    let mut files = Vec::new();
    case_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/features"), &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let case = CaseFile::parse(&fs::read_to_string(file).unwrap());
        let (built, part) = match case.built() {
            Ok(text) => (text, EXPECTED),
            Err(error) => (error, ERROR),
        };
        if case.parts.last() != Some(&(part.to_owned(), built)) {
            wrong.push(file.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    wrong.sort();
    assert!(files.len() >= 300, "cases are missing");
    assert!(wrong.is_empty(), "{} of {} cases differ: {wrong:?}", wrong.len(), files.len());
}
