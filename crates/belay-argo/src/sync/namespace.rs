//! `CreateNamespace=true`: the destination's namespace as a task of the sync.

use std::sync::Arc;

use belay_apply::namespace_key;
use belay_argo_api::Application;
use belay_crd::Described;
use belay_manifest::{GroupVersionKind, Object};
use belay_plan::sync::SYNC_OPTIONS;
use serde_json::{Value, json};

use super::settings::Options;
use crate::context::Context;
use crate::prepare::Prepared;

/// The namespace to make, or to keep as `managedNamespaceMetadata` says; nothing when Git has it, or nobody asks.
pub(super) fn wanted(
    context: &Context,
    app: &Application,
    options: &Options,
    prepared: &Prepared,
) -> Option<Arc<Object>> {
    let name = &app.spec.destination.namespace;
    if name.is_empty() || !options.has("CreateNamespace=true") {
        return None;
    }
    let key = namespace_key(name);
    if prepared.objects.iter().any(|wanted| wanted.object.key() == key) {
        return None;
    }
    let managed = app.spec.sync_policy.as_ref().and_then(|policy| policy.managed_namespace_metadata.as_ref());
    if managed.is_none() && context.live.get(&key).is_some() {
        return None;
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    if let Some(managed) = managed {
        object["metadata"] = managed.write();
        object["metadata"]["name"] = Value::from(name.clone());
        // Others' labels and annotations stay.
        object["metadata"]["annotations"][SYNC_OPTIONS] = Value::from("ServerSideApply=true");
    }
    Object::new(object).ok().map(Arc::new)
}

/// The kind of namespaces.
pub(crate) fn kind() -> GroupVersionKind {
    GroupVersionKind::new("v1", "Namespace")
}
