//! `helm lint`: what is wrong with a chart, or against the habits.

mod addresses;
mod chart_file;
mod deprecations;
mod names;
mod templates;

use std::fmt;
use std::sync::Arc;

use belay_filetree::{FileTree, TreePath};
use belay_gotemplate::{Budget, Clock, RandomSource};
use bytes::Bytes;

use crate::capabilities::KubeVersion;
use crate::chart::Chart;
use crate::load::LoadError;
use crate::schema;
use crate::values::coalesce::{Nulls, coalesce_tables};
use crate::values::{Values, convert};
use crate::yaml;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Against the habits; works anyway.
    Warning,
    /// Will not work.
    Error,
}

/// One thing that the linter found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file, from the chart's folder.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(formatter, "[{severity}] {}: {}", self.path, self.message)
    }
}

/// What a chart is linted with.
#[derive(Clone, Default)]
pub struct LintOptions {
    /// What the user gives.
    pub values: Values,
    /// `.Release.Namespace`
    pub namespace: String,
    /// The Kubernetes version; without it, Helm's own.
    pub kube_version: Option<KubeVersion>,
    /// Leave `values.schema.json` alone.
    pub skip_schema_validation: bool,
    /// The chart's folder, as findings about the chart as a whole name it.
    pub place: String,
    /// What rendering may cost.
    pub budget: Budget,
    /// The time, for charts that ask for it.
    pub clock: Option<Arc<dyn Clock>>,
    /// Random bytes, for charts that ask for them.
    pub random: Option<Arc<dyn RandomSource>>,
}

/// Looks at the chart in a folder of the tree.
pub fn lint(tree: &dyn FileTree, chart: &TreePath, options: &LintOptions) -> Vec<Finding> {
    let folder = Folder { tree, path: chart };
    let mut linter = Linter { findings: Vec::new() };
    chart_file::check(&folder, &mut linter);
    check_values(&folder, options, &mut linter);
    let loaded = Chart::load_any_version(tree, chart).map(Arc::new);
    templates::check(&folder, &loaded, options, &mut linter);
    check_dependencies(&loaded, options, &mut linter);
    templates::check_crds(&folder, &loaded, &mut linter);
    linter.findings
}

/// The findings so far.
struct Linter {
    findings: Vec<Finding>,
}

impl Linter {
    /// Notes what a rule found; whether it found nothing.
    fn rule(&mut self, severity: Severity, path: &str, result: Result<(), String>) -> bool {
        let Err(message) = result else { return true };
        self.findings.push(Finding { severity, path: path.to_owned(), message });
        false
    }
}

/// The chart's folder.
struct Folder<'a> {
    tree: &'a dyn FileTree,
    path: &'a TreePath,
}

impl Folder<'_> {
    fn kind(&self, name: &str) -> Option<belay_filetree::Kind> {
        self.tree.kind(&self.path.child(name)).ok().flatten()
    }

    fn read(&self, name: &str) -> Option<Bytes> {
        self.tree.read(&self.path.child(name)).ok()
    }
}

/// `values.yaml` exists, is a map, and fits the schema beside it. Subcharts are not looked at.
fn check_values(folder: &Folder<'_>, options: &LintOptions, linter: &mut Linter) {
    const FILE: &str = "values.yaml";
    let missing = || "file does not exist".to_owned();
    let data = folder.read(FILE).ok_or_else(missing);
    if !linter.rule(Severity::Info, FILE, data.as_ref().map(|_| ()).map_err(Clone::clone)) {
        return;
    }
    let result = values_fit(folder, &data.unwrap_or_default(), options);
    linter.rule(Severity::Error, FILE, result);
}

fn values_fit(folder: &Folder<'_>, data: &[u8], options: &LintOptions) -> Result<(), String> {
    let mut values = yaml::text(data)
        .and_then(|text| yaml::decode(&text))
        .map_err(|error| format!("unable to parse YAML: {}", belay_causes::chain(&error)))?;
    yaml::numbers_as_floats(&mut values);
    let values = match values {
        serde_json::Value::Null => serde_json::Map::new(),
        serde_json::Value::Object(map) => map,
        other => {
            let found = crate::decode::json_type(&other);
            return Err(format!(
                "unable to parse YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
                 {found} into Go value of type common.Values"
            ));
        }
    };
    let Some(schema) = folder.read("values.schema.json").filter(|schema| !schema.is_empty()) else {
        return Ok(());
    };
    if options.skip_schema_validation {
        return Ok(());
    }
    let merged = options.values.to_template();
    coalesce_tables(&merged, &convert::map_to_template(&values), Nulls::Delete, &mut Vec::new());
    schema::validate_one(&schema, &merged)
}

/// What `Chart.yaml` asks for is what `charts/` holds.
fn check_dependencies(loaded: &Result<Arc<Chart>, LoadError>, options: &LintOptions, linter: &mut Linter) {
    let chart = match loaded {
        Ok(chart) => chart,
        Err(error) => {
            linter.rule(
                Severity::Error,
                "",
                Err(format!("unable to load chart\n\t{}", belay_causes::chain(error))),
            );
            return;
        }
    };
    let wanted = chart.metadata.dependencies.as_deref().unwrap_or_default();
    let present = || chart.dependencies.iter().map(|subchart| subchart.name());
    let unnamed: Vec<&str> =
        present().filter(|name| !wanted.iter().any(|dependency| dependency.name == *name)).collect();
    let absent: Vec<&str> = wanted
        .iter()
        .map(|dependency| dependency.name.as_str())
        .filter(|name| !present().any(|other| other == *name))
        .collect();
    let place = &options.place;
    let none = |names: &[&str], what: &str| {
        if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(","))) }
    };
    linter.rule(Severity::Error, place, none(&unnamed, "chart metadata is missing these dependencies"));
    linter.rule(Severity::Error, place, unique(wanted));
    linter.rule(Severity::Warning, place, none(&absent, "chart directory is missing these dependencies"));
}

fn unique(dependencies: &[crate::chart::Dependency]) -> Result<(), String> {
    let mut seen = Vec::new();
    let mut twice = Vec::new();
    for dependency in dependencies {
        let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if seen.contains(&key) {
            twice.push(key.as_str());
        }
        seen.push(key);
    }
    if twice.is_empty() {
        return Ok(());
    }
    Err(format!("multiple dependencies with name or alias: {}", twice.join(",")))
}
