//! Changes of kustomization files, one a line of `file-edits.jsonl`, as kustomize v5.8.2 made them:
//!
//!     kustomize edit ARGUMENTS
//!
//! in a folder with the file and beside it `a.yaml`, `b.yaml`, `p.yaml`, `sub/c.yaml` and
//! `sub/kustomization.yaml`.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own files are missing")]

use belay_filetree::{MemoryTree, TreePath};
use belay_kustomize::{FileEdit, edit_file};
use serde_json::{Map, Value};

/// The words of a line: what stands alone, and flags with their values.
struct Line {
    words: Vec<String>,
    flags: Map<String, Value>,
}

fn line(arguments: &[String]) -> Line {
    const SWITCHES: [&str; 9] = [
        "--force",
        "-f",
        "--without-selector",
        "--include-templates",
        "--no-verify",
        "--ignore-non-existence",
        "-i",
        "--",
        "",
    ];
    let mut line = Line { words: Vec::new(), flags: Map::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if SWITCHES.contains(&argument.as_str()) {
            line.flags.insert(argument.clone(), Value::Bool(true));
        } else if argument.starts_with("--") {
            line.flags.insert(argument.clone(), Value::from(rest.next().unwrap().as_str()));
        } else {
            line.words.push(argument.clone());
        }
    }
    line
}

fn patch(flags: &Map<String, Value>) -> Value {
    let mut patch = Map::new();
    let mut target = Map::new();
    for (flag, value) in flags {
        match flag.as_str() {
            "--path" | "--patch" => patch.insert(flag[2..].to_owned(), value.clone()),
            "--label-selector" => target.insert("labelSelector".to_owned(), value.clone()),
            other => target.insert(other[2..].to_owned(), value.clone()),
        };
    }
    patch.insert("target".to_owned(), Value::Object(target));
    Value::Object(patch)
}

fn edit(arguments: &[String]) -> FileEdit {
    let Line { words, flags } = line(arguments);
    let has = |names: [&str; 2]| names.iter().any(|name| flags.contains_key(*name));
    let rest = || words[2..].to_vec();
    let force = has(["--force", "-f"]);
    let ignore_missing = has(["--ignore-non-existence", "-i"]);
    match (words[0].as_str(), words[1].as_str()) {
        ("set", "nameprefix") => FileEdit::SetNamePrefix(words[2].clone()),
        ("set", "namesuffix") => FileEdit::SetNameSuffix(words[2].clone()),
        ("set", "namespace") => FileEdit::SetNamespace(words[2].clone()),
        ("set", "image") => FileEdit::SetImages(rest()),
        ("set", "replicas") => FileEdit::SetReplicas(rest()),
        ("set", "label") => FileEdit::SetLabels(rest()),
        ("set", "annotation") => FileEdit::SetAnnotations(rest()),
        ("add", "label") => FileEdit::AddLabels {
            pairs: rest(),
            force,
            without_selector: flags.contains_key("--without-selector"),
            include_templates: flags.contains_key("--include-templates"),
        },
        ("add", "annotation") => FileEdit::AddAnnotations { pairs: rest(), force },
        ("add", "resource") => {
            FileEdit::AddResources { patterns: rest(), no_verify: flags.contains_key("--no-verify") }
        }
        ("add", "component") => FileEdit::AddComponents(rest()),
        ("add", "patch") => FileEdit::AddPatch(patch(&flags)),
        ("remove", "resource") => FileEdit::RemoveResources(rest()),
        ("remove", "component") => FileEdit::RemoveComponents(rest()),
        ("remove", "label") => FileEdit::RemoveLabels { keys: words[2].clone(), ignore_missing },
        ("remove", "annotation") => FileEdit::RemoveAnnotations { keys: words[2].clone(), ignore_missing },
        ("remove", "patch") => FileEdit::RemovePatch(patch(&flags)),
        other => panic!("{other:?} is no edit"),
    }
}

#[test]
fn every_file_is_as_recorded() {
    let tree = MemoryTree::of([
        ("kustomization.yaml", ""),
        ("a.yaml", ""),
        ("b.yaml", ""),
        ("p.yaml", ""),
        ("sub/c.yaml", ""),
        ("sub/kustomization.yaml", ""),
    ]);
    let file = TreePath::parse("kustomization.yaml").unwrap();
    let mut wrong = Vec::new();
    for case in include_str!("file-edits.jsonl").lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let arguments: Vec<String> = serde_json::from_value(case["arguments"].clone()).unwrap();
        let found = edit_file(&tree, &file, case["file"].as_str().unwrap(), &edit(&arguments));
        if found.as_ref().ok().map(String::as_str) != case.get("text").and_then(Value::as_str) {
            let expected = case.get("text").or(case.get("error")).unwrap();
            wrong.push(format!("{arguments:?} {}\n  {expected}\n  {found:?}", case["file"]));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
