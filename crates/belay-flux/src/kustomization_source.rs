//! Where a Kustomization's files come from, and what has to be ready before they are applied.

use std::time::Duration;

use belay_cluster::LiveError;
use belay_flux_api::{Artifact, Kustomization};
use belay_manifest::{Object, ObjectKey};

use crate::context::{Context, SOURCE_GROUP, Source};
use crate::depends::{self, Unmet};
use crate::external_artifact::{self, Unavailable};
use crate::health::rounded;
use crate::kustomization_status::{Fault, Found};

/// How soon a source without an artifact is looked at again.
const NO_ARTIFACT: Duration = Duration::from_secs(30);

/// The source's files. Nothing when it has an artifact that is still being fetched.
pub(crate) async fn source(
    context: &Context,
    app: &Kustomization,
    found: &mut Found,
) -> Result<Option<Source>, Fault> {
    let reference = &app.spec.source_ref;
    let namespace =
        if reference.namespace.is_empty() { &app.metadata.namespace } else { &reference.namespace };
    let key = ObjectKey {
        group: SOURCE_GROUP.to_owned(),
        kind: reference.kind.clone(),
        namespace: namespace.clone(),
        name: reference.name.clone(),
    };
    if context.settings.no_cross_namespace_references && *namespace != app.metadata.namespace {
        let message = format!(
            "can't access '{}/{}/{}', cross-namespace references have been blocked",
            key.kind, key.namespace, key.name
        );
        return Err(Fault::stalled("AccessDenied", message));
    }
    if key.kind == external_artifact::KIND {
        let fault = |error: LiveError| Fault::retry("ArtifactFailed", error.to_string());
        context.live.ensure(&external_artifact::kind()).await.map_err(fault)?;
    }
    let Some(object) = context.live.get(&key) else {
        let message = format!("{}.{SOURCE_GROUP} \"{}\" not found", key.kind, key.name);
        return Err(Fault::retry("ArtifactFailed", message));
    };
    if key.kind == external_artifact::KIND {
        if let Some(artifact) = external_artifact::artifact(&object) {
            return fetched(context, &key, &artifact, found).await.map(Some);
        }
    } else if let Some(source) = context.source(&key).filter(|_| context.is_current(&key)) {
        return Ok(Some(source));
    } else if object.value().pointer("/status/artifact/revision").is_some() {
        return Ok(None);
    }
    let message = format!("Source artifact not found, retrying in {}", rounded(NO_ARTIFACT));
    Err(Fault { again: Some(NO_ARTIFACT), ..Fault::retry("ArtifactFailed", message) })
}

/// The files that another controller serves.
async fn fetched(
    context: &Context,
    key: &ObjectKey,
    artifact: &Artifact,
    found: &mut Found,
) -> Result<Source, Fault> {
    external_artifact::files(context, key, artifact).await.map_err(|unavailable| {
        found.source = Some(artifact.revision.clone());
        found.revision = Some(artifact.revision.clone());
        if let Unavailable::NotFound = unavailable {
            let again = rounded(NO_ARTIFACT);
            let message = format!("Source is not ready, artifact not found, retrying in {again}");
            return Fault { again: Some(NO_ARTIFACT), ..Fault::retry("ArtifactFailed", message) };
        }
        Fault::retry("ArtifactFailed", belay_causes::chain(&unavailable))
    })
}

/// Dependencies of the same source have to have applied the revision that we are going to apply.
pub(crate) fn check_dependencies(
    context: &Context,
    object: &Object,
    app: &Kustomization,
    source: &Source,
) -> Result<(), Fault> {
    let own = &app.spec.source_ref;
    let is_current = |dependency: &Object| {
        let text = |path: &str| {
            dependency.value().pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default()
        };
        let namespace = |text: &str, otherwise: &str| {
            if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
        };
        let is_same_source = text("/spec/sourceRef/kind") == own.kind
            && text("/spec/sourceRef/name") == own.name
            && namespace(text("/spec/sourceRef/namespace"), dependency.namespace())
                == namespace(&own.namespace, object.namespace());
        !is_same_source || text("/status/lastAppliedRevision") == source.revision
    };
    let get = |key: &ObjectKey| context.live.get(key);
    match depends::unmet(object, &app.spec.depends_on, &get, &is_current) {
        None => Ok(()),
        Some(Unmet::NotYet(reason)) => {
            Err(Fault { again: Some(depends::AGAIN), ..Fault::retry("DependencyNotReady", reason) })
        }
        Some(Unmet::Unreadable(reason)) => Err(unreadable(&reason)),
    }
}

/// A condition that nobody can ask.
pub(crate) fn unreadable(reason: &str) -> Fault {
    Fault::stalled("InvalidCELExpression", format!("{}: {reason}", depends::TERMINAL))
}
