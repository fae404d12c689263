//! What an installation's ConfigMaps say: `argocd-cm`, and of `argocd-cmd-params-cm` what changes how apps are treated.
//!
//! [`Settings::parse`] is a function of the two maps. [`LiveSettings`] is its result as of now: a map that cannot be
//! read leaves the last good settings in force.

mod customizations;
mod document;
mod error;
mod filter;
mod keys;
mod live;
mod marks;
mod parameters;
mod sections;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use belay_argo_api::LabelSelector;

pub use customizations::{Customization, Customizations, Fields, KnownTypeField};
pub use error::{Notice, SettingsError, Weight};
pub use filter::ResourceFilter;
pub use live::LiveSettings;
pub(crate) use live::follow;

/// The ConfigMap with an installation's settings.
pub const CONFIG_MAP: &str = "argocd-cm";
/// The ConfigMap with its processes' parameters.
pub const PARAMETERS: &str = "argocd-cmd-params-cm";
/// ConfigMaps of which nothing is read; what they hold is told.
const UNREAD: [&str; 2] = ["argocd-rbac-cm", "argocd-notifications-cm"];

/// An installation's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How objects are marked as an app's.
    pub tracking: Tracking,
    /// `resource.customizations`
    pub customizations: Customizations,
    /// `resource.exclusions`, `resource.inclusions`
    pub filter: ResourceFilter,
    /// `resource.compareoptions`
    pub compare: CompareSettings,
    /// `resource.ignoreResourceUpdatesEnabled`
    pub ignores_updates: bool,
    /// `resource.sensitive.mask.annotations`
    pub masked_annotations: Vec<String>,
    /// `resource.includeEventLabelKeys`: globs of the labels that Events about an app get from it and its project.
    pub event_labels: Vec<String>,
    /// `resource.excludeEventLabelKeys`: those that they do not get.
    pub no_event_labels: Vec<String>,
    /// `globalProjects`
    pub global_projects: Vec<GlobalProject>,
    /// `application.sync.impersonation.enabled`
    pub impersonation_enabled: bool,
    /// `application.sync.impersonation.enforced`
    pub impersonation_enforced: bool,
    /// `cluster.inClusterEnabled`
    pub in_cluster_enabled: bool,
    /// `timeout.reconciliation`: how often an app's repository is asked for news; never for nothing.
    pub interval: Option<Duration>,
    /// `timeout.hard.reconciliation`: how often an app is rendered anew, whatever is known; never for nothing.
    pub hard_interval: Option<Duration>,
    /// `timeout.reconciliation.jitter`: up to how much later that may be.
    pub jitter: Duration,
    /// `kustomize.enable`, `helm.enable`
    pub tools: Tools,
    /// `helm.valuesFileSchemes`: which URLs may name values files, by their schemes.
    pub values_file_schemes: Vec<String>,
    /// `kustomize.buildOptions`
    pub kustomize_build_options: String,
    /// Of `argocd-cmd-params-cm`.
    pub parameters: Parameters,
}

/// How objects are marked as an app's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// `application.resourceTrackingMethod`
    pub method: TrackingMethod,
    /// `application.instanceLabelKey`
    pub label_key: String,
    /// `installationID`; empty when there is none.
    pub installation_id: String,
}

/// By which marks an app's objects are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackingMethod {
    /// An annotation that names the object itself.
    Annotation,
    /// A label.
    Label,
    /// The annotation; the label is set besides.
    AnnotationAndLabel,
}

/// `resource.compareoptions`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareSettings {
    /// The rules of roles that collect them from others are not compared.
    pub ignore_aggregated_roles: bool,
    /// Whose `status` is not compared.
    pub ignore_status: IgnoreStatus,
    /// What is not compared is no reason to look at an app either.
    pub ignore_differences_on_updates: bool,
}

/// Whose `status` is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoreStatus {
    /// Every object's.
    All,
    /// That of definitions of kinds.
    Definitions,
    /// Nobody's.
    None,
}

/// A project whose restrictions hold for others too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GlobalProject {
    /// The project.
    pub project_name: String,
    /// Which others.
    pub label_selector: LabelSelector,
}

/// Which tools make manifests; files of one that is switched off are taken as plain ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tools {
    /// `kustomize.enable`
    pub kustomize: bool,
    /// `helm.enable`
    pub helm: bool,
}

/// What of `argocd-cmd-params-cm` changes how apps are treated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `application.namespaces`: globs of namespaces beside the control plane's that may hold Applications.
    pub application_namespaces: Vec<String>,
    /// `controller.diff.server.side`
    pub server_side_diff: bool,
    /// `controller.sync.wave.delay.seconds`
    pub wave_delay: Option<Duration>,
    /// `controller.sync.timeout.seconds`: an operation that takes longer is ended.
    pub sync_timeout: Option<Duration>,
    /// `controller.self.heal.*`
    pub heal_pace: HealPace,
    /// `reposerver.enable.git.submodule` is `false`: files of submodules are not fetched.
    pub without_submodules: bool,
    /// `reposerver.git.request.timeout`
    pub git_request_timeout: Option<Duration>,
}

/// How long after a sync what others changed since is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealPace {
    /// `backoff.timeout.seconds`: the pause before the second repair in a row. Zero, if each pause is to be `fixed`.
    pub first: Duration,
    /// `backoff.factor`: how many times as long each next pause is.
    pub factor: u64,
    /// `backoff.cap.seconds`: the longest pause; zero if there is none.
    pub longest: Duration,
    /// `timeout.seconds`
    pub fixed: Duration,
}

impl Default for HealPace {
    fn default() -> HealPace {
        let (first, longest) = (Duration::from_secs(2), Duration::from_secs(300));
        HealPace { first, factor: 3, longest, fixed: Duration::ZERO }
    }
}

impl HealPace {
    /// The pause after a sync that came after so many repairs in a row.
    pub fn pause(&self, heals: u64) -> Duration {
        if self.first.is_zero() {
            return self.fixed;
        }
        let Some(longer) = heals.checked_sub(1) else { return Duration::ZERO };
        let factor = self.factor.max(1).saturating_pow(u32::try_from(longer).unwrap_or(u32::MAX));
        let pause = Duration::from_secs(self.first.as_secs().saturating_mul(factor));
        if self.longest.is_zero() { pause } else { pause.min(self.longest) }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            tracking: Tracking::default(),
            customizations: Customizations::default(),
            filter: ResourceFilter::default(),
            compare: CompareSettings::default(),
            ignores_updates: true,
            masked_annotations: Vec::new(),
            event_labels: Vec::new(),
            no_event_labels: Vec::new(),
            global_projects: Vec::new(),
            impersonation_enabled: false,
            impersonation_enforced: true,
            in_cluster_enabled: true,
            interval: Some(Duration::from_secs(120)),
            hard_interval: None,
            jitter: Duration::from_secs(60),
            tools: Tools { kustomize: true, helm: true },
            values_file_schemes: vec!["https".to_owned(), "http".to_owned()],
            kustomize_build_options: String::new(),
            parameters: Parameters::default(),
        }
    }
}

impl Default for Tracking {
    fn default() -> Tracking {
        Tracking {
            method: TrackingMethod::Annotation,
            label_key: "app.kubernetes.io/instance".to_owned(),
            installation_id: String::new(),
        }
    }
}

impl Default for CompareSettings {
    fn default() -> CompareSettings {
        CompareSettings {
            ignore_aggregated_roles: false,
            ignore_status: IgnoreStatus::All,
            ignore_differences_on_updates: true,
        }
    }
}

/// Settings, and what is to be said of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// The settings.
    pub settings: Settings,
    /// What is well written and not acted on.
    pub notices: Vec<Notice>,
}

/// The data of a ConfigMap.
pub type Data = BTreeMap<String, String>;

impl Settings {
    /// The labels that Events about an object get of those that it has.
    pub fn labels_of_events<'a>(
        &self,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> BTreeMap<String, String> {
        let is_any = |patterns: &[String], name: &str| {
            patterns.iter().any(|pattern| filter::glob_matches(pattern, name))
        };
        labels
            .filter(|(name, _)| is_any(&self.event_labels, name) && !is_any(&self.no_event_labels, name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Reads the data of the two ConfigMaps; one that is absent is empty.
    pub fn parse(config_map: &Data, parameters: &Data) -> Result<Parsed, SettingsError> {
        let mut parsed = Parsed::default();
        for (name, text) in config_map {
            let key = document::Key::new(CONFIG_MAP, name);
            marks::read(&key, text, |key| keys::read(key, text, &mut parsed.settings))?;
            parsed.notices.append(&mut key.notices.into_inner());
        }
        for (name, text) in parameters {
            let key = document::Key::new(PARAMETERS, name);
            marks::read(&key, text, |key| parameters::read(key, text, &mut parsed.settings.parameters))?;
            parsed.notices.append(&mut key.notices.into_inner());
        }
        parsed.notices.sort();
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests;
