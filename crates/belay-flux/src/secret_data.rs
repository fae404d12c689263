//! What the Secrets that Flux's objects name hold.

use std::collections::BTreeMap;

use belay_cluster::LiveState;
use k8s_openapi::ByteString;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;

/// A Secret's values by key.
pub(crate) type Data = BTreeMap<String, ByteString>;

/// Why a Secret is not to be had. Says nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSecret {
    #[error("secrets {0:?} not found")]
    Missing(String),
    /// What the API server said.
    #[error("{0}")]
    Failed(String),
}

/// Reads a Secret of the cluster that we run against. The live state keeps no values.
pub(crate) async fn read(live: &LiveState, namespace: &str, name: &str) -> Result<Data, NoSecret> {
    let resource = ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(live.client().clone(), namespace, &resource);
    let secret = api.get(name).await.map_err(|error| match error {
        kube::Error::Api(status) if status.code == 404 => NoSecret::Missing(name.to_owned()),
        kube::Error::Api(status) => NoSecret::Failed(status.message),
        other => NoSecret::Failed(other.to_string()),
    })?;
    match &secret.data["data"] {
        serde_json::Value::Null => Ok(Data::new()),
        data => serde_json::from_value(data.clone())
            .map_err(|_no_base64| NoSecret::Failed("its data are not base64".to_owned())),
    }
}
