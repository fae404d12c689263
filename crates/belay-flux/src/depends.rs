//! `dependsOn`: what has to be ready first.

use std::sync::Arc;
use std::time::Duration;

use belay_flux_api::{Condition, DependencyReference, is_true};
use belay_manifest::{Object, ObjectKey};
use belay_schema::Expression;
use serde_json::Value;

/// How soon dependencies that are not ready are looked at again, at the latest.
pub(crate) const AGAIN: Duration = Duration::from_secs(30);

/// How a message about a condition that cannot be read begins.
pub(crate) const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

/// Why an app has to wait, in Flux's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// A dependency is not there, not ready, or behind.
    NotYet(String),
    /// A condition on one cannot be read; only a change of the app helps.
    Unreadable(String),
}

/// Why the dependencies of an app are not met; nothing when they are. `is_current` says of a dependency that is
/// ready whether it is so with what the app is going to use. A `readyExpr` takes the place of both.
pub(crate) fn unmet(
    app: &Object,
    dependencies: &[DependencyReference],
    get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>,
    is_current: &dyn Fn(&Object) -> bool,
) -> Option<Unmet> {
    let not_yet = |message: String| Some(Unmet::NotYet(message));
    for dependency in dependencies {
        let key = key(app, &dependency.namespace, &dependency.name);
        let name = format!("{}/{}", key.namespace, key.name);
        let Some(found) = get(&key) else { return not_yet(missing(&key, &name)) };
        if !dependency.ready_expr.is_empty() {
            if let Some(unmet) = unmet_condition(app, dependency, &found, &name) {
                return Some(unmet);
            }
            continue;
        }
        if !is_ready(&found) {
            return not_yet(format!("dependency '{name}' is not ready"));
        }
        if !is_current(&found) {
            return not_yet(format!("dependency '{name}' revision is not up to date"));
        }
    }
    None
}

/// As each of the originals says that there is no such object.
fn missing(key: &ObjectKey, name: &str) -> String {
    let said = format!("{}s.{} {:?} not found", key.kind.to_lowercase(), key.group, key.name);
    match key.kind.as_str() {
        "HelmRelease" => format!("unable to get '{name}' dependency: {said}"),
        _ => format!("dependency '{name}' not found: {said}"),
    }
}

fn unmet_condition(
    app: &Object,
    dependency: &DependencyReference,
    found: &Object,
    name: &str,
) -> Option<Unmet> {
    let expression = match Expression::condition(&dependency.ready_expr, &["self", "dep"]) {
        Ok(expression) => expression,
        Err(error) => {
            let name = &dependency.name;
            return Some(Unmet::Unreadable(format!("failed to evaluate dependency {name}: {error}")));
        }
    };
    match expression.holds([("self", app.value()), ("dep", found.value())]) {
        Ok(true) => None,
        Ok(false) => {
            Some(Unmet::NotYet(format!("dependency '{name}' is not ready according to readyExpr eval")))
        }
        Err(error) => Some(Unmet::NotYet(error.to_string())),
    }
}

/// Whether `app` depends on the object of this key by a condition, which any change of it may meet.
pub(crate) fn has_condition_on(app: &Object, on: &ObjectKey) -> bool {
    let listed = app.value()["spec"]["dependsOn"].as_array().into_iter().flatten();
    let mut conditional =
        listed.filter(|dependency| !dependency["readyExpr"].as_str().unwrap_or_default().is_empty());
    conditional.any(|dependency| named_by(app, dependency).as_ref() == Some(on))
}

/// A dependency is of its dependent's kind, and in its namespace where it names none.
fn key(app: &Object, namespace: &str, name: &str) -> ObjectKey {
    let namespace = if namespace.is_empty() { app.namespace() } else { namespace };
    ObjectKey { namespace: namespace.to_owned(), name: name.to_owned(), ..app.key() }
}

/// What an app depends on, as its spec says.
pub(crate) fn dependencies(app: &Object) -> impl Iterator<Item = ObjectKey> + '_ {
    let listed = app.value()["spec"]["dependsOn"].as_array().into_iter().flatten();
    listed.filter_map(|dependency| named_by(app, dependency))
}

fn named_by(app: &Object, dependency: &Value) -> Option<ObjectKey> {
    Some(key(app, dependency["namespace"].as_str().unwrap_or_default(), dependency["name"].as_str()?))
}

/// The names of the repositories that one includes.
pub(crate) fn includes(repository: &Value) -> impl Iterator<Item = &str> {
    let includes = repository.pointer("/spec/include").and_then(Value::as_array);
    includes.into_iter().flatten().filter_map(|include| include.pointer("/repository/name")?.as_str())
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
        text(unmet_with(found, is_current, json!({"name": "base"})))
    }

    fn text(unmet: Option<Unmet>) -> Option<String> {
        unmet.map(|unmet| match unmet {
            Unmet::NotYet(text) => text,
            Unmet::Unreadable(text) => format!("unreadable: {text}"),
        })
    }

    fn unmet_with(found: Option<Object>, is_current: bool, dependency: Value) -> Option<Unmet> {
        let dependency = DependencyReference::read(dependency).unwrap();
        let found = found.map(Arc::new);
        unmet(&app("web", 1, "True"), &[dependency], &|_| found.clone(), &|_| is_current)
    }

    #[test]
    fn a_dependency_is_there_ready_and_current() {
        assert_eq!(
            run(None, true).unwrap(),
            "dependency 'apps/base' not found: kustomizations.kustomize.toolkit.fluxcd.io \"base\" not found"
        );
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
        let named: Vec<ObjectKey> = dependencies(&web).collect();
        assert_eq!(named, [key("apps", "base"), key("infra", "other")]);
    }

    #[test]
    fn a_condition_takes_the_place_of_readiness() {
        let ask = |condition: &str| {
            text(unmet_with(
                Some(app("base", 7, "False")),
                false,
                json!({"name": "base", "readyExpr": condition}),
            ))
        };
        assert_eq!(ask("dep.metadata.generation == 7 && self.metadata.generation == 1"), None);
        assert_eq!(
            ask("dep.metadata.generation == self.metadata.generation").unwrap(),
            "dependency 'apps/base' is not ready according to readyExpr eval"
        );
        assert_eq!(
            ask("dep.status.nothing == 1").unwrap(),
            "failed to evaluate the CEL expression 'dep.status.nothing == 1': no such key: nothing"
        );
        let unknown = ask("other.metadata.name == 'x'").unwrap();
        assert!(unknown.starts_with("unreadable: failed to evaluate dependency base: "), "{unknown}");
        assert!(ask("dep.metadata.name").unwrap().ends_with("type mismatch: expected bool, got dyn"));
    }

    #[test]
    fn a_condition_is_asked_at_every_change() {
        let mut web = app("web", 1, "True");
        let base = ObjectKey { name: "base".into(), ..web.key() };
        assert!(!has_condition_on(&web, &base));
        web.value_mut()["spec"]["dependsOn"][0]["readyExpr"] = json!("true");
        assert!(has_condition_on(&web, &base));
    }
}
