//! JSON patches (RFC 6902), as strict and as lenient as the library kustomize uses.

use serde_json::Value;

use crate::error::{During, Error};

/// Copies can double a document with every operation.
const MAX_COPIED: usize = 8 << 20;

/// Operations in order.
#[derive(Debug, Clone)]
pub(crate) struct JsonPatch {
    operations: Vec<Operation>,
}

#[derive(Debug, Clone)]
struct Operation {
    name: String,
    path: Option<String>,
    from: Option<String>,
    value: Option<Value>,
}

impl JsonPatch {
    /// Reads operations from YAML or JSON; an empty text has none.
    pub(crate) fn parse(text: &str) -> Result<JsonPatch, Error> {
        if text.is_empty() {
            return Err(Error::rule("empty json patch operations"));
        }
        let value = if text.starts_with('[') {
            serde_json::from_str(text)
                .map_err(|error| Error::rule(format!("the patch is not JSON: {error}")))?
        } else {
            let malformed = |source| Error::Yaml { file: "the patch".to_owned(), source };
            belay_goyaml::to_json(text).map_err(malformed)?
        };
        let operations = match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().map(Operation::read).collect::<Result<_, _>>()?,
            _ => return Err(Error::rule("a JSON patch is a list of operations")),
        };
        Ok(JsonPatch { operations })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    pub(crate) fn apply(&self, document: &mut Value) -> Result<(), Error> {
        let mut copied = 0;
        for operation in &self.operations {
            let path = operation.path.as_deref().unwrap_or_default();
            operation
                .apply(document, &mut copied)
                .during(|| format!("{} operation at path '{path}'", operation.name))?;
        }
        Ok(())
    }
}

impl Operation {
    fn read(item: &Value) -> Result<Operation, Error> {
        let fields = item.as_object().ok_or_else(|| Error::rule("an operation of a JSON patch is a map"))?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Operation {
            name: text("op").unwrap_or_else(|| "unknown".to_owned()),
            path: text("path"),
            from: text("from"),
            value: fields.get("value").cloned(),
        })
    }

    fn apply(&self, document: &mut Value, copied: &mut usize) -> Result<(), Error> {
        let path = self.path.as_deref().ok_or_else(|| Error::rule("the operation has no path"))?;
        match self.name.as_str() {
            "add" => add(document, path, self.value.clone().unwrap_or_default()),
            "remove" => remove(document, path).map(drop),
            "replace" => replace(document, path, self.value.clone().unwrap_or_default()),
            "move" => {
                let value = remove(document, self.from()?)?;
                add(document, path, value)
            }
            "copy" => {
                let value = get(document, self.from()?)?.clone();
                *copied += value.to_string().len();
                if *copied > MAX_COPIED {
                    return Err(Error::rule(format!("copy operations make more than {MAX_COPIED} bytes")));
                }
                add(document, path, value)
            }
            "test" => self.test(document, path),
            other => Err(Error::rule(format!("unexpected kind: {other}"))),
        }
    }

    fn from(&self) -> Result<&str, Error> {
        self.from.as_deref().ok_or_else(|| Error::rule("the operation has no `from`"))
    }

    fn test(&self, document: &mut Value, path: &str) -> Result<(), Error> {
        let expected = self.value.clone().unwrap_or_default();
        let found = get(document, path).cloned().unwrap_or_default();
        if found == expected {
            return Ok(());
        }
        Err(Error::rule(format!("testing value {path} failed")))
    }
}

fn names(path: &str) -> Result<(Vec<String>, String), Error> {
    let mut parts: Vec<String> =
        path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let last = parts.pop().ok_or_else(|| Error::rule("the path is empty"))?;
    Ok((parts, last))
}

fn missing(path: &str) -> Error {
    Error::rule(format!("the document is missing path: {path}"))
}

fn container<'d>(document: &'d mut Value, parents: &[String], path: &str) -> Result<&'d mut Value, Error> {
    let mut place = document;
    for name in parents {
        place = match place {
            Value::Object(fields) => fields.get_mut(name),
            Value::Array(items) => {
                let at = index(name, items.len()).ok();
                at.and_then(|at| items.get_mut(at))
            }
            _ => None,
        }
        .ok_or_else(|| missing(path))?;
    }
    match place {
        Value::Object(_) | Value::Array(_) => Ok(place),
        _ => Err(missing(path)),
    }
}

/// An index into a list; negative ones count from its end.
fn index(name: &str, length: usize) -> Result<usize, Error> {
    let outside = || Error::rule(format!("index {name} is out of bounds"));
    let number: i64 = name.parse().map_err(|_| Error::rule(format!("'{name}' is no index of a list")))?;
    let length = i64::try_from(length).map_err(|_| outside())?;
    let at = if number < 0 { number + length } else { number };
    usize::try_from(at).map_err(|_| outside())
}

fn get<'d>(document: &'d mut Value, path: &str) -> Result<&'d mut Value, Error> {
    if path.is_empty() {
        return Ok(document);
    }
    let (parents, last) = names(path)?;
    let found = match container(document, &parents, path)? {
        Value::Object(fields) => fields.get_mut(&last),
        Value::Array(items) => {
            let at = index(&last, items.len())?;
            items.get_mut(at)
        }
        _ => None,
    };
    found.ok_or_else(|| missing(path))
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), Error> {
    let (parents, last) = names(path)?;
    match container(document, &parents, path)? {
        Value::Object(fields) => {
            fields.insert(last, value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(&last, items.len() + 1)?;
            if at > items.len() {
                return Err(Error::rule(format!("index {last} is out of bounds")));
            }
            items.insert(at, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), Error> {
    if path.is_empty() {
        if !value.is_object() {
            return Err(Error::rule("the whole document can only be replaced by a map"));
        }
        *document = value;
        return Ok(());
    }
    let (parents, last) = names(path)?;
    match container(document, &parents, path)? {
        // The original makes the key where it is missing.
        Value::Object(fields) => drop(fields.insert(last, value)),
        _ => *get(document, path)? = value,
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Error> {
    let (parents, last) = names(path)?;
    match container(document, &parents, path)? {
        Value::Object(fields) => fields.shift_remove(&last).ok_or_else(|| missing(path)),
        Value::Array(items) => {
            let at = index(&last, items.len())?;
            if at < items.len() { Ok(items.remove(at)) } else { Err(missing(path)) }
        }
        _ => Err(missing(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_cannot_grow_without_end() {
        let operations: String = (0..40).map(|_| "- {op: copy, from: /a, path: /a/b}\n").collect();
        let doubling = operations.replace("/a/b", "/a/-");
        let patch = JsonPatch::parse(&doubling).unwrap();
        let mut document = serde_json::json!({"a": ["text"]});
        assert!(patch.apply(&mut document).unwrap_err().chain().contains("copy operations"));
    }

    #[test]
    fn replace_makes_a_missing_key_but_no_missing_parent() {
        let patch = JsonPatch::parse("- {op: replace, path: /a/b, value: 1}").unwrap();
        let mut document = serde_json::json!({"a": {}});
        patch.apply(&mut document).unwrap();
        assert_eq!(document, serde_json::json!({"a": {"b": 1}}));
        assert!(patch.apply(&mut serde_json::json!({})).is_err());
    }
}
