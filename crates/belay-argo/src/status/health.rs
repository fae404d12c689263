//! The health of an app, from that of its objects.

use belay_argo_api::{Application, ApplicationStatus, HealthStatus, HealthStatusCode};
use belay_crd::Time;
use belay_health::argo::Status;
use jiff::Timestamp;

use crate::compare::{Compared, Comparison};

/// How many objects a message names.
const NAMED: usize = 3;

/// The worst health among the objects, and which ones cause it. Missing objects count only when none is there.
pub(super) fn of(comparison: &Comparison, app: &Application) -> (Status, String) {
    let mut worst = Status::Healthy;
    let mut causes: Vec<&Compared> = Vec::new();
    let (mut any, mut any_live) = (false, false);
    for object in comparison.objects.iter().filter(|object| object.is_part_of_the_app()) {
        any = true;
        any_live |= object.live.is_some();
        if !counts(object, app) {
            continue;
        }
        let Some(status) = object.health().map(|health| health.status) else { continue };
        let is_app = object.key.kind == "Application" && object.key.group == "argoproj.io";
        if status == Status::Missing || (is_app && status == Status::Unknown) {
            continue;
        }
        if status > worst {
            worst = status;
            causes = vec![object];
        } else if status == worst && worst != Status::Healthy {
            causes.push(object);
        }
    }
    if any && !any_live && worst < Status::Missing {
        return (Status::Missing, String::new());
    }
    (worst, message(&causes))
}

/// Whether an object's health counts for its app, and is told beside it.
pub(super) fn counts(object: &Compared, app: &Application) -> bool {
    object.is_part_of_the_app() && object.counts_for_health() && !is_the_app(object, app)
}

/// An app that manages itself says nothing about its own health.
fn is_the_app(object: &Compared, app: &Application) -> bool {
    object.key.kind == "Application"
        && object.key.group == "argoproj.io"
        && object.key.name == app.metadata.name
        && object.key.namespace == app.metadata.namespace
}

/// `Caused by apps/Deployment:shop/web, Pod:shop/a and 2 more`
fn message(causes: &[&Compared]) -> String {
    if causes.is_empty() {
        return String::new();
    }
    let one = |object: &&Compared| {
        let key = &object.key;
        let kind =
            if key.group.is_empty() { key.kind.clone() } else { format!("{}/{}", key.group, key.kind) };
        let name = if key.namespace.is_empty() {
            key.name.clone()
        } else {
            format!("{}/{}", key.namespace, key.name)
        };
        format!("{kind}:{name}")
    };
    let named: Vec<String> = causes.iter().take(NAMED).map(one).collect();
    let more = match causes.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!("Caused by {}{more}", named.join(", "))
}

/// Puts a health into the status. The time moves only when the status does.
pub(super) fn set(status: &mut ApplicationStatus, health: (Status, String), now: Timestamp) {
    let code = HealthStatusCode::from(health.0.as_str());
    let known = status.health.take();
    let time = match &known {
        Some(known) if known.status == code => known.last_transition_time.clone(),
        _ => Time::from(now),
    };
    status.health = Some(HealthStatus {
        status: code,
        message: health.1,
        last_transition_time: time,
        ..HealthStatus::default()
    });
}
