//! `orphanedResources`: which objects of nobody a project does not care about.

use belay_argo_api::OrphanedResources;
use belay_filetree::Glob;
use belay_manifest::ObjectKey;

/// Whether an object of nobody is none that people want to know of: the project says so, or every namespace has it.
pub(crate) fn is_left_out(orphaned: &OrphanedResources, object: &ObjectKey) -> bool {
    let ObjectKey { group, kind, namespace, name } = object;
    match (group.as_str(), kind.as_str(), name.as_str()) {
        ("", "Service", "kubernetes") if namespace == "default" => return true,
        ("", "ServiceAccount", "default") | ("", "ConfigMap", "kube-root-ca.crt") => return true,
        _ => {}
    }
    let matches = |pattern: &str, text: &str| Glob::compile(pattern).is_ok_and(|glob| glob.is_match(text));
    orphaned.ignore.iter().any(|entry| {
        (entry.kind.is_empty() || matches(&entry.kind, kind))
            && matches(&entry.group, group)
            && (entry.name.is_empty() || matches(&entry.name, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_project_names_what_it_does_not_care_about() {
        let orphaned = json!({"ignore": [{"kind": "Config*", "name": "temp-*"}, {"group": "batch"}]});
        let orphaned: OrphanedResources = serde_json::from_value(orphaned).unwrap();
        let is_out = |group: &str, kind: &str, namespace: &str, name: &str| {
            let [group, kind, namespace, name] = [group, kind, namespace, name].map(str::to_owned);
            is_left_out(&orphaned, &ObjectKey { group, kind, namespace, name })
        };
        assert!(is_out("", "ConfigMap", "a", "temp-1") && is_out("batch", "Job", "a", "x"));
        assert!(!is_out("", "ConfigMap", "a", "kept") && !is_out("apps", "Deployment", "a", "temp-1"));
        assert!(
            is_out("", "ServiceAccount", "a", "default") && is_out("", "Service", "default", "kubernetes")
        );
        assert!(!is_out("", "Service", "a", "kubernetes"));
    }
}
