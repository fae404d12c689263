//! In which state a release is: Helm's records against the HelmRelease.

use belay_flux_api::{HelmRelease, ReleaseSnapshot};
use belay_helm::record::{Release, Status};

use super::digest;
use super::storage::Stored;
use super::target::{self, Target, install_retries};

/// Snapshots of this version hold a digest that can be checked.
pub(crate) const SNAPSHOT_VERSION: &str = "v2";

/// A release's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not installed.
    Absent,
    /// An action was cut off.
    Locked,
    /// Somebody else wrote the record.
    Unmanaged,
    /// Another chart or other values are wanted.
    OutOfSync,
    /// The last action failed.
    Failed,
    /// As it should be.
    InSync,
    /// A status that says nothing.
    Unknown,
}

/// What is wanted, by which a deployed release is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Desired {
    pub(crate) chart_name: String,
    pub(crate) chart_version: String,
    pub(crate) config_digest: String,
}

/// The state of a release, and why.
pub(crate) fn determine(
    history: &[Stored],
    snapshot: Option<&ReleaseSnapshot>,
    desired: &Desired,
) -> (State, &'static str) {
    let Some(last) = history.last().map(|stored| &stored.release) else {
        return (State::Absent, "no release in storage for object");
    };
    if last.info.status.is_pending() {
        return (State::Locked, "release with a pending status");
    }
    let uninstalled = (State::Absent, "found uninstalled release in storage");
    let Some(snapshot) = snapshot else {
        return match last.info.status {
            Status::Uninstalled => uninstalled,
            _ => (State::Unmanaged, "found existing release in storage"),
        };
    };
    if !is_observed(snapshot, last) {
        return (State::Unmanaged, "release not observed to be made for object");
    }
    match last.info.status {
        Status::Failed => (State::Failed, "last action failed"),
        Status::Uninstalled => uninstalled,
        Status::Deployed => compare(snapshot, last, desired),
        _ => (State::Unknown, "unable to determine state for release"),
    }
}

fn compare(snapshot: &ReleaseSnapshot, last: &Release, desired: &Desired) -> (State, &'static str) {
    let metadata = |name: &str| last.chart["metadata"][name].as_str().unwrap_or_default();
    if metadata("name") != desired.chart_name || metadata("version") != desired.chart_version {
        return (State::OutOfSync, "chart version has changed");
    }
    if snapshot.config_digest != desired.config_digest {
        return (State::OutOfSync, "values have changed");
    }
    (State::InSync, "")
}

/// Whether the record is the one that the snapshot is of. Snapshots of older versions cannot tell.
fn is_observed(snapshot: &ReleaseSnapshot, last: &Release) -> bool {
    snapshot.api_version != SNAPSHOT_VERSION
        || snapshot.digest == digest::of_release(last, &snapshot.oci_digest)
}

/// What has to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Rest,
    /// Mark the record that was cut off as failed.
    Unlock,
    /// Install.
    Install,
    /// Upgrade.
    Upgrade,
    /// Take a failed install out, so that it can be tried again.
    Remediate,
    /// Nothing, until something changes.
    GiveUp,
    /// Nothing can be said.
    Fault,
}

/// The action for a state. An install that failed is taken out and tried again as often as is asked for.
pub(crate) fn next(state: State, release: &HelmRelease) -> Next {
    let failures = release.status.install_failures.unwrap_or_default();
    let is_exhausted = install_retries(release).is_some_and(|retries| failures > retries);
    let is_upgrade = release.status.last_attempted_release_action == "upgrade";
    let retries = target::retry(release).is_some();
    match state {
        State::Absent if retries => Next::Install,
        State::OutOfSync | State::Failed if retries => Next::Upgrade,
        State::InSync => Next::Rest,
        State::Locked => Next::Unlock,
        State::Unmanaged => Next::Upgrade,
        State::Absent if is_exhausted => Next::GiveUp,
        State::Absent => Next::Install,
        State::OutOfSync if release.status.upgrade_failures.unwrap_or_default() > 0 => Next::GiveUp,
        State::OutOfSync => Next::Upgrade,
        State::Failed if is_upgrade => match release.status.upgrade_failures.unwrap_or_default() {
            0 => Next::Upgrade,
            _ => Next::GiveUp,
        },
        State::Failed if failures == 0 => Next::Upgrade,
        State::Failed if is_exhausted && !remediates_last(release) => Next::GiveUp,
        State::Failed => Next::Remediate,
        State::Unknown => Next::Fault,
    }
}

/// Whether the last failed install, too, is taken out.
pub(crate) fn remediates_last(release: &HelmRelease) -> bool {
    let remediation = release.spec.install.as_ref().and_then(|install| install.remediation.as_ref());
    remediation.and_then(|remediation| remediation.remediate_last_failure).unwrap_or(false)
}

/// Why the release that is there has to go before the wanted one comes; nothing when it does not.
pub(crate) fn target_changed(release: &HelmRelease, target: &Target, chart: &str) -> Option<&'static str> {
    let status = &release.status;
    let current = status.history.first()?;
    if status.storage_namespace.is_empty() {
        None
    } else if status.storage_namespace != target.storage {
        Some("storage namespace")
    } else if current.namespace != target.namespace {
        Some("release namespace")
    } else if current.name != target.name {
        Some("release name")
    } else if current.chart_name != chart {
        Some("chart name")
    } else {
        None
    }
}

/// Whether earlier failures say nothing about what is wanted now.
pub(crate) fn resets_failures(release: &HelmRelease, desired: &Desired) -> bool {
    let status = &release.status;
    status.last_attempted_generation != Some(release.metadata.generation)
        || status.last_attempted_revision != desired.chart_version
        || (!status.last_attempted_config_digest.is_empty()
            && status.last_attempted_config_digest != desired.config_digest)
}
