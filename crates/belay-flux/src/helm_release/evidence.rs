//! What happened to a HelmRelease and why, noted in the ledger.

use std::collections::{BTreeMap, BTreeSet};

use belay_flux_api::find_condition;
use belay_ledger::{Decision, Entry, Rule, Trigger};
use belay_manifest::ObjectKey;

use super::state::Desired;
use super::{End, Fault, Look};
use crate::chart_build::BuiltChart;
use crate::evidence::{commit_of, request};

/// An install or upgrade begins, because of what was found of the release.
pub(super) fn begins(look: &Look<'_>, action: &str, chart: &BuiltChart, desired: &Desired, why: &str) {
    let known = look.release.status.history.first();
    let is_new_chart = known.is_none_or(|known| known.chart_version != desired.chart_version);
    let commit = is_new_chart.then(|| commit(look, chart)).flatten();
    let is_retry = look.release.status.failures.unwrap_or_default() > 0;
    let trigger = commit
        .filter(|_| !is_retry)
        .or_else(|| request(&look.object, &look.release.status.last_handled_reconcile_at));
    let by = if is_retry { format!("{action}, tried again") } else { action.to_owned() };
    let otherwise = || if is_retry { Trigger::Timer } else { state(why) };
    note(look, trigger.unwrap_or_else(otherwise), Decision::Sync { by });
}

/// The release is taken out. What failed and is only tried again is no news.
pub(super) fn takes_out(look: &Look<'_>, by: &str, why: &str) {
    let released = find_condition(&look.release.status.conditions, "Released");
    if released.is_some_and(|released| released.reason == "UninstallFailed") {
        return;
    }
    note(look, state(why), Decision::Sync { by: by.to_owned() });
}

/// An action has ended.
pub(super) fn ended(look: &Look<'_>, is_good: bool, message: &str) {
    let phase = if is_good { "Succeeded" } else { "Failed" };
    let decision = Decision::Finish { phase: phase.to_owned(), message: message.to_owned() };
    note(look, Trigger::Operation, decision);
}

/// Nothing is tried any more.
pub(super) fn gave_up(look: &Look<'_>, why: &str) {
    let stalled = find_condition(&look.release.status.conditions, "Stalled");
    let message = stalled.map(|stalled| stalled.message.clone()).unwrap_or_default();
    note(look, state(why), Decision::Leave { rule: Rule::Failure, message });
}

/// A look ended before any action.
pub(super) fn left(look: &Look<'_>, fault: &Fault) {
    let (trigger, rule) = match fault.reason {
        "DependencyNotReady" => (Trigger::Dependency, Rule::Dependency),
        "SourceNotReady" => (Trigger::Look, Rule::Source),
        _ => (Trigger::Look, Rule::Failure),
    };
    // A chart that nobody has looked at yet is no fault of anything.
    if matches!(fault.end, End::After(_)) && rule == Rule::Source && look.release.status.history.is_empty() {
        return;
    }
    note(look, trigger, Decision::Leave { rule, message: fault.message.clone() });
}

/// The release is as it should be.
pub(super) fn settled(look: &Look<'_>) {
    look.context.settings.ledger.settled(&app_name(look), &revision(look), belay_cluster::now());
}

fn state(why: &str) -> Trigger {
    Trigger::State { what: why.to_owned() }
}

fn note(look: &Look<'_>, trigger: Trigger, decision: Decision) {
    look.context.settings.ledger.record(Entry {
        time: belay_cluster::now(),
        app: app_name(look),
        revision: revision(look),
        trigger,
        decision,
    });
}

/// The name by which commands know the app.
pub(super) fn app_name(look: &Look<'_>) -> String {
    let metadata = &look.release.metadata;
    format!("hr/{}/{}", metadata.namespace, metadata.name)
}

/// The revision of the chart's source.
fn revision(look: &Look<'_>) -> String {
    let built = look.context.chart(&look.target.chart);
    built.map(|built| built.revision).unwrap_or_default()
}

/// The commit that a chart was built from, where its source is still at it.
fn commit(look: &Look<'_>, chart: &BuiltChart) -> Option<Trigger> {
    let key = &look.target.chart;
    let object = look.context.live.get(key)?;
    let text = |path: &str| object.value().pointer(path)?.as_str();
    let source = look.context.source(&ObjectKey {
        kind: text("/spec/sourceRef/kind")?.to_owned(),
        name: text("/spec/sourceRef/name")?.to_owned(),
        ..key.clone()
    })?;
    let folder = text("/spec/chart")?.trim_start_matches("./").trim_matches('/');
    let before = look.context.recall(&look.key(), |memory| memory.released.clone());
    let files = before.map(|before| changed_files(&before, chart, folder)).unwrap_or_default();
    (source.revision == chart.revision).then(|| commit_of(&source, files))
}

/// The files of a chart that another build of it did not have, or had otherwise.
fn changed_files(before: &BuiltChart, after: &BuiltChart, folder: &str) -> Vec<String> {
    let files = |built: &BuiltChart| -> BTreeMap<String, Vec<u8>> {
        built.chart.raw.iter().map(|file| (file.name.clone(), file.data.to_vec())).collect()
    };
    let (before, after) = (files(before), files(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differing.map(|name| format!("{folder}/{name}").trim_start_matches('/').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart_build::build;
    use belay_crd::Described;
    use belay_filetree::MemoryTree;
    use belay_flux_api::HelmChartSpec;
    use serde_json::json;

    fn built(files: &[(&str, &str)]) -> BuiltChart {
        let chart = ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\n");
        let tree = MemoryTree::of(files.iter().copied().chain([chart]));
        let spec = HelmChartSpec::read(json!({"chart": "./charts/web"})).unwrap();
        build(&tree, &spec, "main@sha1:0123", 1).unwrap()
    }

    #[test]
    fn files_that_came_went_or_changed_are_named_as_git_does() {
        let before = built(&[("charts/web/values.yaml", "a: 1\n"), ("charts/web/templates/old.yaml", "")]);
        let after = built(&[("charts/web/values.yaml", "a: 2\n"), ("charts/web/templates/new.yaml", "")]);
        assert_eq!(
            changed_files(&before, &after, "charts/web"),
            ["charts/web/templates/new.yaml", "charts/web/templates/old.yaml", "charts/web/values.yaml"]
        );
        assert!(changed_files(&after, &after, "charts/web").is_empty());
    }
}
