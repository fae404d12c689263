//! Nodes to JSON, as `sigs.k8s.io/yaml.YAMLToJSON` (yaml.v2) and yaml.v3 decode them.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Number, Value};

use crate::composer::parse_first;
use crate::error::Error;
use crate::json::{format_float, quote};
use crate::node::{Alias, Content, Node, ParseOptions, Resolution, Style};
use crate::resolve::{Resolved, resolve_plain, resolve_tagged, short_tag};

/// Reads the first document of `text` as `sigs.k8s.io/yaml.YAMLToJSON` does.
///
/// Booleans of YAML 1.1 are booleans, keys become strings, the last of duplicate keys wins, and an
/// empty text is `null`. Floats without a fraction become integers, as they do in Go's JSON.
pub fn to_json(text: &str) -> Result<Value, Error> {
    to_json_with(text, &ParseOptions::default(), false)
}

/// Like [`to_json`], but duplicate keys are errors (`YAMLToJSONStrict`).
pub fn to_json_strict(text: &str) -> Result<Value, Error> {
    to_json_with(text, &ParseOptions::default(), true)
}

/// [`to_json`] under given limits and rules.
pub fn to_json_with(text: &str, options: &ParseOptions, strict: bool) -> Result<Value, Error> {
    match parse_first(text, options)? {
        None => Ok(Value::Null),
        Some(document) => document.root.to_json(options.resolution, strict),
    }
}

/// Decodes one node by the rules of yaml.v2 (see [`Node::to_json`]).
pub fn node_to_json(node: &Node, strict: bool) -> Result<Value, Error> {
    node.to_json(Resolution::V2, strict)
}

impl Node {
    /// Decodes the node and everything below it, aliases and merge keys expanded under Go's budget.
    ///
    /// `strict` makes duplicate keys errors under [`Resolution::V2`]; they always are under V3.
    pub fn to_json(&self, rules: Resolution, strict: bool) -> Result<Value, Error> {
        let mut decoder = Decoder {
            rules,
            strict,
            decoded: 0,
            decoded_in_aliases: 0,
            copied_bytes: 0,
            most_copied_bytes: MOST_COPIED_BYTES.max(10 * self.span().len()),
            open_aliases: Vec::new(),
            errors: Vec::new(),
            first_error_line: 0,
            unsupported_key: None,
            has_unsupported: false,
        };
        let value = decoder.value(self)?;
        if !decoder.errors.is_empty() {
            return Err(Error::unmarshal(decoder.first_error_line, &decoder.errors));
        }
        if let Some(error) = decoder.unsupported_key {
            return Err(error);
        }
        let unsupported = if decoder.has_unsupported { unsupported_value(&value) } else { None };
        match unsupported {
            Some(what) => Err(Error::bare(format!("json: {what}"))),
            None => Ok(value),
        }
    }
}

/// Most errors that are collected; each pair of equal keys is one to v3.
const MOST_ERRORS: usize = 1000;

/// Bytes of scalars that aliases may copy; ten times the document if that is more.
const MOST_COPIED_BYTES: usize = 16 << 20;

/// Up to here comparing keys with each other is quicker than hashing them.
const FEW_KEYS: usize = 16;

struct Decoder<'n> {
    rules: Resolution,
    strict: bool,
    decoded: usize,
    decoded_in_aliases: usize,
    copied_bytes: usize,
    most_copied_bytes: usize,
    open_aliases: Vec<&'n Node>,
    /// Errors that decoding collects and reports together.
    errors: Vec<String>,
    first_error_line: usize,
    /// A key JSON cannot have; Go finds it only after everything is decoded.
    unsupported_key: Option<Error>,
    has_unsupported: bool,
}

/// A mapping that is being filled, with what strict mode must know about its keys.
#[derive(Default)]
struct Entries {
    /// Whether a key is no text, which only v3 has.
    has_other_keys: bool,
    map: Map<String, Value>,
    seen: HashSet<Key>,
    /// Whether what is added now comes from a merge key (v3: without overriding).
    merging: bool,
}

/// A key as JSON names it and as Go prints it. Go keeps `1`, `1.0` and `"1"` apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    /// `None` for a text, which is shown in quotes.
    shown: Option<String>,
    is_float: bool,
}

impl Key {
    fn new(name: impl Into<String>, shown: impl Into<String>) -> Self {
        Self { name: name.into(), shown: Some(shown.into()), is_float: false }
    }

    fn text(name: String) -> Self {
        Self { name, shown: None, is_float: false }
    }

    fn shown(&self) -> String {
        self.shown.clone().unwrap_or_else(|| quote(&self.name))
    }
}

type Decode<T> = Result<T, Error>;

impl<'n> Decoder<'n> {
    fn value(&mut self, node: &'n Node) -> Decode<Value> {
        self.spend(node)?;
        match &node.content {
            Content::Scalar(text) => self.scalar(node, text),
            Content::Sequence(items) => {
                let items: Decode<Vec<Value>> = items.iter().map(|item| self.value(item)).collect();
                Ok(Value::Array(items?))
            }
            Content::Mapping(entries) => self.object(entries),
            Content::Alias(alias) => {
                let target = self.enter_alias(node, alias)?;
                let value = self.value(target);
                self.open_aliases.pop();
                value
            }
        }
    }

    fn object(&mut self, entries: &'n [(Node, Node)]) -> Decode<Value> {
        let map = Map::with_capacity(entries.len());
        let mut into = Entries { map, ..Entries::default() };
        self.mapping(entries, &mut into)?;
        if into.has_other_keys {
            self.has_unsupported = true;
            let kind = "unsupported type: map[interface {}]interface {}";
            return Ok(Value::String(format!("{UNSUPPORTED}{kind}")));
        }
        Ok(Value::Object(into.map))
    }

    /// The share of nodes that may come from aliases, which shrinks as the document grows: the
    /// rule Go's libraries stop billion laughs with. Go shares strings where we copy them, so the
    /// copied bytes have a budget too.
    fn spend(&mut self, node: &Node) -> Decode<()> {
        self.decoded += 1;
        if !self.open_aliases.is_empty() {
            self.decoded_in_aliases += 1;
            if let Content::Scalar(text) = &node.content {
                self.copied_bytes += text.len();
            }
        }
        if self.copied_bytes > self.most_copied_bytes {
            return Err(Error::plain("document contains excessive aliasing"));
        }
        let share = self.decoded_in_aliases as f64 / self.decoded as f64;
        if self.decoded_in_aliases > 100 && self.decoded > 1000 && share > allowed_alias_share(self.decoded) {
            return Err(Error::plain("document contains excessive aliasing"));
        }
        Ok(())
    }

    fn enter_alias(&mut self, node: &'n Node, alias: &'n Alias) -> Decode<&'n Node> {
        let open = self.open_aliases.iter().any(|other| std::ptr::eq(*other, node));
        let name = &alias.name;
        match &alias.target {
            Some(target) if !open => {
                self.open_aliases.push(node);
                Ok(target)
            }
            _ => Err(Error::plain(format!("anchor '{name}' value contains itself"))),
        }
    }

    fn scalar(&mut self, node: &Node, text: &str) -> Decode<Value> {
        Ok(match self.resolved(node, text)? {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => Value::Bool(value),
            Resolved::Int(value) => Value::from(value),
            Resolved::Uint(value) => Value::from(value),
            Resolved::Float(value) => self.float(value),
            Resolved::Str | Resolved::Foreign => Value::String(text.to_owned()),
            Resolved::Timestamp => Value::String(self.timestamp(text)),
            Resolved::Binary(bytes) => Value::String(replace_invalid(&bytes)),
        })
    }

    /// Infinity and NaN have no JSON; Go finds that last, when it writes what is left of the document.
    fn float(&mut self, value: f64) -> Value {
        match json_number(value) {
            Some(number) => Value::Number(number),
            None => {
                self.has_unsupported = true;
                let name = if value.is_nan() {
                    "NaN"
                } else if value > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                };
                Value::String(format!("{UNSUPPORTED}unsupported value: {name}"))
            }
        }
    }

    fn resolved(&self, node: &Node, text: &str) -> Decode<Resolved> {
        match node.tag() {
            None if node.style == Style::Plain => Ok(resolve_plain(text, self.rules)),
            None => Ok(Resolved::Str),
            // yaml.v3 drops a lone `!` and looks at the style, v2 reads it as a string.
            Some("!") if self.rules == Resolution::V3 => match node.style {
                Style::Plain => Ok(resolve_plain(text, self.rules)),
                _ => Ok(Resolved::Str),
            },
            Some(tag) => resolve_tagged(tag, text, self.rules),
        }
    }

    /// v2 hands timestamps on as they are written; v3 makes a `time.Time`, printed as RFC 3339.
    fn timestamp(&self, text: &str) -> String {
        match self.rules {
            Resolution::V2 => text.to_owned(),
            Resolution::V3 => crate::resolve::rfc3339(text).unwrap_or_else(|| text.to_owned()),
        }
    }

    // ---- mappings ----

    fn mapping(&mut self, entries: &'n [(Node, Node)], into: &mut Entries) -> Decode<()> {
        match self.rules {
            Resolution::V2 => self.mapping_v2(entries, into),
            Resolution::V3 => self.mapping_v3(entries, into),
        }
    }

    /// v2 merges where the `<<` stands, so that a later `<<` overrides earlier keys.
    fn mapping_v2(&mut self, entries: &'n [(Node, Node)], into: &mut Entries) -> Decode<()> {
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(value, into)?;
                continue;
            }
            let key = self.key(key, value)?;
            let line = value.line;
            let value = self.value(value)?;
            if self.strict && into.seen.contains(&key) {
                let message = format!("line {line}: key {} already set in map", key.shown());
                self.collect(line, message);
                continue;
            }
            if self.strict {
                into.map.insert(key.name.clone(), value);
                into.seen.insert(key);
            } else {
                into.map.insert(key.name, value);
            }
        }
        Ok(())
    }

    /// v3 refuses duplicates, and merges last, without overriding.
    fn mapping_v3(&mut self, entries: &'n [(Node, Node)], into: &mut Entries) -> Decode<()> {
        if self.duplicates_v3(entries) {
            return Ok(());
        }
        // Only what is merged later must not override, so only then keys are remembered.
        let remembers = into.merging || entries.iter().any(|(key, _)| is_merge(key));
        let mut merged = None;
        for (key, value) in entries {
            if !remembers && self.plain_entry(key, value, &mut into.map)? {
                continue;
            }
            if is_merge(key) {
                merged = Some(value);
                continue;
            }
            let names_string = self.is_string_key(key)?;
            let key = self.key(key, value)?;
            into.has_other_keys |= !names_string;
            if into.merging && into.seen.contains(&key) {
                continue;
            }
            let value = self.value(value)?;
            into.map.insert(key.name.clone(), value);
            into.seen.insert(key);
        }
        if let Some(value) = merged {
            let outer = std::mem::replace(&mut into.merging, true);
            self.merge(value, into)?;
            into.merging = outer;
        }
        Ok(())
    }

    /// Adds an entry whose key is a text, as most are.
    fn plain_entry(&mut self, key: &'n Node, value: &'n Node, map: &mut Map<String, Value>) -> Decode<bool> {
        let Content::Scalar(text) = &key.content else { return Ok(false) };
        if self.resolved(key, text)? != Resolved::Str {
            return Ok(false);
        }
        self.spend(key)?;
        map.insert(text.to_string(), self.value(value)?);
        Ok(true)
    }

    fn duplicates_v3(&mut self, entries: &'n [(Node, Node)]) -> bool {
        if are_few_and_different(entries) {
            return false;
        }
        let before = self.errors.len();
        let mut same: HashMap<(u8, &str), Vec<&Node>> = HashMap::new();
        for (key, _) in entries {
            same.entry(identity(key)).or_default().push(key);
        }
        if same.len() == entries.len() {
            return false;
        }
        for (key, _) in entries {
            let (_, text) = identity(key);
            let later = same[&identity(key)].iter().skip_while(|other| !std::ptr::eq(**other, key));
            for other in later.skip(1).take(MOST_ERRORS.saturating_sub(self.errors.len())) {
                let (line, first, name) = (other.line, key.line, quote(text));
                let message = format!("line {line}: mapping key {name} already defined at line {first}");
                self.collect(line, message);
            }
        }
        self.errors.len() > before
    }

    fn is_string_key(&self, key: &Node) -> Decode<bool> {
        match &key.resolved().content {
            Content::Scalar(text) => Ok(self.resolved(key.resolved(), text)? == Resolved::Str),
            _ => Ok(true),
        }
    }

    fn collect(&mut self, line: usize, message: String) {
        if self.errors.is_empty() {
            self.first_error_line = line;
        }
        self.errors.push(message);
    }

    fn key(&mut self, key: &'n Node, value: &'n Node) -> Decode<Key> {
        self.spend(key)?;
        match &key.content {
            Content::Scalar(text) => {
                let resolved = self.resolved(key, text)?;
                self.scalar_key(resolved, text, value)
            }
            Content::Alias(alias) => {
                let target = self.enter_alias(key, alias)?;
                let key = self.key(target, value);
                self.open_aliases.pop();
                key
            }
            Content::Sequence(_) | Content::Mapping(_) => {
                let decoded = self.value(key)?;
                let shown = go_syntax(&decoded, self.rules, true);
                Err(Error::plain(format!("invalid map key: {shown}")))
            }
        }
    }

    fn scalar_key(&mut self, resolved: Resolved, text: &str, value: &'n Node) -> Decode<Key> {
        let (kind, shown) = match resolved {
            Resolved::Bool(value) => return Ok(Key::new(value.to_string(), value.to_string())),
            Resolved::Int(value) => return Ok(Key::new(value.to_string(), value.to_string())),
            Resolved::Float(value) => {
                return Ok(Key { is_float: true, ..Key::new(float_key(value), format_float(value)) });
            }
            Resolved::Str | Resolved::Foreign => return Ok(Key::text(text.to_owned())),
            Resolved::Timestamp => return Ok(Key::text(self.timestamp(text))),
            Resolved::Binary(bytes) => return Ok(Key::text(replace_invalid(&bytes))),
            Resolved::Null => ("%!s(<nil>)", "<nil>".to_owned()),
            Resolved::Uint(value) => ("uint64", format!("{value:#x}")),
        };
        if self.rules == Resolution::V3 {
            return Ok(Key::new(shown.clone(), shown));
        }
        // The caller decodes the value again, and finds its errors again.
        let errors = self.errors.len();
        let value = self.value(value)?;
        self.errors.truncate(errors);
        let value = go_syntax(&value, self.rules, true);
        let message = format!("unsupported map key of type: {kind}, key: {shown}, value: {value}");
        self.unsupported_key = Some(Error::bare(message));
        Ok(Key::new(shown.clone(), shown))
    }

    // ---- merge keys ----

    fn merge(&mut self, node: &'n Node, into: &mut Entries) -> Decode<()> {
        match &node.content {
            Content::Mapping(_) | Content::Alias(_) => self.merge_one(node, into),
            Content::Sequence(items) => {
                // Earlier ones win: v2 lets them write last, v3 writes only what is missing.
                let items: Vec<&Node> = match self.rules {
                    Resolution::V2 => items.iter().rev().collect(),
                    Resolution::V3 => items.iter().collect(),
                };
                items.into_iter().try_for_each(|item| self.merge_one(item, into))
            }
            Content::Scalar(_) => Err(want_map()),
        }
    }

    fn merge_one(&mut self, node: &'n Node, into: &mut Entries) -> Decode<()> {
        self.spend(node)?;
        match &node.content {
            Content::Mapping(entries) => self.mapping(entries, into),
            Content::Alias(alias) => {
                let target = self.enter_alias(node, alias)?;
                let Content::Mapping(entries) = &target.content else {
                    return Err(want_map());
                };
                self.spend(target)?;
                let merged = self.mapping(entries, into);
                self.open_aliases.pop();
                merged
            }
            _ => Err(want_map()),
        }
    }
}

/// Whether there are so few keys that comparing them with each other is quickest, and no two agree.
fn are_few_and_different(entries: &[(Node, Node)]) -> bool {
    let differ = |(at, (key, _)): (usize, &(Node, Node))| {
        entries[..at].iter().all(|(other, _)| identity(other) != identity(key))
    };
    entries.len() <= FEW_KEYS && entries.iter().enumerate().all(differ)
}

/// What v3 compares keys by: their kind and text.
fn identity(key: &Node) -> (u8, &str) {
    match &key.content {
        Content::Scalar(text) => (0, text),
        Content::Alias(alias) => (1, &alias.name),
        Content::Sequence(_) => (2, ""),
        Content::Mapping(_) => (3, ""),
    }
}

fn want_map() -> Error {
    Error::plain("map merge requires map or sequence of maps as the value")
}

fn is_merge(key: &Node) -> bool {
    let Content::Scalar(text) = &key.content else {
        return false;
    };
    text == "<<"
        && match key.tag() {
            None => key.style == Style::Plain,
            Some("!") => true,
            Some(tag) => short_tag(tag) == "!!merge",
        }
}

fn allowed_alias_share(decoded: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let above = (decoded as f64 - LOW) / (HIGH - LOW);
    0.99 - 0.89 * above.clamp(0.0, 1.0)
}

/// The number Go's JSON prints for a float: whole ones lose their fraction.
fn json_number(value: f64) -> Option<Number> {
    // Larger ones have digits that JSON does not print.
    let whole = value.fract() == 0.0 && value.abs() < 1e15 && (value != 0.0 || value.is_sign_positive());
    if whole { Some(Number::from(value as i64)) } else { Number::from_f64(value) }
}

/// Stands before what Go says of a value that JSON cannot hold.
const UNSUPPORTED: &str = "\u{FFFF}belay: no JSON for ";

/// The first of those values in the order Go writes them.
fn unsupported_value(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => text.strip_prefix(UNSUPPORTED),
        Value::Array(items) => items.iter().find_map(unsupported_value),
        Value::Object(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            entries.into_iter().find_map(|(_, value)| unsupported_value(value))
        }
        _ => None,
    }
}

/// Float keys are printed with the precision of a `float32`.
fn float_key(value: f64) -> String {
    crate::json::format_float32(value as f32)
}

/// Invalid UTF-8 as Go's JSON writes it: one U+FFFD for each byte.
fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    text
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value, rules: Resolution, top: bool) -> String {
    match value {
        Value::Null if top => "<nil>".to_owned(),
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format_float(float),
            _ => number.to_string(),
        },
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| go_syntax(item, rules, false)).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| format!("{}:{}", quote(key), go_syntax(value, rules, false)))
                .collect();
            let key = match rules {
                Resolution::V2 => "interface {}",
                Resolution::V3 => "string",
            };
            format!("map[{key}]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}
