//! A sync that is asked for, and its outcome.

use crate::application::ManagedNamespaceMetadata;
use crate::source::ApplicationSource;
use crate::values::{OperationPhase, ResultCode};
use belay_crd::{GoDuration, Time, described};

described! {
    /// A request to sync, written by a user or by automation.
    pub struct Operation {
        /// Remarks for people.
        info "info": Vec<Info>;
        /// Who asked.
        initiated_by "initiatedBy": Option<OperationInitiator>;
        /// Try again when a sync fails.
        retry "retry": Option<RetryStrategy>;
        /// Whether live equals desired.
        sync "sync": Option<SyncOperation>;
    }

    /// A name with a value, for people.
    pub struct Info {
        name "name" (required): String;
        value "value" (required): String;
    }

    /// Who asked for an operation.
    pub struct OperationInitiator {
        /// Sync without being asked.
        automated "automated": bool;
        /// Name of the user.
        username "username": String;
    }

    /// How often a failed sync is tried again.
    pub struct RetryStrategy {
        /// The pause between tries.
        backoff "backoff": Option<Backoff>;
        /// How many tries; negative means no limit.
        limit "limit": Option<i64>;
        /// Take the newest revision on each try.
        refresh "refresh": Option<bool>;
    }

    /// How the pause between tries grows.
    pub struct Backoff {
        /// The first pause.
        duration "duration": GoDuration;
        /// What the pause is multiplied by.
        factor "factor": Option<i64>;
        /// The longest pause.
        max_duration "maxDuration": GoDuration;
    }

    /// What exactly to sync.
    pub struct SyncOperation {
        /// How many times automation tried to heal.
        auto_heal_attempts_count "autoHealAttemptsCount": Option<i64>;
        /// Only try.
        dry_run "dryRun": bool;
        /// Manifests given with the request.
        manifests "manifests": Vec<String>;
        /// Delete what is no longer in Git.
        prune "prune": bool;
        /// The objects.
        resources "resources": Vec<SyncOperationResource>;
        /// The revision.
        revision "revision": String;
        /// One revision for each source.
        revisions "revisions": Vec<String>;
        /// The one source.
        source "source": Option<ApplicationSource>;
        /// Several sources; `source` is ignored then.
        sources "sources": Vec<ApplicationSource>;
        /// Options like `CreateNamespace=true`.
        sync_options "syncOptions": Vec<String>;
        /// How to apply.
        sync_strategy "syncStrategy": Option<SyncStrategy>;
    }

    /// One object that a partial sync is about.
    pub struct SyncOperationResource {
        group "group": String;
        kind "kind" (required): String;
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// How objects are applied; hooks run unless `apply` is chosen.
    pub struct SyncStrategy {
        /// Apply only.
        apply "apply": Option<SyncStrategyMode>;
        /// Apply and run hooks.
        hook "hook": Option<SyncStrategyMode>;
    }

    /// Settings of one strategy.
    pub struct SyncStrategyMode {
        /// Delete and create again what cannot be patched.
        force "force": bool;
    }

    /// The running or the last operation.
    pub struct OperationState {
        /// When it ended.
        finished_at "finishedAt": Time;
        /// For people.
        message "message": String;
        /// The request that this is the state of.
        operation "operation" (required): Operation;
        /// How far it has come.
        phase "phase" (required): OperationPhase;
        /// How many tries there were.
        retry_count "retryCount": Option<i64>;
        /// When it started.
        started_at "startedAt" (required): Time;
        /// What came of it.
        sync_result "syncResult": Option<SyncOperationResult>;
    }

    /// The outcome of a sync.
    pub struct SyncOperationResult {
        /// For the namespace that a sync creates.
        managed_namespace_metadata "managedNamespaceMetadata": Option<ManagedNamespaceMetadata>;
        /// The objects.
        resources "resources": Vec<ResourceResult>;
        /// The revision.
        revision "revision" (required): String;
        /// One revision for each source.
        revisions "revisions": Vec<String>;
        /// The one source.
        source "source": Option<ApplicationSource>;
        /// Several sources; `source` is ignored then.
        sources "sources": Vec<ApplicationSource>;
    }

    /// The outcome for one object.
    pub struct ResourceResult {
        group "group" (required): String;
        /// How far the hook has come.
        hook_phase "hookPhase": OperationPhase;
        /// Which hook it is.
        hook_type "hookType": String;
        /// Images to replace.
        images "images": Vec<String>;
        kind "kind" (required): String;
        /// For people.
        message "message": String;
        name "name" (required): String;
        namespace "namespace" (required): String;
        /// What was done with the object.
        status "status": ResultCode;
        /// The phase it belongs to.
        sync_phase "syncPhase": String;
        version "version" (required): String;
    }
}
