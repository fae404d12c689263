//! Image scanning, image policies and the automation that writes back to Git.

use crate::shared::{Condition, LocalObjectReference, NamespacedObjectReference};
use crate::source::{AccessFrom, GitRepositoryRef};
use belay_crd::{GoDuration, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::json;

described! {
    /// The tags of an image.
    pub struct ImageRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": ImageRepositorySpec;
        /// What was found.
        status "status": ImageRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of an ImageRepository.
    pub struct ImageRepositorySpec {
        /// Which namespaces may use it.
        access_from "accessFrom": Option<AccessFrom>;
        /// Secret with the certificates.
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        exclusion_list "exclusionList": Vec<String> => { .max_items(25).default_value(json!(["^.*\\.sig$"])) };
        image "image" (required): String;
        /// Allow plain HTTP.
        insecure "insecure": bool;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// Whose service it is.
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "gcp"]).default_value(json!("generic")) };
        /// Secret with the proxy's address and credentials.
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// The account to act as.
        service_account_name "serviceAccountName": String => { .max_length(253) };
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$") };
    }

    /// What was last scanned.
    pub struct ImageRepositoryStatus {
        canonical_image_name "canonicalImageName": String;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        last_scan_result "lastScanResult": Option<ScanResult>;
        observed_exclusion_list "observedExclusionList": Vec<String>;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
    }

    /// What a scan found.
    pub struct ScanResult {
        latest_tags "latestTags": Vec<String>;
        /// Where it comes from, for people and for comparison.
        revision "revision": String;
        scan_time "scanTime": Time;
        tag_count "tagCount" (required): i64 => { .without("format") };
    }

    /// Which tag of an image is chosen.
    pub struct ImagePolicy {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": ImagePolicySpec;
        /// What was found.
        status "status": ImagePolicyStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of an ImagePolicy.
    pub struct ImagePolicySpec {
        digest_reflection_policy "digestReflectionPolicy": String => { .one_of(&["Always", "IfNotPresent", "Never"]).default_value(json!("Never")) };
        filter_tags "filterTags": Option<TagFilter>;
        image_repository_ref "imageRepositoryRef" (required): NamespacedObjectReference;
        /// How often to look.
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        policy "policy" (required): ImagePolicyChoice;
        /// Leave everything as it is.
        suspend "suspend": bool;
    } with { .rule("!has(self.interval) || (has(self.digestReflectionPolicy) && self.digestReflectionPolicy == 'Always')", "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'").rule("has(self.interval) || !has(self.digestReflectionPolicy) || self.digestReflectionPolicy != 'Always'", "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'") }

    /// Which tags count.
    pub struct TagFilter {
        extract "extract": String;
        pattern "pattern": String;
    }

    /// The rule; exactly one is set.
    pub struct ImagePolicyChoice {
        alphabetical "alphabetical": Option<OrderPolicy>;
        numerical "numerical": Option<OrderPolicy>;
        /// Version range.
        semver "semver": Option<SemverPolicy>;
    }

    /// First or last in order.
    pub struct OrderPolicy {
        order "order": String => { .one_of(&["asc", "desc"]).default_value(json!("asc")) };
    }

    /// Newest in a version range.
    pub struct SemverPolicy {
        range "range" (required): String;
    }

    /// What was last chosen.
    pub struct ImagePolicyStatus {
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        latest_ref "latestRef": Option<ImageRef>;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_previous_ref "observedPreviousRef": Option<ImageRef>;
    }

    /// An image with tag and digest.
    pub struct ImageRef {
        /// Digest of the content.
        digest "digest": String;
        name "name" (required): String;
        /// Tag.
        tag "tag" (required): String;
    }

    /// Chosen tags, committed to Git.
    pub struct ImageUpdateAutomation {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": ImageUpdateAutomationSpec;
        /// What was found.
        status "status": ImageUpdateAutomationStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of an ImageUpdateAutomation.
    pub struct ImageUpdateAutomationSpec {
        git "git": Option<GitSpec>;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        policy_selector "policySelector": Option<LabelSelector>;
        /// Where it comes from.
        source_ref "sourceRef" (required): AutomationSourceReference;
        /// Leave everything as it is.
        suspend "suspend": bool;
        update "update": Option<UpdateStrategy> => { .default_value(json!({"strategy": "Setters"})) };
    }

    /// How Git is read and written.
    pub struct GitSpec {
        checkout "checkout": Option<GitCheckout>;
        /// Commit.
        commit "commit" (required): GitCommit;
        push "push": Option<GitPush>;
    }

    /// What is checked out.
    pub struct GitCheckout {
        /// Which revision.
        reference "ref" (required): GitRepositoryRef;
    }

    /// How commits are made.
    pub struct GitCommit {
        author "author" (required): CommitUser;
        message_template "messageTemplate": String;
        message_template_values "messageTemplateValues": IndexMap<String, String>;
        signing_key "signingKey": Option<SigningKey>;
    }

    /// Who commits.
    pub struct CommitUser {
        email "email" (required): String;
        name "name": String;
    }

    /// The key that commits are signed with.
    pub struct SigningKey {
        /// Secret with the credentials.
        secret_ref "secretRef" (required): LocalObjectReference;
        type_ "type": String => { .one_of(&["gpg", "ssh"]) };
    }

    /// Where commits are pushed to.
    pub struct GitPush {
        /// Branch.
        branch "branch": String;
        options "options": IndexMap<String, String>;
        refspec "refspec": String => { .pattern("^$|^[^+:]") };
    }

    /// A selector by labels.
    pub struct LabelSelector {
        match_expressions "matchExpressions": Vec<LabelSelectorRequirement> => { .atomic_list() };
        match_labels "matchLabels": IndexMap<String, String>;
    } with { .atomic_map() }

    /// One condition on a label.
    pub struct LabelSelectorRequirement {
        key "key" (required): String;
        operator "operator" (required): String;
        /// Values; win over `valuesFrom`.
        values "values": Vec<String> => { .atomic_list() };
    }

    /// The repository to write to.
    pub struct AutomationSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["GitRepository"]).default_value(json!("GitRepository")) };
        name "name" (required): String;
        namespace "namespace": String;
    }

    /// What is updated, and how.
    pub struct UpdateStrategy {
        /// Folder inside the source.
        path "path": String;
        strategy "strategy": String => { .one_of(&["Setters"]).default_value(json!("Setters")) };
    }

    /// What was last pushed.
    pub struct ImageUpdateAutomationStatus {
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        last_automation_run_time "lastAutomationRunTime": Time;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        last_push_commit "lastPushCommit": String;
        last_push_time "lastPushTime": Time;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_policies "observedPolicies": IndexMap<String, ImageRef>;
        observed_source_revision "observedSourceRevision": String;
    }
}
