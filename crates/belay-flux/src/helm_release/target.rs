//! What a HelmRelease means: names, namespaces, times, as Flux works them out.

use std::time::Duration;

use belay_crd::GoDuration;
use belay_flux_api::{CrdsPolicy, HelmRelease};
use belay_manifest::ObjectKey;
use sha2::{Digest, Sha256};

use crate::context::SOURCE_GROUP;
use crate::health::or;

/// Longest name of a release.
const LONGEST_NAME: usize = 53;
/// How long an action may take when the spec does not say.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How soon a failed action is retried when the strategy does not say.
const RETRY: Duration = Duration::from_secs(300);
/// Records kept when the spec does not say.
const HISTORY: i64 = 5;

/// The release that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The release's name, cut to what Helm allows.
    pub(crate) name: String,
    /// The namespace of its objects.
    pub(crate) namespace: String,
    /// The namespace of its records.
    pub(crate) storage: String,
    /// The HelmChart made for it.
    pub(crate) chart: ObjectKey,
}

impl Target {
    /// The target of a HelmRelease.
    pub(crate) fn of(release: &HelmRelease) -> Target {
        let (spec, metadata) = (&release.spec, &release.metadata);
        let own = |text: &String| if text.is_empty() { metadata.namespace.clone() } else { text.clone() };
        let source = spec.chart.as_ref().map(|chart| &chart.spec.source_ref.namespace);
        Target {
            name: shortened(&full_name(release)),
            namespace: own(&spec.target_namespace),
            storage: own(&spec.storage_namespace),
            chart: ObjectKey {
                group: SOURCE_GROUP.to_owned(),
                kind: "HelmChart".to_owned(),
                namespace: source.map_or_else(|| metadata.namespace.clone(), own),
                name: format!("{}-{}", metadata.namespace, metadata.name),
            },
        }
    }
}

fn full_name(release: &HelmRelease) -> String {
    let (spec, name) = (&release.spec, &release.metadata.name);
    match (spec.release_name.as_str(), spec.target_namespace.as_str()) {
        ("", "") => name.clone(),
        ("", namespace) => format!("{namespace}-{name}"),
        (given, _) => given.to_owned(),
    }
}

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let hash = hex::encode(Sha256::digest(name));
    let mut end = LONGEST_NAME - 13;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", &name[..end], &hash[..12])
}

/// How an action is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Do not wait for objects.
    pub(crate) disable_wait: bool,
    /// Do not wait for Jobs.
    pub(crate) disable_wait_for_jobs: bool,
    /// What happens to the chart's definitions.
    pub(crate) crds: Crds,
}

/// What happens to the definitions in `crds/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crds {
    /// Nothing.
    Skip,
    /// Those that are missing are created.
    Create,
    /// All are applied.
    CreateReplace,
}

/// How to install.
pub(crate) fn install(release: &HelmRelease) -> Manner {
    let install = release.spec.install.clone().unwrap_or_default();
    Manner {
        timeout: timeout(&install.timeout, release),
        disable_wait: install.disable_wait,
        disable_wait_for_jobs: install.disable_wait_for_jobs,
        crds: crds(&install.crds),
    }
}

/// How to upgrade.
pub(crate) fn upgrade(release: &HelmRelease) -> Manner {
    let upgrade = release.spec.upgrade.clone().unwrap_or_default();
    Manner {
        timeout: timeout(&upgrade.timeout, release),
        disable_wait: upgrade.disable_wait,
        disable_wait_for_jobs: upgrade.disable_wait_for_jobs,
        crds: crds(&upgrade.crds),
    }
}

/// How to uninstall.
pub(crate) fn uninstall(release: &HelmRelease) -> Manner {
    let uninstall = release.spec.uninstall.clone().unwrap_or_default();
    Manner {
        timeout: timeout(&uninstall.timeout, release),
        disable_wait: uninstall.disable_wait,
        disable_wait_for_jobs: true,
        crds: Crds::Skip,
    }
}

fn timeout(own: &GoDuration, release: &HelmRelease) -> Duration {
    or(own, or(&release.spec.timeout, TIMEOUT))
}

fn crds(policy: &CrdsPolicy) -> Crds {
    match policy {
        CrdsPolicy::Skip => Crds::Skip,
        CrdsPolicy::CreateReplace => Crds::CreateReplace,
        _ => Crds::Create,
    }
}

/// How many tries there are besides the first; nothing when there is no limit.
pub(crate) fn install_retries(release: &HelmRelease) -> Option<i64> {
    let remediation = release.spec.install.as_ref().and_then(|install| install.remediation.as_ref());
    let retries = remediation.and_then(|remediation| remediation.retries).unwrap_or_default();
    (retries >= 0).then_some(retries)
}

/// After which time a failed action is tried again as an upgrade, where the strategy of the last action
/// is to retry instead of to remediate.
pub(crate) fn retry(release: &HelmRelease) -> Option<Duration> {
    let spec = &release.spec;
    let (name, interval) = match release.status.last_attempted_release_action.as_str() {
        "install" => {
            let strategy = spec.install.as_ref()?.strategy.as_ref()?;
            (&strategy.name, &strategy.retry_interval)
        }
        "upgrade" => {
            let strategy = spec.upgrade.as_ref()?.strategy.as_ref()?;
            (&strategy.name, &strategy.retry_interval)
        }
        _ => return None,
    };
    (name == "RetryOnFailure").then(|| or(interval, RETRY))
}

/// How many records are kept; nothing when there is no limit.
pub(crate) fn max_history(release: &HelmRelease) -> Option<usize> {
    let most = release.spec.max_history.unwrap_or(HISTORY);
    usize::try_from(most).ok().filter(|most| *most > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::{Value, json};

    fn release(spec: Value) -> HelmRelease {
        HelmRelease::read(json!({"metadata": {"name": "web", "namespace": "apps"}, "spec": spec})).unwrap()
    }

    #[test]
    fn names_are_those_of_flux() {
        let source = json!({"kind": "GitRepository", "name": "a", "namespace": "flux-system"});
        let target = Target::of(&release(
            json!({"targetNamespace": "prod", "chart": {"spec": {"sourceRef": source}}}),
        ));
        assert_eq!((target.name.as_str(), target.namespace.as_str()), ("prod-web", "prod"));
        assert_eq!(target.storage, "apps");
        assert_eq!(
            (target.chart.namespace.as_str(), target.chart.name.as_str()),
            ("flux-system", "apps-web")
        );
        let plain = Target::of(&release(json!({"releaseName": "shop", "storageNamespace": "records"})));
        assert_eq!((plain.name.as_str(), plain.namespace.as_str()), ("shop", "apps"));
        assert_eq!((plain.storage.as_str(), plain.chart.namespace.as_str()), ("records", "apps"));
    }

    #[test]
    fn a_long_name_is_cut_and_told_apart_by_a_hash() {
        let name = shortened(&"a".repeat(60));
        assert_eq!(name.len(), 53);
        assert!(name.starts_with(&format!("{}-", "a".repeat(40))), "{name}");
    }

    #[test]
    fn the_strategy_of_the_last_action_says_whether_to_retry() {
        let spec = json!({"install": {"strategy": {"name": "RetryOnFailure"}},
            "upgrade": {"strategy": {"name": "RetryOnFailure", "retryInterval": "10s"}}});
        let mut release = release(spec);
        assert_eq!(retry(&release), None);
        release.status.last_attempted_release_action = "install".into();
        assert_eq!(retry(&release), Some(Duration::from_secs(300)));
        release.status.last_attempted_release_action = "upgrade".into();
        assert_eq!(retry(&release), Some(Duration::from_secs(10)));
        release.spec.upgrade = None;
        assert_eq!(retry(&release), None);
    }

    #[test]
    fn an_action_has_its_own_time_or_that_of_all() {
        let spec = json!({"timeout": "1m", "upgrade": {"timeout": "2m", "crds": "CreateReplace"}});
        let release = release(spec);
        assert_eq!(install(&release).timeout, Duration::from_secs(60));
        assert_eq!(upgrade(&release).timeout, Duration::from_secs(120));
        assert_eq!((install(&release).crds, upgrade(&release).crds), (Crds::Create, Crds::CreateReplace));
        assert_eq!((max_history(&release), install_retries(&release)), (Some(5), Some(0)));
    }
}
