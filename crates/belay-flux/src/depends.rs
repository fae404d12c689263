//! `dependsOn`: what has to be ready first.

use std::sync::Arc;
use std::time::Duration;

use belay_flux_api::{Condition, DependencyReference, is_true};
use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

/// How soon dependencies that are not ready are looked at again, at the latest.
pub(crate) const AGAIN: Duration = Duration::from_secs(30);

/// Why the dependencies of an app are not met, in Flux's words; nothing when they are. `is_current`
/// says of a dependency that is ready whether it is so with what the app is going to use.
pub(crate) fn unmet(
    app: &Object,
    dependencies: &[DependencyReference],
    get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>,
    is_current: &dyn Fn(&Object) -> bool,
) -> Option<String> {
    for dependency in dependencies {
        let key = key(app, dependency);
        let name = format!("{}/{}", key.namespace, key.name);
        let Some(found) = get(&key) else { return Some(format!("dependency '{name}' not found")) };
        if !is_ready(&found) {
            return Some(format!("dependency '{name}' is not ready"));
        }
        if !is_current(&found) {
            return Some(format!("dependency '{name}' revision is not up to date"));
        }
    }
    None
}

/// The first dependency that asks for what is not built yet.
pub(crate) fn refused(dependencies: &[DependencyReference]) -> Option<&'static str> {
    let has_expression = dependencies.iter().any(|dependency| !dependency.ready_expr.is_empty());
    has_expression.then_some("spec.dependsOn.readyExpr")
}

/// A dependency is of its dependent's kind.
fn key(app: &Object, dependency: &DependencyReference) -> ObjectKey {
    let namespace = match dependency.namespace.as_str() {
        "" => app.namespace(),
        namespace => namespace,
    };
    let (namespace, name) = (namespace.to_owned(), dependency.name.clone());
    ObjectKey { namespace, name, ..app.key() }
}

/// Whether `app` depends on the object of this key.
pub(crate) fn depends_on(app: &Object, on: &ObjectKey) -> bool {
    let dependencies = app.value().pointer("/spec/dependsOn").and_then(Value::as_array);
    dependencies.into_iter().flatten().any(|dependency| {
        let namespace = dependency["namespace"].as_str().filter(|text| !text.is_empty());
        dependency["name"] == on.name.as_str() && namespace.unwrap_or(app.namespace()) == on.namespace
    })
}

/// Whether Ready is True for the generation that is there.
pub(crate) fn is_ready(object: &Object) -> bool {
    let value = object.value();
    let conditions: Vec<Condition> = value
        .pointer("/status/conditions")
        .and_then(|conditions| serde_json::from_value(conditions.clone()).ok())
        .unwrap_or_default();
    value.pointer("/status/observedGeneration") == value.pointer("/metadata/generation")
        && is_true(&conditions, "Ready")
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    fn app(name: &str, generation: i64, ready: &str) -> Object {
        Object::new(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "apps", "generation": generation},
            "spec": {"dependsOn": [{"name": "base"}, {"name": "other", "namespace": "infra"}]},
            "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": ready,
                "reason": "", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}))
        .unwrap()
    }

    fn run(found: Option<Object>, is_current: bool) -> Option<String> {
        let dependency = DependencyReference::read(json!({"name": "base"})).unwrap();
        let found = found.map(Arc::new);
        unmet(&app("web", 1, "True"), &[dependency], &|_| found.clone(), &|_| is_current)
    }

    #[test]
    fn a_dependency_is_there_ready_and_current() {
        assert_eq!(run(None, true).unwrap(), "dependency 'apps/base' not found");
        assert_eq!(run(Some(app("base", 1, "False")), true).unwrap(), "dependency 'apps/base' is not ready");
        assert_eq!(run(Some(app("base", 2, "True")), true).unwrap(), "dependency 'apps/base' is not ready");
        let old = run(Some(app("base", 1, "True")), false).unwrap();
        assert_eq!(old, "dependency 'apps/base' revision is not up to date");
        assert_eq!(run(Some(app("base", 1, "True")), true), None);
    }

    #[test]
    fn dependents_are_found_by_what_they_name() {
        let key = |namespace: &str, name: &str| ObjectKey {
            namespace: namespace.into(),
            name: name.into(),
            ..app("x", 1, "True").key()
        };
        let web = app("web", 1, "True");
        assert!(depends_on(&web, &key("apps", "base")) && depends_on(&web, &key("infra", "other")));
        assert!(!depends_on(&web, &key("infra", "base")));
        let expression = DependencyReference::read(json!({"name": "a", "readyExpr": "true"})).unwrap();
        assert_eq!(refused(&[expression]), Some("spec.dependsOn.readyExpr"));
    }
}
