//! Replays what a real kube-apiserver 1.34.4 answered (`xtask/scripts/record_schema_cases.py`) and compares.
//!
//! One file in `cases` is one object's life: each step's answer is predicted from the recorded answer before it.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use belay_schema::managed::{self, ApplyError, Write};
use belay_schema::{
    FieldError, KindSchema, PatchError, Registry, decode, default_object, invalid_message, json_patch,
    keep_unchangeable, merge_patch, prune, strategic, unknown_fields, validate,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// All that the API server's message tells of a JSON patch that does not fit.
const GENERAL: &str = "the server rejected our request due to an error in our request";

const NOW: &str = "2026-01-01T00:00:00Z";

#[test]
fn recorded_answers_are_predicted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("cases").map(|entry| entry.expect("entry").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".case.json"));
    files.sort();
    assert!(files.len() >= 120, "only {} cases", files.len());
    let mut failures = Vec::new();
    for file in &files {
        let name = file.file_name().expect("name").to_string_lossy().into_owned();
        failures.extend(replay(&read(file)).into_iter().map(|failure| format!("{name}: {failure}")));
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases differ:\n{}",
        failures.len(),
        files.len(),
        failures.join("\n")
    );
}

/// Applies to objects that several managers wrote, beside what kube-apiserver 1.34.4 answered to a dry run of each:
/// `cargo xtask compare apply --kubeconfig FILE --cases 600 --bad 5 --seed 7 --record crates/belay-schema/tests/applies.jsonl.gz`.
/// Behind them, of 10 000 with seed 1, the objects that were once predicted otherwise.
#[test]
fn applies_are_predicted() {
    let mut recorded = String::new();
    flate2::read::GzDecoder::new(&include_bytes!("applies.jsonl.gz")[..])
        .read_to_string(&mut recorded)
        .expect("recorded applies");
    let (mut cases, mut kinds, mut failures) = (0, BTreeSet::new(), Vec::new());
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let kind = kind_of(&case);
        cases += 1;
        kinds.insert(case["kind"].to_string());
        let predicted = predict(&kind, Some(&case["live"]), &case).map(|object| without_counters(&object));
        let mut case = case;
        if let Some(object) = case.get_mut("object") {
            *object = without_counters(object);
        }
        if let Some(failure) = compare(&kind, &case, predicted) {
            failures.push(format!("case {cases}, {}: {failure}", case["kind"]));
        }
    }
    assert!(cases >= 500 && kinds.len() >= 30, "only {cases} cases of {} kinds", kinds.len());
    assert!(failures.is_empty(), "{} of {cases} differ:\n{}", failures.len(), failures.join("\n"));
}

/// How often and when an object was changed is known when it is stored.
fn without_counters(object: &Value) -> Value {
    let mut object = object.clone();
    remove(&mut object, "/metadata/generation");
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    entries.into_iter().flatten().for_each(|entry| remove(entry, "/time"));
    object
}

/// Definitions that the API server refuses, and where. Long dumps of Go values are compared by their end only.
#[test]
fn bad_definitions_are_refused() {
    let refused = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/refused-crds.json"));
    let mut failures = Vec::new();
    for (name, case) in refused.as_object().expect("cases") {
        let found = belay_schema::crd_errors(&case["crd"]);
        let first = &case["causes"][0];
        let field = first["field"].as_str().expect("field");
        let message = first["message"].as_str().expect("message");
        let is_dump = matches!(name.as_str(), "bad-rule" | "no-storage" | "two-storage" | "pattern");
        let same = found.iter().any(|error| {
            let same_field = error.path == field
                || (name == "bad-rule" && error.path.contains("x-kubernetes-validations"));
            same_field && (is_dump || error.message == message)
        });
        if !same {
            failures.push(format!("{name}: expected {field}: {message}\n  found {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The long comparison: `BELAY_SCHEMA_SEQUENCES=FILE cargo test -p belay-schema -- --ignored sequences`.
#[test]
#[ignore = "needs a file of random sequences recorded from a real API server"]
fn random_sequences_are_predicted() {
    let path =
        std::env::var("BELAY_SCHEMA_SEQUENCES").expect("BELAY_SCHEMA_SEQUENCES names the recorded file");
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let (mut sequences, mut steps, mut failures) = (0, 0, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        sequences += 1;
        steps += case["steps"].as_array().map_or(0, Vec::len);
        failures.extend(replay(&case).into_iter().map(|failure| format!("{}: {failure}", case["name"])));
    }
    assert!(
        failures.is_empty(),
        "{} of {steps} steps in {sequences} sequences differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn replay(case: &Value) -> Vec<String> {
    let kind = kind_of(case);
    let mut live: Option<Value> = None;
    let mut failures = Vec::new();
    for (number, step) in case["steps"].as_array().expect("steps").iter().enumerate() {
        let predicted = predict(&kind, live.as_ref(), step);
        if let Some(failure) = compare(&kind, step, predicted) {
            failures.push(format!("step {number} ({}): {failure}", step["verb"]));
        }
        if let Some(object) = step.get("object") {
            live = Some(object.clone());
        }
    }
    failures
}

fn kind_of(case: &Value) -> Arc<KindSchema> {
    let (version, kind) =
        (case["apiVersion"].as_str().expect("version"), case["kind"].as_str().expect("kind"));
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    if case["crd"] == true {
        let file = format!("tests/cases/{}-crd.json", kind.to_lowercase());
        let crd = &read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        return Arc::new(KindSchema::from_crd_version(crd, "v1").expect("the definition has a schema"));
    }
    Registry::builtin().kind(group, version, kind).unwrap_or_else(|| panic!("{group} {version} {kind}"))
}

/// A refusal: code and message.
type Refusal = (u16, String);

fn predict(kind: &KindSchema, live: Option<&Value>, step: &Value) -> Result<Value, Refusal> {
    let body = &step["body"];
    let text = |key: &str| step[key].as_str().unwrap_or_default();
    let write = Write { manager: text("manager"), now: NOW, subresource: text("subresource") };
    if text("verb") == "apply" {
        let force = step["force"] == true;
        let mut object = managed::predict(kind, live, body, &write, force).map_err(apply_refusal)?;
        finish(kind, live, &mut object, &write)?;
        return Ok(object);
    }
    let refuse_patch = |error: PatchError| match error {
        PatchError::Malformed(message) => (400, message),
        PatchError::Unprocessable(_) => (422, GENERAL.to_owned()),
        PatchError::Unmergeable(message) => (500, message),
        error @ PatchError::TooLarge(_) => (413, error.to_string()),
    };
    let missing = json!({});
    let before = live.unwrap_or(&missing);
    let new = match text("verb") {
        "create" | "update" => body.clone(),
        "merge" => merge_patch(before, body),
        "json" => json_patch(before, body).map_err(refuse_patch)?,
        "strategic" => strategic::merge(kind, before, body).map_err(refuse_patch)?,
        other => panic!("unknown verb {other}"),
    };
    let strict = unknown_fields(kind, &new);
    if step["strict"] == true && !strict.is_empty() {
        let kind_name = kind.kind();
        let detail = strict.join(", ");
        let message = format!(
            "{kind_name} in version {:?} cannot be handled as a {kind_name}: strict decoding error: {detail}",
            kind.version()
        );
        return Err((400, message));
    }
    let mut new = decode(kind, &new).map_err(|error| (400, error.to_string()))?;
    default_object(kind, &mut new);
    let mut object = managed::update(kind, live, &new, &write);
    finish(kind, live, &mut object, &write)?;
    Ok(object)
}

fn apply_refusal(error: ApplyError) -> Refusal {
    let code = match &error {
        ApplyError::Conflict(_) => 409,
        ApplyError::BadRequest(_) => 400,
        _ => 500,
    };
    (code, error.to_string())
}

/// What follows ownership: what cannot change comes back, a custom resource takes its form, then validation.
fn finish(
    kind: &KindSchema,
    live: Option<&Value>,
    object: &mut Value,
    write: &Write<'_>,
) -> Result<(), Refusal> {
    prune(kind, object);
    default_object(kind, object);
    keep_unchangeable(kind, live, object, write.subresource);
    let errors: Vec<FieldError> = if kind.is_custom() { validate(kind, object, live) } else { Vec::new() };
    if errors.is_empty() {
        return Ok(());
    }
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    Err((422, invalid_message(kind.group(), kind.kind(), name, &errors)))
}

fn compare(kind: &KindSchema, step: &Value, predicted: Result<Value, Refusal>) -> Option<String> {
    match (step.get("object"), predicted) {
        (Some(expected), Ok(predicted)) => {
            let (expected, predicted) = (comparable(kind, expected), comparable(kind, &predicted));
            let mut found = Vec::new();
            differences("", &expected, &predicted, &mut found);
            (!found.is_empty()).then(|| found.join("; "))
        }
        // The media type is refused before the patch is looked at.
        (None, Err(_)) if step["error"]["code"] == 415 => None,
        (None, Err((code, message))) => {
            let error = &step["error"];
            let expected = error["message"].as_str().unwrap_or_default();
            let same = error["code"] == code && same_message(expected, &message);
            (!same)
                .then(|| format!("expected {} {expected:?}\n      found {code} {message:?}", error["code"]))
        }
        (Some(_), Err((code, message))) => Some(format!("expected an object, found {code} {message}")),
        (None, Ok(_)) if is_beyond_schema(kind, &step["error"]) => None,
        (None, Ok(_)) => Some(format!("expected {}, found an object", step["error"]["message"])),
    }
}

/// Several errors come in any order.
fn same_message(expected: &str, found: &str) -> bool {
    // Which undeclared field is met first depends on Go's map order.
    if expected.contains("field not declared in schema") && found.contains("field not declared in schema") {
        return true;
    }
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text
            .split(", ")
            .map(|part| {
                part.replace(['[', ']'], "")
                    .replace("error: ", "error:, ")
                    .replace("is invalid: ", "is invalid:, ")
            })
            .collect();
        parts = parts.join(", ").split(", ").map(str::to_owned).collect();
        parts.sort();
        parts
    };
    expected == found || sorted(expected) == sorted(found)
}

/// Built-in kinds are validated by code that is not part of the schema.
fn is_beyond_schema(kind: &KindSchema, error: &Value) -> bool {
    !kind.is_custom() && (error["code"] == 422 || error["code"] == 403)
        || error["message"].as_str().unwrap_or_default().starts_with("duplicate nodePort")
}

/// An object without what other parts of the API server fill in.
fn comparable(kind: &KindSchema, object: &Value) -> Value {
    let mut object = object.clone();
    for pointer in ["/metadata/uid", "/metadata/namespace"] {
        remove(&mut object, pointer);
    }
    let allocated: &[&str] = match kind.kind() {
        "Service" => &["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies", "/spec/ipFamilyPolicy"],
        "Namespace" => &["/spec/finalizers"],
        "Job" => &["/spec/selector", "/spec/template/metadata/labels", "/metadata/labels"],
        "Pod" => &["/status/qosClass"],
        "APIService" => &["/status", "/metadata/labels"],
        "PersistentVolume" => &["/status/lastPhaseTransitionTime"],
        "FlowSchema" | "PriorityLevelConfiguration" => &["/status"],
        _ => &[],
    };
    // Entries are sorted by time first, and times are left out.
    if let Some(managed) = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        managed.sort_by_key(|entry| {
            format!(
                "{} {} {} {}",
                entry["operation"], entry["manager"], entry["apiVersion"], entry["subresource"]
            )
        });
    }
    allocated.iter().for_each(|pointer| remove(&mut object, pointer));
    if kind.kind() == "Service" {
        for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
            remove(port, "/nodePort");
        }
    }
    object
}

fn remove(object: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.shift_remove(name);
    }
}

fn differences(path: &str, expected: &Value, found: &Value, into: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(left), Value::Object(right)) => {
            for (name, value) in left {
                match right.get(name) {
                    Some(other) => differences(&format!("{path}.{name}"), value, other, into),
                    None => into.push(format!("{path}.{name} is missing ({value})")),
                }
            }
            let extra = right.keys().filter(|name| !left.contains_key(*name));
            into.extend(extra.map(|name| format!("{path}.{name} is too much ({})", right[name])));
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (position, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{path}[{position}]"), left, right, into);
            }
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
        (left, right) if left == right => {}
        _ => into.push(format!("{path}: expected {expected}, found {found}")),
    }
}
