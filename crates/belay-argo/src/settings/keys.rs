//! Every key of `argocd-cm`: what it sets, or why it sets nothing.

use super::document::Key;
use super::error::{SettingsError, Weight};
use super::{Settings, TrackingMethod, customizations, filter, sections, values};

/// Keys of parts that Belay does not have: the web's looks, logins, downloads, the hydrator. `*` ends a beginning.
const IDLE: &[&str] = &[
    "url",
    "additionalUrls",
    "statusbadge.*",
    "help.*",
    "ga.*",
    "ui.*",
    "dex.*",
    "oidc.*",
    "admin.*",
    "accounts.*",
    "users.*",
    "passwordPattern",
    "exec.*",
    "server.*",
    "extension.config*",
    // Only kinds that apps have are watched; one that may not be listed is its apps' matter.
    "resource.respectRBAC",
    "application.links",
    "project.links",
    "resource.links",
    "resource.customLabels",
    "application.allowedNodeLabels",
    "application.sync.requireOverridePrivilegeForRevisionSync",
    "sourceHydrator.*",
    "commit.author.*",
    "helm.valuesFileSchemes",
    "webhook.refresh.*",
    // Of versions before 3.0.
    "repositories",
    "repository.credentials",
    "helm.repositories",
    "configManagementPlugins",
];

/// Keys that Argo CD acts on and Belay does not yet, beside the value that changes nothing.
const REFUSED: &[(&str, &str)] = &[
    ("kustomize.buildOptions.*", ""),
    ("kustomize.path.*", ""),
    ("kustomize.version.*", ""),
    ("webhook.maxPayloadSizeMB", "50"),
];

/// Reads one key into the settings.
pub(super) fn read(key: &Key<'_>, text: &str, settings: &mut Settings) -> Result<(), SettingsError> {
    match key.name {
        "application.instanceLabelKey" if !text.is_empty() => {
            settings.tracking.label_key = sections::label_key(key, text)?;
        }
        "application.resourceTrackingMethod" => settings.tracking.method = tracking_method(key, text)?,
        "installationID" => settings.tracking.installation_id = text.to_owned(),
        "resource.exclusions" => settings.filter.exclusions = filter::read(key, text)?,
        "resource.inclusions" => settings.filter.inclusions = filter::read(key, text)?,
        "resource.compareoptions" => settings.compare = sections::compare_options(key, text)?,
        "resource.ignoreResourceUpdatesEnabled" if !text.is_empty() => {
            settings.ignores_updates = values::flag(key, text)?;
        }
        "resource.sensitive.mask.annotations" => settings.masked_annotations = values::list(text),
        "resource.includeEventLabelKeys" => settings.event_labels = values::list(text),
        "resource.excludeEventLabelKeys" => settings.no_event_labels = values::list(text),
        customizations::KEY => customizations::read_whole(key, text, &mut settings.customizations)?,
        name if name.starts_with("resource.customizations.") => {
            customizations::read_split(key, text, &mut settings.customizations)?;
        }
        "globalProjects" => settings.global_projects = sections::global_projects(key, text)?,
        "application.sync.impersonation.enabled" if !text.is_empty() => {
            settings.impersonation_enabled = values::flag(key, text)?;
        }
        "application.sync.impersonation.enforced" if !text.is_empty() => {
            settings.impersonation_enforced = values::flag(key, text)?;
        }
        "cluster.inClusterEnabled" if !text.is_empty() => {
            settings.in_cluster_enabled = values::flag(key, text)?;
        }
        "timeout.reconciliation" if !text.is_empty() => {
            settings.interval = Some(values::duration(key, text)?).filter(|interval| !interval.is_zero());
        }
        "timeout.hard.reconciliation" if !text.is_empty() => {
            settings.hard_interval =
                Some(values::duration(key, text)?).filter(|interval| !interval.is_zero());
        }
        "timeout.reconciliation.jitter" if !text.is_empty() => {
            settings.jitter = values::duration(key, text)?;
        }
        // Argo CD takes every other text for no.
        "kustomize.enable" if !text.is_empty() => settings.tools.kustomize = text == "true",
        "helm.enable" if !text.is_empty() => settings.tools.helm = text == "true",
        "kustomize.buildOptions" => settings.kustomize_build_options = text.to_owned(),
        // There is no jsonnet to switch off.
        "jsonnet.enable" if !text.is_empty() => settings.tools.jsonnet = text == "true",
        _ => say_why_not(key, text),
    }
    Ok(())
}

fn say_why_not(key: &Key<'_>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some((_, nothing)) = REFUSED.iter().find(|(pattern, _)| covers(pattern, key.name)) {
        if text.trim() != *nothing {
            key.note(Weight::Behaviour, "is not supported yet");
        }
    } else if IDLE.iter().any(|pattern| covers(pattern, key.name)) {
        key.note(Weight::Idle, "concerns no part of Belay");
    } else {
        key.note(Weight::Behaviour, "is no key that Argo CD knows");
    }
}

/// Whether a pattern is the key, or its beginning when it ends with `*`.
pub(super) fn covers(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => key.starts_with(beginning),
        None => pattern == key,
    }
}

fn tracking_method(key: &Key<'_>, text: &str) -> Result<TrackingMethod, SettingsError> {
    match text {
        "" | "annotation" => Ok(TrackingMethod::Annotation),
        "label" => Ok(TrackingMethod::Label),
        "annotation+label" => Ok(TrackingMethod::AnnotationAndLabel),
        _ => Err(key.error(1, format!("{text:?} is none of annotation, label, annotation+label"))),
    }
}
