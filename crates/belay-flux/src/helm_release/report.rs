//! What a look tells: the status, Events, the log.

use std::collections::BTreeMap;

use belay_cluster::Severity;
use belay_crd::Described;
use belay_flux_api::find_condition;

use super::{Fault, Look, MANAGER, evidence, status};
use crate::context::HELM_GROUP;
use crate::write::{self, REQUESTED_AT};

/// Writes the status as it is now. The request is answered at the end of a look.
pub(crate) async fn write(look: &mut Look<'_>, is_end: bool) {
    if is_end && let Some(token) = look.release.metadata.annotation(REQUESTED_AT) {
        look.release.status.last_handled_reconcile_at = token.to_owned();
    }
    let context = look.context;
    // A look may write more than once: each time over what the last one left.
    let object = context.live.get(&look.key()).unwrap_or_else(|| look.object.clone());
    write::status(context, &object, MANAGER, &look.release.status.write()).await;
}

/// Takes in a fault, with an Event when it is news.
pub(crate) async fn fault(look: &mut Look<'_>, fault: &Fault) {
    let ready = find_condition(&look.release.status.conditions, "Ready");
    let is_news = ready.is_none_or(|ready| ready.message != fault.message);
    let is_final = matches!(fault.end, super::End::Stalled);
    status::faulted(&mut look.release, fault.reason, &fault.message, is_final);
    evidence::left(look, fault);
    // A chart that is still being made is no news.
    if is_news && fault.reason != "SourceNotReady" {
        // Waiting for others is nothing to worry about.
        let is_good = fault.reason == "DependencyNotReady";
        event(look, is_good, fault.reason, &fault.message).await;
    }
}

/// Tells how an action ended.
pub(crate) async fn ended(look: &Look<'_>, is_good: bool, reason: &str, message: &str) {
    evidence::ended(look, is_good, message);
    event(look, is_good, reason, message).await;
}

/// Records an Event about the release.
async fn event(look: &Look<'_>, is_good: bool, reason: &str, message: &str) {
    tracing::info!(release = %look.key(), reason, message, "released");
    let severity = if is_good { Severity::Normal } else { Severity::Warning };
    let events = &look.context.helm_events;
    events.record(&look.object, severity, reason, message, &annotations(look)).await;
}

fn annotations(look: &Look<'_>) -> BTreeMap<String, String> {
    let status = &look.release.status;
    let mut annotations = BTreeMap::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            annotations.insert(format!("{HELM_GROUP}/{name}"), value.to_owned());
        }
    };
    add("revision", &status.last_attempted_revision);
    add("token", &status.last_attempted_config_digest);
    if let Some(current) = status.history.first() {
        add("app-version", &current.app_version);
    }
    for (name, value) in &look.release.metadata.annotations {
        if let Some(name) = name.strip_prefix("event.toolkit.fluxcd.io/") {
            add(name, value);
        }
    }
    annotations
}
