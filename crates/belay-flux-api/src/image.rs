//! Image scanning, image policies and the automation that writes back to Git.

use crate::shared::{Condition, LocalObjectReference, NamespacedObjectReference};
use crate::source::{AccessFrom, GitRepositoryRef};
use belay_crd::{GoDuration, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::json;

described! {
    /// `ImageRepository`.
    pub struct ImageRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": ImageRepositorySpec;
        status "status": ImageRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct ImageRepositorySpec {
        access_from "accessFrom": Option<AccessFrom>;
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        exclusion_list "exclusionList": Vec<String> => { .max_items(25).default_value(json!(["^.*\\.sig$"])) };
        image "image" (required): String;
        insecure "insecure": bool;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "gcp"]).default_value(json!("generic")) };
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        secret_ref "secretRef": Option<LocalObjectReference>;
        service_account_name "serviceAccountName": String => { .max_length(253) };
        suspend "suspend": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$") };
    }

    /// `status`.
    pub struct ImageRepositoryStatus {
        canonical_image_name "canonicalImageName": String;
        conditions "conditions": Vec<Condition>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        last_scan_result "lastScanResult": Option<ScanResult>;
        observed_exclusion_list "observedExclusionList": Vec<String>;
        observed_generation "observedGeneration": Option<i64>;
    }

    /// `status.lastScanResult`.
    pub struct ScanResult {
        latest_tags "latestTags": Vec<String>;
        revision "revision": String;
        scan_time "scanTime": Time;
        tag_count "tagCount" (required): i64 => { .without("format") };
    }

    /// `ImagePolicy`.
    pub struct ImagePolicy {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": ImagePolicySpec;
        status "status": ImagePolicyStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct ImagePolicySpec {
        digest_reflection_policy "digestReflectionPolicy": String => { .one_of(&["Always", "IfNotPresent", "Never"]).default_value(json!("Never")) };
        filter_tags "filterTags": Option<TagFilter>;
        image_repository_ref "imageRepositoryRef" (required): NamespacedObjectReference;
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        policy "policy" (required): ImagePolicyChoice;
        suspend "suspend": bool;
    } with { .rule("!has(self.interval) || (has(self.digestReflectionPolicy) && self.digestReflectionPolicy == 'Always')", "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'").rule("has(self.interval) || !has(self.digestReflectionPolicy) || self.digestReflectionPolicy != 'Always'", "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'") }

    /// `spec.filterTags`.
    pub struct TagFilter {
        extract "extract": String;
        pattern "pattern": String;
    }

    /// `spec.policy`.
    pub struct ImagePolicyChoice {
        alphabetical "alphabetical": Option<OrderPolicy>;
        numerical "numerical": Option<OrderPolicy>;
        semver "semver": Option<SemverPolicy>;
    }

    /// `spec.policy.alphabetical`.
    pub struct OrderPolicy {
        order "order": String => { .one_of(&["asc", "desc"]).default_value(json!("asc")) };
    }

    /// `spec.policy.semver`.
    pub struct SemverPolicy {
        range "range" (required): String;
    }

    /// `status`.
    pub struct ImagePolicyStatus {
        conditions "conditions": Vec<Condition>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        latest_ref "latestRef": Option<ImageRef>;
        observed_generation "observedGeneration": Option<i64>;
        observed_previous_ref "observedPreviousRef": Option<ImageRef>;
    }

    /// `status.latestRef`.
    pub struct ImageRef {
        digest "digest": String;
        name "name" (required): String;
        tag "tag" (required): String;
    }

    /// `ImageUpdateAutomation`.
    pub struct ImageUpdateAutomation {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": ImageUpdateAutomationSpec;
        status "status": ImageUpdateAutomationStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct ImageUpdateAutomationSpec {
        git "git": Option<GitSpec>;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        policy_selector "policySelector": Option<LabelSelector>;
        source_ref "sourceRef" (required): AutomationSourceReference;
        suspend "suspend": bool;
        update "update": Option<UpdateStrategy> => { .default_value(json!({"strategy": "Setters"})) };
    }

    /// `spec.git`.
    pub struct GitSpec {
        checkout "checkout": Option<GitCheckout>;
        commit "commit" (required): GitCommit;
        push "push": Option<GitPush>;
    }

    /// `spec.git.checkout`.
    pub struct GitCheckout {
        reference "ref" (required): GitRepositoryRef;
    }

    /// `spec.git.commit`.
    pub struct GitCommit {
        author "author" (required): CommitUser;
        message_template "messageTemplate": String;
        message_template_values "messageTemplateValues": IndexMap<String, String>;
        signing_key "signingKey": Option<SigningKey>;
    }

    /// `spec.git.commit.author`.
    pub struct CommitUser {
        email "email" (required): String;
        name "name": String;
    }

    /// `spec.git.commit.signingKey`.
    pub struct SigningKey {
        secret_ref "secretRef" (required): LocalObjectReference;
        type_ "type": String => { .one_of(&["gpg", "ssh"]) };
    }

    /// `spec.git.push`.
    pub struct GitPush {
        branch "branch": String;
        options "options": IndexMap<String, String>;
        refspec "refspec": String => { .pattern("^$|^[^+:]") };
    }

    /// `spec.policySelector`.
    pub struct LabelSelector {
        match_expressions "matchExpressions": Vec<LabelSelectorRequirement> => { .atomic_list() };
        match_labels "matchLabels": IndexMap<String, String>;
    } with { .atomic_map() }

    /// `spec.policySelector.matchExpressions[]`.
    pub struct LabelSelectorRequirement {
        key "key" (required): String;
        operator "operator" (required): String;
        values "values": Vec<String> => { .atomic_list() };
    }

    /// `spec.sourceRef`.
    pub struct AutomationSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["GitRepository"]).default_value(json!("GitRepository")) };
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// `spec.update`.
    pub struct UpdateStrategy {
        path "path": String;
        strategy "strategy": String => { .one_of(&["Setters"]).default_value(json!("Setters")) };
    }

    /// `status`.
    pub struct ImageUpdateAutomationStatus {
        conditions "conditions": Vec<Condition>;
        last_automation_run_time "lastAutomationRunTime": Time;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        last_push_commit "lastPushCommit": String;
        last_push_time "lastPushTime": Time;
        observed_generation "observedGeneration": Option<i64>;
        observed_policies "observedPolicies": IndexMap<String, ImageRef>;
        observed_source_revision "observedSourceRevision": String;
    }
}
