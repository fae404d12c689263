//! A chart of a source as Flux packages it: its version with a suffix, its values files merged.

use std::sync::Arc;

use belay_filetree::{FileTree, TreeError, TreePath};
use belay_flux_api::{HelmChartSpec, ReconcileStrategy};
use belay_helm::{Chart, LoadError, LoadLimits, Values, ValuesError};
use belay_source::{ArchiveError, package};
use serde_json::Value;

/// A chart, ready to be released.
#[derive(Debug, Clone)]
pub(crate) struct BuiltChart {
    /// The chart; its version is the one with the suffix.
    pub(crate) chart: Arc<Chart>,
    /// The values files that went into it.
    pub(crate) values_files: Vec<String>,
    /// The revision of the source it was built from.
    pub(crate) revision: String,
    /// The generation of the HelmChart it was built for.
    pub(crate) generation: i64,
}

impl BuiltChart {
    /// The chart's name.
    pub(crate) fn name(&self) -> &str {
        self.chart.name()
    }

    /// The chart's version, with the suffix.
    pub(crate) fn version(&self) -> &str {
        &self.chart.metadata.version
    }

    /// The chart as an archive.
    pub(crate) fn package(&self) -> Result<Vec<u8>, ArchiveError> {
        let chart_file = self.chart.raw_file("Chart.yaml").map(|file| file.text().into_owned());
        let chart_file = with_version(&chart_file.unwrap_or_default(), self.version());
        let values = belay_goyaml::to_yaml(&Value::Object(self.chart.values.clone()));
        let has_own_values = !self.values_files.is_empty();
        let mut files: Vec<(&str, &[u8])> = Vec::new();
        for file in &self.chart.raw {
            match file.name.as_str() {
                "Chart.yaml" => files.push(("Chart.yaml", chart_file.as_bytes())),
                "values.yaml" if has_own_values => {}
                name => files.push((name, &file.data)),
            }
        }
        if has_own_values {
            files.push(("values.yaml", values.as_bytes()));
        }
        package(self.name(), &files)
    }

    /// The same chart with the files of an archive of it.
    pub(crate) fn unpacked(&self, archive: &[u8]) -> Result<BuiltChart, LoadError> {
        let chart = Chart::from_archive(archive, LoadLimits::default())?;
        Ok(BuiltChart { chart: Arc::new(chart), ..self.clone() })
    }

    /// What was done, in Flux's words.
    pub(crate) fn summary(&self) -> String {
        let merged = match self.values_files.as_slice() {
            [] => String::new(),
            files => format!(" and merged values files [{}]", files.join(" ")),
        };
        format!("packaged '{}' chart with version '{}'{merged}", self.name(), self.version())
    }
}

/// `Chart.yaml` with another version.
fn with_version(text: &str, version: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match line.starts_with("version:") {
            true => lines.push(format!("version: {version}")),
            false => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Why a chart cannot be packaged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChartError {
    #[error("invalid chart reference: {path}")]
    Path {
        path: String,
        #[source]
        source: belay_filetree::PathError,
    },
    #[error("invalid chart reference: {path}")]
    Chart {
        path: String,
        #[source]
        source: LoadError,
    },
    #[error("chart metadata patch error: {version:?} is not a semantic version")]
    Version { version: String },
    #[error("values files merge error: no values file found at path '{path}'")]
    NoValuesFile {
        path: String,
        #[source]
        source: TreeError,
    },
    #[error("values files merge error")]
    Values(#[from] ValuesError),
    #[error("dependency build error: chart {name} is not in charts/, and fetching it is not supported yet")]
    Dependency { name: String },
}

impl ChartError {
    /// The condition's reason.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            ChartError::Path { .. } | ChartError::Chart { .. } => "InvalidChartReference",
            ChartError::Version { .. } => "MetadataPatchError",
            ChartError::NoValuesFile { .. } | ChartError::Values(_) => "ValuesFilesError",
            ChartError::Dependency { .. } => "DependencyBuildError",
        }
    }
}

/// Builds the chart that the spec names. `revision` is the source's.
pub(crate) fn build(
    tree: &dyn FileTree,
    spec: &HelmChartSpec,
    revision: &str,
    generation: i64,
) -> Result<BuiltChart, ChartError> {
    let shown = || spec.chart.clone();
    let folder = TreePath::parse(spec.chart.trim_start_matches('/'))
        .map_err(|source| ChartError::Path { path: shown(), source })?;
    let mut chart =
        Chart::load(tree, &folder).map_err(|source| ChartError::Chart { path: shown(), source })?;
    check_dependencies(&chart)?;
    if let Some(suffix) = suffix(spec, revision, generation) {
        chart.metadata.version = with_suffix(&chart.metadata.version, &suffix)?;
    }
    let values_files = merge_values(tree, spec, &mut chart)?;
    Ok(BuiltChart { chart: Arc::new(chart), values_files, revision: revision.to_owned(), generation })
}

fn check_dependencies(chart: &Chart) -> Result<(), ChartError> {
    let wanted = chart.metadata.dependencies.iter().flatten();
    let is_there = |name: &str| chart.dependencies.iter().any(|dependency| dependency.name() == name);
    match wanted.into_iter().find(|dependency| !is_there(&dependency.name)) {
        Some(missing) => Err(ChartError::Dependency { name: missing.name.clone() }),
        None => Ok(()),
    }
}

/// What tells versions apart that `Chart.yaml` calls the same: the commit, and with values files the
/// generation that names them.
fn suffix(spec: &HelmChartSpec, revision: &str, generation: i64) -> Option<String> {
    let mut parts = Vec::new();
    if spec.reconcile_strategy == ReconcileStrategy::Revision {
        let hash = revision.rsplit(':').next().unwrap_or_default();
        parts.push(hash.chars().take(12).collect());
    }
    if !is_default(&spec.values_files) {
        parts.push(generation.to_string());
    }
    (!parts.is_empty()).then(|| parts.join("."))
}

/// Whether the list asks for no more than the chart's own `values.yaml`.
fn is_default(values_files: &[String]) -> bool {
    match values_files {
        [] => true,
        [only] => only == "values.yaml",
        _ => false,
    }
}

/// `1.2.3` with `+suffix`; a suffix that is there goes.
fn with_suffix(version: &str, suffix: &str) -> Result<String, ChartError> {
    let plain = version.split('+').next().unwrap_or_default();
    let numbers = plain.trim_start_matches('v').split('-').next().unwrap_or_default();
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return Err(ChartError::Version { version: version.to_owned() });
    }
    Ok(format!("{}+{suffix}", plain.trim_start_matches('v')))
}

/// The values files of the source become the chart's defaults. Gives those that were there.
fn merge_values(
    tree: &dyn FileTree,
    spec: &HelmChartSpec,
    chart: &mut Chart,
) -> Result<Vec<String>, ChartError> {
    if is_default(&spec.values_files) {
        return Ok(Vec::new());
    }
    let mut merged = Values::default();
    let mut found = Vec::new();
    for file in &spec.values_files {
        let path = TreePath::parse(file.trim_start_matches('/'))
            .map_err(|source| ChartError::Path { path: file.clone(), source })?;
        let content = match tree.read(&path) {
            Err(TreeError::NotFound { .. }) if spec.ignore_missing_values_files => continue,
            content => content.map_err(|source| ChartError::NoValuesFile { path: file.clone(), source })?,
        };
        merged.merge_file(file, &content)?;
        found.push(file.clone());
    }
    if !found.is_empty() {
        chart.values = merged.as_map().clone();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use belay_filetree::MemoryTree;
    use serde_json::json;

    const REVISION: &str = "main@sha1:0123456789abcdef0123";

    fn tree() -> MemoryTree {
        MemoryTree::of([
            ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\n"),
            ("charts/web/values.yaml", "a: 1\nb: 2\n"),
            ("prod.yaml", "b: 3\n"),
        ])
    }

    fn run(spec: Value) -> Result<BuiltChart, ChartError> {
        build(&tree(), &HelmChartSpec::read(spec).unwrap(), REVISION, 7)
    }

    #[test]
    fn a_version_gets_a_suffix_when_more_than_it_may_change() {
        for (spec, version) in [
            (json!({"chart": "./charts/web"}), "1.2.3"),
            (json!({"chart": "charts/web", "valuesFiles": ["values.yaml"]}), "1.2.3"),
            (json!({"chart": "charts/web", "reconcileStrategy": "Revision"}), "1.2.3+0123456789ab"),
            (json!({"chart": "charts/web", "valuesFiles": ["prod.yaml"]}), "1.2.3+7"),
            (
                json!({"chart": "charts/web", "reconcileStrategy": "Revision", "valuesFiles": ["prod.yaml"]}),
                "1.2.3+0123456789ab.7",
            ),
        ] {
            assert_eq!(run(spec.clone()).unwrap().version(), version, "{spec}");
        }
    }

    #[test]
    fn values_files_replace_the_defaults() {
        let files = json!(["charts/web/values.yaml", "gone.yaml", "prod.yaml"]);
        let spec = |ignore: bool| json!({"chart": "charts/web", "valuesFiles": files, "ignoreMissingValuesFiles": ignore});
        assert_eq!(run(spec(false)).unwrap_err().reason(), "ValuesFilesError");
        let built = run(spec(true)).unwrap();
        assert_eq!(Value::Object(built.chart.values.clone()), json!({"a": 1.0, "b": 3.0}));
        assert_eq!(
            built.summary(),
            "packaged 'web' chart with version '1.2.3+7' and merged values files \
             [charts/web/values.yaml prod.yaml]"
        );
    }

    #[test]
    fn a_package_holds_the_version_and_values_of_the_build() {
        let built = run(json!({"chart": "charts/web", "valuesFiles": ["prod.yaml"]})).unwrap();
        let unpacked = built.unpacked(&built.package().unwrap()).unwrap();
        assert_eq!((unpacked.name(), unpacked.version()), ("web", "1.2.3+7"));
        assert_eq!(unpacked.chart.values, built.chart.values);
        assert_eq!(built.package().unwrap(), built.package().unwrap());
    }

    #[test]
    fn what_is_no_chart_is_named() {
        assert_eq!(run(json!({"chart": "charts"})).unwrap_err().reason(), "InvalidChartReference");
        assert_eq!(run(json!({"chart": "../x"})).unwrap_err().reason(), "InvalidChartReference");
    }
}
