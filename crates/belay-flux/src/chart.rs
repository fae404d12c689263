//! One look at one HelmChart: read → check → source → build → store → report.

use std::collections::BTreeMap;
use std::time::Duration;

use belay_cluster::Severity;
use belay_crd::{Described, Resource};
use belay_flux_api::{
    Artifact, HELM_CHART, HelmChart, find_condition, is_true, refused_fields, refused_resource_mark,
};
use belay_manifest::{Object, ObjectKey};

use crate::artifact::Place;
use crate::chart_build::{BuiltChart, build};
use crate::chart_status::{Found, status};
use crate::context::{Context, SOURCE_GROUP, Source};
use crate::health::or;
use crate::repository::{Fault, MANAGER};
use crate::{unreadable, write};
use belay_causes::chain;

const INTERVAL: Duration = Duration::from_secs(60);
/// How soon a fault that may pass is looked at again.
const AFTER_FAULT: Duration = Duration::from_secs(30);

/// Looks at the chart, keeps it, writes its status. Gives when to look again.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.live.get(key)?;
    let chart: HelmChart = unreadable::read(context, &object).await?;
    if chart.metadata.is_deleting() {
        write::finalizer(context, &object, MANAGER, false).await;
        return None;
    }
    if chart.spec.suspend && context.chart(key).is_some() {
        return None;
    }
    let interval = or(&chart.spec.interval, INTERVAL);
    let found = look(context, &object, &chart).await;
    let again = match &found {
        Ok(Found::NotYet) => return None,
        Ok(Found::Chart { .. }) => Some(interval),
        Err(fault) => (!fault.is_final).then_some(AFTER_FAULT.min(interval)),
    };
    if found.is_err() {
        context.note_failure(key);
    }
    report(context, &object, &chart, &found).await;
    if let Ok(Found::Chart { built, .. }) = found {
        context.keep_chart(key, built);
    }
    again
}

async fn look(context: &Context, object: &Object, chart: &HelmChart) -> Result<Found, Fault> {
    check(object, chart)?;
    let Some(source) = source(context, chart)? else { return Ok(Found::NotYet) };
    let files = source.files();
    let built = build(&files, &chart.spec, &source.revision, chart.metadata.generation)
        .map_err(|error| Fault { reason: error.reason(), message: chain(&error), is_final: true })?;
    let known = context.chart(&object.key()).or_else(|| stored(context, chart, &built));
    let built = kept_or_new(known, built);
    let artifact = store(context, chart, &built)?;
    Ok(Found::Chart { built, artifact })
}

fn place(context: &Context, chart: &HelmChart, built: &BuiltChart) -> Place {
    let metadata = &chart.metadata;
    let file = format!("{}-{}.tgz", built.name(), built.version());
    Place {
        path: format!("helmchart/{}/{}/{file}", metadata.namespace, metadata.name),
        address: context.settings.artifact_address.clone(),
        revision: built.version().to_owned(),
    }
}

/// The chart that was packaged before this process began.
fn stored(context: &Context, chart: &HelmChart, built: &BuiltChart) -> Option<BuiltChart> {
    let status = &chart.status;
    let artifact = status.artifact.as_ref()?;
    let is_same = status.observed_generation == Some(built.generation)
        && status.observed_chart_name == built.name()
        && artifact.revision == built.version();
    let archive =
        context.settings.artifacts.verified(&artifact.path, &artifact.digest).filter(|_| is_same)?;
    built.unpacked(&archive).ok()
}

/// Stores the chart, unless it is stored already.
fn store(context: &Context, chart: &HelmChart, built: &BuiltChart) -> Result<Artifact, Fault> {
    let (store, place) = (&context.settings.artifacts, place(context, chart, built));
    let known = chart.status.artifact.as_ref();
    let is_same = chart.status.observed_generation == Some(built.generation);
    if let Some(stored) = place.stored(store, known).filter(|_| is_same) {
        return Ok(place.artifact(&stored, known));
    }
    let fault = |error: &dyn std::error::Error| Fault {
        reason: "ArchiveOperationFailed",
        message: format!("unable to copy Helm chart to storage: {}", chain(error)),
        is_final: false,
    };
    let bytes = built.package().map_err(|error| fault(&error))?;
    let stored = store.put(&place.path, &bytes).map_err(|error| fault(&error))?;
    store.link(&place.path, "latest.tar.gz").map_err(|error| fault(&error))?;
    store.collect(&place.path).map_err(|error| fault(&error))?;
    Ok(place.artifact(&stored, known))
}

/// A chart of the same name, version and generation stays: what makes a new chart is its version.
fn kept_or_new(known: Option<BuiltChart>, built: BuiltChart) -> BuiltChart {
    match known {
        Some(known)
            if (known.name(), known.version(), known.generation)
                == (built.name(), built.version(), built.generation) =>
        {
            BuiltChart { revision: built.revision, ..known }
        }
        _ => built,
    }
}

fn check(object: &Object, chart: &HelmChart) -> Result<(), Fault> {
    let not_supported = |feature: &str| Fault {
        reason: "NotSupported",
        message: format!("{feature} is not supported yet"),
        is_final: true,
    };
    if let Some(field) = refused_fields(&HELM_CHART, object.value()).first() {
        return Err(not_supported(&format!("`{field}`")));
    }
    if let Some(mark) = refused_resource_mark(&chart.metadata) {
        return Err(not_supported(&mark));
    }
    if chart.spec.source_ref.kind != "GitRepository" {
        return Err(not_supported(&format!("`spec.sourceRef.kind: {}`", chart.spec.source_ref.kind)));
    }
    match chart.validate().first() {
        Some(error) => Err(Fault { reason: "ValidationFailed", message: error.to_string(), is_final: true }),
        None => Ok(()),
    }
}

/// The source's files. Nothing when it has an artifact that is still being fetched.
fn source(context: &Context, chart: &HelmChart) -> Result<Option<Source>, Fault> {
    let reference = &chart.spec.source_ref;
    let key = ObjectKey {
        group: SOURCE_GROUP.to_owned(),
        kind: reference.kind.clone(),
        namespace: chart.metadata.namespace.clone(),
        name: reference.name.clone(),
    };
    let missing = |reason: &'static str, message: String| Fault { reason, message, is_final: false };
    let Some(object) = context.live.get(&key) else {
        let message =
            format!("failed to get source: gitrepositories.{SOURCE_GROUP} {:?} not found", key.name);
        return Err(missing("SourceUnavailable", message));
    };
    if let Some(source) = context.source(&key).filter(|_| context.is_current(&key)) {
        return Ok(Some(source));
    }
    if object.value().pointer("/status/artifact/revision").is_some() {
        return Ok(None);
    }
    let message = format!("no artifact available for {} source '{}'", key.kind, key.name);
    Err(missing("NoSourceArtifact", message))
}

async fn report(context: &Context, object: &Object, chart: &HelmChart, found: &Result<Found, Fault>) {
    let new = status(chart, found, &context.settings.artifact_address, belay_cluster::now());
    write::status(context, object, MANAGER, &new.write()).await;
    let was_ready = is_true(&chart.status.conditions, "Ready");
    let revision =
        |artifact: Option<&Artifact>| artifact.map(|artifact| artifact.revision.clone()).unwrap_or_default();
    match found {
        Ok(Found::Chart { built, .. }) => {
            let is_news = revision(chart.status.artifact.as_ref()) != built.version();
            if is_news || !was_ready {
                let annotations =
                    BTreeMap::from([(format!("{SOURCE_GROUP}/revision"), revision(new.artifact.as_ref()))]);
                let (reason, message) = ("ChartPackageSucceeded", built.summary());
                context.source_event(object, Severity::Normal, reason, &message, &annotations).await;
            }
        }
        Err(fault) => {
            let known = find_condition(&chart.status.conditions, "Ready");
            if was_ready || known.is_none_or(|known| known.message != fault.message) {
                let none = BTreeMap::new();
                context.source_event(object, Severity::Warning, fault.reason, &fault.message, &none).await;
            }
        }
        Ok(Found::NotYet) => {}
    }
}
