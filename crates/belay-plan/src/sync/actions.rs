//! A batch of tasks as requests: what is done, in stages that follow each other.

use std::collections::HashMap;

use super::progress::{Batch, Progress};
use super::settings::{Prune, Settings};
use super::task::Task;
use super::write::Write;

/// What is done for one task.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Let a hook of an earlier sync go: take its finalizer away.
    Release,
    /// Delete what left Git, if it is still the same object.
    Prune {
        /// Which life of the object was seen.
        uid: String,
    },
    /// What left Git stays, because of this.
    Keep(&'static str),
    /// Delete the hook of an earlier sync; the batch goes on when it has gone.
    DeleteHook {
        /// Which life of the object was seen.
        uid: String,
    },
    /// Write the object.
    Write(Write),
    /// The request cannot even be made, because of this.
    Refuse(String),
}

/// Actions that run together. The tasks are places in [`Progress::tasks`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    /// What is done.
    pub actions: Vec<(usize, Action)>,
    /// Whether what follows waits until all of this has ended well and nothing is on its way out.
    pub is_gate: bool,
}

impl Progress<'_> {
    /// The batch as stages: hooks of earlier syncs are released, what left Git is deleted, earlier hooks are deleted,
    /// then kind after kind is written. `writes` says how. `None` when a deletion has to be confirmed first.
    pub fn stages(&self, batch: &Batch, mut writes: HashMap<usize, Action>) -> Option<Vec<Stage>> {
        let tasks = || batch.tasks.iter().map(|place| (*place, &self.tasks[*place]));
        if tasks().any(|(_, task)| self.needs_confirmation(task)) {
            return None;
        }
        let gate = |actions: Vec<(usize, Action)>| Stage { actions, is_gate: true };
        let mut stages = vec![
            gate(
                tasks()
                    .filter(|(_, task)| task.is_hook() && task.is_pending() && task.live.is_some())
                    .map(|(place, _)| (place, Action::Release))
                    .collect(),
            ),
            gate(
                tasks()
                    .filter(|(_, task)| task.is_prune())
                    .map(|(place, task)| (place, prune_action(task, self.settings())))
                    .collect(),
            ),
            gate(
                tasks()
                    .filter(|(_, task)| task.is_deleted_first())
                    .filter_map(|(place, task)| Some((place, Action::DeleteHook { uid: uid(task)? })))
                    .collect(),
            ),
        ];
        let mut kind = None;
        for (place, task) in tasks().filter(|(_, task)| !task.is_prune()) {
            let Some(action) = writes.remove(&place) else { continue };
            if kind != Some(&task.key.kind) {
                kind = Some(&task.key.kind);
                stages.push(Stage::default());
            }
            stages.last_mut().expect("one was pushed").actions.push((place, action));
        }
        stages.retain(|stage| !stage.actions.is_empty());
        Some(stages)
    }
}

fn uid(task: &Task) -> Option<String> {
    task.live.as_deref().map(|live| live.uid().to_owned())
}

fn prune_action(task: &Task, settings: &Settings) -> Action {
    let Some(live) = task.live.as_deref() else { return Action::Keep("is gone") };
    if !settings.prune {
        return Action::Keep("ignored (requires pruning)");
    }
    match settings.prune_of(live) {
        Prune::Disabled => Action::Keep("ignored (no prune)"),
        Prune::Allowed | Prune::Confirm => Action::Prune { uid: live.uid().to_owned() },
    }
}
