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

/// The refused ones among the annotations of an Application.
pub fn refused_application_annotations<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("annotations Application", keys, &["argocd.argoproj.io/"])
}

/// The refused ones among the annotations of an object that an Application manages.
pub fn refused_object_annotations<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("annotations object", keys, &["argocd.argoproj.io/"])
}

/// The refused ones among sync options like `CreateNamespace=true`; an unknown option is refused.
pub fn refused_sync_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names("syncOptions", options, &[""])
}

/// The refused ones among the keys of a ConfigMap like `argocd-cm`; an unknown key is refused.
pub fn refused_settings<'a>(config_map: &str, keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    SUPPORT.refused_names(config_map, keys, &[""])
}
