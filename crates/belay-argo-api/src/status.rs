//! `Application.status`.

use crate::application::{ApplicationDestination, ResourceIgnoreDifferences, SourceHydrator};
use crate::operation::{OperationInitiator, OperationState};
use crate::source::ApplicationSource;
use crate::values::{HealthStatusCode, SyncStatusCode};
use belay_crd::{Time, described};

described! {
    /// What was last found and done.
    pub struct ApplicationStatus {
        /// What a person should know.
        conditions "conditions": Vec<ApplicationCondition>;
        /// Where the controller runs.
        controller_namespace "controllerNamespace": String;
        /// How well it is.
        health "health": Option<HealthStatus>;
        /// Past syncs, oldest first.
        history "history": Vec<RevisionHistory>;
        observed_at "observedAt": Time;
        /// The running or last operation.
        operation_state "operationState": Option<OperationState>;
        /// When it was last compared.
        reconciled_at "reconciledAt": Time;
        /// Where the health of single objects is kept.
        resource_health_source "resourceHealthSource": String;
        /// The objects.
        resources "resources": Vec<ResourceStatus>;
        /// Render to a branch first.
        source_hydrator "sourceHydrator": Option<SourceHydratorStatus>;
        /// What the source is rendered as.
        source_type "sourceType": String;
        /// What each source is rendered as.
        source_types "sourceTypes": Vec<String>;
        /// Addresses and images.
        summary "summary": Option<ApplicationSummary>;
        /// Whether live equals desired.
        sync "sync": Option<SyncStatus>;
    }

    /// Something that a person should know.
    pub struct ApplicationCondition {
        /// When it last changed.
        last_transition_time "lastTransitionTime": Time;
        /// For people.
        message "message" (required): String;
        type_ "type" (required): String;
    }

    /// How well something is.
    pub struct HealthStatus {
        /// When it last changed.
        last_transition_time "lastTransitionTime": Time;
        /// For people.
        message "message": String;
        /// How well it is.
        status "status": HealthStatusCode;
    }

    /// A past sync that can be rolled back to.
    pub struct RevisionHistory {
        /// When deploying started.
        deploy_started_at "deployStartedAt": Time;
        /// When it was deployed.
        deployed_at "deployedAt" (required): Time;
        id "id" (required): i64;
        /// Who asked.
        initiated_by "initiatedBy": Option<OperationInitiator>;
        /// The revision.
        revision "revision": String;
        /// One revision for each source.
        revisions "revisions": Vec<String>;
        /// The one source.
        source "source": Option<ApplicationSource>;
        /// Several sources; `source` is ignored then.
        sources "sources": Vec<ApplicationSource>;
    }

    /// One object of an Application.
    pub struct ResourceStatus {
        group "group": String;
        /// How well it is.
        health "health": Option<HealthStatus>;
        /// Apply and run hooks.
        hook "hook": bool;
        kind "kind": String;
        name "name": String;
        namespace "namespace": String;
        /// Whether deleting waits for a person.
        requires_deletion_confirmation "requiresDeletionConfirmation": bool;
        /// Whether it is to be deleted.
        requires_pruning "requiresPruning": bool;
        /// Whether live equals desired.
        status "status": SyncStatusCode;
        /// Its wave.
        sync_wave "syncWave": Option<i64>;
        version "version": String;
    }

    /// What the hydrator did.
    pub struct SourceHydratorStatus {
        current_operation "currentOperation": Option<HydrateOperation>;
        last_compared_dry_revision "lastComparedDryRevision": String;
        last_successful_operation "lastSuccessfulOperation": Option<SuccessfulHydrateOperation>;
    }

    /// The running or the last hydration.
    pub struct HydrateOperation {
        dry_sha "drySHA": String;
        /// When it ended.
        finished_at "finishedAt": Time;
        hydrated_sha "hydratedSHA": String;
        /// For people.
        message "message" (required): String;
        /// How far it has come.
        phase "phase" (required): String => { .one_of(&["Hydrating", "Failed", "Hydrated"]) };
        /// Render to a branch first.
        source_hydrator "sourceHydrator": Option<SourceHydrator>;
        /// When it started.
        started_at "startedAt": Time;
    }

    /// The last hydration that succeeded.
    pub struct SuccessfulHydrateOperation {
        dry_sha "drySHA": String;
        hydrated_sha "hydratedSHA": String;
        /// Render to a branch first.
        source_hydrator "sourceHydrator": Option<SourceHydrator>;
    }

    /// What the objects have in common: addresses and images.
    pub struct ApplicationSummary {
        /// Addresses found in the objects.
        external_urls "externalURLs": Vec<String>;
        /// Images to replace.
        images "images": Vec<String>;
        /// Whether it holds Applications itself.
        is_app_of_apps "isAppOfApps": bool;
    }

    /// Whether live equals desired, and what was compared.
    pub struct SyncStatus {
        /// What was compared.
        compared_to "comparedTo": Option<ComparedTo>;
        /// The revision.
        revision "revision": String;
        /// One revision for each source.
        revisions "revisions": Vec<String>;
        /// Whether live equals desired.
        status "status" (required): SyncStatusCode;
    }

    /// What the live state was compared to.
    pub struct ComparedTo {
        /// Where objects go.
        destination "destination" (required): ApplicationDestination;
        /// Fields that are not compared.
        ignore_differences "ignoreDifferences": Vec<ResourceIgnoreDifferences>;
        /// The one source.
        source "source": Option<ApplicationSource>;
        /// Several sources; `source` is ignored then.
        sources "sources": Vec<ApplicationSource>;
    }
}
