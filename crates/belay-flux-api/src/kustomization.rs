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
    /// `Kustomization`.
    pub struct Kustomization {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": KustomizationSpec;
        status "status": KustomizationStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct KustomizationSpec {
        build_metadata "buildMetadata": Vec<String> => { .each(|item| item.one_of(&["originAnnotations", "transformerAnnotations"])) };
        common_metadata "commonMetadata": Option<CommonMetadata>;
        components "components": Vec<String>;
        decryption "decryption": Option<Decryption>;
        deletion_policy "deletionPolicy": DeletionPolicy => { .one_of(&["MirrorPrune", "Delete", "WaitForTermination", "Orphan"]) };
        depends_on "dependsOn": Vec<DependencyReference>;
        force "force": Option<bool> => { .default_value(json!(false)) };
        health_check_exprs "healthCheckExprs": Vec<CustomHealthCheck>;
        health_checks "healthChecks": Vec<NamespacedObjectKindReference>;
        ignore "ignore": Vec<IgnoreRule>;
        ignore_missing_components "ignoreMissingComponents": bool;
        images "images": Vec<KustomizeImage>;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        kube_config "kubeConfig": Option<KubeConfigReference>;
        name_prefix "namePrefix": String => { .min_length(1).max_length(200) };
        name_suffix "nameSuffix": String => { .min_length(1).max_length(200) };
        patches "patches": Vec<KustomizePatch>;
        path "path": String;
        post_build "postBuild": Option<PostBuild>;
        prune "prune" (required): bool;
        retry_interval "retryInterval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        service_account_name "serviceAccountName": String;
        source_ref "sourceRef" (required): KustomizationSourceReference;
        suspend "suspend": bool;
        target_namespace "targetNamespace": String => { .min_length(1).max_length(63) };
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        wait "wait": bool;
    }

    /// `spec.decryption`.
    pub struct Decryption {
        provider "provider" (required): String => { .one_of(&["sops"]) };
        secret_ref "secretRef": Option<LocalObjectReference>;
        service_account_name "serviceAccountName": String;
    }

    /// `spec.postBuild`.
    pub struct PostBuild {
        substitute "substitute": IndexMap<String, String>;
        substitute_from "substituteFrom": Vec<SubstituteReference>;
        substitute_strategy "substituteStrategy": String => { .one_of(&["WithVariables", "Always"]) };
    }

    /// `spec.postBuild.substituteFrom[]`.
    pub struct SubstituteReference {
        kind "kind" (required): String => { .one_of(&["Secret", "ConfigMap"]) };
        name "name" (required): String => { .min_length(1).max_length(253) };
        optional "optional": Option<bool> => { .default_value(json!(false)) };
    }

    /// `spec.sourceRef`.
    pub struct KustomizationSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"]) };
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// `status`.
    pub struct KustomizationStatus {
        conditions "conditions": Vec<Condition>;
        history "history": Vec<KustomizationSnapshot>;
        inventory "inventory": Option<ResourceInventory>;
        last_applied_origin_revision "lastAppliedOriginRevision": String;
        last_applied_revision "lastAppliedRevision": String;
        last_attempted_revision "lastAttemptedRevision": String;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_generation "observedGeneration": Option<i64>;
    }

    /// `status.history[]`.
    pub struct KustomizationSnapshot {
        digest "digest" (required): String;
        first_reconciled "firstReconciled" (required): Time;
        last_reconciled "lastReconciled" (required): Time;
        last_reconciled_duration "lastReconciledDuration" (required): GoDuration;
        last_reconciled_status "lastReconciledStatus" (required): String;
        metadata "metadata": IndexMap<String, String>;
        total_reconciliations "totalReconciliations" (required): i64;
    }
}
