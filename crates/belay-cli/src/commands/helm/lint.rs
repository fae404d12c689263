//! `belay helm lint`

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_helm::{Finding, KubeVersion, LintOptions, LoadLimits, Severity, lint, unpack};

use super::MAX_FILE_BYTES;
use super::Printed;
use super::machine::{SystemClock, SystemRandom};
use super::settings::Settings;
use super::values::ValuesArguments;
use crate::disk_tree::whole_disk;
use crate::failure::Original;

/// Look for what is wrong with charts, as `helm lint` does.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Charts: folders or .tgz files.
    #[arg(required = true)]
    charts: Vec<String>,
    #[command(flatten)]
    values: ValuesArguments,
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
    /// Look at the charts in charts/ too.
    #[arg(long)]
    with_subcharts: bool,
    /// Print warnings and errors only.
    #[arg(long)]
    quiet: bool,
    /// Leave values.schema.json alone.
    #[arg(long)]
    skip_schema_validation: bool,
    /// The version of Kubernetes that charts are told.
    #[arg(long, default_value = "")]
    kube_version: String,
}

/// What `helm lint` prints.
pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<Printed, Original> {
    let mut options = LintOptions {
        namespace: settings.namespace(),
        skip_schema_validation: arguments.skip_schema_validation,
        clock: Some(Arc::new(SystemClock)),
        random: Some(Arc::new(SystemRandom)),
        ..LintOptions::default()
    };
    if !arguments.kube_version.is_empty() {
        let version = KubeVersion::parse(&arguments.kube_version);
        options.kube_version = Some(version.map_err(|error| Original::of(&error))?);
    }
    let mut charts = arguments.charts.clone();
    if arguments.with_subcharts {
        for chart in &arguments.charts {
            add_subcharts(&Path::new(chart).join("charts"), &mut charts);
        }
    }
    options.values = arguments.values.merge()?;
    let mut text = String::new();
    let (mut failed, mut noted) = (0, false);
    for chart in &charts {
        let result = lint_one(chart, &options);
        let lowest = if arguments.strict { Severity::Warning } else { Severity::Error };
        let (is_bad, is_noted) = match &result {
            Err(_) => (true, true),
            Ok(findings) => {
                let reach = |severity| findings.iter().any(|finding| finding.severity >= severity);
                (reach(lowest), reach(Severity::Warning))
            }
        };
        noted |= is_noted;
        failed += usize::from(is_bad);
        if !arguments.quiet || is_noted {
            text.push_str(&show(chart, &result, arguments.quiet));
        }
    }
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", charts.len());
    let mut error = None;
    if failed > 0 {
        error = Some(Original::new(summary));
    } else if !arguments.quiet || noted {
        text.push_str(&format!("{summary}\n"));
    }
    Ok(Printed { output: text.into_bytes(), warnings: Vec::new(), error })
}

fn show(chart: &str, result: &Result<Vec<Finding>, Original>, quiet: bool) -> String {
    let mut text = format!("==> Linting {chart}\n");
    match result {
        Err(error) => text.push_str(&format!("Error {error}\n")),
        Ok(findings) => {
            for finding in findings.iter().filter(|finding| !quiet || finding.severity > Severity::Info) {
                text.push_str(&format!("{finding}\n"));
            }
        }
    }
    text.push('\n');
    text
}

/// The charts below a folder, in the order of a walk.
fn add_subcharts(folder: &Path, charts: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let shown = entry.to_string_lossy();
        if entry.file_name().is_some_and(|name| name == "Chart.yaml") {
            charts.push(folder.to_string_lossy().into_owned());
        } else if shown.ends_with(".tgz") || shown.ends_with(".tar.gz") {
            charts.push(shown.into_owned());
        }
        if entry.is_dir() && !entry.is_symlink() {
            add_subcharts(&entry, charts);
        }
    }
}

fn lint_one(chart: &str, options: &LintOptions) -> Result<Vec<Finding>, Original> {
    let place = std::path::absolute(chart).map_err(|error| Original::of(&error))?;
    let mut options = options.clone();
    if chart.ends_with(".tgz") || chart.ends_with(".tar.gz") {
        let archive = fs::read(&place).map_err(|error| {
            let cause = Original::failed("open", Path::new(chart), &error);
            Original::new(format!("unable to open tarball: {cause}"))
        })?;
        let files = unpack(&archive, LoadLimits::of_command_line())
            .map_err(|error| Original::new(format!("unable to extract tarball: {}", Original::of(&error))))?;
        let mut tree = MemoryTree::new();
        let folder = TreePath::root().child("chart");
        for file in files {
            if let Ok(path) = folder.join(&file.name) {
                tree.insert(path, Kind::File, file.data);
            }
        }
        options.place = chart.to_owned();
        return Ok(lint(&tree, &folder, &options));
    }
    let chart_file = Path::new(chart).join("Chart.yaml");
    if let Err(error) = fs::metadata(&chart_file) {
        let cause = Original::failed("stat", &chart_file, &error);
        return Err(Original::new(format!("unable to check Chart.yaml file in chart: {cause}")));
    }
    let (tree, path) =
        whole_disk(&place, MAX_FILE_BYTES).map_err(|error| Original::failed("open", &place, &error))?;
    options.place = super::clean(&place);
    Ok(lint(&tree, &path, &options))
}
