//! Random trees, one a line of `trees.jsonl`, and what kustomize's library (v0.21.2 of its API, as
//! kustomize v5.8.2 has it) prints for each; nothing where it fails. Recorded with
//!
//!     cargo xtask differential --kustomizations --oracle ORACLE --seed 1000 --record FILE
//!
//! where ORACLE is built from `tests/oracle/kustomize`.

use std::collections::BTreeMap;

use belay_filetree::{MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};
use serde_json::Value;

#[test]
fn every_tree_is_as_recorded() {
    let mut wrong = Vec::new();
    for (number, case) in include_str!("trees.jsonl").lines().enumerate() {
        let case: Value = serde_json::from_str(case).unwrap();
        let files: BTreeMap<String, String> = serde_json::from_value(case["files"].clone()).unwrap();
        let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let folder = TreePath::parse(case["folder"].as_str().unwrap()).unwrap();
        let found = build(&tree, &folder, &BuildOptions::default()).map(|built| built.to_yaml());
        if found.as_ref().ok().map(String::as_str) != case["text"].as_str() {
            wrong.push(number + 1);
        }
    }
    assert!(wrong.is_empty(), "lines of trees.jsonl that differ: {wrong:?}");
}
