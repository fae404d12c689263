//! `Application`: what to deploy from where to where.

use crate::operation::{Info, Operation, RetryStrategy};
use crate::source::{
    ApplicationSource, ApplicationSourceDirectory, ApplicationSourceHelm, ApplicationSourceKustomize,
    ApplicationSourcePlugin,
};
use crate::status::ApplicationStatus;
use belay_crd::{ObjectMeta, described};
use indexmap::IndexMap;

described! {
    /// `Application`.
    pub struct Application {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata" (required): ObjectMeta;
        operation "operation": Option<Operation>;
        spec "spec" (required): ApplicationSpec;
        status "status": ApplicationStatus;
    }

    /// `spec`.
    pub struct ApplicationSpec {
        destination "destination" (required): ApplicationDestination;
        ignore_differences "ignoreDifferences": Vec<ResourceIgnoreDifferences>;
        info "info": Vec<Info>;
        project "project" (required): String;
        revision_history_limit "revisionHistoryLimit": Option<i64>;
        source "source": Option<ApplicationSource>;
        source_hydrator "sourceHydrator": Option<SourceHydrator>;
        sources "sources": Vec<ApplicationSource>;
        sync_policy "syncPolicy": Option<SyncPolicy>;
    }

    /// `spec.destination`.
    pub struct ApplicationDestination {
        name "name": String;
        namespace "namespace": String;
        server "server": String;
    }

    /// `spec.ignoreDifferences[]`.
    pub struct ResourceIgnoreDifferences {
        group "group": String;
        jq_path_expressions "jqPathExpressions": Vec<String>;
        json_pointers "jsonPointers": Vec<String>;
        kind "kind" (required): String;
        managed_fields_managers "managedFieldsManagers": Vec<String>;
        name "name": String;
        namespace "namespace": String;
    }

    /// `spec.sourceHydrator`.
    pub struct SourceHydrator {
        dry_source "drySource" (required): DrySource;
        hydrate_to "hydrateTo": Option<HydrateTo>;
        sync_source "syncSource" (required): SyncSource;
    }

    /// `spec.sourceHydrator.drySource`.
    pub struct DrySource {
        directory "directory": Option<ApplicationSourceDirectory>;
        helm "helm": Option<ApplicationSourceHelm>;
        kustomize "kustomize": Option<ApplicationSourceKustomize>;
        path "path" (required): String;
        plugin "plugin": Option<ApplicationSourcePlugin>;
        repo_url "repoURL" (required): String;
        target_revision "targetRevision" (required): String;
    }

    /// `spec.sourceHydrator.hydrateTo`.
    pub struct HydrateTo {
        target_branch "targetBranch" (required): String;
    }

    /// `spec.sourceHydrator.syncSource`.
    pub struct SyncSource {
        path "path" (required): String => { .pattern("^.{2,}|[^./]$").min_length(1) };
        repo_url "repoURL": String;
        target_branch "targetBranch" (required): String;
    }

    /// `spec.syncPolicy`.
    pub struct SyncPolicy {
        automated "automated": Option<SyncPolicyAutomated>;
        managed_namespace_metadata "managedNamespaceMetadata": Option<ManagedNamespaceMetadata>;
        retry "retry": Option<RetryStrategy>;
        sync_options "syncOptions": Vec<String>;
    }

    /// `spec.syncPolicy.automated`.
    pub struct SyncPolicyAutomated {
        allow_empty "allowEmpty": Option<bool>;
        enabled "enabled": Option<bool>;
        prune "prune": Option<bool>;
        self_heal "selfHeal": Option<bool>;
    }

    /// `spec.syncPolicy.managedNamespaceMetadata`.
    pub struct ManagedNamespaceMetadata {
        annotations "annotations": IndexMap<String, String>;
        labels "labels": IndexMap<String, String>;
    }
}
