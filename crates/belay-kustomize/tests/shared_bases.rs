//! Bases that builds share: what is built is the same as without, and so is what a record of it says
//! that was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use belay_filetree::{FileTree, Kind, MemoryTree, Reads, RecordingTree, TreePath};
use belay_kustomize::{BaseCache, BuildOptions, build};
use serde_json::Value;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).expect("a path")
}

/// Two overlays over a base that has another one below it.
fn tree() -> MemoryTree {
    MemoryTree::of([
        ("one/kustomization.yaml", "namePrefix: one-\nresources: [../base]\n"),
        ("two/kustomization.yaml", "namePrefix: two-\nresources: [../base]\n"),
        ("base/kustomization.yaml", "nameSuffix: -v1\nresources: [../deep, web.yaml]\n"),
        ("base/web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"),
        ("deep/kustomization.yaml", "configMapGenerator:\n- name: deep\n  files: [a.txt]\n"),
        ("deep/a.txt", "a"),
    ])
}

fn built(tree: &dyn FileTree, folder: &str, cache: Option<&Arc<BaseCache>>) -> Result<String, String> {
    let options = BuildOptions { bases: cache.cloned(), ..BuildOptions::default() };
    let built = build(tree, &path(folder), &options);
    built.map(|built| built.to_yaml()).map_err(|error| error.chain())
}

fn recorded(tree: &MemoryTree, folder: &str, cache: Option<&Arc<BaseCache>>) -> Reads {
    let recording = RecordingTree::new(tree);
    built(&recording, folder, cache).expect("it is built");
    recording.into_reads()
}

#[test]
fn overlays_take_a_base_that_others_built() {
    let (tree, cache) = (tree(), Arc::new(BaseCache::default()));
    for folder in ["one", "two", "one", "two"] {
        assert_eq!(built(&tree, folder, Some(&cache)), built(&tree, folder, None));
    }
    // The first build left its name, the second one the bases.
    assert_eq!(cache.reused(), 2);
}

#[test]
fn a_change_anywhere_below_a_base_is_seen() {
    // Before the change one base was taken; only a base below the changed one can be taken after it.
    for (file, text, reused) in [
        ("deep/a.txt", "b", 1),
        ("base/kustomization.yaml", "nameSuffix: -v2\nresources: [../deep, web.yaml]\n", 2),
        ("base/kustomization.yml", "", 1),
        ("deep/Kustomization", "", 1),
    ] {
        let (mut tree, cache) = (tree(), Arc::new(BaseCache::default()));
        for folder in ["one", "two", "one"] {
            built(&tree, folder, Some(&cache)).unwrap();
        }
        tree.insert(path(file), Kind::File, text);
        assert_eq!(built(&tree, "two", Some(&cache)), built(&tree, "two", None), "{file}");
        assert_eq!(cache.reused(), reused, "{file}");
    }
}

#[test]
fn a_record_holds_what_was_read_for_the_base() {
    let (tree, cache) = (tree(), Arc::new(BaseCache::default()));
    let alone = recorded(&tree, "two", None);
    for folder in ["one", "two", "two"] {
        let reads = recorded(&tree, folder, Some(&cache));
        assert!(reads.contents.contains_key(&path("deep/a.txt")));
        if folder == "two" {
            assert!(alone.contents.iter().all(|(path, id)| reads.contents.get(path) == Some(id)));
            assert!(alone.probes.iter().all(|(path, seen)| reads.probes.get(path) == Some(seen)));
            assert!(alone.listings.iter().all(|(path, id)| reads.listings.get(path) == Some(id)));
        }
    }
    assert!(cache.reused() > 0);
}

#[test]
fn kinds_told_from_outside_keep_a_base_to_itself() {
    let mut tree = tree();
    let types = "resources: [../base]\nopenapi: {path: types.json}\n";
    tree.insert(path("typed/kustomization.yaml"), Kind::File, types);
    tree.insert(path("typed/types.json"), Kind::File, "{\"definitions\": {}}");
    let cache = Arc::new(BaseCache::default());
    for folder in ["one", "typed", "one", "typed", "typed"] {
        assert_eq!(built(&tree, folder, Some(&cache)), built(&tree, folder, None), "{folder}");
    }
    assert_eq!(cache.reused(), 0);
}

#[test]
fn a_cycle_is_found_through_a_shared_base() {
    let (mut tree, cache) = (tree(), Arc::new(BaseCache::default()));
    for folder in ["one", "two", "one"] {
        built(&tree, folder, Some(&cache)).unwrap();
    }
    tree.insert(path("deep/kustomization.yaml"), Kind::File, "resources: [../two]\n");
    assert_eq!(built(&tree, "two", Some(&cache)), built(&tree, "two", None));
    assert!(built(&tree, "two", Some(&cache)).unwrap_err().contains("cycle"));
}

/// The recorded random trees, all through one cache: their folders have the same names and other content.
#[test]
fn random_trees_share_nothing_that_differs() {
    let cache = Arc::new(BaseCache::default());
    let mut wrong = Vec::new();
    for (number, case) in include_str!("trees.jsonl").lines().enumerate() {
        let case: Value = serde_json::from_str(case).unwrap();
        let files: BTreeMap<String, String> = serde_json::from_value(case["files"].clone()).unwrap();
        let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let folder = case["folder"].as_str().unwrap();
        for _ in 0..2 {
            let found = built(&tree, folder, Some(&cache));
            if found.as_ref().ok().map(String::as_str) != case["text"].as_str() {
                wrong.push(number + 1);
            }
        }
    }
    assert!(wrong.is_empty(), "lines of trees.jsonl that differ: {wrong:?}");
    assert!(cache.reused() > 100, "{}", cache.reused());
}
