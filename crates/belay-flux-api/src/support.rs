//! What is honoured and what is refused by name, from `fields.txt`.

use std::sync::LazyLock;

use belay_crd::{Kind, Support};
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

/// The refused ones among the annotations and labels of a Flux resource.
pub fn refused_resource_annotations<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("annotations resource", keys, &["reconcile.fluxcd.io/"])
}

/// The refused ones among the annotations and labels of a managed object.
pub fn refused_object_annotations<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names(
        "annotations object",
        keys,
        &["kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"],
    )
}
