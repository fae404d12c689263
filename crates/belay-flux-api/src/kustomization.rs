//! `Kustomization`: apply the manifests of a source.

use crate::shared::{
    CommonMetadata, Condition, CustomHealthCheck, DependencyReference, IgnoreRule, KubeConfigReference,
    KustomizeImage, KustomizePatch, LocalObjectReference, NamespacedObjectKindReference, ResourceInventory,
};
use crate::values::DeletionPolicy;
use belay_crd::{GoDuration, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::json;

described! {
    /// Manifests of a source, applied to a cluster.
    pub struct Kustomization {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": KustomizationSpec;
        /// What was found.
        status "status": KustomizationStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a Kustomization.
    pub struct KustomizationSpec {
        /// Origin annotations to add.
        build_metadata "buildMetadata": Vec<String> => { .each(|item| item.one_of(&["originAnnotations", "transformerAnnotations"])) };
        /// Labels and annotations for every object.
        common_metadata "commonMetadata": Option<CommonMetadata>;
        /// Kustomize components.
        components "components": Vec<String>;
        /// How secrets are decrypted.
        decryption "decryption": Option<Decryption>;
        /// What happens to the objects when this is deleted.
        deletion_policy "deletionPolicy": DeletionPolicy => { .one_of(&["MirrorPrune", "Delete", "WaitForTermination", "Orphan"]) };
        /// What has to be ready first.
        depends_on "dependsOn": Vec<DependencyReference>;
        /// Delete and create again what cannot be patched.
        force "force": bool => { .default_value(json!(false)) };
        /// Health of kinds by CEL expressions.
        health_check_exprs "healthCheckExprs": Vec<CustomHealthCheck>;
        /// Objects to wait for.
        health_checks "healthChecks": Vec<NamespacedObjectKindReference>;
        /// Fields that are left alone.
        ignore "ignore": Vec<IgnoreRule>;
        /// Components that do not exist are no error.
        ignore_missing_components "ignoreMissingComponents": bool;
        /// Images to replace.
        images "images": Vec<KustomizeImage>;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// Another cluster.
        kube_config "kubeConfig": Option<KubeConfigReference>;
        /// Put before names.
        name_prefix "namePrefix": String => { .min_length(1).max_length(200) };
        /// Put after names.
        name_suffix "nameSuffix": String => { .min_length(1).max_length(200) };
        /// Patches for the objects.
        patches "patches": Vec<KustomizePatch>;
        /// Folder inside the source.
        path "path": String;
        /// Substitution of variables.
        post_build "postBuild": Option<PostBuild>;
        /// Delete what is no longer in the source.
        prune "prune" (required): bool;
        /// How long to wait after a failure.
        retry_interval "retryInterval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// The account to act as.
        service_account_name "serviceAccountName": String;
        /// Where it comes from.
        source_ref "sourceRef" (required): KustomizationSourceReference;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// Namespace for the objects.
        target_namespace "targetNamespace": String => { .min_length(1).max_length(63) };
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// Wait until all objects are ready.
        wait "wait": bool;
    }

    /// How secrets are decrypted.
    pub struct Decryption {
        /// Whose service it is.
        provider "provider" (required): String => { .one_of(&["sops"]) };
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// The account to act as.
        service_account_name "serviceAccountName": String;
    }

    /// Substitution of variables after the build.
    pub struct PostBuild {
        substitute "substitute": IndexMap<String, String>;
        substitute_from "substituteFrom": Vec<SubstituteReference>;
        substitute_strategy "substituteStrategy": String => { .one_of(&["WithVariables", "Always"]) };
    }

    /// Where variables come from.
    pub struct SubstituteReference {
        kind "kind" (required): String => { .one_of(&["Secret", "ConfigMap"]) };
        name "name" (required): String => { .min_length(1).max_length(253) };
        /// Absence is no error.
        optional "optional": bool => { .default_value(json!(false)) };
    }

    /// Where the manifests come from.
    pub struct KustomizationSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"]) };
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// What was last applied.
    pub struct KustomizationStatus {
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// What was done before, newest first.
        history "history": Vec<KustomizationSnapshot>;
        /// The managed objects.
        inventory "inventory": Option<ResourceInventory>;
        /// The origin of the revision that was applied last.
        last_applied_origin_revision "lastAppliedOriginRevision": String;
        /// The revision that was applied last.
        last_applied_revision "lastAppliedRevision": String;
        /// The revision that was tried last.
        last_attempted_revision "lastAttemptedRevision": String;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
    }

    /// A past reconciliation.
    pub struct KustomizationSnapshot {
        /// Digest of the content.
        digest "digest" (required): String;
        first_reconciled "firstReconciled" (required): Time;
        last_reconciled "lastReconciled" (required): Time;
        last_reconciled_duration "lastReconciledDuration" (required): GoDuration;
        last_reconciled_status "lastReconciledStatus" (required): String;
        metadata "metadata": IndexMap<String, String>;
        total_reconciliations "totalReconciliations" (required): i64;
    }
}
