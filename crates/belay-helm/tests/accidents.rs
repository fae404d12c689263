//! A loop of small accidents: files of charts and records of releases are cut, doubled and mixed at random, and whatever
//! comes of it, reading them ends soon with a result or an error. `BELAY_MINUTES` makes it longer.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own input is wrong")]

#[path = "../../../tests/accidents.rs"]
mod accidents;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use accidents::{Random, rounds};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belay_filetree::{MemoryTree, TreePath};
use belay_gotemplate::Budget;
use belay_helm::record::{self, Written};
use belay_helm::{Chart, RenderOptions, render};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
/// Templates that are spoiled may include each other as deep as they are allowed to.
const STACK: usize = 256 << 20;

/// The texts of a chart by their paths.
type Files = BTreeMap<String, String>;

#[test]
fn charts() {
    let spoil = std::thread::Builder::new().stack_size(STACK).spawn(spoil_charts).unwrap();
    let rendered = spoil.join().unwrap();
    assert!(rendered > 20, "only {rendered} charts still rendered: accidents are too large to reach far");
}

/// Gives how many rendered in spite of it.
fn spoil_charts() -> usize {
    let charts = recorded_charts();
    let mut random = Random(5);
    let mut rendered = 0;
    for _ in rounds(400) {
        let mut files = charts[random.below(charts.len())].clone();
        let at = random.below(files.len());
        if let Some(text) = files.values_mut().nth(at) {
            *text = random.spoiled(text);
        }
        let started = Instant::now();
        rendered += usize::from(renders(&files));
        assert!(started.elapsed() < PATIENCE, "{files:?}");
    }
    rendered
}

fn renders(files: &Files) -> bool {
    let tree = MemoryTree::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let mut options = RenderOptions::new("rel", "default");
    options.budget = Budget { steps: 2_000_000, output_bytes: 4 << 20, depth: 1_000 };
    let chart = Chart::load(&tree, &TreePath::parse("chart").unwrap());
    chart.is_ok_and(|chart| render(&Arc::new(chart), &options).is_ok())
}

/// The charts of the cases, as far as they are texts.
fn recorded_charts() -> Vec<Files> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> = fs::read_dir(cases).unwrap().map(|case| case.unwrap().path()).collect();
    folders.sort();
    let charts = folders.iter().map(|folder| {
        let mut files = Files::new();
        collect(folder, Path::new("chart"), &mut files);
        files
    });
    charts.filter(|files| !files.is_empty()).collect()
}

fn collect(case: &Path, folder: &Path, files: &mut Files) {
    let Ok(entries) = fs::read_dir(case.join(folder)) else { return };
    for entry in entries {
        let path = folder.join(entry.unwrap().file_name());
        if case.join(&path).is_dir() {
            collect(case, &path, files);
        } else if let Ok(text) = fs::read_to_string(case.join(&path)) {
            files.insert(path.to_str().unwrap().to_owned(), text);
        }
    }
}

#[test]
fn records_of_releases() {
    let secret: Value = serde_json::from_str(include_str!("records/helm-4.json")).unwrap();
    let encoded = secret["data"]["release"].as_str().unwrap().to_owned();
    let inner = unpacked(&encoded);
    let mut random = Random(6);
    let mut read = 0;
    for round in rounds(400) {
        let release = match round % 3 {
            0 => random.spoiled(&encoded),
            1 => STANDARD
                .encode(random.spoiled(&String::from_utf8(STANDARD.decode(&encoded).unwrap()).unwrap())),
            _ => packed(&random.spoiled(&inner)),
        };
        let mut spoiled = secret.clone();
        spoiled["data"] = json!({"release": release});
        let started = Instant::now();
        if let Ok(release) = record::from_secret(&spoiled) {
            read += 1;
            record::to_secret(&release, Written::Modified(1));
        }
        assert!(started.elapsed() < PATIENCE, "{spoiled}");
    }
    assert!(read > 5, "only {read} records could still be read: accidents are too large to reach far");
}

/// The JSON within a Secret's value.
fn unpacked(encoded: &str) -> String {
    let zipped = STANDARD.decode(STANDARD.decode(encoded).unwrap()).unwrap();
    let mut text = String::new();
    GzDecoder::new(zipped.as_slice()).read_to_string(&mut text).unwrap();
    text
}

fn packed(text: &str) -> String {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    STANDARD.encode(STANDARD.encode(writer.finish().unwrap()))
}
