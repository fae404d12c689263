//! Objects to start from: those whose creation was recorded for the tests of `belay-schema`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use belay_schema::Registry;
use serde_json::{Value, json};

/// An object of a kind, where it lives, and what its fields are.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) kind: String,
    pub(crate) object: Value,
    /// The path of the collection.
    pub(crate) collection: String,
    group_version: String,
    /// The name of the definition in the group's document.
    definition: String,
}

/// All samples with the documents that describe them.
pub(crate) struct Samples {
    pub(crate) all: Vec<Sample>,
    documents: HashMap<String, Value>,
}

impl Sample {
    pub(crate) fn is_custom(&self) -> bool {
        self.group_version.ends_with(".belay.example/v1")
    }

    /// Whether an update must name the version it replaces.
    pub(crate) fn needs_version(&self) -> bool {
        let group = self.group_version.split('/').next().unwrap_or_default();
        self.is_custom()
            // What the real server's plugins would give to a Pod would be taken from it again.
            || self.kind == "Pod"
            || self.kind == "CSIDriver"
            || [
                "admissionregistration.k8s.io",
                "coordination.k8s.io",
                "node.k8s.io",
                "policy",
                "apiregistration.k8s.io",
            ]
            .contains(&group)
    }
}

impl Samples {
    /// Read the samples of the kinds named, or of all.
    pub(crate) fn read(kinds: &[String]) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../belay-schema/tests/cases");
        let crd = read(&folder.join("widget-crd.json"))?;
        let mut files: Vec<_> =
            std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        files.retain(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("create-"))
        });
        files.sort();
        let mut samples = Self { all: Vec::new(), documents: HashMap::new() };
        for file in files {
            let case = read(&file)?;
            let object = case["steps"][0]["body"].clone();
            let kind = object["kind"].as_str().unwrap_or_default().to_owned();
            if kinds.is_empty() || kinds.contains(&kind) {
                samples.add(object, kind, &crd, case["crd"] == true);
            }
        }
        Ok(samples)
    }

    /// The definition that both servers need for the custom samples.
    pub(crate) fn definition() -> anyhow::Result<Value> {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../belay-schema/tests/cases/widget-crd.json"))
    }

    fn add(&mut self, object: Value, kind: String, crd: &Value, is_custom: bool) {
        let group_version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
        let (group, version) = group_version.split_once('/').unwrap_or(("", &group_version));
        let document = self.documents.entry(group_version.clone()).or_insert_with(|| {
            if is_custom {
                belay_schema::custom_resources_document(&[(crd, version)])
            } else {
                Registry::builtin().openapi_v3(group, version).unwrap_or_default()
            }
        });
        let wanted = json!({ "group": group, "version": version, "kind": kind });
        let schemas = document["components"]["schemas"].as_object();
        let definition = schemas.into_iter().flatten().find(|(_, schema)| {
            let listed = schema["x-kubernetes-group-version-kind"].as_array();
            listed.is_some_and(|listed| listed.contains(&wanted))
        });
        let Some(definition) = definition.map(|(name, _)| name.clone()) else { return };
        let (plural, namespaced) = place(group, version, &kind, crd, is_custom);
        let prefix =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group_version}") };
        // What limits others lives apart from them.
        let space = match kind.as_str() {
            _ if !namespaced => "",
            "LimitRange" | "ResourceQuota" => "/namespaces/compare-limits",
            _ => "/namespaces/default",
        };
        let collection = format!("{prefix}{space}/{plural}");
        self.all.push(Sample { kind, object, collection, group_version: group_version.clone(), definition });
    }

    /// The schema of a sample and the document that its references point into.
    pub(crate) fn schema(&self, sample: &Sample) -> (&Value, &Value) {
        let document = &self.documents[&sample.group_version];
        (document, &document["components"]["schemas"][&sample.definition])
    }
}

fn place(group: &str, version: &str, kind: &str, crd: &Value, is_custom: bool) -> (String, bool) {
    if is_custom {
        return (crd["spec"]["names"]["plural"].as_str().unwrap_or_default().to_owned(), true);
    }
    let versions = Registry::builtin().group_versions().iter();
    let resources = versions.filter(|known| known.group == group && known.version == version);
    let mut resources = resources.flat_map(|known| &known.resources);
    let found = resources.find(|resource| resource.kind == kind && !resource.name.contains('/'));
    found.map_or_else(|| (kind.to_lowercase(), true), |found| (found.name.clone(), found.namespaced))
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}
