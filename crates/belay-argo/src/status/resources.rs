//! `status.resources` and `status.summary`.

use std::collections::BTreeSet;

use belay_argo_api::{
    Application, ApplicationSummary, HealthStatus, HealthStatusCode, ResourceStatus, SyncStatusCode,
};
use belay_manifest::Object;
use belay_plan::sync::{is_hook, wave};

use super::{addresses, health};
use crate::compare::{Compared, Comparison, Standing};
use crate::deletion::asks_for_confirmation;

/// The objects, sorted. When `is_known` is false nobody knows what Git says of them.
pub(super) fn resources(comparison: &Comparison, app: &Application, is_known: bool) -> Vec<ResourceStatus> {
    let mut resources: Vec<ResourceStatus> =
        comparison.objects.iter().map(|object| resource(object, comparison, app, is_known)).collect();
    resources.sort_by(|one, other| {
        let key = |resource: &ResourceStatus| {
            format!("{}/{}/{}/{}", resource.group, resource.kind, resource.namespace, resource.name)
        };
        key(one).cmp(&key(other))
    });
    resources
}

fn resource(
    compared: &Compared,
    comparison: &Comparison,
    app: &Application,
    is_known: bool,
) -> ResourceStatus {
    let object = compared.object();
    let hook = is_hook(object);
    let health = compared.health().filter(|_| health::counts(compared, app));
    ResourceStatus {
        group: compared.key.group.clone(),
        version: object.gvk().version,
        kind: compared.key.kind.clone(),
        namespace: compared.key.namespace.clone(),
        name: compared.key.name.clone(),
        status: match compared.standing {
            _ if !compared.is_permitted => SyncStatusCode::Unknown,
            Standing::NotJudged => SyncStatusCode::default(),
            _ if !is_known => SyncStatusCode::Unknown,
            Standing::Synced => SyncStatusCode::Synced,
            Standing::OutOfSync => SyncStatusCode::OutOfSync,
        },
        health: health.map(|health| HealthStatus {
            status: HealthStatusCode::from(health.status.as_str()),
            message: health.message,
            ..HealthStatus::default()
        }),
        hook,
        requires_pruning: is_known && compared.requires_pruning(),
        requires_deletion_confirmation: needs_confirmation(compared, app),
        sync_wave: wave_of(compared, comparison),
        ..ResourceStatus::default()
    }
}

/// The wave that Git says; of a live hook, that of the hook in Git.
fn wave_of(compared: &Compared, comparison: &Comparison) -> Option<i64> {
    let wave = match &compared.target {
        Some(target) => wave(target),
        None => comparison.hooks.iter().find(|hook| hook.key() == compared.key).map_or(0, |hook| wave(hook)),
    };
    (wave != 0).then_some(wave)
}

/// Whether a deletion of the object waits for a person.
fn needs_confirmation(compared: &Compared, app: &Application) -> bool {
    let sides = [compared.target.as_deref(), compared.live.as_deref()];
    sides.into_iter().flatten().any(|object| asks_for_confirmation(app, object))
}

/// The images of all pod templates, the addresses, and whether the app holds Applications.
pub(super) fn summary(app: &Object, comparison: &Comparison) -> ApplicationSummary {
    let live = comparison.objects.iter().filter_map(|object| object.live.as_deref());
    let targets = || comparison.objects.iter().filter_map(|object| object.target.as_deref());
    let images: BTreeSet<String> = targets().flat_map(images).collect();
    let is_app = |object: &Object| object.kind() == "Application" && object.gvk().group == "argoproj.io";
    ApplicationSummary {
        images: images.into_iter().collect(),
        is_app_of_apps: targets().any(is_app),
        external_urls: addresses::external(app, live),
        ..ApplicationSummary::default()
    }
}

/// The images of an object's pods.
fn images(object: &Object) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    for path in ["/spec/template/spec", "/spec", "/spec/jobTemplate/spec/template/spec"] {
        for list in ["initContainers", "containers"] {
            let containers = object.value().pointer(path).and_then(|spec| spec[list].as_array());
            let found = containers.into_iter().flatten().filter_map(|container| container["image"].as_str());
            images.extend(found.map(str::to_owned));
        }
    }
    images
}
