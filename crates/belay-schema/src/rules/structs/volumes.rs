//! Volumes of pods.

use serde_json::{Value, json};

use super::super::{Checker, Object, child, field, is_set, items, number, text, words};

/// In the order in which the original looks at them: all but the first are too much.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

pub(super) fn volume(checker: &mut Checker<'_>, volume: &Object, path: &str) {
    let sources = super::present(volume, &SOURCES);
    for name in sources.iter().skip(1) {
        checker.forbidden(child(path, name), "may not specify more than 1 volume type");
    }
    if sources.is_empty() {
        checker.required(path, "must specify a volume type");
    }
    if let Some(source) = field(volume, "downwardAPI").as_object() {
        for file in items(source, "items").iter().filter_map(Value::as_object) {
            downward_file(checker, file, &child(path, "downwardAPI"));
        }
    }
    let limit = volume.get("emptyDir").map_or(&Value::Null, |empty| &empty["sizeLimit"]);
    if limit.as_str().is_some_and(|limit| limit.starts_with('-')) {
        checker.forbidden(
            format!("{path}.emptyDir.sizeLimit"),
            "SizeLimit field must be a valid resource quantity",
        );
    }
    if let Some(claim) = field(volume, "ephemeral").as_object()
        && !is_set(field(claim, "volumeClaimTemplate"))
    {
        checker.required(format!("{path}.ephemeral.volumeClaimTemplate"), "");
    }
    if volume.get("nfs").is_some_and(Value::is_object) {
        let place = volume["nfs"]["path"].as_str().unwrap_or_default();
        if !place.is_empty() && !place.starts_with('/') {
            checker.invalid(format!("{path}.nfs.path"), &json!(place), "must be an absolute path");
        }
    }
}

/// The names of volumes that can be mounted: of those that are wrong in themselves, none.
pub(super) fn usable(volumes: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for volume in volumes.iter().filter_map(Value::as_object) {
        let sources = volume.iter().filter(|(name, value)| *name != "name" && !value.is_null()).count();
        let name = text(volume, "name");
        if sources == 1 && words::dns_label(name).is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn downward_file(checker: &mut Checker<'_>, file: &Object, path: &str) {
    let place = text(file, "path");
    if place.is_empty() {
        checker.required(child(path, "path"), "");
    }
    checker.complaints(&child(path, "path"), place, words::file_path(place));
    let (by_field, by_resource) =
        (field(file, "fieldRef").is_object(), field(file, "resourceFieldRef").is_object());
    if by_field && by_resource {
        checker.invalid(
            path,
            &json!("resource"),
            "fieldRef and resourceFieldRef can not be specified simultaneously",
        );
    } else if !by_field && !by_resource {
        checker.required(path, "one of fieldRef and resourceFieldRef is required");
    }
    if number(file, "mode").is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        let said = "must be a number between 0 and 0777 (octal), both inclusive";
        checker.invalid(child(path, "mode"), field(file, "mode"), said);
    }
}

pub(super) fn projected(checker: &mut Checker<'_>, projected: &Object, path: &str) {
    let mut paths: Vec<&str> = Vec::new();
    for (index, source) in items(projected, "sources").iter().filter_map(Value::as_object).enumerate() {
        let at = format!("{path}.sources[{index}]");
        if source.values().filter(|part| !part.is_null()).count() > 1 {
            checker.forbidden(at.as_str(), "may not specify more than 1 volume type per source");
        }
        for kind in ["secret", "configMap"] {
            let Some(part) = field(source, kind).as_object() else { continue };
            let name = text(part, "name");
            if name.is_empty() {
                checker.required(format!("{at}.{kind}.name"), "");
            }
            for item in items(part, "items") {
                let place = item["path"].as_str().unwrap_or_default();
                claim_path(checker, &mut paths, place, path, name);
            }
        }
        for file in field(source, "downwardAPI")["items"].as_array().into_iter().flatten() {
            let Some(file) = file.as_object() else { continue };
            downward_file(checker, file, &format!("{at}.downwardAPI"));
            claim_path(checker, &mut paths, text(file, "path"), path, text(file, "path"));
        }
        if let Some(token) = field(source, "serviceAccountToken").as_object() {
            account_token(checker, token, path, &at);
        }
    }
}

fn claim_path<'v>(
    checker: &mut Checker<'_>,
    paths: &mut Vec<&'v str>,
    place: &'v str,
    path: &str,
    shown: &str,
) {
    if !place.is_empty() && paths.contains(&place) {
        checker.invalid(path, &json!(shown), "conflicting duplicate paths");
    }
    paths.push(place);
}

fn account_token(checker: &mut Checker<'_>, token: &Object, path: &str, at: &str) {
    let seconds = number(token, "expirationSeconds").unwrap_or(0);
    if seconds < 600 {
        let said = "may not specify a duration less than 10 minutes";
        checker.invalid(format!("{at}.serviceAccountToken.expirationSeconds"), &json!(seconds), said);
    }
    let place = text(token, "path");
    if place.is_empty() {
        checker.required(child(path, "path"), "");
    } else {
        checker.complaints(&child(path, "path"), place, words::file_path(place));
    }
}
