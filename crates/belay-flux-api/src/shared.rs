//! What several kinds share: references, conditions, patches, inventories.

use crate::values::ConditionStatus;
use belay_crd::{Time, described};
use indexmap::IndexMap;

described! {
    /// The name of an object in the same namespace.
    pub struct LocalObjectReference {
        name "name" (required): String;
    }

    /// One aspect of an object's state.
    pub struct Condition {
        /// When the status last changed.
        last_transition_time "lastTransitionTime" (required): Time;
        /// Why, for people.
        message "message" (required): String => { .max_length(32768) };
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64> => { .minimum(0) };
        /// Why, in one word.
        reason "reason" (required): String => { .pattern("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$").min_length(1).max_length(1024) };
        /// True, False or Unknown.
        status "status" (required): ConditionStatus => { .one_of(&["True", "False", "Unknown"]) };
        /// Which aspect.
        type_ "type" (required): String => { .pattern(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$").max_length(316) };
    }

    /// An object by kind, name and namespace.
    pub struct NamespacedObjectKindReference {
        api_version "apiVersion": String;
        kind "kind" (required): String;
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// Labels and annotations for every object.
    pub struct CommonMetadata {
        annotations "annotations": IndexMap<String, String>;
        labels "labels": IndexMap<String, String>;
    }

    /// An object that has to be ready first.
    pub struct DependencyReference {
        name "name" (required): String;
        namespace "namespace": String;
        ready_expr "readyExpr": String;
    }

    /// Health of a kind by CEL expressions.
    pub struct CustomHealthCheck {
        api_version "apiVersion" (required): String;
        current "current" (required): String;
        failed "failed": String;
        in_progress "inProgress": String;
        kind "kind": String;
    }

    /// Fields of some objects that are left alone.
    pub struct IgnoreRule {
        paths "paths" (required): Vec<String>;
        target "target": Option<Selector>;
    }

    /// Which objects it is about.
    pub struct Selector {
        annotation_selector "annotationSelector": String;
        group "group": String;
        kind "kind": String;
        label_selector "labelSelector": String;
        name "name": String;
        namespace "namespace": String;
        /// Version or range.
        version "version": String;
    }

    /// An image to replace.
    pub struct KustomizeImage {
        /// Digest of the content.
        digest "digest": String;
        name "name" (required): String;
        new_name "newName": String;
        new_tag "newTag": String;
    }

    /// Which other cluster to use.
    pub struct KubeConfigReference {
        config_map_ref "configMapRef": Option<LocalObjectReference>;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<SecretKeyReference>;
    } with { .rule("has(self.configMapRef) || has(self.secretRef)", "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified").rule("!has(self.configMapRef) || !has(self.secretRef)", "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified") }

    /// A key of a Secret.
    pub struct SecretKeyReference {
        key "key": String;
        name "name" (required): String;
    }

    /// A patch for some objects.
    pub struct KustomizePatch {
        patch "patch" (required): String;
        target "target": Option<Selector>;
    }

    /// The objects that are managed.
    pub struct ResourceInventory {
        entries "entries" (required): Vec<ResourceReference>;
    }

    /// One managed object.
    pub struct ResourceReference {
        /// The object, as `namespace_name_group_kind`.
        id "id" (required): String;
        /// Its API version.
        v "v" (required): String;
    }

    /// An object by name, perhaps of another namespace.
    pub struct NamespacedObjectReference {
        name "name" (required): String;
        namespace "namespace": String;
    }
}
