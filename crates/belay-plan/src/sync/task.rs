//! One object's part in a sync, and what has come of it.

use std::fmt;
use std::sync::Arc;

use belay_manifest::{Object, ObjectKey};

use super::hook::{DeletePolicy, Phase, delete_policies};

/// What was done with an object, as `status.operationState.syncResult` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It was applied.
    Synced,
    /// It could not be applied, or has failed since.
    SyncFailed,
    /// It was deleted.
    Pruned,
    /// It left Git and stays.
    PruneSkipped,
}

/// How far an object has come, as `hookPhase` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It is on its way.
    Running,
    /// It is done.
    Succeeded,
    /// It has failed.
    Failed,
    /// Something about it could not be done.
    Error,
}

/// What has come of a task so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskResult {
    /// What was done.
    pub code: Option<Code>,
    /// How far it has come; `None` while it is to be done.
    pub stand: Option<Stand>,
    /// For people.
    pub message: String,
}

/// Why a task is part of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Git says so.
    Desired,
    /// It is a hook of this phase.
    Hook,
    /// It left Git.
    LeftGit,
    /// It is the destination's namespace, which has to be there first.
    Namespace,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::Desired => "desired",
            Reason::Hook => "hook",
            Reason::LeftGit => "left Git",
            Reason::Namespace => "destination's namespace",
        })
    }
}

/// One object in one phase of a sync.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The object.
    pub key: ObjectKey,
    /// The phase.
    pub phase: Phase,
    /// The wave within the phase.
    pub wave: i64,
    /// Why it is here.
    pub reason: Reason,
    /// As it should be; `None` for what is to be deleted.
    pub target: Option<Arc<Object>>,
    /// As it is.
    pub live: Option<Arc<Object>>,
    /// What has come of it.
    pub result: TaskResult,
}

impl Task {
    /// A task that nothing has come of yet.
    pub fn new(
        key: ObjectKey,
        phase: Phase,
        reason: Reason,
        target: Option<Arc<Object>>,
        live: Option<Arc<Object>>,
    ) -> Task {
        let wave = target.as_deref().or(live.as_deref()).map_or(0, super::order::wave);
        Task { key, phase, wave, reason, target, live, result: TaskResult::default() }
    }

    /// The object as it should be, or as it is.
    pub fn object(&self) -> &Object {
        let object = self.target.as_deref().or(self.live.as_deref());
        object.expect("a task has a target, or a live object to delete")
    }

    /// Whether it is a hook.
    pub fn is_hook(&self) -> bool {
        self.reason == Reason::Hook
    }

    /// Whether it deletes.
    pub fn is_prune(&self) -> bool {
        self.target.is_none()
    }

    /// Whether it is still to be done.
    pub fn is_pending(&self) -> bool {
        self.result.stand.is_none()
    }

    /// Whether it is on its way.
    pub fn is_running(&self) -> bool {
        self.result.stand == Some(Stand::Running)
    }

    /// Whether it came to an end, good or bad.
    pub fn is_completed(&self) -> bool {
        matches!(self.result.stand, Some(Stand::Succeeded | Stand::Failed | Stand::Error))
    }

    /// Whether it came to a bad end.
    pub fn has_failed(&self) -> bool {
        matches!(self.result.stand, Some(Stand::Failed | Stand::Error))
    }

    /// Whether a hook is deleted on this occasion.
    pub fn is_deleted(&self, occasion: DeletePolicy) -> bool {
        self.is_hook() && self.live.is_some() && delete_policies(self.object()).contains(&occasion)
    }

    /// Whether a hook of an earlier sync has to go before this one is made.
    pub fn is_deleted_first(&self) -> bool {
        self.is_pending() && self.is_deleted(DeletePolicy::BeforeHookCreation)
    }

    /// Notes what came of it. An empty message keeps the one before.
    pub fn note(&mut self, code: Option<Code>, stand: Stand, message: impl Into<String>) {
        let message = message.into();
        self.result.code = code;
        self.result.stand = Some(stand);
        if !message.is_empty() {
            self.result.message = message;
        }
    }
}
