//! A sync that is asked for, and its outcome.

use crate::application::ManagedNamespaceMetadata;
use crate::source::ApplicationSource;
use crate::values::{OperationPhase, ResultCode};
use belay_crd::{GoDuration, Time, described};

described! {
    /// `operation`.
    pub struct Operation {
        info "info": Vec<Info>;
        initiated_by "initiatedBy": Option<OperationInitiator>;
        retry "retry": Option<RetryStrategy>;
        sync "sync": Option<SyncOperation>;
    }

    /// `operation.info[]`.
    pub struct Info {
        name "name" (required): String;
        value "value" (required): String;
    }

    /// `operation.initiatedBy`.
    pub struct OperationInitiator {
        automated "automated": bool;
        username "username": String;
    }

    /// `operation.retry`.
    pub struct RetryStrategy {
        backoff "backoff": Option<Backoff>;
        limit "limit": Option<i64>;
        refresh "refresh": Option<bool>;
    }

    /// `operation.retry.backoff`.
    pub struct Backoff {
        duration "duration": GoDuration;
        factor "factor": Option<i64>;
        max_duration "maxDuration": GoDuration;
    }

    /// `operation.sync`.
    pub struct SyncOperation {
        auto_heal_attempts_count "autoHealAttemptsCount": Option<i64>;
        dry_run "dryRun": bool;
        manifests "manifests": Vec<String>;
        prune "prune": bool;
        resources "resources": Vec<SyncOperationResource>;
        revision "revision": String;
        revisions "revisions": Vec<String>;
        source "source": Option<ApplicationSource>;
        sources "sources": Vec<ApplicationSource>;
        sync_options "syncOptions": Vec<String>;
        sync_strategy "syncStrategy": Option<SyncStrategy>;
    }

    /// `operation.sync.resources[]`.
    pub struct SyncOperationResource {
        group "group": String;
        kind "kind" (required): String;
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// `operation.sync.syncStrategy`.
    pub struct SyncStrategy {
        apply "apply": Option<SyncStrategyMode>;
        hook "hook": Option<SyncStrategyMode>;
    }

    /// `operation.sync.syncStrategy.apply`.
    pub struct SyncStrategyMode {
        force "force": bool;
    }

    /// `status.operationState`.
    pub struct OperationState {
        finished_at "finishedAt": Time;
        message "message": String;
        operation "operation" (required): Operation;
        phase "phase" (required): OperationPhase;
        retry_count "retryCount": Option<i64>;
        started_at "startedAt" (required): Time;
        sync_result "syncResult": Option<SyncOperationResult>;
    }

    /// `status.operationState.syncResult`.
    pub struct SyncOperationResult {
        managed_namespace_metadata "managedNamespaceMetadata": Option<ManagedNamespaceMetadata>;
        resources "resources": Vec<ResourceResult>;
        revision "revision" (required): String;
        revisions "revisions": Vec<String>;
        source "source": Option<ApplicationSource>;
        sources "sources": Vec<ApplicationSource>;
    }

    /// `status.operationState.syncResult.resources[]`.
    pub struct ResourceResult {
        group "group" (required): String;
        hook_phase "hookPhase": OperationPhase;
        hook_type "hookType": String;
        images "images": Vec<String>;
        kind "kind" (required): String;
        message "message": String;
        name "name" (required): String;
        namespace "namespace" (required): String;
        status "status": ResultCode;
        sync_phase "syncPhase": String;
        version "version" (required): String;
    }
}
