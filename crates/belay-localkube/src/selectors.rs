//! Label and field selectors.

use serde_json::Value;

use crate::object::at;
use crate::status::ApiError;

/// What a list or watch asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

#[derive(Debug, Clone, PartialEq)]
struct FieldRequirement {
    path: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Read both selectors of a request.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(fields)? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Field paths asked for.
    pub(crate) fn field_paths(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|requirement| requirement.path.as_str())
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.matches(labels[&requirement.key].as_str()))
            && self.fields.iter().all(|requirement| requirement.matches(object))
    }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let as_number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::In(values) => value.is_some_and(|value| values.iter().any(|item| item == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|item| item != value)),
            Test::Greater(limit) => as_number().is_some_and(|number| number > *limit),
            Test::Less(limit) => as_number().is_some_and(|number| number < *limit),
        }
    }
}

impl FieldRequirement {
    fn matches(&self, object: &Value) -> bool {
        let path: Vec<&str> = self.path.split('.').collect();
        let found = match at(object, &path) {
            Value::String(text) => text.clone(),
            Value::Null => absent_field(&self.path, object),
            other => other.to_string(),
        };
        (found == self.value) == self.equal
    }
}

/// What a field that is not there counts as.
fn absent_field(path: &str, object: &Value) -> String {
    match path {
        "spec.unschedulable" | "spec.hostNetwork" => "false".into(),
        "status.successful" => "0".into(),
        "reportingComponent" | "source" => object["source"]["component"].as_str().unwrap_or_default().into(),
        _ => String::new(),
    }
}

/// The fields that lists of a built-in kind can be selected by, beside name and namespace.
pub(crate) fn selectable_fields(group: &str, kind: &str) -> &'static [&'static str] {
    match (group, kind) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("" | "events.k8s.io", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingComponent",
            "reportingController",
            "source",
            "type",
        ],
        ("", "Secret") => &["type"],
        ("", "Namespace") => &["status.phase"],
        ("", "Node") => &["spec.unschedulable"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("", "ReplicationController") | ("apps", "ReplicaSet") => &["status.replicas"],
        ("batch", "Job") => &["status.successful"],
        ("certificates.k8s.io", "CertificateSigningRequest") => &["spec.signerName"],
        _ => &[],
    }
}

/// A label selector as its text, the way `status.selector` of a Scale shows it.
pub(crate) fn label_selector_text(selector: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.sort();
    parts.join(",")
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, ApiError> {
    let mut requirements = Vec::new();
    for part in split_outside_parentheses(text) {
        let part = part.trim();
        if !part.is_empty() {
            requirements.push(parse_requirement(part).ok_or_else(|| {
                ApiError::bad_request(format!(
                    "unable to parse requirement: found '{part}', expected: a label requirement"
                ))
            })?);
        }
    }
    Ok(requirements)
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_requirement(part: &str) -> Option<Requirement> {
    if let Some(key) = part.strip_prefix('!') {
        return requirement(key, Test::Absent);
    }
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(operator) {
            let values = vec![value.trim().to_owned()];
            return requirement(key, if equal { Test::In(values) } else { Test::NotIn(values) });
        }
    }
    if let Some((key, limit)) = part.split_once('>') {
        return requirement(key, Test::Greater(limit.trim().parse().ok()?));
    }
    if let Some((key, limit)) = part.split_once('<') {
        return requirement(key, Test::Less(limit.trim().parse().ok()?));
    }
    let Some((head, set)) = part.split_once('(') else {
        return requirement(part, Test::Exists);
    };
    let values = set.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
    let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
    match operator {
        "in" => requirement(key, Test::In(values)),
        "notin" => requirement(key, Test::NotIn(values)),
        _ => None,
    }
}

fn requirement(key: &str, test: Test) -> Option<Requirement> {
    let key = key.trim();
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    (!key.is_empty() && key.chars().all(allowed)).then(|| Requirement { key: key.to_owned(), test })
}

fn parse_fields(text: &str) -> Result<Vec<FieldRequirement>, ApiError> {
    let mut requirements = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (path, value, equal) = if let Some((path, value)) = part.split_once("!=") {
            (path, value, false)
        } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            (path, value, true)
        } else {
            return Err(ApiError::bad_request(format!(
                "invalid field selector: '{part}'; can't understand '{part}'"
            )));
        };
        requirements.push(FieldRequirement { path: path.to_owned(), value: value.to_owned(), equal });
    }
    Ok(requirements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(labels: &str, object: &Value) -> bool {
        Selector::parse(labels, "").expect("a valid selector").matches(object)
    }

    #[test]
    fn labels_select_by_every_operator() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "3"}}});
        for yes in [
            "app=web",
            "app==web",
            "app!=api",
            "app",
            "!gone",
            "app in (api, web)",
            "app notin (api)",
            "tier>2",
            "gone notin (x)",
        ] {
            assert!(matches(yes, &object), "{yes}");
        }
        for no in [
            "app=api",
            "app!=web",
            "gone",
            "!app",
            "app in (api)",
            "app notin (web),app",
            "tier<3",
            "app=web,tier=4",
        ] {
            assert!(!matches(no, &object), "{no}");
        }
        assert!(Selector::parse("a b c", "").is_err());
    }

    #[test]
    fn fields_select_by_path_and_default() {
        let object = json!({"metadata": {"name": "x"}, "spec": {"nodeName": "n"}});
        let matches = |fields| Selector::parse("", fields).expect("a valid selector").matches(&object);
        assert!(matches("metadata.name=x,spec.nodeName!=m,spec.unschedulable=false"));
        assert!(!matches("metadata.name!=x"));
    }
}
