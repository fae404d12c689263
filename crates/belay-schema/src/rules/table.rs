//! `data/rules.txt`: the rules of single fields, by Go type.
//!
//! A line that starts at the margin names types; an indented one names fields and the words that hold for them, from
//! left to right. A text in quotes after `required` is its detail.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Checker, Object, child, is_set, words};

static RULES: LazyLock<HashMap<&'static str, Vec<Line>>> =
    LazyLock::new(|| read(include_str!("../../data/rules.txt")));

/// The rules of one field.
struct Line {
    field: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
enum Rule {
    Required(&'static str),
    /// Said even when the next rules say more.
    RequiredAlso(&'static str),
    /// A struct that may be empty but not missing.
    RequiredObject,
    /// A number that is not 0.
    RequiredNumber,
    /// Not empty where it is there at all.
    RequiredIfThere,
    /// The next rules hold for what is set.
    IfSet,
    /// The next rules hold for a missing text too, or a missing number.
    EmptyToo,
    ZeroToo,
    OneOf(Vec<&'static str>),
    AtLeast(i64, &'static str),
    Between(i64, i64),
    Word(fn(&str) -> words::Complaints),
    Unique(&'static str),
    Labels,
    Selector,
    FileMode,
    PortOrName,
}

/// Check the fields of one struct.
pub(super) fn check(checker: &mut Checker<'_>, name: &str, object: &Object, path: &str) {
    let (empty, zero) = (Value::from(""), Value::from(0));
    for line in RULES.get(name).into_iter().flatten() {
        let mut value = object.get(line.field).unwrap_or(&Value::Null);
        let path = child(path, line.field);
        for rule in &line.rules {
            match rule {
                Rule::EmptyToo if value.is_null() => value = &empty,
                Rule::ZeroToo if value.is_null() => value = &zero,
                _ => {}
            }
            if !holds(checker, rule, value, &path) {
                break;
            }
        }
    }
}

/// Check one rule; whether the next ones make sense.
fn holds(checker: &mut Checker<'_>, rule: &Rule, value: &Value, path: &str) -> bool {
    match (rule, value) {
        (Rule::Required(detail), value) => {
            if !is_set(value) {
                checker.required(path, detail);
            }
            return is_set(value);
        }
        (Rule::RequiredAlso(detail), value) if !is_set(value) => checker.required(path, detail),
        (Rule::RequiredObject, Value::Null) => {
            checker.required(path, "");
            return false;
        }
        (Rule::RequiredNumber, value) if value.as_i64().unwrap_or(0) == 0 => {
            checker.required(path, "");
            return false;
        }
        (Rule::RequiredIfThere, Value::String(given)) if given.is_empty() => {
            checker.required(path, "");
            return false;
        }
        (Rule::IfSet, value) => return is_set(value) && value.as_i64() != Some(0),
        (Rule::OneOf(supported), Value::String(given)) if !supported.contains(&given.as_str()) => {
            checker.unsupported(path, value, supported);
        }
        (Rule::OneOf(supported), Value::Array(items)) => {
            let unknown =
                items.iter().find(|item| !item.as_str().is_some_and(|given| supported.contains(&given)));
            if let Some(item) = unknown {
                checker.unsupported(path, item, supported);
            }
        }
        (Rule::AtLeast(least, said), Value::Number(given))
            if given.as_i64().is_some_and(|given| given < *least) =>
        {
            checker.invalid(path, value, said);
        }
        (Rule::Between(low, high), Value::Number(given))
            if given.as_i64().is_some_and(|given| given < *low || given > *high) =>
        {
            checker.invalid(path, value, &words::between(*low, *high));
        }
        (Rule::Word(word), Value::String(given)) => checker.complaints(path, given, word(given)),
        (Rule::Word(word), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let given = item.as_str().unwrap_or_default();
                checker.complaints(&format!("{path}[{index}]"), given, word(given));
            }
        }
        (Rule::Unique(key), Value::Array(items)) => unique(checker, key, items, path),
        (Rule::Labels, labels) => checker.labels(labels, path),
        (Rule::Selector, Value::Object(selector)) => super::metadata::selector(checker, selector, path),
        (Rule::FileMode, Value::Number(mode))
            if mode.as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) =>
        {
            checker.invalid(path, value, "must be a number between 0 and 0777 (octal), both inclusive");
        }
        (Rule::PortOrName, value) => port_or_name(checker, value, path),
        _ => {}
    }
    true
}

fn unique(checker: &mut Checker<'_>, key: &str, items: &[Value], path: &str) {
    let mut seen: Vec<&Value> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let (given, path) = if key.is_empty() {
            (item, format!("{path}[{index}]"))
        } else {
            (&item[key], format!("{path}[{index}].{key}"))
        };
        if !is_set(given) {
            continue;
        }
        if seen.contains(&given) {
            checker.duplicate(path, given);
        }
        seen.push(given);
    }
}

/// A port's number or name.
pub(super) fn port_or_name(checker: &mut Checker<'_>, value: &Value, path: &str) {
    match value {
        Value::String(name) => checker.complaints(path, name, words::port_name(name)),
        Value::Number(number) if number.as_i64().is_some_and(|port| !(1..=65535).contains(&port)) => {
            checker.invalid(path, value, &words::between(1, 65535));
        }
        _ => {}
    }
}

fn read(text: &'static str) -> HashMap<&'static str, Vec<Line>> {
    let mut rules: HashMap<&'static str, Vec<Line>> = HashMap::new();
    let mut types: Vec<&'static str> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            types = line.split_whitespace().collect();
            continue;
        }
        let (fields, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        for name in &types {
            for field in fields.split(',') {
                rules.entry(name).or_default().push(Line { field, rules: read_rules(rest) });
            }
        }
    }
    rules
}

fn read_rules(text: &'static str) -> Vec<Rule> {
    let (text, detail) = text.split_once('"').unwrap_or((text, ""));
    let detail = detail.trim_end().trim_end_matches('"');
    text.split_whitespace().flat_map(|word| read_rule(word, detail)).collect()
}

fn read_rule(word: &'static str, detail: &'static str) -> Vec<Rule> {
    let (name, argument) = word.split_once('=').unwrap_or((word, ""));
    for (ending, first) in [
        ("-if-set", Rule::IfSet),
        ("-if-there", Rule::RequiredIfThere),
        ("-always", Rule::EmptyToo),
        ("-number", Rule::ZeroToo),
    ] {
        if name == "required-number" {
            return vec![Rule::RequiredNumber];
        }
        if name == "required-if-there" {
            return vec![Rule::RequiredIfThere];
        }
        if let Some(name) = name.strip_suffix(ending) {
            return vec![first, one_rule(name, argument, detail)];
        }
    }
    vec![one_rule(name, argument, detail)]
}

fn one_rule(name: &str, argument: &'static str, detail: &'static str) -> Rule {
    let numbers = || {
        let (low, high) = argument.split_once("..").unwrap_or((argument, ""));
        (low.parse().unwrap_or(0), high.parse().unwrap_or(i64::MAX))
    };
    match name {
        "required" => Rule::Required(detail),
        "required-also" => Rule::RequiredAlso(detail),
        "required-object" => Rule::RequiredObject,
        "one-of" | "one-of-each" => Rule::OneOf(argument.split(',').collect()),
        "not-negative" => Rule::AtLeast(0, "must be greater than or equal to 0"),
        "positive" => Rule::AtLeast(1, "must be greater than 0"),
        "positive-said" => Rule::AtLeast(1, detail),
        "between" => Rule::Between(numbers().0, numbers().1),
        "port" => Rule::Between(1, 65535),
        "file-mode" => Rule::FileMode,
        "port-or-name" => Rule::PortOrName,
        "label" => Rule::Word(words::dns_label),
        "subdomain" => Rule::Word(words::subdomain),
        "qualified" => Rule::Word(words::qualified),
        "qualified-lower" => Rule::Word(words::qualified_lower),
        "path-segment" => Rule::Word(words::path_segment),
        "config-key" => Rule::Word(words::config_key),
        "environment-name" => Rule::Word(words::environment_name),
        "port-name" => Rule::Word(words::port_name),
        "address" => Rule::Word(words::address),
        "address-range" => Rule::Word(words::address_range),
        "file-path" => Rule::Word(words::file_path),
        "no-way-up" => Rule::Word(words::no_way_up),
        "unique" => Rule::Unique(argument),
        "labels" => Rule::Labels,
        "selector" => Rule::Selector,
        other => unreachable!("data/rules.txt has the unknown word {other}; a test reads the whole file"),
    }
}

#[cfg(test)]
mod tests {
    use crate::registry::Registry;

    /// Every type and field of the table exists.
    #[test]
    fn the_table_names_what_there_is() {
        let types = &Registry::builtin().kinds().next().expect("there are kinds").types;
        for (name, lines) in super::RULES.iter() {
            let declared = types.by_api_name(name).unwrap_or_else(|| panic!("no type {name}"));
            for line in lines {
                let map = declared.map.as_ref().expect("a struct");
                assert!(map.fields.contains_key(line.field), "{name} has no {}", line.field);
            }
        }
    }
}
