//! From rendered manifests to the objects that an Application wants in the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belay_argo_api::{refused_object_compare_options, refused_object_sync_options};
use belay_cluster::{Kinds, Scope};
use belay_manifest::{GroupVersionKind, Manifest, Object, ObjectKey, Origin, is_dns_label};
use belay_plan::sync::{SYNC_OPTIONS, is_hook, words};
use serde_json::Value;

use crate::tracking::{NoLabel, Target, track};

/// Options of how an object is compared.
const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";

/// Something in the rendered manifests that stops the app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PrepareError {
    /// An annotation asks for something that is not built yet.
    #[error("{origin}: {object}: {feature} is not supported yet")]
    NotSupported {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
        /// What it asks for.
        feature: String,
    },
    /// A namespaced object has no namespace, and neither has the destination.
    #[error("{origin}: {object}: is namespaced, but neither it nor spec.destination names a namespace")]
    NoNamespace {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
    },
    /// The namespace is no DNS label.
    #[error("{origin}: {object}: namespace {namespace:?} is not a DNS label")]
    Namespace {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
        /// The namespace.
        namespace: String,
    },
    /// The object cannot be marked as the app's.
    #[error("{origin}: {object}: failed to set app instance label")]
    Mark {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
        /// Why not.
        source: NoLabel,
    },
}

/// An object that Git says, placed and marked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// The object.
    pub object: Arc<Object>,
    /// Where it was written.
    pub origin: Origin,
}

/// What the manifests came to.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The objects and hooks, tracked, in their namespaces, each once.
    pub objects: Vec<Wanted>,
    /// `RepeatedResourceWarning`s.
    pub repeated: Vec<String>,
    /// `ExcludedResourceWarning`s.
    pub excluded: Vec<String>,
    /// Kinds that the cluster does not know and that no definition among the objects brings.
    pub unknown: Vec<GroupVersionKind>,
}

impl Prepared {
    /// The kinds of the objects, each once.
    pub(crate) fn kinds(&self) -> BTreeSet<GroupVersionKind> {
        self.objects.iter().map(|wanted| wanted.object.gvk()).collect()
    }

    /// Where the object of this key was written.
    pub(crate) fn origin(&self, key: &ObjectKey) -> Option<&Origin> {
        let wanted = self.objects.iter().find(|wanted| wanted.object.key() == *key)?;
        Some(&wanted.origin)
    }

    /// The object of this key.
    pub(crate) fn find(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.iter().map(|wanted| wanted.object.as_ref()).find(|object| object.key() == *key)
    }
}

/// Marks, places and checks every manifest. Of two manifests for one object the later one counts. Objects of unknown
/// kinds are taken to live in namespaces.
pub(crate) fn prepare(
    manifests: &[&Manifest],
    target: &Target,
    kinds: &Kinds,
) -> Result<Prepared, PrepareError> {
    let defined = defined_kinds(manifests);
    let mut prepared = Prepared::default();
    let mut places: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for manifest in manifests {
        refuse_unsupported(manifest)?;
        let kind = manifest.object.gvk();
        if target.excludes(&kind) {
            let name = manifest.object.name();
            let message = format!("Resource {}/{} {name} is excluded in the settings", kind.group, kind.kind);
            prepared.excluded.push(message);
            continue;
        }
        let scope = match (kinds.known(&kind), defined.get(&(kind.group.clone(), kind.kind.clone()))) {
            (Some(resource), _) => resource.scope,
            (None, Some(scope)) => *scope,
            (None, None) => {
                if !prepared.unknown.contains(&kind) {
                    prepared.unknown.push(kind);
                }
                Scope::Namespaced
            }
        };
        let object = placed(manifest, scope, target)?;
        let mut key = object.key();
        if key.name.is_empty() {
            // A hook that gets its name when it runs is an object of its own.
            key.name = format!("\0{}", prepared.objects.len());
        }
        let wanted = Wanted { object: Arc::new(object), origin: manifest.origin.clone() };
        match places.get_mut(&key) {
            Some((place, count)) => {
                *count += 1;
                prepared.objects[*place] = wanted;
            }
            None => {
                places.insert(key, (prepared.objects.len(), 1));
                prepared.objects.push(wanted);
            }
        }
    }
    for (key, (_, count)) in places.iter().filter(|(_, (_, count))| *count > 1) {
        prepared.repeated.push(format!(
            "Resource {}/{}/{}/{} appeared {count} times among application resources.",
            key.group, key.kind, key.namespace, key.name
        ));
    }
    Ok(prepared)
}

/// Kinds that definitions among the manifests bring.
fn defined_kinds(manifests: &[&Manifest]) -> BTreeMap<(String, String), Scope> {
    let text = |value: &Value, path: &str| {
        value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    manifests
        .iter()
        .filter(|manifest| manifest.object.kind() == "CustomResourceDefinition")
        .map(|manifest| {
            let value = manifest.object.value();
            let scope = match text(value, "/spec/scope").as_str() {
                "Cluster" => Scope::Cluster,
                _ => Scope::Namespaced,
            };
            ((text(value, "/spec/group"), text(value, "/spec/names/kind")), scope)
        })
        .collect()
}

fn placed(manifest: &Manifest, scope: Scope, target: &Target) -> Result<Object, PrepareError> {
    let mut object = manifest.object.clone();
    let (origin, name) = (manifest.origin.to_string(), object.key().to_string());
    match scope {
        Scope::Cluster => object.set_namespace(""),
        Scope::Namespaced if object.namespace().is_empty() => {
            if target.namespace.is_empty() {
                return Err(PrepareError::NoNamespace { origin, object: name });
            }
            object.set_namespace(&target.namespace);
        }
        Scope::Namespaced => {}
    }
    if !object.namespace().is_empty() && !is_dns_label(object.namespace()) {
        let namespace = object.namespace().to_owned();
        return Err(PrepareError::Namespace { origin, object: name, namespace });
    }
    track(&mut object, target).map_err(|source| PrepareError::Mark {
        origin: origin.clone(),
        object: name.clone(),
        source,
    })?;
    Ok(object)
}

fn refuse_unsupported(manifest: &Manifest) -> Result<(), PrepareError> {
    let object = &manifest.object;
    let refuse = |feature: String| PrepareError::NotSupported {
        origin: manifest.origin.to_string(),
        object: object.key().to_string(),
        feature,
    };
    if let Some(option) = refused_object_sync_options(words(object, SYNC_OPTIONS)).first() {
        return Err(refuse(format!("annotation {SYNC_OPTIONS}: {option}")));
    }
    if let Some(option) = refused_object_compare_options(words(object, COMPARE_OPTIONS)).first() {
        return Err(refuse(format!("annotation {COMPARE_OPTIONS}: {option}")));
    }
    if object.name().is_empty() && !is_hook(object) {
        return Err(refuse("metadata.generateName".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(value: Value) -> Manifest {
        Manifest { object: Object::new(value).unwrap(), origin: Origin { file: "a.yaml".into(), line: 3 } }
    }

    fn target() -> Target {
        Target {
            instance: "web".into(),
            namespace: "prod".into(),
            cluster: "https://here".into(),
            system: Arc::default(),
        }
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let with = |annotations: Value| {
            let object = manifest(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a",
                "annotations": annotations}}));
            refuse_unsupported(&object).map_err(|error| error.to_string())
        };
        assert_eq!(
            with(json!({SYNC_OPTIONS: "Prune=false,Unheard=of"})),
            Err("a.yaml:3: Job/a: annotation argocd.argoproj.io/sync-options: Unheard=of is not supported yet".into())
        );
        assert!(with(json!({COMPARE_OPTIONS: "IncludeMutationWebhooks=true"})).is_err());
        let fine = json!({"argocd.argoproj.io/sync-wave": "1", "argocd.argoproj.io/hook": "PreSync", SYNC_OPTIONS: "Replace=true"});
        assert_eq!(with(fine), Ok(()));
    }

    #[test]
    fn only_a_hook_may_be_without_a_name() {
        let with = |annotations: Value| {
            let object =
                manifest(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "a-",
                "annotations": annotations}}));
            refuse_unsupported(&object)
        };
        assert!(with(json!({"argocd.argoproj.io/hook": "PreSync"})).is_ok());
        assert!(with(json!({})).is_err());
    }

    #[test]
    fn a_cluster_scoped_object_loses_its_namespace() {
        let object = manifest(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "x"}}),
        );
        assert_eq!(placed(&object, Scope::Cluster, &target()).unwrap().namespace(), "");
        let homeless = Target { namespace: String::new(), ..target() };
        let object = manifest(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}));
        assert!(matches!(
            placed(&object, Scope::Namespaced, &homeless),
            Err(PrepareError::NoNamespace { .. })
        ));
    }
}
