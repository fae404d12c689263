//! Tables, as `kubectl get` asks for them.

mod cells;
mod custom;

use serde_json::{Value, json};

use crate::request::{Query, Target};
use crate::resources::Column;

/// Objects as the rows of a Table.
pub(crate) fn of(target: &Target, objects: &[Value], metadata: Value, query: &Query) -> Value {
    let now = jiff::Timestamp::now();
    let declared = target.declared().map(|version| version.columns.clone()).unwrap_or_default();
    let is_known =
        target.definition.is_custom() || cells::knows(&target.definition.group, &target.definition.kind);
    let columns = if is_known && !declared.is_empty() { declared } else { plain_columns() };
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = if target.definition.is_custom() {
                custom::cells(&columns, object, now)
            } else if is_known {
                columns
                    .iter()
                    .map(|column| cells::of(&target.definition.kind, &column.name, object, now))
                    .collect()
            } else {
                vec![object["metadata"]["name"].clone(), object["metadata"]["creationTimestamp"].clone()]
            };
            let mut row = json!({ "cells": cells });
            match query.get("includeObject") {
                "None" => {}
                "Object" => row["object"] = object.clone(),
                _ => row["object"] = crate::read::partial(object),
            }
            row
        })
        .collect();
    let columns: Vec<Value> = columns
        .iter()
        .map(|column| {
            json!({ "name": column.name, "type": column.kind, "format": column.format,
                "description": column.description, "priority": column.priority })
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns, "rows": rows,
    })
}

/// What kinds without columns of their own show.
fn plain_columns() -> Vec<Column> {
    let column = |name: &str, kind: &str, format: &str| Column {
        name: name.into(),
        kind: kind.into(),
        format: format.into(),
        priority: 0,
        description: String::new(),
        json_path: None,
    };
    vec![column("Name", "string", "name"), column("Created At", "date", "")]
}

/// How long ago a time was, the way kubectl says it.
pub(crate) fn age(time: &str, now: jiff::Timestamp) -> String {
    let Ok(time) = time.parse::<jiff::Timestamp>() else { return "<unknown>".into() };
    let seconds = now.as_second() - time.as_second();
    duration(seconds)
}

/// A duration in at most two units.
pub(crate) fn duration(seconds: i64) -> String {
    let two = |large: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        i64::MIN..-1 => "<invalid>".into(),
        -1..1 => "0s".into(),
        1..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_as_in_kubectl() {
        for (seconds, text) in [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (121, "2m1s"),
            (180, "3m"),
            (3600, "60m"),
            (10_860, "3h1m"),
            (90_000, "25h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
