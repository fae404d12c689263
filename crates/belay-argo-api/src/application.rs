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
    /// What to deploy, from where, to where, and how it went.
    pub struct Application {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata" (required): ObjectMeta;
        /// A sync that is asked for; removed when it starts.
        operation "operation": Option<Operation>;
        /// What is wanted.
        spec "spec" (required): ApplicationSpec;
        /// What was found.
        status "status": ApplicationStatus;
    }

    /// What is wanted of an Application.
    pub struct ApplicationSpec {
        /// Where objects go.
        destination "destination" (required): ApplicationDestination;
        /// Fields that are not compared.
        ignore_differences "ignoreDifferences": Vec<ResourceIgnoreDifferences>;
        /// Remarks for people.
        info "info": Vec<Info>;
        /// The project; `default` when empty.
        project "project" (required): String;
        /// How many past syncs are kept; 10 when unset.
        revision_history_limit "revisionHistoryLimit": Option<i64>;
        /// The one source.
        source "source": Option<ApplicationSource>;
        /// Render to a branch first.
        source_hydrator "sourceHydrator": Option<SourceHydrator>;
        /// Several sources; `source` is ignored then.
        sources "sources": Vec<ApplicationSource>;
        /// When and how to sync.
        sync_policy "syncPolicy": Option<SyncPolicy>;
    }

    /// The cluster, by URL or by name, and the namespace.
    pub struct ApplicationDestination {
        name "name": String;
        namespace "namespace": String;
        /// URL of the cluster.
        server "server": String;
    }

    /// Fields of some objects that are not compared.
    pub struct ResourceIgnoreDifferences {
        group "group": String;
        /// Fields by jq path.
        jq_path_expressions "jqPathExpressions": Vec<String>;
        /// Fields by JSON pointer.
        json_pointers "jsonPointers": Vec<String>;
        kind "kind" (required): String;
        /// Fields that these managers own.
        managed_fields_managers "managedFieldsManagers": Vec<String>;
        name "name": String;
        namespace "namespace": String;
    }

    /// Renders to a branch first, then syncs from it.
    pub struct SourceHydrator {
        dry_source "drySource" (required): DrySource;
        hydrate_to "hydrateTo": Option<HydrateTo>;
        sync_source "syncSource" (required): SyncSource;
    }

    /// Where the manifests are before rendering.
    pub struct DrySource {
        /// For a folder of plain manifests.
        directory "directory": Option<ApplicationSourceDirectory>;
        /// For a Helm chart.
        helm "helm": Option<ApplicationSourceHelm>;
        /// For a kustomization.
        kustomize "kustomize": Option<ApplicationSourceKustomize>;
        /// Folder inside the repository.
        path "path" (required): String;
        /// For a config management plugin.
        plugin "plugin": Option<ApplicationSourcePlugin>;
        /// URL of the repository.
        repo_url "repoURL" (required): String;
        /// Branch, tag, commit or version range; empty means the default branch.
        target_revision "targetRevision" (required): String;
    }

    /// The branch that rendered manifests are pushed to first.
    pub struct HydrateTo {
        target_branch "targetBranch" (required): String;
    }

    /// Where the rendered manifests are synced from.
    pub struct SyncSource {
        /// Folder inside the repository.
        path "path" (required): String => { .pattern("^.{2,}|[^./]$").min_length(1) };
        /// URL of the repository.
        repo_url "repoURL": String;
        target_branch "targetBranch" (required): String;
    }

    /// When and how to sync.
    pub struct SyncPolicy {
        /// Sync without being asked.
        automated "automated": Option<SyncPolicyAutomated>;
        /// For the namespace that a sync creates.
        managed_namespace_metadata "managedNamespaceMetadata": Option<ManagedNamespaceMetadata>;
        /// Try again when a sync fails.
        retry "retry": Option<RetryStrategy>;
        /// Options like `CreateNamespace=true`.
        sync_options "syncOptions": Vec<String>;
    }

    /// Syncs without being asked.
    pub struct SyncPolicyAutomated {
        /// Allow a sync that leaves nothing.
        allow_empty "allowEmpty": Option<bool>;
        /// False switches automation off and keeps its settings.
        enabled "enabled": Option<bool>;
        /// Delete what is no longer in Git.
        prune "prune": Option<bool>;
        /// Undo changes made in the cluster.
        self_heal "selfHeal": Option<bool>;
    }

    /// Labels and annotations for a namespace that a sync creates.
    pub struct ManagedNamespaceMetadata {
        /// Annotations.
        annotations "annotations": IndexMap<String, String>;
        /// Labels.
        labels "labels": IndexMap<String, String>;
    }
}
