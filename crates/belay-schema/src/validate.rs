//! Validation: custom resources against their schema, worded as the API server does; built-in kinds by `rules`.

mod formats;

pub(crate) use formats::compiled;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::errors::{FieldError, Reason};
use crate::kind::KindSchema;
use crate::values::equal;

/// Said when errors of the schema leave no sense in running rules.
const RULES_SKIPPED: &str = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/// What is wrong with an object. `old` is the object before an update.
///
/// A custom resource is checked by its schema and its rules; on update, what was wrong before and has not changed is
/// let through. Metadata is not looked at: see [`crate::metadata_errors`].
pub fn validate(kind: &KindSchema, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let Some(custom) = &kind.custom else { return crate::rules::check(kind, object, old) };
    let Some(schema) = &custom.schema else { return Vec::new() };
    let mut checker = Checker { errors: Vec::new(), weight: 0 };
    checker.value(schema, object, old, "");
    let mut errors = checker.errors;
    embedded_resources(schema, object, "", false, &mut errors);
    let mut duplicates = Vec::new();
    list_duplicates(schema, object, "", &mut duplicates);
    if let Some(old) = old {
        let mut before = Vec::new();
        list_duplicates(schema, old, "", &mut before);
        if !before.is_empty() {
            duplicates.clear();
        }
    }
    errors.extend(duplicates);
    if custom.rules.is_empty() {
        return errors;
    }
    if errors.iter().any(is_blocking) {
        errors.push(FieldError::invalid("<nil>", &Value::Null, RULES_SKIPPED));
    } else {
        errors.extend(custom.rules.check(object, old));
    }
    errors
}

/// What is wrong with a value by its schema alone; paths start at the value.
pub(crate) fn against_schema(schema: &Value, value: &Value) -> Vec<FieldError> {
    let mut checker = Checker { errors: Vec::new(), weight: 0 };
    checker.value(schema, value, None, "");
    checker.errors
}

fn is_blocking(error: &FieldError) -> bool {
    use Reason::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    matches!(error.reason, NotSupported | Required | TooLong | TooMany | TypeInvalid)
}

struct Checker {
    errors: Vec<FieldError>,
    /// How many checks passed: tells which alternative came closest.
    weight: usize,
}

impl Checker {
    fn value(&mut self, schema: &Value, value: &Value, old: Option<&Value>, path: &str) {
        if old.is_some_and(|old| equal(old, value)) {
            return;
        }
        let before = self.errors.len();
        self.type_of(schema, value, path);
        self.alternatives(schema, value, path);
        match value {
            Value::String(text) => self.string(schema, text, path),
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or_default(), value, path),
            Value::Array(items) => self.list(schema, items, old, path),
            Value::Object(object) => self.object(schema, object, old, path),
            Value::Bool(_) | Value::Null => {}
        }
        self.allowed(schema, value, path);
        if self.errors.len() == before {
            self.weight += 1;
        }
    }

    fn type_of(&mut self, schema: &Value, value: &Value, path: &str) {
        let types = schema_types(schema);
        if types.is_empty() {
            return;
        }
        let found = type_name(value);
        let is_nullable = schema.get("nullable") == Some(&Value::Bool(true));
        let fits = match value {
            Value::Null => is_nullable,
            Value::String(_)
                if schema.get("format").is_some()
                    && !types.contains(&"number")
                    && !types.contains(&"integer") =>
            {
                true
            }
            Value::Number(number) => {
                let is_whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
                types.contains(&found)
                    || types.contains(&"number")
                    || (is_whole && types.contains(&"integer"))
            }
            _ => types.contains(&found),
        };
        if !fits {
            let detail = format!("{}must be of type {}: {found:?}", in_body(path), types.join(","));
            self.errors.push(FieldError::type_invalid(shown(path), &json!(found), &detail));
        }
    }

    fn string(&mut self, schema: &Value, text: &str, path: &str) {
        let value = json!(text);
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(limit) = integer(schema, "maxLength").filter(|limit| length > *limit) {
            self.errors.push(FieldError::too_long(shown(path), limit));
        }
        if let Some(limit) = integer(schema, "minLength").filter(|limit| length < *limit) {
            self.invalid(path, &value, &format!("should be at least {limit} chars long"));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && !formats::matches(pattern, text)
        {
            self.invalid(path, &value, &format!("should match '{pattern}'"));
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !formats::is_valid(format, text)
        {
            let detail = format!("{}must be of type {format}: {text:?}", in_body(path));
            self.errors.push(FieldError::type_invalid(shown(path), &value, &detail));
        }
    }

    fn number(&mut self, schema: &Value, number: f64, value: &Value, path: &str) {
        let is_true = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        if let Some(factor) = limit("multipleOf").filter(|factor| *factor > 0.0)
            && (number / factor).fract() != 0.0
        {
            self.invalid(path, value, &format!("should be a multiple of {}", schema["multipleOf"]));
        }
        if let Some(maximum) = limit("maximum") {
            if is_true("exclusiveMaximum") && number >= maximum {
                self.invalid(path, value, &format!("should be less than {}", go_number(maximum)));
            } else if number > maximum {
                self.invalid(path, value, &format!("should be less than or equal to {}", go_number(maximum)));
            }
        }
        if let Some(minimum) = limit("minimum") {
            if is_true("exclusiveMinimum") && number <= minimum {
                self.invalid(path, value, &format!("should be greater than {}", go_number(minimum)));
            } else if number < minimum {
                self.invalid(
                    path,
                    value,
                    &format!("should be greater than or equal to {}", go_number(minimum)),
                );
            }
        }
    }

    fn list(&mut self, schema: &Value, items: &[Value], old: Option<&Value>, path: &str) {
        if let Some(element) = schema.get("items") {
            for (position, item) in items.iter().enumerate() {
                let before = same_item(schema, item, old);
                self.value(element, item, before, &format!("{path}[{position}]"));
            }
        }
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(limit) = integer(schema, "minItems").filter(|limit| count < *limit) {
            self.invalid(path, &json!(count), &format!("should have at least {limit} items"));
        }
        if let Some(limit) = integer(schema, "maxItems").filter(|limit| count > *limit) {
            self.errors.push(FieldError::too_many(shown(path), items.len(), limit));
        }
        let is_repeated =
            |(position, item): (usize, &Value)| items[..position].iter().any(|known| equal(known, item));
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) && items.iter().enumerate().any(is_repeated)
        {
            self.invalid(path, &Value::Array(items.to_vec()), "shouldn't contain duplicates");
        }
    }

    fn object(&mut self, schema: &Value, object: &Map<String, Value>, old: Option<&Value>, path: &str) {
        let count = i64::try_from(object.len()).unwrap_or(i64::MAX);
        if let Some(limit) = integer(schema, "minProperties").filter(|limit| count < *limit) {
            self.invalid(path, &json!(count), &format!("should have at least {limit} properties"));
        }
        if let Some(limit) = integer(schema, "maxProperties").filter(|limit| count > *limit) {
            self.errors.push(FieldError::too_many(shown(path), object.len(), limit));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties").filter(|additional| additional.is_object());
        for (name, value) in object {
            let declared = properties.and_then(|properties| properties.get(name)).or(additional);
            if let Some(declared) = declared {
                let before = old.and_then(|old| old.get(name));
                self.value(declared, value, before, &child(path, name));
            }
        }
        for name in
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !object.contains_key(name) {
                self.errors.push(FieldError::required(child(path, name), ""));
            }
        }
    }

    fn allowed(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(allowed) = schema.get("enum").and_then(Value::as_array) else { return };
        let is_nullable = value.is_null() && schema.get("nullable") == Some(&Value::Bool(true));
        if is_nullable || allowed.iter().any(|allowed| equal(allowed, value)) {
            return;
        }
        let texts: Vec<String> = allowed
            .iter()
            .map(|allowed| allowed.as_str().map_or_else(|| allowed.to_string(), str::to_owned))
            .collect();
        self.errors.push(FieldError::not_supported(shown(path), value, &texts));
    }

    /// `anyOf`, `oneOf`, `allOf`, `not`, each as the library that the API server uses reports it.
    fn alternatives(&mut self, schema: &Value, value: &Value, path: &str) {
        let branches = |key: &str| schema.get(key).and_then(Value::as_array).filter(|list| !list.is_empty());
        if value.is_null() {
            return;
        }
        if let Some(list) = branches("anyOf") {
            let tried: Vec<Self> = list.iter().map(|branch| try_branch(branch, value, path)).collect();
            if !tried.iter().any(|tried| tried.errors.is_empty()) {
                self.composite(path, "must validate at least one schema (anyOf)");
                self.errors.extend(closest(tried));
            }
        }
        if let Some(list) = branches("oneOf") {
            let tried: Vec<Self> = list.iter().map(|branch| try_branch(branch, value, path)).collect();
            match tried.iter().filter(|tried| tried.errors.is_empty()).count() {
                1 => {}
                0 => {
                    self.composite(path, "must validate one and only one schema (oneOf). Found none valid");
                    self.errors.extend(closest(tried));
                }
                several => {
                    let detail = format!(
                        "must validate one and only one schema (oneOf). Found {several} valid alternatives"
                    );
                    self.composite(path, &detail);
                }
            }
        }
        if let Some(list) = branches("allOf") {
            let mut valid = 0;
            for branch in list {
                let tried = try_branch(branch, value, path);
                valid += usize::from(tried.errors.is_empty());
                self.errors.extend(tried.errors);
            }
            if valid < list.len() {
                let none = if valid == 0 { ". None validated" } else { "" };
                self.composite(path, &format!("must validate all the schemas (allOf){none}"));
            }
        }
        if let Some(not) = schema.get("not")
            && try_branch(not, value, path).errors.is_empty()
        {
            self.composite(path, "must not validate the schema (not)");
        }
    }

    fn composite(&mut self, path: &str, detail: &str) {
        self.errors.push(FieldError::invalid("<nil>", &json!(""), &format!("{path:?} {detail}")));
    }

    fn invalid(&mut self, path: &str, value: &Value, detail: &str) {
        self.errors.push(FieldError::invalid(shown(path), value, &format!("{}{detail}", in_body(path))));
    }
}

fn try_branch(branch: &Value, value: &Value, path: &str) -> Checker {
    let mut checker = Checker { errors: Vec::new(), weight: 0 };
    checker.value(branch, value, None, path);
    checker
}

/// The errors of the alternative with most checks passed, the first among equals.
fn closest(tried: Vec<Checker>) -> Vec<FieldError> {
    let mut best: Option<Checker> = None;
    for candidate in tried {
        if best.as_ref().is_none_or(|best| candidate.weight > best.weight) {
            best = Some(candidate);
        }
    }
    best.map(|best| best.errors).unwrap_or_default()
}

fn schema_types(schema: &Value) -> Vec<&str> {
    if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        return vec!["integer", "string"];
    }
    schema.get("type").and_then(Value::as_str).into_iter().collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn integer(schema: &Value, key: &str) -> Option<i64> {
    let value = schema.get(key)?;
    value.as_i64().or_else(|| value.as_f64().map(|number| number.round() as i64))
}

/// A limit as Go prints a float: whole numbers without a point, large ones with an exponent.
fn go_number(number: f64) -> String {
    if number.fract() != 0.0 || number.abs() < 1e21 {
        if number.abs() >= 1e21 || (number.fract() == 0.0 && number.abs() >= 1e6) {
            return go_exponent(number);
        }
        return number.to_string();
    }
    go_exponent(number)
}

/// `%v` of a float64 of a million and more: `1e+06`.
fn go_exponent(number: f64) -> String {
    if number.abs() < 1e21 {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{mantissa}e+{exponent:0>2}"),
        None => text,
    }
}

fn in_body(path: &str) -> String {
    if path.is_empty() { " in body ".to_owned() } else { format!("{path} in body ") }
}

fn shown(path: &str) -> String {
    if path.is_empty() { "<nil>".to_owned() } else { path.to_owned() }
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The item of the old list with the same keys: only keyed lists can tell.
fn same_item<'v>(schema: &Value, item: &Value, old: Option<&'v Value>) -> Option<&'v Value> {
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array)?;
    let old = old?.as_array()?;
    old.iter().find(|candidate| {
        keys.iter().filter_map(Value::as_str).all(|key| match (candidate.get(key), item.get(key)) {
            (Some(left), Some(right)) => equal(left, right),
            (None, None) => true,
            _ => false,
        })
    })
}

/// Embedded resources name their kind.
fn embedded_resources(
    schema: &Value,
    value: &Value,
    path: &str,
    is_embedded: bool,
    into: &mut Vec<FieldError>,
) {
    match value {
        Value::Object(object) => {
            if is_embedded {
                for name in ["apiVersion", "kind"] {
                    if object.get(name).and_then(Value::as_str).unwrap_or_default().is_empty() {
                        into.push(FieldError::required(child(path, name), ""));
                    }
                }
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|additional| additional.is_object());
            for (name, value) in object {
                let declared = properties.and_then(|properties| properties.get(name));
                let (declared, path) = match (declared, additional) {
                    (Some(declared), _) => (declared, child(path, name)),
                    (None, Some(additional)) => (additional, format!("{path}[{name}]")),
                    (None, None) => continue,
                };
                embedded_resources(declared, value, &path, embeds(declared), into);
            }
        }
        Value::Array(items) => {
            let Some(element) = schema.get("items") else { return };
            for (position, item) in items.iter().enumerate() {
                embedded_resources(element, item, &format!("{path}[{position}]"), embeds(element), into);
            }
        }
        _ => {}
    }
}

fn embeds(schema: &Value) -> bool {
    schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true))
}

/// Sets hold a value once, keyed lists a key.
fn list_duplicates(schema: &Value, value: &Value, path: &str, into: &mut Vec<FieldError>) {
    match value {
        Value::Object(object) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|additional| additional.is_object());
            for (name, value) in object {
                if let Some(declared) = properties.and_then(|properties| properties.get(name)) {
                    list_duplicates(declared, value, &child(path, name), into);
                } else if let Some(additional) = additional {
                    list_duplicates(additional, value, &format!("{path}[{name}]"), into);
                }
            }
        }
        Value::Array(items) => {
            match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
                Some("set") => repeated(items, path, into),
                Some("map") => repeated(&keys_of(schema, items), path, into),
                _ => {}
            }
            let Some(element) = schema.get("items") else { return };
            for (position, item) in items.iter().enumerate() {
                list_duplicates(element, item, &format!("{path}[{position}]"), into);
            }
        }
        _ => {}
    }
}

fn keys_of(schema: &Value, items: &[Value]) -> Vec<Value> {
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
    let mut keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
    keys.sort_unstable();
    let key_of = |item: &Value| {
        let fields = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone())));
        Value::Object(fields.collect())
    };
    items.iter().map(key_of).collect()
}

/// The second of each kind is reported, no further ones.
fn repeated(items: &[Value], path: &str, into: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    let mut reported = HashSet::new();
    for (position, item) in items.iter().enumerate() {
        let text = item.to_string();
        if !seen.insert(text.clone()) && reported.insert(text) {
            into.push(FieldError::duplicate(format!("{path}[{position}]"), item));
        }
    }
}
