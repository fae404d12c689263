//! One stage of a sync: its requests, sent together.

use std::sync::Arc;
use std::time::Duration;

use belay_cluster::{LiveState, PlainObject};
use belay_diff::{CompareOptions, Ignored, Ownership, Patch, added_paths, take_over};
use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{Action, HOOK_FINALIZER, Stage, Task, Write};
use futures::{StreamExt, stream};
use kube::api::{Api, Patch as KubePatch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::carry_out::ApplySettings;
use crate::definitions::{learn_kinds, wait_established};
use crate::error::ApplyError;
use crate::migrate::migrated_fields;
use crate::requests::{Gone, api_of, delete, delete_and_wait, is_immutable, learn, release, under_way};

/// How long a definition may take to be served before its objects are tried nevertheless.
const ESTABLISH: Duration = Duration::from_secs(3);

/// What was done for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Performed {
    /// Its hook of an earlier sync was let go.
    Released,
    /// It was deleted, or was gone already.
    Pruned,
    /// Another object has its name now; it stays.
    Spared,
    /// It stays, because of this.
    Kept(&'static str),
    /// An earlier hook is on its way out.
    HookGoing,
    /// There was no earlier hook any more.
    HookGone,
    /// It was written, or was as it should be.
    Written(Answered),
}

/// A write that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// How the object was written.
    pub how: Written,
    /// The `resourceVersion` that it has by this write; empty where no request was made.
    pub version: String,
}

impl Answered {
    /// No request was made.
    fn without_request(how: Written) -> Answered {
        Answered { how, version: String::new() }
    }
}

/// How an object was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was created.
    Created,
    /// It was changed.
    Configured,
    /// It was as it should be.
    Unchanged,
    /// It was applied server-side.
    ServerSideApplied,
    /// It was as a server-side apply would leave it.
    ServerSideUnchanged,
    /// It was replaced.
    Replaced,
    /// It was put in place without being deleted, as definitions and namespaces are.
    Updated,
}

impl Written {
    /// Whether a request was made.
    pub fn is_change(self) -> bool {
        !matches!(self, Written::Unchanged | Written::ServerSideUnchanged)
    }

    /// The word of `kubectl` for it.
    pub fn word(self) -> &'static str {
        match self {
            Written::Created => "created",
            Written::Configured => "configured",
            Written::Unchanged => "unchanged",
            Written::ServerSideApplied | Written::ServerSideUnchanged => "serverside-applied",
            Written::Replaced => "replaced",
            Written::Updated => "updated",
        }
    }
}

/// How the objects of a sync are written.
#[derive(Debug, Clone)]
pub struct StageSettings {
    /// How requests are made.
    pub apply: ApplySettings,
    /// Whose additions a server-side apply takes over first, to remove them.
    pub compare: CompareOptions,
    /// Additions that stay.
    pub ignored: Arc<Ignored>,
    /// The client-side manager whose fields a server-side apply takes over; `None` when that is not wanted.
    pub migrate_from: Option<String>,
}

/// Carries out a stage; every action has one outcome.
pub async fn carry_out_stage(
    stage: &Stage,
    tasks: &[Task],
    live: &LiveState,
    settings: &StageSettings,
) -> Vec<(usize, Result<Performed, ApplyError>)> {
    let running: Vec<_> = stage
        .actions
        .iter()
        .map(|(place, action)| async move { (*place, perform(action, &tasks[*place], live, settings).await) })
        .collect();
    let outcomes: Vec<_> = stream::iter(running).buffered(settings.apply.in_flight.max(1)).collect().await;
    establish(&outcomes, tasks, live).await;
    outcomes
}

/// Definitions just written are waited for, so that their objects can follow.
async fn establish(outcomes: &[(usize, Result<Performed, ApplyError>)], tasks: &[Task], live: &LiveState) {
    let mut any = false;
    for (place, outcome) in outcomes {
        let is_written = matches!(outcome, Ok(Performed::Written(written)) if written.how.is_change());
        if is_written && tasks[*place].key.kind == "CustomResourceDefinition" {
            any = true;
            if !wait_established(&tasks[*place].key.name, live, ESTABLISH).await {
                tracing::warn!(definition = tasks[*place].key.name, "not established yet");
            }
        }
    }
    if any {
        learn_kinds(live).await;
    }
}

async fn perform(
    action: &Action,
    task: &Task,
    live: &LiveState,
    settings: &StageSettings,
) -> Result<Performed, ApplyError> {
    let propagation = settings.apply.propagation.clone();
    match (action, task.live.as_deref()) {
        (Action::Release, Some(hook)) => {
            release(hook, HOOK_FINALIZER, live).await.map(|()| Performed::Released)
        }
        (Action::Prune { uid }, Some(object)) => Ok(match delete(object, uid, propagation, live).await? {
            Gone::Going | Gone::Already => Performed::Pruned,
            Gone::Another => Performed::Spared,
        }),
        (Action::DeleteHook { uid }, Some(hook)) => Ok(match delete(hook, uid, propagation, live).await? {
            Gone::Going => Performed::HookGoing,
            Gone::Already | Gone::Another => Performed::HookGone,
        }),
        (Action::Release | Action::Prune { .. } | Action::DeleteHook { .. }, None) => Ok(Performed::HookGone),
        (Action::Keep(reason), _) => Ok(Performed::Kept(reason)),
        (Action::Refuse(message), _) => {
            Err(ApplyError::Unplannable { key: task.key.clone(), message: message.clone() })
        }
        (Action::Write(write), before) => {
            Writing { key: &task.key, before, live, settings }.carry_out(write).await.map(Performed::Written)
        }
    }
}

/// Deletes a finished hook.
pub async fn delete_hook(
    hook: &Object,
    live: &LiveState,
    settings: &ApplySettings,
) -> Result<(), ApplyError> {
    delete(hook, hook.uid(), settings.propagation.clone(), live).await.map(drop)
}

/// Lets a finished hook go.
pub async fn release_hook(hook: &Object, live: &LiveState) -> Result<(), ApplyError> {
    release(hook, HOOK_FINALIZER, live).await
}

/// One object being written.
struct Writing<'a> {
    key: &'a ObjectKey,
    before: Option<&'a Object>,
    live: &'a LiveState,
    settings: &'a StageSettings,
}

impl Writing<'_> {
    async fn carry_out(&self, write: &Write) -> Result<Answered, ApplyError> {
        match write {
            Write::Nothing { server_side: false } => Ok(Answered::without_request(Written::Unchanged)),
            Write::Nothing { server_side: true } => {
                Ok(Answered::without_request(Written::ServerSideUnchanged))
            }
            Write::Create(object) => under_way(object, self.live, self.create_or_find(object)).await,
            Write::Patch { patch, anew, force } => {
                under_way(anew, self.live, self.patch(patch, anew, *force)).await
            }
            Write::Apply { object, force } => under_way(object, self.live, self.apply(object, *force)).await,
            Write::Replace { object, force } => {
                under_way(object, self.live, self.replace(object, *force)).await
            }
        }
    }

    async fn create_or_find(&self, object: &Object) -> Result<Answered, ApplyError> {
        match self.create(&self.api(object).await?, object).await {
            // Two apps may make their namespace at the same moment; the second finds it there.
            Err(kube::Error::Api(status)) if is_namespace_there(&status, self.key) => {
                Ok(Answered::without_request(Written::Unchanged))
            }
            answer => self.learnt(answer, object.value(), Written::Created),
        }
    }

    async fn api(&self, object: &Object) -> Result<Api<PlainObject>, ApplyError> {
        api_of(object, self.live).await
    }

    fn manager(&self) -> &str {
        &self.settings.apply.manager
    }

    fn learnt(
        &self,
        answer: Result<PlainObject, kube::Error>,
        sent: &Value,
        how: Written,
    ) -> Result<Answered, ApplyError> {
        let answer = answer.map_err(|source| ApplyError::not_written(self.key, sent, source))?;
        let version = learn(self.live, self.key, answer)?;
        Ok(Answered { how, version })
    }

    async fn create(&self, api: &Api<PlainObject>, object: &Object) -> Result<PlainObject, kube::Error> {
        let params = PostParams { field_manager: Some(self.manager().to_owned()), ..PostParams::default() };
        api.create(&params, &object.into()).await
    }

    async fn recreate(&self, api: &Api<PlainObject>, object: &Object) -> Result<PlainObject, kube::Error> {
        delete_and_wait(api, &self.key.name).await?;
        self.create(api, object).await
    }

    async fn patch(&self, patch: &Patch, anew: &Object, force: bool) -> Result<Answered, ApplyError> {
        let api = self.api(anew).await?;
        let params = PatchParams { field_manager: Some(self.manager().to_owned()), ..PatchParams::default() };
        let sent =
            if patch.strategic { KubePatch::Strategic(&patch.body) } else { KubePatch::Merge(&patch.body) };
        let answer = match api.patch(&self.key.name, &params, &sent).await {
            Err(kube::Error::Api(status)) if may_recreate(&status, self.key, force) => {
                self.recreate(&api, anew).await
            }
            answer => answer,
        };
        self.learnt(answer, &patch.body, Written::Configured)
    }

    async fn apply(&self, object: &Object, force: bool) -> Result<Answered, ApplyError> {
        let api = self.api(object).await?;
        if let Some(before) = self.before {
            self.take_fields_over(&api, object, before).await?;
        }
        let params = PatchParams::apply(self.manager()).force();
        let sent = KubePatch::Apply(object.value());
        let answer = match api.patch(&self.key.name, &params, &sent).await {
            Err(kube::Error::Api(status)) if may_recreate(&status, self.key, force) => {
                match delete_and_wait(&api, &self.key.name).await {
                    Ok(()) => api.patch(&self.key.name, &params, &sent).await,
                    Err(error) => Err(error),
                }
            }
            answer => answer,
        };
        self.learnt(answer, object.value(), Written::ServerSideApplied)
    }

    /// What a client-side apply left, and what others added, becomes ours first: an apply removes nothing else.
    async fn take_fields_over(
        &self,
        api: &Api<PlainObject>,
        object: &Object,
        before: &Object,
    ) -> Result<(), ApplyError> {
        let mut value = before.value().clone();
        if let Some(manager) = &self.settings.migrate_from
            && let Some(migrated) = migrated_fields(&value, manager, self.manager())
        {
            value["metadata"]["managedFields"] = migrated;
        }
        let added = added_paths(object, before, &self.settings.compare, &self.settings.ignored);
        if !added.is_empty() {
            value["metadata"]["managedFields"] = take_over(&value, self.manager(), &added);
        }
        if value == *before.value() || Ownership::of(before.value()).is_empty() {
            return Ok(());
        }
        let patch = json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": value["metadata"]["managedFields"]},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": value["metadata"]["resourceVersion"]},
        ]);
        let patch = serde_json::from_value(patch)
            .map_err(|_not_a_patch| ApplyError::Answer { key: self.key.clone() })?;
        let params = PatchParams { field_manager: Some(self.manager().to_owned()), ..PatchParams::default() };
        let answer = api.patch(&self.key.name, &params, &KubePatch::<()>::Json(patch)).await;
        answer.map(drop).map_err(|source| ApplyError::Refused { key: self.key.clone(), source })
    }

    async fn replace(&self, object: &Object, force: bool) -> Result<Answered, ApplyError> {
        let api = self.api(object).await?;
        if force {
            let answer = self.recreate(&api, object).await;
            return self.learnt(answer, object.value(), Written::Replaced);
        }
        let mut updated = object.clone();
        if let Some(version) = self.before.map(|before| &before.value()["metadata"]["resourceVersion"]) {
            updated.value_mut()["metadata"]["resourceVersion"] = Value::clone(version);
        }
        let written = match self.key.kind.as_str() {
            "CustomResourceDefinition" | "Namespace" => Written::Updated,
            _ => Written::Replaced,
        };
        let params = PostParams { field_manager: Some(self.manager().to_owned()), ..PostParams::default() };
        let answer = api.replace(&self.key.name, &params, &(&updated).into()).await;
        self.learnt(answer, object.value(), written)
    }
}

fn is_namespace_there(status: &kube::core::Status, key: &ObjectKey) -> bool {
    key.group.is_empty() && key.kind == "Namespace" && status.reason == "AlreadyExists"
}

/// Whether a refusal may be answered by making the object anew: with `Force=true`, and for role bindings, whose role
/// cannot be changed otherwise.
pub(crate) fn may_recreate(status: &kube::core::Status, key: &ObjectKey, force: bool) -> bool {
    let is_binding = key.group == "rbac.authorization.k8s.io" && key.kind.ends_with("RoleBinding");
    is_immutable(status) && (force || (is_binding && status.message.contains("roleRef")))
}
