//! The built-in kinds: discovery and schemas, recorded from kube-apiserver 1.34.4 as facts
//! (`cargo xtask record openapi`, into `data/kubernetes-1.34.json.gz`).

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use crate::arena::{TypeId, Types};
use crate::builtin::Converter;
use crate::core_type::core_types;
use crate::kind::KindSchema;

static RECORDED: &[u8] = include_bytes!("../data/kubernetes-1.34.json.gz");

static BUILTIN: LazyLock<Registry> = LazyLock::new(Registry::load);

/// The API's built-in groups, resources and kinds.
#[derive(Debug)]
pub struct Registry {
    facts: Facts,
    group_versions: Vec<GroupVersion>,
    kinds: HashMap<KindName, Arc<KindSchema>>,
    types: Arc<Types>,
    core_types: HashMap<String, TypeId>,
}

/// The recording as it is.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) version: Value,
    pub(crate) definitions: Map<String, Value>,
    pub(crate) encoding: Map<String, Value>,
}

/// One version of one API group.
#[derive(Debug, Clone)]
pub struct GroupVersion {
    /// Empty for core.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// Whether it is the group's preferred version.
    pub preferred: bool,
    /// Resources and subresources, in the order of discovery.
    pub resources: Vec<Resource>,
}

/// A resource as discovery lists it.
#[derive(Debug, Clone)]
pub struct Resource {
    /// `deployments`, or `deployments/status`.
    pub name: String,
    /// `deployment`; empty for subresources.
    pub singular: String,
    /// The kind read and written; `Scale` for `deployments/scale`.
    pub kind: String,
    /// The kind's group where it differs from the resource's (`autoscaling` for `Scale`).
    pub kind_group: Option<String>,
    /// The kind's version where it differs from the resource's.
    pub kind_version: Option<String>,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// `get`, `list`, …
    pub verbs: Vec<String>,
    /// `deploy`, …
    pub short_names: Vec<String>,
    /// `all`, …
    pub categories: Vec<String>,
    /// The hash that discovery shows of the version stored.
    pub storage_version_hash: String,
}

impl Resource {
    /// A custom resource, as far as documents tell of it.
    pub(crate) fn custom(plural: &str, kind: &str, namespaced: bool) -> Self {
        Self {
            name: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
            kind_group: None,
            kind_version: None,
            namespaced,
            verbs: ["delete", "get", "list", "patch", "create", "update"].map(str::to_owned).to_vec(),
            short_names: Vec::new(),
            categories: Vec::new(),
            storage_version_hash: String::new(),
        }
    }
}

impl Registry {
    /// The kinds of Kubernetes 1.34. Read once, then shared.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Every group and version, core first, then in the order of `/apis`.
    pub fn group_versions(&self) -> &[GroupVersion] {
        &self.group_versions
    }

    /// The schema of a built-in kind.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<KindSchema>> {
        self.kinds.get(&(group.to_owned(), version.to_owned(), kind.to_owned())).cloned()
    }

    /// Every built-in kind.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<KindSchema>> {
        self.kinds.values()
    }

    /// What `/version` says: `major`, `minor`, `gitVersion`.
    pub fn version(&self) -> &Value {
        &self.facts.version
    }

    /// The document at `/openapi/v3/api/v1` or `/openapi/v3/apis/GROUP/VERSION`, without descriptions.
    pub fn openapi_v3(&self, group: &str, version: &str) -> Option<Value> {
        let found = self.group_versions.iter().find(|gv| gv.group == group && gv.version == version)?;
        Some(crate::openapi::document(found, &self.facts.definitions))
    }

    pub(crate) fn types(&self) -> &Arc<Types> {
        &self.types
    }

    pub(crate) fn core_types(&self) -> &HashMap<String, TypeId> {
        &self.core_types
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    fn load() -> Self {
        let mut text = Vec::new();
        let read = flate2::read::GzDecoder::new(RECORDED).read_to_end(&mut text);
        read.expect("the recording is part of this crate and its test reads it");
        let mut recorded: Map<String, Value> =
            serde_json::from_slice(&text).expect("the recording is part of this crate and its test reads it");
        let mut take = |key: &str| recorded.remove(key).unwrap_or_default();
        let (groups, resources) = (take("groups"), take("resources"));
        let facts = Facts {
            version: take("version"),
            definitions: object(take("definitions")),
            encoding: object(take("encoding")),
        };
        let group_versions = group_versions(&groups, &resources);
        let mut converter = Converter::new(&facts.definitions, &facts.encoding);
        let roots = roots(&facts, &mut converter);
        let core_types = core_types(&mut converter, facts.definitions.keys());
        let types = Arc::new(converter.finish());
        let kinds = kinds(roots, &types, &group_versions);
        Self { facts, group_versions, kinds, types, core_types }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn group_versions(groups: &Value, resources: &Value) -> Vec<GroupVersion> {
    let mut all = vec![group_version("", "v1", true, &resources["v1"])];
    for group in groups.as_array().into_iter().flatten() {
        let preferred = text(&group["preferredVersion"], "version");
        for version in group["versions"].as_array().into_iter().flatten() {
            let (name, version_name) = (text(group, "name"), text(version, "version"));
            let listed = &resources[text(version, "groupVersion").as_str()];
            all.push(group_version(&name, &version_name, version_name == preferred, listed));
        }
    }
    all
}

fn group_version(group: &str, version: &str, preferred: bool, listed: &Value) -> GroupVersion {
    let resources = listed.as_array().into_iter().flatten().map(resource).collect();
    GroupVersion { group: group.to_owned(), version: version.to_owned(), preferred, resources }
}

fn resource(listed: &Value) -> Resource {
    let optional = |key: &str| listed.get(key).and_then(Value::as_str).map(str::to_owned);
    let many = |key: &str| {
        let items = listed.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Resource {
        name: text(listed, "name"),
        singular: text(listed, "singularName"),
        kind: text(listed, "kind"),
        kind_group: optional("group"),
        kind_version: optional("version"),
        namespaced: listed["namespaced"] == Value::Bool(true),
        verbs: many("verbs"),
        short_names: many("shortNames"),
        categories: many("categories"),
        storage_version_hash: text(listed, "storageVersionHash"),
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Group, version and kind.
type KindName = (String, String, String);

fn roots(facts: &Facts, converter: &mut Converter<'_>) -> Vec<(KindName, TypeId)> {
    let mut roots = Vec::new();
    for (name, definition) in &facts.definitions {
        let listed = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        let id = listed.is_some().then(|| converter.named(name));
        for (listed, id) in listed.into_iter().flatten().zip(id.into_iter().cycle()) {
            roots.push(((text(listed, "group"), text(listed, "version"), text(listed, "kind")), id));
        }
    }
    roots
}

fn kinds(
    roots: Vec<(KindName, TypeId)>,
    types: &Arc<Types>,
    group_versions: &[GroupVersion],
) -> HashMap<KindName, Arc<KindSchema>> {
    let kinds = roots.into_iter().map(|(key, root)| {
        let (group, version, kind) = key.clone();
        let has_status = has_status(group_versions, &group, &version, &kind);
        let types = Arc::clone(types);
        (key, Arc::new(KindSchema { group, version, kind, types, root, custom: None, has_status }))
    });
    kinds.collect()
}

fn has_status(group_versions: &[GroupVersion], group: &str, version: &str, kind: &str) -> bool {
    let found = group_versions.iter().find(|gv| gv.group == group && gv.version == version);
    let mut resources = found.into_iter().flat_map(|gv| &gv.resources);
    resources.any(|resource| resource.kind == kind && resource.name.ends_with("/status"))
}
