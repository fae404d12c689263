//! Which fields an apply would change: the live object beside what it would become.

use belay_manifest::Object;
use belay_schema::PatchError;
use belay_schema::managed::{self, Write};
use serde_json::{Map, Value};

use crate::client_side::{LAST_APPLIED, Sides};
use crate::compare::{CompareOptions, Difference, compare, is_ours_to_compare, unwanted};
use crate::ignore::Ignored;
use crate::normalise::{drop_undesired, normalised};
use crate::ownership::Ownership;
use crate::path::{FieldPath, Segment};
use crate::takeover::take_over;

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// As `kubectl apply`: one patch from last-applied, desired and live.
    ClientSide,
    /// As `kubectl apply --server-side`.
    ServerSide,
}

/// Why no prediction can be made.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The three states make no patch.
    #[error("no patch can be made")]
    Patch(#[from] PatchError),
    /// The API server would refuse the apply.
    #[error("the object cannot be applied")]
    Apply(#[from] managed::ApplyError),
}

impl Sides<'_> {
    /// Every field that an apply would change, computed here and without asking the API server. Fields that others
    /// added count as [`crate::AddedFields`] says; ignored fields do not.
    pub fn differences(
        &self,
        method: Method,
        options: &CompareOptions,
        ignored: &Ignored,
    ) -> Result<Vec<Difference>, PredictError> {
        let (live, predicted) = match (method, self.schema) {
            (Method::ClientSide, _) => self.client_side(options, ignored)?,
            (Method::ServerSide, Some(_)) => self.server_side(options, ignored)?,
            // Without a schema the live object's own managedFields tell how its lists merge.
            (Method::ServerSide, None) => {
                let (mut desired, mut live) = (self.desired.clone(), self.live.clone());
                ignored.reformat(self.live, &mut [desired.value_mut(), live.value_mut()]);
                return Ok(compare(&desired, &live, options));
            }
        };
        Ok(between(&live, &predicted, &Ownership::of(self.live.value())))
    }

    /// The same, where the API server has told what a server-side apply makes of the live object: what webhooks change
    /// counts. What others added is not in its answer, for an apply alone does not remove it.
    pub fn differences_to(
        &self,
        answer: &Object,
        options: &CompareOptions,
        ignored: &Ignored,
    ) -> Result<Vec<Difference>, PredictError> {
        let (mut live, mut predicted) = (self.live.value().clone(), answer.value().clone());
        ignored.remove(self.live, &mut [&mut live, &mut predicted]);
        ignored.reformat(self.live, &mut [&mut live, &mut predicted]);
        for state in [&mut live, &mut predicted] {
            drop_undesired(state, ignored.normalise);
        }
        let mut found = between(&live, &predicted, &Ownership::of(self.live.value()));
        let is_added = |difference: &Difference| {
            let owner = difference.owner.as_ref();
            difference.desired.is_none() && owner.is_some_and(|owner| owner.manager != options.manager)
        };
        for added in self.differences(Method::ServerSide, options, ignored)?.into_iter().filter(is_added) {
            if found.iter().all(|known| known.path != added.path) {
                found.push(added);
            }
        }
        Ok(found)
    }

    /// Whether a server-side apply would change nothing, who owns the fields included.
    pub fn is_applied(&self, options: &CompareOptions, ignored: &Ignored) -> Result<bool, PredictError> {
        let Some(schema) = self.schema else {
            let desired = Ownership::of(self.live.value());
            let ours = desired.has(&options.manager, "Apply");
            return Ok(ours && compare(self.desired, self.live, options).is_empty());
        };
        if !self.differences(Method::ServerSide, options, ignored)?.is_empty() {
            return Ok(false);
        }
        let desired = normalised(self.desired.value(), Some(schema), ignored.normalise);
        let write = Write { manager: &options.manager, now: "", subresource: "" };
        let predicted = managed::predict(schema, Some(self.live.value()), &desired, &write, true)?;
        Ok(managed::same_but_for_times(self.live.value(), &predicted))
    }

    /// The live object and what a forced server-side apply would make of it.
    fn server_side(
        &self,
        options: &CompareOptions,
        ignored: &Ignored,
    ) -> Result<(Value, Value), PredictError> {
        let schema = self.schema.expect("the caller looked");
        let mut desired = normalised(self.desired.value(), Some(schema), ignored.normalise);
        let mut live = self.live.value().clone();
        ignored.remove(self.live, &mut [&mut desired, &mut live]);
        let added = added_to(&desired, self.live.value(), &live, options);
        if !added.is_empty() {
            let managed_fields = take_over(self.live.value(), &options.manager, &added);
            live["metadata"]["managedFields"] = managed_fields;
        }
        let write = Write { manager: &options.manager, now: "", subresource: "" };
        let mut predicted = managed::predict(schema, Some(&live), &desired, &write, true)?;
        // Defaults may have brought back what is ignored.
        ignored.remove(self.live, &mut [&mut predicted]);
        ignored.reformat(self.live, &mut [&mut live, &mut predicted]);
        for state in [&mut live, &mut predicted] {
            drop_undesired(state, ignored.normalise);
        }
        Ok((live, predicted))
    }
}

/// The fields of a live object that Git does not name and that count as drift.
pub fn added_paths(
    desired: &Object,
    live: &Object,
    options: &CompareOptions,
    ignored: &Ignored,
) -> Vec<FieldPath> {
    let mut left = live.value().clone();
    ignored.remove(live, &mut [&mut left]);
    added_to(desired.value(), live.value(), &left, options)
}

/// The same, where `left` is what of the live object is compared.
fn added_to(desired: &Value, live: &Value, left: &Value, options: &CompareOptions) -> Vec<FieldPath> {
    unwanted(&Ownership::of(live), left, options)
        .into_iter()
        .filter(|(_, owner)| owner.manager != options.manager)
        .map(|(path, _owner)| path)
        .filter(|path| is_ours_to_compare(path) && path.find(desired).is_none())
        .collect()
}

/// The fields in which two states of one object differ.
fn between(live: &Value, predicted: &Value, ownership: &Ownership<'_>) -> Vec<Difference> {
    if live == predicted {
        return Vec::new();
    }
    let mut walk = Walk { ownership, differences: Vec::new() };
    walk.value(Some(live), Some(predicted), &FieldPath::default());
    walk.differences
}

/// What the API server keeps for itself, and what only records what was applied.
fn is_kept_by_the_server(path: &FieldPath) -> bool {
    const FIELDS: [&str; 6] =
        ["resourceVersion", "generation", "uid", "managedFields", "creationTimestamp", "selfLink"];
    FIELDS.iter().any(|name| path.starts_with(&["metadata", name]))
        || path.starts_with(&["metadata", "annotations", LAST_APPLIED])
}

struct Walk<'a> {
    ownership: &'a Ownership<'a>,
    differences: Vec<Difference>,
}

impl Walk<'_> {
    fn value(&mut self, live: Option<&Value>, predicted: Option<&Value>, path: &FieldPath) {
        match (live, predicted) {
            (live, predicted) if live == predicted || is_kept_by_the_server(path) => {}
            (Some(Value::Object(live)), Some(Value::Object(predicted))) => self.map(live, predicted, path),
            (Some(Value::Array(live)), Some(Value::Array(predicted))) => self.list(live, predicted, path),
            (Some(Value::Number(live)), Some(Value::Number(predicted)))
                if live.as_f64() == predicted.as_f64() => {}
            (live, predicted) if is_nothing(live) && is_nothing(predicted) => {}
            (live, predicted) => self.differences.push(Difference {
                path: path.clone(),
                desired: predicted.cloned(),
                live: live.cloned(),
                owner: self.ownership.owners(path).first().map(|owner| (*owner).clone()),
            }),
        }
    }

    fn map(&mut self, live: &Map<String, Value>, predicted: &Map<String, Value>, path: &FieldPath) {
        for (name, value) in predicted {
            self.value(live.get(name), Some(value), &path.child(Segment::Field(name.clone())));
        }
        for (name, value) in live.iter().filter(|(name, _)| !predicted.contains_key(*name)) {
            self.value(Some(value), None, &path.child(Segment::Field(name.clone())));
        }
    }

    fn list(&mut self, live: &[Value], predicted: &[Value], path: &FieldPath) {
        let keys = self.ownership.list_keys(path).or_else(|| named(live, predicted));
        let before = self.differences.len();
        match keys {
            Some(keys) => self.keyed(live, predicted, &keys, path),
            None if live.len() == predicted.len() => {
                for (index, (live, predicted)) in live.iter().zip(predicted).enumerate() {
                    self.value(Some(live), Some(predicted), &path.child(Segment::Index(index)));
                }
            }
            None => {}
        }
        // Items in another order, or another number of items without names.
        if self.differences.len() == before {
            self.differences.push(Difference {
                path: path.clone(),
                desired: Some(Value::from(predicted.to_vec())),
                live: Some(Value::from(live.to_vec())),
                owner: self.ownership.owners(path).first().map(|owner| (*owner).clone()),
            });
        }
    }

    fn keyed(&mut self, live: &[Value], predicted: &[Value], keys: &[String], path: &FieldPath) {
        let same = |one: &Value, other: &Value| keys.iter().all(|key| one.get(key) == other.get(key));
        let place = |item: &Value| {
            let keys = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
            path.child(Segment::Keyed(keys.collect()))
        };
        for item in predicted {
            let found = live.iter().find(|candidate| same(candidate, item));
            self.value(found, Some(item), &place(item));
        }
        for item in live.iter().filter(|item| !predicted.iter().any(|other| same(item, other))) {
            self.value(Some(item), None, &place(item));
        }
    }
}

/// Items that all have different names are told apart by them.
fn named(live: &[Value], predicted: &[Value]) -> Option<Vec<String>> {
    let differ = |items: &[Value]| {
        let names: Vec<&str> = items.iter().filter_map(|item| item.get("name")?.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        names.len() == items.len() && sorted.len() == names.len()
    };
    (differ(live) && differ(predicted)).then(|| vec!["name".to_owned()])
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_side::with_last_applied;
    use crate::compare::AddedFields;
    use crate::ignore::IgnoreRule;
    use crate::known_types::{KnownField, KnownType};
    use crate::normalise::NormaliseOptions;
    use belay_schema::default_object;
    use belay_schema::{KindSchema, Registry, decode};
    use serde_json::json;
    use std::sync::Arc;

    fn schema(kind: &str) -> Arc<KindSchema> {
        let group = if kind == "Deployment" { "apps" } else { "" };
        Registry::builtin().kind(group, "v1", kind).unwrap()
    }

    fn options() -> CompareOptions {
        CompareOptions { manager: "argocd-controller".to_owned(), added: AddedFields::AllBut(Vec::new()) }
    }

    fn deployment() -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
                    {"name": "web", "image": "web:1", "resources": {"limits": {"cpu": "1000m"}}, "env": []}]}}}}))
        .unwrap()
    }

    /// The object as the API server stores it after we applied it.
    fn stored(object: &Object, method: Method) -> Object {
        let kind = schema(object.kind());
        let write = Write { manager: "argocd-controller", now: "2026-01-01T00:00:00Z", subresource: "" };
        let value = match method {
            Method::ServerSide => managed::apply(&kind, None, object.value(), &write, true).unwrap(),
            Method::ClientSide => {
                let mut value = decode(&kind, with_last_applied(object).value()).unwrap();
                default_object(&kind, &mut value);
                managed::update(&kind, None, &value, &write)
            }
        };
        Object::new(value).unwrap()
    }

    /// The same after somebody wrote to it.
    fn changed(live: &Object, manager: &str, change: impl FnOnce(&mut Value)) -> Object {
        let mut new = live.value().clone();
        change(&mut new);
        let write = Write { manager, now: "2026-02-01T00:00:00Z", subresource: "" };
        let kind = schema(live.kind());
        Object::new(managed::update(&kind, Some(live.value()), &new, &write)).unwrap()
    }

    fn found(desired: &Object, live: &Object, method: Method, ignored: &Ignored) -> Vec<String> {
        let kind = schema(desired.kind());
        let sides = Sides { desired, live, schema: Some(&kind) };
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        sides
            .differences(method, &options(), ignored)
            .unwrap()
            .iter()
            .map(|found| {
                let manager = found.owner.as_ref().map_or("?", |owner| owner.manager.as_str());
                format!("{}: {} <- {} by {manager}", found.path, text(&found.desired), text(&found.live))
            })
            .collect()
    }

    const BOTH: [Method; 2] = [Method::ClientSide, Method::ServerSide];

    #[test]
    fn what_we_applied_is_as_desired() {
        for method in BOTH {
            let live = stored(&deployment(), method);
            assert_eq!(
                found(&deployment(), &live, method, &Ignored::default()),
                Vec::<String>::new(),
                "{method:?}"
            );
        }
    }

    #[test]
    fn a_changed_field_an_added_one_and_one_that_left_git_are_found() {
        for method in BOTH {
            let live = changed(&stored(&deployment(), method), "kubectl-edit", |live| {
                live["spec"]["replicas"] = json!(5);
                live["spec"]["template"]["spec"]["containers"][0]["env"] =
                    json!([{"name": "A", "value": "1"}]);
            });
            assert_eq!(
                found(&deployment(), &live, method, &Ignored::default()),
                [
                    "spec.replicas: 2 <- 5 by kubectl-edit",
                    "spec.template.spec.containers[name=web].env: - <- [{\"name\":\"A\",\"value\":\"1\"}] by kubectl-edit"
                ],
                "{method:?}"
            );
            let mut less = deployment();
            less.value_mut()["spec"]["template"]["spec"]["containers"][0]
                .as_object_mut()
                .unwrap()
                .shift_remove("resources");
            assert_eq!(
                found(&less, &stored(&deployment(), method), method, &Ignored::default()),
                [
                    "spec.template.spec.containers[name=web].resources.limits: - <- {\"cpu\":\"1\"} by argocd-controller"
                ],
                "{method:?}"
            );
        }
    }

    #[test]
    fn what_controllers_add_and_what_is_ignored_is_no_difference() {
        for method in BOTH {
            let live = changed(&stored(&deployment(), method), "mesh-injector", |live| {
                live["spec"]["template"]["metadata"]["labels"]["mesh"] = json!("on");
            });
            let live = changed(&live, "autoscaler", |live| live["spec"]["replicas"] = json!(7));
            let rule = IgnoreRule {
                group: "apps".into(),
                kind: "Deployment".into(),
                json_pointers: vec!["/spec/replicas".into()],
                ..IgnoreRule::default()
            };
            let ignored = Ignored::new(vec![rule], NormaliseOptions::default());
            assert_eq!(found(&deployment(), &live, method, &ignored), Vec::<String>::new(), "{method:?}");
            let rule = IgnoreRule {
                group: "apps".into(),
                kind: "Deployment".into(),
                managers: vec!["autoscaler".into()],
                ..IgnoreRule::default()
            };
            let ignored = Ignored::new(vec![rule], NormaliseOptions::default());
            assert_eq!(found(&deployment(), &live, method, &ignored), Vec::<String>::new(), "{method:?}");
        }
    }

    #[test]
    fn the_patch_of_a_client_side_apply_changes_what_differs_and_records_it() {
        let live = changed(&stored(&deployment(), Method::ClientSide), "kubectl-edit", |live| {
            live["spec"]["replicas"] = json!(5);
        });
        let kind = schema("Deployment");
        let desired = deployment();
        let sides = Sides { desired: &desired, live: &live, schema: Some(&kind) };
        let patch = sides.apply_patch(&options(), &Ignored::default()).unwrap().unwrap();
        assert!(patch.strategic);
        assert_eq!(patch.body["spec"], json!({"replicas": 2}));
        let unchanged = stored(&desired, Method::ClientSide);
        let sides = Sides { live: &unchanged, ..sides };
        assert_eq!(sides.apply_patch(&options(), &Ignored::default()).unwrap(), None);
    }

    #[test]
    fn a_secret_written_as_text_is_compared_as_data() {
        let secret = Object::new(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "x"},
            "stringData": {"a": "canary"}}),
        )
        .unwrap();
        let live = Object::new(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "x",
            "uid": "u"}, "type": "Opaque", "data": {"a": "Y2FuYXJ5"}}),
        )
        .unwrap();
        assert_eq!(found(&secret, &live, Method::ClientSide, &Ignored::default()), Vec::<String>::new());
    }

    #[test]
    fn a_custom_resource_is_merged_as_json() {
        let object = |spec: Value| {
            Object::new(
                json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}),
            )
            .unwrap()
        };
        let desired = object(json!({"size": 1, "list": [{"a": 1}]}));
        let mut live = with_last_applied(&desired);
        live.value_mut()["spec"] = json!({"size": 1, "list": [{"a": 1, "defaulted": true}], "more": true});
        let sides = Sides { desired: &desired, live: &live, schema: None };
        assert!(sides.differences(Method::ClientSide, &options(), &Ignored::default()).unwrap().is_empty());
        let desired = object(json!({"size": 2, "list": [{"a": 2}]}));
        let sides = Sides { desired: &desired, ..sides };
        let patch = sides.apply_patch(&options(), &Ignored::default()).unwrap().unwrap();
        assert!(!patch.strategic);
        assert_eq!(patch.body["spec"], json!({"size": 2, "list": [{"a": 2}]}));
    }

    #[test]
    fn fields_of_known_types_are_compared_by_what_they_mean() {
        let properties = json!({"ram": {"type": "string"}, "pod": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        let crd = json!({"metadata": {"name": "things.x.io"}, "spec": {"group": "x.io", "names": {"kind": "Thing"}, "versions": [
            {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}}}]}});
        let kind = KindSchema::from_crd_version(&crd, "v1").unwrap();
        let object = |ram: &str, cpu: &str| {
            Object::new(json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"ram": ram,
                "pod": {"containers": [{"name": "a", "resources": {"limits": {"cpu": cpu}}}]}}}))
            .unwrap()
        };
        let field = |path: &str, name: &str| KnownField {
            group: "x.io".into(),
            kind: "Thing".into(),
            path: path.into(),
            known_type: KnownType::named(name).unwrap(),
        };
        let known = vec![field("spec.ram", "core/Quantity"), field("spec.pod", "core/v1/PodSpec")];
        let known = Ignored::default().with_known_fields(known);
        let found = |desired: &Object, ignored: &Ignored, method| {
            let live = with_last_applied(&object("1250M", "2"));
            let sides = Sides { desired, live: &live, schema: Some(&kind) };
            let found = sides.differences(method, &options(), ignored).unwrap();
            found.iter().map(|found| found.path.to_string()).collect::<Vec<_>>()
        };
        for method in BOTH {
            let desired = object("1.25G", "2000m");
            let pod = "spec.pod.containers[name=a].resources.limits.cpu";
            assert_eq!(found(&desired, &Ignored::default(), method), ["spec.ram", pod], "{method:?}");
            assert_eq!(found(&desired, &known, method), Vec::<String>::new(), "{method:?}");
            assert_eq!(found(&object("1.25G", "3"), &known, method), [pod], "{method:?}");
        }
    }
}
