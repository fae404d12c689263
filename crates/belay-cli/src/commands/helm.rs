//! `belay helm`

mod cluster;
mod dependency;
mod dial;
mod download;
mod http;
mod jsonpath;
mod lint;
mod locate;
mod logging;
mod machine;
mod output_dir;
mod provenance;
mod repositories_file;
#[cfg(test)]
mod served;
mod settings;
mod show;
mod template;
#[cfg(test)]
mod tests;
mod values;

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use belay_filetree::TreePath;
use belay_helm::Chart;

use crate::deep::to_the_end;
use crate::disk_tree::{DiskTree, whole_disk};
use crate::failure::Original;
use crate::memory::MemoryArguments;

/// Helm's limit for an archive; a folder's files come together under the loader's own.
const MAX_FILE_BYTES: u64 = 100 << 20;

/// Render, lint and show charts as `helm` does.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: settings::Settings,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(subcommand)]
    command: Command,
}

/// The commands of Helm.
#[derive(clap::Subcommand)]
enum Command {
    #[command(disable_version_flag = true)]
    Template(Box<template::Arguments>),
    Lint(Box<lint::Arguments>),
    #[command(subcommand)]
    Show(show::Show),
    #[command(subcommand, visible_aliases = ["dep", "dependencies"])]
    Dependency(dependency::Command),
}

impl Command {
    /// What is being done, for an error that comes from outside of it.
    fn doing(&self) -> String {
        match self {
            Command::Template(arguments) => format!("rendering {}", arguments.chart()),
            Command::Lint(_) => "checking charts".to_owned(),
            Command::Show(_) | Command::Dependency(_) => "reading a chart".to_owned(),
        }
    }
}

/// Output that may be followed by an error.
struct Printed {
    output: Vec<u8>,
    warnings: Vec<String>,
    error: Option<Original>,
}

impl Printed {
    #[expect(clippy::print_stderr, reason = "standard output is for the objects")]
    fn print(self) -> anyhow::Result<()> {
        for warning in &self.warnings {
            eprintln!("level=WARN msg={warning:?}");
        }
        super::print_bytes(&self.output)?;
        self.error.map_or(Ok(()), |error| Err(error.into()))
    }
}

impl From<Vec<u8>> for Printed {
    fn from(output: Vec<u8>) -> Printed {
        Printed { output, warnings: Vec::new(), error: None }
    }
}

impl From<Original> for Printed {
    fn from(error: Original) -> Printed {
        Printed { output: Vec::new(), warnings: Vec::new(), error: Some(error) }
    }
}

/// Carries the command out.
#[expect(clippy::print_stderr, reason = "standard output is for the objects")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Infallible> {
    if let Command::Template(template) = &arguments.command {
        template.deprecations().iter().for_each(|line| eprintln!("{line}"));
    }
    let ceiling = arguments.memory.ceiling(&arguments.command.doing());
    to_the_end("the renderer", &ceiling, || {
        let printed = carry_out(arguments);
        ceiling.lift();
        printed.print()
    })
}

fn carry_out(arguments: &Arguments) -> Printed {
    let settings = &arguments.settings;
    if let Err(error) = settings.check() {
        return error.into();
    }
    match &arguments.command {
        Command::Template(arguments) => template::run(arguments, settings).unwrap_or_else(Printed::from),
        Command::Lint(arguments) => lint::run(arguments, settings).unwrap_or_else(Printed::from),
        Command::Dependency(command) => dependency::run(command, settings),
        Command::Show(what) => match show::run(what, settings) {
            Ok(output) => output.into(),
            Err(error) => error.into(),
        },
    }
}

/// The path without `.` and doubled separators.
fn clean(path: &Path) -> String {
    path.components().collect::<PathBuf>().to_string_lossy().into_owned()
}

/// The chart in a folder or an archive, to be looked at: whatever its `apiVersion`.
fn load_place(place: &Path) -> Result<Chart, Original> {
    let (tree, path) = tree_at(place)?;
    Chart::load_any_version(&tree, &path).map_err(|error| Original::of(&error))
}

/// The disk, and the chart's place in it.
fn tree_at(place: &Path) -> Result<(DiskTree, TreePath), Original> {
    let chart_file = place.join("Chart.yaml");
    if place.is_dir()
        && let Err(error) = fs::metadata(&chart_file)
    {
        let cause = Original::failed("open", &chart_file, &error);
        return Err(Original::new(format!("unable to detect chart at {}: {cause}", chart_file.display())));
    }
    whole_disk(place, MAX_FILE_BYTES).map_err(|error| Original::failed("open", place, &error))
}
