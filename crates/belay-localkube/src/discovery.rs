//! What the server has: versions, groups, resources, OpenAPI.

use belay_schema::Registry;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::api::Answer;
use crate::resources::{Definition, Resources, api_version};
use crate::status::ApiError;

/// `/version`.
pub(crate) fn version() -> Value {
    let mut version = json!({
        "major": "1", "minor": "34", "emulationMajor": "1", "emulationMinor": "34",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "33", "gitVersion": "v1.34.4",
        "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
    });
    for (key, value) in Registry::builtin().version().as_object().into_iter().flatten() {
        version[key] = value.clone();
    }
    version
}

/// A discovery path, or `None` when the path is none.
pub(crate) fn answer(resources: &Resources, path: &str, accept: &str) -> Option<Result<Value, ApiError>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let aggregated = accept.split(',').next().is_some_and(|first| first.contains("as=APIGroupDiscoveryList"));
    let beta = accept.split(',').next().is_some_and(|first| first.contains("v=v2beta1"));
    Some(match parts.as_slice() {
        ["api"] if aggregated => Ok(aggregate(resources, true, beta)),
        ["apis"] if aggregated => Ok(aggregate(resources, false, beta)),
        ["api"] => Ok(json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })),
        ["apis"] => {
            let groups: Vec<Value> =
                named_groups(resources).map(|(group, versions)| group_of(group, versions)).collect();
            Ok(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["api", version] => list_of(resources, "", version),
        ["apis", group] => {
            let found = named_groups(resources).find(|(name, _)| name == group);
            found
                .map(|(group, versions)| with_type(group_of(group, versions)))
                .ok_or_else(ApiError::no_such_resource)
        }
        ["apis", group, version] => list_of(resources, group, version),
        _ => return None,
    })
}

fn named_groups(resources: &Resources) -> impl Iterator<Item = &(String, Vec<String>)> {
    resources.groups.iter().filter(|(group, _)| !group.is_empty())
}

fn with_type(mut group: Value) -> Value {
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    group
}

fn group_of(group: &str, versions: &[String]) -> Value {
    let entry =
        |version: &String| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    let listed: Vec<Value> = versions.iter().map(entry).collect();
    json!({ "name": group, "versions": listed, "preferredVersion": versions.first().map(entry) })
}

fn list_of(resources: &Resources, group: &str, version: &str) -> Result<Value, ApiError> {
    if !resources.has_version(group, version) {
        return Err(ApiError::no_such_resource());
    }
    let mut listed = Vec::new();
    for definition in resources.in_group(group) {
        let Some(declared) = definition.version(version) else { continue };
        listed.push(entry_of(definition));
        for subresource in &declared.subresources {
            let mut entry = json!({
                "name": format!("{}/{}", definition.resource, subresource.name), "singularName": "",
                "namespaced": definition.namespaced,
            });
            if let Some(group) = &subresource.kind_group {
                entry["group"] = group.as_str().into();
            }
            if let Some(version) = &subresource.kind_version {
                entry["version"] = version.as_str().into();
            }
            entry["kind"] = subresource.kind.as_str().into();
            entry["verbs"] = json!(subresource.verbs);
            listed.push(entry);
        }
    }
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": listed,
    }))
}

fn entry_of(definition: &Definition) -> Value {
    let mut entry = json!({
        "name": definition.resource, "singularName": definition.singular, "namespaced": definition.namespaced,
        "kind": definition.kind, "verbs": definition.verbs,
    });
    for (key, values) in [("shortNames", &definition.short_names), ("categories", &definition.categories)] {
        if !values.is_empty() {
            entry[key] = json!(values);
        }
    }
    if !definition.storage_version_hash.is_empty() {
        entry["storageVersionHash"] = definition.storage_version_hash.as_str().into();
    }
    entry
}

/// All groups in one answer, as kubectl asks for it.
fn aggregate(resources: &Resources, core: bool, beta: bool) -> Value {
    let groups = resources.groups.iter().filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = groups
        .map(|(group, versions)| {
            let versions: Vec<Value> =
                versions.iter().map(|version| aggregate_version(resources, group, version)).collect();
            let metadata = if group.is_empty() {
                json!({ "creationTimestamp": null })
            } else {
                json!({ "name": group, "creationTimestamp": null })
            };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let version = if beta { "v2beta1" } else { "v2" };
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {}, "items": items })
}

fn aggregate_version(resources: &Resources, group: &str, version: &str) -> Value {
    let mut listed = Vec::new();
    for definition in resources.in_group(group) {
        let Some(declared) = definition.version(version) else { continue };
        let kind = |kind: &str, kind_group: Option<&str>, kind_version: Option<&str>| json!({ "group": kind_group.unwrap_or(group), "version": kind_version.unwrap_or(version), "kind": kind });
        let scope = if definition.namespaced { "Namespaced" } else { "Cluster" };
        let mut entry = json!({
            "resource": definition.resource, "responseKind": kind(&definition.kind, None, None), "scope": scope,
            "singularResource": definition.singular, "verbs": definition.verbs,
        });
        for (key, values) in [("shortNames", &definition.short_names), ("categories", &definition.categories)]
        {
            if !values.is_empty() {
                entry[key] = json!(values);
            }
        }
        let subresources: Vec<Value> = declared
            .subresources
            .iter()
            .map(|sub| {
                json!({ "subresource": sub.name, "verbs": sub.verbs,
                    "responseKind": kind(&sub.kind, sub.kind_group.as_deref(), sub.kind_version.as_deref()) })
            })
            .collect();
        if !subresources.is_empty() {
            entry["subresources"] = json!(subresources);
        }
        listed.push(entry);
    }
    json!({ "version": version, "resources": listed, "freshness": "Current" })
}

/// `/openapi/v2`, as JSON or in the form that Go's clients take.
pub(crate) fn second_openapi(resources: &Resources, accept: &str) -> Result<Answer, ApiError> {
    let parts = || accept.split(',').map(str::trim);
    let takes_protobuf = parts().any(|part| part.starts_with("application/com.github.proto-openapi.spec.v2"));
    let takes_json = accept.is_empty() || parts().any(|part| part.contains("json") || part.contains('*'));
    if !takes_json && !takes_protobuf {
        return Err(ApiError::not_acceptable());
    }
    let custom = resources.all().filter_map(|definition| Some((definition, definition.crd.as_deref()?)));
    let declared: Vec<(&Value, &str)> = custom
        .flat_map(|(definition, crd)| {
            definition.versions.iter().map(move |version| (crd, version.version.as_str()))
        })
        .collect();
    let document = belay_schema::second_document(&declared);
    // Who takes both is a Go client with a second choice.
    if takes_protobuf {
        let bytes = crate::openapi_protobuf::document(&document);
        return Ok(Answer::Bytes { bytes, media: crate::openapi_protobuf::MEDIA });
    }
    Ok(Answer::ok(document))
}

/// `/openapi/v3` and the documents below it.
pub(crate) fn openapi(resources: &Resources, path: &str) -> Result<Value, ApiError> {
    let rest = path.trim_start_matches("/openapi/v3").trim_matches('/');
    if rest.is_empty() {
        let mut paths = serde_json::Map::new();
        for (group, versions) in &resources.groups {
            for version in versions {
                let name = if group.is_empty() {
                    format!("api/{version}")
                } else {
                    format!("apis/{group}/{version}")
                };
                let hash = hash_of(resources, group, version);
                paths.insert(
                    name.clone(),
                    json!({ "serverRelativeURL": format!("/openapi/v3/{name}?hash={hash}") }),
                );
            }
        }
        return Ok(json!({ "paths": paths }));
    }
    let parts: Vec<&str> = rest.split('/').collect();
    let (group, version) = match parts.as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return Err(ApiError::no_such_resource()),
    };
    if let Some(document) = Registry::builtin().openapi_v3(group, version) {
        return Ok(document);
    }
    let definitions = custom_in(resources, group, version);
    if definitions.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    let declared: Vec<(&Value, &str)> =
        definitions.iter().filter_map(|definition| Some((definition.crd.as_deref()?, version))).collect();
    Ok(belay_schema::custom_resources_document(&declared))
}

fn custom_in<'a>(resources: &'a Resources, group: &'a str, version: &str) -> Vec<&'a Definition> {
    let found = resources
        .in_group(group)
        .filter(|definition| definition.is_custom() && definition.version(version).is_some());
    found.map(|definition| &**definition).collect()
}

/// Changes whenever the document does.
fn hash_of(resources: &Resources, group: &str, version: &str) -> String {
    let mut hasher = Sha512::new();
    hasher.update(api_version(group, version));
    for definition in custom_in(resources, group, version) {
        if let Some(crd) = &definition.crd {
            hasher.update(crd["spec"].to_string());
        }
    }
    hex::encode(hasher.finalize()).to_uppercase()
}
