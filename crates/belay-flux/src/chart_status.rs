//! The one place where a HelmChart's status is made.

use belay_flux_api::{
    Artifact, Condition, ConditionStatus, HelmChart, HelmChartStatus, remove_condition, set_condition,
};
use jiff::Timestamp;

use crate::chart_build::BuiltChart;
use crate::repository::Fault;
use crate::write::REQUESTED_AT;

/// What a look came to.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is the large one")]
pub(crate) enum Found {
    /// The source is being fetched; the status stays.
    NotYet,
    /// A chart.
    Chart {
        /// The chart.
        built: BuiltChart,
        /// What is stored of it.
        artifact: Artifact,
    },
}

/// The status after a look.
pub(crate) fn status(
    chart: &HelmChart,
    found: &Result<Found, Fault>,
    address: &str,
    now: Timestamp,
) -> HelmChartStatus {
    let mut status = chart.status.clone();
    match found {
        Ok(Found::NotYet) => return status,
        Ok(Found::Chart { built, artifact }) => {
            packaged(&mut status, chart, built, now);
            let (namespace, name) = (&chart.metadata.namespace, &chart.metadata.name);
            status.url = format!("http://{address}/helmchart/{namespace}/{name}/latest.tar.gz");
            status.artifact = Some(artifact.clone());
        }
        Err(fault) => failed(&mut status, chart, fault, now),
    }
    if let Some(token) = chart.metadata.annotation(REQUESTED_AT) {
        token.clone_into(&mut status.last_handled_reconcile_at);
    }
    status
}

fn packaged(status: &mut HelmChartStatus, chart: &HelmChart, built: &BuiltChart, now: Timestamp) {
    let generation = chart.metadata.generation;
    for type_ in ["Ready", "ArtifactInStorage"] {
        let message = built.summary();
        let condition =
            Condition::new(type_, ConditionStatus::True, "ChartPackageSucceeded", message, generation);
        set_condition(&mut status.conditions, condition, now);
    }
    for type_ in ["Reconciling", "Stalled", "FetchFailed", "BuildFailed", "StorageOperationFailed"] {
        remove_condition(&mut status.conditions, type_);
    }
    built.name().clone_into(&mut status.observed_chart_name);
    built.revision.clone_into(&mut status.observed_source_artifact_revision);
    status.observed_values_files =
        if chart.spec.ignore_missing_values_files { built.values_files.clone() } else { Vec::new() };
    status.observed_generation = Some(generation);
}

fn failed(status: &mut HelmChartStatus, chart: &HelmChart, fault: &Fault, now: Timestamp) {
    let generation = chart.metadata.generation;
    let aspect = match fault.reason {
        "SourceUnavailable" | "NoSourceArtifact" => "FetchFailed",
        "ArchiveOperationFailed" => "StorageOperationFailed",
        _ => "BuildFailed",
    };
    let mut set = |type_: &str, is: ConditionStatus, reason: &str| {
        let condition = Condition::new(type_, is, reason, &fault.message, generation);
        set_condition(&mut status.conditions, condition, now);
    };
    set("Ready", ConditionStatus::False, fault.reason);
    set(aspect, ConditionStatus::True, fault.reason);
    if fault.is_final {
        set("Stalled", ConditionStatus::True, fault.reason);
        remove_condition(&mut status.conditions, "Reconciling");
        status.observed_generation = Some(generation);
    } else {
        set("Reconciling", ConditionStatus::True, "ProgressingWithRetry");
        remove_condition(&mut status.conditions, "Stalled");
    }
}
