//! The CustomResourceDefinitions of the families, printed or created.

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use crate::engine::Family;

/// The field manager of what Belay needs for itself.
const FIELD_MANAGER: &str = "belay";
/// What an annotation may hold, and so what `kubectl apply` can remember of an object (the API server's limit for all
/// annotations together).
const ANNOTATION_BYTES: usize = 256 * 1024;

/// The definitions of these families.
pub(crate) fn of(families: &[Family]) -> Vec<Value> {
    let has = |family| families.contains(&family);
    let argo = has(Family::Argo).then(belay_argo_api::crds).into_iter().flatten();
    argo.chain(has(Family::Flux).then(belay_flux_api::crds).into_iter().flatten()).collect()
}

/// Whether a client-side `kubectl apply` can take the definition.
pub(crate) fn fits_an_annotation(definition: &Value) -> bool {
    definition.to_string().len() < ANNOTATION_BYTES
}

/// Creates those that the cluster does not have, and brings those up to date that were created so before. What another
/// installation brought is left as it is. A failure is logged: the kind is waited for like any absent one.
pub(crate) async fn create(client: &Client, families: &[Family]) {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    for definition in of(families) {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match create_one(&api, &name, definition).await {
            Ok(true) => tracing::info!(name, "created its definition"),
            Ok(false) => {}
            Err(error) => tracing::warn!(name, %error, "its definition cannot be created"),
        }
    }
}

/// Says whether it was written.
async fn create_one(api: &Api<DynamicObject>, name: &str, definition: Value) -> Result<bool, kube::Error> {
    if let Some(there) = api.get_metadata_opt(name).await? {
        let managers = there.metadata.managed_fields.unwrap_or_default();
        if !managers.iter().any(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER)) {
            return Ok(false);
        }
    }
    api.patch(name, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(definition)).await?;
    Ok(true)
}
