//! `status.conditions`.

use belay_argo_api::{ApplicationCondition, ApplicationStatus};
use belay_manifest::{Object, ObjectKey};
use jiff::Timestamp;

/// Condition types, as `status.conditions[].type` has them.
pub(crate) mod condition {
    /// The spec cannot be carried out.
    pub(crate) const INVALID_SPEC: &str = "InvalidSpecError";
    /// The app may not be carried out, whatever its spec says.
    pub(crate) const UNKNOWN: &str = "UnknownError";
    /// The target state is not known.
    pub(crate) const COMPARISON: &str = "ComparisonError";
    /// A sync failed and is not tried again.
    pub(crate) const SYNC: &str = "SyncError";
    /// An object is of a kind that the installation excludes.
    pub(crate) const EXCLUDED: &str = "ExcludedResourceWarning";
    /// An object is rendered twice.
    pub(crate) const REPEATED: &str = "RepeatedResourceWarning";
    /// An object is another app's, too.
    pub(crate) const SHARED: &str = "SharedResourceWarning";
    /// Objects in its namespace are nobody's.
    pub(crate) const ORPHANED: &str = "OrphanedResourceWarning";
    /// It asks for something beside its objects that is not built yet.
    pub(crate) const NOT_SUPPORTED: &str = "NotSupportedWarning";
    /// Every type that a comparison evaluates.
    pub(crate) const ALL: [&str; 9] =
        [INVALID_SPEC, UNKNOWN, COMPARISON, SYNC, REPEATED, EXCLUDED, SHARED, ORPHANED, NOT_SUPPORTED];
}

/// Replaces the conditions of the evaluated types.
pub(super) fn set(
    status: &mut ApplicationStatus,
    evaluated: &[&str],
    found: Vec<(&'static str, String)>,
    now: Timestamp,
) {
    let found = found.into_iter().map(|(kind, message)| ApplicationCondition::new(kind, message));
    status.set_conditions(found.collect(), evaluated, now);
}

/// `ConfigMap/settings is part of applications argocd/a and b`
pub(crate) fn shared_message(app: &Object, key: &ObjectKey, other: &str) -> String {
    format!(
        "{}/{} is part of applications {}/{} and {}",
        key.kind,
        key.name,
        app.namespace(),
        app.name(),
        other.replace('_', "/")
    )
}
