//! What kstatus reads of an object, and what Go's libraries say where it has another type.

use serde_json::Value;

/// One of `status.conditions`; what is not there is empty.
#[derive(Debug, Default)]
pub(super) struct Condition<'a> {
    pub(super) type_: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// `status.conditions`.
pub(super) struct Conditions<'a>(Vec<Condition<'a>>);

impl<'a> Conditions<'a> {
    pub(super) fn of(object: &'a Value) -> Result<Conditions<'a>, String> {
        let status = match &object["status"] {
            Value::Null => return Ok(Conditions(Vec::new())),
            Value::Object(status) => status,
            other => return Err(format!("cannot restore struct from: {}", go_kind(other))),
        };
        match status.get("conditions") {
            None | Some(Value::Null) => Ok(Conditions(Vec::new())),
            Some(Value::Array(list)) => list.iter().map(condition).collect::<Result<_, _>>().map(Conditions),
            Some(other) => Err(format!("cannot restore slice from {}", go_kind(other))),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Condition<'a>> {
        self.0.iter()
    }

    pub(super) fn has(&self, type_: &str, status: &str) -> bool {
        self.iter().any(|condition| condition.type_ == type_ && condition.status == status)
    }
}

fn condition(value: &Value) -> Result<Condition<'_>, String> {
    if value.is_null() {
        return Ok(Condition::default());
    }
    if !value.is_object() {
        return Err(format!("cannot restore struct from: {}", go_kind(value)));
    }
    Ok(Condition {
        type_: field(value, "type", "string")?,
        status: field(value, "status", "v1.ConditionStatus")?,
        reason: field(value, "reason", "string")?,
        message: field(value, "message", "string")?,
    })
}

fn field<'a>(condition: &'a Value, name: &str, wanted: &str) -> Result<&'a str, String> {
    match &condition[name] {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_i64() => Err(format!("cannot convert int64 to {wanted}")),
        _ => Err("unrecognized type: string".to_owned()),
    }
}

/// A whole number; nothing where there is none.
pub(super) fn number(object: &Value, path: &str) -> Option<i64> {
    object.pointer(path).and_then(Value::as_i64)
}

/// A text; nothing where there is none.
pub(super) fn text<'a>(object: &'a Value, path: &str) -> Option<&'a str> {
    object.pointer(path).and_then(Value::as_str)
}

/// What is said where the generation has not been seen yet.
pub(super) fn generation_seen(object: &Value) -> Result<Option<String>, String> {
    let Some(generation) = number(object, "/metadata/generation") else { return Ok(None) };
    let found = seen_generation(object)
        .map_err(|error| format!("looking up status.observedGeneration from resource: {error}"))?;
    let kind = object["kind"].as_str().unwrap_or_default();
    Ok(found
        .filter(|seen| *seen != generation)
        .map(|seen| format!("{kind} generation is {generation}, but latest observed generation is {seen}")))
}

fn seen_generation(object: &Value) -> Result<Option<i64>, String> {
    let path = ".status.observedGeneration";
    let status = match &object["status"] {
        Value::Null => return Ok(None),
        Value::Object(status) => status,
        other => return Err(no_access(path, other, "map[string]interface{}")),
    };
    let Some(value) = status.get("observedGeneration") else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| no_access(path, value, "int64"))
}

/// The error of Go's accessors.
pub(super) fn no_access(path: &str, value: &Value, wanted: &str) -> String {
    let type_ = match value {
        Value::Null => "<nil>",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        other => go_kind(other),
    };
    format!("{path} accessor error: {} is of the type {type_}, expected {wanted}", go_text(value))
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// A value as Go's `%v` shows it.
fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut shown: Vec<_> = fields.iter().collect();
            shown.sort_by_key(|(name, _)| *name);
            let shown: Vec<_> =
                shown.into_iter().map(|(name, value)| format!("{name}:{}", go_text(value))).collect();
            format!("map[{}]", shown.join(" "))
        }
        other => other.to_string(),
    }
}
