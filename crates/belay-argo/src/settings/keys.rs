//! The keys of `argocd-cm` that set something; `fields.txt` of belay-argo-api says which these are, and what of the others.

use super::document::Key;
use super::error::SettingsError;
use super::{Settings, TrackingMethod, customizations, filter, sections, values};

/// Reads one key into the settings. Gives whether there is such a key.
pub(super) fn read(key: &Key<'_>, text: &str, settings: &mut Settings) -> Result<bool, SettingsError> {
    match key.name {
        "application.instanceLabelKey" => {
            settings.tracking.label_key = sections::label_key(key, text)?;
        }
        "application.resourceTrackingMethod" => settings.tracking.method = tracking_method(key, text)?,
        "installationID" => settings.tracking.installation_id = text.to_owned(),
        "resource.exclusions" => settings.filter.exclusions = filter::read(key, text)?,
        "resource.inclusions" => settings.filter.inclusions = filter::read(key, text)?,
        "resource.compareoptions" => settings.compare = sections::compare_options(key, text)?,
        "resource.ignoreResourceUpdatesEnabled" => {
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
        "application.sync.impersonation.enabled" => {
            settings.impersonation_enabled = values::flag(key, text)?;
        }
        "application.sync.impersonation.enforced" => {
            settings.impersonation_enforced = values::flag(key, text)?;
        }
        "cluster.inClusterEnabled" => {
            settings.in_cluster_enabled = values::flag(key, text)?;
        }
        "timeout.reconciliation" => {
            settings.interval = Some(values::duration(key, text)?).filter(|interval| !interval.is_zero());
        }
        "timeout.hard.reconciliation" => {
            settings.hard_interval =
                Some(values::duration(key, text)?).filter(|interval| !interval.is_zero());
        }
        "timeout.reconciliation.jitter" => {
            settings.jitter = values::duration(key, text)?;
        }
        // Argo CD takes every other text for no.
        "kustomize.enable" => settings.tools.kustomize = text == "true",
        "helm.enable" => settings.tools.helm = text == "true",
        "helm.valuesFileSchemes" => settings.values_file_schemes = values::list(text),
        "kustomize.buildOptions" => settings.kustomize_build_options = text.to_owned(),
        _ => return Ok(false),
    }
    Ok(true)
}

fn tracking_method(key: &Key<'_>, text: &str) -> Result<TrackingMethod, SettingsError> {
    match text {
        "" | "annotation" => Ok(TrackingMethod::Annotation),
        "label" => Ok(TrackingMethod::Label),
        "annotation+label" => Ok(TrackingMethod::AnnotationAndLabel),
        _ => Err(key.error(1, format!("{text:?} is none of annotation, label, annotation+label"))),
    }
}
