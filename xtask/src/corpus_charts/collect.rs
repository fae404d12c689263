//! The charts below a folder, with what they depend on put into their `charts/`.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A chart, and the files of values that its authors test it with.
pub(crate) struct Chart {
    pub(crate) folder: PathBuf,
    pub(crate) values: Vec<PathBuf>,
    /// Dependencies that are nowhere to be had.
    pub(crate) missing: Vec<String>,
}

/// Finds every chart that is not part of another, and vendors dependencies from among them.
pub(crate) fn collect(root: &Path) -> Result<Vec<Chart>> {
    let mut folders = Vec::new();
    find(root, &mut folders)?;
    folders.sort();
    let mut vendor = Vendor::of(&folders);
    let mut charts = Vec::new();
    for folder in folders {
        let missing = vendor.fill(&folder)?;
        charts.push(Chart { values: test_values(&folder)?, folder, missing });
    }
    Ok(charts)
}

/// Goes down to every `Chart.yaml`, past what hides in `charts/` and behind links.
fn find(folder: &Path, folders: &mut Vec<PathBuf>) -> Result<()> {
    if folder.join("Chart.yaml").is_file() {
        folders.push(folder.to_owned());
    }
    let inside_chart = folder.join("Chart.yaml").is_file();
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir()
            && !hidden
            && !(inside_chart && (name == "charts" || name == "templates"))
        {
            find(&entry.path(), folders)?;
        }
    }
    Ok(())
}

fn test_values(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut values = Vec::new();
    let Ok(entries) = fs::read_dir(folder.join("ci")) else { return Ok(values) };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with("-values.yaml") {
            values.push(entry.path());
        }
    }
    values.sort();
    Ok(values)
}

/// Charts by name, to be copied into those that need them.
struct Vendor {
    by_name: BTreeMap<String, Vec<PathBuf>>,
    filled: HashSet<PathBuf>,
}

impl Vendor {
    fn of(folders: &[PathBuf]) -> Vendor {
        let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for folder in folders {
            if let Some(name) = definition(folder).and_then(|chart| chart["name"].as_str().map(str::to_owned))
            {
                by_name.entry(name).or_default().push(folder.clone());
            }
        }
        Vendor { by_name, filled: HashSet::new() }
    }

    /// Puts the chart's dependencies into its `charts/`; returns those that are not to be had.
    fn fill(&mut self, chart: &Path) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        if !self.filled.insert(chart.to_owned()) {
            return Ok(missing);
        }
        for dependency in dependencies(chart) {
            let name = dependency["name"].as_str().unwrap_or_default().to_owned();
            if name.is_empty() || present(chart, &name)? {
                continue;
            }
            match self.source(chart, &dependency, &name) {
                Some(source) => {
                    self.fill(&source)?;
                    let place = chart.join("charts").join(&name);
                    copy(&source, &place)?;
                    give_version(&place, dependency["version"].as_str().unwrap_or_default())?;
                }
                None => missing.push(name),
            }
        }
        Ok(missing)
    }

    /// The folder that the dependency names, or the nearest chart of that name.
    fn source(&self, chart: &Path, dependency: &Value, name: &str) -> Option<PathBuf> {
        let repository = dependency["repository"].as_str().unwrap_or_default();
        if let Some(path) = repository.strip_prefix("file://") {
            let place = chart.join(path);
            if place.join("Chart.yaml").is_file() {
                return place.canonicalize().ok();
            }
        }
        let shared =
            |one: &PathBuf| one.components().zip(chart.components()).take_while(|(a, b)| a == b).count();
        let candidates = self.by_name.get(name)?.iter().filter(|place| !chart.starts_with(place));
        candidates.max_by_key(|place| shared(place)).cloned()
    }
}

fn definition(folder: &Path) -> Option<Value> {
    belay_goyaml::to_json(&fs::read_to_string(folder.join("Chart.yaml")).ok()?).ok()
}

/// What `Chart.yaml` asks for, or `requirements.yaml` in charts of old.
fn dependencies(chart: &Path) -> Vec<Value> {
    let listed = |chart: &Value| chart["dependencies"].as_array().cloned();
    let of_old = || {
        let text = fs::read_to_string(chart.join("requirements.yaml")).ok()?;
        listed(&belay_goyaml::to_json(&text).ok()?)
    };
    definition(chart).and_then(|chart| listed(&chart)).or_else(of_old).unwrap_or_default()
}

fn present(chart: &Path, name: &str) -> Result<bool> {
    let folder = chart.join("charts");
    if folder.join(name).is_dir() {
        return Ok(true);
    }
    let Ok(entries) = fs::read_dir(folder) else { return Ok(false) };
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let archive =
            file.ends_with(".tgz") && file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        if archive || definition(&entry.path()).is_some_and(|chart| chart["name"] == name) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() == "ci" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.path().is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Gives the copy a version that the range allows, or Helm would pass it over.
fn give_version(chart: &Path, range: &str) -> Result<()> {
    let first =
        range.split([',', ' ', '|']).find(|part| part.contains(|letter: char| letter.is_ascii_digit()));
    let plain = first.unwrap_or("0").trim_start_matches(['^', '~', '>', '<', '=', 'v']);
    let mut numbers: Vec<String> =
        plain.splitn(3, '.').map(|part| part.replace(['x', 'X', '*'], "0")).collect();
    numbers.resize(3, "0".to_owned());
    let version = numbers.join(".");
    let file = chart.join("Chart.yaml");
    let text = fs::read_to_string(&file)?;
    let is_version = |line: &&str| line.starts_with("version:");
    let lines: Vec<String> = text
        .lines()
        .map(|line| if is_version(&line) { format!("version: {version:?}") } else { line.to_owned() })
        .collect();
    Ok(fs::write(file, lines.join("\n") + "\n")?)
}
