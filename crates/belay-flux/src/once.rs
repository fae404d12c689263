//! One look at an app for whoever asks: what its next reconcile would change. No status and no artifact is written, and
//! nothing is watched on.

use std::sync::Arc;

use belay_diff::Drift;
use belay_flux_api::{GitRepository, HelmChart, HelmRelease, Kustomization};
use belay_manifest::{Object, ObjectKey};
use belay_plan::Plan;
use serde::de::DeserializeOwned;

use crate::chart_build::{BuiltChart, build};
use crate::context::{Context, SOURCE_GROUP, Source};
use crate::controller::{Controller, kinds};
use crate::depends::includes;
use crate::{drift, external_artifact, helm_release, kustomization_status, reconcile, repository};

/// What an app would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// The revision that was compared.
    pub revision: String,
    /// The objects that differ, in the order in which they would be written.
    pub objects: Vec<(ObjectKey, Vec<Drift>)>,
}

/// Why an app cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It, or what it reads from, is not there.
    #[error("there is no {kind} {namespace}/{name}", kind = .0.kind, namespace = .0.namespace, name = .0.name)]
    NotFound(ObjectKey),
    /// Its definition says otherwise.
    #[error("{0} cannot be read")]
    Unreadable(ObjectKey, #[source] serde_json::Error),
    /// The cluster did not tell of the apps.
    #[error("the apps cannot be listed")]
    Listed(#[source] belay_cluster::LiveError),
    /// Its spec, its source or its cluster; in the words of its condition.
    #[error("{0}")]
    Fault(String),
}

impl From<kustomization_status::Fault> for LookError {
    fn from(fault: kustomization_status::Fault) -> LookError {
        LookError::Fault(fault.message)
    }
}

impl From<repository::Fault> for LookError {
    fn from(fault: repository::Fault) -> LookError {
        LookError::Fault(fault.message)
    }
}

impl Controller {
    /// What a reconcile of the app would change: of a Kustomization at the artifact of its source; of a HelmRelease by an
    /// upgrade with the chart and the values as they are now, whether or not these call for one.
    pub async fn differences_once(&self, app: &ObjectKey) -> Result<Differences, LookError> {
        let context = self.context();
        for kind in kinds() {
            context.live.ensure(&kind).await.map_err(LookError::Listed)?;
        }
        let (revision, plan) = match app.kind.as_str() {
            "Kustomization" => kustomization(context, app).await?,
            _ => release(context, app).await?,
        };
        let objects =
            plan.steps.iter().map(|step| (step.key.clone(), drift::of(step, context.settings.ledger.key())));
        Ok(Differences { revision, objects: objects.filter(|(_, records)| !records.is_empty()).collect() })
    }
}

async fn kustomization(context: &Context, key: &ObjectKey) -> Result<(String, Plan), LookError> {
    let (object, app): (_, Kustomization) = read(context, key)?;
    reconcile::check(&object, &app)?;
    let reference = &app.spec.source_ref;
    let source = source(context, &reference.kind, &reference.name, or(&reference.namespace, key)).await?;
    let planned = reconcile::read_and_plan(context, &object, &app, &source).await?;
    Ok((source.revision, planned.plan))
}

async fn release(context: &Context, key: &ObjectKey) -> Result<(String, Plan), LookError> {
    let (object, release): (_, HelmRelease) = read(context, key)?;
    let chart = chart(context, &helm_release::chart_of(&release)).await?;
    let plan = helm_release::plan_once(context, object, release, &chart).await.map_err(LookError::Fault)?;
    Ok((chart.revision, plan))
}

async fn chart(context: &Context, key: &ObjectKey) -> Result<BuiltChart, LookError> {
    let (_, chart): (_, HelmChart) = read(context, key)?;
    let reference = &chart.spec.source_ref;
    let source = source(context, &reference.kind, &reference.name, &key.namespace).await?;
    build(&source.files(), &chart.spec, &source.revision, chart.metadata.generation)
        .map_err(|error| LookError::Fault(belay_causes::chain(&error)))
}

/// The files of the artifact that a source has.
async fn source(context: &Context, kind: &str, name: &str, namespace: &str) -> Result<Source, LookError> {
    let key = ObjectKey {
        group: SOURCE_GROUP.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    if kind == external_artifact::KIND {
        context.live.ensure(&external_artifact::kind()).await.map_err(LookError::Listed)?;
        let object = context.live.get(&key).ok_or_else(|| LookError::NotFound(key.clone()))?;
        let artifact = external_artifact::artifact(&object)
            .ok_or_else(|| LookError::Fault(format!("{} has no artifact", key.name)))?;
        let files = external_artifact::files(context, &key, &artifact).await;
        return files.map_err(|error| LookError::Fault(belay_causes::chain(&error)));
    }
    if kind != "GitRepository" {
        return Err(LookError::Fault(format!("comparing with a source of kind {kind} is not supported yet")));
    }
    let (object, repository): (_, GitRepository) = read(context, &key)?;
    for name in includes(object.value()) {
        let included = ObjectKey { name: name.to_owned(), ..key.clone() };
        let (_, repository): (_, GitRepository) = read(context, &included)?;
        repository::restore(context, &included, &repository).await;
    }
    Ok(repository::stored(context, &key, &repository).await?)
}

fn or<'a>(namespace: &'a str, otherwise: &'a ObjectKey) -> &'a str {
    if namespace.is_empty() { &otherwise.namespace } else { namespace }
}

fn read<T: DeserializeOwned>(context: &Context, key: &ObjectKey) -> Result<(Arc<Object>, T), LookError> {
    let object = context.live.get(key).ok_or_else(|| LookError::NotFound(key.clone()))?;
    let read = serde_json::from_value(object.value().clone());
    Ok((object, read.map_err(|error| LookError::Unreadable(key.clone(), error))?))
}
