//! `--resource GROUP:KIND:NAME`

use anyhow::bail;
use belay_argo_api::{Application, ResourceStatus, SyncOperationResource};

use crate::failure::Failure;

/// Objects that are meant, or are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    group: String,
    kind: String,
    namespace: String,
    name: String,
    is_excluded: bool,
}

impl Selection {
    /// Reads `[!]GROUP:KIND:[NAMESPACE/]NAME`.
    pub(super) fn parse(text: &str) -> anyhow::Result<Selection> {
        let (is_excluded, fields) = match text.strip_prefix('!') {
            Some(fields) => (true, fields),
            None => (false, text),
        };
        let [group, kind, name] = fields.split(':').collect::<Vec<_>>()[..] else {
            bail!(Failure::usage(format!("resource should have GROUP:KIND:NAME, but instead got: {fields}")));
        };
        let (namespace, name) = match name.split('/').collect::<Vec<_>>()[..] {
            [name] => ("", name),
            [namespace, name] => (namespace, name),
            _ => bail!(Failure::usage(format!(
                "resource with namespace should have GROUP:KIND:NAMESPACE/NAME, but instead got: {fields}"
            ))),
        };
        Ok(Selection {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            is_excluded,
        })
    }

    fn is_of(&self, resource: &ResourceStatus) -> bool {
        let means = |wanted: &str, own: &str| wanted == "*" || wanted == own;
        means(&self.group, &resource.group)
            && means(&self.kind, &resource.kind)
            && means(&self.name, &resource.name)
            && (self.namespace.is_empty() || means(&self.namespace, &resource.namespace))
    }
}

/// The objects of the app that are meant; all that are not excluded when none is included.
pub(super) fn selected(app: &Application, selections: &[Selection]) -> Vec<SyncOperationResource> {
    let (out, named): (Vec<&Selection>, Vec<&Selection>) =
        selections.iter().partition(|selection| selection.is_excluded);
    let is_meant = |resource: &&ResourceStatus| {
        (named.is_empty() || named.iter().any(|selection| selection.is_of(resource)))
            && !out.iter().any(|selection| selection.is_of(resource))
    };
    let one = |resource: &ResourceStatus| SyncOperationResource {
        group: resource.group.clone(),
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        namespace: resource.namespace.clone(),
        ..SyncOperationResource::default()
    };
    app.status.resources.iter().filter(is_meant).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(selections: &[&str]) -> Vec<String> {
        let app = serde_json::from_value(json!({"metadata": {}, "spec": {"project": "", "destination": {}},
            "status": {"resources": [
                {"group": "apps", "kind": "Deployment", "namespace": "a", "name": "web"},
                {"group": "apps", "kind": "Deployment", "namespace": "b", "name": "web"},
                {"kind": "Service", "namespace": "a", "name": "api"}]}}));
        let selections: Vec<Selection> =
            selections.iter().map(|text| Selection::parse(text).unwrap()).collect();
        let found = selected(&app.unwrap(), &selections);
        found.into_iter().map(|one| format!("{}/{}", one.namespace, one.name)).collect()
    }

    #[test]
    fn objects_are_named_or_left_out() {
        assert_eq!(names(&["apps:Deployment:web"]), ["a/web", "b/web"]);
        assert_eq!(names(&["apps:Deployment:b/web"]), ["b/web"]);
        assert_eq!(names(&[":Service:*"]), ["a/api"]);
        assert_eq!(names(&["!*:Deployment:*"]), ["a/api"]);
        assert_eq!(names(&["*:*:web", "!*:*:a/*"]), ["b/web"]);
    }

    #[test]
    fn what_names_no_object_is_refused() {
        let said = |text: &str| Selection::parse(text).unwrap_err().to_string();
        assert_eq!(
            said("Deployment:web"),
            "resource should have GROUP:KIND:NAME, but instead got: Deployment:web"
        );
        assert!(said("!apps:Deployment:a/b/c").ends_with("but instead got: apps:Deployment:a/b/c"));
    }
}
