//! From a rendered chart to what a release holds: its manifest as text, its objects, its hooks.

use std::collections::BTreeMap;

use belay_cluster::Scope;
use belay_helm::record::HookRecord;
use belay_helm::{Hook, Manifest, Rendered};
use belay_manifest::{GroupVersionKind, IdentityError, Limits, ManifestError, Object, ObjectKey};
use serde_json::{Map, Value, json};

use super::target::Target;

/// The label that names the HelmRelease of an object.
pub(crate) const OWNER_NAME: &str = "helm.toolkit.fluxcd.io/name";
/// The label that names its namespace.
pub(crate) const OWNER_NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";

/// What a release is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    /// The manifest as Helm's record keeps it.
    pub(crate) manifest: String,
    /// Its objects in install order, placed and with Helm's marks.
    pub(crate) objects: Vec<Object>,
    /// The definitions of `crds/`.
    pub(crate) crds: Vec<Object>,
    /// The hooks.
    pub(crate) hooks: Vec<HookRecord>,
    /// `NOTES.txt`
    pub(crate) notes: String,
    /// The chart, as the record keeps it.
    pub(crate) chart: Value,
}

/// Why rendered documents are no objects of a release.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    #[error("{source_file}: not an object")]
    Object {
        source_file: String,
        #[source]
        source: IdentityError,
    },
    #[error("{object}: no matches for kind \"{}\" in version \"{}\"", kind.kind, kind.api_version())]
    UnknownKind { object: ObjectKey, kind: GroupVersionKind },
    #[error("{source_file}")]
    InFile {
        source_file: String,
        #[source]
        source: Box<ContentError>,
    },
    #[error("the manifest of the release record cannot be read")]
    Record(#[source] Box<ManifestError>),
    #[error("the definitions of the chart cannot be read")]
    Definitions(#[source] Box<ManifestError>),
}

/// Whose release it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// The HelmRelease's name.
    pub(crate) name: &'a str,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// The release.
    pub(crate) target: &'a Target,
}

/// Labels and places everything.
pub(crate) fn content(
    rendered: Rendered,
    owner: &Owner<'_>,
    scope: &dyn Fn(&GroupVersionKind) -> Option<Scope>,
) -> Result<Content, ContentError> {
    let mut manifest = String::new();
    let mut objects = Vec::new();
    for document in rendered.manifests.iter().filter(|document| !document.value.is_null()) {
        let object = labelled(document, owner)?;
        manifest.push_str(&format!("---\n# Source: {}\n{}\n", document.source, yaml(&object)));
        let placed = placed(object, owner.target, scope).map_err(|error| ContentError::InFile {
            source_file: document.source.clone(),
            source: Box::new(error),
        });
        objects.push(placed?);
    }
    let hooks = rendered.hooks.iter().map(|hook| hook_record(hook, owner)).collect::<Result<_, _>>()?;
    Ok(Content {
        manifest,
        objects: each_once(objects),
        crds: definitions(&rendered, owner)?,
        hooks,
        notes: rendered.notes,
        chart: rendered.chart,
    })
}

/// The objects of a record's manifest, placed and with Helm's marks.
pub(crate) fn recorded_objects(
    manifest: &str,
    target: &Target,
    scope: &dyn Fn(&GroupVersionKind) -> Option<Scope>,
) -> Result<Vec<Object>, ContentError> {
    let placed = parsed(manifest)?.into_iter().map(|manifest| placed(manifest.object, target, scope));
    // What the cluster no longer knows has no objects any more.
    let known = placed.filter(|object| !matches!(object, Err(ContentError::UnknownKind { .. })));
    known.collect()
}

/// The kinds of a record's manifest.
pub(crate) fn kinds_of(manifest: &str) -> Result<Vec<GroupVersionKind>, ContentError> {
    Ok(parsed(manifest)?.iter().map(|manifest| manifest.object.gvk()).collect())
}

fn parsed(manifest: &str) -> Result<Vec<belay_manifest::Manifest>, ContentError> {
    // The record has its own limit.
    let limits = Limits { bytes: usize::MAX, documents: usize::MAX };
    belay_manifest::parse("release", manifest.as_bytes(), &limits)
        .map_err(|error| ContentError::Record(Box::new(error)))
}

fn labelled(document: &Manifest, owner: &Owner<'_>) -> Result<Object, ContentError> {
    let mut object = Object::new(document.value.clone())
        .map_err(|source| ContentError::Object { source_file: document.source.clone(), source })?;
    mark_origin(&mut object, owner);
    Ok(object)
}

fn mark_origin(object: &mut Object, owner: &Owner<'_>) {
    object.set_label(OWNER_NAME, owner.name);
    object.set_label(OWNER_NAMESPACE, owner.namespace);
}

fn yaml(object: &Object) -> String {
    belay_goyaml::to_yaml(object.value()).trim_end().to_owned()
}

/// An object in its namespace, with the marks by which Helm knows its own.
fn placed(
    object: Object,
    target: &Target,
    scope: &dyn Fn(&GroupVersionKind) -> Option<Scope>,
) -> Result<Object, ContentError> {
    let mut object = in_namespace(object, target, scope)?;
    object.set_label("app.kubernetes.io/managed-by", "Helm");
    object.set_annotation("meta.helm.sh/release-name", &target.name);
    object.set_annotation("meta.helm.sh/release-namespace", &target.namespace);
    Ok(object)
}

/// An object in its namespace, or in the release's.
pub(crate) fn in_namespace(
    mut object: Object,
    target: &Target,
    scope: &dyn Fn(&GroupVersionKind) -> Option<Scope>,
) -> Result<Object, ContentError> {
    let kind = object.gvk();
    match scope(&kind) {
        None => return Err(ContentError::UnknownKind { object: object.key(), kind }),
        Some(Scope::Cluster) => object.set_namespace(""),
        Some(Scope::Namespaced) if object.namespace().is_empty() => object.set_namespace(&target.namespace),
        Some(Scope::Namespaced) => {}
    }
    crate::prepare::normalise(&mut object);
    Ok(object)
}

/// Of two documents about one object the later one counts, as when they are applied one by one.
fn each_once(objects: Vec<Object>) -> Vec<Object> {
    let last: BTreeMap<ObjectKey, usize> =
        objects.iter().enumerate().map(|(position, object)| (object.key(), position)).collect();
    let is_last = |position: &usize, object: &Object| last.get(&object.key()) == Some(position);
    let kept = objects.into_iter().enumerate().filter(|(position, object)| is_last(position, object));
    kept.map(|(_, object)| object).collect()
}

fn hook_record(hook: &Hook, owner: &Owner<'_>) -> Result<HookRecord, ContentError> {
    let mut object = Object::new(hook.value.clone())
        .map_err(|source| ContentError::Object { source_file: hook.path.clone(), source })?;
    mark_origin(&mut object, owner);
    Ok(HookRecord { manifest: yaml(&object), ..HookRecord::from(hook) })
}

/// The definitions of `crds/`; anything else that lies there is passed over.
pub(crate) fn definitions(rendered: &Rendered, owner: &Owner<'_>) -> Result<Vec<Object>, ContentError> {
    let mut definitions = Vec::new();
    for crd in &rendered.crds {
        let parsed = belay_manifest::parse(&crd.source, &crd.data, &Limits::default())
            .map_err(|error| ContentError::Definitions(Box::new(error)))?;
        for manifest in parsed {
            let mut object = manifest.object;
            if object.kind() == "CustomResourceDefinition" {
                mark_origin(&mut object, owner);
                crate::prepare::normalise(&mut object);
                definitions.push(object);
            }
        }
    }
    Ok(definitions)
}

/// The namespace that `createNamespace` asks for.
pub(crate) fn namespace(name: &str) -> Object {
    let value = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"name": name}}});
    Object::new(value).expect("it has kind and name")
}

/// Values as a record keeps them: whole numbers without a fraction, as Go writes them.
pub(crate) fn config(values: &Map<String, Value>) -> Map<String, Value> {
    let text = belay_goyaml::to_go_json(&Value::Object(values.clone()), false);
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_helm::{Chart, File, RenderOptions, render};
    use std::sync::Arc;

    fn rendered(template: &str) -> Rendered {
        let file = |name: &str, text: &str| File { name: name.into(), data: text.to_owned().into() };
        let chart = Chart::from_files(vec![
            file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            file("templates/all.yaml", template),
            file("crds/thing.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: stray}\n"),
        ])
        .unwrap();
        render(&Arc::new(chart), &RenderOptions::new("shop", "prod")).unwrap()
    }

    fn target() -> Target {
        Target {
            name: "shop".into(),
            namespace: "prod".into(),
            storage: "apps".into(),
            chart: ObjectKey {
                group: String::new(),
                kind: String::new(),
                namespace: String::new(),
                name: String::new(),
            },
        }
    }

    fn scope(kind: &GroupVersionKind) -> Option<Scope> {
        match kind.kind.as_str() {
            "ConfigMap" | "Job" => Some(Scope::Namespaced),
            "Namespace" => Some(Scope::Cluster),
            _ => None,
        }
    }

    const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {x: '1'}\n---\n\
        apiVersion: batch/v1\nkind: Job\nmetadata: {name: h, annotations: {helm.sh/hook: pre-install}}\n---\n\
        apiVersion: v1\nkind: Namespace\nmetadata: {name: zone}\n";

    #[test]
    fn objects_are_placed_labelled_and_marked() {
        let target = target();
        let owner = Owner { name: "web", namespace: "apps", target: &target };
        let content = content(rendered(TEMPLATE), &owner, &scope).unwrap();
        let keys: Vec<String> = content.objects.iter().map(|object| object.key().to_string()).collect();
        assert_eq!(keys, ["Namespace/zone", "ConfigMap/prod/b"]);
        let map = &content.objects[1];
        assert_eq!((map.label(OWNER_NAME), map.label(OWNER_NAMESPACE)), (Some("web"), Some("apps")));
        assert_eq!(map.annotation("meta.helm.sh/release-name"), Some("shop"));
        assert_eq!(
            content.manifest,
            "---\n# Source: web/templates/all.yaml\napiVersion: v1\nkind: Namespace\nmetadata:\n  labels:\n    \
             helm.toolkit.fluxcd.io/name: web\n    helm.toolkit.fluxcd.io/namespace: apps\n  name: zone\n\
             ---\n# Source: web/templates/all.yaml\napiVersion: v1\ndata:\n  x: \"1\"\nkind: ConfigMap\nmetadata:\n  \
             labels:\n    helm.toolkit.fluxcd.io/name: web\n    helm.toolkit.fluxcd.io/namespace: apps\n  name: b\n"
        );
        assert!(content.hooks[0].manifest.contains("helm.toolkit.fluxcd.io/name: web"));
        assert_eq!(content.crds.len(), 1, "what is no definition is passed over");
        let read = recorded_objects(&content.manifest, &target, &scope).unwrap();
        assert_eq!(read, content.objects);
    }

    #[test]
    fn a_kind_that_the_cluster_does_not_know_is_named() {
        let target = target();
        let owner = Owner { name: "web", namespace: "apps", target: &target };
        let rendered = rendered("apiVersion: x.dev/v1\nkind: Thing\nmetadata: {name: t}\n");
        let error = belay_causes::chain(&content(rendered, &owner, &scope).unwrap_err());
        assert_eq!(
            error,
            "web/templates/all.yaml: Thing/t: no matches for kind \"Thing\" in version \"x.dev/v1\""
        );
    }

    #[test]
    fn whole_numbers_are_recorded_without_a_fraction() {
        let values = json!({"a": 2.0, "b": 1.5});
        assert_eq!(Value::Object(config(values.as_object().unwrap())), json!({"a": 2, "b": 1.5}));
    }
}
