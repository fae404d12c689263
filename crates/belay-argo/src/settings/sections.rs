//! Keys whose value is a small document of its own.

use belay_argo_api::{LabelSelector, LabelSelectorRequirement};
use belay_goyaml::Node;

use super::document::Key;
use super::error::{SettingsError, Weight};
use super::{CompareSettings, GlobalProject, IgnoreStatus};

/// Longest name of a label; a prefix with its slash may come before it.
const LONGEST_NAME: usize = 63;

/// The key of a label.
pub(super) fn label_key(key: &Key<'_>, text: &str) -> Result<String, SettingsError> {
    let (prefix, name) = text.split_once('/').unwrap_or(("", text));
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let is_end = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let is_name = is_end(name.chars().next())
        && is_end(name.chars().next_back())
        && name.chars().all(is_inside)
        && name.len() <= LONGEST_NAME;
    let is_prefix = !text.contains('/') || belay_manifest::is_dns_subdomain(prefix);
    if is_name && is_prefix {
        Ok(text.to_owned())
    } else {
        Err(key.error(1, format!("{text:?} cannot be the key of a label")))
    }
}

/// `resource.compareoptions`
pub(super) fn compare_options(key: &Key<'_>, text: &str) -> Result<CompareSettings, SettingsError> {
    const FIELDS: [&str; 3] =
        ["ignoreAggregatedRoles", "ignoreResourceStatusField", "ignoreDifferencesOnResourceUpdates"];
    let mut options = CompareSettings::default();
    let Some(root) = key.parse(text)? else { return Ok(options) };
    for (name, value) in key.fields("the value", &root, &FIELDS)? {
        match name {
            "ignoreAggregatedRoles" => options.ignore_aggregated_roles = key.flag(name, value)?,
            "ignoreDifferencesOnResourceUpdates" => {
                options.ignore_differences_on_updates = key.flag(name, value)?;
            }
            _ => options.ignore_status = ignore_status(key, value)?,
        }
    }
    Ok(options)
}

fn ignore_status(key: &Key<'_>, node: &Node) -> Result<IgnoreStatus, SettingsError> {
    // YAML's `off` is the truth value `false`.
    Ok(match key.text("ignoreResourceStatusField", node)?.as_str() {
        "" | "all" => IgnoreStatus::All,
        "crd" => IgnoreStatus::Definitions,
        "none" | "off" | "false" => IgnoreStatus::None,
        other => {
            let message = format!(
                "Unrecognized value for ignoreResourceStatusField - {other}, ignore status for all resources"
            );
            key.note(Weight::Behaviour, &message);
            IgnoreStatus::All
        }
    })
}

/// `globalProjects`
pub(super) fn global_projects(key: &Key<'_>, text: &str) -> Result<Vec<GlobalProject>, SettingsError> {
    let Some(root) = key.parse(text)? else { return Ok(Vec::new()) };
    let mut projects = Vec::new();
    for item in key.list("the value", &root)? {
        let mut project = GlobalProject::default();
        for (name, value) in key.fields("an entry", item, &["projectName", "labelSelector"])? {
            match name {
                "projectName" => project.project_name = key.text(name, value)?,
                _ => project.label_selector = label_selector(key, value)?,
            }
        }
        projects.push(project);
    }
    Ok(projects)
}

fn label_selector(key: &Key<'_>, node: &Node) -> Result<LabelSelector, SettingsError> {
    let mut selector = LabelSelector::default();
    for (name, value) in key.fields("labelSelector", node, &["matchLabels", "matchExpressions"])? {
        if name == "matchLabels" {
            for (label, value) in key.entries(name, value)? {
                selector.match_labels.insert(label, key.text(name, value)?);
            }
            continue;
        }
        for item in key.list(name, value)? {
            selector.match_expressions.push(requirement(key, item)?);
        }
    }
    Ok(selector)
}

fn requirement(key: &Key<'_>, node: &Node) -> Result<LabelSelectorRequirement, SettingsError> {
    let mut requirement = LabelSelectorRequirement::default();
    for (name, value) in key.fields("an expression", node, &["key", "operator", "values"])? {
        match name {
            "key" => requirement.key = key.text(name, value)?,
            "operator" => requirement.operator = key.text(name, value)?,
            _ => requirement.values = key.texts(name, value)?,
        }
    }
    match requirement.operator.as_str() {
        "In" | "NotIn" | "Exists" | "DoesNotExist" => Ok(requirement),
        other => Err(key.error(node.line, format!("{other:?} is no operator of a selector"))),
    }
}
