//! What several kinds share: references, conditions, patches, inventories.

use crate::values::ConditionStatus;
use belay_crd::{Time, described};
use indexmap::IndexMap;

described! {
    /// `spec.include[].repository`.
    pub struct LocalObjectReference {
        name "name" (required): String;
    }

    /// `status.conditions[]`.
    pub struct Condition {
        last_transition_time "lastTransitionTime" (required): Time;
        message "message" (required): String => { .max_length(32768) };
        observed_generation "observedGeneration": Option<i64> => { .minimum(0) };
        reason "reason" (required): String => { .pattern("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$").min_length(1).max_length(1024) };
        status "status" (required): ConditionStatus => { .one_of(&["True", "False", "Unknown"]) };
        type_ "type" (required): String => { .pattern(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$").max_length(316) };
    }

    /// `spec.sourceRef`.
    pub struct NamespacedObjectKindReference {
        api_version "apiVersion": String;
        kind "kind" (required): String;
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// `spec.commonMetadata`.
    pub struct CommonMetadata {
        annotations "annotations": IndexMap<String, String>;
        labels "labels": IndexMap<String, String>;
    }

    /// `spec.dependsOn[]`.
    pub struct DependencyReference {
        name "name" (required): String;
        namespace "namespace": String;
        ready_expr "readyExpr": String;
    }

    /// `spec.healthCheckExprs[]`.
    pub struct CustomHealthCheck {
        api_version "apiVersion" (required): String;
        current "current" (required): String;
        failed "failed": String;
        in_progress "inProgress": String;
        kind "kind": String;
    }

    /// `spec.ignore[]`.
    pub struct IgnoreRule {
        paths "paths" (required): Vec<String>;
        target "target": Option<Selector>;
    }

    /// `spec.ignore[].target`.
    pub struct Selector {
        annotation_selector "annotationSelector": String;
        group "group": String;
        kind "kind": String;
        label_selector "labelSelector": String;
        name "name": String;
        namespace "namespace": String;
        version "version": String;
    }

    /// `spec.images[]`.
    pub struct KustomizeImage {
        digest "digest": String;
        name "name" (required): String;
        new_name "newName": String;
        new_tag "newTag": String;
    }

    /// `spec.kubeConfig`.
    pub struct KubeConfigReference {
        config_map_ref "configMapRef": Option<LocalObjectReference>;
        secret_ref "secretRef": Option<SecretKeyReference>;
    } with { .rule("has(self.configMapRef) || has(self.secretRef)", "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified").rule("!has(self.configMapRef) || !has(self.secretRef)", "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified") }

    /// `spec.kubeConfig.secretRef`.
    pub struct SecretKeyReference {
        key "key": String;
        name "name" (required): String;
    }

    /// `spec.patches[]`.
    pub struct KustomizePatch {
        patch "patch" (required): String;
        target "target": Option<Selector>;
    }

    /// `status.inventory`.
    pub struct ResourceInventory {
        entries "entries" (required): Vec<ResourceReference>;
    }

    /// `status.inventory.entries[]`.
    pub struct ResourceReference {
        id "id" (required): String;
        v "v" (required): String;
    }

    /// `spec.imageRepositoryRef`.
    pub struct NamespacedObjectReference {
        name "name" (required): String;
        namespace "namespace": String;
    }
}
