//! What is honoured and what is refused by name, from `fields.txt`.

use std::sync::LazyLock;

use belay_crd::{Kind, ObjectMeta, Support};
use indexmap::IndexMap;
use serde_json::Value;

static SUPPORT: LazyLock<Support> =
    LazyLock::new(|| Support::parse(include_str!("../fields.txt")).expect("a test reads the file"));

/// The marks of every field and name of the family.
pub fn support() -> &'static Support {
    &SUPPORT
}

/// The fields of `object` that hold something and are refused, or that this version does not know. The object is left
/// unapplied with the condition "`FIELD` is not supported yet" when there are any.
pub fn refused_fields(kind: &Kind, object: &Value) -> Vec<String> {
    SUPPORT.refused_fields(kind, object)
}

/// The first refused one among the annotations and labels of a Flux resource, as messages name it: "label `NAME`".
pub fn refused_resource_mark(metadata: &ObjectMeta) -> Option<String> {
    fn keys(map: &IndexMap<String, String>) -> impl Iterator<Item = &str> {
        map.keys().map(String::as_str)
    }
    let (annotations, labels) = (keys(&metadata.annotations), keys(&metadata.labels));
    let annotations = SUPPORT.refused_names("annotations resource", annotations, &["reconcile.fluxcd.io/"]);
    // Any label may be somebody's own: only those that Flux reads are refused.
    let labels = SUPPORT.refused_names("labels resource", labels, &[]);
    let named = |what: &str, names: &[String]| names.first().map(|name| format!("{what} `{name}`"));
    named("annotation", &annotations).or_else(|| named("label", &labels))
}

/// The refused ones among the annotations and labels of a managed object.
pub fn refused_object_annotations<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names(
        "annotations object",
        keys,
        &["kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"],
    )
}
