//! Settings laid over a kustomization, folders without one, and limits.

use belay_filetree::{Kind, MemoryTree, RecordingTree, TreePath};
use belay_kustomize::{BuildOptions, Image, KustomizationEdit, Patch, Reorder, build};

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'nginx:1'}]}\n";

fn render(tree: &MemoryTree, options: &BuildOptions) -> Result<String, String> {
    let built = build(tree, &TreePath::root(), options);
    built.map(|built| built.to_yaml()).map_err(|error| error.chain())
}

#[test]
fn an_edit_is_laid_over_the_kustomization() {
    let kustomization = "resources: [p.yaml]\nnamePrefix: old-\nimages: [{name: nginx, newTag: '2'}]\n";
    let tree = MemoryTree::of([("kustomization.yaml", kustomization), ("p.yaml", POD)]);
    let edit = KustomizationEdit {
        namespace: Some("target".into()),
        name_prefix: Some("new-".into()),
        images: vec![Image { name: "nginx".into(), new_tag: "3".into(), ..Image::default() }],
        patches: vec![Patch {
            patch: "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true}\n".into(),
            ..Patch::default()
        }],
        ..KustomizationEdit::default()
    };
    let options = BuildOptions { edit: Some(edit), ..BuildOptions::default() };
    let expected = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: new-p\n  namespace: target\nspec:\n  containers:\n  - image: nginx:3\n    name: c\n  hostNetwork: true\n";
    assert_eq!(render(&tree, &options).unwrap(), expected);
}

#[test]
fn a_folder_without_kustomization_is_built_from_its_manifests() {
    let tree = MemoryTree::of([
        ("b.yaml", CONFIG_MAP),
        ("deep/p.yml", POD),
        ("notes.txt", "no manifest"),
        ("own/kustomization.yaml", "namePrefix: own-\nresources: [c.yaml]\n"),
        ("own/c.yaml", CONFIG_MAP),
    ]);
    assert!(render(&tree, &BuildOptions::default()).is_err());
    let options = BuildOptions { generate: true, reorder: Reorder::None, ..BuildOptions::default() };
    let text = render(&tree, &options).unwrap();
    let names: Vec<&str> = text.lines().filter(|line| line.starts_with("  name: ")).collect();
    assert_eq!(names, ["  name: a", "  name: p", "  name: own-a"]);
}

#[test]
fn a_folder_without_manifests_is_an_error_not_an_empty_build() {
    let tree = MemoryTree::of([("notes.txt", "nothing")]);
    let options = BuildOptions { generate: true, ..BuildOptions::default() };
    assert!(render(&tree, &options).unwrap_err().contains("is empty"));
}

#[test]
fn remote_resources_are_refused_by_name() {
    for reference in
        ["https://example.com/org/repo//path?ref=v1", "github.com/org/repo", "git@example.com:org/repo"]
    {
        let tree = MemoryTree::of([("kustomization.yaml", format!("resources: ['{reference}']").as_str())]);
        let error = render(&tree, &BuildOptions::default()).unwrap_err();
        assert!(error.contains(reference) && error.contains("remote"), "{error}");
    }
}

#[test]
fn links_out_of_the_source_are_refused() {
    let mut tree = MemoryTree::of([("kustomization.yaml", "resources: [link.yaml]")]);
    tree.insert(TreePath::parse("link.yaml").unwrap(), Kind::Link, "../../etc/passwd");
    assert!(render(&tree, &BuildOptions::default()).unwrap_err().contains("outside"));
}

#[test]
fn limits_of_objects_and_bytes_hold() {
    let tree = MemoryTree::of([
        ("kustomization.yaml", "resources: [a.yaml, p.yaml]"),
        ("a.yaml", CONFIG_MAP),
        ("p.yaml", POD),
    ]);
    let objects = BuildOptions { max_objects: Some(1), ..BuildOptions::default() };
    assert!(render(&tree, &objects).unwrap_err().contains("more than 1 objects"));
    let bytes = BuildOptions { max_output_bytes: Some(50), ..BuildOptions::default() };
    assert!(render(&tree, &bytes).unwrap_err().contains("limit of 50 bytes"));
}

#[test]
fn the_record_names_what_was_read_and_objects_know_their_place() {
    let tree = MemoryTree::of([
        ("kustomization.yaml", "resources: [a.yaml]"),
        ("a.yaml", "---\n# head\n\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
        ("other.yaml", POD),
    ]);
    let recording = RecordingTree::new(&tree);
    let built = build(&recording, &TreePath::root(), &BuildOptions::default()).unwrap();
    let place = built.objects[0].place.clone().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("a.yaml", 4));
    let reads = recording.into_reads();
    let paths: Vec<&str> = reads.contents.keys().map(TreePath::as_str).collect();
    assert_eq!(paths, ["a.yaml", "kustomization.yaml"]);
}
