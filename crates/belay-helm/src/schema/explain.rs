//! Why a document does not fit a schema, as a tree of reasons.
//!
//! The order of the keywords, where a keyword ends the search, and the wording are those of
//! santhosh-tekuri/jsonschema v6, which Helm uses. Properties are looked at in the order of their
//! names, where that library's order is random.

use regex::Regex;
use serde_json::{Map, Value};

use super::{contains, format};
use crate::quote::quote;

/// References within references: a cycle that consumes nothing has no end.
const MAX_DEPTH: usize = 200;

/// The reasons, one a line, indented below what they explain. Empty if none is found.
pub(super) fn explain(schema: &Value, document: &Value) -> String {
    let explainer = Explainer { root: schema, draft: draft_of(schema) };
    let Some(reason) = explainer.check(schema, document, &Place::Root, 0) else { return String::new() };
    let mut text = String::new();
    let reasons = if reason.is_group { reason.causes } else { vec![reason] };
    for reason in &reasons {
        reason.print(0, &mut text);
    }
    text
}

fn draft_of(schema: &Value) -> u32 {
    let uri = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    [("draft-04", 4), ("draft-06", 6), ("draft-07", 7), ("2019-09", 2019)]
        .into_iter()
        .find(|(name, _)| uri.contains(name))
        .map_or(2020, |(_, draft)| draft)
}

/// Where in the document a schema is applied.
enum Place<'a> {
    Root,
    Below(&'a Place<'a>, &'a str),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Below(parent, token) => {
                format!("{}/{}", parent.pointer(), token.replace('~', "~0").replace('/', "~1"))
            }
        }
    }
}

/// Something that does not fit, and what lies behind it.
pub(super) struct Reason {
    place: String,
    text: String,
    causes: Vec<Reason>,
    /// Several reasons of one schema, without one of its own.
    is_group: bool,
    /// A reference; with a single cause it is not shown.
    is_reference: bool,
}

impl Reason {
    fn print(&self, indent: usize, text: &mut String) {
        let hidden = self.is_reference && self.causes.len() == 1;
        if !hidden {
            let place = quoted(&self.place);
            text.push_str(&format!("{}- at {place}: {}\n", "  ".repeat(indent), self.text));
        }
        for cause in &self.causes {
            cause.print(if hidden { indent } else { indent + 1 }, text);
        }
    }
}

struct Explainer<'a> {
    root: &'a Value,
    draft: u32,
}

/// The reasons found for one schema at one place.
pub(super) struct Found<'p> {
    place: &'p Place<'p>,
    reasons: Vec<Reason>,
}

impl Found<'_> {
    fn reason(&self, text: String) -> Reason {
        let place = self.place.pointer();
        Reason { place, text, causes: Vec::new(), is_group: false, is_reference: false }
    }

    pub(super) fn add(&mut self, text: String) {
        let reason = self.reason(text);
        self.reasons.push(reason);
    }

    pub(super) fn add_over(&mut self, text: String, causes: Vec<Reason>) {
        let reason = Reason { causes, ..self.reason(text) };
        self.reasons.push(reason);
    }

    fn finish(mut self) -> Option<Reason> {
        if self.reasons.len() < 2 {
            return self.reasons.pop();
        }
        let group = self.reason("validation failed".to_owned());
        Some(Reason { causes: self.reasons, is_group: true, ..group })
    }
}

impl<'a> Explainer<'a> {
    fn check(&self, schema: &'a Value, value: &Value, place: &Place<'_>, depth: usize) -> Option<Reason> {
        let mut found = Found { place, reasons: Vec::new() };
        let keywords = match schema {
            Value::Bool(false) => return Some(found.reason("false schema".to_owned())),
            Value::Object(keywords) if depth < MAX_DEPTH => keywords,
            _ => return None,
        };
        let whole = self.draft >= 2019 || !keywords.contains_key("$ref");
        if whole
            && let Some(text) = check_whole(keywords, value).or_else(|| self.check_format(keywords, value))
        {
            return Some(found.reason(text));
        }
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            found.reasons.extend(self.check_reference(reference, value, place, depth));
            if self.draft < 2019 {
                return found.finish();
            }
        }
        match value {
            Value::Object(object) => self.check_object(keywords, object, &mut found, depth),
            Value::Array(items) => self.check_array(keywords, items, &mut found, depth),
            Value::String(text) => check_text(keywords, text, &mut found),
            Value::Number(number) => check_number(keywords, number, &mut found),
            _ => {}
        }
        self.check_combined(keywords, value, &mut found, depth);
        found.finish()
    }

    /// From 2019 on a format is a remark.
    fn check_format(&self, keywords: &Map<String, Value>, value: &Value) -> Option<String> {
        let format = keywords.get("format").and_then(Value::as_str).filter(|_| self.draft < 2019)?;
        let text = value.as_str()?;
        let fault = format::fault(format, text)?;
        Some(format!("{} is not valid {format}: {fault}", quoted(text)))
    }

    fn check_reference(
        &self,
        reference: &str,
        value: &Value,
        place: &Place<'_>,
        depth: usize,
    ) -> Option<Reason> {
        let fragment = percent_decoded(reference.strip_prefix('#')?);
        let target = match self.root.pointer(&fragment) {
            Some(target) => target,
            None => anchored(self.root, self.draft, &fragment)?,
        };
        let reason = self.check(target, value, place, depth + 1)?;
        let causes = if reason.is_group { reason.causes } else { vec![reason] };
        Some(Reason {
            place: place.pointer(),
            text: "validation failed".to_owned(),
            causes,
            is_group: false,
            is_reference: true,
        })
    }

    fn check_object(
        &self,
        keywords: &'a Map<String, Value>,
        object: &Map<String, Value>,
        found: &mut Found<'_>,
        depth: usize,
    ) {
        let size = object.len() as u64;
        check_size(keywords, ("minProperties", "maxProperties"), size, found);
        let missing = missing(keywords.get("required"), object);
        if !missing.is_empty() {
            found.add(missing_text(&missing));
        }
        for (name, dependency) in entries(keywords, "dependencies") {
            match dependency {
                _ if !object.contains_key(name) => {}
                Value::Array(_) => check_dependent(name, dependency, object, found),
                schema => {
                    found.reasons.extend(self.check(schema, &object_value(object), found.place, depth + 1))
                }
            }
        }
        self.check_properties(keywords, object, found, depth);
        if let Some(schema) = keywords.get("propertyNames") {
            for name in sorted_keys(object) {
                if let Some(reason) =
                    self.check(schema, &Value::String(name.clone()), &Place::Root, depth + 1)
                {
                    let causes = if reason.is_group { reason.causes } else { vec![reason] };
                    found.add_over(format!("invalid propertyName {}", quoted(name)), causes);
                }
            }
        }
        for (name, schema) in entries(keywords, "dependentSchemas") {
            if object.contains_key(name) {
                found.reasons.extend(self.check(schema, &object_value(object), found.place, depth + 1));
            }
        }
        for (name, wanted) in entries(keywords, "dependentRequired") {
            if object.contains_key(name) {
                check_dependent(name, wanted, object, found);
            }
        }
    }

    fn check_properties(
        &self,
        keywords: &'a Map<String, Value>,
        object: &Map<String, Value>,
        found: &mut Found<'_>,
        depth: usize,
    ) {
        let patterns: Vec<(Regex, &Value)> = entries(keywords, "patternProperties")
            .filter_map(|(pattern, schema)| Some((Regex::new(pattern).ok()?, schema)))
            .collect();
        let mut additional = Vec::new();
        for name in sorted_keys(object) {
            let value = &object[name];
            let place = Place::Below(found.place, name);
            let mut schemas: Vec<&Value> = Vec::new();
            schemas.extend(keywords.get("properties").and_then(|properties| properties.get(name)));
            schemas
                .extend(patterns.iter().filter(|(regex, _)| regex.is_match(name)).map(|(_, schema)| *schema));
            if schemas.is_empty() {
                match keywords.get("additionalProperties") {
                    Some(Value::Bool(false)) => additional.push(name.as_str()),
                    Some(schema) => schemas.push(schema),
                    None => {}
                }
            }
            let reasons: Vec<Reason> = schemas
                .into_iter()
                .filter_map(|schema| self.check(schema, value, &place, depth + 1))
                .collect();
            found.reasons.extend(reasons);
        }
        if !additional.is_empty() {
            found.add(format!("additional properties {} not allowed", join_quoted(&additional)));
        }
    }

    fn check_array(
        &self,
        keywords: &'a Map<String, Value>,
        items: &[Value],
        found: &mut Found<'_>,
        depth: usize,
    ) {
        check_size(keywords, ("minItems", "maxItems"), items.len() as u64, found);
        if keywords.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some((first, second)) = duplicates(items)
        {
            found.add(format!("items at {} and {} are equal", grouped(first), grouped(second)));
        }
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = self.item_schema(keywords, index) {
                let name = index.to_string();
                let reason = self.check(schema, item, &Place::Below(found.place, &name), depth + 1);
                found.reasons.extend(reason);
            }
        }
        let tuple = keywords.get("items").and_then(Value::as_array).map(Vec::len);
        if let Some(tuple) = tuple
            && keywords.get("additionalItems") == Some(&Value::Bool(false))
            && items.len() > tuple
        {
            let count = grouped((items.len() - tuple) as u64);
            found.add(format!("last {count} additionalItem(s) not allowed"));
        }
        if let Some(schema) = keywords.get("contains") {
            let results = items.iter().enumerate().map(|(index, item)| {
                let name = index.to_string();
                self.check(schema, item, &Place::Below(found.place, &name), depth + 1)
            });
            contains::check(keywords, results.collect(), found);
        }
    }

    fn item_schema(&self, keywords: &'a Map<String, Value>, index: usize) -> Option<&'a Value> {
        let (tuple, rest) = if self.draft >= 2020 {
            (keywords.get("prefixItems"), keywords.get("items"))
        } else {
            match keywords.get("items") {
                tuple @ Some(Value::Array(_)) => (tuple, keywords.get("additionalItems")),
                all => (None, all),
            }
        };
        let in_tuple = tuple.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match in_tuple.get(index) {
            Some(schema) => Some(schema),
            // `additionalItems: false` has a reason of its own.
            None => rest.filter(|schema| schema.is_object() || self.draft >= 2020 || tuple.is_none()),
        }
    }

    fn check_combined(
        &self,
        keywords: &'a Map<String, Value>,
        value: &Value,
        found: &mut Found<'_>,
        depth: usize,
    ) {
        let place = found.place;
        let check = |schema: &'a Value| self.check(schema, value, place, depth + 1);
        if keywords.get("not").is_some_and(|schema| check(schema).is_none()) {
            found.add("'not' failed".to_owned());
        }
        let reasons: Vec<Reason> = schemas(keywords, "allOf").iter().filter_map(check).collect();
        if !reasons.is_empty() {
            found.add_over("'allOf' failed".to_owned(), reasons);
        }
        let alternatives = schemas(keywords, "anyOf");
        let reasons: Vec<Reason> = alternatives.iter().filter_map(check).collect();
        if !alternatives.is_empty() && reasons.len() == alternatives.len() {
            found.add_over("'anyOf' failed".to_owned(), reasons);
        }
        check_one_of(schemas(keywords, "oneOf").iter().map(check).collect(), found);
        if let Some(condition) = keywords.get("if") {
            let branch = if check(condition).is_none() { "then" } else { "else" };
            found.reasons.extend(keywords.get(branch).and_then(check));
        }
    }
}

/// The schema of that name.
fn anchored<'v>(schema: &'v Value, draft: u32, name: &str) -> Option<&'v Value> {
    match schema {
        Value::Object(keywords) => {
            let is_it = if draft >= 2019 {
                keywords.get("$anchor").and_then(Value::as_str) == Some(name)
            } else {
                let id = keywords.get("$id").and_then(Value::as_str);
                id.and_then(|id| id.strip_prefix('#')) == Some(name)
            };
            if is_it {
                return Some(schema);
            }
            keywords.values().find_map(|schema| anchored(schema, draft, name))
        }
        Value::Array(schemas) => schemas.iter().find_map(|schema| anchored(schema, draft, name)),
        _ => None,
    }
}

fn check_one_of(results: Vec<Option<Reason>>, found: &mut Found<'_>) {
    let matched: Vec<usize> =
        results.iter().enumerate().filter(|(_, result)| result.is_none()).map(|(index, _)| index).collect();
    match matched.as_slice() {
        [] if results.is_empty() => {}
        [] => {
            found.add_over("'oneOf' failed, none matched".to_owned(), results.into_iter().flatten().collect())
        }
        [first, second, ..] => found.add(format!("'oneOf' failed, subschemas {first}, {second} matched")),
        [_] => {}
    }
}

/// `type`, `const`, `enum`: when one of them fails, nothing else is looked at.
fn check_whole(keywords: &Map<String, Value>, value: &Value) -> Option<String> {
    let wanted: Vec<&str> = match keywords.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !wanted.is_empty() && !wanted.iter().any(|wanted| is_of_type(value, wanted)) {
        const ORDER: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];
        let names: Vec<&str> = ORDER.into_iter().filter(|name| wanted.contains(name)).collect();
        return Some(format!("got {}, want {}", type_of(value), names.join(" or ")));
    }
    if let Some(constant) = keywords.get("const")
        && !is_equal(constant, value)
    {
        return Some(match constant {
            Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
            plain => format!("value must be {}", shown(plain)),
        });
    }
    let allowed = keywords.get("enum").and_then(Value::as_array)?;
    if allowed.iter().any(|allowed| is_equal(allowed, value)) {
        return None;
    }
    if allowed.iter().any(|item| item.is_array() || item.is_object()) {
        return Some("'enum' failed".to_owned());
    }
    let texts: Vec<String> = allowed.iter().map(shown).collect();
    Some(match texts.as_slice() {
        [one] => format!("value must be {one}"),
        several => format!("value must be one of {}", several.join(", ")),
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_of_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => type_of(value) == other,
    }
}

/// Numbers are equal by their value, whatever their notation.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_equal(one, other)))
        }
        (one, other) => one == other,
    }
}

fn check_text(keywords: &Map<String, Value>, text: &str, found: &mut Found<'_>) {
    check_size(keywords, ("minLength", "maxLength"), text.chars().count() as u64, found);
    if let Some(pattern) = keywords.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
    {
        found.add(format!("{} does not match pattern {}", quoted(text), quoted(pattern)));
    }
}

fn check_number(keywords: &Map<String, Value>, number: &serde_json::Number, found: &mut Found<'_>) {
    let Some(got) = number.as_f64() else { return };
    let limit = |name: &str| keywords.get(name).and_then(Value::as_f64);
    let strict = |name: &str| keywords.get(name) == Some(&Value::Bool(true));
    let (minimum, maximum) = (limit("minimum"), limit("maximum"));
    let mut add = |name: &str, want: f64| {
        found.add(format!("{name}: got {}, want {}", grouped_float(got), grouped_float(want)));
    };
    // In draft 4 the exclusive keywords are flags beside the plain ones.
    if let Some(want) = minimum {
        if strict("exclusiveMinimum") {
            if got <= want {
                add("exclusiveMinimum", want);
            }
        } else if got < want {
            add("minimum", want);
        }
    }
    if let Some(want) = maximum {
        if strict("exclusiveMaximum") {
            if got >= want {
                add("exclusiveMaximum", want);
            }
        } else if got > want {
            add("maximum", want);
        }
    }
    if let Some(want) = limit("exclusiveMinimum").filter(|want| got <= *want) {
        add("exclusiveMinimum", want);
    }
    if let Some(want) = limit("exclusiveMaximum").filter(|want| got >= *want) {
        add("exclusiveMaximum", want);
    }
    if let Some(want) = limit("multipleOf").filter(|want| *want != 0.0 && (got / want).fract() != 0.0) {
        add("multipleOf", want);
    }
}

fn check_size(keywords: &Map<String, Value>, (least, most): (&str, &str), size: u64, found: &mut Found<'_>) {
    let limit = |name: &str| keywords.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "no document is that large")]
    let got = size as f64;
    if let Some(want) = limit(least).filter(|want| got < *want) {
        found.add(format!("{least}: got {}, want {}", grouped(size), grouped_float(want)));
    }
    if let Some(want) = limit(most).filter(|want| got > *want) {
        found.add(format!("{most}: got {}, want {}", grouped(size), grouped_float(want)));
    }
}

fn check_dependent(name: &str, wanted: &Value, object: &Map<String, Value>, found: &mut Found<'_>) {
    let missing = missing(Some(wanted), object);
    if !missing.is_empty() {
        found.add(format!("properties {} required, if {} exists", join_quoted(&missing), quoted(name)));
    }
}

fn missing<'v>(wanted: Option<&'v Value>, object: &Map<String, Value>) -> Vec<&'v str> {
    let names = wanted.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).filter(|name| !object.contains_key(*name)).collect()
}

fn missing_text(missing: &[&str]) -> String {
    let noun = if missing.len() == 1 { "property" } else { "properties" };
    format!("missing {noun} {}", join_quoted(missing))
}

fn duplicates(items: &[Value]) -> Option<(u64, u64)> {
    for (second, item) in items.iter().enumerate() {
        if let Some(first) = items[..second].iter().position(|earlier| is_equal(earlier, item)) {
            return Some((first as u64, second as u64));
        }
    }
    None
}

fn schemas<'v>(keywords: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    keywords.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn entries<'v>(
    keywords: &'v Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (&'v String, &'v Value)> {
    keywords.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn sorted_keys(object: &Map<String, Value>) -> Vec<&String> {
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort();
    keys
}

fn object_value(object: &Map<String, Value>) -> Value {
    Value::Object(object.clone())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// Text in single quotes, escaped as in double ones.
fn quoted(text: &str) -> String {
    let double = quote(text);
    let inner = &double[1..double.len() - 1];
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

fn join_quoted(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    texts.join(", ")
}

/// A whole number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn grouped_float(number: f64) -> String {
    let text = format!("{}", number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if number < 0.0 { "-" } else { "" };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, document: &Value, expected: &str) {
        assert_eq!(explain(schema, document), expected);
    }

    #[test]
    fn reasons_are_worded_as_helms() {
        check(&json!({"type": "object"}), &json!(1), "- at '': got number, want object\n");
        check(
            &json!({"required": ["a", "b"], "properties": {"p": {"maximum": 65535}}}),
            &json!({"p": 70000}),
            "- at '': missing properties 'a', 'b'\n- at '/p': maximum: got 70,000, want 65,535\n",
        );
        check(
            &json!({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}),
            &json!({"a": 1}),
            "- at '/a': 'anyOf' failed\n  - at '/a': got number, want string\n  - at '/a': got number, want null\n",
        );
        check(
            &json!({"properties": {"a": {"$ref": "#/definitions/x"}}, "definitions": {"x": {"enum": ["p", 2, null]}}}),
            &json!({"a": 1}),
            "- at '/a': value must be one of 'p', 2, <nil>\n",
        );
        check(
            &json!({"additionalProperties": false, "properties": {"a": {"pattern": "^x", "minLength": 3}}}),
            &json!({"a": "y", "b": 1}),
            "- at '/a': validation failed\n  - at '/a': minLength: got 1, want 3\n  \
             - at '/a': 'y' does not match pattern '^x'\n- at '': additional properties 'b' not allowed\n",
        );
    }
}
