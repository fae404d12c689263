//! From rendered manifests to the objects that an Application wants in the cluster.

use std::collections::BTreeMap;

use belay_cluster::{Kinds, Scope};
use belay_manifest::{GroupVersionKind, Manifest, Object, is_dns_label};
use belay_plan::{Desired, Treatment};
use serde_json::Value;

/// The annotation that says which app an object belongs to.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";

/// Which app, and where it deploys to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The app's instance name: its name, with its namespace before it outside of the control plane's.
    pub instance: String,
    /// `spec.destination.namespace`.
    pub namespace: String,
}

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
}

/// What the manifests came to.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The objects, tracked, in their namespaces, each once.
    pub desired: Vec<Desired>,
    /// `RepeatedResourceWarning`s.
    pub warnings: Vec<String>,
    /// Kinds that the cluster does not know and that no definition among the objects brings.
    pub unknown: Vec<GroupVersionKind>,
}

/// Marks, places and checks every manifest. Of two manifests for one object the later one counts.
pub(crate) fn prepare(
    manifests: &[Manifest],
    target: &Target,
    kinds: &Kinds,
) -> Result<Prepared, PrepareError> {
    let defined = defined_kinds(manifests);
    let mut prepared = Prepared::default();
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for manifest in manifests {
        refuse_unsupported(manifest)?;
        let kind = manifest.object.gvk();
        let scope = match (kinds.known(&kind), defined.get(&(kind.group.clone(), kind.kind.clone()))) {
            (Some(resource), _) => resource.scope,
            (None, Some(scope)) => *scope,
            (None, None) => {
                if !prepared.unknown.contains(&kind) {
                    prepared.unknown.push(kind);
                }
                continue;
            }
        };
        let object = placed(manifest, scope, target)?;
        let key = object.key();
        let desired = Desired { treatment: treatment(&object), object, origin: manifest.origin.clone() };
        match places.get(&key) {
            Some(place) => {
                prepared.warnings.push(format!(
                    "Resource {}/{}/{}/{} appeared 2 times among application resources.",
                    key.group, key.kind, key.namespace, key.name
                ));
                prepared.desired[*place] = desired;
            }
            None => {
                places.insert(key, prepared.desired.len());
                prepared.desired.push(desired);
            }
        }
    }
    Ok(prepared)
}

/// Kinds that definitions among the manifests bring.
fn defined_kinds(manifests: &[Manifest]) -> BTreeMap<(String, String), Scope> {
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
    track(&mut object, target);
    Ok(object)
}

fn track(object: &mut Object, target: &Target) {
    // A definition is shared by design; Argo CD does not mark it.
    if object.kind() == "CustomResourceDefinition" {
        return;
    }
    let id = tracking_id(object, target);
    object.set_annotation(TRACKING_ID, &id);
}

/// `<app>:<group>/<kind>:<namespace>/<name>`; cluster-scoped objects carry the destination's namespace.
fn tracking_id(object: &Object, target: &Target) -> String {
    let key = object.key();
    let namespace = if key.namespace.is_empty() { &target.namespace } else { &key.namespace };
    format!("{}:{}/{}:{}/{}", target.instance, key.group, key.kind, namespace, key.name)
}

/// The app that a live object says it belongs to, if the mark names the object itself: what
/// operators copy from it is not the app's.
pub fn tracked_app(object: &Object) -> Option<&str> {
    if let Some(id) = object.annotation(TRACKING_ID) {
        let (app, rest) = id.split_once(':')?;
        let (kind, place) = rest.split_once(':')?;
        let (group, kind) = kind.split_once('/')?;
        let (namespace, name) = place.split_once('/')?;
        let own = object.gvk().group == group
            && object.kind() == kind
            && object.name() == name
            && (object.namespace().is_empty() || object.namespace() == namespace);
        return own.then_some(app);
    }
    None
}

/// The words of a comma-separated annotation.
fn words<'a>(object: &'a Object, annotation: &str) -> impl Iterator<Item = &'a str> {
    object
        .annotation(annotation)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn treatment(object: &Object) -> Treatment {
    let mut treatment = Treatment::default();
    for option in words(object, SYNC_OPTIONS) {
        match option {
            "Prune=false" => treatment.keep = true,
            "Force=true" | "Replace=true" => treatment.recreate = true,
            _ => {}
        }
    }
    treatment
}

/// Whether a live object asks to stay when it leaves Git.
pub(crate) fn keeps(object: &Object) -> bool {
    words(object, SYNC_OPTIONS).any(|option| option == "Prune=false")
}

/// Whether a live object asks not to be deleted with its app.
pub(crate) fn survives_deletion(object: &Object) -> bool {
    words(object, SYNC_OPTIONS).any(|option| option == "Delete=false")
}

/// Whether a live object that Git does not name leaves its app in sync.
pub(crate) fn is_extraneous(object: &Object) -> bool {
    words(object, COMPARE_OPTIONS).any(|option| option == "IgnoreExtraneous")
}

/// Sync options of a resource that are honoured.
const HONOURED_OPTIONS: &[&str] = &[
    "Prune=false",
    "Prune=true",
    "Delete=false",
    "Delete=true",
    "ServerSideApply=true",
    "Validate=true",
    "SkipDryRunOnMissingResource=true",
];

fn refuse_unsupported(manifest: &Manifest) -> Result<(), PrepareError> {
    let object = &manifest.object;
    let refuse = |feature: String| PrepareError::NotSupported {
        origin: manifest.origin.to_string(),
        object: object.key().to_string(),
        feature,
    };
    for annotation in ["argocd.argoproj.io/hook", "helm.sh/hook"] {
        if let Some(value) = object.annotation(annotation).filter(|value| *value != "crd-install") {
            return Err(refuse(format!("annotation {annotation}: {value}")));
        }
    }
    let wave = object.annotation("argocd.argoproj.io/sync-wave").unwrap_or_default();
    if wave.parse::<i64>().is_ok_and(|wave| wave != 0) {
        return Err(refuse(format!("annotation argocd.argoproj.io/sync-wave: {wave}")));
    }
    for option in words(object, SYNC_OPTIONS) {
        if !HONOURED_OPTIONS.contains(&option) {
            return Err(refuse(format!("annotation {SYNC_OPTIONS}: {option}")));
        }
    }
    for option in words(object, COMPARE_OPTIONS) {
        if option != "IgnoreExtraneous" {
            return Err(refuse(format!("annotation {COMPARE_OPTIONS}: {option}")));
        }
    }
    if object.name().is_empty() {
        return Err(refuse("metadata.generateName".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(value: Value) -> Manifest {
        Manifest {
            object: Object::new(value).unwrap(),
            origin: belay_manifest::Origin { file: "a.yaml".into(), line: 3 },
        }
    }

    fn target() -> Target {
        Target { instance: "web".into(), namespace: "prod".into() }
    }

    #[test]
    fn a_mark_names_the_object_itself() {
        let object =
            manifest(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}));
        let placed = placed(&object, Scope::Namespaced, &target()).unwrap();
        assert_eq!(placed.annotation(TRACKING_ID), Some("web:apps/Deployment:prod/a"));
        assert_eq!(tracked_app(&placed), Some("web"));
        let mut copy = placed.value().clone();
        copy["metadata"]["name"] = json!("copy");
        assert_eq!(tracked_app(&Object::new(copy).unwrap()), None);
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let hook = manifest(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a",
            "annotations": {"argocd.argoproj.io/hook": "PreSync"}}}));
        assert_eq!(
            refuse_unsupported(&hook).unwrap_err().to_string(),
            "a.yaml:3: Job/a: annotation argocd.argoproj.io/hook: PreSync is not supported yet"
        );
        let wave = manifest(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a",
            "annotations": {"argocd.argoproj.io/sync-wave": "1"}}}));
        assert!(refuse_unsupported(&wave).is_err());
        let zero = manifest(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a",
            "annotations": {"argocd.argoproj.io/sync-wave": "0", "argocd.argoproj.io/sync-options": "Prune=false"}}}));
        assert!(refuse_unsupported(&zero).is_ok());
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
