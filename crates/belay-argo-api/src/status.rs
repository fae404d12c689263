//! `Application.status`.

use crate::application::{ApplicationDestination, ResourceIgnoreDifferences, SourceHydrator};
use crate::operation::{OperationInitiator, OperationState};
use crate::source::ApplicationSource;
use crate::values::{HealthStatusCode, SyncStatusCode};
use belay_crd::{Time, described};

described! {
    /// `status`.
    pub struct ApplicationStatus {
        conditions "conditions": Vec<ApplicationCondition>;
        controller_namespace "controllerNamespace": String;
        health "health": Option<HealthStatus>;
        history "history": Vec<RevisionHistory>;
        observed_at "observedAt": Time;
        operation_state "operationState": Option<OperationState>;
        reconciled_at "reconciledAt": Time;
        resource_health_source "resourceHealthSource": String;
        resources "resources": Vec<ResourceStatus>;
        source_hydrator "sourceHydrator": Option<SourceHydratorStatus>;
        source_type "sourceType": String;
        source_types "sourceTypes": Vec<String>;
        summary "summary": Option<ApplicationSummary>;
        sync "sync": Option<SyncStatus>;
    }

    /// `status.conditions[]`.
    pub struct ApplicationCondition {
        last_transition_time "lastTransitionTime": Time;
        message "message" (required): String;
        type_ "type" (required): String;
    }

    /// `status.health`.
    pub struct HealthStatus {
        last_transition_time "lastTransitionTime": Time;
        message "message": String;
        status "status": HealthStatusCode;
    }

    /// `status.history[]`.
    pub struct RevisionHistory {
        deploy_started_at "deployStartedAt": Time;
        deployed_at "deployedAt" (required): Time;
        id "id" (required): i64;
        initiated_by "initiatedBy": Option<OperationInitiator>;
        revision "revision": String;
        revisions "revisions": Vec<String>;
        source "source": Option<ApplicationSource>;
        sources "sources": Vec<ApplicationSource>;
    }

    /// `status.resources[]`.
    pub struct ResourceStatus {
        group "group": String;
        health "health": Option<HealthStatus>;
        hook "hook": bool;
        kind "kind": String;
        name "name": String;
        namespace "namespace": String;
        requires_deletion_confirmation "requiresDeletionConfirmation": bool;
        requires_pruning "requiresPruning": bool;
        status "status": SyncStatusCode;
        sync_wave "syncWave": Option<i64>;
        version "version": String;
    }

    /// `status.sourceHydrator`.
    pub struct SourceHydratorStatus {
        current_operation "currentOperation": Option<HydrateOperation>;
        last_compared_dry_revision "lastComparedDryRevision": String;
        last_successful_operation "lastSuccessfulOperation": Option<SuccessfulHydrateOperation>;
    }

    /// `status.sourceHydrator.currentOperation`.
    pub struct HydrateOperation {
        dry_sha "drySHA": String;
        finished_at "finishedAt": Time;
        hydrated_sha "hydratedSHA": String;
        message "message" (required): String;
        phase "phase" (required): String => { .one_of(&["Hydrating", "Failed", "Hydrated"]) };
        source_hydrator "sourceHydrator": Option<SourceHydrator>;
        started_at "startedAt": Time;
    }

    /// `status.sourceHydrator.lastSuccessfulOperation`.
    pub struct SuccessfulHydrateOperation {
        dry_sha "drySHA": String;
        hydrated_sha "hydratedSHA": String;
        source_hydrator "sourceHydrator": Option<SourceHydrator>;
    }

    /// `status.summary`.
    pub struct ApplicationSummary {
        external_urls "externalURLs": Vec<String>;
        images "images": Vec<String>;
        is_app_of_apps "isAppOfApps": bool;
    }

    /// `status.sync`.
    pub struct SyncStatus {
        compared_to "comparedTo": Option<ComparedTo>;
        revision "revision": String;
        revisions "revisions": Vec<String>;
        status "status" (required): SyncStatusCode;
    }

    /// `status.sync.comparedTo`.
    pub struct ComparedTo {
        destination "destination" (required): ApplicationDestination;
        ignore_differences "ignoreDifferences": Vec<ResourceIgnoreDifferences>;
        source "source": Option<ApplicationSource>;
        sources "sources": Vec<ApplicationSource>;
    }
}
