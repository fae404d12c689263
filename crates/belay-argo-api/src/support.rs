//! What is honoured and what is refused by name, from `fields.txt`.

use std::sync::LazyLock;

use belay_crd::{Kind, Support, Verdict};
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

/// The refused ones among the annotations of an Application; unknown ones are ignored, as by Argo CD.
pub fn refused_annotations<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("annotations Application", names, &[])
}

/// Those among the annotations of an Application that are not acted on and leave what is deployed the same: a warning
/// names them.
pub fn named_annotations<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.named("annotations Application", names)
}

/// The refused ones among sync options of an Application or an operation, as `CreateNamespace=true`; an unknown one is.
pub fn refused_sync_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("syncOptions Application", options, &[""])
}

/// The refused ones among the sync options of an object; an unknown one is.
pub fn refused_object_sync_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("syncOptions object", options, &[""])
}

/// The refused ones among the compare options of an object; an unknown one is.
pub fn refused_object_compare_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("compareOptions object", options, &[""])
}

/// What comes of a key of a ConfigMap like `argocd-cm` that has this value; nothing for a key that Argo CD does not know.
pub fn setting(config_map: &str, key: &str, value: &str) -> Option<Verdict> {
    SUPPORT.verdict(config_map, key, value)
}
