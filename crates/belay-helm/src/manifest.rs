//! Rendered files into manifests and hooks, in the order they are installed.

use std::collections::{BTreeMap, BTreeSet};

use belay_gotemplate::bytes_of;
use serde_json::Value;

use crate::decode::{self, DecodeError, Fields};
use crate::yaml::{self, YamlError};

/// The order in which Helm installs; kinds it does not know come last, by name.
const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// One document of a rendered template.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The template, as `# Source:` names it.
    pub source: String,
    /// The document as the template wrote it.
    pub text: String,
    /// `kind`
    pub kind: String,
    /// `apiVersion`
    pub api_version: String,
    /// `metadata.name`
    pub name: String,
    /// The document as data.
    pub value: Value,
}

/// A document that is installed at a moment of a release's life, not with the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// `metadata.name`
    pub name: String,
    /// `kind`
    pub kind: String,
    /// The template, as `# Source:` names it.
    pub path: String,
    /// The document as the template wrote it.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Its place among the hooks of one event.
    pub weight: i64,
    /// When it is deleted, as the annotation says.
    pub delete_policies: Vec<String>,
    /// When its log is shown, as the annotation says.
    pub output_log_policies: Vec<String>,
    /// The document as data.
    pub value: Value,
}

impl Hook {
    /// Whether it only runs when the release is tested.
    pub fn is_test(&self) -> bool {
        self.events.contains(&HookEvent::Test)
    }
}

/// The moments of a release's life at which hooks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookEvent {
    /// Before an install.
    PreInstall,
    /// After an install.
    PostInstall,
    /// Before an uninstall.
    PreDelete,
    /// After an uninstall.
    PostDelete,
    /// Before an upgrade.
    PreUpgrade,
    /// After an upgrade.
    PostUpgrade,
    /// Before a rollback.
    PreRollback,
    /// After a rollback.
    PostRollback,
    /// When the release is tested.
    Test,
}

impl HookEvent {
    const ALL: [HookEvent; 9] = [
        HookEvent::PreInstall,
        HookEvent::PostInstall,
        HookEvent::PreDelete,
        HookEvent::PostDelete,
        HookEvent::PreUpgrade,
        HookEvent::PostUpgrade,
        HookEvent::PreRollback,
        HookEvent::PostRollback,
        HookEvent::Test,
    ];

    /// The name the annotation uses.
    pub fn name(self) -> &'static str {
        match self {
            HookEvent::PreInstall => "pre-install",
            HookEvent::PostInstall => "post-install",
            HookEvent::PreDelete => "pre-delete",
            HookEvent::PostDelete => "post-delete",
            HookEvent::PreUpgrade => "pre-upgrade",
            HookEvent::PostUpgrade => "post-upgrade",
            HookEvent::PreRollback => "pre-rollback",
            HookEvent::PostRollback => "post-rollback",
            HookEvent::Test => "test",
        }
    }

    /// The event of that name. `test-success` is Helm 2's name of `test`.
    pub fn parse(name: &str) -> Option<HookEvent> {
        if name == "test-success" {
            return Some(HookEvent::Test);
        }
        HookEvent::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// A rendered file is not YAML.
#[derive(Debug, thiserror::Error)]
#[error("YAML parse error on {path}")]
pub struct ManifestError {
    /// The template.
    pub path: String,
    /// What is wrong.
    #[source]
    pub source: DecodeError,
}

/// Manifests and hooks in install order.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) warnings: Vec<String>,
}

/// Splits the rendered files and sorts what they hold. In those of `stand_ins` characters stand in for bytes.
pub(crate) fn sort_manifests(
    files: &BTreeMap<String, String>,
    stand_ins: &BTreeSet<String>,
) -> Result<Sorted, ManifestError> {
    let mut sorted = Sorted::default();
    for (path, content) in files {
        let base = path.rsplit('/').next().unwrap_or(path);
        if base.starts_with('_') || content.trim().is_empty() {
            continue;
        }
        let has_stand_ins = stand_ins.contains(path);
        for document in split_manifests(content) {
            let failed = |source| ManifestError { path: path.clone(), source };
            let value = read(document, has_stand_ins).map_err(|error| failed(error.into()))?;
            sorted.place(path, document, value).map_err(failed)?;
        }
    }
    sorted.hooks.sort_by(|one, other| install_key(&one.kind).cmp(&install_key(&other.kind)));
    sorted.manifests.sort_by(|one, other| install_key(&one.kind).cmp(&install_key(&other.kind)));
    Ok(sorted)
}

/// Known kinds by their place, the others behind them by name.
pub(crate) fn install_key(kind: &str) -> (usize, &str) {
    match INSTALL_ORDER.iter().position(|known| *known == kind) {
        Some(place) => (place, ""),
        None => (INSTALL_ORDER.len(), kind),
    }
}

/// The documents of a file: cut at every line that begins with `---`.
pub fn split_manifests(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            documents.push(&text[start..line_start]);
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            start = line_start + 3 + blanks;
        }
        line_start += line.len();
    }
    documents.push(&text[start..]);
    documents.into_iter().filter(|document| !document.trim().is_empty()).map(str::trim_start).collect()
}

/// A document as data; `has_stand_ins` if characters stand in for its bytes.
pub(crate) fn read(document: &str, has_stand_ins: bool) -> Result<Value, YamlError> {
    if !has_stand_ins {
        return yaml::decode(document);
    }
    yaml::decode(&yaml::text(&bytes_of(document))?)
}

/// What Helm reads of a document to sort it.
#[derive(Default)]
struct Head {
    api_version: String,
    kind: String,
    name: String,
    annotations: Option<BTreeMap<String, String>>,
}

fn read_head(value: &Value) -> Result<Head, DecodeError> {
    let mut head = Head::default();
    let map = match value {
        Value::Null => return Ok(head),
        Value::Object(map) => map,
        other => {
            return Err(DecodeError::Type {
                found: decode::json_type(other),
                place: "value of type util.SimpleHead".to_owned(),
            });
        }
    };
    let mut fields = Fields::default();
    for (name, value) in decode::fields(map, &["apiVersion", "kind", "metadata"]) {
        let place = format!("SimpleHead.{name}");
        match name {
            "apiVersion" => fields.text(value, &place, &mut head.api_version),
            "kind" => fields.text(value, &place, &mut head.kind),
            _ => read_metadata(&mut fields, value, &mut head),
        }
    }
    fields.finish()?;
    Ok(head)
}

fn read_metadata(fields: &mut Fields, value: &Value, head: &mut Head) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (name, value) in decode::fields(map, &["name", "annotations"]) {
                let place = format!(".metadata.{name}");
                match name {
                    "name" => fields.text(value, &place, &mut head.name),
                    _ => fields.text_map(value, &place, &mut head.annotations),
                }
            }
        }
        other => fields.wrong(other, "SimpleHead.metadata", METADATA_TYPE),
    }
}

/// The Go type of `metadata` in Helm's head of a document.
const METADATA_TYPE: &str = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

impl Sorted {
    fn place(&mut self, path: &str, document: &str, value: Value) -> Result<(), DecodeError> {
        let head = read_head(&value)?;
        let annotations = head.annotations.unwrap_or_default();
        let Some(hook) = annotations.get("helm.sh/hook") else {
            self.manifests.push(Manifest {
                source: path.to_owned(),
                text: document.to_owned(),
                kind: head.kind,
                api_version: head.api_version,
                name: head.name,
                value,
            });
            return Ok(());
        };
        let events: Option<Vec<HookEvent>> =
            hook.split(',').map(|name| HookEvent::parse(&name.trim().to_lowercase())).collect();
        let Some(events) = events else {
            self.warnings.push(format!("skipping unknown hooks hookTypes={hook}"));
            return Ok(());
        };
        let weight = annotations.get("helm.sh/hook-weight").and_then(|weight| weight.parse().ok());
        self.hooks.push(Hook {
            name: head.name,
            kind: head.kind,
            path: path.to_owned(),
            manifest: document.to_owned(),
            events,
            weight: weight.unwrap_or(0),
            delete_policies: policies(&annotations, "helm.sh/hook-delete-policy"),
            output_log_policies: policies(&annotations, "helm.sh/hook-output-log-policy"),
            value,
        });
        Ok(())
    }
}

fn policies(annotations: &BTreeMap<String, String>, annotation: &str) -> Vec<String> {
    let Some(policies) = annotations.get(annotation) else { return Vec::new() };
    policies.split(',').map(|policy| policy.trim().to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_lines() {
        assert_eq!(split_manifests("---\na: 1\n---  \n\nb: 2\n---\n"), ["a: 1\n", "b: 2\n"]);
        assert_eq!(split_manifests("a: 1\n--- # note\nb: 2"), ["a: 1\n", "# note\nb: 2"]);
        assert_eq!(split_manifests("  \n\n"), Vec::<&str>::new());
        assert_eq!(split_manifests("a: |\n  ---\n  x\n"), ["a: |\n  ---\n  x\n"]);
    }

    #[test]
    fn known_kinds_come_first() {
        let mut kinds = ["Zebra", "Deployment", "Apple", "Namespace", "Service"];
        kinds.sort_by_key(|kind| install_key(kind));
        assert_eq!(kinds, ["Namespace", "Service", "Deployment", "Apple", "Zebra"]);
    }
}
