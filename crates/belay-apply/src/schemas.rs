//! The schemas of the cluster's kinds: the built-in ones, and those of its definitions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use belay_cluster::LiveState;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_schema::{KindSchema, Registry};

/// Schemas by kind. One that a definition declares is made anew when the definition changes.
#[derive(Debug, Default)]
pub struct Schemas {
    custom: Mutex<HashMap<GroupVersionKind, Made>>,
}

/// A schema, and the definition it was made of.
type Made = (Arc<Object>, Option<Arc<KindSchema>>);

/// The kind of definitions of kinds.
pub fn definitions() -> GroupVersionKind {
    GroupVersionKind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition")
}

impl Schemas {
    /// The schema of a kind, if it is known.
    pub fn of(&self, kind: &GroupVersionKind, live: &LiveState) -> Option<Arc<KindSchema>> {
        if let Some(schema) = Registry::builtin().kind(&kind.group, &kind.version, &kind.kind) {
            return Some(schema);
        }
        let resource = live.kinds().known(kind)?;
        let definition = live.get(&ObjectKey {
            group: "apiextensions.k8s.io".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
            namespace: String::new(),
            name: format!("{}.{}", resource.api.plural, kind.group),
        })?;
        let mut custom = self.custom.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((known, schema)) = custom.get(kind)
            && Arc::ptr_eq(known, &definition)
        {
            return schema.clone();
        }
        let schema = KindSchema::from_crd_version(definition.value(), &kind.version)
            .inspect_err(|error| tracing::debug!(%kind, %error, "compared without its schema"))
            .ok()
            .map(Arc::new);
        custom.insert(kind.clone(), (definition, schema.clone()));
        schema
    }

    /// Whether the kind needs a definition for its schema.
    pub fn is_custom(kind: &GroupVersionKind) -> bool {
        Registry::builtin().kind(&kind.group, &kind.version, &kind.kind).is_none()
    }
}
