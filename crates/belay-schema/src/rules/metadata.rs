//! Names, labels, annotations, finalizers and owners: what every object has.

use serde_json::{Value, json};

use super::{Checker, Object, child, field, items, text, words};
use crate::errors::FieldError;
use crate::kind::KindSchema;

const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// What is wrong with an object's metadata. `old` is the object before an update, whose name was checked then.
pub fn metadata_errors(
    kind: &KindSchema,
    resource: &str,
    object: &Value,
    old: Option<&Value>,
) -> Vec<FieldError> {
    let mut checker = Checker { errors: Vec::new(), kind, is_update: old.is_some() };
    let none = Object::new();
    let metadata = object.get("metadata").and_then(Value::as_object).unwrap_or(&none);
    let is_whole = old.is_none() || is_whole_again(kind, resource);
    let form = if is_whole { name_form(kind.group(), resource) } else { words::path_segment };
    names(&mut checker, form, metadata);
    checker.labels(field(metadata, "labels"), "metadata.labels");
    annotations(&mut checker, field(metadata, "annotations"), "metadata.annotations");
    owners(&mut checker, items(metadata, "ownerReferences"));
    finalizers(&mut checker, metadata);
    if !kind.is_custom() && !is_apart(kind.group(), resource) {
        plain_finalizers(&mut checker, metadata);
    }
    checker.errors
}

/// Whether an update is asked all that a new object is; otherwise its name may be whatever a path can hold.
fn is_whole_again(kind: &KindSchema, resource: &str) -> bool {
    let is_general = match kind.group() {
        "" => matches!(resource, "resourcequotas" | "events" | "services"),
        "apps" => matches!(resource, "deployments" | "replicasets" | "daemonsets"),
        "batch" => resource == "cronjobs",
        "autoscaling" | "policy" | "coordination.k8s.io" | "scheduling.k8s.io" => true,
        _ => kind.is_custom(),
    };
    !is_general
}

/// Groups that are validated apart from core and its relatives.
fn is_apart(group: &str, resource: &str) -> bool {
    matches!(
        group,
        "apiextensions.k8s.io"
            | "coordination.k8s.io"
            | "storage.k8s.io"
            | "admissionregistration.k8s.io"
            | "apiregistration.k8s.io"
            | "node.k8s.io"
            | "policy"
    ) || resource == "events"
}

/// A finalizer without a domain is one of the few standard ones.
fn plain_finalizers(checker: &mut Checker<'_>, metadata: &Object) {
    for (index, name) in items(metadata, "finalizers").iter().filter_map(Value::as_str).enumerate() {
        if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
            let at = format!("metadata.finalizers[{index}]");
            checker.invalid(
                at,
                &json!(name),
                "name is neither a standard finalizer name nor is it fully qualified",
            );
        }
    }
}

fn names(checker: &mut Checker<'_>, form: fn(&str) -> words::Complaints, metadata: &Object) {
    let prefix = text(metadata, "generateName");
    if !prefix.is_empty() {
        // What is generated ends well, so a prefix may end with a dash.
        let masked = match prefix.strip_suffix('-') {
            Some(start) if !start.is_empty() => {
                let kept = start.char_indices().next_back().map_or(0, |(index, _)| index);
                format!("{}a", &start[..kept])
            }
            _ => prefix.to_owned(),
        };
        let complaints = form(&masked);
        checker.complaints("metadata.generateName", prefix, complaints);
    }
    let name = text(metadata, "name");
    if name.is_empty() {
        checker.required("metadata.name", "name or generateName is required");
    } else {
        checker.complaints("metadata.name", name, form(name));
    }
}

/// What a name must look like, by group and plural.
fn name_form(group: &str, resource: &str) -> fn(&str) -> words::Complaints {
    match (group, resource) {
        ("", "namespaces") => words::dns_label,
        ("", "services") => words::old_label,
        ("", "events") => words::path_segment,
        ("rbac.authorization.k8s.io" | "apiregistration.k8s.io" | "certificates.k8s.io" | "policy", _) => {
            words::path_segment
        }
        _ => words::subdomain,
    }
}

pub(super) fn annotations(checker: &mut Checker<'_>, annotations: &Value, path: &str) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        checker.complaints(path, key, words::qualified(&key.to_lowercase()));
    }
    if size > ANNOTATIONS_LIMIT {
        checker.errors.push(FieldError::too_long(path, 262_144));
    }
}

fn owners(checker: &mut Checker<'_>, owners: &[Value]) {
    let path = "metadata.ownerReferences";
    let mut first = String::new();
    for owner in owners {
        let Some(owner) = owner.as_object() else { continue };
        let api_version = text(owner, "apiVersion");
        if api_version.is_empty() || api_version.ends_with('/') {
            checker.invalid(child(path, "apiVersion"), &json!(api_version), "version must not be empty");
        }
        for name in ["kind", "name", "uid"] {
            if text(owner, name).is_empty() {
                checker.invalid(child(path, name), &json!(""), "must not be empty");
            }
        }
        if owner.get("controller") == Some(&Value::Bool(true)) {
            let this = format!("{}/{}", text(owner, "kind"), text(owner, "name"));
            if first.is_empty() {
                first = this;
            } else {
                let said = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                );
                checker.invalid(path, &Value::Array(owners.to_vec()), &said);
            }
        }
    }
}

fn finalizers(checker: &mut Checker<'_>, metadata: &Object) {
    let path = "metadata.finalizers";
    let names: Vec<&str> = items(metadata, "finalizers").iter().filter_map(Value::as_str).collect();
    for name in &names {
        checker.complaints(path, name, words::qualified(name));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        checker.invalid(path, &json!(names), "finalizer orphan and foregroundDeletion cannot be both set");
    }
}

/// A label selector.
pub(super) fn selector(checker: &mut Checker<'_>, selector: &Object, path: &str) {
    checker.labels(field(selector, "matchLabels"), &child(path, "matchLabels"));
    for (index, expression) in items(selector, "matchExpressions").iter().enumerate() {
        let Some(expression) = expression.as_object() else { continue };
        let path = format!("{path}.matchExpressions[{index}]");
        requirement(checker, expression, &path, &["In", "NotIn", "Exists", "DoesNotExist"]);
    }
}

/// One requirement of a selector of labels or nodes.
pub(super) fn requirement(checker: &mut Checker<'_>, expression: &Object, path: &str, operators: &[&str]) {
    let (operator, values) = (text(expression, "operator"), items(expression, "values"));
    let at_values = child(path, "values");
    match operator {
        _ if !operators.contains(&operator) => {
            checker.invalid(child(path, "operator"), &json!(operator), "not a valid selector operator");
        }
        "In" | "NotIn" if values.is_empty() => {
            checker.required(at_values.as_str(), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            checker.forbidden(
                at_values.as_str(),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            );
        }
        "Gt" | "Lt" if values.len() != 1 => {
            checker.required(
                at_values.as_str(),
                "must be specified single value when `operator` is 'Lt' or 'Gt'",
            );
        }
        _ => {}
    }
    let key = text(expression, "key");
    checker.complaints(&child(path, "key"), key, words::qualified(key));
    for (index, value) in values.iter().filter_map(Value::as_str).enumerate() {
        checker.complaints(&format!("{at_values}[{index}]"), value, words::label_value(value));
    }
}
