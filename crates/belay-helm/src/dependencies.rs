//! Which subcharts take part (condition, tags, alias), and the values they give their parents.

use belay_gotemplate::{Map, Value, from_json_with_integers};
use serde_json::Value as Json;

use crate::chart::Dependency;
use crate::graph::{ChartId, Graph, TooManyCharts};
use crate::values::coalesce::{Nulls, TypeMismatch, coalesce_tables, coalesce_values, deep_copy_map};
use crate::values::convert::print;
use crate::version;

/// Why the dependencies of a chart cannot be worked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// The values of a subchart are no map.
    #[error(transparent)]
    Values(#[from] TypeMismatch),
    /// Aliases multiply the charts beyond reason.
    #[error(transparent)]
    TooMany(#[from] TooManyCharts),
}

/// Drops what is switched off, renames by alias, lifts imported values.
pub(crate) fn process(
    graph: &mut Graph,
    values: &Map,
    warnings: &mut Vec<String>,
) -> Result<(), DependencyError> {
    let mut process = Process { graph, warnings };
    process.enabled(Graph::ROOT, values, "")?;
    process.import_values_of_all(Graph::ROOT)
}

/// The names `Chart.yaml` asks for and `charts/` does not hold.
pub(crate) fn missing(chart: &crate::chart::Chart) -> Vec<&str> {
    let wanted = chart.metadata.dependencies.as_deref().unwrap_or_default();
    let absent = |dependency: &&Dependency| {
        !chart.dependencies.iter().any(|subchart| subchart.name() == dependency.name)
    };
    wanted.iter().filter(absent).map(|dependency| dependency.name.as_str()).collect()
}

struct Process<'a> {
    graph: &'a mut Graph,
    warnings: &'a mut Vec<String>,
}

impl Process<'_> {
    fn enabled(&mut self, chart: ChartId, values: &Map, path: &str) -> Result<(), DependencyError> {
        let metadata = self.graph.metadata(chart).clone();
        let Some(mut wanted) = metadata.borrow().dependencies.clone() else { return Ok(()) };
        let used = self.used_charts(chart, &mut wanted)?;
        self.graph.set_dependencies(chart, used);
        for dependency in &mut wanted {
            dependency.enabled = true;
        }
        let values = coalesce_values(self.graph, chart, values, Nulls::Delete, self.warnings)?;
        self.apply_tags(&mut wanted, &values);
        self.apply_conditions(&mut wanted, &values, path);
        let disabled: Vec<String> =
            wanted.iter().filter(|one| !one.enabled).map(|one| one.name.clone()).collect();
        let kept: Vec<ChartId> = self
            .graph
            .dependencies(chart)
            .iter()
            .copied()
            .filter(|subchart| !disabled.contains(&self.graph.name(*subchart)))
            .collect();
        wanted.retain(|dependency| !disabled.contains(&dependency.name));
        for subchart in &kept {
            let path = format!("{path}{}.", self.graph.name(*subchart));
            self.enabled(*subchart, &values, &path)?;
        }
        metadata.borrow_mut().dependencies = if wanted.is_empty() { None } else { Some(wanted) };
        self.graph.set_dependencies(chart, kept);
        Ok(())
    }

    /// The charts nobody asked for, which always take part, then those asked for under their names.
    fn used_charts(
        &mut self,
        chart: ChartId,
        wanted: &mut [Dependency],
    ) -> Result<Vec<ChartId>, TooManyCharts> {
        let present = self.graph.dependencies(chart).to_vec();
        let mut used: Vec<ChartId> = Vec::new();
        for subchart in &present {
            if !wanted.iter().any(|dependency| self.satisfies(*subchart, dependency)) {
                used.push(*subchart);
            }
        }
        for dependency in wanted {
            if let Some(subchart) = present.iter().find(|subchart| self.satisfies(**subchart, dependency)) {
                let copy = self.graph.copy_for_use(*subchart)?;
                if !dependency.alias.is_empty() {
                    self.graph.metadata(copy).borrow_mut().name.clone_from(&dependency.alias);
                }
                used.push(copy);
            }
            if !dependency.alias.is_empty() {
                dependency.name.clone_from(&dependency.alias);
            }
        }
        Ok(used)
    }

    fn satisfies(&self, subchart: ChartId, dependency: &Dependency) -> bool {
        let metadata = self.graph.metadata(subchart).borrow();
        metadata.name == dependency.name && version::satisfies(&dependency.version, &metadata.version)
    }

    fn apply_tags(&mut self, wanted: &mut [Dependency], values: &Map) {
        let Some(Value::Map(tags)) = values.get("tags") else { return };
        for dependency in wanted {
            let (mut on, mut off) = (false, false);
            for tag in &dependency.tags {
                match tags.get(tag) {
                    None => {}
                    Some(Value::Bool(true)) => on = true,
                    Some(Value::Bool(false)) => off = true,
                    Some(_) => self
                        .warnings
                        .push(format!("returned non-bool value tag={tag} chart={}", dependency.name)),
                }
            }
            dependency.enabled = on || !off;
        }
    }

    /// The first path that leads to a boolean decides.
    fn apply_conditions(&mut self, wanted: &mut [Dependency], values: &Map, path: &str) {
        for dependency in wanted {
            for condition in dependency.condition.trim().split(',').filter(|one| !one.is_empty()) {
                match path_value(values, &format!("{path}{condition}")) {
                    None => {}
                    Some(Value::Bool(enabled)) => {
                        dependency.enabled = enabled;
                        break;
                    }
                    Some(_) => self
                        .warnings
                        .push(format!("returned non-bool value path={condition} chart={}", dependency.name)),
                }
            }
        }
    }

    fn import_values_of_all(&mut self, chart: ChartId) -> Result<(), DependencyError> {
        for subchart in self.graph.dependencies(chart).to_vec() {
            self.import_values_of_all(subchart)?;
        }
        self.import_values(chart)
    }

    fn import_values(&mut self, chart: ChartId) -> Result<(), DependencyError> {
        let metadata = self.graph.metadata(chart).clone();
        let Some(mut dependencies) = metadata.borrow().dependencies.clone() else { return Ok(()) };
        let values = coalesce_values(self.graph, chart, &Map::new(), Nulls::Keep, self.warnings)?;
        let imported = Map::new();
        for dependency in &mut dependencies {
            let mut resolved = Vec::new();
            for import in std::mem::take(&mut dependency.import_values) {
                let Some((child, parent)) = import_paths(&import) else { continue };
                resolved.push(serde_json::json!({"child": child, "parent": parent}));
                match table(&values, &format!("{}.{child}", dependency.name)) {
                    Some(table) => {
                        let placed = place_at(&parent, table);
                        coalesce_tables(&imported, &placed, Nulls::Keep, self.warnings);
                    }
                    None => self.warnings.push(format!(
                        "ImportValues missing table from chart chart={} child={child}",
                        dependency.name
                    )),
                }
            }
            dependency.import_values = resolved;
        }
        metadata.borrow_mut().dependencies = Some(dependencies);
        // The parent's own values win over imported ones.
        let merged = deep_copy_map(&values);
        coalesce_tables(&merged, &imported, Nulls::Keep, self.warnings);
        self.graph.set_values(chart, merged);
        Ok(())
    }
}

/// Where an `import-values` entry takes its values from, and where they go.
fn import_paths(import: &Json) -> Option<(String, String)> {
    match import {
        Json::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        Json::Object(pair) => {
            let path = |key: &str| print(&pair.get(key).map_or(Value::Nil, from_json_with_integers));
            Some((path("child"), path("parent")))
        }
        _ => None,
    }
}

/// The table at a path of names.
pub(crate) fn table(values: &Map, path: &str) -> Option<Map> {
    let mut table = values.clone();
    for name in path.split('.') {
        table = match table.get(name) {
            Some(Value::Map(next)) => next,
            _ => return None,
        };
    }
    Some(table)
}

/// The value at a path of names, if it is no table.
fn path_value(values: &Map, path: &str) -> Option<Value> {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (table(values, parent)?, key),
        None => (values.clone(), path),
    };
    parent.get(key).filter(|value| !matches!(value, Value::Map(_)))
}

fn place_at(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.split('.').rev().fold(table, |inner, name| [(name, Value::Map(inner))].into_iter().collect())
}
