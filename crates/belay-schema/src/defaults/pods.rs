//! Defaults of pods and of everything that holds a pod template.

use serde_json::{Map, Value, json};

use super::builtin::{fill_from, set, set_text, text, with};

type Object = Map<String, Value>;

pub(super) fn pod(object: &mut Object) {
    with(object, "spec", |spec| {
        for list in ["containers", "initContainers"] {
            for container in objects(spec, list) {
                with(container, "resources", |resources| fill_from(resources, "requests", "limits"));
            }
        }
        with(spec, "resources", |resources| fill_from(resources, "requests", "limits"));
        set(spec, "enableServiceLinks", json!(true));
        if spec.get("hostNetwork") == Some(&json!(true)) {
            host_network_ports(spec);
        }
    });
}

fn host_network_ports(spec: &mut Object) {
    for list in ["containers", "initContainers"] {
        for container in objects(spec, list) {
            for port in objects(container, "ports") {
                if let Some(number) = port.get("containerPort").cloned() {
                    set(port, "hostPort", number);
                }
            }
        }
    }
}

pub(super) fn pod_spec(spec: &mut Object) {
    set_text(spec, "dnsPolicy", "ClusterFirst");
    set_text(spec, "restartPolicy", "Always");
    set(spec, "securityContext", json!({}));
    set(spec, "terminationGracePeriodSeconds", json!(30));
    set_text(spec, "schedulerName", "default-scheduler");
    // The old name of the field mirrors the new one.
    let account = match text(spec, "serviceAccountName") {
        "" => text(spec, "serviceAccount"),
        account => account,
    };
    let account = account.to_owned();
    if !account.is_empty() {
        spec.insert("serviceAccountName".to_owned(), json!(account));
        spec.insert("serviceAccount".to_owned(), json!(account));
    }
}

pub(super) fn container(container: &mut Object) {
    let policy = pull_policy(text(container, "image"));
    set_text(container, "imagePullPolicy", policy);
    set_text(container, "terminationMessagePath", "/dev/termination-log");
    set_text(container, "terminationMessagePolicy", "File");
}

/// Always for `latest`, stated or implied; an image that cannot be parsed is not pulled again.
fn pull_policy(image: &str) -> &'static str {
    let name = image.split('@').next().unwrap_or_default();
    let last_segment = name.rsplit('/').next().unwrap_or_default();
    let tag = last_segment.split_once(':').map(|(_, tag)| tag);
    let is_digest = image.contains('@');
    let is_parsable = !image.is_empty() && !name.chars().any(|c| c.is_ascii_uppercase() && tag.is_none());
    match tag {
        Some("latest") => "Always",
        None if !is_digest && is_parsable => "Always",
        _ => "IfNotPresent",
    }
}

pub(super) fn volume(volume: &mut Object) {
    if volume.keys().all(|name| name == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    with(volume, "image", |image| {
        let policy = pull_policy(text(image, "reference"));
        set_text(image, "pullPolicy", policy);
    });
}

pub(super) fn probe(probe: &mut Object) {
    for (name, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        set(probe, name, json!(value));
    }
}

fn objects<'a>(object: &'a mut Object, list: &str) -> impl Iterator<Item = &'a mut Object> {
    object.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}
