//! The one place where a HelmRelease's status is made: pure steps from one status to the next.

use belay_crd::{GoDuration, Time};
use belay_flux_api::{
    Condition, ConditionStatus, HelmRelease, HelmReleaseStatus, ReleaseSnapshot, find_condition, is_true,
    remove_condition, set_condition,
};
use belay_helm::record::Release;
use jiff::Timestamp;

use super::digest;
use super::state::{Desired, SNAPSHOT_VERSION, resets_failures};
use super::target::Target;
use crate::health::rounded;

/// Snapshots kept when none of them was deployed.
const SNAPSHOTS: usize = 5;

/// What makes a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The first revision.
    Install,
    /// A later one.
    Upgrade,
}

impl Action {
    /// The action as statuses name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Action::Install => "install",
            Action::Upgrade => "upgrade",
        }
    }

    fn reason(self, is_success: bool) -> &'static str {
        match (self, is_success) {
            (Action::Install, true) => "InstallSucceeded",
            (Action::Install, false) => "InstallFailed",
            (Action::Upgrade, true) => "UpgradeSucceeded",
            (Action::Upgrade, false) => "UpgradeFailed",
        }
    }
}

/// Sets a condition of the release's generation.
pub(crate) fn set(release: &mut HelmRelease, type_: &str, is: ConditionStatus, reason: &str, message: &str) {
    let condition = Condition::new(type_, is, reason, message, release.metadata.generation);
    set_condition(&mut release.status.conditions, condition, belay_cluster::now());
}

fn remove(release: &mut HelmRelease, type_: &str) {
    remove_condition(&mut release.status.conditions, type_);
}

/// Notes what is tried. Failures of something else are forgotten.
pub(crate) fn attempt(release: &mut HelmRelease, target: &Target, desired: &Desired) {
    if resets_failures(release, desired) {
        clear_failures(&mut release.status);
    }
    let generation = release.metadata.generation;
    let status = &mut release.status;
    status.storage_namespace.clone_from(&target.storage);
    status.last_attempted_generation = Some(generation);
    status.last_attempted_revision.clone_from(&desired.chart_version);
    status.last_attempted_config_digest.clone_from(&desired.config_digest);
    status.last_attempted_values_checksum.clear();
    status.last_release_revision = None;
}

/// Forgets the failures.
pub(crate) fn clear_failures(status: &mut HelmReleaseStatus) {
    status.failures = None;
    status.install_failures = None;
    status.upgrade_failures = None;
}

/// An action begins.
pub(crate) fn progressing(release: &mut HelmRelease, message: &str, is_release: bool) {
    set(release, "Reconciling", ConditionStatus::True, "Progressing", message);
    if is_release {
        set(release, "Ready", ConditionStatus::Unknown, "Progressing", message);
    }
    remove(release, "Stalled");
}

/// A release action begins: it is noted, and an install begins a new history.
pub(crate) fn action_begun(release: &mut HelmRelease, action: Action) {
    action.name().clone_into(&mut release.status.last_attempted_release_action);
    remove(release, "Remediated");
    if action == Action::Install {
        release.status.history.clear();
    }
}

/// A release action ended.
pub(crate) fn action_ended(release: &mut HelmRelease, took: std::time::Duration) {
    release.status.last_attempted_release_action_duration = GoDuration::from(took);
}

/// Takes in a record that was written: a new snapshot, or the new state of a known one.
pub(crate) fn recorded(status: &mut HelmReleaseStatus, record: &Release, action: Action) {
    let known = status.history.iter_mut().find(|snapshot| {
        (snapshot.version, snapshot.name.as_str(), snapshot.namespace.as_str())
            == (record.version, record.name.as_str(), record.namespace.as_str())
    });
    match known {
        Some(known) => {
            let (action, hooks) = (known.action.clone(), std::mem::take(&mut known.test_hooks));
            *known = ReleaseSnapshot { action, test_hooks: hooks, ..snapshot(record) };
        }
        None => {
            let new = ReleaseSnapshot { action: action.name().to_owned(), ..snapshot(record) };
            status.history.insert(0, new);
        }
    }
    status.history.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.version));
}

fn snapshot(record: &Release) -> ReleaseSnapshot {
    let metadata = |name: &str| record.chart["metadata"][name].as_str().unwrap_or_default().to_owned();
    let time = |text: &Option<String>| {
        let time = text.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
        time.map(Time::from).unwrap_or_default()
    };
    ReleaseSnapshot {
        api_version: SNAPSHOT_VERSION.to_owned(),
        digest: digest::of_release(record, ""),
        name: record.name.clone(),
        namespace: record.namespace.clone(),
        version: record.version,
        status: record.info.status.as_str().to_owned(),
        chart_name: metadata("name"),
        chart_version: metadata("version"),
        app_version: metadata("appVersion"),
        config_digest: digest::of_values(&record.config),
        first_deployed: time(&record.info.first_deployed),
        last_deployed: time(&record.info.last_deployed),
        deleted: time(&record.info.deleted),
        ..ReleaseSnapshot::default()
    }
}

/// Which release and chart a snapshot is of, in Flux's words.
pub(crate) fn shown(snapshot: &ReleaseSnapshot) -> String {
    format!(
        "release {}/{}.v{} with chart {}@{}",
        snapshot.namespace, snapshot.name, snapshot.version, snapshot.chart_name, snapshot.chart_version
    )
}

/// The action worked. Gives reason and message.
pub(crate) fn succeeded(release: &mut HelmRelease, action: Action) -> (&'static str, String) {
    let of = release.status.history.first().map(shown).unwrap_or_default();
    let message = format!("Helm {} succeeded for {of}", action.name());
    set(release, "Released", ConditionStatus::True, action.reason(true), &message);
    summarize(release);
    (action.reason(true), message)
}

/// The action failed. `counts` when it left a record behind. Gives reason and message.
pub(crate) fn failed(
    release: &mut HelmRelease,
    action: Action,
    target: &Target,
    desired: &Desired,
    error: &str,
    counts: bool,
) -> (&'static str, String) {
    let message = format!(
        "Helm {} failed for release {}/{} with chart {}@{}: {}",
        action.name(),
        target.namespace,
        target.name,
        desired.chart_name,
        desired.chart_version,
        error.trim()
    );
    let status = &mut release.status;
    add_one(&mut status.failures);
    if counts {
        let failures = match action {
            Action::Install => &mut status.install_failures,
            Action::Upgrade => &mut status.upgrade_failures,
        };
        add_one(failures);
    }
    set(release, "Released", ConditionStatus::False, action.reason(false), &message);
    summarize(release);
    (action.reason(false), message)
}

fn add_one(count: &mut Option<i64>) {
    *count = Some(count.unwrap_or_default() + 1);
}

/// The release was taken out because its install failed.
pub(crate) fn remediated(release: &mut HelmRelease, result: &Result<(), String>) -> (&'static str, String) {
    let of = release.status.history.first().map(shown).unwrap_or_default();
    let (is, reason, message) = match result {
        Ok(()) => {
            let message = format!("Helm uninstall remediation for {of} succeeded");
            (ConditionStatus::True, "UninstallSucceeded", message)
        }
        Err(error) => {
            add_one(&mut release.status.failures);
            let message = format!("Helm uninstall remediation for {of} failed: {error}");
            (ConditionStatus::False, "UninstallFailed", message)
        }
    };
    set(release, "Remediated", is, reason, &message);
    summarize(release);
    (reason, message)
}

/// The release was taken out for good.
pub(crate) fn uninstalled(release: &mut HelmRelease, result: &Result<(), String>) -> (&'static str, String) {
    let of = release.status.history.first().map(shown).unwrap_or_default();
    let (reason, message) = match result {
        Ok(()) => ("UninstallSucceeded", format!("Helm uninstall succeeded for {of}")),
        Err(error) => {
            add_one(&mut release.status.failures);
            ("UninstallFailed", format!("Helm uninstall failed for {of}: {error}"))
        }
    };
    if result.is_ok() {
        release.status.inventory = None;
    }
    set(release, "Released", ConditionStatus::False, reason, &message);
    summarize(release);
    (reason, message)
}

/// Forgets the release, so that another one can be made.
pub(crate) fn forget(status: &mut HelmReleaseStatus) {
    status.history.clear();
    clear_failures(status);
    status.storage_namespace.clear();
}

/// All is as it should be.
pub(crate) fn in_sync(release: &mut HelmRelease) {
    truncate(&mut release.status.history);
    if is_true(&release.status.conditions, "Remediated") {
        remove(release, "Remediated");
        succeeded(release, Action::Upgrade);
    }
    let released = find_condition(&release.status.conditions, "Released");
    match released.map(|released| (released.status.clone(), released.reason.as_str())) {
        Some((ConditionStatus::True, _)) => {}
        Some((_, "InstallFailed")) => drop(succeeded(release, Action::Install)),
        _ => drop(succeeded(release, Action::Upgrade)),
    }
    remove(release, "Reconciling");
    summarize(release);
    release.status.observed_generation = Some(release.metadata.generation);
}

/// Keeps what is needed to go back: the snapshots up to the last one that was deployed before.
fn truncate(history: &mut Vec<ReleaseSnapshot>) {
    let was_deployed =
        |snapshot: &ReleaseSnapshot| matches!(snapshot.status.as_str(), "deployed" | "superseded");
    let previous = history.iter().skip(1).position(was_deployed);
    history.truncate(previous.map_or(SNAPSHOTS, |position| position + 2));
}

/// No further try is left.
pub(crate) fn gave_up(release: &mut HelmRelease) {
    let action = release.status.last_attempted_release_action.clone();
    let failures = match action.as_str() {
        "install" => release.status.install_failures,
        _ => release.status.upgrade_failures,
    };
    let message = format!("Failed to {action} after {} attempt(s)", failures.unwrap_or_default());
    set(release, "Stalled", ConditionStatus::True, "RetriesExceeded", &message);
    remove(release, "Reconciling");
    release.status.observed_generation = Some(release.metadata.generation);
}

/// The action did not work and is tried again, after a time of its own where there is one.
pub(crate) fn retrying(release: &mut HelmRelease, after: Option<std::time::Duration>) {
    let ready = find_condition(&release.status.conditions, "Ready");
    let message = match after {
        Some(after) => format!("retrying after {}", rounded(after)),
        None => ready.map(|ready| ready.message.clone()).unwrap_or_default(),
    };
    set(release, "Reconciling", ConditionStatus::True, "ProgressingWithRetry", &message);
}

/// Something before any action failed.
pub(crate) fn faulted(release: &mut HelmRelease, reason: &str, message: &str, is_final: bool) {
    set(release, "Ready", ConditionStatus::False, reason, message);
    if is_final {
        set(release, "Stalled", ConditionStatus::True, reason, message);
        remove(release, "Reconciling");
        release.status.observed_generation = Some(release.metadata.generation);
    } else {
        set(release, "Reconciling", ConditionStatus::True, "ProgressingWithRetry", message);
        remove(release, "Stalled");
    }
}

/// Ready says what the newest of Remediated and Released says.
fn summarize(release: &mut HelmRelease) {
    let find = |type_: &str| find_condition(&release.status.conditions, type_).cloned();
    let generation = |condition: &Condition| condition.observed_generation.unwrap_or_default();
    let told = match (find("Remediated"), find("Released")) {
        (Some(remediated), Some(released)) if generation(&released) > generation(&remediated) => released,
        (Some(remediated), _) => Condition { status: ConditionStatus::False, ..remediated },
        (None, Some(released)) => released,
        (None, None) => return,
    };
    if told.status == ConditionStatus::True {
        remove(release, "Stalled");
    }
    set(release, "Ready", told.status, &told.reason, &told.message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use belay_helm::record::{Info, Status};
    use belay_manifest::ObjectKey;
    use serde_json::json;

    fn release() -> HelmRelease {
        HelmRelease::read(json!({"metadata": {"name": "web", "namespace": "apps", "generation": 2}})).unwrap()
    }

    fn target() -> Target {
        let key = ObjectKey {
            group: String::new(),
            kind: String::new(),
            namespace: String::new(),
            name: String::new(),
        };
        Target { name: "web".into(), namespace: "prod".into(), storage: "apps".into(), chart: key }
    }

    fn desired() -> Desired {
        Desired {
            chart_name: "web".into(),
            chart_version: "1.0.0".into(),
            config_digest: digest::sha256(b""),
        }
    }

    fn record(version: i64, status: Status) -> Release {
        Release {
            name: "web".into(),
            namespace: "prod".into(),
            version,
            info: Info { status, ..Info::default() },
            chart: json!({"metadata": {"name": "web", "version": "1.0.0"}}),
            ..Release::default()
        }
    }

    fn ready(release: &HelmRelease) -> (String, String) {
        let ready = find_condition(&release.status.conditions, "Ready").unwrap();
        (ready.reason.clone(), ready.message.clone())
    }

    #[test]
    fn an_install_is_told_in_flux_words() {
        let mut release = release();
        attempt(&mut release, &target(), &desired());
        action_begun(&mut release, Action::Install);
        recorded(&mut release.status, &record(1, Status::PendingInstall), Action::Install);
        recorded(&mut release.status, &record(1, Status::Deployed), Action::Install);
        succeeded(&mut release, Action::Install);
        in_sync(&mut release);
        assert_eq!(ready(&release).1, "Helm install succeeded for release prod/web.v1 with chart web@1.0.0");
        assert_eq!(release.status.history.len(), 1);
        let snapshot = &release.status.history[0];
        assert_eq!((snapshot.status.as_str(), snapshot.action.as_str()), ("deployed", "install"));
        assert_eq!(release.status.observed_generation, Some(2));
        assert_eq!(release.status.last_attempted_revision, "1.0.0");
    }

    #[test]
    fn failures_are_counted_until_something_else_is_wanted() {
        let mut release = release();
        attempt(&mut release, &target(), &desired());
        action_begun(&mut release, Action::Install);
        failed(&mut release, Action::Install, &target(), &desired(), "no such kind", false);
        assert_eq!((release.status.failures, release.status.install_failures), (Some(1), None));
        failed(&mut release, Action::Install, &target(), &desired(), "late", true);
        gave_up(&mut release);
        let stalled = find_condition(&release.status.conditions, "Stalled").unwrap();
        assert_eq!(stalled.message, "Failed to install after 1 attempt(s)");
        assert_eq!(
            ready(&release),
            (
                "InstallFailed".to_owned(),
                "Helm install failed for release prod/web with chart web@1.0.0: late".to_owned()
            )
        );
        attempt(&mut release, &target(), &desired());
        assert_eq!(release.status.failures, Some(2));
        let newer = Desired { chart_version: "1.0.1".into(), ..desired() };
        attempt(&mut release, &target(), &newer);
        assert_eq!(release.status.failures, None);
    }

    #[test]
    fn history_keeps_what_a_rollback_needs() {
        let mut release = release();
        for version in 1..=3 {
            recorded(&mut release.status, &record(version, Status::Superseded), Action::Upgrade);
        }
        recorded(&mut release.status, &record(4, Status::Deployed), Action::Upgrade);
        truncate(&mut release.status.history);
        let versions: Vec<i64> = release.status.history.iter().map(|snapshot| snapshot.version).collect();
        assert_eq!(versions, [4, 3]);
    }

    #[test]
    fn a_remediation_is_no_success() {
        let mut release = release();
        recorded(&mut release.status, &record(1, Status::Failed), Action::Install);
        failed(&mut release, Action::Install, &target(), &desired(), "late", true);
        remediated(&mut release, &Ok(()));
        assert!(!is_true(&release.status.conditions, "Ready"));
        assert_eq!(ready(&release).0, "UninstallSucceeded");
    }
}
