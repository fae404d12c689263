//! Who set a value: a file and line, a flag, a chart's default, or nobody.

use std::fmt;

use belay_gotemplate::{Path, Step};
use belay_goyaml::{Node, ParseOptions};
use serde_json::Value;

use super::{ChartScope, FieldStep};
use crate::values::{Values, ValuesFlags};

/// Values that the user gave at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// `-f`
    File {
        /// The file as the user named it.
        name: String,
        /// Its text.
        text: String,
    },
    /// `--set` or one of its relatives.
    Flag {
        /// The flag.
        flag: &'static str,
        /// What follows it.
        text: String,
    },
    /// Values that stand in a file of another kind, whose lines the caller knows.
    Inline(Value),
}

impl ValuesFlags {
    /// What the flags give, in the order in which Helm merges it. A file that cannot be read gives nothing.
    pub fn layers(&self, read: &dyn Fn(&str) -> Result<String, String>) -> Vec<Layer> {
        let file = |name: &String| {
            let text = read(name).unwrap_or_default();
            Layer::File { name: name.clone(), text }
        };
        let mut layers: Vec<Layer> = self.files.iter().map(file).collect();
        let flags = [
            ("--set-json", &self.set_json),
            ("--set", &self.set),
            ("--set-string", &self.set_string),
            ("--set-file", &self.set_file),
            ("--set-literal", &self.set_literal),
        ];
        for (flag, texts) in flags {
            layers.extend(texts.iter().map(|text| Layer::Flag { flag, text: text.clone() }));
        }
        layers
    }
}

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setter {
    /// A file of values.
    File {
        /// The file: as the user named it, or within the chart.
        file: String,
        /// The line of the key.
        line: usize,
    },
    /// A flag.
    Flag {
        /// The flag.
        flag: &'static str,
        /// What follows it.
        text: String,
    },
    /// [`Layer::Inline`]: the names and numbers of items that lead to the value.
    Inline(Vec<String>),
    /// Not a value: the release, the chart, its files, the cluster.
    Given(&'static str),
    /// Nobody: the template's own default holds.
    Nobody,
}

impl fmt::Display for Setter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setter::File { file, line } => write!(formatter, "{file}:{line}"),
            Setter::Flag { flag, text } => write!(formatter, "{flag} {text}"),
            Setter::Inline(_) => formatter.write_str("inline values"),
            Setter::Given(by) => formatter.write_str(by),
            Setter::Nobody => formatter.write_str("not set"),
        }
    }
}

/// A step into values.
#[derive(Clone, PartialEq)]
enum Part {
    Key(String),
    Index(usize),
}

/// The path as it is shown, and who set it. `chart` is the chart whose template read it; `field` is what became of it.
pub(super) fn find(
    charts: &[ChartScope],
    layers: &[Layer],
    chart: &str,
    path: &Path,
    field: &[FieldStep],
) -> (String, Setter) {
    let mut chart = chart.to_owned();
    let mut steps = path.0.as_slice();
    while let [Step::Key(subcharts), Step::Key(name), rest @ ..] = steps
        && &*subcharts.to_str() == "Subcharts"
    {
        chart = format!("{chart}/charts/{}", name.to_str());
        steps = rest;
    }
    let Some((Step::Key(first), rest)) = steps.split_first() else {
        return (path.to_string(), Setter::Nobody);
    };
    match &*first.to_str() {
        "Values" => {}
        "Release" => return (path.to_string(), Setter::Given("the release")),
        "Chart" => return (path.to_string(), Setter::Given("Chart.yaml")),
        "Capabilities" => return (path.to_string(), Setter::Given("the cluster's version and APIs")),
        "Files" => return (path.to_string(), Setter::Given("the chart's files")),
        "Template" => return (path.to_string(), Setter::Given("the template's place")),
        _ => return (path.to_string(), Setter::Nobody),
    }
    let parts: Vec<Part> = rest.iter().map(part).collect();
    let search = Search { charts, layers, chart: &chart };
    // A map that was written as a whole: the field says which key of it is meant.
    for end in 0..field.len() {
        let longer: Vec<Part> = parts.iter().cloned().chain(field[end..].iter().map(field_part)).collect();
        if let Some(setter) = search.setter(&longer) {
            return (format!("{path}{}", shown(&longer[parts.len()..])), setter);
        }
    }
    (path.to_string(), search.setter(&parts).unwrap_or(Setter::Nobody))
}

fn part(step: &Step) -> Part {
    match step {
        Step::Key(key) => Part::Key(key.to_str().into_owned()),
        Step::Index(index) => Part::Index(*index),
    }
}

fn field_part(step: &FieldStep) -> Part {
    match step {
        FieldStep::Key(key) => Part::Key(key.clone()),
        FieldStep::Index(index) => Part::Index(*index),
    }
}

fn shown(parts: &[Part]) -> String {
    let step = |part: &Part| match part {
        Part::Key(key) if key.contains(['.', '/', '-']) => format!("[{key:?}]"),
        Part::Key(key) => format!(".{key}"),
        Part::Index(index) => format!("[{index}]"),
    };
    parts.iter().map(step).collect()
}

/// The places where values of a chart are set, the strongest first.
struct Search<'a> {
    charts: &'a [ChartScope],
    layers: &'a [Layer],
    chart: &'a str,
}

impl Search<'_> {
    fn setter(&self, parts: &[Part]) -> Option<Setter> {
        // `app/charts/db/charts/disk` is `db.disk` to the user, and `disk` to `db`.
        let names: Vec<&str> = self.chart.split("/charts/").collect();
        let is_global = parts.first() == Some(&Part::Key("global".to_owned()));
        let below = |depth: usize| -> Vec<Part> {
            let names = names[depth + 1..].iter().map(|name| Part::Key((*name).to_owned()));
            names.chain(parts.iter().cloned()).collect()
        };
        let mut wanted = vec![below(0)];
        if is_global {
            // Globals of the parents win.
            wanted = (0..names.len()).rev().map(below).collect();
        }
        for layer in self.layers.iter().rev() {
            match wanted.iter().map(|parts| in_layer(layer, parts)).find(Look::ends) {
                Some(Look::Found(setter)) => return Some(setter),
                Some(_) => return None,
                None => {}
            }
        }
        for depth in 0..names.len() {
            let path = names[..=depth].join("/charts/");
            let values =
                self.charts.iter().find(|chart| chart.path == path).and_then(|chart| chart.values.as_ref());
            let Some(text) = values else { continue };
            let mut wanted = vec![below(depth)];
            if is_global {
                wanted.insert(0, parts.to_vec());
            }
            let file = format!("{path}/values.yaml");
            match wanted.iter().map(|parts| line_in(text, parts)).find(Look::ends) {
                Some(Look::Found(line)) => return Some(Setter::File { file, line }),
                Some(_) => return None,
                None => {}
            }
        }
        None
    }
}

/// What a layer says of a path.
enum Look<T> {
    /// It sets it.
    Found(T),
    /// It sets something above it that is no map: weaker layers do not count.
    Hidden,
    /// Nothing.
    Absent,
}

impl<T> Look<T> {
    fn ends(&self) -> bool {
        !matches!(self, Look::Absent)
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Look<U> {
        match self {
            Look::Found(found) => Look::Found(change(found)),
            Look::Hidden => Look::Hidden,
            Look::Absent => Look::Absent,
        }
    }
}

fn in_layer(layer: &Layer, parts: &[Part]) -> Look<Setter> {
    match layer {
        Layer::File { name, text } => {
            line_in(text, parts).map(|line| Setter::File { file: name.clone(), line })
        }
        Layer::Flag { flag, text } => {
            let mut values = Values::new();
            let read = match *flag {
                "--set-json" => values.set_json(text),
                "--set" => values.set(text),
                "--set-string" => values.set_string(text),
                "--set-file" => values.set_file(text, &|_| Ok(String::new())),
                _ => values.set_literal(text),
            };
            match read {
                Ok(()) => has(&Value::Object(values.as_map().clone()), parts)
                    .map(|()| Setter::Flag { flag, text: text.clone() }),
                Err(_) => Look::Absent,
            }
        }
        Layer::Inline(values) => has(values, parts).map(|()| Setter::Inline(names(parts))),
    }
}

fn names(parts: &[Part]) -> Vec<String> {
    let name = |part: &Part| match part {
        Part::Key(key) => key.clone(),
        Part::Index(index) => index.to_string(),
    };
    parts.iter().map(name).collect()
}

fn has(value: &Value, parts: &[Part]) -> Look<()> {
    let Some((first, rest)) = parts.split_first() else { return Look::Found(()) };
    let next = match first {
        Part::Key(key) => value.get(key),
        Part::Index(index) => value.get(index),
    };
    match next {
        Some(next) => has(next, rest),
        // A flag may set one item of a list and leave the others.
        None if value.is_object() || value.is_array() => Look::Absent,
        None => Look::Hidden,
    }
}

/// The line of the path's last step, in the last document that has it.
fn line_in(text: &str, parts: &[Part]) -> Look<usize> {
    let Ok(documents) = belay_goyaml::parse(text, &ParseOptions::default()) else { return Look::Absent };
    documents
        .iter()
        .rev()
        .map(|document| line_of(&document.root, parts))
        .find(Look::ends)
        .unwrap_or(Look::Absent)
}

fn line_of(root: &Node, parts: &[Part]) -> Look<usize> {
    let (mut node, mut line) = (root, root.line);
    for (depth, part) in parts.iter().enumerate() {
        match step_into(node, part) {
            Some(next) => (node, line) = next,
            None if depth > 0 && node.entries().is_none() => return Look::Hidden,
            None => return Look::Absent,
        }
    }
    Look::Found(line)
}

fn step_into<'n>(node: &'n Node, part: &Part) -> Option<(&'n Node, usize)> {
    match part {
        Part::Key(key) => {
            let fits = |entry: &&(Node, Node)| entry.0.as_str() == Some(key);
            let entries = node.entries()?;
            if let Some((key, value)) = entries.iter().rev().find(fits) {
                return Some((value, key.line));
            }
            let merged = entries.iter().find(|(key, _)| key.as_str() == Some("<<"))?;
            step_into(&merged.1, part)
        }
        Part::Index(index) => node.items()?.get(*index).map(|item| (item, item.line)),
    }
}
