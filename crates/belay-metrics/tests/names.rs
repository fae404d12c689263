//! Names, types and labels are the originals', and what dashboards ask for is there.

use belay_metrics::{FAMILIES, Metrics, Type};

#[test]
fn families_that_the_originals_have_are_theirs() {
    let recorded: Vec<&str> =
        include_str!("originals.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let word = |is: Type| match is {
        Type::Counter => "counter",
        Type::Gauge => "gauge",
        Type::Histogram => "histogram",
    };
    let shared = FAMILIES.iter().filter(|family| !family.name.starts_with("belay_"));
    let ours: Vec<String> = shared
        .map(|family| format!("{} {} {}", family.name, word(family.is), family.labels.join(",")))
        .collect();
    assert_eq!(ours, recorded);
}

/// The names in a query that look like metrics.
fn names(query: &str) -> impl Iterator<Item = &str> {
    query.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')).filter(
        |word| {
            ["argocd_", "gotk_", "belay_", "controller_runtime_", "rest_client_"]
                .iter()
                .any(|start| word.starts_with(start))
        },
    )
}

fn queries<'a>(value: &'a serde_json::Value, into: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(map) => {
            if let Some(query) = map.get("expr").and_then(serde_json::Value::as_str) {
                into.push(query);
            }
            map.values().for_each(|value| queries(value, into));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| queries(value, into)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let dashboard = include_str!("../../../deploy/grafana/belay.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
    let mut all = Vec::new();
    queries(&dashboard, &mut all);
    assert!(all.len() >= 12, "{}", all.len());
    for query in all {
        let asked: Vec<&str> = names(query).collect();
        assert!(!asked.is_empty(), "{query}");
        for name in asked {
            let is_known = FAMILIES.iter().any(|family| {
                let parts = ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", family.name));
                match family.is {
                    Type::Histogram => parts.iter().any(|part| part == name),
                    Type::Counter | Type::Gauge => family.name == name,
                }
            });
            assert!(is_known, "{name} in {query}");
        }
    }
}

#[test]
fn values_of_labels_cannot_break_the_text() {
    let metrics = Metrics::new();
    metrics.git_request("https://git/a\"} 1\nargocd_app_info 7\\", "main", std::time::Duration::ZERO, false);
    let text = metrics.text(&[]);
    assert!(text.contains(r#"repo="https://git/a\"} 1\nargocd_app_info 7\\""#), "{text}");
    assert!(text.lines().all(|line| !line.starts_with("argocd_app_info")), "{text}");
}

#[test]
fn whether_a_repository_answers_is_told() {
    let metrics = Metrics::new();
    for (is_good, told) in [(true, 1), (false, 0), (true, 1)] {
        metrics.git_request("https://git/a", "main", std::time::Duration::ZERO, is_good);
        let line = format!("belay_repository_connection_status{{repo=\"https://git/a\"}} {told}");
        assert!(metrics.text(&[]).contains(&line), "{line}");
    }
}
