//! What resources there are: the built-in ones and those that CustomResourceDefinitions declare.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use belay_schema::{KindSchema, Registry};
use serde_json::Value;

use crate::object::{items, text};
use crate::store::GroupResource;

/// A resource in all its versions.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) storage_version: String,
    pub(crate) storage_version_hash: String,
    pub(crate) versions: Vec<Version>,
    /// The CustomResourceDefinition that declares it.
    pub(crate) crd: Option<Arc<Value>>,
}

/// One served version of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) version: String,
    pub(crate) schema: Option<Arc<KindSchema>>,
    pub(crate) subresources: Vec<Subresource>,
    pub(crate) columns: Vec<Column>,
    pub(crate) selectable: Vec<String>,
    pub(crate) deprecation: Option<String>,
    /// Where a custom resource keeps what its Scale shows.
    pub(crate) scale: Option<Value>,
}

/// A subresource as discovery lists it.
#[derive(Debug, Clone)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) kind_group: Option<String>,
    pub(crate) kind_version: Option<String>,
    pub(crate) verbs: Vec<String>,
}

/// A column of a Table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) priority: i64,
    pub(crate) description: String,
    /// Only for custom resources.
    pub(crate) json_path: Option<String>,
}

impl Definition {
    pub(crate) fn key(&self) -> GroupResource {
        GroupResource::new(&self.group, &self.resource)
    }

    /// Where its objects are kept: both kinds of Event are the same objects.
    pub(crate) fn storage(&self) -> GroupResource {
        if self.group == "events.k8s.io" { GroupResource::new("", "events") } else { self.key() }
    }

    pub(crate) fn version(&self, version: &str) -> Option<&Version> {
        self.versions.iter().find(|candidate| candidate.version == version)
    }

    pub(crate) fn api_version(&self, version: &str) -> String {
        api_version(&self.group, version)
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.crd.is_some()
    }

    pub(crate) fn has_subresource(&self, version: &str, name: &str) -> bool {
        self.version(version).is_some_and(|version| version.subresources.iter().any(|sub| sub.name == name))
    }
}

/// `apps/v1`, or `v1` for core.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Group and version of an `apiVersion`.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// All resources, in the order discovery shows them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resources {
    definitions: BTreeMap<GroupResource, Arc<Definition>>,
    /// Groups with their versions, preferred first.
    pub(crate) groups: Vec<(String, Vec<String>)>,
}

impl Resources {
    pub(crate) fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Resources> = OnceLock::new();
        BUILTIN.get_or_init(read_builtin)
    }

    /// Serve what a CustomResourceDefinition declares, in place of what it declared before.
    pub(crate) fn set_custom(&mut self, crd: &Arc<Value>) {
        self.remove_custom(text(crd, &["spec", "group"]), text(crd, &["spec", "names", "plural"]));
        if let Some(definition) = custom_definition(crd) {
            self.add(definition);
        }
    }

    /// Serve a custom resource no longer.
    pub(crate) fn remove_custom(&mut self, group: &str, resource: &str) {
        let key = GroupResource::new(group, resource);
        if !self.definitions.get(&key).is_some_and(|definition| definition.is_custom()) {
            return;
        }
        self.definitions.remove(&key);
        let left: Vec<String> = self
            .in_group(group)
            .flat_map(|definition| definition.versions.iter().map(|version| version.version.clone()))
            .collect();
        if let Some((_, versions)) = self.groups.iter_mut().find(|(name, _)| name == group) {
            versions.retain(|version| left.contains(version));
        }
        self.groups.retain(|(_, versions)| !versions.is_empty());
    }

    pub(crate) fn get(&self, group: &str, resource: &str) -> Option<&Arc<Definition>> {
        self.definitions.get(&GroupResource::new(group, resource))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.values()
    }

    pub(crate) fn by_kind(&self, group: &str, kind: &str) -> Option<&Arc<Definition>> {
        self.definitions.values().find(|definition| definition.group == group && definition.kind == kind)
    }

    pub(crate) fn in_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Arc<Definition>> {
        self.definitions.values().filter(move |definition| definition.group == group)
    }

    pub(crate) fn has_version(&self, group: &str, version: &str) -> bool {
        self.groups
            .iter()
            .any(|(name, versions)| name == group && versions.iter().any(|known| known == version))
    }

    fn add(&mut self, definition: Definition) {
        let position =
            self.groups.iter().position(|(group, _)| *group == definition.group).unwrap_or_else(|| {
                self.groups.push((definition.group.clone(), Vec::new()));
                self.groups.len() - 1
            });
        let versions = &mut self.groups[position].1;
        for version in &definition.versions {
            if !versions.contains(&version.version) {
                versions.push(version.version.clone());
            }
        }
        if definition.is_custom() {
            versions
                .sort_by(|left, right| priority(right).cmp(&priority(left)).then_with(|| left.cmp(right)));
        }
        self.definitions.insert(definition.key(), Arc::new(definition));
    }
}

/// How discovery ranks versions: stable before beta before alpha, higher numbers first, odd names last.
fn priority(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let major = rest[..digits].parse().ok()?;
        match &rest[digits..] {
            "" => Some((3, major, 0)),
            stage if stage.starts_with("beta") => Some((2, major, stage[4..].parse().unwrap_or(0))),
            stage if stage.starts_with("alpha") => Some((1, major, stage[5..].parse().unwrap_or(0))),
            _ => None,
        }
    };
    parse().unwrap_or((0, 0, 0))
}

fn read_builtin() -> Resources {
    let columns = builtin_columns();
    let mut definitions: HashMap<GroupResource, Definition> = HashMap::new();
    let mut order = Vec::new();
    for group_version in Registry::builtin().group_versions() {
        for resource in group_version.resources.iter().filter(|resource| !resource.name.contains('/')) {
            let key = GroupResource::new(&group_version.group, &resource.name);
            let definition = definitions.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                builtin_definition(&group_version.group, &group_version.version, resource)
            });
            definition.versions.push(builtin_version(group_version, resource, &columns));
        }
    }
    let mut resources = Resources::default();
    for key in order {
        if let Some(definition) = definitions.remove(&key) {
            resources.add(definition);
        }
    }
    resources
}

fn builtin_definition(group: &str, version: &str, resource: &belay_schema::Resource) -> Definition {
    Definition {
        group: group.to_owned(),
        resource: resource.name.clone(),
        singular: resource.singular.clone(),
        kind: resource.kind.clone(),
        list_kind: format!("{}List", resource.kind),
        namespaced: resource.namespaced,
        verbs: resource.verbs.clone(),
        short_names: resource.short_names.clone(),
        categories: resource.categories.clone(),
        storage_version: version.to_owned(),
        storage_version_hash: resource.storage_version_hash.clone(),
        versions: Vec::new(),
        crd: None,
    }
}

fn builtin_version(
    group_version: &belay_schema::GroupVersion,
    resource: &belay_schema::Resource,
    columns: &HashMap<String, Vec<Column>>,
) -> Version {
    let (group, version) = (&group_version.group, &group_version.version);
    let prefix = format!("{}/", resource.name);
    let subresources = group_version.resources.iter().filter_map(|candidate| {
        Some(Subresource {
            name: candidate.name.strip_prefix(&prefix)?.to_owned(),
            kind: candidate.kind.clone(),
            kind_group: candidate.kind_group.clone(),
            kind_version: candidate.kind_version.clone(),
            verbs: candidate.verbs.clone(),
        })
    });
    let selectable = crate::selectors::selectable_fields(group, &resource.kind);
    Version {
        version: version.clone(),
        schema: Registry::builtin().kind(group, version, &resource.kind),
        subresources: subresources.collect(),
        columns: columns.get(&format!("{group}/{version}/{}", resource.name)).cloned().unwrap_or_default(),
        selectable: selectable.iter().map(|field| (*field).to_owned()).collect(),
        deprecation: deprecation(group, &resource.name).map(str::to_owned),
        scale: None,
    }
}

fn deprecation(group: &str, resource: &str) -> Option<&'static str> {
    match (group, resource) {
        ("", "endpoints") => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        }
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

/// Recorded with `kubectl get --raw` and `Accept: application/json;as=Table` from the API server 1.34.4.
fn builtin_columns() -> HashMap<String, Vec<Column>> {
    let recorded: HashMap<String, Vec<(String, String, String, i64)>> =
        serde_json::from_str(include_str!("../data/columns.json"))
            .expect("the recorded columns are part of the crate");
    let column = |(name, kind, format, priority)| Column {
        name,
        kind,
        format,
        priority,
        description: String::new(),
        json_path: None,
    };
    recorded.into_iter().map(|(key, columns)| (key, columns.into_iter().map(column).collect())).collect()
}

fn custom_definition(crd: &Arc<Value>) -> Option<Definition> {
    let spec = &crd["spec"];
    let strings = |path: &[&str]| -> Vec<String> {
        items(spec, path).iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let names = &spec["names"];
    let stored = items(spec, &["versions"]).iter().find(|version| version["storage"] == true)?;
    let mut versions: Vec<Version> = items(spec, &["versions"])
        .iter()
        .filter(|version| version["served"] == true)
        .map(|version| custom_version(crd, version))
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(priority(&version.version)));
    let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    Some(Definition {
        group: text(spec, &["group"]).to_owned(),
        resource: text(names, &["plural"]).to_owned(),
        singular: text(names, &["singular"]).to_owned(),
        kind: text(names, &["kind"]).to_owned(),
        list_kind: text(names, &["listKind"]).to_owned(),
        namespaced: spec["scope"] == "Namespaced",
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        short_names: strings(&["names", "shortNames"]),
        categories: strings(&["names", "categories"]),
        storage_version: text(stored, &["name"]).to_owned(),
        storage_version_hash: String::new(),
        versions,
        crd: Some(crd.clone()),
    })
}

fn custom_version(crd: &Value, version: &Value) -> Version {
    let name = text(version, &["name"]);
    let schema = KindSchema::from_crd_version(crd, name)
        .map_err(|error| tracing::warn!(%error, name, "no schema"))
        .ok();
    let mut subresources = Vec::new();
    let verbs = || vec!["get".to_owned(), "patch".to_owned(), "update".to_owned()];
    if version["subresources"]["status"].is_object() {
        let kind = text(crd, &["spec", "names", "kind"]).to_owned();
        subresources.push(Subresource {
            name: "status".into(),
            kind,
            kind_group: None,
            kind_version: None,
            verbs: verbs(),
        });
    }
    let scale = version["subresources"].get("scale").filter(|scale| scale.is_object()).cloned();
    if scale.is_some() {
        subresources.push(Subresource {
            name: "scale".into(),
            kind: "Scale".into(),
            kind_group: Some("autoscaling".into()),
            kind_version: Some("v1".into()),
            verbs: verbs(),
        });
    }
    let selectable = items(version, &["selectableFields"]).iter();
    let deprecated = version["deprecated"] == true;
    Version {
        version: name.to_owned(),
        schema: schema.map(Arc::new),
        subresources,
        columns: custom_columns(version),
        selectable: selectable
            .map(|field| text(field, &["jsonPath"]).trim_start_matches('.').to_owned())
            .collect(),
        deprecation: deprecated.then(|| {
            let standard = || {
                let (group, kind) = (text(crd, &["spec", "group"]), text(crd, &["spec", "names", "kind"]));
                format!("{group}/{name} {kind} is deprecated")
            };
            version["deprecationWarning"].as_str().map_or_else(standard, str::to_owned)
        }),
        scale,
    }
}

fn custom_columns(version: &Value) -> Vec<Column> {
    let plain = |name: &str, kind: &str, format: &str, path: &str| Column {
        name: name.into(),
        kind: kind.into(),
        format: format.into(),
        priority: 0,
        description: String::new(),
        json_path: Some(path.into()),
    };
    let mut columns = vec![plain("Name", "string", "name", ".metadata.name")];
    let declared = items(version, &["additionalPrinterColumns"]);
    if declared.is_empty() {
        columns.push(plain("Age", "date", "", ".metadata.creationTimestamp"));
    }
    for column in declared {
        columns.push(Column {
            name: text(column, &["name"]).to_owned(),
            kind: text(column, &["type"]).to_owned(),
            format: text(column, &["format"]).to_owned(),
            priority: column["priority"].as_i64().unwrap_or(0),
            description: text(column, &["description"]).to_owned(),
            json_path: Some(text(column, &["jsonPath"]).to_owned()),
        });
    }
    columns
}
