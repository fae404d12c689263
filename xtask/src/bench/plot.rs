//! `cargo xtask bench plot`: what an app costs as apps become more, from the results of W1, as a picture; and what
//! memory each app and each foreign object takes, from those of W1 and W6.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Which results, and where the picture goes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file of results.
    #[arg(long, default_value = "build/bench/results.jsonl")]
    results: PathBuf,
    /// The name of the runs.
    #[arg(long, default_value = "run")]
    label: String,
    /// Where the picture goes.
    #[arg(long, default_value = "build/bench/w1.svg")]
    svg: PathBuf,
}

/// Of Belay's legs with so many apps, or foreign objects: every leg's figure.
type Legs = BTreeMap<u64, Vec<f64>>;

/// Prints the figures and writes the picture.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let text = fs::read_to_string(&arguments.results)
        .with_context(|| format!("{}: no results", arguments.results.display()))?;
    let results: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let of = |workload: &str, by: &str, figure: &str| legs(&results, &arguments.label, workload, by, figure);
    let lines = [
        Line { name: "time", color: "#1f6feb", points: per_app(&of("W1", "apps", "wall")) },
        Line { name: "CPU of the engine", color: "#cf222e", points: per_app(&of("W1", "apps", "engineCpu")) },
        Line {
            name: "CPU of the API server",
            color: "#1a7f37",
            points: per_app(&of("W1", "apps", "serverCpu")),
        },
    ];
    ensure!(lines[0].points.len() > 1, "W1 with one number of apps is no line");
    crate::print("| apps | time an app | CPU of the engine | CPU of the API server |\n|---|---|---|---|");
    for (place, (apps, time)) in lines[0].points.iter().enumerate() {
        let [engine, server] = [&lines[1], &lines[2]].map(|line| line.points[place].1);
        crate::print(&format!("| {apps} | {time:.2} ms | {engine:.2} ms | {server:.2} ms |"));
    }
    tell_slope("an app", "W1", &of("W1", "apps", "peakMegabytes"));
    tell_slope("a foreign object", "W6", &of("W6", "foreign", "megabytes"));
    if let Some(folder) = arguments.svg.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&arguments.svg, picture(&lines))?;
    crate::print(&arguments.svg.display().to_string());
    Ok(())
}

fn legs(results: &[Value], label: &str, workload: &str, by: &str, figure: &str) -> Legs {
    let mut legs = Legs::new();
    for result in results {
        let key = &result["key"];
        if key["label"] != label || key["engine"] != "belay" {
            continue;
        }
        let costs = result["costs"].as_array().into_iter().flatten();
        // What begins where W1 ends has measured that, too.
        let mut found =
            costs.filter(|cost| cost["phase"] == workload).filter_map(|cost| cost["cost"][figure].as_f64());
        if let (Some(count), Some(found)) = (key[by].as_u64(), found.next_back()) {
            legs.entry(count).or_default().push(found);
        }
    }
    legs
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Seconds of all as milliseconds of each.
fn per_app(legs: &Legs) -> Vec<(u64, f64)> {
    legs.iter().map(|(apps, seconds)| (*apps, median(seconds) * 1000.0 / (*apps).max(1) as f64)).collect()
}

fn tell_slope(what: &str, workload: &str, legs: &Legs) {
    let points: Vec<(f64, f64)> =
        legs.iter().map(|(count, values)| (*count as f64, median(values))).collect();
    crate::print(&match slope(&points) {
        Some(megabytes) => format!("memory of {what}: {:.1} KB", megabytes * 1024.0),
        None => format!("memory of {what}: not known, {workload} was run with one number of them at most"),
    });
}

/// How much more there is of the second with each of the first, by least squares.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (left, right) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - left).powi(2)).sum();
    let common: f64 = points.iter().map(|point| (point.0 - left) * (point.1 - right)).sum();
    (points.len() > 1 && spread > 0.0).then(|| common / spread)
}

/// A line of the picture.
struct Line {
    name: &'static str,
    color: &'static str,
    points: Vec<(u64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// What is left around the axes.
const EDGE: f64 = 56.0;

/// Milliseconds an app by the number of apps, which double from mark to mark.
fn picture(lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| &line.points);
    let log = |apps: u64| (apps.max(1) as f64).log2();
    let first = all().map(|point| log(point.0)).fold(f64::INFINITY, f64::min);
    let last = all().map(|point| log(point.0)).fold(0.0, f64::max);
    let top = all().map(|point| point.1).fold(1.0, f64::max).ceil();
    let x = |apps: u64| EDGE + (log(apps) - first) / (last - first).max(1.0) * (WIDTH - 2.0 * EDGE);
    let y = |value: f64| HEIGHT - EDGE - value / top * (HEIGHT - 2.0 * EDGE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let mut text = |at: (f64, f64), anchor: &str, color: &str, text: &str| {
        // A String takes everything.
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"{color}\">{text}</text>",
            at.0, at.1
        );
    };
    for quarter in 0..=4 {
        let value = top * f64::from(quarter) / 4.0;
        text((EDGE - 8.0, y(value) + 4.0), "end", "black", &format!("{value:.1}"));
    }
    for (apps, _) in &lines[0].points {
        text((x(*apps), HEIGHT - EDGE + 18.0), "middle", "black", &apps.to_string());
    }
    text((WIDTH / 2.0, HEIGHT - 14.0), "middle", "black", "apps");
    text((EDGE, 20.0), "start", "black", "ms an app, installed at once");
    for (row, line) in lines.iter().enumerate() {
        text((WIDTH - EDGE, 20.0 + 16.0 * row as f64), "end", line.color, line.name);
    }
    for quarter in 0..=4 {
        let at = y(top * f64::from(quarter) / 4.0);
        let right = WIDTH - EDGE;
        let _ = writeln!(svg, "<path d=\"M{EDGE} {at:.1}H{right}\" stroke=\"#d0d7de\" fill=\"none\"/>");
    }
    for line in lines {
        let points: Vec<String> =
            line.points.iter().map(|(apps, value)| format!("{:.1},{:.1}", x(*apps), y(*value))).collect();
        let points = points.join(" ");
        let color = line.color;
        let _ = writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>"
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(workload: &str, apps: u64, pair: u64, wall: f64) -> Value {
        json!({"key": {"label": "run", "workload": workload, "engine": "belay", "apps": apps, "pair": pair},
            "costs": [{"phase": "W1", "cost": {"wall": wall, "engineCpu": wall / 2.0, "serverCpu": wall}}]})
    }

    #[test]
    fn figures_are_medians_of_legs_and_lines_are_drawn_by_them() {
        let other = json!({"key": {"label": "other", "engine": "belay", "apps": 250}, "costs": []});
        let results = [
            result("W1", 250, 0, 2.0),
            result("W2", 250, 0, 1.0),
            result("W1", 250, 1, 9.0),
            result("W1", 500, 0, 4.0),
            other,
        ];
        let legs = legs(&results, "run", "W1", "apps", "wall");
        assert_eq!(legs[&250], [2.0, 1.0, 9.0]);
        let points = per_app(&legs);
        assert_eq!(points, [(250, 8.0), (500, 8.0)]);
        let drawn = picture(&[Line { name: "time", color: "red", points }]);
        // As many milliseconds an app, so as high.
        assert!(drawn.contains("points=\"56.0,56.0 584.0,56.0\""), "{drawn}");
    }

    #[test]
    fn a_slope_needs_two_numbers() {
        let found = slope(&[(1000.0, 30.0), (2000.0, 50.0), (4000.0, 90.0)]);
        assert!(found.is_some_and(|found| (found - 0.02).abs() < 1e-9), "{found:?}");
        assert_eq!(slope(&[(1000.0, 30.0)]), None);
    }
}
