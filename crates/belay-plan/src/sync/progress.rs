//! How a sync goes on: which tasks run now, what is waited for, when it is over and with which words.

use belay_manifest::Object;

use super::hook::{DeletePolicy, Phase};
use super::settings::{Prune, Settings};
use super::task::{Code, Reason, Stand, Task};

/// How well a live object is, as far as a sync cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Nothing is known of such objects: being there is enough.
    None,
    /// It is well.
    Healthy(String),
    /// It is on its way, or suspended.
    Progressing(String),
    /// It is not well.
    Degraded(String),
    /// It cannot be told; a hook counts as failed then.
    Unknown(String),
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything was done.
    Succeeded,
    /// Something could not be done.
    Failed,
}

/// Why a batch runs, and so what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The destination's namespace, before anything else.
    Namespace,
    /// The tasks of one wave. `is_last` when none come after it.
    Wave {
        /// Whether other waves follow.
        is_last: bool,
    },
    /// Hooks after a failure; `message` says which failure.
    SyncFail {
        /// Tasks of the failed wave that run on.
        also_waiting: Vec<usize>,
    },
}

/// Tasks that run now, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Places in [`Progress::tasks`].
    pub tasks: Vec<usize>,
    /// Why.
    pub purpose: Purpose,
}

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Run these, then call [`Progress::settle`].
    Run(Batch),
    /// Wait for a change; the message says of what.
    Wait(String),
    /// It is over.
    Finish {
        /// How.
        end: End,
        /// The operation's message.
        message: String,
    },
}

/// What is to be done now, besides what is next. All are places in [`Progress::tasks`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Hooks that may go: their finalizer is taken away.
    pub release: Vec<usize>,
    /// Hooks that are deleted.
    pub delete: Vec<usize>,
    /// What is next.
    pub next: Next,
}

/// The tasks of a sync, and what is asked of it.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The tasks, in order.
    pub tasks: Vec<Task>,
    settings: &'a Settings,
}

impl<'a> Progress<'a> {
    /// From [`super::tasks`].
    pub fn new(tasks: Vec<Task>, settings: &'a Settings) -> Progress<'a> {
        Progress { tasks, settings }
    }

    /// What is asked of the sync.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// The message of tasks that cannot be run at all; `None` when there are none.
    pub fn invalid(&self) -> Option<String> {
        let failed = |task: &&Task| task.result.code == Some(Code::SyncFailed) && task.is_pending();
        let mut messages: Vec<&str> = self
            .tasks
            .iter()
            .filter(failed)
            .map(|task| task.result.message.as_str())
            .filter(|message| !message.is_empty())
            .collect();
        messages.sort_unstable();
        messages.dedup();
        (!messages.is_empty())
            .then(|| format!("one or more synchronization tasks are not valid: {}", messages.join("; ")))
    }

    /// The task that makes the destination's namespace, if it is not there yet.
    pub fn namespace_batch(&self) -> Option<Batch> {
        let is_namespace = |task: &Task| {
            task.live.is_none()
                && task.key.kind == "Namespace"
                && task.key.group.is_empty()
                && task.key.name == self.settings.namespace
                && task.is_pending()
        };
        let place = self.tasks.iter().position(is_namespace)?;
        Some(Batch { tasks: vec![place], purpose: Purpose::Namespace })
    }

    /// Goes on: takes the health of what runs in, and says what is next. `differs` tells whether a live object is not
    /// as desired.
    pub fn advance(&mut self, health: &dyn Fn(&Object) -> Health, differs: &dyn Fn(&Task) -> bool) -> Turn {
        self.take_in(health);
        let (is_multi_step, running) = (self.is_multi_step(), self.running());
        if !running.is_empty() {
            self.note_missing(&running);
            let still: Vec<usize> =
                running.iter().copied().filter(|place| self.tasks[*place].is_running()).collect();
            if !still.is_empty() {
                return wait(self.waiting_message(&still, false));
            }
        }
        let going: Vec<usize> = self.places(|task| {
            let deletion = task.live.as_deref().is_some_and(is_being_deleted);
            task.result.code == Some(Code::Pruned) && deletion
        });
        if !going.is_empty() && !self.settings.dry_run {
            return wait(self.waiting_message(&going, true));
        }
        let mut turn = self.judge(differs, is_multi_step);
        turn.release = self.places(|task| task.is_hook() && task.is_completed() && task.live.is_some());
        turn
    }

    fn judge(&self, differs: &dyn Fn(&Task) -> bool, is_multi_step: bool) -> Turn {
        let ordinary = |task: &Task| task.phase != Phase::SyncFail;
        let has_failed = |task: &Task| {
            // In a sync of one step nobody waits for health, so it does not fail by it either.
            task.has_failed()
                && (is_multi_step || task.is_hook() || task.result.code == Some(Code::SyncFailed))
        };
        if self.tasks.iter().any(|task| ordinary(task) && has_failed(task)) {
            let failed = self.places(|task| ordinary(task) && task.result.code == Some(Code::SyncFailed));
            let mut turn =
                self.fail(&failed, "one or more synchronization tasks completed unsuccessfully", Vec::new());
            turn.delete = self.finished_hooks(DeletePolicy::HookFailed);
            return turn;
        }
        let due: Vec<usize> = self.places(|task| {
            ordinary(task)
                && task.is_pending()
                && (!self.settings.out_of_sync_only || task.reason != Reason::Desired || differs(task))
        });
        let Some(&first) = due.first() else {
            return Turn {
                release: Vec::new(),
                delete: self.finished_hooks(DeletePolicy::HookSucceeded),
                next: Next::Finish {
                    end: End::Succeeded,
                    message: "successfully synced (no more tasks)".to_owned(),
                },
            };
        };
        let (phase, wave) = (self.tasks[first].phase, self.tasks[first].wave);
        let is_now = |place: &usize| self.tasks[*place].phase == phase && self.tasks[*place].wave == wave;
        let now: Vec<usize> = due.iter().copied().filter(is_now).collect();
        let is_last = now.len() == due.len();
        run(Batch { tasks: now, purpose: Purpose::Wave { is_last } })
    }

    /// What follows a batch, whose tasks have been noted. `waits` is set when something has to go, or to be confirmed,
    /// before the batch can be run to its end.
    pub fn settle(&mut self, batch: &Batch, waits: bool) -> Turn {
        let failed: Vec<usize> = batch
            .tasks
            .iter()
            .copied()
            .filter(|place| {
                let task = &self.tasks[*place];
                task.result.code == Some(Code::SyncFailed) || task.result.stand == Some(Stand::Error)
            })
            .collect();
        match &batch.purpose {
            Purpose::Namespace if !failed.is_empty() => {
                let message = self.with_reasons("the namespace failed to apply", &failed);
                finish(End::Failed, message)
            }
            Purpose::Namespace => wait(self.waiting_message(&batch.tasks, false)),
            Purpose::SyncFail { also_waiting } => {
                let all: Vec<usize> = batch.tasks.iter().chain(also_waiting).copied().collect();
                wait(self.waiting_message(&all, false))
            }
            Purpose::Wave { .. } if !failed.is_empty() => self.settle_failed(batch, &failed),
            Purpose::Wave { .. } if waits => {
                let waiting: Vec<usize> = batch
                    .tasks
                    .iter()
                    .copied()
                    .filter(|place| {
                        let task = &self.tasks[*place];
                        task.is_deleted_first() || (task.is_prune() && task.is_pending())
                    })
                    .collect();
                wait(self.waiting_message(&waiting, true))
            }
            Purpose::Wave { is_last } => {
                let has_hooks = batch.tasks.iter().any(|place| self.tasks[*place].is_hook());
                if !is_last || has_hooks {
                    return wait(self.waiting_message(&batch.tasks, false));
                }
                Turn {
                    release: Vec::new(),
                    delete: self.finished_hooks(DeletePolicy::HookSucceeded),
                    next: Next::Finish {
                        end: End::Succeeded,
                        message: "successfully synced (all tasks run)".to_owned(),
                    },
                }
            }
        }
    }

    /// A wave of which something could not be applied.
    fn settle_failed(&mut self, batch: &Batch, failed: &[usize]) -> Turn {
        // What was applied beside it is looked at once more, as in the original, which then has other words for the end.
        let running: Vec<usize> =
            batch.tasks.iter().copied().filter(|place| self.tasks[*place].is_running()).collect();
        let mut turn = self.fail(failed, "one or more objects failed to apply", running.clone());
        match turn.next {
            Next::Finish { .. } if !running.is_empty() => wait(self.waiting_message(&running, false)),
            Next::Finish { .. } => {
                turn.delete = self.finished_hooks(DeletePolicy::HookFailed);
                turn
            }
            _ => turn,
        }
    }

    /// Runs the hooks for failures, or ends the sync when they are done or there are none.
    fn fail(&self, failed: &[usize], message: &str, also_waiting: Vec<usize>) -> Turn {
        let message = self.with_reasons(message, failed);
        let hooks = self.places(|task| task.phase == Phase::SyncFail);
        if hooks.iter().all(|place| self.tasks[*place].is_completed()) {
            let broken: Vec<usize> = hooks
                .into_iter()
                .filter(|place| self.tasks[*place].result.code == Some(Code::SyncFailed))
                .collect();
            if broken.is_empty() {
                return finish(End::Failed, message);
            }
            let more = self.with_reasons("one or more SyncFail hooks failed", &broken);
            return finish(End::Failed, format!("{message}\n{more}"));
        }
        let pending: Vec<usize> = hooks.into_iter().filter(|place| self.tasks[*place].is_pending()).collect();
        run(Batch { tasks: pending, purpose: Purpose::SyncFail { also_waiting } })
    }

    fn with_reasons(&self, message: &str, failed: &[usize]) -> String {
        let mut reasons: Vec<&str> =
            failed.iter().map(|place| self.tasks[*place].result.message.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        if reasons.is_empty() {
            message.to_owned()
        } else {
            format!("{message}, reason: {}", reasons.join(","))
        }
    }

    /// What runs takes over the health of its live object.
    fn take_in(&mut self, health: &dyn Fn(&Object) -> Health) {
        for task in self.tasks.iter_mut().filter(|task| task.is_running()) {
            let Some(live) = task.live.clone() else { continue };
            let code = task.result.code;
            let (is_hook, found) = (task.is_hook(), health(&live));
            match found {
                Health::None if is_hook => {
                    task.note(code, Stand::Succeeded, format!("{} created", live.name()));
                }
                Health::None => task.note(code, Stand::Succeeded, ""),
                Health::Healthy(message) => task.note(code, Stand::Succeeded, message),
                Health::Degraded(message) => task.note(code, Stand::Failed, message),
                Health::Unknown(message) if is_hook => task.note(code, Stand::Failed, message),
                Health::Progressing(message) if is_hook => task.note(code, Stand::Running, message),
                Health::Unknown(_) | Health::Progressing(_) => {}
            }
        }
    }

    /// Whether health is waited for between the steps.
    fn is_multi_step(&self) -> bool {
        match (self.tasks.first(), self.tasks.last()) {
            (Some(first), Some(last)) => first.phase != last.phase || first.wave != last.wave,
            _ => false,
        }
    }

    fn running(&self) -> Vec<usize> {
        let is_multi_step = self.is_multi_step();
        self.places(|task| (is_multi_step || task.is_hook()) && task.is_running())
    }

    fn note_missing(&mut self, running: &[usize]) {
        for place in running {
            let task = &mut self.tasks[*place];
            if task.live.is_none() {
                let key = &task.key;
                let message = format!(
                    "Resource {}/{}/{} is missing, it might have been deleted",
                    key.group, key.kind, key.name
                );
                task.note(Some(Code::SyncFailed), Stand::Error, message);
            }
        }
    }

    fn finished_hooks(&self, occasion: DeletePolicy) -> Vec<usize> {
        self.places(|task| !task.is_running() && !task.is_pending() && task.is_deleted(occasion))
    }

    fn places(&self, wanted: impl Fn(&Task) -> bool) -> Vec<usize> {
        self.tasks.iter().enumerate().filter(|(_, task)| wanted(task)).map(|(place, _)| place).collect()
    }

    /// Whether the deletion of a task waits for somebody's word.
    pub fn needs_confirmation(&self, task: &Task) -> bool {
        !self.settings.confirmed
            && self.settings.prune
            && task.is_prune()
            && task.is_pending()
            && task.live.as_deref().is_some_and(|live| self.settings.prune_of(live) == Prune::Confirm)
    }

    /// `waiting for completion of hook batch/Job/migrate and 2 more hooks`
    fn waiting_message(&self, places: &[usize], is_deletion: bool) -> String {
        let tasks: Vec<&Task> = places.iter().map(|place| &self.tasks[*place]).collect();
        let unconfirmed: Vec<&&Task> = tasks.iter().filter(|task| self.needs_confirmation(task)).collect();
        let (hooks, others): (Vec<&&Task>, Vec<&&Task>) = tasks.iter().partition(|task| task.is_hook());
        let (reason, first, count) = match (unconfirmed.first(), hooks.first().or(others.first())) {
            (Some(first), _) => ("pruning confirmation of", first, unconfirmed.len()),
            (None, None) => return String::new(),
            (None, Some(first)) => {
                let reason = match (is_deletion, hooks.is_empty()) {
                    (true, true) => "deletion of",
                    (true, false) => "deletion of hook",
                    (false, true) => "healthy state of",
                    (false, false) => "completion of hook",
                };
                (reason, first, tasks.len())
            }
        };
        let key = &first.key;
        let message = format!("waiting for {reason} {}/{}/{}", key.group, key.kind, key.name);
        let kind = if others.is_empty() { "hooks" } else { "resources" };
        if count > 1 { format!("{message} and {} more {kind}", count - 1) } else { message }
    }
}

fn wait(message: String) -> Turn {
    Turn { release: Vec::new(), delete: Vec::new(), next: Next::Wait(message) }
}

fn run(batch: Batch) -> Turn {
    Turn { release: Vec::new(), delete: Vec::new(), next: Next::Run(batch) }
}

fn finish(end: End, message: String) -> Turn {
    Turn { release: Vec::new(), delete: Vec::new(), next: Next::Finish { end, message } }
}

fn is_being_deleted(live: &Object) -> bool {
    !live.value()["metadata"]["deletionTimestamp"].is_null()
}
