//! What the API server settles from the live object when a built-in kind is written, whatever was sent.

use serde_json::{Map, Value, json};

use crate::kind::KindSchema;

/// Put back or take away what is not the client's to say, in place. `live` is what is there already.
pub(crate) fn settle(kind: &KindSchema, live: Option<&Value>, new: &mut Value) {
    match (kind.group.as_str(), kind.kind.as_str(), live) {
        ("", "ServiceAccount", _) => account(new),
        ("", "Namespace", Some(live)) => keep(live, new, "finalizers"),
        ("", "Pod", Some(live)) => {
            for field in ["priority", "preemptionPolicy"] {
                keep_if_absent(live, new, field);
            }
            tolerations(live, new);
        }
        ("", "Service", Some(live)) if new["spec"]["type"] != "ExternalName" => {
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                keep_if_absent(live, new, field);
            }
            one_family(live, new);
            second_family(live, new);
        }
        _ => {}
    }
}

fn spec(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let object = object.as_object_mut()?;
    object.entry("spec").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

fn keep(live: &Value, new: &mut Value, field: &str) {
    let kept = live["spec"].get(field).cloned();
    let Some(spec) = spec(new) else { return };
    match kept {
        Some(kept) => spec.insert(field.to_owned(), kept),
        None => spec.shift_remove(field),
    };
}

fn keep_if_absent(live: &Value, new: &mut Value, field: &str) {
    let is_absent = match &new["spec"][field] {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if is_absent && !live["spec"][field].is_null() {
        keep(live, new, field);
    }
}

/// A Service of which only the policy says that it is to have one family gives the second back.
fn one_family(live: &Value, service: &mut Value) {
    if service["spec"]["ipFamilyPolicy"] != "SingleStack" {
        return;
    }
    for field in ["clusterIPs", "ipFamilies"] {
        let is_as_before = live["spec"][field] == service["spec"][field];
        let found = service.pointer_mut(&format!("/spec/{field}")).and_then(Value::as_array_mut);
        if let Some(both) = found.filter(|_| is_as_before) {
            both.truncate(1);
        }
    }
}

/// A Service without a selector and an address that begins to want both families gets both.
fn second_family(live: &Value, service: &mut Value) {
    let is_new =
        ["ipFamilies", "ipFamilyPolicy"].iter().any(|field| live["spec"][*field] != service["spec"][*field]);
    if !is_new {
        return;
    }
    let of = &service["spec"];
    let has_selector = of["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    let wants_both = matches!(of["ipFamilyPolicy"].as_str(), Some("PreferDualStack" | "RequireDualStack"));
    let other = match of["ipFamilies"].as_array().map(Vec::as_slice) {
        Some([one]) if one == "IPv4" => "IPv6",
        Some([one]) if one == "IPv6" => "IPv4",
        _ => return,
    };
    if has_selector || !wants_both || of["clusterIP"] != "None" {
        return;
    }
    if let Some(families) = service.pointer_mut("/spec/ipFamilies").and_then(Value::as_array_mut) {
        families.push(other.into());
    }
}

/// The tolerations that every Pod is given come again when they are taken away.
fn tolerations(live: &Value, new: &mut Value) {
    let items = |object: &Value| object["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    let (before, mut all) = (items(live), items(new));
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let given =
            json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 });
        let is_tolerated = |toleration: &Value| {
            matches!(toleration["key"].as_str(), None | Some(""))
                || (toleration["key"] == key
                    && (toleration["effect"] == "NoExecute" || toleration["effect"].is_null()))
        };
        if before.contains(&given) && !all.iter().any(is_tolerated) {
            all.push(given);
        }
    }
    if !all.is_empty()
        && let Some(spec) = spec(new)
    {
        spec.insert("tolerations".to_owned(), Value::Array(all));
    }
}

/// Of the Secrets that an account lists, only names are kept.
fn account(object: &mut Value) {
    for secret in object.get_mut("secrets").and_then(Value::as_array_mut).into_iter().flatten() {
        *secret = match secret["name"].as_str() {
            Some(name) => json!({ "name": name }),
            None => json!({}),
        };
    }
}
