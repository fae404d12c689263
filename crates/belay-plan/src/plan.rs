//! From desired and live objects to ordered steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belay_diff::{AddedFields, CompareOptions, Difference, Ignored, Method, Sides, compare};
use belay_manifest::{Object, ObjectKey, Origin, argo_kind_rank, flux_kind_rank, flux_stage};
use belay_schema::Registry;

/// In which order kinds are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Argo CD's: one stage, kinds in its list's order, members of a kind together.
    Argo,
    /// Flux's: definitions first and waited for, then classes, then the rest.
    Flux,
}

/// How one object wants to be treated, as its annotations say in either family's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Treatment {
    /// Neither apply nor prune it.
    pub ignore: bool,
    /// Do not delete it when it leaves Git.
    pub keep: bool,
    /// Only create it, never change it.
    pub only_create: bool,
    /// Do not create it again: it was there, and the cluster cleared it away when it had ended.
    pub may_be_gone: bool,
    /// Delete and create it anew when a field cannot be changed.
    pub recreate: bool,
    /// Keep the fields that others added, whoever they are.
    pub merge: bool,
}

/// An object that should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The object, complete: namespace set, tracked, labelled.
    pub object: Object,
    /// Where it was written.
    pub origin: Origin,
    /// What its annotations ask for.
    pub treatment: Treatment,
}

/// What is wanted of a plan.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The family's order of kinds.
    pub order: Order,
    /// Whether to delete what left Git.
    pub prune: bool,
    /// How live objects are compared.
    pub compare: CompareOptions,
}

/// Why an object that left Git stays in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptReason {
    /// Pruning was not asked for.
    PruneNotRequested,
    /// The object itself says so.
    PruneDisabled,
}

/// What will be done with one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It is not there: create it.
    Create,
    /// It differs: apply it.
    Apply {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// It is as it should be; no request is made.
    Nothing,
    /// It is treated by no one (an annotation says so).
    Ignore,
    /// It left Git: delete it, if it is still the same object.
    Prune {
        /// The uid that the delete is bound to.
        uid: String,
    },
    /// It left Git and stays.
    Keep(KeptReason),
}

/// One object and what will be done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The object.
    pub key: ObjectKey,
    /// What will be done.
    pub action: Action,
    /// The object as it should be; `None` for one that left Git.
    pub desired: Option<Desired>,
    /// The object as it is; `None` for one that is not there.
    pub live: Option<Arc<Object>>,
    /// Steps of a lower stage end, and their objects are ready, before this one starts.
    pub stage: usize,
}

impl Step {
    /// The step that deletes an object as it is now.
    pub fn prune(live: &Arc<Object>) -> Step {
        let action = Action::Prune { uid: live.uid().to_owned() };
        Step { key: live.key(), action, desired: None, live: Some(live.clone()), stage: 0 }
    }
}

/// Ordered steps: applies first, then prunes in reverse order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether the cluster already is as it should be. Extra objects that stay count as a
    /// difference, as they do for Argo CD's sync status.
    pub fn is_in_sync(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.action, Action::Nothing | Action::Ignore))
    }

    /// Whether there is anything to write.
    pub fn has_work(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.action, Action::Create | Action::Apply { .. } | Action::Prune { .. }))
    }

    /// Whether everything that is there would be deleted and nothing kept or applied.
    pub fn wipes_out(&self) -> bool {
        let gone = self.steps.iter().filter(|step| step.desired.is_none()).count();
        gone > 0 && gone == self.steps.len()
    }
}

/// Decides what to do with every desired object, and with every object of `tracked` that Git
/// does not name any more. `live` holds the live objects by key.
///
/// `keeps` tells whether a live object asks not to be pruned.
pub fn plan(
    desired: Vec<Desired>,
    live: &BTreeMap<ObjectKey, Arc<Object>>,
    tracked: &BTreeSet<ObjectKey>,
    keeps: impl Fn(&Object) -> bool,
    wanted: &Wanted,
) -> Plan {
    let names: BTreeSet<ObjectKey> = desired.iter().map(|desired| desired.object.key()).collect();
    let mut steps: Vec<Step> = desired.into_iter().map(|desired| apply_step(desired, live, wanted)).collect();
    steps.sort_by_cached_key(|step| (step.stage, rank(wanted.order, &step.key.kind), step.key.clone()));
    let mut extra: Vec<Step> = tracked
        .iter()
        .filter(|key| !names.contains(*key))
        .filter_map(|key| live.get(key))
        .map(|object| prune_step(object, &keeps, wanted))
        .collect();
    extra
        .sort_by_cached_key(|step| std::cmp::Reverse((rank(wanted.order, &step.key.kind), step.key.clone())));
    let last = steps.iter().map(|step| step.stage).max().unwrap_or(0);
    extra.iter_mut().for_each(|step| step.stage = last);
    steps.append(&mut extra);
    Plan { steps }
}

fn rank(order: Order, kind: &str) -> usize {
    match order {
        Order::Argo => argo_kind_rank(kind),
        Order::Flux => flux_kind_rank(kind),
    }
}

fn stage(order: Order, kind: &str) -> usize {
    match order {
        // Definitions are established before objects of their kinds can be applied.
        Order::Argo => usize::from(!matches!(kind, "CustomResourceDefinition" | "Namespace")),
        Order::Flux => flux_stage(kind),
    }
}

fn apply_step(desired: Desired, live: &BTreeMap<ObjectKey, Arc<Object>>, wanted: &Wanted) -> Step {
    let key = desired.object.key();
    let found = live.get(&key);
    let compared = compared(&desired.treatment, wanted);
    let action = match found {
        _ if desired.treatment.ignore => Action::Ignore,
        None if desired.treatment.may_be_gone => Action::Nothing,
        None => Action::Create,
        Some(_) if desired.treatment.only_create => Action::Nothing,
        Some(found) => match compare(&desired.object, found, &compared) {
            differences if differences.is_empty() => Action::Nothing,
            differences if only_owns_less(&desired.object, found, &differences, &compared) => Action::Nothing,
            differences => Action::Apply { differences },
        },
    };
    Step { stage: stage(wanted.order, &key.kind), key, action, desired: Some(desired), live: found.cloned() }
}

/// How an object is compared that wants to be treated so.
fn compared(treatment: &Treatment, wanted: &Wanted) -> CompareOptions {
    match treatment.merge {
        true => CompareOptions { added: AddedFields::OnlyPrefixes(Vec::new()), ..wanted.compare.clone() },
        false => wanted.compare.clone(),
    }
}

/// Whether an apply would leave every field as it is and only own fewer of them: those that Git does not name have the
/// values that the API server gives anyway. Flux writes such fields itself (a port's protocol, an empty strategy), so that
/// apps that it installed would all be written once when they are taken over.
fn only_owns_less(
    desired: &Object,
    live: &Object,
    differences: &[Difference],
    compared: &CompareOptions,
) -> bool {
    let is_ours = |difference: &Difference| {
        let owner = difference.owner.as_ref();
        difference.desired.is_none() && owner.is_some_and(|owner| owner.manager == compared.manager)
    };
    let kind = desired.gvk();
    let Some(schema) = Registry::builtin().kind(&kind.group, &kind.version, &kind.kind) else { return false };
    let sides = Sides { desired, live, schema: Some(&schema) };
    differences.iter().all(is_ours)
        && sides
            .differences(Method::ServerSide, compared, &Ignored::default())
            .is_ok_and(|differences| differences.is_empty())
}

fn prune_step(object: &Arc<Object>, keeps: &impl Fn(&Object) -> bool, wanted: &Wanted) -> Step {
    let kept = |reason| Step { action: Action::Keep(reason), ..Step::prune(object) };
    if keeps(object) {
        kept(KeptReason::PruneDisabled)
    } else if !wanted.prune {
        kept(KeptReason::PruneNotRequested)
    } else {
        Step::prune(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, name: &str) -> Object {
        let api_version = if kind == "Deployment" { "apps/v1" } else { "v1" };
        Object::new(json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "uid": name}}))
            .unwrap()
    }

    fn desired(kind: &str, name: &str) -> Desired {
        Desired { object: object(kind, name), origin: Origin::default(), treatment: Treatment::default() }
    }

    fn run(wanted: Vec<Desired>, live: &[Object], tracked: &[Object], prune: bool) -> Vec<String> {
        let options = Wanted {
            order: Order::Argo,
            prune,
            compare: CompareOptions { manager: "us".to_owned(), added: AddedFields::AllBut(Vec::new()) },
        };
        let live = live.iter().map(|object| (object.key(), Arc::new(object.clone()))).collect();
        let tracked = tracked.iter().map(Object::key).collect();
        let plan = plan(wanted, &live, &tracked, |object| object.name() == "precious", &options);
        plan.steps.iter().map(|step| format!("{} {:?}", step.key, step.action)).collect()
    }

    /// A Service as Flux's controller applies it: it names the protocol of every port.
    fn service_of_flux(protocol: &str) -> Object {
        let mut applied = object("Service", "web").value().clone();
        applied["spec"] = json!({"ports": [{"port": 80, "protocol": protocol}]});
        let schema = Registry::builtin().kind("", "v1", "Service").unwrap();
        let write = belay_schema::managed::Write { manager: "us", now: "", subresource: "" };
        Object::new(belay_schema::managed::apply(&schema, None, &applied, &write, true).unwrap()).unwrap()
    }

    #[test]
    fn what_has_its_default_anyway_is_left_alone() {
        let mut wanted = desired("Service", "web");
        wanted.object.value_mut()["spec"] = json!({"ports": [{"port": 80}]});
        let steps = run(vec![wanted.clone()], &[service_of_flux("TCP")], &[], true);
        assert_eq!(steps, ["Service/web Nothing"]);
        let steps = run(vec![wanted], &[service_of_flux("UDP")], &[], true);
        assert!(steps[0].contains("Apply"), "{steps:?}");
    }

    #[test]
    fn what_others_added_stays_where_it_is_asked_for() {
        let mut live = object("ConfigMap", "a");
        live.value_mut()["data"] = json!({"theirs": "1"});
        live.value_mut()["metadata"]["managedFields"] = json!([{"manager": "kubectl-edit", "operation": "Update",
            "fieldsV1": {"f:data": {".": {}, "f:theirs": {}}}}]);
        let mut wanted = desired("ConfigMap", "a");
        let steps = run(vec![wanted.clone()], std::slice::from_ref(&live), &[], true);
        assert!(steps[0].starts_with("ConfigMap/a Apply"), "{steps:?}");
        wanted.treatment.merge = true;
        assert_eq!(
            run(vec![wanted.clone()], std::slice::from_ref(&live), &[], true),
            ["ConfigMap/a Nothing"]
        );
        wanted.object.value_mut()["data"] = json!({"theirs": "2"});
        let steps = run(vec![wanted], &[live], &[], true);
        assert!(steps[0].starts_with("ConfigMap/a Apply"), "{steps:?}");
    }

    #[test]
    fn kinds_are_created_in_order_and_pruned_in_reverse() {
        let steps = run(
            vec![desired("Deployment", "a"), desired("Service", "a"), desired("ConfigMap", "a")],
            &[object("Service", "old"), object("Deployment", "old")],
            &[object("Service", "old"), object("Deployment", "old")],
            true,
        );
        assert_eq!(
            steps,
            [
                "ConfigMap/a Create",
                "Service/a Create",
                "Deployment/a Create",
                "Deployment/old Prune { uid: \"old\" }",
                "Service/old Prune { uid: \"old\" }"
            ]
        );
    }

    #[test]
    fn only_tracked_objects_are_pruned_and_only_when_asked() {
        let live =
            [object("ConfigMap", "neighbour"), object("ConfigMap", "old"), object("ConfigMap", "precious")];
        let tracked = [object("ConfigMap", "old"), object("ConfigMap", "precious")];
        assert_eq!(
            run(vec![], &live, &tracked, true),
            ["ConfigMap/precious Keep(PruneDisabled)", "ConfigMap/old Prune { uid: \"old\" }"]
        );
        assert_eq!(run(vec![], &live, &tracked[..1], false), ["ConfigMap/old Keep(PruneNotRequested)"]);
    }

    #[test]
    fn what_may_be_gone_is_not_made_again_but_compared_when_it_is_there() {
        let mut wanted = desired("ConfigMap", "a");
        wanted.treatment.may_be_gone = true;
        assert_eq!(run(vec![wanted.clone()], &[], &[], true), ["ConfigMap/a Nothing"]);
        wanted.object.value_mut()["data"] = json!({"b": "c"});
        let there = run(vec![wanted], &[object("ConfigMap", "a")], &[], true);
        assert!(there[0].starts_with("ConfigMap/a Apply"), "{there:?}");
    }

    #[test]
    fn an_equal_object_costs_nothing() {
        assert_eq!(
            run(vec![desired("ConfigMap", "a")], &[object("ConfigMap", "a")], &[], true),
            ["ConfigMap/a Nothing"]
        );
    }
}
