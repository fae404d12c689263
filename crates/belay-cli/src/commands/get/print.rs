//! Apps as tables, resources and names.

use belay_server::{AppRef, AppSummary, Sync};
use serde_json::{Value, json};

use super::Output;
use super::list::App;
use crate::inert::inert;

/// All rows; `alone` prints the one resource instead of a list of one.
pub(super) fn printed(rows: &[App], output: Output, alone: bool) -> anyhow::Result<String> {
    let objects: Vec<&Value> = rows.iter().map(|row| row.object.value()).collect();
    let whole = || match objects.as_slice() {
        [one] if alone => (*one).clone(),
        many => json!({"apiVersion": "v1", "kind": "List", "items": many}),
    };
    Ok(match output {
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&whole())?),
        Output::Yaml => belay_goyaml::to_yaml(&whole()),
        Output::Name => rows.iter().map(|row| format!("{}\n", name(&row.summary.app))).collect(),
        Output::Table | Output::Wide => Table::of(rows, output).text(),
    })
}

/// `app/web`.
pub(super) fn name(app: &AppRef) -> String {
    format!("{}/{}", app.kind.short(), app.name)
}

/// The lines of a table, the first with the headings.
pub(in crate::commands) struct Table {
    lines: Vec<Vec<String>>,
}

impl Table {
    /// A table of apps.
    pub(super) fn of(rows: &[App], output: Output) -> Table {
        let wide = output == Output::Wide;
        let mut headings = vec!["APP", "NAMESPACE", "SYNC", "HEALTH", "REVISION"];
        if wide {
            headings.extend(["SOURCE", "MESSAGE"]);
        }
        let headings = headings.into_iter().map(str::to_owned).collect();
        let lines = rows.iter().map(|row| cells(&row.summary, wide));
        Table { lines: std::iter::once(headings).chain(lines).collect() }
    }

    /// A table of anything.
    pub(in crate::commands) fn new(lines: Vec<Vec<String>>) -> Table {
        Table { lines }
    }

    /// The widths of the columns.
    pub(super) fn widths(&self) -> Vec<usize> {
        let columns = self.lines.first().map_or(0, Vec::len);
        let width = |column: usize| self.lines.iter().map(|line| line[column].chars().count()).max();
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }

    /// All lines, aligned.
    pub(in crate::commands) fn text(&self) -> String {
        let widths = self.widths();
        self.lines.iter().map(|line| aligned(line, &widths)).collect()
    }
}

/// One line; a cell that is wider than its column shifts the rest.
pub(super) fn aligned(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
    let line = padded.collect::<Vec<_>>().join("   ");
    format!("{}\n", inert(line.trim_end()))
}

/// The cells of an app's line.
pub(super) fn cells(app: &AppSummary, wide: bool) -> Vec<String> {
    let id = app.revision.as_ref().map(|revision| revision.id.as_str()).unwrap_or_default();
    let health = if app.suspended && app.health.as_str() != "Suspended" {
        format!("{} (suspended)", app.health.as_str())
    } else {
        app.health.as_str().to_owned()
    };
    let sync = match app.sync {
        _ if app.operation == "Deleting" => app.operation.clone(),
        _ if !app.operation.is_empty() => "Syncing".to_owned(),
        sync @ (Sync::Synced | Sync::OutOfSync | Sync::Unknown) => sync.as_str().to_owned(),
    };
    let mut cells = vec![name(&app.app), app.app.namespace.clone(), sync, health];
    if wide {
        let source = format!("{} {}", app.source.repository, app.source.path);
        let message = app.message.lines().next().unwrap_or_default();
        cells.extend([id.to_owned(), source.trim().to_owned(), message.to_owned()]);
    } else {
        cells.push(shortened(id));
    }
    cells
}

/// A commit by its first twelve characters; a version as it is.
fn shortened(revision: &str) -> String {
    let is_commit = revision.len() >= 40 && revision.chars().all(|letter| letter.is_ascii_hexdigit());
    if is_commit { revision.chars().take(12).collect() } else { revision.to_owned() }
}
