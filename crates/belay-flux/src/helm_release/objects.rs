//! The objects of a release in the cluster: planned, written, waited for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use belay_apply::{ApplySettings, Done, carry_out};
use belay_cluster::Scope;
use belay_diff::{AddedFields, CompareOptions, compare};
use belay_manifest::{GroupVersionKind, Object, ObjectKey, Origin};
use belay_plan::{Action, Desired, Plan, Step, Treatment};
use kube::api::PropagationPolicy;
use tokio::time::{Instant, sleep};

use super::target::Target;
use super::{Look, MANAGER, hooks};
use crate::health::{Health, Moment, judge, rounded};
use crate::health_checks::HealthChecks;
use crate::inventory::shown;
use crate::report::changes;

/// How often the live state is looked at while waiting. It is in memory: no request is made.
const LOOK: Duration = Duration::from_millis(100);
/// The annotation that keeps an object when its release lets go of it.
const POLICY: &str = "helm.sh/resource-policy";

/// The key of an object of the core group.
pub(crate) fn core_key(kind: &str, namespace: &str, name: &str) -> ObjectKey {
    ObjectKey {
        group: String::new(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// The step that makes an object as it should be.
pub(crate) fn apply_step(object: Object, live: Option<Arc<Object>>, manager: &str) -> Step {
    // What Helm's own client wrote counts as written by us.
    let added = AddedFields::OnlyPrefixes(vec!["helm".to_owned()]);
    let options = CompareOptions { manager: manager.to_owned(), added };
    let action = match &live {
        None => Action::Create,
        Some(live) => match compare(&object, live, &options) {
            differences if differences.is_empty() => Action::Nothing,
            differences => Action::Apply { differences },
        },
    };
    let key = object.key();
    let desired = Desired { object, origin: Origin::default(), treatment: Treatment::default() };
    Step { key, action, desired: Some(desired), live, stage: 0 }
}

/// Steps for the objects of a release in their order, then deletes of those that left it, last first.
pub(crate) fn plan(
    wanted: &[Object],
    before: &[Object],
    target: &Target,
    live: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>,
) -> Plan {
    let names: BTreeSet<ObjectKey> = wanted.iter().map(Object::key).collect();
    let mut steps: Vec<Step> =
        wanted.iter().map(|object| apply_step(object.clone(), live(&object.key()), MANAGER)).collect();
    let gone = before.iter().map(Object::key).filter(|key| !names.contains(key));
    let gone: Vec<Arc<Object>> = gone.filter_map(|key| live(&key)).collect();
    steps.extend(deletes(&gone, target));
    Plan { steps }
}

/// Deletes of those objects that are the release's and may go, last first.
pub(crate) fn deletes(objects: &[Arc<Object>], target: &Target) -> Vec<Step> {
    let may_go = |object: &&Arc<Object>| is_own(object, target) && !keeps(object);
    objects.iter().rev().filter(may_go).map(Step::prune).collect()
}

/// Whether Helm's marks name this release.
fn is_own(live: &Object, target: &Target) -> bool {
    live.label("app.kubernetes.io/managed-by") == Some("Helm")
        && live.annotation("meta.helm.sh/release-name") == Some(&target.name)
        && live.annotation("meta.helm.sh/release-namespace") == Some(&target.namespace)
}

fn keeps(live: &Object) -> bool {
    live.annotation(POLICY).is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// All are as their specs say.
    Ready,
    /// All are gone.
    Gone,
    /// Jobs and Pods have run.
    Run,
}

impl Look<'_> {
    /// The scope of a kind, if the cluster knows it.
    pub(crate) fn scope(&self, kind: &GroupVersionKind) -> Option<Scope> {
        self.context.live.kinds().known(kind).map(|resource| resource.scope)
    }

    /// A live object.
    pub(crate) fn live(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        self.context.live.get(key)
    }

    /// Watches the kinds of these objects. A release is not looked at again when it has ended, so that nothing old may be
    /// taken for the present.
    pub(crate) async fn watch(&self, objects: &[Object]) -> Result<(), String> {
        let kinds: BTreeSet<GroupVersionKind> = objects.iter().map(Object::gvk).collect();
        let live = &self.context.live;
        live.ask_for_lost_answers().await.map_err(|error| error.to_string())?;
        live.ensure_each_current(kinds).await.map_err(|error| error.to_string())?;
        live.keep_whole(objects).await.map_err(|error| error.to_string())
    }

    /// Learns the kinds of documents that were not there when the cluster was last asked.
    pub(crate) async fn learn_kinds(&self, kinds: Vec<GroupVersionKind>) {
        for kind in kinds {
            // Whether it is known now is what the caller looks at.
            let _ = self.context.live.kinds().find(&kind).await;
        }
    }

    /// Carries out a plan; the first step that fails is the error.
    pub(crate) async fn carry_out(&self, plan: &Plan) -> Result<Vec<String>, String> {
        if !plan.has_work() {
            return Ok(Vec::new());
        }
        let settings = ApplySettings {
            manager: MANAGER.to_owned(),
            in_flight: self.context.settings.in_flight,
            propagation: PropagationPolicy::Background,
        };
        let outcomes = carry_out(plan, &self.context.live, &settings).await;
        match outcomes.iter().find_map(|outcome| outcome.result.as_ref().err()) {
            Some(error) => Err(error.chain()),
            None => {
                debug_assert!(outcomes.iter().all(|outcome| !matches!(outcome.result, Ok(Done::Kept(_)))));
                Ok(changes(&outcomes))
            }
        }
    }

    /// Waits for the objects. A newer state of the HelmRelease ends the wait; others work meanwhile.
    pub(crate) async fn wait(
        &mut self,
        what: WaitFor,
        keys: &[ObjectKey],
        timeout: Duration,
    ) -> Result<(), String> {
        let began = Instant::now();
        let mut result = self.judge(what, keys, Duration::ZERO, timeout);
        if result.is_none() {
            self.turn = None;
        }
        while result.is_none() {
            sleep(LOOK).await;
            result = match self.is_superseded() {
                true => Some(Err(format!("New reconciliation triggered by {}", self.key()))),
                false => self.judge(what, keys, began.elapsed(), timeout),
            };
        }
        if self.turn.is_none() {
            self.turn = self.context.turn().await;
        }
        let waited = rounded(began.elapsed());
        tracing::debug!(release = %self.key(), waited, timeout = rounded(timeout), "waited");
        result.unwrap_or(Ok(()))
    }

    /// What the live state says after a while; nothing as long as it has to be waited for.
    fn judge(
        &self,
        what: WaitFor,
        keys: &[ObjectKey],
        waited: Duration,
        timeout: Duration,
    ) -> Option<Result<(), String>> {
        let live: Vec<_> = keys.iter().map(|key| (key, self.live(key))).collect();
        match what {
            WaitFor::Ready => {
                let moment = Moment { now: belay_cluster::now(), waited, limit: timeout };
                let objects = live.iter().map(|(key, live)| (*key, live.as_deref()));
                match judge(objects, &HealthChecks::default(), moment) {
                    Health::Healthy => Some(Ok(())),
                    Health::Waiting { .. } => None,
                    Health::Failed(reason) => Some(Err(reason)),
                }
            }
            WaitFor::Gone => {
                let left = live.iter().filter(|(_, live)| live.is_some());
                let left: Vec<String> = left.map(|(key, _)| shown(key)).collect();
                unless_late("timeout waiting for deletion of", &left, waited, timeout)
            }
            WaitFor::Run => {
                let mut left = Vec::new();
                for (key, object) in &live {
                    match object.as_ref().map_or(hooks::Run::Running, |object| hooks::progress(object)) {
                        hooks::Run::Done => {}
                        hooks::Run::Failed => return Some(Err(format!("{} status: 'Failed'", shown(key)))),
                        hooks::Run::Running => left.push(format!("{} status: 'InProgress'", shown(key))),
                    }
                }
                unless_late("timeout waiting for", &left, waited, timeout)
            }
        }
    }

    /// Whether the HelmRelease asks for something else by now. While it is being deleted nothing does.
    fn is_superseded(&self) -> bool {
        let Some(now) = self.context.live.get(&self.key()) else { return false };
        let metadata = &now.value()["metadata"];
        let is_deleting = !metadata["deletionTimestamp"].is_null();
        let generation = metadata["generation"].as_i64().unwrap_or_default();
        !self.release.metadata.is_deleting()
            && (is_deleting || generation != self.release.metadata.generation)
    }
}

fn unless_late(
    message: &str,
    left: &[String],
    waited: Duration,
    timeout: Duration,
) -> Option<Result<(), String>> {
    match left.is_empty() {
        true => Some(Ok(())),
        false if waited < timeout => None,
        false => Some(Err(format!("{message}: [{}]", left.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn target() -> Target {
        let chart = core_key("", "", "");
        Target { name: "shop".into(), namespace: "prod".into(), storage: "apps".into(), chart }
    }

    fn map(name: &str, annotations: Value) -> Object {
        let mut object = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": name, "namespace": "prod", "uid": name, "annotations": annotations}}))
        .unwrap();
        object.set_label("app.kubernetes.io/managed-by", "Helm");
        object.set_annotation("meta.helm.sh/release-name", "shop");
        object.set_annotation("meta.helm.sh/release-namespace", "prod");
        object
    }

    #[test]
    fn what_left_the_chart_goes_unless_it_is_kept_or_not_ours() {
        let mut foreign = map("foreign", json!({}));
        foreign.set_annotation("meta.helm.sh/release-name", "other");
        let live =
            [map("stays", json!({})), map("goes", json!({})), map("kept", json!({POLICY: "keep"})), foreign];
        let find = |key: &ObjectKey| live.iter().find(|object| object.key() == *key).cloned().map(Arc::new);
        let wanted = [live[0].clone(), map("new", json!({}))];
        let plan = plan(&wanted, &live, &target(), &find);
        let steps: Vec<String> =
            plan.steps.iter().map(|step| format!("{} {:?}", step.key.name, step.action)).collect();
        assert_eq!(steps, ["stays Nothing", "new Create", "goes Prune { uid: \"goes\" }"]);
    }
}
