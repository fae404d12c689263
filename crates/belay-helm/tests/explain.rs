//! Fields explained: `explain/` holds a chart, the fields that are asked for, and what is told of each. Run with
//! `EXPLAIN=record` after a change, and read every line of the difference.

#[expect(dead_code, reason = "each test uses its part")]
mod command_line;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use belay_filetree::{FileTree, Kind, MemoryTree, RecordingTree, TreePath};
use belay_helm::{Chart, ExplainError, OutputOptions, RenderOptions, Target, ValuesFlags, render};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain")
}

fn flags() -> ValuesFlags {
    ValuesFlags {
        files: vec!["prod.yaml".to_owned()],
        set: vec!["image.tag=1.2,who=you".to_owned(), "db.size=9Gi".to_owned()],
        set_string: vec!["labels.team=red".to_owned()],
        set_json: vec![r#"annotations={"example.com/a-b":"no"}"#.to_owned()],
        ..ValuesFlags::default()
    }
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(folder().join(file)).map_err(|error| error.to_string())
}

fn tree() -> MemoryTree {
    let mut tree = MemoryTree::new();
    let path = TreePath::parse("app").expect("a path");
    command_line::add(&folder().join("app"), &path, &mut tree).expect("the chart is there");
    tree
}

fn options() -> RenderOptions {
    let mut options = RenderOptions::new("rel", "prod");
    options.values = flags().merge(&|file| read(file).map(String::into_bytes)).expect("values");
    options.trace = true;
    options
}

#[test]
fn fields_are_explained_as_recorded() {
    let chart = Chart::load(&tree(), &TreePath::parse("app").expect("a path")).expect("a chart");
    let rendered = render(&Arc::new(chart), &options()).expect("it renders");
    let layers = flags().layers(&read);
    let targets = read("targets.txt").expect("targets");
    let mut text = String::new();
    for target in targets.lines() {
        let target: Target = target.parse().expect("a target");
        let explanation = rendered.explain(&target, &layers).expect("it is there");
        assert!(!explanation.pieces.is_empty(), "{target}: nothing is told");
        text.push_str(&explanation.to_string());
    }
    assert!(targets.lines().count() >= 40);
    if std::env::var("EXPLAIN").is_ok_and(|value| value == "record") {
        fs::write(folder().join("expected.txt"), &text).expect("the file can be written");
    }
    assert_eq!(text, read("expected.txt").expect("it was recorded"));
}

#[test]
fn what_is_not_there_is_named() {
    let chart = Chart::load(&tree(), &TreePath::parse("app").expect("a path")).expect("a chart");
    let rendered = render(&Arc::new(chart), &options()).expect("it renders");
    let explain = |target: &str| rendered.explain(&target.parse().expect("a target"), &[]).unwrap_err();
    assert!(matches!(explain("Pod/web:spec"), ExplainError::NoObject { .. }));
    assert_eq!(explain("Deployment/web:spec.nope").to_string(), "Deployment/web has no field spec.nope");
}

#[test]
fn tracing_changes_nothing() {
    let chart = Arc::new(Chart::load(&tree(), &TreePath::parse("app").expect("a path")).expect("a chart"));
    let traced = render(&chart, &options()).expect("it renders");
    let plain = render(&chart, &RenderOptions { trace: false, ..options() }).expect("it renders");
    let text = |rendered: &belay_helm::Rendered| {
        rendered.to_template_output(&OutputOptions::default()).expect("there is output")
    };
    assert_eq!(text(&traced), text(&plain));
    assert!(plain.traced.is_none());
}

/// A file that is not listed never changes the output: whatever is done to one, the record still holds and the output
/// is the same; whatever changes the output breaks the record.
#[test]
fn only_what_was_read_changes_the_output() {
    let start = tree();
    let path = TreePath::parse("app").expect("a path");
    let outcome = |tree: &dyn FileTree| -> String {
        let rendered = Chart::load(tree, &path)
            .map_err(|error| error.to_string())
            .and_then(|chart| render(&Arc::new(chart), &options()).map_err(|error| error.to_string()));
        match rendered {
            Ok(rendered) => rendered.to_template_output(&OutputOptions::default()).unwrap_or_default(),
            Err(error) => error,
        }
    };
    let recording = RecordingTree::new(&start);
    let before = outcome(&recording);
    let reads = recording.into_reads();
    let places = [
        "app/values.yaml",
        "app/Chart.yaml",
        "app/README.md",
        "app/templates/new.yaml",
        "app/templates/config.yaml",
        "app/charts/db/values.yaml",
        "app/charts/new/Chart.yaml",
        "app/files/a.txt",
        "app/files/b.txt",
        "outside.txt",
        "other/values.yaml",
        "app/.helmignore",
        "app/values.schema.json",
        "app/Chart.lock",
        "app2/Chart.yaml",
        "app/crds/x.yaml",
        "app/charts/x.tgz",
        "README.md",
        "app/templates/NOTES.txt",
    ];
    let contents = ["", "a: 1\n", "{{ fail \"x\" }}", "templates/\n", "{\"required\": [\"never\"]}"];
    let (mut same, mut changed) = (0, 0);
    for place in places {
        for content in contents {
            let mut tree = start.clone();
            tree.insert(TreePath::parse(place).expect("a path"), Kind::File, content);
            let holds = reads.hold_in(&tree).expect("memory can be read");
            let after = outcome(&tree);
            assert!(!holds || after == before, "{place} changes the output but is not listed");
            if holds { same += 1 } else { changed += 1 }
        }
    }
    assert!(same >= 15 && changed >= 40, "{same} {changed}");
}
