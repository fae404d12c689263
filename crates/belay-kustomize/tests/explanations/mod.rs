//! How fields came to their values: one tree, and for each field every value it had, with what made it,
//! the file and the line. `BELAY_BLESS=1` writes what is found, to be read before it is kept.

use std::fmt::Write as _;
use std::path::Path;

use belay_filetree::{MemoryTree, TreePath};
use belay_kustomize::{Branch, BuildOptions, FieldQuery, HelmOptions, build, tree};

use crate::case_file::CaseFile;

const ASKED: [&str; 24] = [
    "Deployment/web:metadata.name",
    "Deployment/ours-web-v2:metadata.name",
    "Deployment/ours-web-v2:metadata.namespace",
    "Deployment/ours-web-v2:metadata.labels.team",
    "Deployment/ours-web-v2:metadata.annotations.owner",
    "Deployment/ours-web-v2:spec.replicas",
    "Deployment/ours-web-v2:spec.selector.matchLabels.team",
    "Deployment/ours-web-v2:spec.template.spec.containers.[name=web].image",
    "Deployment/ours-web-v2:spec.template.spec.containers.[name=web].args",
    "Deployment/ours-web-v2:spec.template.spec.containers.[name=web].env.[name=HOST].value",
    "Deployment/ours-web-v2:spec.template.spec.containers.[name=side].image",
    "Deployment/ours-web-v2:spec.template.spec.volumes.0.configMap.name",
    "Deployment/ours-web-v2:spec.minReadySeconds",
    "Deployment/ours-web-v2:spec.paused",
    "Service/ours-web-v2:spec.ports.0.port",
    "Service/ours-web-v2:spec.selector.team",
    "Service/ours-web-v2:spec.externalName",
    "Service/ours-web-v2:metadata.annotations.by",
    "ConfigMap/ours-settings-v2-HASH:data.level",
    "ConfigMap/ours-settings-v2-HASH:data.extra",
    "ConfigMap/ours-listed-v2:data.a",
    "ConfigMap/ours-listed-v2:metadata.name",
    "Secret/ours-key-v2-HASH:data.k",
    "Deployment/ours-web-v2:spec.none",
];

fn found(tree: &MemoryTree, asked: &str) -> String {
    let overlay = TreePath::parse("overlay").unwrap();
    let (object, path) = asked.split_once(':').unwrap();
    let (kind, name) = object.split_once('/').unwrap();
    let mut query = FieldQuery { kind: kind.to_owned(), name: name.to_owned(), path: path.to_owned() };
    let helm = Some(HelmOptions::default());
    let options = BuildOptions { explain: Some(query.clone()), helm, ..BuildOptions::default() };
    let built = build(tree, &overlay, &options).unwrap();
    if let Some(start) = name.strip_suffix("HASH") {
        let names = built.objects.iter().filter(|built| built.object["kind"] == kind);
        let mut names = names.map(|built| built.object["metadata"]["name"].as_str().unwrap());
        query.name = names.find(|name| name.starts_with(start)).unwrap().to_owned();
    }
    let mut text = format!("{asked}\n");
    for explanation in built.explain(&query, tree) {
        for change in explanation.changes {
            let value = change.value.map_or_else(|| "(removed)".to_owned(), |value| value.to_string());
            writeln!(text, "  {value} {} {}:{}", change.by, change.file, change.line).unwrap();
        }
    }
    text
}

fn write_branch(branch: &Branch, depth: usize, text: &mut String) {
    writeln!(text, "{}{}", "  ".repeat(depth), branch.name).unwrap();
    branch.below.iter().for_each(|below| write_branch(below, depth + 1, text));
}

/// Compares what is found for a tree with what was recorded.
fn check(name: &str, asked: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explanations");
    let case = CaseFile::parse(&std::fs::read_to_string(folder.join(name)).unwrap());
    let files = MemoryTree::of(case.files().filter(|(path, _)| *path != "asked"));
    let listed = case.files().find(|(path, _)| *path == "asked").map(|(_, text)| text.lines());
    let asked = asked.iter().copied().chain(listed.into_iter().flatten());
    let mut text: String = asked.map(|asked| found(&files, asked)).collect();
    text.push_str("tree\n");
    let branch = tree(&files, &TreePath::parse("overlay").unwrap(), &BuildOptions::default()).unwrap();
    write_branch(&branch, 1, &mut text);
    let recorded = folder.join(format!("expected-{name}"));
    if std::env::var_os("BELAY_BLESS").is_some() {
        std::fs::write(&recorded, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&recorded).unwrap());
}

#[test]
fn every_field_is_explained_as_recorded() {
    check("tree.txt", &ASKED);
}

#[test]
fn files_that_others_name_are_found() {
    check("sources.txt", &[]);
}

#[test]
fn templates_of_charts_are_found() {
    check("charts.txt", &[]);
}
