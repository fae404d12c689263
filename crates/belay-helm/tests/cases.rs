//! Charts rendered by Helm and by us: every folder of `cases/` holds a chart, the arguments of
//! `helm template`, and what Helm printed. `README.md` says how they are recorded.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_helm::{
    Capabilities, Chart, KubeVersion, OutputOptions, RenderOptions, ValuesFlags, name_from_template, render,
};

/// The deepest case is a template that includes itself a thousand times.
const STACK: usize = 256 << 20;

#[test]
fn every_case_gives_what_helm_gives() {
    let check = std::thread::Builder::new().stack_size(STACK).spawn(check_all).expect("a thread");
    let failures = check.join().expect("no panic");
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn check_all() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<_> = fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    assert!(cases.len() >= 60, "only {} cases were found", cases.len());
    let only = std::env::var("CASE").unwrap_or_default();
    cases.retain(|case| case.to_string_lossy().contains(&only));
    cases.iter().filter_map(|case| check(case)).collect()
}

/// What differs, if anything does.
fn check(case: &Path) -> Option<String> {
    let read = |name: &str| fs::read_to_string(case.join(name)).ok();
    let (expected, failing) = match (read("expected.yaml"), read("expected-error.txt")) {
        (Some(output), None) => (output, false),
        (None, Some(error)) => (error, true),
        _ => return Some(format!("{}: not recorded", case.display())),
    };
    let arguments = read("args.txt").unwrap_or_default();
    let arguments: Vec<&str> = arguments.lines().collect();
    let (actual, failed) = match template(case, &arguments) {
        Ok(output) => (output, false),
        Err(error) => (format!("Error: {}\n", chain(error.as_ref())), true),
    };
    let hint = "\n\nUse --debug flag to render out invalid YAML";
    let expected = if failing { expected.replace(hint, "") } else { expected };
    if actual == expected && failed == failing {
        return None;
    }
    let short = |text: &str| text.chars().take(3000).collect::<String>();
    let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(format!("=== {name}\n--- helm\n{}\n--- belay\n{}", short(&expected), short(&actual)))
}

/// An error and its causes, as a command line prints them.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// `helm template` in the folder of the case.
fn template(case: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut options = RenderOptions::new("release-name", "default");
    let mut values = ValuesFlags::default();
    let mut output = OutputOptions::default();
    let mut positional = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || (*arguments.next().expect("the flag has a value")).to_owned();
        match *argument {
            "-f" | "--values" => values.files.push(value()),
            "--set" => values.set.push(value()),
            "--set-string" => values.set_string.push(value()),
            "--set-json" => values.set_json.push(value()),
            "--set-file" => values.set_file.push(value()),
            "--set-literal" => values.set_literal.push(value()),
            "--namespace" => options.namespace = value(),
            "--is-upgrade" => options.is_upgrade = true,
            "--kube-version" => options.capabilities.kube_version = KubeVersion::parse(&value())?,
            "-a" | "--api-versions" => {
                let versions = value();
                options.capabilities.api_versions.extend(versions.split(',').map(str::to_owned));
            }
            "--name-template" => options.release_name = name_from_template(&value(), None, None)?,
            "--skip-schema-validation" => options.skip_schema_validation = true,
            "--include-crds" => output.include_crds = true,
            "--no-hooks" => output.no_hooks = true,
            "--skip-tests" => output.skip_tests = true,
            "-s" | "--show-only" => output.show_only.push(value()),
            flag if flag.starts_with('-') => panic!("{flag} is not known here"),
            other => positional.push(other),
        }
    }
    if let [name, _] = positional.as_slice() {
        options.release_name = (*name).to_owned();
    }
    let chart = positional.last().expect("a chart is given");
    let read = |file: &str| {
        fs::read_to_string(case.join(file)).map_err(|_| format!("open {file}: no such file or directory"))
    };
    options.values = values.merge(&read)?;
    let chart = Arc::new(Chart::load(&tree(case), &TreePath::parse(chart)?)?);
    Ok(render(&chart, &options)?.to_template_output(&output)?)
}

fn tree(folder: &Path) -> MemoryTree {
    let mut tree = MemoryTree::new();
    add(folder, &TreePath::root(), &mut tree);
    tree
}

fn add(folder: &Path, path: &TreePath, tree: &mut MemoryTree) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let entry = entry.expect("an entry");
        let child = path.child(&entry.file_name().to_string_lossy());
        if entry.file_type().expect("a kind").is_dir() {
            add(&entry.path(), &child, tree);
        } else {
            tree.insert(child, Kind::File, fs::read(entry.path()).expect("a file"));
        }
    }
}

#[test]
fn the_default_capabilities_are_those_of_a_recent_cluster() {
    let capabilities = Capabilities::default();
    assert_eq!(capabilities.kube_version.version, "v1.37.0");
    assert!(capabilities.api_versions.iter().any(|version| version == "apps/v1"));
}
