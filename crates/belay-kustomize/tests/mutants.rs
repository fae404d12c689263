//! A loop of small accidents: texts are cut, doubled and mixed at random, and whatever comes of it,
//! a build ends soon with objects or an error. `BELAY_MINUTES` makes it longer.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own input is wrong")]

#[path = "../../../tests/accidents.rs"]
mod accidents;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use accidents::{Random, rounds};
use belay_filetree::{MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, SubstituteVariables, build, substitute_text};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

fn ends(files: &[(&str, &str)]) {
    let tree = MemoryTree::of(files.iter().copied());
    let started = Instant::now();
    // Either result will do.
    let _ = build(&tree, &TreePath::root(), &BuildOptions::default()).map(|built| built.to_yaml());
    assert!(started.elapsed() < PATIENCE, "{files:?}");
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - name: web\n        image: web:1\n        ports: [{containerPort: 80}]\n        env: [{name: A, value: a}]\n";

#[test]
fn patches() {
    let merge = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n        - {name: A, $patch: delete}\n        - {name: B, value: b}\n      volumes:\n      - name: v\n        emptyDir: {}\n";
    let json = "- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: web:2\n- {op: move, from: /spec/replicas, path: /spec/x~1y}\n- {op: test, path: /kind, value: Deployment}\n";
    let mut random = Random(1);
    for round in rounds(150) {
        let text = random.spoiled(if round % 2 == 0 { merge } else { json });
        let top = "resources: [web.yaml]\npatches:\n- path: patch.yaml\n  target: {kind: Deployment}\n";
        ends(&[("kustomization.yaml", top), ("web.yaml", WEB), ("patch.yaml", &text)]);
    }
}

#[test]
fn paths_of_replacements() {
    let mut random = Random(2);
    for _ in rounds(150) {
        let source = random.spoiled("spec.template.spec.containers.[name=web].image");
        let target = random.spoiled("spec.template.spec.containers.*.env.[name=A].value");
        let index = random.below(4);
        let replacement = serde_json::json!({"replacements": [{
            "source": {"kind": "Deployment", "fieldPath": source, "options": {"delimiter": ":", "index": index}},
            "targets": [{"select": {"kind": "Deployment"}, "fieldPaths": [target],
                "options": {"create": index > 1, "delimiter": if index == 3 { "/" } else { "" }}}],
        }], "resources": ["web.yaml"]});
        ends(&[("kustomization.yaml", &replacement.to_string()), ("web.yaml", WEB)]);
    }
}

#[test]
fn substitutions() {
    let text = "a: ${A:-none} ${B:=x} ${A/a/b} ${A//[a-c]/d} ${#A} ${A^^} ${A,,} ${A:1:2} ${A#*b} ${A%%c*} $${A} ${C:?}\n";
    let variables: SubstituteVariables =
        [("A", "abcabc"), ("B", "")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut random = Random(3);
    for _ in rounds(3000) {
        let text = random.spoiled(text);
        let started = Instant::now();
        let _ = substitute_text(&text, &variables, false);
        assert!(started.elapsed() < PATIENCE, "{text}");
    }
}

#[test]
fn whole_trees() {
    let trees: Vec<&str> = include_str!("trees.jsonl").lines().collect();
    let mut random = Random(4);
    for _ in rounds(150) {
        let case: Value = serde_json::from_str(trees[random.below(trees.len())]).unwrap();
        let mut files: BTreeMap<String, String> = serde_json::from_value(case["files"].clone()).unwrap();
        let at = random.below(files.len());
        if let Some(text) = files.values_mut().nth(at) {
            *text = random.spoiled(text);
        }
        let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let folder = TreePath::parse(case["folder"].as_str().unwrap()).unwrap();
        let started = Instant::now();
        let _ = build(&tree, &folder, &BuildOptions::default()).map(|built| built.to_yaml());
        assert!(started.elapsed() < PATIENCE, "{case}");
    }
}
