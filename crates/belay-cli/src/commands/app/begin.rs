//! Operations are begun by writing them into the app.

use anyhow::{Context, bail};
use belay_argo_api::{Application, Operation, RequestError};
use belay_crd::Described;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::find::Found;
use crate::failure::Failure;

/// The name under which a person's wishes are written.
pub(super) const USERNAME: &str = "belay";
/// The annotation that makes the controller look at the repository.
const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Stands for an entry of the history that is not there.
pub(super) const BEFORE_THE_LAST: i64 = -1;
/// How often somebody else may be quicker.
const TRIES: usize = 10;

/// Begins an operation, unless there is one. The last one's state goes.
pub(super) async fn begin(
    found: &Found,
    make: impl Fn(&Application) -> Result<Operation, RequestError>,
) -> anyhow::Result<()> {
    write(found, |app| {
        let operation = make(app)?;
        // A revision means what the repository says by it now.
        let annotations = json!({REFRESH: "normal"});
        Ok(json!({
            "metadata": {"annotations": annotations},
            "operation": operation.write(),
            "status": {"operationState": null},
        }))
    })
    .await
}

/// Changes the app as it is now; looks again when somebody was quicker.
pub(super) async fn write(
    found: &Found,
    make: impl Fn(&Application) -> Result<Value, RequestError>,
) -> anyhow::Result<()> {
    let params = PatchParams { field_manager: Some(USERNAME.to_owned()), ..PatchParams::default() };
    for _ in 0..TRIES {
        let app = found.read().await?;
        let mut patch = make(&app).map_err(|error| failure(found, error))?;
        patch["metadata"]["resourceVersion"] = json!(app.metadata.resource_version);
        match found.api.patch(&found.key.name, &params, &Patch::Merge(&patch)).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(answer)) if answer.code == 409 => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("error updating application {:?}", found.key.name));
            }
        }
    }
    bail!("error updating application {:?}: too many conflicts", found.key.name)
}

fn failure(found: &Found, error: RequestError) -> anyhow::Error {
    let name = &found.key.name;
    let message = match error {
        RequestError::NoDeployment { id: BEFORE_THE_LAST, .. } => {
            format!("application '{name}' should have at least two successful deployments")
        }
        RequestError::NoDeployment { id, .. } => {
            format!("application '{name}' does not have deployment id '{id}' in history")
        }
        other => return other.into(),
    };
    Failure::not_found(message).hint("`status.history` of the app lists them").into()
}
