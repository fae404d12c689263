//! From a plan to outcomes.

use std::collections::HashMap;
use std::time::Duration;

use belay_cluster::{LiveState, PlainObject};
use belay_diff::{Difference, FieldPath, Owner, Ownership, take_over};
use belay_manifest::{Object, ObjectKey};
use belay_plan::{Action, Desired, KeptReason, Plan, Step};
use futures::{StreamExt, stream};
use kube::api::{Api, Patch, PatchParams, PropagationPolicy};
use serde_json::{Value, json};

use crate::check::refused;
use crate::definitions::{learn_kinds, wait_established};
use crate::error::ApplyError;
use crate::requests::{delete, delete_and_wait, is_immutable, learn, resource, under_way};
use crate::schemas::Schemas;

/// How long a definition may take to be established.
const ESTABLISH: Duration = Duration::from_secs(60);

/// How a plan is carried out.
#[derive(Debug, Clone)]
pub struct ApplySettings {
    /// Our field manager.
    pub manager: String,
    /// Requests in flight at once.
    pub in_flight: usize,
    /// How dependents go when an object is deleted.
    pub propagation: PropagationPolicy,
}

/// What was done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was created.
    Created,
    /// It was changed.
    Configured,
    /// Nothing had to be done.
    Unchanged,
    /// It was deleted, or was gone already.
    Pruned,
    /// It left Git and stays.
    Kept(KeptReason),
    /// Nobody treats it.
    Ignored,
}

/// What came of one step.
#[derive(Debug)]
pub struct Outcome {
    /// The object.
    pub key: ObjectKey,
    /// What was done, or why not.
    pub result: Result<Done, ApplyError>,
}

/// Carries out the steps in their order. Steps of one stage and kind run together.
/// Every step of the plan has exactly one outcome.
pub async fn carry_out(plan: &Plan, live: &LiveState, settings: &ApplySettings) -> Vec<Outcome> {
    carry_out_steps(&plan.steps, live, settings).await
}

/// Carries out the steps in their order, stage by stage. Nothing of a stage is written if the API server refuses one of its
/// objects.
pub async fn carry_out_whole_stages(
    plan: &Plan,
    live: &LiveState,
    settings: &ApplySettings,
    schemas: &Schemas,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(plan.steps.len());
    for stage in plan.steps.chunk_by(|one, other| one.stage == other.stage) {
        if outcomes.iter().any(|outcome| outcome.result.is_err()) {
            outcomes.extend(stage.iter().map(not_tried));
            continue;
        }
        let mut refused: HashMap<_, _> = refused(stage, live, settings, schemas).await.into_iter().collect();
        if refused.is_empty() {
            outcomes.append(&mut carry_out_steps(stage, live, settings).await);
            continue;
        }
        outcomes.extend(stage.iter().map(|step| match refused.remove(&step.key) {
            Some(error) => Outcome { key: step.key.clone(), result: Err(error) },
            None => not_tried(step),
        }));
    }
    outcomes
}

async fn carry_out_steps(steps: &[Step], live: &LiveState, settings: &ApplySettings) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(steps.len());
    let mut failed = false;
    for group in steps.chunk_by(|one, other| one.stage == other.stage && one.key.kind == other.key.kind) {
        if failed {
            outcomes.extend(group.iter().map(not_tried));
            continue;
        }
        let running: Vec<_> = group.iter().map(|step| outcome(step, live, settings)).collect();
        let mut done: Vec<Outcome> =
            stream::iter(running).buffered(settings.in_flight.max(1)).collect().await;
        if is_definitions(group) {
            establish(&mut done, live).await;
        }
        failed = done.iter().any(|outcome| outcome.result.is_err());
        outcomes.append(&mut done);
    }
    outcomes
}

fn not_tried(step: &Step) -> Outcome {
    let result = match step.action {
        Action::Nothing => Ok(Done::Unchanged),
        Action::Ignore => Ok(Done::Ignored),
        Action::Keep(reason) => Ok(Done::Kept(reason)),
        _ => Err(ApplyError::NotTried { key: step.key.clone() }),
    };
    Outcome { key: step.key.clone(), result }
}

async fn outcome(step: &Step, live: &LiveState, settings: &ApplySettings) -> Outcome {
    Outcome { key: step.key.clone(), result: one(step, live, settings).await }
}

async fn one(step: &Step, live: &LiveState, settings: &ApplySettings) -> Result<Done, ApplyError> {
    match &step.action {
        Action::Nothing => Ok(Done::Unchanged),
        Action::Ignore => Ok(Done::Ignored),
        Action::Keep(reason) => Ok(Done::Kept(*reason)),
        Action::Create => apply(step, live, settings).await.map(|_| Done::Created),
        Action::Apply { differences } => {
            release(step, differences, live, settings).await?;
            let is_new = apply(step, live, settings).await?;
            Ok(if is_new { Done::Created } else { Done::Configured })
        }
        Action::Prune { uid } => prune(step, uid, live, settings).await.map(|()| Done::Pruned),
    }
}

/// Gives whether the object had to be made anew.
async fn apply(step: &Step, live: &LiveState, settings: &ApplySettings) -> Result<bool, ApplyError> {
    let Some(desired) = &step.desired else {
        return Ok(false);
    };
    under_way(&desired.object, live, ask_to_apply(step, desired, live, settings)).await
}

async fn ask_to_apply(
    step: &Step,
    desired: &Desired,
    live: &LiveState,
    settings: &ApplySettings,
) -> Result<bool, ApplyError> {
    let resource = resource(&desired.object, live).await?;
    let api = resource.plain(live.client(), &step.key.namespace);
    let params = PatchParams::apply(&settings.manager).force();
    let sent = Patch::Apply(desired.object.value());
    let mut is_new = false;
    let answer = match api.patch(&step.key.name, &params, &sent).await {
        Err(kube::Error::Api(status)) if desired.treatment.recreate && is_immutable(&status) => {
            is_new = true;
            recreate(&api, &step.key, &params, &sent).await
        }
        answer => answer,
    };
    let answer =
        answer.map_err(|source| ApplyError::not_written(&step.key, desired.object.value(), source))?;
    learn(live, &step.key, answer)?;
    Ok(is_new)
}

async fn recreate(
    api: &Api<PlainObject>,
    key: &ObjectKey,
    params: &PatchParams,
    sent: &Patch<&Value>,
) -> Result<PlainObject, kube::Error> {
    delete_and_wait(api, &key.name).await?;
    api.patch(&key.name, params, sent).await
}

/// What those who added fields have set of what Git names, too: with these nothing is left of their entries, which would
/// hold on to the maps around them.
fn named_too(step: &Step, live: &Object, strange: &[&Difference]) -> Vec<FieldPath> {
    let Some(desired) = &step.desired else { return Vec::new() };
    let is_theirs = |owner: &Owner| strange.iter().any(|difference| difference.owner.as_ref() == Some(owner));
    let leaves = Ownership::of(live.value()).leaves(live.value(), is_theirs);
    let paths = leaves.into_iter().map(|(path, _owner)| path);
    paths.filter(|path| path.find(desired.object.value()).is_some()).collect()
}

/// Takes over what others added, so that the apply that follows removes it.
async fn release(
    step: &Step,
    differences: &[Difference],
    live: &LiveState,
    settings: &ApplySettings,
) -> Result<(), ApplyError> {
    let Some(object) = &step.live else { return Ok(()) };
    let strange = |difference: &&Difference| {
        difference.desired.is_none()
            && difference
                .owner
                .as_ref()
                .is_some_and(|owner| owner.manager != settings.manager || owner.operation != "Apply")
    };
    let strange: Vec<&Difference> = differences.iter().filter(strange).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let mut paths: Vec<FieldPath> = strange.iter().map(|difference| difference.path.clone()).collect();
    paths.extend(named_too(step, object, &strange));
    let managed_fields = take_over(object.value(), &settings.manager, &paths);
    let version = object.value()["metadata"]["resourceVersion"].clone();
    let patch = json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": managed_fields},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]);
    let resource = resource(object, live).await?;
    let api = resource.plain(live.client(), &step.key.namespace);
    let patch =
        serde_json::from_value(patch).map_err(|_not_a_patch| ApplyError::Answer { key: step.key.clone() })?;
    let params = PatchParams { field_manager: Some(settings.manager.clone()), ..PatchParams::default() };
    match api.patch(&step.key.name, &params, &Patch::<()>::Json(patch)).await {
        Ok(_) => Ok(()),
        Err(source) => Err(ApplyError::Refused { key: step.key.clone(), source }),
    }
}

async fn prune(step: &Step, uid: &str, live: &LiveState, settings: &ApplySettings) -> Result<(), ApplyError> {
    let Some(object) = &step.live else { return Ok(()) };
    delete(object, uid, settings.propagation.clone(), live).await.map(drop)
}

fn is_definitions(group: &[Step]) -> bool {
    group.iter().any(|step| {
        step.key.kind == "CustomResourceDefinition"
            && matches!(step.action, Action::Create | Action::Apply { .. })
    })
}

/// Waits until the definitions just applied are established, and learns their kinds.
async fn establish(outcomes: &mut [Outcome], live: &LiveState) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.result.is_ok()) {
        if !wait_established(&outcome.key.name, live, ESTABLISH).await {
            let seconds = ESTABLISH.as_secs();
            outcome.result = Err(ApplyError::NotEstablished { key: outcome.key.clone(), seconds });
        }
    }
    learn_kinds(live).await;
}
