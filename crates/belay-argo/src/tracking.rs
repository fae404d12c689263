//! The marks that say which app an object belongs to.

use belay_manifest::Object;

/// The annotation that says which app an object belongs to.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// Which app, and where it deploys to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The app's instance name: its name, with its namespace before it outside of the control plane's.
    pub instance: String,
    /// `spec.destination.namespace`.
    pub namespace: String,
}

impl Target {
    /// The name under which the live state keeps the app's objects.
    pub(crate) fn live_name(&self) -> String {
        format!("app/{}", self.instance)
    }
}

/// Marks an object as the app's.
pub(crate) fn track(object: &mut Object, target: &Target) {
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
    let id = object.annotation(TRACKING_ID)?;
    let (app, rest) = id.split_once(':')?;
    let (kind, place) = rest.split_once(':')?;
    let (group, kind) = kind.split_once('/')?;
    let (namespace, name) = place.split_once('/')?;
    let own = object.gvk().group == group
        && object.kind() == kind
        && object.name() == name
        && (object.namespace().is_empty() || object.namespace() == namespace);
    own.then_some(app)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mark_names_the_object_itself() {
        let target = Target { instance: "web".into(), namespace: "prod".into() };
        let mut object = Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "prod"}}))
        .unwrap();
        track(&mut object, &target);
        assert_eq!(object.annotation(TRACKING_ID), Some("web:apps/Deployment:prod/a"));
        assert_eq!(tracked_app(&object), Some("web"));
        let mut copy = object.value().clone();
        copy["metadata"]["name"] = json!("copy");
        assert_eq!(tracked_app(&Object::new(copy).unwrap()), None);
    }
}
