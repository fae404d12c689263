//! What differs between two answers.

use serde_json::Value;

use crate::server::Answer;

/// Where the embedded answer differs from the real one; empty when it does not.
pub(crate) fn between(real: &Answer, embedded: &Answer) -> Vec<String> {
    if real.code != embedded.code {
        return vec![format!(
            "real {} {}\n    embedded {} {}",
            real.code,
            real.message(),
            embedded.code,
            embedded.message()
        )];
    }
    if !real.is_success() {
        if is_same_message(real.message(), embedded.message()) {
            return Vec::new();
        }
        return vec![format!("real {}\n    embedded {}", real.message(), embedded.message())];
    }
    let mut found = Vec::new();
    walk("", &comparable(&real.body), &comparable(&embedded.body), &mut found);
    found
}

/// Go walks maps in any order, so errors come in any order.
fn is_same_message(left: &str, right: &str) -> bool {
    // Which of several undeclared fields or wrong types is met first depends on Go's map order.
    for general in ["field not declared in schema", "cannot be handled as a"] {
        if left.contains(general) && right.contains(general) {
            return true;
        }
    }
    let sorted = |text: &str| {
        let text = without_dumps(text).replace(['[', ']'], "").replace(" is invalid: ", " is invalid:, ");
        let mut parts: Vec<String> = text.split(", ").map(str::to_owned).collect();
        parts.sort();
        parts
    };
    left == right || sorted(left) == sorted(right)
}

/// A message without Go's own view of a value: a difference of structs, fields under their Go names, a whole object
/// as text. No client can make sense of them.
fn without_dumps(message: &str) -> String {
    let mut text = message.split('\n').next().unwrap_or_default().to_owned();
    for (start, end) in [
        ("spec.template: Invalid value: {", "}: field is immutable"),
        ("updateStrategy: Invalid value: {", "}: must be"),
        ("spec.strategy: Unsupported value: {", "}: supported"),
        ("updateStrategy: Unsupported value: {", "}: supported"),
        ("spec: Invalid value: {", "}: minAvailable"),
        ("roleRef: Invalid value: {", "}: cannot change"),
        ("distinguisherMethod.type: Unsupported value: {", "}: supported"),
        ("patch: Invalid value: \"", "\": "),
    ] {
        let Some(from) = text.find(start) else { continue };
        // Of a text the end is the last one, of a struct the first.
        let rest = &text[from..];
        let to = if end.starts_with('"') { rest.rfind(end) } else { rest.find(end) };
        if let Some(to) = to {
            text.replace_range(from + start.len()..from + to, "");
        }
    }
    text
}

/// Whether a message shows a Go value with its Go names, which no client can make sense of.
pub(crate) fn is_dump(message: &str) -> bool {
    ["\"Spec\":", "\"Type\":", "\"Name\":", "\n", "\"RollingUpdate\":"]
        .iter()
        .any(|part| message.contains(part))
}

/// An object without what differs from server to server.
pub(crate) fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    for pointer in ["/metadata/uid", "/metadata/resourceVersion", "/metadata/creationTimestamp"] {
        remove(&mut object, pointer);
    }
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let given: &[&str] = match kind.as_str() {
        "Service" => &["/spec/clusterIP", "/spec/clusterIPs", "/spec/healthCheckNodePort"],
        "Job" => &["/spec/selector", "/spec/template/metadata/labels", "/metadata/labels"],
        "APIService" => &["/status", "/metadata/labels"],
        "PersistentVolume" => &["/status/lastPhaseTransitionTime"],
        // The real server runs without the plugin that gives accounts to Pods.
        "Pod" => &["/spec/serviceAccountName", "/spec/serviceAccount"],
        "FlowSchema" | "PriorityLevelConfiguration" => &["/status"],
        _ => &[],
    };
    given.iter().for_each(|pointer| remove(&mut object, pointer));
    if kind == "Service" {
        let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
        ports.into_iter().flatten().for_each(|port| remove(port, "/nodePort"));
    }
    if let Some(entries) = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        // The real server has controllers of its own that write the status of these.
        let own = ["kube-apiserver", "api-priority-and-fairness-config-consumer-v1"];
        entries.retain(|entry| !entry["manager"].as_str().is_some_and(|manager| own.contains(&manager)));
        for entry in entries.iter_mut() {
            remove(entry, "/time");
        }
        entries.sort_by_key(|entry| {
            format!("{} {} {}", entry["operation"], entry["manager"], entry["subresource"])
        });
    }
    object
}

fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.shift_remove(name);
    }
}

fn walk(path: &str, real: &Value, embedded: &Value, into: &mut Vec<String>) {
    match (real, embedded) {
        (Value::Object(left), Value::Object(right)) => {
            for (name, value) in left {
                match right.get(name) {
                    Some(other) => walk(&format!("{path}.{name}"), value, other, into),
                    None => into.push(format!("{path}.{name} is missing ({value})")),
                }
            }
            let extra = right.keys().filter(|name| !left.contains_key(*name));
            into.extend(extra.map(|name| format!("{path}.{name} is too much ({})", right[name])));
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(&format!("{path}[{index}]"), left, right, into);
            }
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
        (left, right) if left == right => {}
        _ => into.push(format!("{path}: real {real}, embedded {embedded}")),
    }
}

/// A difference without names and numbers, to count those of one kind together.
pub(crate) fn pattern(difference: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for character in difference.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                if quoted {
                    out.push_str("\"…\"");
                }
            }
            _ if quoted => {}
            '0'..='9' => {
                if !out.ends_with('N') {
                    out.push('N');
                }
            }
            other => out.push(other),
        }
    }
    out
}
