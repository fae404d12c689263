//! `IAMPolicyGenerator`: a service account that stands for one of the cloud's.

use serde::Deserialize;
use serde_json::json;

use crate::error::Error;
use crate::resource::Resource;

/// What the plugin is configured with.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Arguments {
    cloud: String,
    kubernetes_service: Names,
    service_account: Names,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Names {
    name: String,
    namespace: String,
    project_id: String,
}

pub(crate) fn make(arguments: Arguments) -> Result<Resource, Error> {
    if arguments.cloud != "gke" {
        return Err(Error::rule(format!("cloud provider {} not supported yet", arguments.cloud)));
    }
    let Names { name, project_id, .. } = arguments.service_account;
    let mut resource = Resource::new(json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "annotations": {
                "iam.gke.io/gcp-service-account": format!("{name}@{project_id}.iam.gserviceaccount.com"),
            },
            "name": arguments.kubernetes_service.name,
        },
    }));
    resource.set_namespace(&arguments.kubernetes_service.namespace)?;
    Ok(resource)
}
