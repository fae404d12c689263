//! The HelmChart that is made for a HelmRelease, and goes with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use belay_apply::{ApplySettings, Done, carry_out};
use belay_cluster::Severity;
use belay_flux_api::{HelmChartTemplate, HelmRelease};
use belay_manifest::{Object, ObjectKey};
use belay_plan::{Action, Plan, Step};
use kube::api::PropagationPolicy;
use serde_json::{Map, Value, json};

use super::objects::apply_step;
use super::{End, Fault, Look, MANAGER, OWNER_NAME, OWNER_NAMESPACE};
use crate::context::SOURCE_GROUP;

/// Applies the HelmChart. No request when it is as it should be.
pub(crate) async fn apply(look: &mut Look<'_>) -> Result<(), Fault> {
    let Some(template) = look.release.spec.chart.clone() else { return Ok(()) };
    let name = format!("{}/{}", look.target.chart.namespace, look.target.chart.name);
    if !look.release.status.helm_chart.is_empty() && look.release.status.helm_chart != name {
        delete(look).await.map_err(fault)?;
    }
    let wanted = object(&look.release, &template, &look.target.chart);
    let step = apply_step(wanted, look.context.live.get(&look.target.chart), MANAGER);
    if step.action != Action::Nothing {
        let source = &template.spec.source_ref;
        let done = carry(look, Plan { steps: vec![step] }).await.map_err(fault)?;
        let (reason, did) = match done {
            Done::Created => ("HelmChartCreated", "created"),
            _ => ("HelmChartConfigured", "configured"),
        };
        let message = format!(
            "HelmChart/{name} {did} with SourceRef '{}/{}/{}'",
            source.kind, look.target.chart.namespace, source.name
        );
        let events = &look.context.helm_events;
        events.record(&look.object, Severity::Normal, reason, &message, &BTreeMap::new()).await;
    }
    look.release.status.helm_chart = name;
    Ok(())
}

fn fault(message: String) -> Fault {
    Fault {
        reason: "HelmChartSyncErr",
        message: format!("failed to run server-side apply: {message}"),
        end: End::Retry,
    }
}

/// Deletes the HelmChart that the status names.
pub(crate) async fn delete(look: &mut Look<'_>) -> Result<(), String> {
    let named = look.release.status.helm_chart.clone();
    if let Some((namespace, name)) = named.split_once('/') {
        let key = ObjectKey {
            group: SOURCE_GROUP.to_owned(),
            kind: "HelmChart".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        if let Some(chart) = own(look, &key) {
            carry(look, Plan { steps: vec![Step::prune(&chart)] }).await?;
            let message = format!("deleted HelmChart '{named}'");
            let events = &look.context.helm_events;
            events
                .record(&look.object, Severity::Normal, "HelmChartDeleted", &message, &BTreeMap::new())
                .await;
        }
    }
    look.release.status.helm_chart.clear();
    Ok(())
}

/// The live HelmChart, if it was made for this release.
fn own(look: &Look<'_>, key: &ObjectKey) -> Option<Arc<Object>> {
    let metadata = &look.release.metadata;
    let chart = look.live(key)?;
    let is_own = chart.label(OWNER_NAME) == Some(&metadata.name)
        && chart.label(OWNER_NAMESPACE) == Some(&metadata.namespace);
    is_own.then_some(chart)
}

async fn carry(look: &Look<'_>, plan: Plan) -> Result<Done, String> {
    let settings = ApplySettings {
        manager: MANAGER.to_owned(),
        in_flight: 1,
        propagation: PropagationPolicy::Background,
    };
    let mut outcomes = carry_out(&plan, &look.context.live, &settings).await;
    match outcomes.pop().map(|outcome| outcome.result) {
        Some(Ok(done)) => Ok(done),
        Some(Err(error)) => Err(error.chain()),
        None => Ok(Done::Unchanged),
    }
}

fn object(release: &HelmRelease, template: &HelmChartTemplate, key: &ObjectKey) -> Object {
    let spec = &template.spec;
    let interval = if spec.interval.as_str().is_empty() { &release.spec.interval } else { &spec.interval };
    let mut wanted = Map::new();
    let mut put = |name: &str, value: Value| wanted.insert(name.to_owned(), value);
    put("chart", json!(spec.chart));
    put("interval", json!(interval.as_str()));
    put("reconcileStrategy", json!(spec.reconcile_strategy.as_str()));
    put("sourceRef", json!({"kind": spec.source_ref.kind, "name": spec.source_ref.name}));
    put("version", json!(if spec.version.is_empty() { "*" } else { &spec.version }));
    if !spec.values_files.is_empty() {
        put("valuesFiles", json!(spec.values_files));
    }
    if spec.ignore_missing_values_files {
        put("ignoreMissingValuesFiles", json!(true));
    }
    let value = json!({
        "apiVersion": format!("{SOURCE_GROUP}/v1"), "kind": "HelmChart",
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": wanted,
    });
    let mut object = Object::new(value).expect("it has kind and name");
    if let Some(metadata) = &template.metadata {
        metadata.labels.iter().for_each(|(name, value)| object.set_label(name, value));
        metadata.annotations.iter().for_each(|(name, value)| object.set_annotation(name, value));
    }
    object.set_label(OWNER_NAME, &release.metadata.name);
    object.set_label(OWNER_NAMESPACE, &release.metadata.namespace);
    object
}
