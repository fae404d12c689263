//! Input that is wrong or means harm: an error that names the file and the object, soon, and no panic.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own input is wrong")]

use std::time::{Duration, Instant};

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: b}\n";

/// Nothing here may take longer, even without optimization on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn built_with(files: &[(&str, &str)], options: &BuildOptions) -> Result<String, String> {
    let tree = MemoryTree::of(files.iter().copied());
    let started = Instant::now();
    let built = build(&tree, &TreePath::parse("app").unwrap(), options);
    assert!(started.elapsed() < PATIENCE, "took {:?}", started.elapsed());
    built.map(|built| built.to_yaml()).map_err(|error| error.chain())
}

fn built(files: &[(&str, &str)]) -> Result<String, String> {
    built_with(files, &BuildOptions::default())
}

/// The error of a kustomization over one config map says all of these.
#[track_caller]
fn check_error(kustomization: &str, expected: &[&str]) {
    let text = format!("resources: [map.yaml]\n{kustomization}");
    let files = [("app/kustomization.yaml", text.as_str()), ("app/map.yaml", MAP), ("above.yaml", MAP)];
    let error = built(&files).unwrap_err();
    for part in expected {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn no_field_reads_above_the_folder() {
    for field in [
        "patches: [{path: ../above.yaml}]",
        "patchesStrategicMerge: [../above.yaml]",
        "patchesJson6902: [{path: ../above.yaml, target: {version: v1, kind: ConfigMap, name: map}}]",
        "configMapGenerator: [{name: g, files: [../above.yaml]}]",
        "configMapGenerator: [{name: g, envs: [../above.yaml]}]",
        "secretGenerator: [{name: g, files: [x=../above.yaml]}]",
        "replacements: [{path: ../above.yaml}]",
        "crds: [../above.yaml]",
        "configurations: [../above.yaml]",
        "generators: [../above.yaml]",
        "transformers: [../above.yaml]",
        "validators: [../above.yaml]",
    ] {
        check_error(
            field,
            &["security; file 'above.yaml' is not in or below 'app'", "app/kustomization.yaml"],
        );
    }
    let files = [("app/kustomization.yaml", "resources: [../above.yaml]"), ("above.yaml", MAP)];
    assert!(built(&files).unwrap_err().contains("security; file 'above.yaml'"));
}

#[test]
fn links_are_followed_no_further_than_paths() {
    let mut tree =
        MemoryTree::of([("app/kustomization.yaml", "resources: [link.yaml]"), ("above.yaml", MAP)]);
    let app = TreePath::parse("app").unwrap();
    tree.insert(app.child("link.yaml"), Kind::Link, "../above.yaml");
    let error = build(&tree, &app, &BuildOptions::default()).unwrap_err().chain();
    assert!(error.contains("security; file 'app/link.yaml'"), "{error}");
    tree.insert(app.child("link.yaml"), Kind::Link, "link.yaml");
    let error = build(&tree, &app, &BuildOptions::default()).unwrap_err().chain();
    assert!(error.contains("app/link.yaml"), "{error}");
}

#[test]
fn circles_and_towers_of_folders_end() {
    let files =
        [("app/kustomization.yaml", "resources: [../b]"), ("b/kustomization.yaml", "resources: [../app]")];
    assert!(built(&files).unwrap_err().contains("cycle detected: app -> b -> app"));
    let mut tree = MemoryTree::new();
    for level in 0..250 {
        let folder = if level == 0 { "app".to_owned() } else { format!("f{level}") };
        let text = format!("resources: [../f{}]", level + 1);
        tree.insert(TreePath::parse(&format!("{folder}/kustomization.yaml")).unwrap(), Kind::File, text);
    }
    let deep = std::thread::Builder::new().stack_size(64 << 20).spawn(move || {
        build(&tree, &TreePath::parse("app").unwrap(), &BuildOptions::default()).unwrap_err().chain()
    });
    let error = deep.unwrap().join().unwrap();
    assert!(error.contains("more than 200 deep"), "{}", &error[error.len() - 200..]);
}

#[test]
fn too_many_objects_are_too_many() {
    let objects: String =
        (0..3000).map(|at| format!("---\napiVersion: v1\nkind: A\nmetadata: {{name: a{at}}}\n")).collect();
    let files = [("app/kustomization.yaml", "resources: [all.yaml]"), ("app/all.yaml", &objects)];
    let options = BuildOptions { max_objects: Some(2000), ..BuildOptions::default() };
    let error = built_with(&files, &options).unwrap_err();
    assert!(error.contains("app/kustomization.yaml: more than 2000 objects"), "{error}");
    let options = BuildOptions { max_output_bytes: Some(50_000), ..BuildOptions::default() };
    assert!(built_with(&files, &options).unwrap_err().contains("limit of 50000 bytes"));
}

#[test]
fn a_patch_of_ten_megabytes_is_merged() {
    let patch = format!("{}  big: {}\n", MAP.replace("data: {a: b}\n", "data:\n"), "x".repeat(10 << 20));
    let files = [
        ("app/kustomization.yaml", "resources: [map.yaml]\npatches: [{path: patch.yaml}]"),
        ("app/map.yaml", MAP),
        ("app/patch.yaml", &patch),
    ];
    assert!(built(&files).unwrap().len() > 10 << 20);
}

#[test]
fn patterns_do_not_explode() {
    let long = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}b}}\n", "a".repeat(5000));
    let text = "resources: [map.yaml]\npatches:\n- target: {name: '(a+)+$'}\n  patch: '[{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}]'\n";
    let files = [("app/kustomization.yaml", text), ("app/map.yaml", &long)];
    assert!(!built(&files).unwrap().contains("x: 1"));
    let patch = "patch: '[{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}]'";
    check_error(
        &format!("patches: [{{target: {{name: '(((a{{100}}){{100}}){{100}}){{100}}'}}, {patch}}}]"),
        &["app/kustomization.yaml", "is no regular expression"],
    );
    check_error(&format!("patches: [{{target: {{kind: '('}}, {patch}}}]"), &["'(' is no regular expression"]);
}

#[test]
fn aliases_do_not_explode() {
    let mut laughs = String::from(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\na: &a [x, x, x, x, x, x, x, x, x]\n",
    );
    for (before, letter) in ('a'..='i').zip('b'..='j') {
        laughs.push_str(&format!("{letter}: &{letter} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    let files =
        [("app/kustomization.yaml", "resources: [laughs.yaml]"), ("app/laughs.yaml", laughs.as_str())];
    assert!(built(&files).unwrap_err().contains("app/laughs.yaml"));
    let files = [("app/kustomization.yaml", laughs.as_str())];
    assert!(built(&files).unwrap_err().contains("app/kustomization.yaml"));
}

#[test]
fn errors_name_the_file_and_the_object() {
    check_error(
        "patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: no}}'}]",
        &["Secret.v1", "no"],
    );
    check_error("replicas: [{name: nobody, count: 1}]", &["app/kustomization.yaml", "nobody"]);
    check_error(
        "replacements: [{source: {kind: ConfigMap, fieldPath: data.none}, targets: [{select: {kind: ConfigMap}}]}]",
        &["app/kustomization.yaml", "data.none"],
    );
    check_error("vars: [{name: V, objref: {kind: Secret, name: none, apiVersion: v1}}]", &["var 'V'"]);
    let double = format!("{MAP}---\n{MAP}");
    let files = [("app/kustomization.yaml", "resources: [map.yaml]"), ("app/map.yaml", double.as_str())];
    let error = built(&files).unwrap_err();
    assert!(error.contains("'map.yaml'") && error.contains("ConfigMap.v1.[noGrp]/map"), "{error}");
}

const FIELDS: &str = "apiVersion kind metadata openapi namePrefix nameSuffix namespace commonLabels labels \
    commonAnnotations patchesStrategicMerge patchesJson6902 patches images imageTags replacements replicas vars \
    sortOptions resources components crds bases configMapGenerator secretGenerator helmGlobals helmCharts \
    helmChartInflationGenerator generatorOptions configurations generators transformers validators buildMetadata";

#[test]
fn a_wrong_type_in_any_field_is_an_error_of_its_file() {
    let wrong = [
        "1",
        "true",
        "x",
        "[1]",
        "[[]]",
        "[null]",
        "{a: {b: [c]}}",
        "[{a: b}]",
        "{a: 1}",
        "!!binary x",
        "''",
    ];
    for field in FIELDS.split_whitespace() {
        for value in wrong {
            let text = format!("{field}: {value}\n");
            if let Err(error) = built(&[("app/kustomization.yaml", &text), ("app/map.yaml", MAP)]) {
                assert!(error.contains("app/"), "{field}: {value}: {error}");
            }
        }
    }
}
