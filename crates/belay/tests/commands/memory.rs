//! The ceiling of memory: what has no end ends in an error.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A text that doubles sixty times.
const BOMB: &str = r#"{{- $text := "sixteen letters." -}}
{{- range until 60 }}{{ $text = printf "%s%s" $text $text }}{{ end -}}
{{ $text }}
"#;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

fn belay(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belay"));
    command.current_dir(folder).args(arguments).output().expect("it starts")
}

fn assert_given_up(output: &Output, doing: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(output.stdout.is_empty());
    let expected = format!("error: {doing} takes more than 300 MiB of memory\nhint: ");
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn a_chart_that_grows_without_end_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let chart = "apiVersion: v2\nname: bomb\nversion: 1.0.0\n";
    let files = [
        ("charts/bomb/Chart.yaml", chart),
        ("charts/bomb/values.yaml", ""),
        ("charts/bomb/templates/bomb.yaml", BOMB),
        ("kustomization.yaml", "helmCharts: [{name: bomb}]\n"),
    ];
    write(folder.path(), &files);
    let rendered = belay(folder.path(), &["helm", "template", "charts/bomb", "--max-memory", "300"]);
    assert_given_up(&rendered, "rendering charts/bomb");
    let built = belay(folder.path(), &["kustomize", "build", "--enable-helm", "--max-memory=300"]);
    assert_given_up(&built, "building .");
}
