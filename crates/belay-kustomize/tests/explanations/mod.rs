//! How fields came to their values: one tree, and for each field every value it had, with what made it,
//! the file and the line. `BELAY_BLESS=1` writes what is found, to be read before it is kept.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use belay_filetree::{FileTree, MemoryTree, TreePath};
use belay_kustomize::{
    Branch, BuildOptions, FieldQuery, HelmOptions, RemoteChart, RemoteRepository, Remotes, build, tree,
};

use crate::case_file::CaseFile;

/// Below this folder, a case has the files of another repository.
const REPOSITORY: &str = "repository/";

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

/// The one repository there is, and a server of its folder `files`.
#[derive(Debug)]
struct Repository(MemoryTree);

impl Remotes for Repository {
    fn repository(&self, _: &RemoteRepository) -> Result<Arc<dyn FileTree>, String> {
        Ok(Arc::new(self.0.clone()))
    }

    fn file(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        let name = url.rsplit('/').next().and_then(|name| name.split('?').next()).unwrap_or_default();
        let file = TreePath::parse("files").unwrap().child(name);
        Ok(self.0.read(&file).ok().map(|content| content.to_vec()))
    }

    fn chart(&self, _: &RemoteChart) -> Result<Vec<u8>, String> {
        Err("there are no charts".to_owned())
    }
}

fn found(tree: &MemoryTree, repository: &MemoryTree, asked: &str) -> String {
    let overlay = TreePath::parse("overlay").unwrap();
    let (object, path) = asked.split_once(':').unwrap();
    let (kind, name) = object.split_once('/').unwrap();
    let mut query = FieldQuery { kind: kind.to_owned(), name: name.to_owned(), path: path.to_owned() };
    let helm = Some(HelmOptions::default());
    let remotes: Option<Arc<dyn Remotes>> = Some(Arc::new(Repository(repository.clone())));
    let options = BuildOptions { explain: Some(query.clone()), helm, remotes, ..BuildOptions::default() };
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
            let of = change.elsewhere.map(|url| format!(" of {url}")).unwrap_or_default();
            writeln!(text, "  {value} {} {}:{}{of}", change.by, change.file, change.line).unwrap();
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
    let is_remote = |path: &str| path.starts_with(REPOSITORY);
    let files = MemoryTree::of(case.files().filter(|(path, _)| *path != "asked" && !is_remote(path)));
    let remote = case.files().filter_map(|(path, text)| Some((path.strip_prefix(REPOSITORY)?, text)));
    let repository = MemoryTree::of(remote);
    let listed = case.files().find(|(path, _)| *path == "asked").map(|(_, text)| text.lines());
    let asked = asked.iter().copied().chain(listed.into_iter().flatten());
    let mut text: String = asked.map(|asked| found(&files, &repository, asked)).collect();
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

#[test]
fn files_of_other_repositories_are_found() {
    check("remotes.txt", &[]);
}
