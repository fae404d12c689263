//! Files of a commit that hold no manifests, and what is said of them by those who read them.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;

use belay_causes::chain;
use belay_filetree::{FileTree, TreePath};
use belay_kustomize::BuildOptions;
use belay_render::{ChartValues, DirectoryOptions, render_directory, render_kustomize};
use belay_source::{GitLimits, GitStore, Repositories, Request, Revision};
use belay_testkit::{Author, Change, Repository};

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n";
const LIMIT: usize = 50 * 1024 * 1024;

async fn tree_of(changes: &[Change]) -> (tempfile::TempDir, Arc<dyn FileTree>) {
    let room = tempfile::tempdir().unwrap();
    let repository = Repository::create(room.path().join("app.git")).unwrap();
    repository.commit(changes, "All of it", &Author::new("Ada", "ada@example.org")).unwrap();
    let store = GitStore::new(room.path().join("mirrors"), GitLimits::default());
    let url = format!("file://{}", repository.path().display());
    let checkout = store.checkout(&Request::new(&url, Revision::name("main"))).await.unwrap();
    (room, checkout.tree)
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn submodule(path: &str) -> Change {
    Change::Submodule { path: path.to_owned(), commit: "1234567890123456789012345678901234567890".to_owned() }
}

/// What is said when a folder is rendered as a directory of manifests.
fn directory(tree: &dyn FileTree, folder: &str) -> String {
    let options = DirectoryOptions { recurse: true, ..DirectoryOptions::default() };
    chain(&render_directory(tree, &path(folder), &options).unwrap_err())
}

fn kustomization(tree: &dyn FileTree, folder: &str) -> String {
    chain(&render_kustomize(tree, &path(folder), BuildOptions::default()).unwrap_err())
}

fn values(tree: &dyn FileTree, file: &str) -> String {
    let values = ChartValues { files: vec![path(file)], ..ChartValues::default() };
    chain(&values.merge(tree, &path("chart")).unwrap_err())
}

#[tokio::test]
async fn bad_m1_a_pointer_of_git_lfs_is_refused_by_name() {
    let (_room, tree) = tree_of(&[
        Change::write("app/map.yaml", MAP),
        Change::write("app/pointer.yaml", POINTER),
        Change::write("overlay/kustomization.yaml", "resources: [pointer.yaml]\n"),
        Change::write("overlay/pointer.yaml", POINTER),
        Change::write("chart/values.yaml", POINTER),
        Change::write("long.yaml", format!("{POINTER}{}", "# no pointer is so long\n".repeat(50))),
    ])
    .await;
    const SAYS: &str = "is a Git LFS pointer; the content is not in the repository";
    assert_eq!(
        directory(tree.as_ref(), "app"),
        format!("the source cannot be read: app/pointer.yaml: {SAYS}")
    );
    let said = kustomization(tree.as_ref(), "overlay");
    assert!(said.contains(&format!("overlay/pointer.yaml: {SAYS}")), "{said}");
    let said = values(tree.as_ref(), "chart/values.yaml");
    assert!(said.contains(&format!("chart/values.yaml: {SAYS}")), "{said}");
    assert!(tree.read(&path("long.yaml")).unwrap().starts_with(POINTER.as_bytes()));
}

#[tokio::test]
async fn bad_r3_a_file_of_more_than_fifty_mebibytes_is_refused_by_name() {
    let (_room, tree) = tree_of(&[
        Change::write("app/large.yaml", vec![b'#'; LIMIT + 1]),
        Change::write("app/map.yaml", MAP),
        Change::write("overlay/kustomization.yaml", "resources: [large.yaml]\n"),
        Change::write("overlay/large.yaml", vec![b'#'; LIMIT + 1]),
        Change::write("chart/values.yaml", vec![b'#'; LIMIT + 1]),
        Change::write("other/large.yaml", vec![b'#'; LIMIT]),
    ])
    .await;
    const SAYS: &str = "52428801 bytes are more than the limit of 52428800";
    assert_eq!(directory(tree.as_ref(), "app"), format!("the source cannot be read: app/large.yaml: {SAYS}"));
    let said = kustomization(tree.as_ref(), "overlay");
    assert!(said.contains(&format!("overlay/large.yaml: {SAYS}")), "{said}");
    let said = values(tree.as_ref(), "chart/values.yaml");
    assert!(said.contains(&format!("chart/values.yaml: {SAYS}")), "{said}");
    // What can be read may still be too much for an app.
    let said = directory(tree.as_ref(), "other");
    assert!(said.starts_with("other/large.yaml: ") && said.contains("limit of 10485760"), "{said}");
}

#[tokio::test]
async fn bad_p7_the_marker_of_a_submodule_is_refused_by_name() {
    let (_room, tree) = tree_of(&[
        Change::write("app/map.yaml", MAP),
        submodule("app/library"),
        submodule("chart"),
        Change::write("overlay/kustomization.yaml", "resources: [../app/library]\n"),
        Change::write("file/kustomization.yaml", "resources: [../app/library/map.yaml]\n"),
    ])
    .await;
    const SAYS: &str = "is a Git submodule, whose files are not part of this source";
    assert_eq!(
        directory(tree.as_ref(), "app"),
        format!("the source cannot be read: app/library: {SAYS}"),
        "left out, its objects would be pruned"
    );
    assert!(directory(tree.as_ref(), "app/library").contains(&format!("app/library: {SAYS}")));
    for folder in ["overlay", "file"] {
        let said = kustomization(tree.as_ref(), folder);
        assert!(said.contains(&format!("app/library: {SAYS}")), "{said}");
    }
    let said = values(tree.as_ref(), "chart/values.yaml");
    assert!(said.contains(&format!("chart: {SAYS}")), "{said}");
    let options = DirectoryOptions::default();
    assert_eq!(render_directory(tree.as_ref(), &path("app"), &options).unwrap().len(), 1, "not looked into");
}
