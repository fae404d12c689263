//! Coalescing: the user's values over the chart's, down through its subcharts, globals spread.
//!
//! Maps are shared as Helm's are: a map below `global` that a subchart extends is the parent's too.

use belay_gotemplate::{Map, Value, sprintf};

use crate::graph::{ChartId, Graph};
use crate::quote::quote;
use crate::values::convert::print;

/// Where globals stand in every chart's values.
pub(crate) const GLOBAL: &str = "global";

/// The values of a subchart are no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type mismatch on {chart}: {shown}")]
pub struct TypeMismatch {
    /// The subchart.
    pub chart: String,
    /// What stands there, as Go prints it.
    shown: String,
}

/// Whether nulls delete what they stand over, or are kept for a later pass that will.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    Delete,
    Keep,
}

/// Merges the values over those of the chart and its subcharts. The argument is left as it is.
pub(crate) fn coalesce_values(
    graph: &Graph,
    chart: ChartId,
    values: &Map,
    nulls: Nulls,
    warnings: &mut Vec<String>,
) -> Result<Map, TypeMismatch> {
    let copy = deep_copy_map(values);
    Coalesce { graph, warnings }.chart(chart, &copy, "", nulls)?;
    Ok(copy)
}

/// Merges two tables, the first of which wins.
pub(crate) fn coalesce_tables(destination: &Map, source: &Map, nulls: Nulls, warnings: &mut Vec<String>) {
    tables(destination, source, "", nulls, warnings);
}

/// A copy that shares nothing with the original.
pub(crate) fn deep_copy(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_copy_map(map)),
        Value::List(list) => Value::list(list.items().iter().map(deep_copy).collect()),
        other => other.clone(),
    }
}

pub(crate) fn deep_copy_map(map: &Map) -> Map {
    map.entries().into_iter().map(|(key, value)| (key, deep_copy(&value))).collect()
}

struct Coalesce<'a> {
    graph: &'a Graph,
    warnings: &'a mut Vec<String>,
}

impl Coalesce<'_> {
    fn chart(
        &mut self,
        chart: ChartId,
        values: &Map,
        prefix: &str,
        nulls: Nulls,
    ) -> Result<(), TypeMismatch> {
        self.own_values(chart, values, prefix, nulls);
        self.dependencies(chart, values, prefix, nulls)
    }

    fn dependencies(
        &mut self,
        chart: ChartId,
        values: &Map,
        prefix: &str,
        nulls: Nulls,
    ) -> Result<(), TypeMismatch> {
        let prefix = concat_prefix(prefix, &self.graph.name(chart));
        for subchart in self.graph.dependencies(chart) {
            let name = self.graph.name(*subchart);
            let table = match values.get(&name) {
                None => {
                    let table = Map::new();
                    values.insert(name.as_str(), table.clone());
                    table
                }
                Some(Value::Map(table)) => table,
                Some(other) => return Err(TypeMismatch { chart: name, shown: wrong_verb(&other) }),
            };
            self.globals(&table, values);
            self.chart(*subchart, &table, &prefix, nulls)?;
        }
        Ok(())
    }

    /// Copies the parent's globals into the subchart's.
    fn globals(&mut self, destination: &Map, source: &Map) {
        let to = match destination.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(_) => {
                self.warn("warning: skipping globals because destination global is not a table.");
                return;
            }
        };
        let from = match source.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(_) => {
                self.warn("warning: skipping globals because source global is not a table.");
                return;
            }
        };
        for (key, value) in from.entries() {
            let shown = key.to_str().into_owned();
            match (value, to.get(&*key)) {
                (Value::Map(table), None) => to.insert(key, shallow_copy(&table)),
                (Value::Map(table), Some(Value::Map(existing))) => {
                    let copy = shallow_copy(&table);
                    tables(&copy, &existing, &shown, Nulls::Keep, self.warnings);
                    to.insert(key, copy);
                }
                (Value::Map(_), Some(_)) => {
                    let quoted = quote(&shown);
                    self.warn(&format!("Conflict: cannot merge map onto non-map for {quoted}. Skipping."));
                }
                (_, Some(Value::Map(_))) => self.warn(&format!("key {shown} is table. Skipping")),
                (value, _) => to.insert(key, value),
            }
        }
        destination.insert(GLOBAL, to);
    }

    /// Puts the chart's own values below those given.
    fn own_values(&mut self, chart: ChartId, values: &Map, prefix: &str, nulls: Nulls) {
        let prefix = concat_prefix(prefix, &self.graph.name(chart));
        for (key, default) in deep_copy_map(self.graph.values(chart)).entries() {
            let shown = key.to_str().into_owned();
            match values.get(&*key) {
                None => self.take_default(values, &key, default, nulls),
                Some(Value::Nil) if nulls == Nulls::Delete => {
                    values.remove(&*key);
                }
                Some(Value::Map(table)) => match default {
                    Value::Map(defaults) => {
                        let nulls = if self.is_subchart(chart, &shown) { Nulls::Keep } else { nulls };
                        if nulls == Nulls::Delete {
                            clean_nulls(&defaults);
                        }
                        tables(&table, &defaults, &concat_prefix(&prefix, &shown), nulls, self.warnings);
                    }
                    Value::Nil => {}
                    _ => self.warn(&format!("warning: skipped value for {prefix}.{shown}: Not a table.")),
                },
                Some(_) => {}
            }
        }
    }

    fn take_default(&self, values: &Map, key: &belay_gotemplate::Text, default: Value, nulls: Nulls) {
        if nulls == Nulls::Delete {
            match &default {
                Value::Nil => return,
                Value::Map(table) => clean_nulls(table),
                _ => {}
            }
        }
        values.insert(key.clone(), default);
    }

    fn is_subchart(&self, chart: ChartId, name: &str) -> bool {
        self.graph.dependencies(chart).iter().any(|subchart| self.graph.name(*subchart) == name)
    }

    fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }
}

fn concat_prefix(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn shallow_copy(map: &Map) -> Map {
    map.entries().into_iter().collect()
}

/// Merges `source` into `destination`, which wins.
fn tables(destination: &Map, source: &Map, prefix: &str, nulls: Nulls, warnings: &mut Vec<String>) {
    if destination.is_same(source) {
        return;
    }
    let set_in_source: Vec<_> =
        source.entries().into_iter().filter(|(_, value)| !value.is_nil()).map(|(key, _)| key).collect();
    for (key, value) in destination.entries() {
        if value.is_nil() {
            source.insert(key, Value::Nil);
        }
    }
    for (key, value) in source.entries() {
        let full_key = || concat_prefix(prefix, &key.to_str());
        match (destination.get(&*key), value) {
            (None, value) => destination.insert(key, value),
            // A null over a default deletes it; a null over nothing stays.
            (Some(Value::Nil), _) if nulls == Nulls::Delete && set_in_source.binary_search(&key).is_ok() => {
                destination.remove(&*key);
            }
            (Some(Value::Map(below)), Value::Map(table)) => {
                tables(&below, &table, &full_key(), nulls, warnings);
            }
            (Some(_), Value::Map(table)) => {
                let (key, shown) = (full_key(), print(&Value::Map(table)));
                warnings.push(format!("warning: cannot overwrite table with non table for {key} ({shown})"));
            }
            (Some(Value::Map(_)), value) if !value.is_nil() => {
                let (key, shown) = (full_key(), print(&value));
                warnings.push(format!(
                    "warning: destination for {key} is a table. Ignoring non-table value ({shown})"
                ));
            }
            _ => {}
        }
    }
}

/// What Go prints for a value that is no boolean where one was expected (`%t`).
fn wrong_verb(value: &Value) -> String {
    sprintf(b"%t", std::slice::from_ref(value)).to_str().into_owned()
}

/// Takes the nulls out of a chart's defaults, so that they do not hide globals.
fn clean_nulls(map: &Map) {
    for (key, value) in map.entries() {
        match value {
            Value::Nil => {
                map.remove(&*key);
            }
            Value::Map(table) => clean_nulls(&table),
            _ => {}
        }
    }
}
