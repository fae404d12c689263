//! What a template finds in a value, and how that is written.

use std::cmp::Ordering;

use serde_json::Value;

use super::Node;

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
enum Found<'a> {
    Value(&'a Value),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// What `range` looks at when a list holds a null.
    Nothing,
}

/// All that the template writes.
pub(super) fn execute(nodes: &[Node], value: &Value) -> Result<String, String> {
    let mut run = Run { text: String::new(), depth: 0 };
    run.block(nodes, &Found::Value(value), true)?;
    Ok(run.text)
}

struct Run {
    text: String,
    /// How many `range` are open.
    depth: usize,
}

impl Run {
    /// Writes the nodes up to the `end` of the block; how many of them there were.
    fn block(&mut self, nodes: &[Node], current: &Found<'_>, is_written: bool) -> Result<usize, String> {
        let mut position = 0;
        while let Some(node) = nodes.get(position) {
            position += 1;
            match word_of(node) {
                Some(("end", _)) if self.depth > 0 => return Ok(position),
                Some(("end", _)) => return Err("not in range, nothing to end".to_owned()),
                Some(("range", looked_at)) => {
                    let found = walk(vec![current.clone()], &Node::List(looked_at.to_vec()))?;
                    self.depth += 1;
                    let mut length = 0;
                    for one in &found {
                        let one = match one {
                            Found::Value(Value::Null) => &Found::Nothing,
                            one => one,
                        };
                        length = self.block(&nodes[position..], one, is_written)?;
                    }
                    if found.is_empty() {
                        length = self.block(&nodes[position..], &Found::Nothing, false)?;
                    }
                    self.depth -= 1;
                    position += length;
                }
                _ => {
                    let found = walk(vec![current.clone()], node)?;
                    if is_written {
                        self.write(&found);
                    }
                }
            }
        }
        Ok(position)
    }

    fn write(&mut self, found: &[Found<'_>]) {
        let texts: Vec<String> = found.iter().map(text).collect();
        self.text.push_str(&texts.join(" "));
    }
}

/// `range` or `end`, and what follows it.
fn word_of(node: &Node) -> Option<(&str, &[Node])> {
    match node {
        Node::List(nodes) => match nodes.split_first()? {
            (Node::Word(word), rest) => Some((word, rest)),
            _ => None,
        },
        _ => None,
    }
}

fn text(found: &Found<'_>) -> String {
    match found {
        Found::Text(text) => text.clone(),
        Found::Int(number) => number.to_string(),
        Found::Float(number) => belay_goyaml::format_float(*number),
        Found::Bool(is) => is.to_string(),
        Found::Nothing => "<no value>".to_owned(),
        Found::Value(Value::String(text)) => text.clone(),
        Found::Value(Value::Number(number)) => {
            belay_goyaml::format_float(number.as_f64().unwrap_or_default())
        }
        Found::Value(value) => belay_goyaml::to_go_json(value, true),
    }
}

fn walk<'a>(input: Vec<Found<'a>>, node: &Node) -> Result<Vec<Found<'a>>, String> {
    let all = |found: Found<'a>| Ok(vec![found; input.len()]);
    match node {
        Node::List(nodes) => nodes.iter().try_fold(input, walk),
        Node::Text(text) => Ok(vec![Found::Text(text.clone())]),
        Node::Int(number) => all(Found::Int(*number)),
        Node::Float(number) => all(Found::Float(*number)),
        Node::Bool(is) => all(Found::Bool(*is)),
        Node::Field(name) => field(&input, name),
        Node::Wildcard => Ok(input.iter().flat_map(children).map(Found::Value).collect()),
        Node::Recursive => {
            let mut found = Vec::new();
            for one in &input {
                add_below(one, &mut found);
            }
            Ok(found)
        }
        Node::Slice(parts, is_one) => slice(&input, *parts, *is_one),
        Node::Union(lists) => {
            let mut found = Vec::new();
            for list in lists {
                found.extend(walk(input.clone(), list)?);
            }
            Ok(found)
        }
        Node::Filter(left, operator, right) => filter(&input, left, operator, right),
        Node::Word(word) => Err(format!("unrecognized identifier {word}")),
    }
}

fn field<'a>(input: &[Found<'a>], name: &str) -> Result<Vec<Found<'a>>, String> {
    let of = |found: &Found<'a>| match found {
        Found::Value(Value::Object(map)) => map.get(name).map(Found::Value),
        _ => None,
    };
    let found: Vec<Found<'a>> = input.iter().filter_map(of).collect();
    if found.is_empty() && !input.is_empty() {
        return Err(format!("{name} is not found"));
    }
    Ok(found)
}

/// The values of a map, by their names, or of a list.
fn children<'a>(found: &Found<'a>) -> Vec<&'a Value> {
    match found {
        Found::Value(Value::Object(map)) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            entries.into_iter().map(|(_, value)| value).collect()
        }
        Found::Value(Value::Array(items)) => items.iter().collect(),
        _ => Vec::new(),
    }
}

/// Everything that has something in it, each before what is in it; a text has its letters.
fn add_below<'a>(one: &Found<'a>, found: &mut Vec<Found<'a>>) {
    if matches!(one, Found::Value(Value::String(text)) if !text.is_empty()) {
        found.push(one.clone());
        return;
    }
    let children = children(one);
    if !children.is_empty() {
        found.push(one.clone());
    }
    for child in children {
        add_below(&Found::Value(child), found);
    }
}

fn list<'a>(found: &Found<'a>) -> Result<&'a [Value], String> {
    match found {
        Found::Value(Value::Array(items)) => Ok(items),
        _ => Err("the value is not array or slice".to_owned()),
    }
}

fn slice<'a>(
    input: &[Found<'a>],
    [from, to, step]: [Option<i64>; 3],
    is_one: bool,
) -> Result<Vec<Found<'a>>, String> {
    let mut found = Vec::new();
    for one in input.iter().filter(|one| !matches!(one, Found::Value(Value::Null) | Found::Nothing)) {
        let items = list(one)?;
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let behind = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
        let start = behind(from.unwrap_or(0));
        let end = match to {
            None => length,
            // The one behind the last of all.
            Some(0) if is_one => length,
            Some(to) => behind(to),
        };
        if start == end {
            return Ok(found);
        }
        let wrong = |index: i64| Err(format!("array index out of bounds: index {index}, length {length}"));
        if start >= length || start < 0 {
            return wrong(start);
        }
        if end > length || end < 0 {
            return wrong(end - 1);
        }
        if start > end {
            return Err(format!("starting index {start} is greater than ending index {end}"));
        }
        let step = usize::try_from(step.unwrap_or(1)).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| "step must be > 0".to_owned())?;
        let (start, end) = (usize::try_from(start), usize::try_from(end));
        let items = &items[start.unwrap_or_default()..end.unwrap_or_default()];
        found.extend(items.iter().step_by(step).map(Found::Value));
    }
    Ok(found)
}

fn filter<'a>(
    input: &[Found<'a>],
    left: &Node,
    operator: &str,
    right: &Node,
) -> Result<Vec<Found<'a>>, String> {
    let mut found = Vec::new();
    for one in input {
        for item in list(one)? {
            let lefts = walk(vec![Found::Value(item)], left);
            if operator == "exists" {
                found.extend(lefts.is_ok_and(|lefts| !lefts.is_empty()).then_some(Found::Value(item)));
                continue;
            }
            let (Some(left), Some(right)) =
                (single(lefts?)?, single(walk(vec![Found::Value(item)], right)?)?)
            else {
                continue;
            };
            found.extend(holds(&left, operator, &right)?.then_some(Found::Value(item)));
        }
    }
    Ok(found)
}

fn single(found: Vec<Found<'_>>) -> Result<Option<Found<'_>>, String> {
    if found.len() > 1 {
        return Err("can only compare one element at a time".to_owned());
    }
    Ok(found.into_iter().next())
}

/// Go compares what is of one kind; numbers of values are never whole ones.
fn holds(left: &Found<'_>, operator: &str, right: &Found<'_>) -> Result<bool, String> {
    let plain = |found: &Found<'_>| match found {
        Found::Value(Value::String(text)) => Found::Text(text.clone()),
        Found::Value(Value::Number(number)) => Found::Float(number.as_f64().unwrap_or_default()),
        Found::Value(Value::Bool(is)) => Found::Bool(*is),
        Found::Value(_) => Found::Nothing,
        Found::Text(text) => Found::Text(text.clone()),
        Found::Int(number) => Found::Int(*number),
        Found::Float(number) => Found::Float(*number),
        Found::Bool(is) => Found::Bool(*is),
        Found::Nothing => Found::Nothing,
    };
    let order = match (plain(left), plain(right)) {
        (Found::Text(left), Found::Text(right)) => left.cmp(&right),
        (Found::Int(left), Found::Int(right)) => left.cmp(&right),
        (Found::Float(left), Found::Float(right)) => {
            left.partial_cmp(&right).ok_or_else(|| "incompatible types for comparison".to_owned())?
        }
        (Found::Bool(left), Found::Bool(right)) if matches!(operator, "==" | "!=") => left.cmp(&right),
        (Found::Nothing, _) | (_, Found::Nothing) | (Found::Bool(_), Found::Bool(_)) => {
            return Err("invalid type for comparison".to_owned());
        }
        _ => return Err("incompatible types for comparison".to_owned()),
    };
    match operator {
        "==" => Ok(order == Ordering::Equal),
        "!=" => Ok(order != Ordering::Equal),
        "<" => Ok(order == Ordering::Less),
        "<=" => Ok(order != Ordering::Greater),
        ">" => Ok(order == Ordering::Greater),
        ">=" => Ok(order != Ordering::Less),
        other => Err(format!("unrecognized filter operator {other}")),
    }
}
