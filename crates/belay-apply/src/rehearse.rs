//! Trying a write with the API server, which leaves nothing behind.

use std::collections::HashSet;

use belay_cluster::LiveState;
use belay_manifest::Object;
use belay_plan::sync::{Action, Stage, Task, Write};
use futures::{StreamExt, stream};
use kube::api::{Patch as KubePatch, PatchParams, PostParams};

use crate::carry_out::ApplySettings;
use crate::error::ApplyError;
use crate::requests::{answered, api_of};
use crate::stage::may_recreate;

/// Tries the writes of these tasks, and gives those that the API server refuses for what they are. What is missing until
/// the stage is carried out, and what cannot be told now, is no refusal.
pub async fn rehearse(
    stages: &[Stage],
    places: &HashSet<usize>,
    tasks: &[Task],
    live: &LiveState,
    settings: &ApplySettings,
) -> Vec<(usize, ApplyError)> {
    let mut running = Vec::new();
    for (place, action) in stages.iter().flat_map(|stage| &stage.actions) {
        if let Action::Write(write) = action
            && places.contains(place)
        {
            let trying = Trying { task: &tasks[*place], live, settings };
            running.push(async move { (*place, trying.refusal(write).await) });
        }
    }
    let tried: Vec<_> = stream::iter(running).buffered(settings.in_flight.max(1)).collect().await;
    tried.into_iter().filter_map(|(place, refusal)| Some((place, refusal?))).collect()
}

/// What the API server would make of an object by a server-side apply, webhooks and all.
pub async fn try_apply(
    object: &Object,
    live: &LiveState,
    settings: &ApplySettings,
) -> Result<Object, ApplyError> {
    let manager = Some(settings.manager.clone());
    let params = PatchParams { field_manager: manager, dry_run: true, force: true, ..PatchParams::default() };
    let sent = KubePatch::Apply(object.value());
    let answer = api_of(object, live).await?.patch(object.name(), &params, &sent).await;
    let answer = answer.map_err(|source| ApplyError::Refused { key: object.key(), source })?;
    answered(&object.key(), answer)
}

/// One write being tried.
struct Trying<'a> {
    task: &'a Task,
    live: &'a LiveState,
    settings: &'a ApplySettings,
}

impl Trying<'_> {
    async fn refusal(&self, write: &Write) -> Option<ApplyError> {
        let force = match write {
            Write::Patch { force, .. } | Write::Apply { force, .. } | Write::Replace { force, .. } => *force,
            Write::Nothing { .. } | Write::Create(_) => false,
        };
        match self.ask(write).await {
            Err(ApplyError::Refused { key, source: kube::Error::Api(status) })
                if is_about_the_object(&status) && !may_recreate(&status, &key, force) =>
            {
                Some(ApplyError::Refused { key, source: kube::Error::Api(status) })
            }
            _ => None,
        }
    }

    async fn ask(&self, write: &Write) -> Result<(), ApplyError> {
        let name = &self.task.key.name;
        let manager = Some(self.settings.manager.clone());
        let post = PostParams { field_manager: manager.clone(), dry_run: true };
        let patching = PatchParams { field_manager: manager, dry_run: true, ..PatchParams::default() };
        let answer = match write {
            // Nothing is sent, or the live one has to go first.
            Write::Nothing { .. } | Write::Replace { force: true, .. } => return Ok(()),
            Write::Create(object) => api_of(object, self.live).await?.create(&post, &object.into()).await,
            Write::Replace { object, .. } => {
                let mut object = object.clone();
                if let Some(live) = self.task.live.as_deref() {
                    let version = live.value()["metadata"]["resourceVersion"].clone();
                    object.value_mut()["metadata"]["resourceVersion"] = version;
                }
                api_of(&object, self.live).await?.replace(name, &post, &(&object).into()).await
            }
            Write::Patch { patch, anew, .. } => {
                let api = api_of(anew, self.live).await?;
                let sent = match patch.strategic {
                    true => KubePatch::Strategic(&patch.body),
                    false => KubePatch::Merge(&patch.body),
                };
                api.patch(name, &patching, &sent).await
            }
            Write::Apply { object, .. } => {
                let applying = PatchParams { force: true, ..patching };
                let sent = KubePatch::Apply(object.value());
                api_of(object, self.live).await?.patch(name, &applying, &sent).await
            }
        };
        answer.map(drop).map_err(|source| ApplyError::Refused { key: self.task.key.clone(), source })
    }
}

/// Whether the API server, or whom it asked, says no to the object as it is.
pub(crate) fn is_about_the_object(status: &kube::core::Status) -> bool {
    matches!(status.code, 400 | 403 | 405 | 422 | 500)
}
