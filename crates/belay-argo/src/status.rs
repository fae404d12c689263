//! The one place where an Application's status is made. Steps return results; nothing else writes.

mod addresses;
mod conditions;
mod health;
mod history;
mod resources;

use belay_argo_api::{
    Application, ApplicationStatus, ComparedTo, OperationState, SyncStatus, SyncStatusCode,
};
use belay_crd::Time;
use belay_health::argo::Status;
use belay_manifest::Object;
use jiff::Timestamp;

pub(crate) use conditions::{condition, shared_message};

use crate::compare::Comparison;
use crate::sources::Sources;

/// What one look found out and did.
pub(crate) struct Found<'a> {
    /// What came of reading and comparing.
    pub outcome: Outcome<'a>,
    /// The operation as it is now, if there was one to carry out.
    pub operation: Option<OperationState>,
}

/// What came of reading and comparing.
pub(crate) enum Outcome<'a> {
    /// The spec cannot be carried out, or the target state is not known. What is live stays.
    Fault {
        /// `InvalidSpecError`, `UnknownError` or `ComparisonError`.
        condition: &'static str,
        /// Why, with object, file and line.
        messages: Vec<String>,
        /// What is live, beside what Git said when it could be read last.
        comparison: Option<Comparison>,
    },
    /// Desired and live were compared.
    Compared {
        /// The app's sources.
        sources: &'a Sources,
        /// The commit of each.
        revisions: &'a [String],
        /// Which tool rendered each; empty for one that only others refer to.
        source_types: &'a [&'static str],
        /// The objects, as they are after any operation.
        comparison: &'a Comparison,
        /// Warnings by condition type, and why no sync is tried any more.
        conditions: Vec<(&'static str, String)>,
    },
}

/// The status that follows from `found`.
pub(crate) fn status(
    object: &Object,
    app: &Application,
    found: &Found<'_>,
    controller_namespace: &str,
    now: Timestamp,
) -> ApplicationStatus {
    let mut status = app.status.clone();
    status.controller_namespace = controller_namespace.to_owned();
    status.resource_health_source = String::new();
    match &found.outcome {
        Outcome::Fault { condition, messages, comparison } => {
            fault_status(app, &mut status, condition, messages, comparison.as_ref(), now);
        }
        Outcome::Compared { sources, revisions, source_types, comparison, conditions } => {
            conditions::set(&mut status, &condition::ALL, conditions.clone(), now);
            status.resources = resources::resources(comparison, app, true);
            let in_sync = comparison.is_in_sync();
            status.sync = Some(SyncStatus {
                status: if in_sync { SyncStatusCode::Synced } else { SyncStatusCode::OutOfSync },
                revision: if sources.is_many() { String::new() } else { revisions.join("") },
                revisions: if sources.is_many() { revisions.to_vec() } else { Vec::new() },
                compared_to: Some(compared_to(app)),
                ..SyncStatus::default()
            });
            let types = source_types.iter().map(|name| (*name).to_owned());
            (status.source_type, status.source_types) = if sources.is_many() {
                (String::new(), types.collect())
            } else {
                (types.collect(), Vec::new())
            };
            status.summary = Some(resources::summary(object, comparison));
            health::set(&mut status, health::of(comparison, app), now);
        }
    }
    if let Some(state) = &found.operation {
        history::append(app, &mut status, state, now);
        status.operation_state = Some(state.clone());
    }
    status.reconciled_at = Time::from(now);
    status
}

fn fault_status(
    app: &Application,
    status: &mut ApplicationStatus,
    condition: &'static str,
    messages: &[String],
    comparison: Option<&Comparison>,
    now: Timestamp,
) {
    let evaluated = [condition::INVALID_SPEC, condition::UNKNOWN, condition::COMPARISON];
    let found = messages.iter().map(|message| (condition, message.clone()));
    conditions::set(status, &evaluated, found.collect(), now);
    let known = status.sync.take().unwrap_or_default();
    status.sync = Some(SyncStatus {
        status: SyncStatusCode::Unknown,
        compared_to: known.compared_to.or_else(|| Some(compared_to(app))),
        revision: known.revision,
        revisions: known.revisions,
        ..SyncStatus::default()
    });
    match comparison {
        // The objects live on, whatever Git says.
        Some(comparison) if condition == condition::COMPARISON => {
            status.resources = resources::resources(comparison, app, false);
            health::set(status, health::of(comparison, app), now);
        }
        _ => health::set(status, (Status::Unknown, String::new()), now),
    }
}

fn compared_to(app: &Application) -> ComparedTo {
    let sources = Sources::of_app(app);
    ComparedTo {
        destination: app.spec.destination.clone(),
        // An empty one stands beside several, as in Argo CD's statuses.
        source: sources.as_ref().map(|sources| sources.one().unwrap_or_default()),
        sources: sources.as_ref().map(Sources::many).unwrap_or_default(),
        ignore_differences: app.spec.ignore_differences.clone(),
        ..ComparedTo::default()
    }
}
