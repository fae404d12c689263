//! Whether the API server would take what is to be written, told before any of it is.
//!
//! What is looked at in process makes no request. What an Application's sync finds wrong with an object by its schema is told
//! as it was found, before the sync begins. Stages of both families are checked with all rules that the API server has;
//! objects that may be refused by them, by webhooks or by policies are tried with the API server, which has the last word.

use std::sync::Arc;

use belay_cluster::LiveState;
use belay_diff::Patch;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_plan::{Action, Desired, Step, sync};
use belay_schema::managed::{self, Write};
use belay_schema::{
    KindSchema, crd_errors, decode, default_object, invalid_message, keep_unchangeable, merge_patch,
    metadata_errors, prune, strategic, validate,
};
use futures::{StreamExt, stream};
use serde_json::Value;

use crate::admission::{concern, judges, namespace_key};
use crate::carry_out::ApplySettings;
use crate::error::ApplyError;
use crate::rehearse::{is_about_the_object, try_apply};
use crate::requests::is_immutable;
use crate::schemas::{Schemas, definitions};

/// What is wrong with an object by its kind's schema alone. The API server may still find more.
pub fn fault(schema: &KindSchema, object: &Object, is_new: bool) -> Option<String> {
    let mut value = match decode(schema, object.value()) {
        Ok(value) => value,
        Err(error) => return Some(belay_causes::chain(&error)),
    };
    // An update is judged with its live object, and a built-in kind with what the API server fills in: it knows better.
    if !is_new || !schema.is_custom() {
        return None;
    }
    prune(schema, &mut value);
    default_object(schema, &mut value);
    let errors = validate(schema, &value, None);
    let kind = object.gvk();
    (!errors.is_empty()).then(|| invalid_message(&kind.group, &kind.kind, object.name(), &errors))
}

/// The objects of one stage that the API server refuses. A write that stands alone is not tried: it fails as well in
/// earnest, and nothing goes with it.
pub(crate) async fn refused(
    stage: &[Step],
    live: &LiveState,
    settings: &ApplySettings,
    schemas: &Schemas,
) -> Vec<(ObjectKey, ApplyError)> {
    let writes: Vec<(&Step, &Desired)> = stage.iter().filter_map(written).collect();
    if writes.len() < 2 {
        return Vec::new();
    }
    watch(&writes, live).await;
    let judges = judges(live).await;
    // Where namespaces may not be listed, none is missed.
    let are_namespaces_known = !live.of_kind("", "Namespace").is_empty();
    let mut running = Vec::new();
    for (step, desired) in writes {
        let object = &desired.object;
        let misses = are_namespaces_known && misses_its_namespace(object, live);
        if misses
            || Rules::of(object, live, settings, schemas)
                .is_none_or(|rules| rules.are_broken_by_apply(object, step.live.as_deref()))
            || concern(live, &judges, object, step.live.is_none())
        {
            running.push(refusal(desired, misses, live, settings));
        }
    }
    let tried: Vec<_> = stream::iter(running).buffered(settings.in_flight.max(1)).collect().await;
    tried.into_iter().flatten().collect()
}

fn written(step: &Step) -> Option<(&Step, &Desired)> {
    let desired = step.desired.as_ref()?;
    matches!(step.action, Action::Create | Action::Apply { .. }).then_some((step, desired))
}

/// What is asked of the cluster while a stage is checked: its namespaces, and the definitions of its kinds.
async fn watch(writes: &[(&Step, &Desired)], live: &LiveState) {
    let mut kinds = vec![GroupVersionKind::new("v1", "Namespace")];
    if writes.iter().any(|(_, desired)| Schemas::is_custom(&desired.object.gvk())) {
        kinds.push(definitions());
    }
    for kind in kinds {
        if let Err(error) = live.ensure(&kind).await {
            tracing::debug!(%kind, %error, "checked without it");
        }
    }
}

/// Whether an object's namespace is not there.
fn misses_its_namespace(object: &Object, live: &LiveState) -> bool {
    let namespace = object.namespace();
    !namespace.is_empty() && !live.has(&namespace_key(namespace))
}

/// Whether a write of an Application's sync may be refused by the API server's own rules. What nothing is known of is
/// not suspected: such a kind may be there only when its stage is carried out.
pub fn is_suspect(
    write: &sync::Write,
    before: Option<&Object>,
    live: &LiveState,
    settings: &ApplySettings,
    schemas: &Schemas,
) -> bool {
    let object = match write {
        sync::Write::Nothing { .. } => return false,
        sync::Write::Create(object)
        | sync::Write::Patch { anew: object, .. }
        | sync::Write::Apply { object, .. }
        | sync::Write::Replace { object, .. } => object,
    };
    let Some(rules) = Rules::of(object, live, settings, schemas) else { return false };
    match (write, before) {
        (sync::Write::Patch { patch, .. }, Some(before)) => rules.are_broken_by_patch(patch, before),
        (sync::Write::Replace { force: false, .. }, Some(before)) => {
            rules.are_broken_by_replacing(object, before)
        }
        (sync::Write::Apply { .. }, before) => rules.are_broken_by_apply(object, before),
        _ => rules.are_broken_by_apply(object, None),
    }
}

/// The API server's rules for a kind.
struct Rules<'a> {
    schema: Arc<KindSchema>,
    /// The kind's name in paths.
    resource: String,
    /// Who writes.
    manager: &'a str,
}

impl<'a> Rules<'a> {
    /// The rules for an object's kind, if that is known.
    fn of(
        object: &Object,
        live: &LiveState,
        settings: &'a ApplySettings,
        schemas: &Schemas,
    ) -> Option<Rules<'a>> {
        let kind = object.gvk();
        let (resource, schema) = live.kinds().known(&kind).zip(schemas.of(&kind, live))?;
        Some(Rules { schema, resource: resource.api.plural, manager: &settings.manager })
    }

    /// What an object would become is predicted, and checked as there.
    fn are_broken_by_apply(&self, object: &Object, before: Option<&Object>) -> bool {
        if decode(&self.schema, object.value()).is_err() {
            return true;
        }
        let write = Write { manager: self.manager, now: "", subresource: "" };
        let before = before.map(Object::value);
        match managed::predict(&self.schema, before, object.value(), &write, true) {
            Ok(after) => self.are_broken(&after, before),
            Err(_) => true,
        }
    }

    fn are_broken_by_patch(&self, patch: &Patch, before: &Object) -> bool {
        let before = before.value();
        let patched = match patch.strategic {
            true => strategic::merge(&self.schema, before, &patch.body),
            false => Ok(merge_patch(before, &patch.body)),
        };
        patched.map_or(true, |after| self.are_broken_by_update(after, before))
    }

    fn are_broken_by_replacing(&self, object: &Object, before: &Object) -> bool {
        self.are_broken_by_update(object.value().clone(), before.value())
    }

    fn are_broken_by_update(&self, after: Value, before: &Value) -> bool {
        let Ok(mut after) = decode(&self.schema, &after) else { return true };
        prune(&self.schema, &mut after);
        default_object(&self.schema, &mut after);
        keep_unchangeable(&self.schema, Some(before), &mut after, "");
        self.are_broken(&after, Some(before))
    }

    fn are_broken(&self, after: &Value, before: Option<&Value>) -> bool {
        !metadata_errors(&self.schema, &self.resource, after, before).is_empty()
            || !validate(&self.schema, after, before).is_empty()
            || (self.resource == "customresourcedefinitions" && !crd_errors(after).is_empty())
    }
}

/// What the API server says against an object, asked by a dry run.
async fn refusal(
    desired: &Desired,
    misses_its_namespace: bool,
    live: &LiveState,
    settings: &ApplySettings,
) -> Option<(ObjectKey, ApplyError)> {
    let Err(ApplyError::Refused { key, source: kube::Error::Api(status) }) =
        try_apply(&desired.object, live, settings).await
    else {
        return None;
    };
    let is_made_anew = desired.treatment.recreate && is_immutable(&status);
    let is_refused = is_about_the_object(&status) || (misses_its_namespace && status.code == 404);
    (is_refused && !is_made_anew)
        .then(|| (key.clone(), ApplyError::Refused { key, source: kube::Error::Api(status) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_schema::Registry;
    use serde_json::json;

    fn object(value: Value) -> Object {
        Object::new(value).expect("an object")
    }

    fn suspected(resource: &str, value: Value, before: Option<Value>) -> bool {
        let (object, before) = (object(value), before.map(object));
        rules(resource, &object).are_broken_by_apply(&object, before.as_ref())
    }

    fn rules(resource: &str, object: &Object) -> Rules<'static> {
        let kind = object.gvk();
        let schema = Registry::builtin().kind(&kind.group, &kind.version, &kind.kind);
        Rules { schema: schema.expect("a built-in kind"), resource: resource.to_owned(), manager: "us" }
    }

    fn of(api_version: &str, kind: &str, rest: Value) -> Value {
        let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": "prod"}});
        for (name, field) in rest.as_object().into_iter().flatten() {
            value[name] = field.clone();
        }
        value
    }

    fn template() -> Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}})
    }

    fn deployment(label: &str) -> Value {
        let selector = json!({"matchLabels": {"app": label}});
        of("apps/v1", "Deployment", json!({"spec": {"selector": selector, "template": template()}}))
    }

    #[test]
    fn what_is_as_it_should_be_makes_no_request() {
        let port = json!([{"port": 80}]);
        let rule = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
        let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
        for (resource, value) in [
            ("configmaps", of("v1", "ConfigMap", json!({"data": {"a": "b"}}))),
            ("secrets", of("v1", "Secret", json!({"stringData": {"a": "b"}}))),
            ("services", of("v1", "Service", json!({"spec": {"ports": port, "selector": {"app": "web"}}}))),
            ("serviceaccounts", of("v1", "ServiceAccount", json!({}))),
            ("persistentvolumeclaims", of("v1", "PersistentVolumeClaim", json!({"spec": claim}))),
            ("deployments", deployment("web")),
            ("roles", of("rbac.authorization.k8s.io/v1", "Role", json!({"rules": rule}))),
        ] {
            assert!(!suspected(resource, value.clone(), None), "{value}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_tried() {
        let named = |name: &str| {
            json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "prod"}})
        };
        assert!(suspected("configmaps", named("No_Name"), None));
        assert!(
            suspected("deployments", deployment("other"), None),
            "a selector that chooses none of its own"
        );
        assert!(suspected("configmaps", of("v1", "ConfigMap", json!({"data": {"a": ["b"]}})), None));
    }

    #[test]
    fn what_cannot_be_changed_is_tried() {
        let fixed = |text: &str| of("v1", "ConfigMap", json!({"immutable": true, "data": {"a": text}}));
        assert!(!suspected("configmaps", fixed("b"), Some(fixed("b"))));
        assert!(suspected("configmaps", fixed("c"), Some(fixed("b"))));
    }

    fn patched(resource: &str, before: Value, body: Value, strategic: bool) -> bool {
        let before = object(before);
        rules(resource, &before).are_broken_by_patch(&Patch { body, strategic }, &before)
    }

    #[test]
    fn patches_are_judged_by_what_comes_of_them() {
        let label = |name: &str| json!({"spec": {"template": {"metadata": {"labels": {"app": name}}}}});
        let more = json!({"spec": {"template": {"metadata": {"labels": {"tier": "front"}}}}});
        assert!(!patched("deployments", deployment("web"), more, true));
        assert!(
            patched("deployments", deployment("web"), label("other"), true),
            "the selector chooses none of its own"
        );
        let selector = json!({"spec": {"selector": {"matchLabels": {"app": "web", "tier": "front"}}}});
        assert!(patched("deployments", deployment("web"), selector, true), "a selector cannot be changed");
        let fixed = of("v1", "ConfigMap", json!({"immutable": true, "data": {"a": "b"}}));
        assert!(patched("configmaps", fixed.clone(), json!({"data": {"a": "c"}}), false));
        assert!(!patched("configmaps", fixed, json!({"metadata": {"labels": {"a": "c"}}}), false));
    }

    #[test]
    fn what_is_put_in_the_place_of_another_is_judged_as_an_update() {
        let fixed =
            |text: &str| object(of("v1", "ConfigMap", json!({"immutable": true, "data": {"a": text}})));
        let rules = rules("configmaps", &fixed("b"));
        assert!(rules.are_broken_by_replacing(&fixed("c"), &fixed("b")));
        assert!(!rules.are_broken_by_replacing(&fixed("b"), &fixed("b")));
    }
}
